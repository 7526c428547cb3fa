"""From positions to levels: satellites, platforms and terrestrial sites, their cells, and terminals that move."""

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from ntn6g.channel.antennas import circular_aperture
from ntn6g.channel.interference import each_serving
from ntn6g.channel.loss import shadow_sigma_db
from ntn6g.channel.loss.cells import Cell
from ntn6g.core import random
from ntn6g.core.constants import EARTH_RADIUS_M, SPEED_OF_LIGHT_M_S
from ntn6g.orbit.trigonometry import atan2
from ntn6g.services.handover.observation import Observation
from ntn6g.services.handover.world import (
    PATTERN_ENTRIES,
    Block,
    Layer,
    LayerTrack,
    LayerValues,
    TerminalTrack,
    World,
)

_DB = 10.0 / math.log(10.0)
_SILENT = 1e-30  # power density, linear, of a cell that is off or below the mask: finite in single precision


class LayerFade(NamedTuple):
    """Between two steps, float32 [platform, terminal]."""

    shadow: tf.Tensor
    """Unit normal process."""
    blocked: tf.Tensor
    """Bool."""
    sight: tf.Tensor
    """Uniform draw that a link keeps: a terrestrial site is in sight where it is below that probability."""


class Path(NamedTuple):
    """Of one layer at one step."""

    power: tf.Tensor
    """Mean power density at a terminal, linear, [cell, terminal] float32."""
    elevation_rad: tf.Tensor
    """[platform, terminal] float32, as the next two."""
    way_m: tf.Tensor
    """Between terminal and base station."""
    ground_m: tf.Tensor
    fed: tf.Tensor
    """1 where a platform reaches the network, else 0: float32 [platform]."""
    beyond_km: tf.Tensor
    """[cell, terminal] float32."""


