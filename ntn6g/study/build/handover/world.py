"""From a scenario to the tensors of a simulation: layers, terminals, blocks of time."""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
import tensorflow as tf

from ntn6g import orbit
from ntn6g.core import random
from ntn6g.core.constants import BOLTZMANN_DBW_K_HZ, REFERENCE_TEMPERATURE_K
from ntn6g.core.units import db_to_linear
from ntn6g.orbit import Times
from ntn6g.scenario import BeamsLayer, Handover, Scenario
from ntn6g.services.handover import (
    Block,
    Layer,
    LayerTrack,
    Obstacle,
    Scene,
    Service,
    Simulation,
    TerminalTrack,
    World,
)
from ntn6g.study.build.handover.numbers import colours_of, overlap_of, places_of, timing_of, values_of
from ntn6g.study.build.handover.places import LOOK_AHEAD_S, Beams, beams_of, sites_of, terminal_platforms
from ntn6g.study.build.handover.rates import rate_per_hz

_LONGEST_BLOCK = 512
_LONGEST_ROUND_TRIP_MS = 560.0  # over a geostationary satellite and its feeder link, both at the horizon
_LOWEST_M = 1.5  # of a terminal over the ground in TR 38.901
_VISIT_STEP_S = 0.5  # of predicted exits; between two of them distance and elevation are taken as straight
_NOISE_DBM_MHZ = BOLTZMANN_DBW_K_HZ + 10.0 * math.log10(REFERENCE_TEMPERATURE_K) + 30.0 + 60.0


@dataclass(frozen=True)
class Case:
    """A point: its scenario, and the text that tells it from others."""

    text: str
    scenario: Scenario = field(compare=False)

    @property
    def asked(self) -> Handover:
        """Its section."""
        assert self.scenario.handover is not None  # checked on loading
        return self.scenario.handover


def case_of(scenario: Scenario) -> Case:
    """The case of a point; policies and names do not change what happens around them."""
    assert scenario.handover is not None
    given = scenario.handover.model_dump(mode="json", exclude={"policies", "models", "tuning"})
    used = {each.platform for each in scenario.handover.layers.values() if isinstance(each, BeamsLayer)}
    skies = {name: scenario.platforms[name].model_dump(mode="json") for name in sorted(used)}
    return Case(json.dumps([scenario.seed, given, skies], sort_keys=True), scenario)


@lru_cache(maxsize=16)
def layers_of(case: Case) -> tuple[dict[str, Beams], dict[str, Any]]:
    """Platforms and beams, and terrestrial sites in ECEF, by layer.

    Raises
    ------
    ScenarioError
        No satellite in view, too many cells, cells that fill no whole rings.
    """
    skies: dict[str, Beams] = {}
    grounds: dict[str, Any] = {}
    for name, layer in case.asked.layers.items():
        path = f"handover.layers.{name}"
        if isinstance(layer, BeamsLayer):
            skies[name] = beams_of(case.asked, layer, case.scenario.platforms[layer.platform], path)
        else:
            grounds[name] = sites_of(case.asked, layer, path)
    return skies, grounds


