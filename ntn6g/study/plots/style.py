"""How every figure looks and what every axis is called: palette, fonts, names of config paths, saving."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ntn6g.core.errors import ScenarioError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PNG_DPI = 150
# M. Okabe and K. Ito, "Color Universal Design" (2008), without yellow, which is lost on white.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
STROKES: tuple[dict[str, Any], ...] = (
    {"linestyle": "-"},
    {"linestyle": "--", "markerfacecolor": "white"},
    {"linestyle": ":", "fillstyle": "left"},
    {"linestyle": "-.", "fillstyle": "top"},
    {"linestyle": (0, (5, 1, 1, 1, 1, 1)), "fillstyle": "bottom"},
)
GREY = "#666666"
SETTINGS = {
    "font.family": "DejaVu Sans",  # travels with matplotlib: the same letters on every machine
    "font.size": 9.5,
    "axes.labelsize": 10,
    "axes.titlesize": 10,
    "legend.fontsize": 9,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.8,
    "grid.color": "#dddddd",
    "grid.linewidth": 0.6,
    "lines.linewidth": 1.5,
    "lines.markersize": 4.5,
    "legend.frameon": False,
    "svg.hashsalt": "ntn6g",
    "savefig.dpi": PNG_DPI,
}


@dataclass(frozen=True)
class Name:
    """What a column is called: on an axis, and (with ``{}`` for the value) in a legend."""

    axis: str
    legend: str


NAMES = {
    "power.ebno_db": Name("Eb/N0 (dB)", "Eb/N0 {} dB"),
    "power.esno_db": Name("Es/N0 (dB)", "Es/N0 {} dB"),
    "power.budget.eirp_density_dbw_mhz": Name("EIRP density (dBW/MHz)", "{} dBW/MHz EIRP density"),
    "power.budget.range_km": Name("Slant range (km)", "{} km range"),
    "power.budget.g_over_t_db_k": Name("G/T (dB/K)", "G/T {} dB/K"),
    "at.elevation_deg": Name("Elevation (deg)", "{} deg elevation"),
    "at.fraction": Name("Fraction of the pass", "{} of the pass"),
    "at.from_culmination_s": Name("Time from culmination (s)", "{} s from culmination"),
    "at.utc": Name("Time (UTC)", "{}"),
    "channel.carrier_ghz": Name("Carrier (GHz)", "{} GHz carrier"),
    "channel.environment": Name("Environment", "{}"),
    "channel.fading.distance_m": Name("Distance on the ground (m)", "{} m"),
    "channel.fading.indoors": Name("Building", "indoors: {}"),
    "channel.fading.kind": Name("Fading", "{}"),
    "channel.fading.profile": Name("Fading profile", "profile {}"),
    "channel.fading.delay_spread_ns": Name("Delay spread (ns)", "{} ns delay spread"),
    "channel.fading.k_factor_db": Name("Rice factor (dB)", "Rice factor {} dB"),
    "link.modulation": Name("Modulation", "{}"),
    "link.mcs": Name("MCS index", "MCS {}"),
    "link.mcs_table": Name("MCS table", "MCS table {}"),
    "link.receiver": Name("Receiver", "{} receiver"),
    "link.waveform": Name("Waveform", "{}"),
    "link.coding": Name("Coding", "{} coding"),
    "link.direction": Name("Direction", "{}"),
    "link.subcarrier_khz": Name("Subcarrier spacing (kHz)", "{} kHz subcarriers"),
    "link.resource_blocks": Name("Resource blocks", "{} resource blocks"),
    "link.residual_offset_hz": Name("Residual offset (Hz)", "{} Hz offset"),
    "link.estimator": Name("Channel estimator", "{} estimator"),
    "link.synchroniser": Name("Synchroniser", "offset from {}"),
    "link.compensation.age_s": Name("Age of ephemeris (s)", "ephemeris {} s old"),
    "link.compensation.held_s": Name("Compensation held for (s)", "held for {} s"),
    "link.compensation.oblateness": Name("Terminal knows the Earth's oblateness", "oblateness known: {}"),
    "residual_offset_hz": Name("Residual offset (Hz)", "{} Hz offset"),
    "channel.domain": Name("Domain", "{} domain"),
    "terminals.ue.speed_kmh": Name("Terminal speed (km/h)", "{} km/h"),
    "coverage.platform": Name("Constellation", "{}"),
    "beams.reuse": Name("Colours", "reuse {}"),
    "beams.count": Name("Beams", "{} beams"),
    "beams.cross_polar_db": Name("Cross-polar discrimination (dB)", "{} dB between polarisations"),
    "beams.polarisations": Name("Polarisations", "{} polarisations"),
    "beams.offset_s": Name("Time from the start (s)", "after {} s"),
    "beams.motion": Name("Beams", "{}"),
    "link.amplifier.back_off_db": Name("Input back-off (dB)", "{} dB back-off"),
    "payload.amplifier.back_off_db": Name("Input back-off (dB)", "{} dB back-off"),
    "end_to_end_delay_ms": Name("Delay end to end (ms)", "{} ms end to end"),
    "end_to_end_doppler_khz": Name("Doppler end to end (kHz)", "{} kHz end to end"),
    "feeder_elevation_deg": Name("Gateway elevation (deg)", "{} deg over the gateway"),
    "service_snr_db": Name("SNR of the service link (dB)", "{} dB on the service link"),
    "contacts.platform": Name("Constellation", "{}"),
    "sensing.image_snr_db": Name("Image SNR (dB)", "image SNR {} dB"),
    "sensing.snr_db": Name("SNR per element (dB)", "SNR {} dB per element"),
    "sensing.detector.false_alarm": Name("False-alarm rate per cell", "false-alarm rate {}"),
    "sensing.detector.kind": Name("Detector", "{} detector"),
    "sensing.detector.model_seed": Name("Seed of the training", "training seed {}"),
    "sensing.modulation": Name("Modulation", "{}"),
    "sensing.estimator": Name("Channel estimate", "{} estimate"),
    "sensing.pilot_share": Name("Share of energy in pilots", "{} of the energy in pilots"),
    "sensing.resource_blocks": Name("Resource blocks", "{} resource blocks"),
    "sensing.comb": Name("Pilot comb", "comb {}"),
    "sensing.refine": Name("Refinement", "{} refinement"),
    "sensing.swerling": Name("Swerling case", "Swerling {}"),
    "sensing.targets.target.cross_section_dbsm": Name("Radar cross section (dBsm)", "{} dBsm"),
    "sensing.targets.second.range_m": Name("Range of the second target (m)", "second target at {} m"),
    "sensing.targets.strong.above_db": Name("Neighbour over the target (dB)", "neighbour at {} dB"),
    "sensing.tracking.assumed_density_m2_s3": Name(
        "Acceleration density of the filter (m²/s³)", "filter assumes {} m²/s³"
    ),
    "sensing.spread_cells": Name("Places drawn within (cells)", "drawn within {} cells"),
    "sensing.array.antennas": Name("Antennas", "{} antennas"),
    "sensing.waveform": Name("Waveform", "{}"),
    "sensing.beam.split": Name("Share of the power towards the target", "{} of the power towards the target"),
    "sensing.method": Name("Method", "{}"),
    "sensing.window": Name("Window", "{} window"),
    "seed": Name("Seed", "seed {}"),
    "time_s": Name("Time from culmination (s)", "{} s from culmination"),
    "ebno_db": Name("Eb/N0 (dB)", "Eb/N0 {} dB"),
    "esno_db": Name("Es/N0 (dB)", "Es/N0 {} dB"),
    "sinr_db": Name("SINR (dB)", "SINR {} dB"),
    "snr_db": Name("SNR (dB)", "SNR {} dB"),
    "elevation_deg": Name("Elevation (deg)", "{} deg elevation"),
    "range_km": Name("Slant range (km)", "{} km range"),
    "delay_ms": Name("One-way delay (ms)", "{} ms delay"),
    "doppler_khz": Name("Doppler (kHz)", "{} kHz Doppler"),
    "doppler_rate_khz_s": Name("Doppler rate (kHz/s)", "{} kHz/s"),
    "track.ephemeris.form": Name("Ephemeris", "{}"),
    "track.ephemeris.period_s": Name("Period of ephemeris (s)", "ephemeris every {} s"),
    "track.ephemeris.latency_s": Name("Latency of ephemeris (s)", "{} s latency"),
    "timing_error_us": Name("Timing error (us)", "{} us timing error"),
    "doppler_error_hz": Name("Doppler error (Hz)", "{} Hz Doppler error"),
    "bler": Name("BLER", "BLER {}"),
    "ber": Name("BER", "BER {}"),
    "ber_uncoded": Name("BER before decoding", "BER before decoding {}"),
    "ber_theory": Name("BER, closed form", "BER in closed form {}"),
    "spectral_efficiency": Name("Spectral efficiency (bit/s/Hz)", "{} bit/s/Hz"),
    "capacity_bps": Name("Shannon bound (bit/s)", "Shannon bound {} bit/s"),
}
UNITS = {
    "dbw_mhz": "dBW/MHz",
    "bps_hz": "bit/s/Hz",
    "km_s": "km/s",
    "m_s": "m/s",
    "khz_s": "kHz/s",
    "hz_s": "Hz/s",
    "kmh": "km/h",
    "mbps": "Mbit/s",
    "bps": "bit/s",
    "dbm": "dBm",
    "dbw": "dBW",
    "dbi": "dBi",
    "dbk": "dB/K",
    "db": "dB",
    "ghz": "GHz",
    "mhz": "MHz",
    "khz": "kHz",
    "hz": "Hz",
    "deg": "deg",
    "rad": "rad",
    "km2": "km²",
    "km": "km",
    "m": "m",
    "ms": "ms",
    "us": "µs",
    "ns": "ns",
    "s": "s",
    "k": "K",
    "w": "W",
    "utc": "UTC",
    "percent": "%",
}
"""Units at the end of a column's name, longest first where one ends like another."""
SPELT = {
    "banded-mmse": "banded MMSE",
    "dm-rs": "DM-RS",
    "cyclic-prefix": "cyclic prefix",
    "dft-s-ofdm": "DFT-s-OFDM",
}
"""Values that a scenario spells otherwise than people do."""
CAPITALS = {
    "afdm",
    "clean",
    "esprit",
    "music",
    "omp",
    "zf",
    "ca",
    "go",
    "os",
    "bpsk",
    "qpsk",
    "16qam",
    "64qam",
    "256qam",
    "1024qam",
    "awgn",
    "ofdm",
    "lmmse",
    "ls",
    "otfs",
    "ldpc",
    "ber",
    "bler",
    "cdf",
    "crlb",
    "harq",
    "mcs",
    "qber",
    "sinr",
    "snr",
}


