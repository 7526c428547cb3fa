"""Study `sensing`: how often targets are found, and how well they are measured, against closed forms and bounds."""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np
import tensorflow as tf

from ntn6g.channel import predicted_ici_db
from ntn6g.core import random
from ntn6g.core.constants import SPEED_OF_LIGHT_M_S
from ntn6g.core.errors import ScenarioError
from ntn6g.core.units import db_to_linear, kmh_to_m_s, linear_to_db
from ntn6g.scenario import Communication, Scenario, SensedTarget, Sensing, apply, flatten, sweep_points
from ntn6g.services.sensing import SensingGrid, crlb
from ntn6g.services.sensing.scene import echo_power_dbw, noise_power_dbw
from ntn6g.study.build.sensing_step import (
    SensingStructure,
    SensingWork,
    batch_rows,
    make_link,
    make_trial,
    sensing_step,
    subcarriers,
    values_of,
)
from ntn6g.study.engine import Recipe, StopRule, Tally
from ntn6g.study.intervals import clopper_pearson, clustered_ratio, throughput_interval

# Inter-carrier interference comes with the echo that makes it: 10 dB below the noise it raises the noise by 0.4 dB, and
# 15 dB below the echo (a tenth of the spacing) the echo itself loses 0.14 dB.
_MAX_ICI_OVER_NOISE_DB, _MAX_ICI_DB = -10.0, -15.0
_NORMAL = 1.959964  # 97.5 % quantile


@dataclass(frozen=True)
class SensingPoint:
    """One point of a sensing sweep."""

    axes: Mapping[str, Any]
    structure: SensingStructure
    work: SensingWork
    facts: Mapping[str, Any]
    metres_per_s: float
    """Range per second of delay."""
    wavelength_m: float
    """Velocity per hertz of Doppler."""
    false_alarm: float
    opens_at_m: float
    identity: str


class SensingStudy:
    """A part of a scenario as points, one compiled step per structure, and rows.

    Parameters as `ntn6g.study.build.link.LinkStudy`. A point has ``stop.max_blocks`` frames, whatever comes out.

    Raises
    ------
    ScenarioError
        A frame, target or detector that cannot be, or lies outside what a channel per subcarrier represents.
    """

    kind = "sensing"

    def __init__(self, part: str, scenario: Scenario) -> None:
        self.part, self.scenario = part, scenario
        self.rule = StopRule(max_blocks=scenario.stop.max_blocks)
        self.points = [_point(values, apply(scenario, values)) for values in sweep_points(scenario)]
        for structure in dict.fromkeys(point.structure for point in self.points):
            try:
                make_trial(structure)
                make_link(structure)
            except ValueError as error:
                raise ScenarioError(str(error), key="sensing") from None

    def rows(self, structure: SensingStructure) -> int:
        """Frames of a batch."""
        return self.scenario.engine.batch or batch_rows(structure)

    def recipe(self, structure: SensingStructure) -> Recipe:
        """How a worker builds the compiled step of a structure."""
        return partial(sensing_step, structure, rows=self.rows(structure))

    def row(self, point: SensingPoint, tally: Tally, stopped_by: str | None) -> dict[str, Any]:
        """Columns of the results table for one point."""
        del stopped_by  # there is one rule
        return {**point.facts, **_measured(point, tally)}

    def series(self) -> list[dict[str, Any]]:
        """Map of the first frame of every point, where asked for."""
        if self.scenario.sensing is None or not self.scenario.sensing.picture:
            return []
        return [_picture(point) for point in self.points]


