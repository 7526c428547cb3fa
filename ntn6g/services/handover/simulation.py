"""Scene, measurement and machine as one compiled program over blocks of steps, streamed in time."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from ntn6g.core import random
from ntn6g.services.handover.bounds import Bounds, Oracle
from ntn6g.services.handover.connection import Record, State, empty_record, noted
from ntn6g.services.handover.machine import Machine, Setting
from ntn6g.services.handover.rules import RuleTensors
from ntn6g.services.handover.scene import LayerFade, Scene
from ntn6g.services.handover.world import Block, World


class Simulation:
    """Compiled programs of a scene: any rule, timing, power or place is a value of the same ones.

    Parameters
    ----------
    scene : Scene
        What shapes them.
    block_steps : int
        Steps of a block.
    history : int
        Steps that the longest interruption may take, for the oracle.
    compiled : bool
        Without it every operation is run by itself: slower, and no time for compiling.
    """

    def __init__(self, scene: Scene, *, block_steps: int, history: int = 64, compiled: bool = True) -> None:
        self.scene, self.block_steps, self.compiled = scene, block_steps, compiled
        self.machine = Machine(scene.cells, scene.terminals)
        self.oracle = Oracle(scene.cells, scene.terminals, history)
        self.run_program = tf.function(self._run_block, jit_compile=compiled, autograph=False)
        self.bound_program = tf.function(self._bound_block, jit_compile=compiled, autograph=False)
        self.visit_program = tf.function(self._visit_block, jit_compile=compiled, autograph=False)

    @property
    def traced(self) -> int:
        """Programs traced so far."""
        return sum(
            int(each.experimental_get_tracing_count())
            for each in (self.run_program, self.bound_program, self.visit_program)
        )

    def start(self, world: World) -> tuple[tuple[LayerFade, ...], State]:
        """Before the first step."""
        return self.scene.start(world), self.machine.start()

    def run(
        self, world: World, rule: RuleTensors, carry: tuple[tuple[LayerFade, ...], State], block: Block
    ) -> tuple[tuple[tuple[LayerFade, ...], State], Record]:
        """A block of steps under a rule: what goes on to the next block, and a record [steps, terminal]."""
        found: tuple[tuple[tuple[LayerFade, ...], State], Record] = self.run_program(world, rule, carry, block)
        return found

    def bound(
        self, world: World, carry: tuple[tuple[LayerFade, ...], Bounds], block: Block
    ) -> tuple[tuple[LayerFade, ...], Bounds]:
        """A block of steps of the bounds."""
        found: tuple[tuple[LayerFade, ...], Bounds] = self.bound_program(world, carry, block)
        return found

    def visits(self, world: World, carry: Any, block: Block, step_s: float) -> Any:
        """Entrance into every cell and exit from it, see `visit_start`; ``step_s`` is that of the block."""
        return self.visit_program(world, carry, block, tf.constant(step_s, tf.float32))

    def visit_start(self) -> tuple[tuple[tf.Tensor, ...], ...]:
        """For each layer: margin at the step before, first entrance and last exit, [cell, terminal]."""
        found = []
        for layer in self.scene.layers:
            zero = tf.zeros([layer.cells, self.scene.terminals])
            found.append((zero - 1.0, zero + NEVER_S, zero - 1.0))
        return tuple(found)

    def over(self, body: Callable[..., Any], carry: Any) -> Any:
        """A loop over the steps of a block."""
        steps = self.block_steps
        return tf.while_loop(lambda place, *_: place < steps, body, (tf.constant(0), *carry), maximum_iterations=steps)[
            1:
        ]

    def observed(
        self, world: World, block: Block, fades: Any, place: tf.Tensor, *, cells: int
    ) -> tuple[Any, Any, tf.Tensor]:
        """Fading one step on, what there is to see, and the errors of measuring some cells, [cell, terminal]."""
        number, platforms = block.first + place, self.scene.platforms
        drawn = random.normal_at(world.keys, number, platforms + cells)
        fades = self.scene.advance(number, world, fades, drawn)
        time_s = tf.cast(number, tf.float32) * world.timing.step_s
        seen = self.scene.observe(place, time_s, world, block, fades)
        return fades, seen, tf.transpose(drawn[:, platforms:])

    def _run_block(self, world: World, rule: RuleTensors, carry: Any, block: Block) -> Any:
        setting = Setting(rule, world.timing, world.service, world.allowed, world.layer, world.spot)

        def body(place: tf.Tensor, fades: Any, state: State, record: Record) -> Any:
            fades, seen, error = self.observed(world, block, fades, place, cells=self.scene.cells)
            state, now = self.machine.step(state, seen, error, setting)
            return place + 1, fades, state, noted(record, place, now)

        empty = empty_record(self.block_steps, self.scene.terminals)
        fades, state, record = self.over(body, (*carry, empty))
        return (fades, state), record

    def _bound_block(self, world: World, carry: Any, block: Block) -> Any:
        def body(place: tf.Tensor, fades: Any, bounds: Bounds) -> Any:
            fades, seen, _ = self.observed(world, block, fades, place, cells=0)
            bounds = self.oracle.step(
                bounds, seen, timing=world.timing, service=world.service, allowed=world.allowed, spot=world.spot
            )
            return place + 1, fades, bounds

        return self.over(body, carry)

    def _visit_block(self, world: World, carry: Any, block: Block, step_s: tf.Tensor) -> Any:
        scene = self.scene

        def body(place: tf.Tensor, carried: Any) -> Any:
            time_s = tf.cast(block.first + place, tf.float32) * step_s
            after = []
            for number, layer in enumerate(scene.layers):
                before, enters, leaves = carried[number]
                values = world.values[number]
                path = scene.path(place, layer, values, block.tracks[number], block.terminals)
                up_km = (path.elevation_rad - values.mask_rad) * KM_PER_RAD
                inside_km = -path.beyond_km
                if layer.kind == "sky":
                    inside_km = tf.minimum(inside_km, tf.repeat(up_km, layer.beams, 0))
                # straight between two steps, which are short against a visit
                change = tf.where(tf.abs(inside_km - before) > 1e-9, inside_km - before, 1e-9)
                crossed_s = time_s - step_s * tf.clip_by_value(inside_km / change, 0.0, 1.0)
                first = block.first + place == 0
                comes = (inside_km >= 0.0) & ((before < 0.0) | first)
                goes = (inside_km < 0.0) & (before >= 0.0) & ~first
                enters = tf.where(comes & (enters >= NEVER_S), tf.where(first, 0.0, crossed_s), enters)
                leaves = tf.where(goes, crossed_s, tf.where(inside_km >= 0.0, time_s, leaves))
                after.append((inside_km, enters, leaves))
            return place + 1, tuple(after)

        return self.over(body, (carry,))[0]


NEVER_S = 1e6
"""Stands for 'not within the simulation' where a time is expected."""
KM_PER_RAD = 1_000.0
"""Makes an elevation above the mask comparable with a distance within a cell; where they are zero is what counts."""
