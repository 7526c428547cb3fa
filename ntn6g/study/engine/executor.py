"""Who computes a batch: one interface, and the executor that does it in this process."""

import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ntn6g.study.engine.tally import Chunk

Work = Sequence[tuple[Any, int]]
"""What a step computes: (point's work, chunk number) pairs."""


class Step(Protocol):
    """A compiled step: as many pairs in as a batch holds, one chunk each out; counts what it cost."""

    @property
    def compile_s(self) -> float:
        """Time spent compiling."""
        ...

    @property
    def compile_count(self) -> int:
        """How often something was compiled."""
        ...

    @property
    def run_s(self) -> float:
        """Time spent computing."""
        ...

    def __call__(self, work: Work) -> list[Chunk]:
        """Compute the chunks."""
        ...


Recipe = Callable[[], Step]
"""Builds a step wherever it is called; small, and can be pickled."""


@dataclass(frozen=True)
class Costs:
    """What one step has cost one worker since it was built."""

    compile_s: float = 0.0
    compile_count: int = 0
    run_s: float = 0.0


@dataclass(frozen=True)
class Done:
    """Answer to a ticket: the chunks, or what went wrong (``error``, in one line, and its ``detail``)."""

    ticket: int
    worker: int
    chunks: list[Chunk] | None
    costs: Costs = Costs()
    error: str = ""
    detail: str = ""


class Executor(Protocol):
    """Computes batches, in any order, on any number of workers; nothing in the answer depends on which."""

    slots: int
    """Batches that may be under way at once."""

    def submit(self, ticket: int, structure: str, recipe: Recipe, work: Work) -> None:
        """Take on a batch; ``structure`` names the step, which each worker builds once from its recipe."""
        ...

    def wait(self) -> list[Done]:
        """Answers that are there, at least one; blocks until then."""
        ...

    def close(self) -> None:
        """Let go of the workers, whatever they are doing."""
        ...


class StepCache:
    """Steps of one worker: the structures of a run are computed one after another, so the last one is kept."""

    def __init__(self) -> None:
        self._steps: dict[str, Step] = {}

    def compute(self, ticket: int, worker: int, structure: str, recipe: Recipe, work: Work) -> Done:
        """Compute a batch; an exception becomes the answer's ``error``."""
        try:
            if structure not in self._steps:
                self._steps = {structure: recipe()}
            step = self._steps[structure]
            chunks = step(work)
            return Done(ticket, worker, chunks, Costs(step.compile_s, step.compile_count, step.run_s))
        except Exception as error:  # every kind: the run reports the chunk and goes on with the others
            line = " ".join(f"{type(error).__name__}: {error}".split())
            return Done(ticket, worker, None, error=line[:500], detail=traceback.format_exc())


class InProcess:
    """The executor of a single process: a batch is computed when its answer is waited for."""

    slots = 1

    def __init__(self) -> None:
        self._cache = StepCache()
        self._waiting: list[tuple[int, str, Recipe, Work]] = []

    def submit(self, ticket: int, structure: str, recipe: Recipe, work: Work) -> None:
        """Take on a batch."""
        self._waiting.append((ticket, structure, recipe, work))

    def wait(self) -> list[Done]:
        """Compute the oldest batch."""
        ticket, structure, recipe, work = self._waiting.pop(0)
        return [self._cache.compute(ticket, 0, structure, recipe, work)]

    def close(self) -> None:
        """Forget the steps."""
        self._cache = StepCache()
