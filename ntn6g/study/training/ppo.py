"""Proximal policy optimisation as pure functions of one state."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from ntn6g.core import random
from ntn6g.study.training.descent import Descent
from ntn6g.study.training.learner import Environment, Tree

_CLIP, _VALUE_SHARE, _ENTROPY_SHARE, _LAMBDA = 0.2, 0.5, 0.003, 0.95


@dataclass(frozen=True, eq=False)
class Ppo:
    r"""Learns action probabilities by the clipped objective, with a value function as baseline.

    .. math::
        \max E[\min(\rho A, \mathrm{clip}(\rho, 1 - \epsilon, 1 + \epsilon) A)] - c_v (V - R)^2 + c_e H, \qquad
        A_t = \sum_k (\gamma \lambda)^k (r_{t+k} + \gamma V_{t+k+1} - V_{t+k})

    with eps = 0.2, lambda = 0.95, c_v = 0.5 and c_e = 0.003. All copies of the world act for a stretch of an episode,
    then its transitions are learned from several times, in shuffled batches.

    Parameters
    ----------
    environment : Environment
        The world.
    network : callable
        Weights and observations [n, features] to log-odds of actions and, last, the value: [n, actions + 1].
    descent : Descent
        Adam.
    discount : float
        Of later rewards.
    stretch : int
        Steps between two times of learning; it divides the steps of an episode.
    epochs, batch : int
        How often each stretch is learned from, and transitions of a step, no more than a stretch has.

    References
    ----------
    J. Schulman et al., "Proximal policy optimization algorithms", arXiv:1707.06347, equations 7, 9 and 11.
    """

    environment: Environment
    network: Callable[[Any, Any], Any]
    descent: Descent
    discount: float
    stretch: int
    epochs: int
    batch: int
    shuffled: bool = False
    """Whether rewards are exchanged among the copies: a control, which must learn nothing."""

    def begin(self, weights: Any) -> Tree:
        """State before the first step."""
        return {"weights": weights, "moments": self.descent.begin(weights)}

    def episode(self, state: Tree, world: Tree, key: Any) -> tuple[Tree, Any]:
        """State after an episode in a world, with draws from a key, uint32 [1, 2], and mean loss; to be compiled."""
        place, observation = self.environment.begin(world)
        stretches = self.environment.steps // self.stretch

        def body(number: Any, state: Tree, place: Tree, observation: Any, loss: Any) -> Any:
            chance = random.numbered(key, number)
            place, observation, rolled = self._act(state["weights"], world, place, observation, chance)
            state, lost = self._learn(state, self._with_advantages(state["weights"], rolled, observation), chance)
            return number + 1, state, place, observation, loss + lost

        begin = (tf.constant(0), state, place, observation, tf.constant(0.0))
        end = tf.while_loop(lambda number, *_: number < stretches, body, begin, maximum_iterations=stretches)
        return end[1], end[4] / stretches

    def _act(self, weights: Any, world: Tree, place: Tree, observation: Any, key: Any) -> tuple[Tree, Any, Any]:
        """Go through a stretch: what was observed, done and won, [step, copy, ...]."""
        copies, features, steps = self.environment.copies, self.environment.features, self.stretch
        empty = (
            tf.zeros([steps, copies, features]),
            tf.zeros([steps, copies], tf.int32),
            tf.zeros([steps, copies]),
            tf.zeros([steps, copies]),
        )
        draws = random.uniform(random.stream(key, "act"), (steps, copies, 1))[0]

        def body(step: Any, place: Tree, observation: Any, rolled: Any) -> Any:
            odds = self.network(weights, observation)[:, :-1]
            below = tf.cumsum(tf.nn.softmax(odds), 1)
            action = tf.reduce_sum(tf.cast(below < draws[step], tf.int32), 1)
            action = tf.minimum(action, self.environment.actions - 1)
            place, following, reward, over = self.environment.go_on(world, place, action)
            if self.shuffled:
                reward = tf.roll(reward, 1, 0)
            found = observation, action, reward, tf.cast(over, tf.float32)
            rolled = tuple(
                tf.tensor_scatter_nd_update(old, [[step]], new[None]) for old, new in zip(rolled, found, strict=True)
            )
            return step + 1, place, following, rolled

        begin = (tf.constant(0), place, observation, empty)
        _, place, observation, rolled = tf.while_loop(
            lambda step, *_: step < steps, body, begin, maximum_iterations=steps
        )
        return place, observation, rolled

    def _with_advantages(self, weights: Any, rolled: Any, last: Any) -> Any:
        """Transitions in one row each: observation, action, its log-probability, advantage and return."""
        seen, action, reward, over = rolled
        steps, copies, features = seen.shape
        outputs = self.network(weights, tf.reshape(tf.concat([seen, last[None]], 0), [-1, features]))
        value = tf.reshape(outputs[:, -1], [steps + 1, copies])
        ahead = self.discount * (1.0 - over)
        error = reward + ahead * value[1:] - value[:-1]
        gained = tf.zeros_like(error)
        carried = tf.zeros([copies])

        def body(back: Any, carried: Any, gained: Any) -> Any:
            step = steps - 1 - back
            carried = error[step] + _LAMBDA * ahead[step] * carried
            return back + 1, carried, tf.tensor_scatter_nd_update(gained, [[step]], carried[None])

        begin = (tf.constant(0), carried, gained)
        gained = tf.while_loop(lambda back, *_: back < steps, body, begin, maximum_iterations=steps)[2]
        old = _log_probability(outputs[: steps * copies, :-1], tf.reshape(action, [-1]))
        flat = [tf.reshape(each, [steps * copies]) for each in (action, gained, gained + value[:-1])]
        return tf.reshape(seen, [-1, features]), flat[0], old, flat[1], flat[2]

    def _learn(self, state: Tree, rows: Any, key: Any) -> tuple[Tree, Any]:
        count = rows[1].shape[0]
        batches = count // self.batch
        order = random.uniform(random.stream(key, "order"), (self.epochs, count))[0]
        order = tf.reshape(tf.argsort(order, 1)[:, : batches * self.batch], [self.epochs * batches, self.batch])

        def body(number: Any, state: Tree, loss: Any) -> Any:
            with tf.GradientTape() as tape:
                tape.watch(state["weights"])
                lost = self._loss(state["weights"], [tf.gather(each, order[number]) for each in rows])
            gradients = tape.gradient(lost, state["weights"])
            weights, moments = self.descent(state["weights"], state["moments"], gradients)
            return number + 1, {"weights": weights, "moments": moments}, loss + lost

        total = self.epochs * batches
        begin = (tf.constant(0), state, tf.constant(0.0))
        end = tf.while_loop(lambda number, *_: number < total, body, begin, maximum_iterations=total)
        return end[1], end[2] / total

    def _loss(self, weights: Any, rows: Any) -> Any:
        seen, action, old, advantage, wanted = rows
        outputs = self.network(weights, seen)
        odds, value = outputs[:, :-1], outputs[:, -1]
        spread = tf.math.reduce_std(advantage) + 1e-6
        advantage = (advantage - tf.reduce_mean(advantage)) / spread
        ratio = tf.exp(_log_probability(odds, action) - old)
        won = tf.minimum(ratio * advantage, tf.clip_by_value(ratio, 1.0 - _CLIP, 1.0 + _CLIP) * advantage)
        log = tf.nn.log_softmax(odds)
        entropy = -tf.reduce_sum(tf.exp(log) * log, 1)
        return tf.reduce_mean(_VALUE_SHARE * (value - wanted) ** 2 - won - _ENTROPY_SHARE * entropy)


def _log_probability(odds: Any, action: Any) -> Any:
    return tf.gather(tf.nn.log_softmax(odds), action, batch_dims=1)
