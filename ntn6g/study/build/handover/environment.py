"""From a scenario to an environment of reinforcement learning: programs, and the course of an episode."""

import tensorflow as tf

from ntn6g.core import random
from ntn6g.scenario import Scenario
from ntn6g.services.handover import Block, Simulation, World
from ntn6g.services.handover.learned import Given
from ntn6g.study.build.handover.world import Stage, case_of


class Course:
    """Episodes of a scenario: from a seed to a block of its time with shadowing and errors of its own.

    Places and satellites are those of the scenario; another start or seed of the scenario has others.

    Parameters
    ----------
    stage : Stage
        The scenario on tensors.
    """

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self._blocks: dict[int, Block] = {}

    def __call__(self, seed: int) -> Given:
        """World and block of an episode."""
        return self.given(seed % self.stage.blocks, seed)

    def given(self, number: int, seed: int) -> Given:
        """A block by its number, with draws of a seed."""
        return Given(self.world(seed), self.block(number))

    def block(self, number: int) -> Block:
        """A block by its number; it is kept."""
        if number not in self._blocks:
            self._blocks[number] = self.stage.block(number * self.stage.block_steps)
        return self._blocks[number]

    def world(self, seed: int) -> World:
        """The world with draws of a seed."""
        key = random.chunk_key(seed, "handover|episode", 0)
        keys = random.block_keys(tf.constant([key], tf.uint32), self.stage.scene.terminals)
        return self.stage.world._replace(keys=keys)


def environment_of(scenario: Scenario, *, compiled: bool = True) -> tuple[Simulation, Course]:
    """Arguments of `ntn6g.services.handover.gymnasium_view.HandoverEnv` and `HandoverVectorEnv`.

    Parameters
    ----------
    scenario : Scenario
        With a section ``handover``; its ``terminals.count`` is 1 for `HandoverEnv`.
    compiled : bool
        As for `Simulation`.

    Raises
    ------
    ScenarioError
        No satellite in view, too many cells.
    """
    stage = Stage(case_of(scenario))
    simulation = stage.simulation
    if not compiled:
        simulation = Simulation(stage.scene, block_steps=stage.block_steps, compiled=False)
    return simulation, Course(stage)