class Stage:
    """A case on tensors, and its compiled programs.

    Parameters
    ----------
    case : Case
        What is simulated.
    predict : bool
        Whether exits from cells are predicted now; else they are by `predict`, or never.
    """

    def __init__(self, case: Case, *, predict: bool = True) -> None:
        asked = case.asked
        self.asked, self.layers = asked, asked.layers
        count = asked.terminals.count
        self.blocks = math.ceil(asked.steps / _LONGEST_BLOCK)
        self.block_steps = math.ceil(asked.steps / self.blocks)
        self.step_s = 1e-3 * asked.step_ms
        key = random.chunk_key(case.scenario.seed, "handover", 0)
        self.keys = random.block_keys(tf.constant([key], tf.uint32), count)
        self.terminals = terminal_platforms(asked, self.keys)
        self.skies, self.grounds = layers_of(case)
        layers = []
        for name, layer in asked.layers.items():
            carrier_hz = 1e9 * layer.carrier_ghz
            if isinstance(layer, BeamsLayer):
                sky = self.skies[name]
                blocked = layer.blockage is not None
                shape = Layer("sky", places_of(sky), sky.beams, carrier_hz, layer.environment, blocked=blocked)
                layers.append(shape)
            else:
                height_m = max(_LOWEST_M, asked.terminals.altitude)
                layers.append(Layer("ground", layer.sites, 1, carrier_hz, layer.cell, height_m))
        self.scene = Scene(tuple(layers), count, self.step_s)
        self.simulation = simulation_of(self.scene, self.block_steps, _history(asked))
        errors = random.normal(random.stream(self.keys, "believed place"), (3,))
        self.place_error_m = asked.knowledge.position_error_m * tf.cast(errors, tf.float64)
        self.visits = [tf.zeros([2, each.cells, count]) for each in layers]
        self.world = self._world(self.scene)
        self._predicted = False
        if predict:
            self.predict()

    @property
    def steps(self) -> int:
        """Of all blocks."""
        return self.blocks * self.block_steps

    @property
    def cell_layer(self) -> Any:
        """Name of the layer of each cell."""
        return [n for n, each in zip(self.layers, self.scene.layers, strict=True) for _ in range(each.cells)]

    def allowed(self, layers: tuple[str, ...] | None = None) -> tf.Tensor:
        """Cells that terminals may use, of some layers, and without roaming of their own operator: [cell, terminal]."""
        operators = list(dict.fromkeys(each.operator for each in self.layers.values()))
        home = np.arange(self.scene.terminals) % len(operators)
        found = []
        for name, shape in zip(self.layers, self.scene.layers, strict=True):
            own = home == operators.index(self.layers[name].operator)
            usable = np.full(shape.cells, layers is None or name in layers)
            if name in self.skies:
                usable[self.skies[name].fleet.size * shape.beams :] = False
            found.append(usable[:, None] & (own | (self.asked.roaming == "full"))[None])
        return tf.constant(np.concatenate(found))

    def track(self, first: int, count: int, step_s: float) -> tuple[tuple[LayerTrack, ...], TerminalTrack]:
        """Places along some steps."""
        times = Times(self.asked.start, step_s * np.arange(first, first + count))
        tracks = []
        for number, name in enumerate(self.layers):
            if name in self.grounds:
                place = tf.constant(self.grounds[name])[None]
                tracks.append(LayerTrack(place, place, place, self.visits[number], *_reached(place.shape[1])))
                continue
            sky = self.skies[name]
            state = sky.fleet.state(times)
            reference = sky.references(state)
            believed = reference
            if self.asked.knowledge.ephemeris_error_m and sky.aim_m is None:
                late_s = self._late_s(number, sky.fleet.size, state)
                later = sky.references(sky.fleet.state(Times(self.asked.start, np.asarray(times.offset_s) + 1.0)))
                believed = reference + tf.repeat(late_s, sky.beams)[None, :, None] * (later - reference)
            position = tf.transpose(state.position_ecef_m, [1, 0, 2])
            platforms, cells = places_of(sky), self.scene.layers[number].cells
            seen, taken = _padded(reference, cells), _padded(believed, cells)
            position = _padded(position, platforms)
            feeders = sky.feeders
            fed = feeders.along(position, times.offset_s) if feeders is not None else _reached(platforms)
            tracks.append(LayerTrack(position, seen, taken, self.visits[number], *fed))
        site = self.terminals.site(times)
        position, up = (tf.transpose(each, [1, 0, 2]) for each in (site.position_ecef_m, site.up))
        return tuple(tracks), TerminalTrack(position, up, self.place_error_m)

    def every_block(self) -> Iterator[Block]:
        """The blocks of the simulation in turn; none is kept."""
        for number in range(self.blocks):
            yield self.block(number * self.block_steps)

    def block(self, first: int) -> Block:
        """The block that begins at a step."""
        return Block(tf.constant(first), *self.track(first, self.block_steps, self.step_s))

    def _late_s(self, number: int, size: int, state: orbit.State) -> tf.Tensor:
        """By how much each platform is taken for being ahead on its orbit, s, float64 [platform]."""
        keys = random.block_keys(random.stream(self.keys[:1], f"ephemeris {number}"), size)
        error_m = self.asked.knowledge.ephemeris_error_m * tf.cast(random.normal(keys, (1,))[:, 0], tf.float64)
        speed = tf.norm(state.velocity_ecef_m_s[:, 0], axis=-1)
        return error_m / tf.maximum(speed, 1.0)

    def predict(self) -> None:
        """Entrances into all cells and exits from them, by a coarser walk that goes beyond the end; once."""
        if self._predicted:
            return
        self._predicted = True
        seconds = self.steps * self.step_s + LOOK_AHEAD_S
        carry = self.simulation.visit_start()
        done = 0
        while done * _VISIT_STEP_S < seconds:
            block = Block(tf.constant(done), *self.track(done, self.block_steps, _VISIT_STEP_S))
            carry = self.simulation.visits(self.world, carry, block, _VISIT_STEP_S)
            done += self.block_steps
        for number, name in enumerate(self.layers):
            visit = tf.stack(carry[number][1:])
            if name in self.skies and self.asked.knowledge.ephemeris_error_m and self.skies[name].aim_m is not None:
                sky = self.skies[name]
                state = sky.fleet.state(Times(self.asked.start, np.array([0.0])))
                late_s = tf.cast(tf.repeat(self._late_s(number, sky.fleet.size, state), sky.beams), tf.float32)
                late_s = tf.pad(late_s, [[0, visit.shape[1] - late_s.shape[0]]])
                visit -= late_s[None, :, None]
            self.visits[number] = visit

    def _spots(self, number: int, name: str, first: int) -> Any:
        """Places that steered beams serve, numbered over all layers; -1 for all other cells: [cell]."""
        shape, sky = self.scene.layers[number], self.skies.get(name)
        if sky is None or sky.aim_m is None:
            return np.full(shape.cells, -1)
        return first + np.tile(np.arange(shape.beams), shape.platforms)

    def _world(self, scene: Scene) -> World:
        asked = self.asked
        values, power, noise, bandwidth, colour = [], [], [], [], []
        spot: list[Any] = []
        for number, (name, layer) in enumerate(self.layers.items()):
            cells = scene.layers[number].cells
            values.append(values_of(asked, layer, scene.layers[number], self.skies.get(name)))
            power.append(np.full(cells, layer.activity))
            noise.append(np.full(cells, db_to_linear(_NOISE_DBM_MHZ + layer.noise_figure_db)))
            draws = random.block_keys(random.stream(self.keys[:1], f"load {number}"), cells)
            load = layer.load * np.asarray(random.uniform(draws, (1,)).numpy(), np.float64)[:, 0]
            bandwidth.append(1e6 * layer.bandwidth_mhz / layer.reuse * (1.0 - load))
            spot.append(self._spots(number, name, sum(len(each) for each in spot)))
            colour.append(colours_of(name, layer, self.skies.get(name)))
        overlap = overlap_of(self.layers, np.concatenate(colour), np.concatenate(power))
        return World(
            keys=random.stream(self.keys, "steps"),
            values=tuple(values),
            obstacles=tuple(
                Obstacle(
                    *(tf.constant(v, tf.float32) for v in (h.from_s, h.until_s, math.radians(h.below_deg), h.loss_db))
                )
                for h in asked.hidden
            ),
            overlap=tf.constant(overlap, tf.float32),
            noise=tf.constant(np.concatenate(noise), tf.float32),
            layer=tf.constant(np.concatenate([np.full(e.cells, n) for n, e in enumerate(scene.layers)]), tf.int32),
            spot=tf.constant(np.concatenate(spot), tf.int32),
            allowed=self.allowed(),
            service=Service(
                tf.constant(rate_per_hz(asked.rate), tf.float32), tf.constant(np.concatenate(bandwidth), tf.float32)
            ),
            timing=timing_of(asked),
        )


