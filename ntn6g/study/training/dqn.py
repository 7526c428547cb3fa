"""Deep Q-learning: double, with a target network and replay, as pure functions of one state."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from ntn6g.core import random
from ntn6g.study.training.descent import Descent
from ntn6g.study.training.learner import Environment, Tree


@dataclass(frozen=True, eq=False)
class Dqn:
    r"""Learns the value of actions: :math:`Q(s, a) \to r + \gamma\, Q'(s', \arg\max_{a'} Q(s', a'))`.

    Every step, all copies of the world act, by chance with a probability that falls, their transitions replace the
    oldest ones of the replay, and one batch of it is learned from with Huber's loss. The target network Q' follows by a
    share of 1 % a step.

    Parameters
    ----------
    environment : Environment
        The world.
    network : callable
        Weights and observations [n, features] to values [n, actions].
    descent : Descent
        Adam.
    discount : float
        Of later rewards.
    replay, batch : int
        Transitions remembered (a multiple of the copies), and of a step.
    steps : int
        Of learning in all; half of them explore less and less.

    References
    ----------
    V. Mnih et al., Nature 518, 2015; H. van Hasselt, A. Guez and D. Silver, AAAI 2016.
    """

    environment: Environment
    network: Callable[[Any, Any], Any]
    descent: Descent
    discount: float
    replay: int
    batch: int
    steps: int
    explores: float = 1.0
    """Share of random actions at the beginning."""
    explores_at_last: float = 0.05
    """Share of random actions from half of the steps on."""
    shuffled: bool = False
    """Whether rewards are exchanged among the copies: a control, which must learn nothing."""

    def begin(self, weights: Any) -> Tree:
        """State before the first step."""
        features = self.environment.features
        empty = (
            tf.zeros([self.replay, features]),
            tf.zeros([self.replay], tf.int32),
            tf.zeros([self.replay]),
            tf.zeros([self.replay, features]),
            tf.zeros([self.replay]),
        )
        return {"weights": weights, "target": weights, "moments": self.descent.begin(weights), "replay": empty,
                "step": tf.constant(0)}  # fmt: skip

    def episode(self, state: Tree, world: Tree, key: Any) -> tuple[Tree, Any]:
        """State after an episode in a world, with draws from a key, uint32 [1, 2], and mean loss; to be compiled."""
        place, observation = self.environment.begin(world)

        def body(number: Any, state: Tree, place: Tree, observation: Any, loss: Any) -> Any:
            chance = random.numbered(key, number)
            action = self._action(state, observation, chance)
            place, following, reward, over = self.environment.go_on(world, place, action)
            if self.shuffled:
                reward = tf.roll(reward, 1, 0)
            state = self._remember(state, (observation, action, reward, following, tf.cast(over, tf.float32)))
            state, lost = self._learn(state, chance)
            return number + 1, state, place, following, loss + lost

        count = self.environment.steps
        begin = (tf.constant(0), state, place, observation, tf.constant(0.0))
        end = tf.while_loop(lambda number, *_: number < count, body, begin, maximum_iterations=count)
        return end[1], end[4] / count

    def _action(self, state: Tree, observation: Any, key: Any) -> Any:
        copies, actions = self.environment.copies, self.environment.actions
        draws = random.uniform(random.stream(key, "explore"), (2, copies))[0]
        share = tf.minimum(2.0 * tf.cast(state["step"], tf.float32) / self.steps, 1.0)
        explores = draws[0] < self.explores + (self.explores_at_last - self.explores) * share
        best = tf.argmax(self.network(state["weights"], observation), 1, output_type=tf.int32)
        return tf.where(explores, tf.cast(draws[1] * actions, tf.int32), best)

    def _remember(self, state: Tree, transition: Any) -> Tree:
        copies = self.environment.copies
        first = tf.math.floormod(state["step"] * copies, self.replay)
        rows = (first + tf.range(copies))[:, None]
        kept = tuple(
            tf.tensor_scatter_nd_update(old, rows, new) for old, new in zip(state["replay"], transition, strict=True)
        )
        return {**state, "replay": kept}

    def _learn(self, state: Tree, key: Any) -> tuple[Tree, Any]:
        filled = tf.minimum((state["step"] + 1) * self.environment.copies, self.replay)
        draw = random.uniform(random.stream(key, "batch"), (self.batch,))[0]
        rows = tf.minimum(tf.cast(draw * tf.cast(filled, tf.float32), tf.int32), filled - 1)
        seen, action, reward, following, over = (tf.gather(each, rows) for each in state["replay"])
        later = tf.zeros_like(reward)
        if self.discount:
            chosen = tf.argmax(self.network(state["weights"], following), 1, output_type=tf.int32)
            later = tf.gather(self.network(state["target"], following), chosen, batch_dims=1)
        wanted = reward + self.discount * (1.0 - over) * later
        with tf.GradientTape() as tape:
            tape.watch(state["weights"])
            error = tf.gather(self.network(state["weights"], seen), action, batch_dims=1) - wanted
            size = tf.abs(error)
            loss = tf.reduce_mean(tf.where(size < 1.0, 0.5 * error**2, size - 0.5))
        gradients = tape.gradient(loss, state["weights"])
        weights, moments = self.descent(state["weights"], state["moments"], gradients)
        target = tuple(0.99 * t + 0.01 * w for t, w in zip(state["target"], weights, strict=True))
        return {**state, "weights": weights, "target": target, "moments": moments, "step": state["step"] + 1}, loss
