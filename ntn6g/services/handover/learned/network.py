"""A network that scores cells, the same for each, so that their order means nothing."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import tensorflow as tf

from ntn6g.services.handover.learned.candidates import Candidates

Weights = tuple[Any, ...]


@dataclass(frozen=True, kw_only=True)
class CandidateNetwork:
    r"""Values of actions: :math:`Q_k = \rho(h_k, \max_j h_j)`, :math:`h_k = \phi(c, x_k)`.

    c are the numbers of the connection and :math:`x_k` those of the cell that action k names, which say whether it is
    the serving one; :math:`\phi` has two layers and :math:`\rho` one with a linear output. Exchanging two neighbours
    exchanges their values and changes no other.

    Parameters
    ----------
    candidates : Candidates
        What is observed.
    units : int
        Width of every layer.

    References
    ----------
    M. Zaheer et al., "Deep sets", NeurIPS 2017.
    """

    candidates: Candidates
    units: int

    def begin_weights(self, seed: int) -> Weights:
        """Weights before training."""
        return tuple(tf.constant(each.numpy()) for each in _built(self, seed).trainable_variables)

    def __call__(self, weights: Weights, observation: Any) -> Any:
        """Values [n, actions] of observations [n, features]."""
        seen = self.candidates
        connection = tf.repeat(observation[:, None, : seen.own], seen.actions, 1)
        cells = tf.reshape(observation[:, seen.own :], [-1, seen.actions, seen.each])
        told = tf.concat([connection, cells], 2)
        return _built(self, 0).stateless_call(list(weights), [], told)[0][..., 0]


@lru_cache(maxsize=32)
def _built(network: CandidateNetwork, seed: int) -> Any:
    keras, seen = tf.keras, network.candidates

    def layer(number: int) -> Any:
        begin = keras.initializers.HeNormal(seed + number)
        return keras.layers.Dense(network.units, activation="relu", kernel_initializer=begin)

    with tf.init_scope():
        told = keras.Input((seen.actions, seen.own + seen.each))
        hidden = layer(1)(layer(0)(told))
        best = keras.layers.RepeatVector(seen.actions)(keras.layers.GlobalMaxPooling1D()(hidden))
        scored = layer(2)(keras.layers.Concatenate()([hidden, best]))
        last = keras.initializers.RandomNormal(stddev=0.01, seed=seed + 3)
        return keras.Model(told, keras.layers.Dense(1, kernel_initializer=last)(scored))
