"""What a scenario may name, with a line about each."""

from collections.abc import Callable, Mapping

from ntn6g.core.errors import ScenarioError


def _configs() -> dict[str, str]:
    from ntn6g.scenario import load, shipped_configs

    return {name: load(path).description for name, path in shipped_configs().items()}


def _channels() -> dict[str, str]:
    return {
        "awgn": "white Gaussian noise only",
        "cdl": "CDL-A to -E of TR 38.901, for terrestrial links",
        "land-mobile": "flat: good and bad states along the way of the terminal (ITU-R P.681, two states)",
        "loo": "flat: log-normal line of sight and Rayleigh multipath (Loo)",
        "ntn-cdl": "NTN-CDL-A to -D of TR 38.811, scaled to the elevation in delay, K-factor and angles",
        "ntn-conformance": "NTN-TDLA100 and NTN-TDLC5 of the conformance tests of TS 38.101-5 and TS 38.108",
        "ntn-rays": "the ray model of TR 38.811: large-scale parameters, clusters and rays drawn for every block",
        "ntn-tdl": "NTN-TDL-A to -D of TR 38.811; delay spread and K-factor follow the elevation",
        "rician": "flat: line of sight and Rayleigh multipath; the K-factor follows the elevation",
        "rma": "rural macro cell of TR 38.901: path loss, sight, large-scale parameters and rays of every block",
        "shadowed-rician": "flat: Nakagami line of sight and Rayleigh multipath (Abdi)",
        "sub-thz": "urban micro cell at 100 to 150 GHz by measured statistics; to 300 GHz extrapolated",
        "tdl": "TDL-A to -E of TR 38.901, for terrestrial links",
        "uma": "urban macro cell of TR 38.901, as rma",
        "umi": "urban micro cell (street canyon) of TR 38.901, as rma",
    }


def _constellations() -> dict[str, str]:
    from importlib import resources

    import yaml

    # read as data: importing the package that owns the table starts TensorFlow
    text = resources.files("ntn6g").joinpath("orbit/constellation/constellations.yaml").read_text(encoding="utf-8")
    return {name: str(facts["what"]) for name, facts in yaml.safe_load(text).items()}


def _waveforms() -> dict[str, str]:
    return {
        "cp-ofdm": "NR slot with normal cyclic prefix and DM-RS, 15 to 240 kHz",
        "dft-s-ofdm": "the same slot, every symbol's data spread by a DFT (transform precoding of TS 38.211)",
        "otfs": "the same slot, all its data spread over delay and Doppler (inverse symplectic transform)",
        "afdm": "the same slot, every symbol's data spread over chirps (inverse affine Fourier transform)",
    }


def _policies() -> dict[str, str]:
    return {
        "fixed": "link adaptation: the single MCS that was best on the training passes",
        "illa": "the highest MCS within the target error rate at the newest report (inner loop)",
        "illa-ephemeris": "the same, with the change of path loss since the report that geometry predicts",
        "olla": "an outer loop of steps on ACK and NACK around the inner one, steps tuned",
        "olla-two-speed": "the same with larger steps at the start",
        "bayes": "the best MCS given level and age of the last report, counted on training passes",
        "bayes-at-target": "the same within the target error rate; likewise 'ridge-at-target'",
        "ridge": "linear prediction from the last reports with its error, then the best expected goodput",
        "thompson": "Thompson sampling on ACK and NACK alone",
        "informed": "bound: the exact distribution of the gain given 64 delayed complex estimates",
        "clairvoyant": "bound: the slot's signal-to-noise ratio itself; both bounds also '-at-target'",
        "a3": "handover: the neighbour of the same layer is better by an offset; between layers an A5",
        "a4": "the neighbour is above a threshold and better",
        "a5": "the serving cell is below one threshold, the neighbour above another",
        "d1": "the terminal has left the circle of its cell for that of another (D2 where beams move)",
        "cho-a3": "conditional: prepared beforehand and executed by the terminal; so are 'cho-a4', 'cho-a5', 'cho-d1'",
        "cho-t1": "conditional on a window of time before the predicted exit",
        "cho-d1-a4": "conditional on distance and level, both; likewise with a3, a5",
        "cho-t1-a4": "conditional on the window of time and level, both; likewise with a3, a5",
        "elevation": "the highest satellite, by a margin",
        "visibility": "when the predicted exit is near, to the cell that serves longest",
        "satellite-switch": "satellite switch with re-sync: another satellite takes over the cell at a broadcast time",
        "antenna-gain": "the cell that geometry and antenna patterns predict to be stronger by a margin",
        "load-aware": "the cell whose measured ratio and load promise more by a margin",
        "duplication": "two connections with the same data; 'split' with different data",
        "best-sinr": "bound: the best cell at every step, without interruption",
        "oracle": "bound: the best sequence of cells with interruptions, by dynamic programming",
        **_models("adaptation.models", "gru", "transformer", "dqn", "ppo"),
        **_models("handover.models", "handover-dqn"),
    }


def _detectors() -> dict[str, str]:
    return {
        "ca": "a cell against the mean of its training cells (cell averaging)",
        "os": "against one of them by rank (order statistic)",
        "go": "against the greater mean of the two sides (greatest of)",
        "known-noise": "bound: the noise is known",
        **_models("sensing.detector.model, with kind learned", "map-detector"),
    }


def _models(key: str, *kinds: str) -> dict[str, str]:
    """Trained models of some kinds that come with the package, and the key that takes them."""
    import json

    from ntn6g.study.models import CARD, shipped_models

    cards = {name: json.loads((folder / CARD).read_text(encoding="utf-8")) for name, folder in shipped_models().items()}
    return {
        name: f"trained {card['model']}, {len(card['seeds'])} seeds, {card['weights']} weights ({key})"
        for name, card in cards.items()
        if card["network"]["kind"] in kinds
    }


def _studies() -> dict[str, str]:
    return {
        "link": "BLER, BER and throughput over any sweep",
        "pass": "elevation, range, delay, Doppler and Doppler rate of a pass against time",
        "channel": "losses against elevation and frequency, delay profile, Doppler spectrum, distributions of links",
        "coverage": "satellites of a constellation in view over the Earth, gaps and revisit",
        "contacts": "rise, culmination and set of satellites over a network of ground stations",
        "beams": "C/I and SINR under a layout of beams, with other satellites interfering, as maps",
        "bler_table": "block error rate of code blocks on white noise, for a table that others look up",
        "sensing": "targets found, missed and measured on the grid that carries data, against bounds and closed forms",
        "multistatic": "a target found and located by echoes over several paths of satellites and ground stations",
        "adaptation": "policies of link adaptation over a satellite's delay, against tuned baselines and bounds",
        "handover": "terminals that move through cells of ground, stratosphere and orbit, and who hands them over when",
    }


TOPICS: Mapping[str, Callable[[], dict[str, str]]] = {
    "configs": _configs,
    "constellations": _constellations,
    "channels": _channels,
    "waveforms": _waveforms,
    "policies": _policies,
    "detectors": _detectors,
    "studies": _studies,
}


def catalogue(topic: str) -> dict[str, str]:
    """Names and descriptions of one topic."""
    if topic not in TOPICS:
        raise ScenarioError(f"{topic!r} is no topic; there are {', '.join(TOPICS)}")
    return TOPICS[topic]()