def _point(values: Mapping[str, Any], asked: Scenario) -> SensingPoint:
    given = asked.sensing
    assert given is not None  # checked on loading
    structure = _structure(given)
    grid = structure.grid
    carrier_hz = given.carrier_ghz * 1e9
    way = 2.0 if given.geometry == "monostatic" else 1.0
    metres_per_s, wavelength_m = SPEED_OF_LIGHT_M_S / way, SPEED_OF_LIGHT_M_S / carrier_hz / way
    targets = []
    for name, target in given.targets.items():
        delay_s, doppler_hz = (target.range_m - given.opens_at_m) / metres_per_s, target.velocity_m_s / wavelength_m
        snr_db = _element_snr_db(given, target, grid) + target.above_db
        targets.append((delay_s, doppler_hz, float(db_to_linear(snr_db))))
        _check_target(name, given, structure, targets[-1])
    try:
        detector = structure.cfar(given.detector.false_alarm)
    except ValueError as error:
        raise ScenarioError(str(error), key="sensing.detector") from None
    work = SensingWork(
        structure.channel_key,
        asked.seed,
        targets,
        given.spread_cells,
        detector.multiple,
        given.pilot_share or 0.0,
        _link(given.communication, carrier_hz),
    )
    physics = json.dumps(["sensing", asked.seed, asdict(structure), asdict(work)], sort_keys=True)
    flat = flatten(asked)
    return SensingPoint(
        axes={path: flat.get(path, value) for path, value in values.items()},
        structure=structure,
        work=work,
        facts=_facts(structure.grid_at(given.pilot_share), targets, metres_per_s, wavelength_m),
        metres_per_s=metres_per_s,
        wavelength_m=wavelength_m,
        false_alarm=given.detector.false_alarm,
        opens_at_m=given.opens_at_m,
        identity=hashlib.sha256(physics.encode()).hexdigest(),
    )


def _element_snr_db(given: Sensing, target: SensedTarget, grid: SensingGrid) -> float:
    """Echo energy on the mean element over the noise density, dB."""
    if given.snr_db is not None:
        return given.snr_db
    if given.budget is None:
        return (given.image_snr_db or 0.0) - float(linear_to_db(grid.energy.size))
    echo_dbw = echo_power_dbw(
        eirp_dbw=given.budget.eirp_dbw,
        receive_gain_dbi=given.budget.receive_gain_dbi,
        carrier_hz=given.carrier_ghz * 1e9,
        cross_section_dbsm=target.cross_section_dbsm,
        transmit_range_m=target.range_m,
        receive_range_m=target.range_m,
        loss_db=given.budget.loss_db,
    )
    return float(echo_dbw) - noise_power_dbw(grid.bandwidth_hz, given.budget.noise_figure_db)


def _link(given: Communication | None, carrier_hz: float) -> tuple[float, float, float]:
    if given is None:
        return 1.0, 0.0, 0.0
    doppler_hz = kmh_to_m_s(given.speed_kmh) * carrier_hz / SPEED_OF_LIGHT_M_S
    return float(db_to_linear(given.snr_db)), 1e-9 * given.delay_spread_ns, doppler_hz


def _structure(given: Sensing) -> SensingStructure:
    return SensingStructure(
        subcarriers=subcarriers(given.resource_blocks),
        symbols=given.symbols,
        subcarrier_spacing_hz=given.subcarrier_khz * 1e3,
        modulation=given.modulation,
        comb=given.comb,
        symbol_step=given.symbol_step,
        pilots_apart=given.pilot_share is not None,
        knows_data=given.knows_data,
        swerling=given.swerling,
        estimator=given.estimator,
        window=given.window,
        padding=given.padding,
        refine=given.refine,
        targets=len(given.targets),
        detector=given.detector.kind,
        training=given.detector.training,
        guard=given.detector.guard,
        over=given.detector.over,
        code_rate=given.communication.code_rate if given.communication else None,
        profile=given.communication.profile if given.communication else "A",
    )


