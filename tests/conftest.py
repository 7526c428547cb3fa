"""Settings, statistics and compiled links that every test shares."""

import functools
import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", os.environ.get("NTN6G_TEST_GPU", "-1"))

import numpy as np
import pytest
from xdist.scheduler import LoadFileScheduling

CONFIGS = {path.stem for path in (Path(__file__).parents[1] / "configs").glob("*.yaml")}
_PROCESS_S = 600.0  # of testing, after which a process is replaced


class FreshProcesses(LoadFileScheduling):
    """Files go to processes that are replaced in time: XLA keeps every compiled program, 45 MB for a link."""

    def __init__(self, config, log=None):
        super().__init__(config, log)
        self._spent_s, self._retired = {}, set()

    def _split_scope(self, nodeid):
        """A file's tests stay together; those of one shipped config, whatever their file, share its programs."""
        case = nodeid.rpartition("[")[2].rstrip("]")
        return case if case in CONFIGS else super()._split_scope(nodeid)

    def mark_test_complete(self, node, item_index, duration=0.0):
        self._spent_s[node] = self._spent_s.get(node, 0.0) + duration
        super().mark_test_complete(node, item_index, duration)

    def _reschedule(self, node):
        if node not in self.registered_collections:
            return  # it still collects
        if self.workqueue and not node.shutting_down and self._spent_s.get(node, 0.0) > _PROCESS_S:
            self._retired.add(node)
            node.shutdown()  # once it has run what it holds
        super()._reschedule(node)
        if self._pending_of(self.assigned_work[node]) < 2:  # a process starts a test once it knows the next
            super()._reschedule(node)

    def remove_node(self, node):
        crashed = super().remove_node(node)
        if node in self._retired:
            node.gateway.exit()  # else it stays, with its memory, until all tests are done
        if node in self._retired and self.workqueue:
            self.config.pluginmanager.getplugin("dsession")._clone_node(node)
        return crashed


# minutes of compiling each, of parts that other configs and tests of their own compile too
LONG_CONFIGS = {
    *("ephemeris_age", "haps_downlink", "harq_over_delays", "leo600_ka_downlink", "leo600_s_uplink"),
    *("handover_constellations", "handover_journeys", "handover_learned", "handover_outage", "handover_tuning"),
    *("haps_sensing", "learned_detector", "multistatic_sensing", "terrestrial_tdl", "uma_cell"),
    *("offset_receivers", "ray_model", "sensing", "sensing_trade_off", "shadowed_links", "sub_thz_cell"),
    *("tracking_in_a_plane", "two_near_targets", "waveforms_over_a_pass"),
}
RUN_CONFIGS = {"test_every_shipped_config_runs", "test_outcomes_do_not_change_with_row_order_or_neighbours"}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Runs of the longest configs are slow tests; that they load, build and compile for a GPU is not."""
    for item in items:
        if getattr(item, "originalname", None) in RUN_CONFIGS and item.callspec.params["config"] in LONG_CONFIGS:
            item.add_marker(pytest.mark.slow)


def pytest_xdist_make_scheduler(config, log):
    """One process after another for the tests, instead of one for all."""
    return FreshProcesses(config, log) if config.getoption("dist") == "loadfile" else None


FALSE_ALARM = 1e-3  # of each statistical test function, Holm-corrected over its points


def holm_rejections(p_values, false_alarm=FALSE_ALARM):
    """Indices of the hypotheses that Holm's step-down procedure rejects at this family-wise false-alarm rate."""
    p_values = np.asarray(p_values, float)
    order = np.argsort(p_values)
    rejected = []
    for rank, index in enumerate(order):
        if p_values[index] > false_alarm / (len(p_values) - rank):
            break
        rejected.append(int(index))
    return rejected


@pytest.fixture
def holm():
    """The procedure as a function of p-values, so that test files need no import between them."""
    return holm_rejections


