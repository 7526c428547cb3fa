"""What a channel per subcarrier does not represent: echoes beyond the prefix, too fast, or walking through cells."""

import itertools
import math

import numpy as np

from ntn6g.channel import predicted_ici_db
from ntn6g.core.constants import SPEED_OF_LIGHT_M_S
from ntn6g.core.errors import ScenarioError
from ntn6g.core.units import linear_to_db
from ntn6g.scenario import Sensing
from ntn6g.services.sensing import SensingGrid, Surroundings
from ntn6g.study.build.sensing.structure import SensingStructure

# Inter-carrier interference comes with the echo that makes it: 10 dB below the noise it raises the noise by 0.4 dB, and
# 15 dB below the echo (a tenth of the spacing) the echo itself loses 0.14 dB.
_MAX_ICI_OVER_NOISE_DB, _MAX_ICI_DB = -10.0, -15.0
_MAX_WALK_CELLS = 0.5  # of range over a frame, which the model of a target leaves out: 0.4 dB of its peak


def check_target(
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


def check_around(given: Sensing, structure: SensingStructure, around: Surroundings, rest_hz: float) -> None:
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


def reached(
    name: str, given: Sensing, target: tuple[float, float, float], metres_per_s: float, wavelength_m: float
) -> list[tuple[float, float, float]]:
    """A target's places and speeds at the ends of its track, three deviations of its wandering on either side."""
    if given.tracking is None:
        return [target]
    if given.array is not None:
        return _reached_in_plane(name, given, target, metres_per_s, wavelength_m)
    delay_s, doppler_hz, snr = target
    spent_s = 1e-3 * given.tracking.interval_ms * (given.tracking.frames - 1)
    density = given.tracking.acceleration_density_m2_s3
    wander_m, faster_m_s = 3.0 * math.sqrt(density * spent_s**3 / 3.0), 3.0 * math.sqrt(density * spent_s)
    last_m = metres_per_s * delay_s - wavelength_m * doppler_hz * spent_s
    return [
        target,
        *(
            ((last_m + sign * wander_m) / metres_per_s, doppler_hz + sign * faster_m_s / wavelength_m, snr)
            for sign in (-1.0, 1.0)
        ),
    ]


def _reached_in_plane(
    name: str, given: Sensing, target: tuple[float, float, float], metres_per_s: float, wavelength_m: float
) -> list[tuple[float, float, float]]:
    """The same in the plane of an array, to either side; refuses a target that comes near the line of antennas."""
    assert given.tracking is not None
    assert given.array is not None
    delay_s, doppler_hz, snr = target
    angle = math.radians(given.targets[name].angle_deg)
    along, across = np.array([math.sin(angle), math.cos(angle)]), np.array([math.cos(angle), -math.sin(angle)])
    begin_m = given.opens_at_m + metres_per_s * delay_s
    density, found = given.tracking.acceleration_density_m2_s3, [target]
    for side, share in itertools.product((-3.0, 0.0, 3.0), np.linspace(0.125, 1.0, 8)):
        spent_s = share * 1e-3 * given.tracking.interval_ms * (given.tracking.frames - 1)
        velocity = -wavelength_m * doppler_hz * along + side * given.tracking.crossing_m_s * across
        place = begin_m * along + spent_s * velocity
        range_m = max(float(np.hypot(*place)), 1e-3)
        wander_m, faster_m_s = 3.0 * math.sqrt(density * spent_s**3 / 3.0), 3.0 * math.sqrt(density * spent_s)
        beyond = place[1] <= 0.0 or abs(place[0]) / range_m + wander_m / range_m + 1.0 / given.array.antennas > 1.0
        if beyond and range_m > given.opens_at_m + wander_m:
            raise ScenarioError(
                f"within three deviations the target comes nearer than half a beam to the line of antennas after "
                f"{spent_s:.2g} s, where directions fold; shorten the track, lower crossing_m_s or turn to broadside",
                key=f"sensing.targets.{name}.angle_deg",
            )
        closing_m_s = -float(place @ velocity) / range_m
        found += [
            (
                (range_m + sign * wander_m - given.opens_at_m) / metres_per_s,
                (closing_m_s + sign * faster_m_s) / wavelength_m,
                snr,
            )
            for sign in (-1.0, 1.0)
        ]
    return found
