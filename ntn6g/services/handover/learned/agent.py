"""The greedy policy of a trained agent, streamed over blocks of steps as rules are."""

from typing import Any

import tensorflow as tf

from ntn6g.services.handover.connection import Record, empty_record, noted
from ntn6g.services.handover.learned.candidates import Candidates
from ntn6g.services.handover.learned.network import CandidateNetwork, Weights
from ntn6g.services.handover.learned.world import Carry, Given, HandoverWorld
from ntn6g.services.handover.simulation import Simulation
from ntn6g.services.handover.world import Block, World


class Agent:
    """A compiled program of a scene under a network; its weights are values.

    Parameters
    ----------
    simulation : Simulation
        Scene and machine.
    candidates, network
        What is observed, and what scores it.
    """

    def __init__(self, simulation: Simulation, candidates: Candidates, network: CandidateNetwork) -> None:
        self.world, self.network = HandoverWorld(simulation, candidates), network
        self.program = tf.function(self._run_block, jit_compile=simulation.compiled, autograph=False)

    def start(self, world: World) -> Carry:
        """Before the first step."""
        return self.world.start(world)

    def run(self, world: World, weights: Weights, carry: Carry, block: Block) -> tuple[Carry, Record]:
        """A block of steps: what goes on to the next block, and a record [steps, terminal]."""
        found: tuple[Carry, Record] = self.program(world, weights, carry, block)
        return found

    def action(self, weights: Weights, observation: tf.Tensor) -> tf.Tensor:
        """The action of the largest value, int32 [terminal]; the first of equal ones."""
        return tf.argmax(self.network(weights, observation), 1, output_type=tf.int32)

    def _run_block(self, world: World, weights: Weights, carry: Carry, block: Block) -> Any:
        simulation, given = self.world.simulation, Given(world, block)

        def body(number: tf.Tensor, carry: Carry, record: Record) -> Any:
            place = self.world.measure(given, carry, number)
            carry, now = self.world.act(given, place, self.action(weights, place.view.observation))
            return number + 1, carry, noted(record, number, now)

        empty = empty_record(simulation.block_steps, self.world.copies)
        return simulation.over(body, (carry, empty))
