"""What can be trained: a state that is a tree of tensors, and pure functions of it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

Tree = Any
"""Nested tuples and dictionaries of tensors."""
Arrays = Mapping[str, np.ndarray[Any, Any]]


@dataclass(frozen=True)
class Plan:
    """How long to train.

    Parameters
    ----------
    seeds : tuple of int
        One training for each.
    rounds, steps : int
        Validations at most, and steps of learning before each.
    patience : int
        Rounds without a better score after which a training stops.
    """

    seeds: tuple[int, ...]
    rounds: int
    steps: int
    patience: int


class Learner(Protocol):
    """One kind of model on one setting.

    All that training changes lies in the state that `begin` makes: weights, moments of the descent, replay. `advance`
    is a function of that state, the seed and the number of the round alone, with draws from keyed streams; so a state
    that was kept and read back goes on to the same bits.
    """

    @property
    def model(self) -> str:
        """Kind of model, as in ``training.model.kind``."""
        ...

    def begin(self, seed: int) -> Tree:
        """State before the first round."""
        ...

    def advance(self, state: Tree, seed: int, round_: int) -> tuple[Tree, Mapping[str, float]]:
        """State after one more round, and figures for the log (at least ``loss``)."""
        ...

    def score(self, state: Tree) -> float:
        """Figure on the validation split; the larger, the better."""
        ...

    def weights(self, state: Tree) -> Arrays:
        """What a model file holds."""
        ...

    def finished(self, weights: Arrays) -> Arrays:
        """Weights with what is measured once, after training."""
        ...

    def figures(self, weights: Arrays) -> Mapping[str, float]:
        """Figures of a finished model on the splits that it was not trained on, for its card."""
        ...

    def facts(self) -> Mapping[str, Any]:
        """For the card: ``network`` (what rebuilds it around the weights), ``data`` (splits), ``score`` (its name)."""
        ...

    def splits(self) -> Iterator[tuple[str, Arrays]]:
        """Every split by name as arrays, for those who train elsewhere."""
        ...


class Environment(Protocol):
    """Many copies of a world side by side, stepped inside one program; an episode has a fixed number of steps."""

    @property
    def features(self) -> int:
        """Length of an observation."""
        ...

    @property
    def actions(self) -> int:
        """How many there are."""
        ...

    @property
    def copies(self) -> int:
        """Side by side."""
        ...

    @property
    def steps(self) -> int:
        """Of an episode."""
        ...

    def begin(self, given: Tree) -> tuple[Tree, Any]:
        """State and observation, float32 [copy, feature], at the start of an episode in a world that is given."""
        ...

    def go_on(self, given: Tree, state: Tree, action: Any) -> tuple[Tree, Any, Any, Any]:
        """State, observation, reward [copy], and whether nothing follows [copy], bool, after actions int32 [copy]."""
        ...