def _check_target(name: str, given: Sensing, structure: SensingStructure, target: tuple[float, float, float]) -> None:
    """Refuse what a channel per subcarrier would misrepresent, wherever within its spread the target is drawn."""
    grid, (delay_s, doppler_hz, snr) = structure.grid, target
    margin = 0.5 * given.spread_cells
    prefix_s = grid.period_s - 1.0 / grid.subcarrier_spacing_hz
    latest_s = delay_s + margin * grid.delay_cell_s
    way = 2.0 if given.geometry == "monostatic" else 1.0
    if delay_s < margin * grid.delay_cell_s:
        raise ScenarioError(
            f"drawn within {given.spread_cells:g} cells, the target comes nearer than where the window opens, "
            f"{given.opens_at_m:g} m; move it, or lower spread_cells",
            key=f"sensing.targets.{name}.range_m",
        )
    if latest_s > prefix_s:
        reach_m = given.opens_at_m + SPEED_OF_LIGHT_M_S * prefix_s / way
        raise ScenarioError(
            f"an echo {1e9 * latest_s:.0f} ns late, beyond the cyclic prefix of {1e9 * prefix_s:.0f} ns, which reaches "
            f"{reach_m:.0f} m; narrow the subcarriers, move the target or open the window later (opens_at_m)",
            key=f"sensing.targets.{name}.range_m",
        )
    fastest_hz = abs(doppler_hz) + margin * grid.doppler_cell_hz
    ici_db = float(np.max(predicted_ici_db(fastest_hz, 0.0, grid.subcarrier_spacing_hz)))
    over_noise_db = ici_db + float(linear_to_db(snr))
    if ici_db > _MAX_ICI_DB or over_noise_db > _MAX_ICI_OVER_NOISE_DB:
        raise ScenarioError(
            f"a Doppler shift of {fastest_hz:.0f} Hz makes inter-carrier interference of {ici_db:.1f} dB of the echo "
            f"and {over_noise_db:.1f} dB of the noise, above {_MAX_ICI_DB:g} or {_MAX_ICI_OVER_NOISE_DB:g} dB; widen "
            "the subcarriers, slow the target or lower its echo",
            key=f"sensing.targets.{name}.velocity_m_s",
        )


def _facts(grid: SensingGrid, targets: Any, metres_per_s: float, wavelength_m: float) -> dict[str, Any]:
    found: dict[str, Any] = {
        "range_cell_m": metres_per_s * grid.delay_cell_s,
        "velocity_cell_m_s": wavelength_m * grid.doppler_cell_hz,
        "unambiguous_range_m": metres_per_s * grid.unambiguous_delay_s,
        "unambiguous_velocity_m_s": wavelength_m * grid.unambiguous_doppler_hz / 2.0,
    }
    if len(targets) == 1:
        snr = targets[0][2]
        bound = crlb(grid, snr)
        found |= {
            "sensed_image_snr_db": float(linear_to_db(snr * grid.sensed_energy.sum())),
            "range_crlb_m": metres_per_s * float(bound.delay_s[0]),
            "velocity_crlb_m_s": wavelength_m * float(bound.doppler_hz[0]),
        }
    return found


def _measured(point: SensingPoint, tally: Tally) -> dict[str, Any]:
    counts, frames, targets = tally.counts, tally.blocks, len(point.work.targets)
    found: dict[str, Any] = {"blocks": frames}
    if targets:
        trials = frames * targets
        limits = clopper_pearson(counts["found"], trials)
        found |= _with_limits("detection_probability", counts["found"] / trials, limits)
        theory = _theory(point)
        if theory is not None:
            found["detection_theory"] = theory
    # a frame's cells share their training cells, so that alarms come in bursts
    cells = counts["quiet_cells"] // frames
    limits = clustered_ratio(counts["false_alarms"], counts["false_alarms_squared"], cells, frames)
    if counts["quiet_cells"]:
        found |= _with_limits("false_alarm_rate", counts["false_alarms"] / counts["quiet_cells"], limits)
    found["false_alarm_design"] = point.false_alarm
    if "resolved" in counts:
        limits = clopper_pearson(counts["resolved"], frames)
        found |= _with_limits("resolution_probability", counts["resolved"] / frames, limits)
    if "block_errors" in counts:
        found |= _delivered(point.structure, counts["block_errors"], frames)
    if targets == 1:
        grid = point.structure.grid
        for name, unit, error, scale in (
            ("range", "m", "delay", point.metres_per_s * grid.delay_cell_s),
            ("velocity", "m_s", "doppler", point.wavelength_m * grid.doppler_cell_hz),
        ):
            found |= _accuracy(f"{name}_rmse", unit, error, tally, scale, point.facts[f"{name}_crlb_{unit}"])
    return found


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


