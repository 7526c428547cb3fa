"""What studies without chance share: one chunk a point, computed on the spot from the point's scenario."""

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from ntn6g.scenario import Scenario, apply, flatten, sweep_points
from ntn6g.study.engine import BLOCKS_PER_CHUNK, Chunk, Recipe, StopRule

ONE_CHUNK = StopRule(max_blocks=BLOCKS_PER_CHUNK)


@dataclass(frozen=True)
class DeterministicPoint:
    """The axes that chose a point, the scenario that describes it, and the hash of that scenario."""

    axes: Mapping[str, Any]
    scenario: Scenario
    identity: str
    structure: str

    @property
    def work(self) -> Scenario:
        """What the step needs of it."""
        return self.scenario


@dataclass(frozen=True)
class PolicyPoint:
    """One policy at one point of a sweep, and what its step needs."""

    axes: Mapping[str, Any]
    work: Any
    identity: str
    structure: str


def points_of(scenario: Scenario, structure: str, check: Callable[[Scenario], None]) -> list[DeterministicPoint]:
    """Points of a sweep; ``check`` refuses one before anything is written."""
    points = []
    for values in sweep_points(scenario):
        asked = apply(scenario, values)
        check(asked)
        flat = flatten(asked)
        text = json.dumps({k: v for k, v in flat.items() if k not in ("name", "description")}, sort_keys=True)
        axes = {path: flat.get(path, given) for path, given in values.items()}
        points.append(DeterministicPoint(axes, asked, hashlib.sha256(text.encode()).hexdigest(), structure))
    return points


class DeterministicStep:
    """Step of one chunk: the figures that a function makes of a scenario.

    Parameters
    ----------
    figures : callable
        From a scenario, or what else a point hands over, to named numbers.
    traced : callable, optional
        How many programs the process has traced, where the figures come from compiled ones.
    """

    def __init__(
        self, figures: Callable[[Any], Mapping[str, float]], traced: Callable[[], int] | None = None
    ) -> None:
        self._figures, self._traced = figures, traced
        self.compile_s, self.compile_count, self.run_s = 0.0, 0, 0.0

    def __call__(self, work: Sequence[tuple[Any, int]]) -> list[Chunk]:
        """Compute the chunk of each scenario."""
        begun, before = time.perf_counter(), self._traced() if self._traced else 0
        chunks = [Chunk({}, self._figures(asked)) for asked, _ in work]
        self.run_s += time.perf_counter() - begun
        self.compile_count += (self._traced() if self._traced else 0) - before
        return chunks


def recipe_of(figures: Callable[[Any], Mapping[str, float]], traced: Callable[[], int] | None = None) -> Recipe:
    """How a worker builds the step of a module-level function."""
    return partial(DeterministicStep, figures, traced)