def axis_label(column: str) -> str:
    """Name of a column with its unit, for an axis; a config path that has no entry in `NAMES` stays as it is."""
    if column in NAMES:
        return NAMES[column].axis
    if "." in column or not column:
        return column
    unit = next((unit for unit in UNITS if column.endswith(f"_{unit}")), "")
    words = column.removesuffix(f"_{unit}").split("_")
    name = " ".join(word.upper() if word in CAPITALS else word for word in words)
    return f"{name[0].upper()}{name[1:]}" + (f" ({UNITS[unit]})" if unit else "")


def legend_text(column: str, value: Any) -> str:
    """One value of a sweep axis as a legend says it: ``20 deg elevation``, else ``path = value``."""
    text = "cyclic prefix and DM-RS" if (column, value) == ("link.synchroniser", "both") else value_text(value)
    return NAMES[column].legend.format(text) if column in NAMES else f"{column} = {text}"


def value_text(value: Any) -> str:
    """A value of a sweep axis as text: short numbers, acronyms in capitals."""
    text = f"{value:g}" if isinstance(value, int | float) else str(value)
    return SPELT.get(text, text.upper() if text.lower() in CAPITALS else text)


def looks(told: Sequence[Mapping[str, str]], hue: str = "") -> list[dict[str, Any]]:
    """Colour, marker and line of each curve, told apart by colour-blind readers and in grey print.

    Parameters
    ----------
    told
        What names each curve, by column. Up to seven curves each have a colour and a marker. More curves share them
        by their first name, and differ in the line and the filling of the marker by the others; where that does
        not suffice, colours follow a sequential map.
    hue
        Column that chooses colour and marker, however many curves there are.

    Raises
    ------
    ScenarioError
        When more curves share a value of ``hue`` than strokes can tell apart.
    """
    if not hue and len(told) <= len(PALETTE):
        return [{"color": PALETTE[i], "marker": MARKERS[i], "linestyle": "-"} for i in range(len(told))]
    keys = [hue or next(iter(names), "") for names in told]
    first_of = [names.get(key, "") for key, names in zip(keys, told, strict=True)]
    rest_of = [tuple(t for c, t in names.items() if c != key) for key, names in zip(keys, told, strict=True)]
    first, rest = list(dict.fromkeys(first_of)), list(dict.fromkeys(rest_of))
    colors = PALETTE if len(first) <= len(PALETTE) else _shades(len(first))
    if len(rest) <= len(STROKES) and (hue or len(first) <= len(PALETTE)):
        places = [first.index(each) for each in first_of]
        return [
            {"color": colors[place], "marker": MARKERS[place % len(MARKERS)]} | STROKES[rest.index(names)]
            for place, names in zip(places, rest_of, strict=True)
        ]
    if hue:
        raise ScenarioError(
            f"{len(rest)} curves share each value of {hue}, and no more than {len(STROKES)} can be told apart; "
            "take the axis with most values for the colour",
            key="--hue",
        )
    shades = _shades(len(told))
    return [{"color": shades[i], "marker": MARKERS[i % len(MARKERS)], "linestyle": "-"} for i in range(len(told))]


