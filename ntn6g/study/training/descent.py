"""Adam as a pure function, so that its state is kept and continued like any other tensor."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from ntn6g.core import random

Tensors = tuple[Any, ...]


@dataclass(frozen=True)
class Descent:
    """Adam with a norm limit on the gradient and a learning rate that falls to zero as half a cosine.

    Parameters
    ----------
    learning_rate : float
        At the first step.
    steps : int
        After which it is zero.
    largest_norm : float
        Of all gradients together; longer ones are shortened to it.

    References
    ----------
    D. P. Kingma and J. Ba, "Adam: a method for stochastic optimization", ICLR 2015, algorithm 1.
    """

    learning_rate: float
    steps: int
    largest_norm: float = 1.0
    first_decay: float = 0.9
    second_decay: float = 0.999
    smallest: float = 1e-8

    def begin(self, weights: Tensors) -> Tensors:
        """Moments of zero and step number 0."""
        return (tuple(map(tf.zeros_like, weights)), tuple(map(tf.zeros_like, weights)), tf.constant(0.0))

    def __call__(self, weights: Tensors, moments: Tensors, gradients: Any) -> tuple[Tensors, Tensors]:
        """Weights and moments after one step."""
        first, second, step = moments
        norm = tf.sqrt(tf.add_n([tf.reduce_sum(each**2) for each in gradients]))
        shorter = self.largest_norm / tf.maximum(norm, self.largest_norm)
        gradients = [shorter * each for each in gradients]
        first = tuple(
            self.first_decay * m + (1.0 - self.first_decay) * g for m, g in zip(first, gradients, strict=True)
        )
        second = tuple(
            self.second_decay * v + (1.0 - self.second_decay) * g**2 for v, g in zip(second, gradients, strict=True)
        )
        rate = 0.5 * self.learning_rate * (1.0 + tf.cos(math.pi * tf.minimum(step / self.steps, 1.0)))
        step = step + 1.0
        rate = rate * tf.sqrt(1.0 - self.second_decay**step) / (1.0 - self.first_decay**step)
        weights = tuple(
            w - rate * m / (tf.sqrt(v) + self.smallest) for w, m, v in zip(weights, first, second, strict=True)
        )
        return weights, (first, second, step)

    def round(
        self, loss: Callable[[Tensors, Any], Any], state: dict[str, Any], key: Any, steps: int
    ) -> tuple[dict[str, Any], Any]:
        """State of ``weights`` and ``moments`` after so many steps, and the mean loss on the way.

        Parameters
        ----------
        loss : callable
            Of weights and a key uint32 [1, 2], which every step has its own of.
        state : dict
            ``weights`` and ``moments``.
        key : uint32 [1, 2]
            Of the round.
        steps : int
            One at least.
        """

        def body(number: Any, state: dict[str, Any], total: Any) -> Any:
            with tf.GradientTape() as tape:
                tape.watch(state["weights"])
                lost = loss(state["weights"], random.numbered(key, number))
            gradients = tape.gradient(lost, state["weights"])
            weights, moments = self(state["weights"], state["moments"], gradients)
            return number + 1, {"weights": weights, "moments": moments}, total + lost

        begin = (tf.constant(0), state, tf.constant(0.0))
        end = tf.while_loop(lambda number, *_: number < steps, body, begin, maximum_iterations=steps)
        return end[1], end[2] / steps