LINK_DEFAULTS = {
    "resource_blocks": 4,
    "subcarrier_spacing_hz": 120e3,
    "dmrs_additional_positions": 1,
    "pilots": True,
    "modulation": None,
    "mcs": 5,
    "mcs_table": 1,
    "decoder": "layered-offset-min-sum",
    "decoder_iterations": None,
    "fading": "awgn",
    "profile": None,
    "los_doppler_ratio": 0.7,
    "perfect_csi": False,
    "frequency_offset": False,
}


class Work:
    """A point as a step sees it: a channel key and the values of its blocks."""

    def __init__(self, structure, *, seed=1, **values):
        from ntn6g.study.build.link_step import make_chain

        self.channel_key, self.seed = structure.channel_key, seed
        esno_db = values.pop("esno_db", 10.0)
        self.values = dict.fromkeys(make_chain(structure).values_type.DTYPES, 0.0)
        self.values |= {"noise_variance": 10.0 ** (-esno_db / 10.0), "carrier_hz": 20e9, **values}


_FEW = 4  # batches without a code, which take a fraction of the time without compiling; a decoder takes more


@functools.cache
def _step(structure, rows, compiled):
    from ntn6g.study.build.link_step import link_step

    step = link_step(structure, rows=rows)
    if not compiled:
        step.compiled = step._sums
    return step