def _shades(count: int) -> list[Any]:
    """Colours from dark to bright, which keep their order in grey print."""
    from matplotlib import colormaps

    return [colormaps["viridis"](0.92 * i / (count - 1)) for i in range(count)]


@contextmanager
def house_style() -> Iterator[None]:
    """Matplotlib's own defaults with `SETTINGS` on top, whatever the user's matplotlibrc says."""
    import matplotlib

    plain = {k: v for k, v in matplotlib.rcParamsDefault.items() if not k.startswith(("backend", "interactive"))}
    with matplotlib.rc_context({**plain, **SETTINGS}):
        yield


def new_figure(width_in: float, height_in: float) -> "Figure":
    """Make an empty figure that belongs to no window and lays itself out."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width_in, height_in), layout="constrained")


def add_title(figure: "Figure", title: str, detail: str = "") -> None:
    """Title at the top of the figure, ``detail`` on a line below it."""
    if title or detail:
        figure.suptitle("\n".join(filter(None, (title, detail))), fontsize=11)


def add_legend(figure: "Figure", handles: Sequence[Any]) -> None:
    """One legend for all panels, below them, so that it never covers data."""
    if handles:
        longest = max(len(str(handle.get_label())) for handle in handles)
        fitting = int(figure.get_figwidth() * 13 / (longest + 7))
        columns = max(1, min(len(handles), fitting))
        rows = -(-len(handles) // columns)
        figure.legend(handles=handles, loc="outside lower center", ncols=-(-len(handles) // rows))