@dataclass(frozen=True)
class Scene:
    """All layers over the same terminals.

    Parameters
    ----------
    layers : tuple of Layer
        In the order of their cells.
    terminals : int
        How many.
    step_s : float
        Time between two steps.
    """

    layers: tuple[Layer, ...]
    terminals: int
    step_s: float

    @property
    def cells(self) -> int:
        """Cells of all layers."""
        return sum(layer.cells for layer in self.layers)

    @property
    def platforms(self) -> int:
        """Platforms and sites of all layers."""
        return sum(layer.platforms for layer in self.layers)

    def start(self, world: World) -> tuple[LayerFade, ...]:
        """Stationary from the first step on."""
        fades = []
        for number, (layer, values) in enumerate(zip(self.layers, world.values, strict=True)):
            shadow = random.normal(random.stream(world.keys, f"shadow {number}"), (layer.platforms,))
            chance = random.uniform(random.stream(world.keys, f"chance {number}"), (2, layer.platforms))
            blocks, clears, _ = tf.unstack(values.blocks)
            blocked = chance[:, 0] < blocks / tf.maximum(blocks + clears, 1e-9)
            fades.append(LayerFade(*(tf.transpose(each) for each in (shadow, blocked, chance[:, 1]))))
        return tuple(fades)

    def advance(
        self, step: tf.Tensor, world: World, fades: tuple[LayerFade, ...], drawn: tf.Tensor
    ) -> tuple[LayerFade, ...]:
        """Shadowing and blockage one step on.

        Parameters
        ----------
        step : int32 scalar
            Number since the start.
        drawn : float32 [terminal, at least `platforms`]
            Normal deviates of the step, the first ones for shadowing.
        """
        moved, first = [], 0
        for number, (layer, fade, values) in enumerate(zip(self.layers, fades, world.values, strict=True)):
            fresh = tf.transpose(drawn[:, first : first + layer.platforms])
            shadow = values.memory * fade.shadow + tf.sqrt(1.0 - values.memory**2) * fresh
            blocked = fade.blocked
            if layer.blocked:
                keys = random.stream(world.keys, f"block {number}")
                chance = tf.transpose(random.uniform_at(keys, step, layer.platforms))
                blocked = tf.where(blocked, chance >= values.blocks[1], chance < values.blocks[0])
            moved.append(LayerFade(shadow, blocked, fade.sight))
            first += layer.platforms
        return tuple(moved)

    def observe(
        self, place: tf.Tensor, time_s: tf.Tensor, world: World, block: Block, fades: tuple[LayerFade, ...]
    ) -> Observation:
        """Everything about every cell at a step of the block.

        Parameters
        ----------
        place : int32 scalar
            Step of the block.
        time_s : float32 scalar
            Since the start of the simulation.
        """
        parts = []
        for number, layer in enumerate(self.layers):
            path = self.path(place, layer, world.values[number], block.tracks[number], block.terminals)
            parts.append(self._seen(number, path, time_s, world, fades[number]))
        mean, power, round_trip_s, elevation, beyond_km = (tf.concat(each, 0) for each in zip(*parts, strict=True))
        sinr = each_serving(power, world.overlap, world.noise[:, None]).sinr
        visit = tf.concat([track.visit_s for track in block.tracks], 1)
        inside = time_s >= visit[0]
        return Observation(
            rsrp_db=_DB * tf.math.log(tf.maximum(power, _SILENT)),
            sinr_db=_DB * tf.math.log(tf.maximum(sinr, 1e-12)),
            beyond_km=beyond_km,
            exit_s=tf.where(inside, visit[1] - time_s, -1.0),
            elevation_deg=elevation * (180.0 / math.pi),
            level_db=_DB * tf.math.log(tf.maximum(mean, _SILENT)),
            round_trip_s=round_trip_s,
        )

    def path(
        self, place: tf.Tensor, layer: Layer, values: LayerValues, track: LayerTrack, terminals: TerminalTrack
    ) -> Path:
        """Geometry and antennas of a layer at a step, without fading."""
        position, reference, believed = (_at(each, place) for each in track[:3])
        home, up = _at(terminals.position_m, place), _at(terminals.up, place)
        line = [position[:, None, k] - home[None, :, k] for k in range(3)]
        range_m = tf.sqrt(_dot(line, line))
        rise = _dot(line, [up[None, :, k] for k in range(3)])
        level_m = tf.sqrt(tf.maximum(range_m**2 - rise**2, 1.0))
        elevation = atan2(rise, level_m)
        known = home + terminals.error_m
        away = [believed[:, None, k] - known[None, :, k] for k in range(3)]
        beyond_km = tf.cast(1e-3 * tf.sqrt(_dot(away, away)), tf.float32) - values.radius_km
        nearness = tf.cast(1.0 / range_m, tf.float32)
        if layer.kind == "sky":
            toward = [tf.cast(-each / range_m, tf.float32) for each in line]
            aim = tf.math.l2_normalize(reference - tf.repeat(position, layer.beams, 0), -1)
            aims = [tf.cast(aim[:, k], tf.float32)[:, None] for k in range(3)]
            off = [tf.repeat(toward[k], layer.beams, 0) - aims[k] for k in range(3)]
            amplitude = _interpolated(values.pattern, tf.sqrt(_dot(off, off)))
            wave = SPEED_OF_LIGHT_M_S / (4.0 * math.pi * layer.carrier_hz)
            air = values.zenith_db / tf.sin(tf.maximum(tf.cast(elevation, tf.float32), 0.05))
            gain = (wave * nearness) ** 2 * tf.exp(-air / _DB)
            gain = tf.where(tf.cast(elevation, tf.float32) >= values.mask_rad, gain, 0.0)
            power = values.power[:, None] * amplitude**2 * tf.repeat(gain, layer.beams, 0)
        else:
            power = tf.repeat(tf.ones_like(nearness), layer.beams, 0) * values.power[:, None]
        way_m = tf.cast(values.round_trips, tf.float64) * range_m + _at(track.feeder_m, place)[:, None]
        elevation, way_m, level_m = (tf.cast(each, tf.float32) for each in (elevation, way_m, level_m))
        return Path(power, elevation, way_m, level_m, _at(track.fed, place), beyond_km)

    def _seen(self, number: int, path: Path, time_s: tf.Tensor, world: World, fade: LayerFade) -> tuple[tf.Tensor, ...]:
        """Mean and faded power density, round trip, elevation and distance beyond the radius, all [cell, terminal]."""
        layer, values = self.layers[number], world.values[number]
        if layer.kind == "sky":
            sigma = shadow_sigma_db(path.elevation_rad, layer.carrier_hz, layer.cell, True)
            loss_db = tf.zeros_like(path.elevation_rad)
        else:
            loss_db, sigma = self._ground_loss(layer, path, fade)
        mean = path.power * tf.repeat(tf.exp(-loss_db / _DB), layer.beams, 0)
        fade_db = values.shadow * sigma * fade.shadow + tf.where(fade.blocked, values.blocks[2], 0.0)
        for each in world.obstacles:
            hides = (time_s >= each.from_s) & (time_s < each.until_s) & (path.elevation_rad < each.below_rad)
            fade_db += tf.where(hides, each.loss_db, 0.0)
        silent = (time_s >= values.off[:, 0]) & (time_s < values.off[:, 1])
        power = mean * tf.repeat(tf.exp(-fade_db / _DB) * path.fed[:, None], layer.beams, 0)
        power *= tf.where(silent, 0.0, 1.0)[:, None]
        trip_s = path.way_m * (2.0 / SPEED_OF_LIGHT_M_S)
        return (
            mean,
            power,
            tf.repeat(trip_s, layer.beams, 0),
            tf.repeat(path.elevation_rad, layer.beams, 0),
            path.beyond_km,
        )

    def _ground_loss(self, layer: Layer, path: Path, fade: LayerFade) -> tuple[tf.Tensor, tf.Tensor]:
        """Path loss and spread of shadowing of a terrestrial layer."""
        site = Cell(kind=layer.cell, carrier_hz=layer.carrier_hz, terminal_m=layer.terminal_m)
        ground = tf.maximum(tf.cast(path.ground_m, tf.float64), 10.0)
        sight = tf.cast(fade.sight, tf.float64) < site.sight_probability(ground)
        loss, sigma = (
            tf.cast(tf.where(sight, of(line_of_sight=True), of(line_of_sight=False)), tf.float32)
            for of in (
                lambda *, line_of_sight: site.path_loss_db(ground, line_of_sight=line_of_sight),
                lambda *, line_of_sight: site.shadow_sigma_db(ground, line_of_sight=line_of_sight),
            )
        )
        # behind the Earth's bulge (smooth, 4/3 of its radius) a cell counts as silent, whatever the formula says
        horizon_m = math.sqrt(2.0 * _EFFECTIVE_RADIUS_M) * (math.sqrt(site.antenna_m) + math.sqrt(layer.terminal_m))
        beyond = tf.cast(ground > horizon_m, tf.float32)
        return loss + _BEHIND_THE_BULGE_DB * beyond, sigma