class Links:
    """Structures, their compiled steps, and counts over many chunks."""

    def structure(self, **changes):
        from ntn6g.study.build.link_step import LinkStructure

        return LinkStructure(**LINK_DEFAULTS | changes)

    def step(self, structure, *, rows=128):
        return _step(structure, rows, True)

    def work(self, structure, **values):
        return Work(structure, **values)

    def chunks(self, structure, values, count, *, rows=128, seed=1):
        """The first ``count`` chunks of one point; a few without a code are not compiled."""
        step = _step(structure, rows, structure.mcs is not None or count > _FEW * (rows // 32))
        point = Work(structure, seed=seed, **values)
        found = []
        for first in range(0, count, step.chunks_per_batch):
            found += step([(point, number) for number in range(first, first + step.chunks_per_batch)])
        return found[:count]

    def total(self, structure, values, count, **options):
        """Sums of counts over the first ``count`` chunks."""
        chunks = self.chunks(structure, values, count, **options)
        return {name: sum(chunk.counts[name] for chunk in chunks) for name in chunks[0].counts}


@pytest.fixture(scope="session")
def links():
    """TensorFlow starts with the first structure, not with the fixture."""
    return Links()


@pytest.fixture
def shared_steps(monkeypatch, links):
    """Studies take their compiled steps from those that other tests of this process have made already."""
    from ntn6g.services.handover import Simulation
    from ntn6g.study.build.link import LinkStudy

    def recipe(study, structure):
        return lambda: links.step(structure, rows=study.rows(structure))

    monkeypatch.setattr(LinkStudy, "recipe", recipe)
    # steps of a handover run one operation at a time: their compiled programs have tests of their own
    monkeypatch.setattr("ntn6g.study.build.handover.world.Simulation", functools.partial(Simulation, compiled=False))


# structures that one config compiles one by one, and that tests of their parts cover
FEWER_PROGRAMS = {
    "awgn_uncoded": ["sweep.grid.link.modulation=[bpsk, 64qam]"],
    "handover_constellations": [
        "parts.alone.sweep.grid.handover.layers.orbit.platform=[kuiper]",
        "parts.roaming.sweep.grid.handover.roaming=[full]",
    ],
    "handover_tuning": [
        "parts.tuning.sweep.grid.handover.tuning.time_to_trigger_ms=[0]",
        "parts.tuning.sweep.grid.handover.measurement.error_db=[1]",
    ],
    "haps_downlink": ["sweep.grid.at.terminal=[km_3, km_17]"],
    "harq_over_delays": ["parts.leo.sweep.grid.link.harq.processes=[32]"],
    "leo600_ka_downlink": ["sweep.grid.link.mcs=[10]"],
    "leo600_s_uplink": ["sweep.grid.link.mcs=[2]"],
    "waveforms_over_a_pass": ["sweep.grid.link.waveform=[otfs]"],
    "offset_receivers": [
        "parts.none.sweep.grid.link.receiver=[lmmse]",
        "parts.tracked.sweep.grid.link.synchroniser=[both]",
    ],
}


def fewer_programs(config, found):
    """What leaves one structure where a sensing config compares several."""
    swept = found.sweep.grid if found.sweep is not None and found.sweep.grid else {}
    fewer = {"sensing.cancel": "[static]", "sensing.array.antennas": "[4]"}
    one = [f"sweep.grid.{key}={value}" for key, value in fewer.items() if key in swept]
    if config == "sensing":
        one += ["parts.accuracy.sweep.grid.sensing.modulation=[qpsk]"]
        one += ["parts.resolution.sweep.grid.sensing.window=[hamming]"]
    if config == "two_near_targets":
        one += [f"parts.{part}.sweep.grid.sensing.method=[esprit]" for part in found.parts]
    if config == "learned_detector":
        one += [f"parts.{part}.sweep.grid.sensing.detector.kind=[learned]" for part in found.parts]
    if "waveform" in found.parts:
        one.append("parts.waveform.sweep.grid.sensing.waveform=[otfs]")
        one += ["parts.constellation.sweep.grid.sensing.modulation=[16qam]"]
        one += [f"parts.bandwidth.sweep.grid.sensing.{key}" for key in ("resource_blocks=[6]", "modulation=[16qam]")]
    return one


def reduced_overrides(config, resource_blocks=2, max_blocks=32):  # noqa: PLR0911  # one for each study
    """What makes a shipped config small enough for a test, whatever it holds: ``key.path=value`` each."""
    from ntn6g.scenario import load

    parts = [f"parts.{name}." for name, part in load(config).parts.items() if part.stop is not None]
    found = load(config)
    if found.bler_table is not None:
        return [
            "bler_table.mcs=[9]",
            "bler_table.mcs_tables=[1]",
            "bler_table.code_block_bits=[24]",
            "bler_table.block_errors=2",
            "bler_table.lowest_bler=0.2",
            "engine.batch=64",
        ]
    if found.coverage is not None:
        return ["coverage.latitude_step_deg=30", "coverage.duration_h=1"]
    if found.contacts is not None:
        return ["contacts.duration_h=2"]
    if found.sensing is not None or found.multistatic is not None:
        halves = config == "two_near_targets"  # whose windows are small as they are
        short = (*(["sensing.symbols=28"] if found.sensing and not halves else []), f"stop.max_blocks={max_blocks}")
        every = [f"{part}{key}" for part in parts or [""] for key in short]
        return ["engine.batch=64", *fewer_programs(config, found), *every]
    if found.adaptation is not None:
        one_point = [f"parts.map.sweep.grid.adaptation.{key}" for key in ("speed_kmh=[3]", "round_trip_ms=[4]")]
        one_model = ["parts.policies.adaptation.models=[dqn-leo600]", "parts.elsewhere.adaptation.models=[]"]
        few = ["adaptation.passes=8", "adaptation.slots=200", "adaptation.policies=[fixed, olla, ridge]"]
        return [*few, *one_point, *one_model]
    if found.handover is not None:
        places = ["", *(f"parts.{name}." for name, part in found.parts.items() if part.handover is not None)]
        few = ("terminals.count=4", "duration_s=2", "step_ms=40", "policies=[a3]")
        return [*(f"{each}handover.{key}" for each in places for key in few), *FEWER_PROGRAMS.get(config, [])]
    if found.study == "channel":
        return ["survey.draws=64", "survey.frequencies=5"]
    return [
        f"link.resource_blocks={resource_blocks}",
        "engine.batch=64",
        *FEWER_PROGRAMS.get(config, []),
        *(f"{part}stop.max_blocks={max_blocks}" for part in ("", *parts)),
    ]


@pytest.fixture(scope="session")
def reduced():
    """The overrides as a function of a config's name."""
    return reduced_overrides
