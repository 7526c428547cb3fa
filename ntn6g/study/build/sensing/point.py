"""A point of a sensing study: from the keys of its scenario to a structure, values and what is known beforehand."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ntn6g.channel import predicted_ici_db
from ntn6g.core.constants import SPEED_OF_LIGHT_M_S
from ntn6g.core.errors import ScenarioError
from ntn6g.core.units import db_to_linear, kmh_to_m_s, linear_to_db
from ntn6g.scenario import Communication, Scenario, SensedTarget, Sensing, flatten
from ntn6g.services.sensing import SensingGrid, Surroundings, crlb, split_gains
from ntn6g.services.sensing.scene import CROSS_SECTIONS, cross_section_dbsm, echo_power_dbw, noise_power_dbw
from ntn6g.study.build.sensing.step import SensingStructure, SensingWork, subcarriers

# Inter-carrier interference comes with the echo that makes it: 10 dB below the noise it raises the noise by 0.4 dB, and
# 15 dB below the echo (a tenth of the spacing) the echo itself loses 0.14 dB.
_MAX_ICI_OVER_NOISE_DB, _MAX_ICI_DB = -10.0, -15.0
_MAX_WALK_CELLS = 0.5  # of range over a frame, which the model of a target leaves out: 0.4 dB of its peak


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


def point_of(values: Mapping[str, Any], asked: Scenario) -> SensingPoint:
    """The point of a scenario without parts and sweep; ``values`` are those that chose it.

    Raises
    ------
    ScenarioError
        A frame, target or detector that cannot be, or lies outside what a channel per subcarrier represents.
    """
    given = asked.sensing
    assert given is not None  # checked on loading
    structure = _structure(given)
    grid = structure.grid
    carrier_hz = given.carrier_ghz * 1e9
    way = 2.0 if given.geometry == "monostatic" else 1.0
    metres_per_s, wavelength_m = SPEED_OF_LIGHT_M_S / way, SPEED_OF_LIGHT_M_S / carrier_hz / way
    gains = _gains(given)
    around = _around(given, metres_per_s, wavelength_m)
    rest_hz = (around.platform_m_s - around.compensated_m_s) * carrier_hz / SPEED_OF_LIGHT_M_S
    targets = []
    for name, target in given.targets.items():
        delay_s, doppler_hz = (target.range_m - given.opens_at_m) / metres_per_s, target.velocity_m_s / wavelength_m
        snr_db = _element_snr_db(given, target, grid) + target.above_db
        targets.append((delay_s, doppler_hz, gains[0] * float(db_to_linear(snr_db))))
        _check_target(name, given, structure, targets[-1], rest_hz)
    _check_around(given, structure, around, rest_hz)
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
        _link(given.communication, carrier_hz, gains[1]),
        [CROSS_SECTIONS[each.kind].sigma_db if each.kind else 0.0 for each in given.targets.values()],
        tuple(vars(around).values()),
    )
    physics = json.dumps(["sensing", asked.seed, asdict(structure), asdict(work)], sort_keys=True)
    flat = flatten(asked)
    return SensingPoint(
        axes={path: flat.get(path, value) for path, value in values.items()},
        structure=structure,
        work=work,
        facts=_facts(structure.grid_at(given.pilot_share), targets, metres_per_s, wavelength_m) | _told(given, gains),
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
        cross_section_dbsm=_mean_dbsm(target),
        transmit_range_m=target.range_m,
        receive_range_m=target.range_m,
        loss_db=given.budget.loss_db,
    )
    return float(echo_dbw) - noise_power_dbw(grid.bandwidth_hz, given.budget.noise_figure_db)


def _mean_dbsm(target: SensedTarget) -> float:
    if target.kind is None:
        return target.cross_section_dbsm or 0.0
    aspect = {"zenith_deg": target.aspect_zenith_deg, "azimuth_deg": target.aspect_deg}
    return float(cross_section_dbsm(target.kind, **aspect, bistatic_angle_rad=np.radians(target.bistatic_deg)))


def _gains(given: Sensing) -> tuple[float, float]:
    """Of a split beam towards target and user; one each without."""
    if given.beam is None:
        return 1.0, 1.0
    beam = given.beam
    target_sine, user_sine = (float(np.sin(np.radians(angle))) for angle in (beam.target_deg, beam.user_deg))
    return split_gains(beam.antennas, target_sine, user_sine, beam.split)


def _around(given: Sensing, metres_per_s: float, wavelength_m: float) -> Surroundings:
    """Surroundings of one frame as plain numbers."""
    direct, clutter, platform = given.direct, given.clutter, given.platform
    way = SPEED_OF_LIGHT_M_S / metres_per_s
    moved_m_s = way * platform.velocity_m_s if platform else 0.0
    known_m_s = way * (platform.velocity_m_s - platform.error_m_s) if platform and platform.compensated else 0.0
    return Surroundings(
        direct=float(db_to_linear(direct.over_noise_db - direct.cancelled_db)) if direct else 0.0,
        direct_delay_s=(direct.range_m - given.opens_at_m) / metres_per_s if direct else 0.0,
        distortion=float(db_to_linear(direct.distortion_db)) if direct and direct.distortion_db is not None else 0.0,
        clutter=float(db_to_linear(clutter.over_noise_db)) if clutter else 0.0,
        clutter_from_s=(clutter.from_m - given.opens_at_m) / metres_per_s if clutter else 0.0,
        clutter_extent_s=(clutter.to_m - clutter.from_m) / metres_per_s if clutter else 0.0,
        clutter_spread_hz=clutter.spread_m_s / wavelength_m if clutter else 0.0,
        platform_m_s=moved_m_s,
        compensated_m_s=known_m_s,
    )


def _link(given: Communication | None, carrier_hz: float, gain: float) -> tuple[float, float, float]:
    if given is None:
        return 1.0, 0.0, 0.0
    doppler_hz = kmh_to_m_s(given.speed_kmh) * carrier_hz / SPEED_OF_LIGHT_M_S
    return gain * float(db_to_linear(given.snr_db)), 1e-9 * given.delay_spread_ns, doppler_hz


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
        waveform=given.waveform,
        direct=given.direct is not None,
        scatterers=given.clutter.scatterers if given.clutter else 0,
        carrier_hz=given.carrier_ghz * 1e9 if given.platform else None,
        cancel=given.cancel == "static",
    )


def _check_target(
    name: str, given: Sensing, structure: SensingStructure, target: tuple[float, float, float], rest_hz: float
) -> None:
    """Refuse what a channel per subcarrier would misrepresent, wherever within its spread the target is drawn."""
    grid, (delay_s, doppler_hz, snr) = structure.grid, target
    margin = 0.5 * given.spread_cells
    latest_s = delay_s + margin * grid.delay_cell_s
    if delay_s < margin * grid.delay_cell_s:
        raise ScenarioError(
            f"drawn within {given.spread_cells:g} cells, the target comes nearer than where the window opens, "
            f"{given.opens_at_m:g} m; move it, or lower spread_cells",
            key=f"sensing.targets.{name}.range_m",
        )
    if latest_s > _prefix_s(grid):
        raise ScenarioError(_too_late(given, grid, latest_s, "target"), key=f"sensing.targets.{name}.range_m")
    own_hz = abs(doppler_hz) + margin * grid.doppler_cell_hz
    walk = own_hz / (given.carrier_ghz * 1e9) * grid.duration_s * grid.bandwidth_hz
    if walk > _MAX_WALK_CELLS:
        raise ScenarioError(
            f"the target walks {walk:.2f} cells of range during a frame of {1e3 * grid.duration_s:.3g} ms, above "
            f"{_MAX_WALK_CELLS:g}; slow it, or take fewer symbols or resource blocks",
            key=f"sensing.targets.{name}.velocity_m_s",
        )
    key = f"sensing.targets.{name}.velocity_m_s"
    _check_ici(grid, abs(doppler_hz + rest_hz) + margin * grid.doppler_cell_hz, snr, "echo", "slow the target", key)


def _check_around(given: Sensing, structure: SensingStructure, around: Surroundings, rest_hz: float) -> None:
    """The same of what else is heard."""
    grid = structure.grid
    if around.clutter:
        latest_s = around.clutter_from_s + around.clutter_extent_s
        if latest_s > _prefix_s(grid):
            raise ScenarioError(_too_late(given, grid, latest_s, "clutter"), key="sensing.clutter.to_m")
        fastest_hz = abs(rest_hz) + 3.0 * around.clutter_spread_hz
        key = (
            "sensing.platform.velocity_m_s" if abs(rest_hz) > around.clutter_spread_hz else "sensing.clutter.spread_m_s"
        )
        _check_ici(grid, fastest_hz, around.clutter, "clutter", "compensate the platform's motion or slow it", key)
    if around.direct and around.compensated_m_s:
        moved_hz = abs(around.compensated_m_s) * given.carrier_ghz * 1e9 / SPEED_OF_LIGHT_M_S
        key = "sensing.platform.velocity_m_s"
        _check_ici(grid, moved_hz, around.direct, "direct path", "slow the platform, cancel more of the path", key)


def _prefix_s(grid: SensingGrid) -> float:
    return grid.period_s - 1.0 / grid.subcarrier_spacing_hz


def _too_late(given: Sensing, grid: SensingGrid, latest_s: float, what: str) -> str:
    way = 2.0 if given.geometry == "monostatic" else 1.0
    reach_m = given.opens_at_m + SPEED_OF_LIGHT_M_S * _prefix_s(grid) / way
    return (
        f"an echo {1e9 * latest_s:.0f} ns late, beyond the cyclic prefix of {1e9 * _prefix_s(grid):.0f} ns, which "
        f"reaches {reach_m:.0f} m; narrow the subcarriers, move the {what} or open the window later (opens_at_m)"
    )


def _check_ici(grid: SensingGrid, fastest_hz: float, snr: float, what: str, advice: str, key: str) -> None:
    ici_db = float(np.max(predicted_ici_db(fastest_hz, 0.0, grid.subcarrier_spacing_hz)))
    over_noise_db = ici_db + float(linear_to_db(snr))
    if ici_db > _MAX_ICI_DB or over_noise_db > _MAX_ICI_OVER_NOISE_DB:
        raise ScenarioError(
            f"a Doppler shift of {fastest_hz:.0f} Hz makes inter-carrier interference of {ici_db:.1f} dB of the {what} "
            f"and {over_noise_db:.1f} dB of the noise, above {_MAX_ICI_DB:g} or {_MAX_ICI_OVER_NOISE_DB:g} dB; widen "
            f"the subcarriers, {advice} or lower its {'echo' if what == 'echo' else 'energy'}",
            key=key,
        )


def _told(given: Sensing, gains: tuple[float, float]) -> dict[str, float]:
    """What the keys come to: cross sections of classes, gains of a split beam."""
    found: dict[str, float] = {}
    if given.beam is not None:
        found |= {"target_gain_db": float(linear_to_db(gains[0])), "user_gain_db": float(linear_to_db(gains[1]))}
    if len(given.targets) == 1:
        (target,) = given.targets.values()
        if target.kind is not None:
            found["cross_section_dbsm"] = _mean_dbsm(target)
    return found


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