_EFFECTIVE_RADIUS_M = 4.0 / 3.0 * EARTH_RADIUS_M  # standard atmosphere
_BEHIND_THE_BULGE_DB = 200.0


def _at(track: tf.Tensor, place: tf.Tensor) -> tf.Tensor:
    """A step of a track; what does not move has one."""
    return tf.gather(track, tf.minimum(place, track.shape[0] - 1))


def _dot(one: list[tf.Tensor], two: list[tf.Tensor]) -> tf.Tensor:
    return one[0] * two[0] + one[1] * two[1] + one[2] * two[2]


def _interpolated(table: tf.Tensor, chord: tf.Tensor) -> tf.Tensor:
    """Linear in a table over chords of the unit sphere, 0 to 2, spaced as in `aperture_pattern`."""
    place = (PATTERN_ENTRIES - 1) * tf.sqrt(tf.clip_by_value(0.5 * chord, 0.0, 1.0 - 1e-7))
    low = tf.floor(place)
    index = tf.cast(low, tf.int32)
    one, two = tf.gather(table, index), tf.gather(table, index + 1)
    return one + (place - low) * (two - one)


def aperture_pattern(aperture_m: float, carrier_hz: float) -> Any:
    """Amplitude of a circular aperture (TR 38.811, 6.4.1) for `LayerValues.pattern`, float64 [`PATTERN_ENTRIES`].

    Entries lie at the chords 2 (i / (N - 1))^2 of the unit sphere, dense where beams are narrow.
    """
    chord = 2.0 * np.linspace(0.0, 1.0, PATTERN_ENTRIES) ** 2
    angle = 2.0 * np.arcsin(chord / 2.0)
    power = circular_aperture(tf.constant(angle), aperture_m=aperture_m, frequency_hz=carrier_hz)
    return np.sqrt(power.numpy())
