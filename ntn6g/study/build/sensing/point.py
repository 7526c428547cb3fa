"""A point of a sensing study: from the keys of its scenario to a structure, values and what is known beforehand."""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ntn6g.core.constants import SPEED_OF_LIGHT_M_S
from ntn6g.core.errors import ScenarioError
from ntn6g.core.units import db_to_linear, kmh_to_m_s, linear_to_db
from ntn6g.scenario import Communication, Scenario, SensedTarget, Sensing, flatten
from ntn6g.services.sensing import SensingGrid, Surroundings, crlb, split_gains
from ntn6g.services.sensing.scene import CROSS_SECTIONS, cross_section_dbsm, echo_power_dbw, noise_power_dbw
from ntn6g.study.build.sensing.detectors import chosen_model, make_detector
from ntn6g.study.build.sensing.joint_bounds import bounds_of_each
from ntn6g.study.build.sensing.limits import check_around, check_target, reached
from ntn6g.study.build.sensing.step import SensingWork, make_tracks, subcarriers
from ntn6g.study.build.sensing.structure import SensingStructure, TrackStructure


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
    targets: tuple[str, ...]
    """Names."""
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
    carrier_hz = given.carrier_ghz * 1e9
    metres_per_s, wavelength_m = _scales(given)
    structure = structure_of(given)
    grid, gains = structure.grid, _gains(given)
    around = _around(given, metres_per_s, wavelength_m)
    rest_hz = (around.platform_m_s - around.compensated_m_s) * carrier_hz / SPEED_OF_LIGHT_M_S
    targets = []
    for name, target in given.targets.items():
        delay_s, doppler_hz = (target.range_m - given.opens_at_m) / metres_per_s, target.velocity_m_s / wavelength_m
        snr_db = _element_snr_db(given, target, grid) + target.above_db
        targets.append((delay_s, doppler_hz, gains[0] * float(db_to_linear(snr_db))))
        for farthest in reached(name, given, targets[-1], metres_per_s, wavelength_m):
            check_target(name, given, structure, farthest, rest_hz)
    check_around(given, structure, around, rest_hz)
    try:
        _, threshold = make_detector(structure, given.detector.false_alarm)
    except ValueError as error:
        raise ScenarioError(str(error), key="sensing.detector") from None
    work = SensingWork(
        structure.channel_key,
        asked.seed,
        targets,
        given.spread_cells,
        threshold,
        given.pilot_share or 0.0,
        _link(given.communication, grid, carrier_hz, gains[1]),
        [CROSS_SECTIONS[each.kind].sigma_db if each.kind else 0.0 for each in given.targets.values()],
        tuple(vars(around).values()),
        _sines(given),
        _densities(given),
    )
    physics = json.dumps(["sensing with floors", asked.seed, asdict(structure), asdict(work)], sort_keys=True)
    flat = flatten(asked)
    return SensingPoint(
        axes={path: flat.get(path, value) for path, value in values.items()},
        structure=structure,
        work=work,
        facts=_facts(structure.grid_at(given.pilot_share), work, given, metres_per_s, wavelength_m)
        | _of_tracks(structure, work)
        | _told(given, gains),
        metres_per_s=metres_per_s,
        wavelength_m=wavelength_m,
        false_alarm=given.detector.false_alarm,
        opens_at_m=given.opens_at_m,
        targets=tuple(given.targets),
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


def _link(given: Communication | None, grid: SensingGrid, carrier_hz: float, gain: float) -> tuple[float, float, float]:
    if given is None:
        return 1.0, 0.0, 0.0
    snr_db = given.snr_db
    if snr_db is None:
        snr_db = (given.frame_snr_db or 0.0) - float(linear_to_db(grid.energy.size))
    doppler_hz = kmh_to_m_s(given.speed_kmh) * carrier_hz / SPEED_OF_LIGHT_M_S
    return gain * float(db_to_linear(snr_db)), 1e-9 * given.delay_spread_ns, doppler_hz


def _scales(given: Sensing) -> tuple[float, float]:
    """Range per second of delay, and velocity per hertz of Doppler."""
    way = 2.0 if given.geometry == "monostatic" else 1.0
    return SPEED_OF_LIGHT_M_S / way, SPEED_OF_LIGHT_M_S / (given.carrier_ghz * 1e9) / way


def structure_of(given: Sensing) -> SensingStructure:
    """What shapes the frames that a scenario asks for.

    Raises
    ------
    ScenarioError
        A trained model that does not fit.
    """
    tracking = None
    metres_per_s, wavelength_m = _scales(given)
    if given.tracking is not None:
        tracking = TrackStructure(
            frames=given.tracking.frames,
            interval_s=1e-3 * given.tracking.interval_ms,
            metres_per_s=metres_per_s,
            wavelength_m=wavelength_m,
            opens_at_m=given.opens_at_m if given.array else 0.0,
            crossing_m_s=given.tracking.crossing_m_s,
        )
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
        antennas=given.array.antennas if given.array else None,
        tracking=tracking,
        method=given.method,
        model=chosen_model(given),
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


def _densities(given: Sensing) -> tuple[float, float]:
    if given.tracking is None:
        return 0.0, 0.0
    true = given.tracking.acceleration_density_m2_s3
    assumed = given.tracking.assumed_density_m2_s3
    return true, true if assumed is None else assumed


def _of_tracks(structure: SensingStructure, work: SensingWork) -> dict[str, float]:
    """What is known of tracks beforehand."""
    try:
        tracks = make_tracks(structure)
    except ValueError as error:
        raise ScenarioError(str(error), key="sensing.tracking") from None
    if tracks is None:
        return {}
    if tracks.interval_s < structure.grid.duration_s:
        raise ScenarioError(
            f"{1e3 * tracks.interval_s:g} ms from frame to frame, but a frame lasts "
            f"{1e3 * structure.grid.duration_s:.3g} ms; lengthen the interval or take fewer symbols",
            key="sensing.tracking.interval_ms",
        )
    delay_s, doppler_hz, snr = work.targets[0]
    sine = work.sines[0] if work.sines else 0.0
    start = tracks.metres_per_s * delay_s + tracks.opens_at_m, tracks.wavelength_m * doppler_hz, sine
    range_m, velocity_m_s, *angle_rad = tracks.bound(snr, work.densities[0], start)
    return {
        "tracked_range_crlb_m": range_m,
        "tracked_velocity_crlb_m_s": velocity_m_s,
        **({"tracked_angle_crlb_deg": math.degrees(angle_rad[0])} if angle_rad else {}),
        "innovation_design": tracks.expected_innovation,
        "state_error_design": 4.0 if tracks.in_plane else 2.0,
    }


def _per_sine(sine: float, reach: float) -> float:
    """Root of the mean of 1 / cos^2 over sines within ``reach``: what an error of the sine comes to as an angle."""
    if not reach:
        return 1.0 / math.sqrt(1.0 - sine**2)
    return math.sqrt((math.atanh(sine + reach) - math.atanh(sine - reach)) / (2.0 * reach))


def _sines(given: Sensing) -> list[float]:
    """Directions of targets seen by an array; none without one."""
    if given.array is None:
        return []
    found, half_beam = [], 1.0 / given.array.antennas
    for name, target in given.targets.items():
        sine = float(np.sin(np.radians(target.angle_deg)))
        if abs(sine) + (given.spread_cells + 1.0) * half_beam > 1.0:
            raise ScenarioError(
                f"{target.angle_deg:g} degrees, drawn within {given.spread_cells:g} beams of {given.array.antennas} "
                "antennas, comes nearer than half a beam to the line itself, where directions fold; turn it to "
                "broadside, lower spread_cells or take more antennas",
                key=f"sensing.targets.{name}.angle_deg",
            )
        found.append(sine)
    return found


def _facts(
    grid: SensingGrid, work: SensingWork, given: Sensing, metres_per_s: float, wavelength_m: float
) -> dict[str, Any]:
    antennas = given.array.antennas if given.array else 1
    found: dict[str, Any] = {
        "range_cell_m": metres_per_s * grid.delay_cell_s,
        "velocity_cell_m_s": wavelength_m * grid.doppler_cell_hz,
        "unambiguous_range_m": metres_per_s * grid.unambiguous_delay_s,
        "unambiguous_velocity_m_s": wavelength_m * grid.unambiguous_doppler_hz / 2.0,
    }
    if len(work.targets) == 1:
        snr = work.targets[0][2]
        bound = crlb(grid, snr, antennas=antennas)
        found |= {
            "sensed_image_snr_db": float(linear_to_db(antennas * snr * grid.sensed_energy.sum())),
            "range_crlb_m": metres_per_s * float(bound.delay_s[0]),
            "velocity_crlb_m_s": wavelength_m * float(bound.doppler_hz[0]),
        }
        if given.array is not None:
            found["beam_sine"] = 2.0 / antennas
            found["angle_crlb_deg"] = math.degrees(
                bound.sine[0] * _per_sine(work.sines[0], given.spread_cells / antennas)
            )
    elif given.method != "peak":
        found |= bounds_of_each(grid, work, tuple(given.targets), metres_per_s, wavelength_m)
    return found
