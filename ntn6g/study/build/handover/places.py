"""Where terminals, sites and beams are: from a scenario to platforms in time."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from ntn6g import orbit, scenario
from ntn6g.channel.antennas import adjacent_spacing_uv, beam_directions, half_power_beamwidth_rad, hexagonal_beams
from ntn6g.core import random
from ntn6g.core.constants import EARTH_RADIUS_M
from ntn6g.core.errors import ScenarioError
from ntn6g.core.units import kmh_to_m_s
from ntn6g.orbit import Times
from ntn6g.scenario import BeamsLayer, CellsLayer, Handover
from ntn6g.study.build.handover.feeders import Feeders, feeders_of
from ntn6g.study.build.satellites import fleet, require_orbit

Array = np.ndarray[Any, np.dtype[np.float64]]
Numbers = np.ndarray[Any, np.dtype[np.int64]]

LOOK_AHEAD_S = 120.0
"""Beyond the end, so that predicted exits do not end with the simulation."""
_LOOK_STEP_S = 10.0  # between instants at which satellites are looked for
_AT_ONCE = 2_000  # satellites that are looked for in one piece
_MOST_CELLS = 1_000
_UNIT = 1e-3  # of the lattice, which the uv plane bounds


def terminal_platforms(asked: Handover, keys: tf.Tensor) -> orbit.Terminal:
    """All terminals as one platform with fields [terminal]; places and courses are drawn from their keys."""
    given = asked.terminals
    draws = np.asarray(random.uniform(random.stream(keys, "place"), (3,)).numpy(), np.float64)
    away_m = 1e3 * given.radius_km * np.sqrt(draws[:, 0])
    side = 2.0 * math.pi * draws[:, 1]
    latitude, longitude = moved(given.latitude_deg, given.longitude_deg, away_m * np.sin(side), away_m * np.cos(side))
    course = 2.0 * math.pi * draws[:, 2] if given.course_deg is None else np.full(len(draws), given.course_deg)
    place = {"latitude_rad": tf.constant(latitude), "longitude_rad": tf.constant(longitude)}
    if given.speed == 0.0:
        return orbit.FixedTerminal(**place, altitude_m=tf.fill([len(draws)], tf.constant(given.altitude, tf.float64)))
    return orbit.CruisingTerminal(
        **place,
        altitude_m=tf.fill([len(draws)], tf.constant(given.altitude, tf.float64)),
        course_rad=tf.constant(course if given.course_deg is None else np.radians(course)),
        speed_m_s=tf.fill([len(draws)], tf.constant(kmh_to_m_s(given.speed), tf.float64)),
        epoch=asked.start,
    )


def moved(latitude_deg: float, longitude_deg: float, east_m: Any, north_m: Any) -> tuple[Array, Array]:
    """Latitude and longitude in rad of places some way from another; on a sphere, to first order."""
    latitude = math.radians(latitude_deg) + np.asarray(north_m, np.float64) / EARTH_RADIUS_M
    longitude = math.radians(longitude_deg) + np.asarray(east_m, np.float64) / (EARTH_RADIUS_M * np.cos(latitude))
    return np.atleast_1d(latitude), np.atleast_1d(longitude)


def lattice_m(count: int, spacing_m: float, key: str) -> Array:
    """Hexagonal lattice around the origin, east and north, [count, 2]."""
    try:
        return np.asarray(hexagonal_beams(count, _UNIT), np.float64) / _UNIT * spacing_m
    except ValueError as error:
        raise ScenarioError(str(error), key=key) from None


def sites_of(asked: Handover, layer: CellsLayer, key: str) -> Array:
    """Terrestrial sites in ECEF, float64 [site, 3]; their antennas' height enters the path loss alone."""
    if layer.layout == "hexagon":
        place = lattice_m(layer.sites, 1e3 * layer.spacing_km, f"{key}.sites")
    else:
        course = math.radians(layer.course_deg)
        along = 1e3 * layer.spacing_km * np.arange(layer.sites)
        place = np.stack([along * math.sin(course), along * math.cos(course)], 1)
    middle = asked.terminals
    latitude, longitude = moved(
        middle.latitude_deg,
        middle.longitude_deg,
        place[:, 0] + 1e3 * layer.east_km,
        place[:, 1] + 1e3 * layer.north_km,
    )
    found = orbit.FixedTerminal(latitude_rad=tf.constant(latitude), longitude_rad=tf.constant(longitude))
    return np.asarray(found.position_ecef_m.numpy(), np.float64)


