"""Columns of a sensing study's rows: what was counted and summed, with intervals, beside closed forms and bounds."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from ntn6g.core.units import linear_to_db
from ntn6g.study.build.sensing.point import SensingPoint
from ntn6g.study.build.sensing.step import make_frame, make_link, of_targets
from ntn6g.study.build.sensing.structure import SensingStructure
from ntn6g.study.engine import Tally
from ntn6g.study.intervals import clopper_pearson, clustered_ratio, throughput_interval

_NORMAL = 1.959964  # 97.5 % quantile


def measured(point: SensingPoint, tally: Tally) -> dict[str, Any]:
    """What a tally of frames says about a point."""
    counts, frames, targets = tally.counts, tally.blocks, len(point.work.targets)
    looks = frames * (point.structure.tracking.frames if point.structure.tracking else 1)
    found: dict[str, Any] = {"blocks": frames}
    if targets:
        found |= _detected(point, counts, looks)
    # a frame's cells share their training cells, so that alarms come in bursts
    cells = counts["quiet_cells"] // frames
    limits = clustered_ratio(counts["false_alarms"], counts["false_alarms_squared"], cells, frames)
    if counts["quiet_cells"]:
        found |= _with_limits("false_alarm_rate", counts["false_alarms"] / counts["quiet_cells"], limits)
        found |= _floor(point, tally, looks)
    found["false_alarm_design"] = point.false_alarm
    if "resolved" in counts:
        limits = clopper_pearson(counts["resolved"], frames)
        found |= _with_limits("resolution_probability", counts["resolved"] / frames, limits)
    if "block_errors" in counts:
        found |= _delivered(point.structure, counts["block_errors"], frames)
    found |= _errors(point, tally, looks)
    if point.structure.tracking is not None:
        found |= _tracked(tally)
    return found


def _floor(point: SensingPoint, tally: Tally, looks: int) -> dict[str, float]:
    """Mean power of quiet cells, dB over the noise, and its closed form where sidelobes of targets leave it alone."""
    mean = tally.sums["floor_1"] / looks
    spread = max(tally.sums["floor_2"] / looks - mean**2, 0.0)
    error = _NORMAL * math.sqrt(spread / max(looks - 1, 1))
    found = _with_limits("floor_db", _db(mean), (_db(max(mean - error, 1e-12)), _db(mean + error)))
    structure, work = point.structure, point.work
    exact = structure.window != "rectangular" or (
        structure.padding == 1
        and not work.spread_cells
        and all(_on_grid(structure, *target[:2], 0.0) for target in work.targets)
    )
    if exact and structure.antennas is None:
        share = work.pilot_share if structure.pilots_apart else None
        expected = make_frame(structure).floor(sum(target[2] for target in work.targets), share)
        if expected is not None:
            found["floor_theory_db"] = _db(expected)
    return found


def _db(power: float) -> float:
    return float(linear_to_db(power))


def _detected(point: SensingPoint, counts: Mapping[str, int], looks: int) -> dict[str, Any]:
    """How often targets were declared: all together, and each by its name where there are several."""
    names = point.targets
    trials, hits = looks * len(names), counts["found"]
    found: dict[str, Any] = _with_limits("detection_probability", hits / trials, clopper_pearson(hits, trials))
    for place, name in enumerate(names if len(names) > 1 else ()):
        hits = counts[f"found_{place}"]
        found |= _with_limits(f"{name}_detection_probability", hits / looks, clopper_pearson(hits, looks))
    theory = _theory(point)
    return found if theory is None else found | {"detection_theory": theory}


def _delivered(structure: SensingStructure, lost: int, frames: int) -> dict[str, Any]:
    link, grid = make_link(structure), structure.grid
    assert link is not None
    peak_bps = link.block_bits / grid.duration_s
    low, high = throughput_interval(lost, frames, peak_bps)
    rate_bps = peak_bps * (1.0 - lost / frames)
    return {
        "block_errors": lost,
        **_with_limits("bler", lost / frames, clopper_pearson(lost, frames)),
        **_with_limits("throughput_bps", rate_bps, (low, high)),
        "spectral_efficiency": rate_bps / grid.bandwidth_hz,
    }


def _errors(point: SensingPoint, tally: Tally, looks: int) -> dict[str, float]:
    """Accuracy of a single target, or of several all together and each by its name."""
    structure, grid, facts = point.structure, point.structure.grid, point.facts
    found: dict[str, float] = {}
    endings = of_targets(structure.targets, structure.method)
    # joint bounds are those of one distance, which differs from frame to frame where every target is drawn by itself
    moved = len(endings) > 1 and point.work.spread_cells > 0.0
    for name, unit, error, scale in (
        ("range", "m", "delay", point.metres_per_s * grid.delay_cell_s),
        ("velocity", "m_s", "doppler", point.wavelength_m * grid.doppler_cell_hz),
    ):
        bound = f"{name}_crlb_{unit}"
        if endings:
            sums = _pooled(tally, [f"{error}{ending}" for ending in endings])
            limit = math.inf if moved else facts[bound]
            found |= _accuracy(f"{name}_rmse", unit, sums, looks * len(endings), scale, limit)
        for target, ending in zip(point.targets, endings if len(endings) > 1 else (), strict=False):
            sums = _pooled(tally, [f"{error}{ending}"])
            limit = math.inf if moved else facts[f"{target}_{bound}"]
            found |= _accuracy(f"{target}_{name}_rmse", unit, sums, looks, scale, limit)
    if structure.antennas is not None and structure.targets == 1:
        degrees = _pooled(tally, ["angle"])
        found |= _accuracy("angle_rmse", "deg", degrees, looks, math.degrees(1.0), facts["angle_crlb_deg"])
    return found


def _pooled(tally: Tally, names: Sequence[str]) -> tuple[float, ...]:
    """Sums of errors, of their squares and of their fourth powers."""
    return tuple(sum(tally.sums[f"{name}_{power}"] for name in names) for power in (1, 2, 4))


def _accuracy(
    name: str, unit: str, sums: tuple[float, ...], frames: int, scale: float, bound: float
) -> dict[str, float]:
    """Root-mean-square error with the interval of its mean square, and the same over the Cramer-Rao bound."""
    rmse, limits = _root(sums[1], sums[2], frames)
    found = _with_limits(f"{name}_{unit}", scale * rmse, (scale * limits[0], scale * limits[1]))
    if bound > 0.0 and math.isfinite(bound):
        over = scale / bound
        found |= _with_limits(f"{name}_over_crlb", over * rmse, (over * limits[0], over * limits[1]))
    bias = sums[0] / frames
    return found | {f"{name.removesuffix('_rmse')}_bias_{unit}": scale * bias}


def _root(squares: float, fourths: float, count: int) -> tuple[float, tuple[float, float]]:
    """Root of a mean of squares, from sums of them and of their own squares, with its interval."""
    square = squares / count
    spread = max(fourths / count - square**2, 0.0)
    rmse = math.sqrt(square)
    # normal law of the mean square, carried over to its root in logarithms, which keeps the low end positive
    factor = math.exp(_NORMAL * 0.5 * math.sqrt(spread / max(count - 1, 1)) / square) if square > 0.0 else 1.0
    return rmse, (rmse / factor, rmse * factor)


def _tracked(tally: Tally) -> dict[str, Any]:
    """What became of tracks. Errors scatter from track to track, normalised innovations are independent."""
    counts, sums, tracks = tally.counts, tally.sums, tally.blocks
    kept, judged = counts["kept"], counts["innovations"] + counts["rejected"]
    found: dict[str, Any] = _with_limits("tracks_kept", kept / tracks, clopper_pearson(kept, tracks))
    for name, unit, scale in (("range", "m", 1.0), ("velocity", "m_s", 1.0), ("angle", "deg", math.degrees(1.0))):
        if kept and f"tracked_{name}_2" in sums:
            rmse, ends = _root(sums[f"tracked_{name}_2"], sums[f"tracked_{name}_4"], kept)
            found |= _with_limits(f"tracked_{name}_rmse_{unit}", scale * rmse, (scale * ends[0], scale * ends[1]))
    if kept:
        mean = sums["state_1"] / kept
        error = _NORMAL * math.sqrt(max(sums["state_2"] / kept - mean**2, 0.0) / kept)
        found |= _with_limits("state_error_mean", mean, (mean - error, mean + error))
    if counts["innovations"]:
        count = counts["innovations"]
        mean = sums["innovation_1"] / count
        error = _NORMAL * math.sqrt(max(sums["innovation_2"] / count - mean**2, 0.0) / count)
        found |= _with_limits("innovation_mean", mean, (mean - error, mean + error))
    if judged:
        limits = clopper_pearson(counts["rejected"], judged)
        found |= _with_limits("innovations_rejected", counts["rejected"] / judged, limits)
    return found


def _with_limits(name: str, value: float, limits: tuple[Any, Any]) -> dict[str, float]:
    return {name: value, f"{name}_low": float(limits[0]), f"{name}_high": float(limits[1])}


def _theory(point: SensingPoint) -> float | None:
    """Closed form of the detection probability where it is exact: one Swerling-1 target in the middle of a cell."""
    structure, work = point.structure, point.work
    exact = (
        len(work.targets) == 1
        and structure.model is None
        and structure.swerling == 1
        and structure.modulation == "qpsk"
        and structure.window == "rectangular"
        and structure.waveform == "ofdm"
        and not (structure.direct or structure.scatterers or structure.cancel or structure.carrier_hz)
        and not structure.pilots_apart
        and structure.knows_data
        and not work.spread_cells
        and _on_grid(structure, *work.targets[0][:2], work.sines[0] if work.sines else 0.0)
    )
    if not exact:
        return None
    image_snr = work.targets[0][2] * structure.grid.energy.size * (structure.antennas or 1)
    return structure.cfar(point.false_alarm).detection_probability(image_snr)


def _on_grid(structure: SensingStructure, delay_s: float, doppler_hz: float, sine: float) -> bool:
    beam = 0.5 * sine * (structure.antennas or 0)
    cells = delay_s / structure.grid.delay_cell_s, doppler_hz / structure.grid.doppler_cell_hz, beam
    return all(abs(cell - round(cell)) < 1e-3 for cell in cells)  # a thousandth costs 1e-5 of the power
