"""Gymnasium views of the link, for any library of reinforcement learning (needs ntn6g[rl])."""

from typing import Any, ClassVar, NamedTuple

import gymnasium
import numpy as np
import tensorflow as tf
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from ntn6g.core import random
from ntn6g.services.adaptation.environment import LinkEnvironment, State
from ntn6g.services.adaptation.policies.beliefs import remembered
from ntn6g.services.adaptation.policies.interface import Seen
from ntn6g.services.adaptation.traces import LinkValues, Trace

REPORTS = 16
"""Reports that an observation holds."""
_SCALARS = 3  # age, delay, mean level
_LANES = 2  # answers that may arrive at once, each known, acknowledged and of some MCS


class _Here(NamedTuple):
    """Where a batch of passes stands."""

    trace: Trace
    state: State
    window: tf.Tensor


def observation_space(ladder_size: int) -> gymnasium.spaces.Box:
    """Box of float32: 16 reports in dB, newest last; age and delay in slots, mean level in dB; two HARQ answers."""
    lanes = [1.0, 1.0, float(ladder_size - 1)] * _LANES
    low = np.array([-200.0] * REPORTS + [0.0, 0.0, -200.0] + [0.0] * len(lanes), np.float32)
    high = np.array([200.0] * REPORTS + [1e7, 1e7, 200.0, *lanes], np.float32)
    return gymnasium.spaces.Box(low, high, dtype=np.float32)


class _Link:
    """Compiled steps of a link that others drive, some passes at once.

    Parameters
    ----------
    link : LinkEnvironment
        The link.
    values : LinkValues
        Its numbers.
    passes : int
        Side by side.
    """

    def __init__(self, link: LinkEnvironment, values: LinkValues, passes: int) -> None:
        self.link, self.values, self.passes = link, values, passes
        self._begin = tf.function(self._first, autograph=False)  # once a pass: not worth XLA's five seconds
        self._go_on = tf.function(self._next, jit_compile=True, autograph=False)

    def begin(self, seed: int) -> tuple[_Here, Any]:
        """New passes and the observation of their first slot [pass, feature]."""
        key = random.chunk_key(seed, "adaptation|gymnasium", 0)
        return self._begin(tf.constant([key], tf.uint32))

    def go_on(self, here: _Here, mcs: Any) -> tuple[_Here, Any, Any]:
        """Send a slot: where that leads, the next observation, and the expected goodput [pass]."""
        return self._go_on(here, tf.constant(mcs, tf.int32))

    def _first(self, key: tf.Tensor) -> tuple[_Here, tf.Tensor]:
        trace = self.link.maker(random.block_keys(key, self.passes), self.values)
        window = tf.fill([self.passes, REPORTS], tf.constant(self.link.maker.lowest_db, tf.float32))
        return self._look(trace, self.link.start(self.passes), window)

    def _next(self, here: _Here, mcs: tf.Tensor) -> tuple[_Here, tf.Tensor, tf.Tensor]:
        slot = here.state.slot
        sent = self.link.transmit(here.trace, here.state, mcs)
        reward = self.link.goodput(here.trace.snr_db[slot], sent.records[slot])
        ends = tf.minimum(sent.slot, self.link.maker.slots - 1)
        there, features = self._look(here.trace, sent._replace(slot=ends), here.window)
        return there, features, reward

    def _look(self, trace: Trace, state: State, window: tf.Tensor) -> tuple[_Here, tf.Tensor]:
        heard, seen = self.link.observe(trace, state)
        window = remembered(window, seen.report_db, seen.is_fresh)
        return _Here(trace, heard, window), _features(window, seen)


def _features(window: tf.Tensor, seen: Seen) -> tf.Tensor:
    numbers = [tf.cast(each, tf.float32) for each in (seen.age_slots, seen.delay_slots, seen.level_db)]
    for lane in seen.feedback:
        numbers += [tf.where(lane.known, tf.cast(each, tf.float32), 0.0) for each in (lane.known, lane.ack, lane.mcs)]
    return tf.concat([window, tf.stack(numbers, 1)], 1)


class LinkAdaptationEnv(gymnasium.Env[Any, Any]):
    """One terminal: the action is the MCS of the next slot, the reward its expected goodput, bits per data element.

    An episode is one pass of a fixed number of slots, after which it is truncated. The reward is the goodput's mean
    over the block's outcome, and zero in slots without a free HARQ process; the observation holds nothing that has not
    arrived (`observation_space`).

    Parameters
    ----------
    link : LinkEnvironment
        The link.
    values : LinkValues
        Its numbers.
    """

    metadata: ClassVar[dict[str, Any]] = {"render_modes": []}

    def __init__(self, link: LinkEnvironment, values: LinkValues) -> None:
        self._link = _Link(link, values, 1)
        self.action_space = gymnasium.spaces.Discrete(link.ladder.size)
        self.observation_space = observation_space(link.ladder.size)
        self._here: _Here | None = None
        self._slot = 0

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """A new pass; the same seed gives the same one."""
        super().reset(seed=seed)
        del options
        drawn = int(self.np_random.integers(2**63 - 1))
        self._here, features = self._link.begin(drawn)
        self._slot = 0
        return features.numpy()[0], {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Send one slot."""
        if self._here is None:
            raise gymnasium.error.ResetNeeded("call reset before step")
        self._here, features, reward = self._link.go_on(self._here, [int(action)])
        self._slot += 1
        return features.numpy()[0], float(reward[0]), False, self._slot >= self._link.link.maker.slots, {}


class LinkAdaptationVectorEnv(VectorEnv[Any, Any, Any]):
    """Many terminals in one compiled step; their passes end together. Arguments and meaning as `LinkAdaptationEnv`.

    After the last slot the next step begins new passes and takes no action (``AutoresetMode.NEXT_STEP``).
    """

    metadata: ClassVar[dict[str, Any]] = {"render_modes": [], "autoreset_mode": AutoresetMode.NEXT_STEP}

    def __init__(self, link: LinkEnvironment, values: LinkValues, *, num_envs: int) -> None:
        self._link = _Link(link, values, num_envs)
        self.num_envs = num_envs
        self.single_action_space = gymnasium.spaces.Discrete(link.ladder.size)
        self.single_observation_space = observation_space(link.ladder.size)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self._here: _Here | None = None
        self._slot = 0

    def reset(self, *, seed: Any = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """New passes; the same seed (a whole number) gives the same ones."""
        del options
        if seed is not None:
            self._np_random, self._np_random_seed = gymnasium.utils.seeding.np_random(seed)
        return self._begin(), {}

    def step(self, actions: Any) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        """Send one slot of every terminal."""
        if self._here is None:
            raise gymnasium.error.ResetNeeded("call reset before step")
        never = np.zeros(self.num_envs, bool)
        if self._slot >= self._link.link.maker.slots:
            return self._begin(), np.zeros(self.num_envs), never, never.copy(), {}
        self._here, features, reward = self._link.go_on(self._here, actions)
        self._slot += 1
        over = np.full(self.num_envs, self._slot >= self._link.link.maker.slots)
        return features.numpy(), np.asarray(reward.numpy(), np.float64), never, over, {}

    def _begin(self) -> Any:
        self._here, features = self._link.begin(int(self.np_random.integers(2**63 - 1)))
        self._slot = 0
        return features.numpy()
