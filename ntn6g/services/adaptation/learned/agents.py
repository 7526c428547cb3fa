"""Policies of reinforcement learning: what an agent observes of the link, its network, and the choice."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, NamedTuple

import tensorflow as tf

from ntn6g.services.adaptation.policies.beliefs import remembered
from ntn6g.services.adaptation.policies.interface import Seen, Tree
from ntn6g.services.adaptation.rates import RateLadder

_SCALE_DB, _LEVEL_DB, _LARGEST = 4.0, 10.0, 10.0
_FORGETS = 0.02  # of the mean over answers, by each
Weights = tuple[Any, ...]


class Watch(NamedTuple):
    """Memory of an observer, [pass, ...]: reports over what geometry predicts, mean of NACKs, and the last choice."""

    window: Any
    lost: Any
    chosen: Any


@dataclass(frozen=True, kw_only=True)
class Observation:
    """What an agent is told: the last reports and their age, the mean level, how often blocks failed, its last choice.

    Parameters
    ----------
    reports, ages : int
        In the window, and how many ages are told apart.
    mcs : int
        How many MCS there are.
    """

    reports: int
    ages: int
    mcs: int

    @property
    def features(self) -> int:
        """Length of an observation."""
        return self.reports + self.ages + 3

    def begin(self, passes: int) -> Watch:
        """Nothing has been seen."""
        return Watch(tf.zeros([passes, self.reports]), tf.fill([passes], 0.1), tf.zeros([passes]))

    def take(self, watch: Watch, seen: Seen, youngest_slots: Any) -> tuple[Watch, Any]:
        """Memory with what has arrived, and the observation, float32 [pass, features]."""
        told = tf.clip_by_value((seen.report_db - seen.report_level_db) / _SCALE_DB, -_LARGEST, _LARGEST)
        lost = watch.lost
        for each in seen.feedback:
            lost = lost + tf.where(each.known, _FORGETS * (tf.where(each.ack, 0.0, 1.0) - lost), 0.0)
        watch = watch._replace(window=remembered(watch.window, told, seen.is_fresh), lost=lost)
        age = tf.one_hot(tf.clip_by_value(seen.age_slots - youngest_slots, 0, self.ages - 1), self.ages)
        rest = tf.stack([seen.level_db / _LEVEL_DB, watch.lost, watch.chosen], 1)
        return watch, tf.concat([watch.window, age, rest], 1)

    def noted(self, watch: Watch, mcs: Any) -> Watch:
        """Memory with the choice in it."""
        return watch._replace(chosen=tf.cast(mcs, tf.float32) / (self.mcs - 1))


@dataclass(frozen=True, kw_only=True)
class AgentNetwork:
    """Two hidden layers from an observation to outputs: values of actions, or their log-odds and the value.

    Parameters
    ----------
    features, units, outputs : int
        Widths.
    """

    features: int
    units: int
    outputs: int

    def begin_weights(self, seed: int) -> Weights:
        """Weights before training."""
        return tuple(tf.constant(each.numpy()) for each in _perceptron(self, seed).trainable_variables)

    def __call__(self, weights: Weights, observation: Any) -> Any:
        """Outputs [pass, outputs] of observations [pass, features]."""
        return _perceptron(self, 0).stateless_call(list(weights), [], observation)[0]


@lru_cache(maxsize=32)
def _perceptron(network: AgentNetwork, seed: int) -> Any:
    keras = tf.keras
    with tf.init_scope():
        told = hidden = keras.Input((network.features,))
        for layer in range(2):
            hidden = keras.layers.Dense(
                network.units, activation="relu", kernel_initializer=keras.initializers.HeNormal(seed + layer)
            )(hidden)
        last = keras.initializers.RandomNormal(stddev=0.01, seed=seed + 2)
        return keras.Model(told, keras.layers.Dense(network.outputs, kernel_initializer=last)(hidden))


class AgentParameters(NamedTuple):
    """Parameters of `Agent`."""

    weights: Weights
    youngest_slots: Any
    """Age that counts as the first, int32."""


@dataclass(frozen=True)
class Agent:
    """The greedy policy of a trained agent.

    Parameters
    ----------
    ladder : RateLadder
        The MCS.
    observation, network
        What it is told, and the shape of its network; the first outputs are those of the MCS.
    kind : str
        ``dqn`` or ``ppo``.
    """

    ladder: RateLadder
    observation: Observation
    network: AgentNetwork
    kind: Literal["dqn", "ppo"]
    is_genie: bool = False

    @property
    def name(self) -> str:
        """Name in tables."""
        return self.kind

    def initial(self, parameters: Tree, passes: int) -> Tree:
        """Memory of the observer."""
        del parameters
        return self.observation.begin(passes)

    def act(self, parameters: AgentParameters, memory: Watch, seen: Seen) -> tuple[Tree, tf.Tensor]:
        """Observe, take the largest output."""
        memory, observation = self.observation.take(memory, seen, parameters.youngest_slots)
        outputs = self.network(parameters.weights, observation)[:, : self.observation.mcs]
        mcs = tf.argmax(outputs, 1, output_type=tf.int32)
        return self.observation.noted(memory, mcs), mcs