@dataclass(frozen=True, eq=False)
class Beams:
    """Platforms of a layer and what their beams look at."""

    fleet: orbit.Fleet
    uv: Array
    """Of earth-moving beams, [beam, 2]."""
    aim_m: Array | None
    """Of steered beams, ECEF [beam, 3]; None where beams move."""
    radius_m: float
    """Of a cell on the ground."""
    feeders: Feeders | None
    """Gateways; None where the network is always reached."""

    @property
    def beams(self) -> int:
        """Of each platform."""
        return len(self.uv) if self.aim_m is None else len(self.aim_m)

    def references(self, state: orbit.State) -> tf.Tensor:
        """Middles of cells on the ground, float64 [time or 1, platform x beam, 3], of states [platform, time, 3]."""
        if self.aim_m is not None:
            return tf.tile(tf.constant(self.aim_m), [self.fleet.size, 1])[None]
        aim = beam_directions(state, tf.constant(self.uv))  # [platform, time, beam, 3]
        place = orbit.ground_points(state.position_ecef_m[..., None, :], aim).position_ecef_m
        place = tf.transpose(place, [1, 0, 2, 3])
        return tf.reshape(place, [place.shape[0], -1, 3])


def beams_of(asked: Handover, layer: BeamsLayer, platform: scenario.Platform, key: str) -> Beams:
    """Platforms that rise above the mask over the middle of the terminals, and their beams.

    Raises
    ------
    ScenarioError
        Where none does, or they have too many cells.
    """
    several = fleet(platform, f"platforms.{layer.platform}")
    length_s = asked.duration_s + LOOK_AHEAD_S
    require_orbit(several, f"platforms.{layer.platform}", asked.start, length_s)
    seen = _risen(several, asked, layer.min_elevation_deg, length_s)
    if not seen.size:
        raise ScenarioError(
            f"no satellite of {layer.platform} rises above {layer.min_elevation_deg:g} degrees over "
            f"{asked.terminals.latitude_deg:g}, {asked.terminals.longitude_deg:g} within the time; another start, "
            "place or mask?",
            key=f"{key}.platform",
        )
    if seen.size * layer.beams > _MOST_CELLS:
        raise ScenarioError(
            f"{seen.size} satellites pass within the time, with {layer.beams} beams {seen.size * layer.beams} cells, "
            f"above {_MOST_CELLS}; a shorter time, a higher mask or fewer beams",
            key=f"{key}.beams",
        )
    chosen = several if several.size == 1 else _taken(several, seen)
    width_rad = half_power_beamwidth_rad(aperture_m=layer.aperture_m, frequency_hz=1e9 * layer.carrier_ghz)
    step_uv = adjacent_spacing_uv(width_rad)
    height_m = _height_m(chosen, asked)
    spacing_m = 1e3 * layer.spacing_km if layer.spacing_km else step_uv * height_m
    feeders = feeders_of(asked, layer, chosen, key)
    if layer.steering == "earth-moving":
        try:
            uv = np.asarray(hexagonal_beams(layer.beams, spacing_m / height_m), np.float64)
        except ValueError as error:
            raise ScenarioError(str(error), key=f"{key}.beams") from None
        return Beams(chosen, uv, None, spacing_m / math.sqrt(3.0), feeders)
    place = lattice_m(layer.beams, spacing_m, f"{key}.beams")
    latitude, longitude = moved(asked.terminals.latitude_deg, asked.terminals.longitude_deg, place[:, 0], place[:, 1])
    aim = orbit.FixedTerminal(latitude_rad=tf.constant(latitude), longitude_rad=tf.constant(longitude))
    aims_m = np.asarray(aim.position_ecef_m.numpy())
    return Beams(chosen, np.zeros((0, 2)), aims_m, spacing_m / math.sqrt(3.0), feeders)


def _risen(several: orbit.Fleet, asked: Handover, mask_deg: float, length_s: float) -> Numbers:
    """Numbers of the satellites that are above a mask at some instant; few instants, so that nothing is compiled."""
    middle = orbit.FixedTerminal(
        latitude_rad=math.radians(asked.terminals.latitude_deg),
        longitude_rad=math.radians(asked.terminals.longitude_deg),
    )
    home, up = middle.position_ecef_m.numpy(), middle.east_north_up[2].numpy()
    times = Times(asked.start, np.arange(0.0, length_s + _LOOK_STEP_S, _LOOK_STEP_S))
    seen = []
    for first in range(0, several.size, _AT_ONCE):
        place = several.take(slice(first, first + _AT_ONCE)).state(times).position_ecef_m.numpy()
        line = place - home
        sine = (line @ up) / np.linalg.norm(line, axis=-1)
        seen.append((sine >= math.sin(math.radians(mask_deg))).any(-1))
    return np.asarray(np.flatnonzero(np.concatenate(seen)), np.int64)


def _taken(several: orbit.Fleet, seen: Numbers) -> orbit.Fleet:
    if isinstance(several, orbit.KeplerianOrbit):
        return several.take(seen)
    assert isinstance(several, orbit.ElementSets)  # the other fleet of several satellites
    return orbit.ElementSets([several.members[int(place)] for place in seen])


def _height_m(several: orbit.Fleet, asked: Handover) -> float:
    place = several.state(Times(asked.start, np.array([0.0]))).position_ecef_m
    below = orbit.ground_points(place, -place).position_ecef_m
    return float(tf.reduce_mean(tf.norm(place - below, axis=-1)))