def _accuracy(name: str, unit: str, error: str, tally: Tally, scale: float, bound: float) -> dict[str, float]:
    """Root-mean-square error with the interval of its mean square, and the same over the Cramer-Rao bound."""
    frames, square = tally.blocks, tally.sums[f"{error}_2"] / tally.blocks
    spread = max(tally.sums[f"{error}_4"] / frames - square**2, 0.0)
    rmse = math.sqrt(square)
    # normal law of the mean square, carried over to its root in logarithms, which keeps the low end positive
    factor = math.exp(_NORMAL * 0.5 * math.sqrt(spread / max(frames - 1, 1)) / square) if square > 0.0 else 1.0
    limits = rmse / factor, rmse * factor
    found = _with_limits(f"{name}_{unit}", scale * rmse, (scale * limits[0], scale * limits[1]))
    if bound > 0.0 and math.isfinite(bound):
        over = scale / bound
        found |= _with_limits(f"{name}_over_crlb", over * rmse, (over * limits[0], over * limits[1]))
    bias = tally.sums[f"{error}_1"] / frames
    return found | {f"{name.removesuffix('_rmse')}_bias_{unit}": scale * bias}


def _with_limits(name: str, value: float, limits: tuple[Any, Any]) -> dict[str, float]:
    return {name: value, f"{name}_low": float(limits[0]), f"{name}_high": float(limits[1])}


def _theory(point: SensingPoint) -> float | None:
    """Closed form of the detection probability where it is exact: one Swerling-1 target in the middle of a cell."""
    structure, work = point.structure, point.work
    exact = (
        len(work.targets) == 1
        and structure.swerling == 1
        and structure.modulation == "qpsk"
        and structure.window == "rectangular"
        and not structure.pilots_apart
        and structure.knows_data
        and not work.spread_cells
        and _on_grid(structure, *work.targets[0][:2])
    )
    if not exact:
        return None
    image_snr = work.targets[0][2] * structure.grid.energy.size
    return structure.cfar(point.false_alarm).detection_probability(image_snr)


def _on_grid(structure: SensingStructure, delay_s: float, doppler_hz: float) -> bool:
    cells = delay_s / structure.grid.delay_cell_s, doppler_hz / structure.grid.doppler_cell_hz
    return all(abs(cell - round(cell)) < 1e-3 for cell in cells)  # a thousandth costs 1e-5 of the power


def _picture(point: SensingPoint) -> dict[str, Any]:
    """Map of the first frame, with its axes rising, and where the targets are."""
    trial = make_trial(point.structure)
    keys = random.block_keys(tf.constant([random.chunk_key(point.work.seed, point.work.channel_key, 0)], tf.uint32), 1)
    values = values_of([point.work], 1)
    delay_s, doppler_hz = trial.place(keys, values)
    _, power, declared = tf.function(trial.picture, jit_compile=True, autograph=False)(keys, values)
    velocity_m_s = point.wavelength_m * trial.rd_map.doppler_hz
    order = np.argsort(velocity_m_s)
    return {
        "map_db": linear_to_db(np.maximum(power[0].numpy()[order], 1e-12)).astype(np.float32),
        "declared": declared[0].numpy()[order],
        "range_m": point.opens_at_m + point.metres_per_s * trial.rd_map.delay_s,
        "velocity_m_s": velocity_m_s[order],
        "target_range_m": point.opens_at_m + point.metres_per_s * delay_s[0].numpy(),
        "target_velocity_m_s": point.wavelength_m * doppler_hz[0].numpy(),
        "axes": np.array(json.dumps(dict(point.axes))),
    }
