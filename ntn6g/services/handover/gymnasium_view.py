"""Gymnasium views of handover, for any library of reinforcement learning (needs ntn6g[rl])."""

from collections.abc import Callable
from typing import Any, ClassVar

import gymnasium
import numpy as np
import tensorflow as tf
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from ntn6g.services.handover.learned import Candidates, Given, HandoverWorld, Place
from ntn6g.services.handover.simulation import Simulation

Course = Callable[[int], Given]
"""A world and a block of steps from a seed of an episode."""
_LARGEST = 10.0  # of an observed number; all are of the order of one


def observation_space(candidates: Candidates) -> gymnasium.spaces.Box:
    """Box of float32, in the order of `Candidates`."""
    return gymnasium.spaces.Box(-_LARGEST, _LARGEST, (candidates.features,), np.float32)


class _Drive:
    """Compiled steps of a simulation that others drive."""

    def __init__(self, simulation: Simulation, course: Course, candidates: Candidates) -> None:
        self.world, self._course = HandoverWorld(simulation, candidates), course
        compiled = simulation.compiled
        self._advance = tf.function(self.world.advance, jit_compile=compiled, autograph=False)
        self._given: Given | None = None
        self._place: Place | None = None
        self.step = 0

    def begin(self, seed: int) -> Any:
        """Observations of the first step of an episode."""
        self._given = self._course(seed)
        self._place, observation = self.world.begin(self._given)  # once an episode: not worth tracing
        self.step = 0
        return observation.numpy()

    @property
    def over(self) -> bool:
        """Whether the episode has ended."""
        return self.step >= self.world.steps

    def go_on(self, action: Any) -> tuple[Any, Any]:
        """Next observations, and the rates that were served, Mbit/s float64 [terminal]."""
        if self._place is None:
            raise gymnasium.error.ResetNeeded("call reset before step")
        self._place, record = self._advance(self._given, self._place, tf.constant(action, tf.int32))
        self.step += 1
        return self._place.view.observation.numpy(), 1e-6 * np.asarray(record.rate_bps.numpy(), np.float64)


class HandoverEnv(gymnasium.Env[Any, Any]):
    """One terminal: the action asks for a handover, the reward is what the step serves, Mbit/s.

    Action 0 stays; k asks for the k-th neighbour of the report, best measured ratio first, and stays where there is
    none. Interruptions and failures are in the reward as what they fail to serve. An episode is a block of steps, after
    which it is truncated. The observation is that of `Candidates`: measurements, predictions and loads, and no true
    ratio.

    Parameters
    ----------
    simulation : Simulation
        Programs of a scene with one terminal.
    course : callable
        From a seed to the world and block of an episode.
    candidates : Candidates
        What is observed.
    """

    metadata: ClassVar[dict[str, Any]] = {"render_modes": []}

    def __init__(self, simulation: Simulation, course: Course, candidates: Candidates | None = None) -> None:
        if simulation.scene.terminals != 1:
            raise ValueError(f"the scene has {simulation.scene.terminals} terminals; several need HandoverVectorEnv")
        candidates = candidates or Candidates()
        self._drive = _Drive(simulation, course, candidates)
        self.action_space = gymnasium.spaces.Discrete(candidates.actions)
        self.observation_space = observation_space(candidates)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """A new episode; the same seed gives the same one."""
        super().reset(seed=seed)
        del options
        return self._drive.begin(int(self.np_random.integers(2**63 - 1)))[0], {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """One step of the simulation."""
        observation, served = self._drive.go_on([int(action)])
        return observation[0], float(served[0]), False, self._drive.over, {}


class HandoverVectorEnv(VectorEnv[Any, Any, Any]):
    """All terminals of a scene in one compiled step. Arguments and meaning as `HandoverEnv`.

    After the last step of an episode the next one begins another and takes no action (``AutoresetMode.NEXT_STEP``).
    """

    metadata: ClassVar[dict[str, Any]] = {"render_modes": [], "autoreset_mode": AutoresetMode.NEXT_STEP}

    def __init__(self, simulation: Simulation, course: Course, candidates: Candidates | None = None) -> None:
        candidates = candidates or Candidates()
        self._drive = _Drive(simulation, course, candidates)
        self.num_envs = simulation.scene.terminals
        self.single_action_space = gymnasium.spaces.Discrete(candidates.actions)
        self.single_observation_space = observation_space(candidates)
        self.action_space = batch_space(self.single_action_space, self.num_envs)
        self.observation_space = batch_space(self.single_observation_space, self.num_envs)

    def reset(self, *, seed: Any = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """A new episode; the same seed (a whole number) gives the same one."""
        del options
        if seed is not None:
            self._np_random, self._np_random_seed = gymnasium.utils.seeding.np_random(seed)
        return self._begin(), {}

    def step(self, actions: Any) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        """One step of the simulation."""
        never = np.zeros(self.num_envs, bool)
        if self._drive.over:
            return self._begin(), np.zeros(self.num_envs), never, never.copy(), {}
        observation, served = self._drive.go_on(actions)
        return observation, served, never, np.full(self.num_envs, self._drive.over), {}

    def _begin(self) -> Any:
        return self._drive.begin(int(self.np_random.integers(2**63 - 1)))