def _padded(track: tf.Tensor, count: int) -> tf.Tensor:
    """A track with its last entry repeated, [time, n, 3] to [time, count, 3]; what is repeated is silent."""
    missing = count - track.shape[1]
    return track if not missing else tf.concat([track, tf.repeat(track[:, -1:], missing, 1)], 1)


def _reached(platforms: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Feeder links of platforms that always reach the network: no length, [1, platform] each."""
    return tf.zeros([1, platforms], tf.float64), tf.ones([1, platforms])


def _history(asked: Handover) -> int:
    """Steps of the longest interruption that there can be, in eights: a geostationary round trip is the longest."""
    given = asked.procedure
    longest_ms = given.execute_ms + given.access_ms + given.access_round_trips * _LONGEST_ROUND_TRIP_MS
    return math.ceil((longest_ms / asked.step_ms + 2.0) / 8.0) * 8


@lru_cache(maxsize=8)
def simulation_of(scene: Scene, block_steps: int, history: int) -> Simulation:
    """Programs of a structure, kept for later points."""
    _SIMULATIONS.append(Simulation(scene, block_steps=block_steps, history=history))
    return _SIMULATIONS[-1]


_SIMULATIONS: list[Simulation] = []


def programs_traced() -> int:
    """Programs that this process has traced."""
    return sum(each.traced for each in _SIMULATIONS)


@lru_cache(maxsize=4)
def stage_of(case: Case) -> Stage:
    """`Stage` of a case, kept for its other policies; exits are predicted for the first that asks."""
    return Stage(case, predict=False)
