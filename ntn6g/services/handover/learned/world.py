"""The simulation as a world for agents: terminals side by side, an action a step, what is served as reward."""

from dataclasses import dataclass
from typing import NamedTuple

import tensorflow as tf

from ntn6g.services.handover.connection import Measured, Record, State
from ntn6g.services.handover.learned.candidates import RATE_BPS, Candidates, View
from ntn6g.services.handover.machine import Setting
from ntn6g.services.handover.observation import Observation, rate_bps
from ntn6g.services.handover.scene import LayerFade
from ntn6g.services.handover.simulation import Simulation
from ntn6g.services.handover.world import Block, World


class Given(NamedTuple):
    """A world and the block of steps that an episode goes through."""

    world: World
    block: Block


class Carry(NamedTuple):
    """Between two blocks."""

    fades: tuple[LayerFade, ...]
    state: State
    level_db: tf.Tensor
    """Predicted at the last step, [cell, terminal]."""


class Place(NamedTuple):
    """Between measurement and action of a step."""

    number: tf.Tensor
    """Of the step in its block."""
    carry: Carry
    measured: Measured
    seen: Observation
    view: View


@dataclass(frozen=True, eq=False)
class HandoverWorld:
    """Terminals of a scene whose handovers somebody else decides, as a report that asks for a cell.

    An action is heard while the terminal is connected and no handover is under way; preparation, command, execution and
    failures follow as for any report. An episode is a block of steps less one, since its last step is only looked at:
    terminals begin without a cell, and nothing ends with it but the episode.

    Parameters
    ----------
    simulation : Simulation
        Scene and machine.
    candidates : Candidates
        What an agent is told.
    """

    simulation: Simulation
    candidates: Candidates

    @property
    def features(self) -> int:
        """Length of an observation."""
        return self.candidates.features

    @property
    def actions(self) -> int:
        """To stay, or a neighbour."""
        return self.candidates.actions

    @property
    def copies(self) -> int:
        """Terminals."""
        return self.simulation.scene.terminals

    @property
    def steps(self) -> int:
        """Actions of an episode."""
        return self.simulation.block_steps - 1

    def start(self, world: World) -> Carry:
        """Before the first step."""
        fades, state = self.simulation.start(world)
        return Carry(fades, state, tf.zeros([self.simulation.scene.cells, self.copies]))

    def measure(self, given: Given, carry: Carry, number: tf.Tensor) -> Place:
        """First half of a step: what is measured, and the view of it."""
        world, block = given
        cells = self.simulation.scene.cells
        fades, seen, error = self.simulation.observed(world, block, carry.fades, number, cells=cells)
        begins = carry.state.phase < 0
        setting = setting_of(world)
        state, measured = self.simulation.machine.measured(carry.state, seen, error, setting)
        before_db = tf.where(begins, seen.level_db, carry.level_db)
        view = self.candidates.look(state, measured, seen, before_db, setting)
        return Place(number, Carry(fades, state, seen.level_db), measured, seen, view)

    def act(self, given: Given, place: Place, action: tf.Tensor) -> tuple[Carry, Record]:
        """Second half of a step: what comes of actions, int32 [terminal]."""
        setting, machine, carry = setting_of(given.world), self.simulation.machine, place.carry
        cell = tf.gather(place.view.cell, tf.clip_by_value(action, 0, self.actions - 1), batch_dims=1)
        wanted = machine.directed(carry.state, cell, setting)
        state, record = machine.moved(carry.state, place.seen, setting, place.measured, wanted)
        return carry._replace(state=state), record

    def begin(self, given: Given) -> tuple[Place, tf.Tensor]:
        """First step of the block."""
        place = self.measure(given, self.start(given.world), tf.constant(0))
        return place, place.view.observation

    def advance(self, given: Given, place: Place, action: tf.Tensor) -> tuple[Place, Record]:
        """To the next step, with the record of the one that is left."""
        carry, record = self.act(given, place, action)
        return self.measure(given, carry, place.number + 1), record

    def go_on(self, given: Given, state: Place, action: tf.Tensor) -> tuple[Place, tf.Tensor, tf.Tensor, tf.Tensor]:
        """As `advance`, with the observation and a reward: the served rate less that of the best cell of the step.

        What is taken off does not hang on any action, so that the best policy is the same; it takes off what shadowing
        and places alone make of a step.
        """
        after, record = self.advance(given, state, action)
        service = given.world.service
        rate = rate_bps(service, state.seen.sinr_db, service.bandwidth_hz[:, None])
        best = tf.reduce_max(tf.where(given.world.allowed, rate, 0.0), 0)
        never = tf.zeros([self.copies], tf.bool)
        return after, after.view.observation, (record.rate_bps - best) / RATE_BPS, never


def setting_of(world: World) -> Setting:
    """What a step is judged by where no rule decides."""
    return Setting(None, world.timing, world.service, world.allowed, world.layer)
