"""What a beams study looks at: satellites, where their beams look, and where they were meant to."""

import math
from dataclasses import dataclass

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from ntn6g import orbit, scenario
from ntn6g.channel import antennas
from ntn6g.core import random
from ntn6g.core.errors import ScenarioError
from ntn6g.scenario import Beams, Scenario
from ntn6g.study.build.antennas import End, layout_uv, made
from ntn6g.study.build.satellites import FLEETS, fleet, satellite, warn_of_age


@dataclass(frozen=True)
class Asked:
    """What decides the maps of a point."""

    beams: Beams
    ends: scenario.Antennas
    air: scenario.Channel
    budget: scenario.Budget | None
    name: str
    platform: scenario.Platform
    seed: int

    @property
    def key(self) -> str:
        """Of the platform, for errors."""
        return f"platforms.{self.name}"


def asked_of(asked: Scenario) -> Asked:
    """What a point asks for."""
    assert asked.beams is not None  # checked on loading, as the next two
    assert asked.antennas is not None
    assert asked.channel is not None
    name = asked.beams_platform()
    budget = asked.power.budget if asked.power else None
    return Asked(asked.beams, asked.antennas, asked.channel, budget, name, asked.platforms[name], asked.seed)


@dataclass(frozen=True)
class Scene:
    """Ends, satellites (the serving one first), where beams look and were meant to, and the map's centre.

    ``intended`` has the beams that are counted, ``aim`` those around them as well.
    """

    ends: tuple[End, End]
    spacing_uv: float
    states: orbit.State
    aim: tf.Tensor
    intended: NDArray[np.float64]
    centre_ecef_m: NDArray[np.float64]
    beside_earth: int


def scene_of(asked: Asked) -> Scene:
    """Satellites and beams of a point.

    Raises
    ------
    ScenarioError
        A layout beside the Earth or out of sight, an antenna without a beamwidth, a place that is not there.
    """
    given, ends, air = asked.beams, asked.ends, asked.air
    own, served = (
        made(getattr(ends, name), 1e9 * air.carrier_ghz, f"antennas.{name}") for name in ("satellite", "terminal")
    )
    spacing = given.spacing_uv
    if spacing is None:
        width_rad = own.antenna.half_power_beamwidth_rad
        if width_rad is None:
            raise ScenarioError(
                f"required key is missing; {ends.satellite.kind} has no single beamwidth to derive it from",  # type: ignore[union-attr]  # checked on loading
                key="beams.spacing_uv",
            )
        spacing = antennas.adjacent_spacing_uv(width_rad)
    around = given.all_beams > given.count
    uv = layout_uv(given.all_beams, 0.0, "beams.tiers_around" if around else "beams.count", spacing, given.centre_uv)
    first, now = (_states(asked, moment_s) for moment_s in (0.0, given.offset_s))
    place = _place_of(asked)
    serving = _one(now, place)
    looked_at = serving if given.motion == "earth-moving" else _one(first, place)
    aims = orbit.ground_points(looked_at.position_ecef_m, antennas.beam_directions(looked_at, uv)[0])
    if not bool(aims.on_earth[0]):
        raise ScenarioError("the middle of the layout looks beside the Earth", key="beams")
    centre = aims.position_ecef_m[0]
    states = _with_others(given, now, place, centre)
    intended = antennas.beam_directions(serving, uv)[0]
    if given.motion == "earth-fixed":
        intended = tf.math.l2_normalize(aims.position_ecef_m - serving.position_ecef_m, -1)
    aim = _mispointed(asked, serving, intended)[None]
    if states.position_ecef_m.shape[0] > 1:
        rest = orbit.State(*(field[1:] for field in states.__tf_flatten__()[1]))
        around_nadir = layout_uv(given.all_beams, 0.0, "beams.count", spacing)
        aim = tf.concat([aim, antennas.beam_directions(rest, around_nadir)], 0)
    beside = int(np.sum(~aims.on_earth.numpy()[: given.count]))
    return Scene((own, served), spacing, states, aim, intended.numpy()[: given.count], centre.numpy(), beside)


def _mispointed(asked: Asked, serving: orbit.State, intended: tf.Tensor) -> tf.Tensor:
    """Beams [beam, 3] with one normal pointing error of the satellite, drawn by the seed."""
    sigma_rad = math.radians(asked.beams.pointing_sigma_deg)
    if not sigma_rad:
        return intended
    keys = tf.constant([random.chunk_key(asked.seed, "beams", 0)], tf.uint32)
    off = antennas.mispointed(keys, np.zeros((1, 2)), sigma_rad)[0, 0]
    _, ahead, right = tf.unstack(orbit.track_axes(serving)[0], axis=0)
    return tf.math.l2_normalize(intended + off[0] * ahead + off[1] * right, -1)


def _place_of(asked: Asked) -> int:
    """Of the serving satellite among those of its platform."""
    given = asked.beams
    satellite(asked.platform, asked.key, given.satellite)  # refuses a place that is not there
    return given.satellite or 0


def _states(asked: Asked, offset_s: float) -> orbit.State:
    """States of all satellites of the platform, fields [satellite, 3]; of one where no other counts."""
    given = asked.beams
    platform, key = asked.platform, asked.key
    times = orbit.Times(given.start, np.array([offset_s]))
    if given.other_satellites and platform.kind in FLEETS:
        state = fleet(platform, key).state(times)
        return orbit.State(*(field[:, 0] for field in state.__tf_flatten__()[1]))
    chosen = satellite(platform, key, given.satellite)
    warn_of_age([chosen], given.start)
    return chosen.state(times)


def _one(states: orbit.State, place: int) -> orbit.State:
    place = min(place, states.position_ecef_m.shape[0] - 1)
    return orbit.State(*(field[place : place + 1] for field in states.__tf_flatten__()[1]))


def _with_others(given: Beams, now: orbit.State, place: int, centre_ecef_m: tf.Tensor) -> orbit.State:
    """The serving satellite, then the others above the mask of the layout's centre."""
    position = now.position_ecef_m.numpy()
    place = min(place, len(position) - 1)
    up = centre_ecef_m.numpy() / np.linalg.norm(centre_ecef_m.numpy())
    line = position - centre_ecef_m.numpy()
    sine = line @ up / np.linalg.norm(line, axis=-1)
    lowest = math.sin(math.radians(given.min_elevation_deg))
    if sine[place] < lowest:
        stands_deg = math.degrees(math.asin(sine[place]))
        raise ScenarioError(
            f"{given.offset_s:g} s after the start the satellite stands at {stands_deg:.1f} deg "
            f"over the middle of the layout, below min_elevation_deg {given.min_elevation_deg:g}",
            key="beams.offset_s",
        )
    seen = np.flatnonzero(sine >= lowest)
    chosen = [place, *(int(other) for other in seen if other != place)]
    return orbit.State(*(tf.gather(field, chosen) for field in now.__tf_flatten__()[1]))
