"""A policy around a trained predictor: the MCS of largest goodput expected over its distribution."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import tensorflow as tf

from ntn6g.services.adaptation.learned.networks import PredictorNetwork
from ntn6g.services.adaptation.policies.beliefs import choose
from ntn6g.services.adaptation.policies.interface import Seen, Tree
from ntn6g.services.adaptation.rates import RateLadder


class LearnedParameters(NamedTuple):
    """Parameters of `LearnedPredictor`."""

    weights: tuple[Any, ...]
    youngest_slots: Any
    """Age that counts as the first, int32."""


@dataclass(frozen=True)
class LearnedPredictor:
    """Chooses by expected goodput over what a network foretells of the slot's signal-to-noise ratio.

    Parameters
    ----------
    ladder : RateLadder
        The MCS.
    network : PredictorNetwork
        Shape of the network; its weights are a parameter.
    limit : float
        Largest expected block error rate; 1 leaves the choice to the goodput.
    """

    ladder: RateLadder
    network: PredictorNetwork
    limit: float = 1.0
    is_genie: bool = False

    @property
    def name(self) -> str:
        """Name in tables."""
        return self.network.kind if self.limit == 1.0 else f"{self.network.kind}-at-target"

    def initial(self, parameters: Tree, passes: int) -> Tree:
        """Memory of the network."""
        del parameters
        return self.network.begin(passes)

    def act(self, parameters: LearnedParameters, memory: Tree, seen: Seen) -> tuple[Tree, tf.Tensor]:
        """Read what has arrived, foretell, choose."""
        memory = self.read(parameters, memory, seen)
        share = self.share(parameters, memory, seen)
        level_db = seen.level_db[:, None] + tf.constant(self.network.middles_db, tf.float32)
        return memory, choose(self.ladder, level_db, share, self.limit)

    def read(self, parameters: LearnedParameters, memory: Tree, seen: Seen) -> Tree:
        """Memory with the newest report in it where that is fresh; nothing is computed where no pass has one."""

        def with_it() -> Tree:
            told = self.network.encode(parameters.weights, memory, seen.report_db - seen.report_level_db)
            return tuple(tf.where(seen.is_fresh[:, None], new, old) for new, old in zip(told, memory, strict=True))

        return tf.cond(tf.reduce_any(seen.is_fresh), with_it, lambda: memory)

    def share(self, parameters: LearnedParameters, memory: Tree, seen: Seen) -> tf.Tensor:
        """Probability of every cell of the level of the slot to be sent, [pass, cells]."""
        age = seen.age_slots - parameters.youngest_slots
        return tf.nn.softmax(self.network.logits(parameters.weights, memory[1], age))


def cell_shares(network: PredictorNetwork, over_db: Any) -> Any:
    """A level [...] as shares of the two cells around it, [..., cells]; beyond the ends that of the last one."""
    place = tf.clip_by_value((over_db - network.lowest_db) / network.step_db, 0.0, network.cells - 1.0)
    return tf.maximum(1.0 - tf.abs(place[..., None] - tf.range(network.cells, dtype=tf.float32)), 0.0)
