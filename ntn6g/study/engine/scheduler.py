"""Continuous batching: keep one compiled step full with chunks of whichever points still need them."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

import numpy as np

from ntn6g.core.errors import RunError
from ntn6g.study.engine.executor import Costs, Done, Executor, Recipe
from ntn6g.study.engine.ledger import Ledger, PointProgress
from ntn6g.study.engine.stopping import StopRule
from ntn6g.study.engine.tally import Chunk, Tally

MOST_FAILURES = 3  # of one chunk; then its point is given up
_OUT_OF_MEMORY = ("ResourceExhaustedError", "MemoryError", "RESOURCE_EXHAUSTED")


class Point(Protocol):
    """What the scheduler needs to know of a point."""

    @property
    def identity(self) -> str:
        """Hash of the point's physics."""
        ...

    @property
    def work(self) -> Any:
        """What a step needs to compute a chunk of it; small, and can be pickled."""
        ...

    @property
    def axes(self) -> Any:
        """What the sweep varies, for readers."""
        ...


P = TypeVar("P", bound=Point)


@dataclass(eq=False)
class Progress(Generic[P]):
    """State of one point: the tally of its leading chunks and what lies beyond."""

    point: P
    rule: StopRule
    part: str = ""
    place: int = 0
    tally: Tally = field(default_factory=Tally)
    ahead: dict[int, Chunk | None] = field(default_factory=dict)
    issued: int = 0
    computed: int = 0
    stopped_by: str | None = None
    failure: str = ""

    def take(self, number: int, chunk: Chunk) -> None:
        """Accept a chunk; count it once all before it are in, unless the rule held earlier."""
        self.computed += 1
        self.ahead[number] = chunk
        while self.stopped_by is None and (following := self.ahead.get(self.tally.chunks)) is not None:
            del self.ahead[self.tally.chunks]
            self.tally.add(following)
            self.stopped_by = self.rule.reason(self.tally)

    @property
    def needed(self) -> int:
        """Forecast of the chunks still to be issued; 0 when none is needed now."""
        if self.stopped_by is not None or self._skip() >= self.rule.max_chunks:
            return 0
        return max(1, min(self.rule.chunks_expected(self.tally), self.rule.max_chunks) - self.issued)

    def next_number(self) -> int | None:
        """Number of the next chunk to compute, or None when none is needed now."""
        if self.stopped_by is not None or self._skip() >= self.rule.max_chunks:
            return None
        self.issued += 1
        return self.issued - 1

    def _skip(self) -> int:
        while self.issued in self.ahead or self.issued < self.tally.chunks:
            self.issued += 1
        return self.issued

    def give_up(self, failure: str) -> None:
        """Leave the point where it is: one of its chunks cannot be computed."""
        self.stopped_by, self.failure = self.stopped_by or "failed", failure

    def seen(self) -> PointProgress:
        """Where it stands, for readers from outside."""
        expected = self.tally.blocks if self.stopped_by else self.rule.blocks_expected(self.tally)
        errors = self.tally.counts.get("block_errors", 0)
        return PointProgress(
            self.place, self.part, dict(self.point.axes), self.tally.blocks, errors, expected, self.stopped_by
        )


def resume(
    points: Iterable[P], rule: StopRule, ledger: Ledger, *, part: str = "", first_place: int = 0
) -> list[Progress[P]]:
    """State of every point from what the ledger already holds."""
    states = []
    for place, point in enumerate(points, first_place):
        state = Progress(point, rule, part, place)
        numbers, chunks = ledger.read(point.identity)
        gaps = np.flatnonzero(numbers != np.arange(len(numbers)))
        leading = int(gaps[0]) if gaps.size else len(numbers)
        running = chunks.first(leading).running()
        counted, state.stopped_by = rule.first_met(running) or (leading, None)
        state.tally = Tally.after(running, counted)
        if state.stopped_by is None:
            state.ahead = {int(numbers[index]): chunks[index] for index in range(leading, len(numbers))}
        states.append(state)
    return states


def _batch(states: list[Progress[P]], size: int) -> list[tuple[Progress[P], int]]:
    """Next chunks over the open points until the batch is full or nothing is left to issue.

    Each open point in turn gets one, those that had theirs go to the end of ``states``; when all have one, the
    rest goes where the forecast says that most are still needed, so that little is computed in vain.
    """
    work: list[tuple[Progress[P], int]] = []
    taken: list[Progress[P]] = []
    while states and len(work) < size:
        state = states.pop(0)
        number = state.next_number()
        if number is not None:
            work.append((state, number))
        if state.stopped_by is None:
            taken.append(state)
    states += taken
    while len(work) < size and (neediest := max(states, key=lambda state: state.needed, default=None)) is not None:
        number = neediest.next_number()
        if number is None:
            break
        work.append((neediest, number))
    return work


@dataclass
class _Run(Generic[P]):
    """Batches of one structure under way: what was asked, what failed how often."""

    structure: str
    recipe: Recipe
    size: int
    executor: Executor
    ledger: Ledger
    open_states: list[Progress[P]]
    under_way: dict[int, list[tuple[Progress[P], int]]] = field(default_factory=dict)
    failures: dict[tuple[str, int], int] = field(default_factory=dict)
    again: list[list[tuple[Progress[P], int]]] = field(default_factory=list)
    tickets: int = 0
    costs: dict[int, Costs] = field(default_factory=dict)

    def fill(self) -> bool:
        """Submit until every slot is busy; False when nothing is under way."""
        while len(self.under_way) < self.executor.slots:
            work = self.again.pop() if self.again else _batch(self.open_states, self.size)
            work = [(state, number) for state, number in work if state.failure == ""]
            if not work:
                if self.again or any(state.needed for state in self.open_states):
                    continue
                break
            padded = [(state.point.work, number) for state, number in work]
            padded += [padded[-1]] * (self.size - len(padded))  # a batch has one size; the copies are dropped
            self.tickets += 1
            self.under_way[self.tickets] = work
            self.executor.submit(self.tickets, self.structure, self.recipe, padded)
        return bool(self.under_way)

    def accept(self, done: Done) -> None:
        """Write an answer into the ledger and count it; an error asks again, chunk by chunk."""
        work = self.under_way.pop(done.ticket)
        if done.chunks is None:
            self._failed(work, done)
            return
        self.costs[done.worker] = done.costs
        chunks = done.chunks[: len(work)]
        for (state, number), chunk in zip(work, chunks, strict=True):
            state.take(number, chunk)
        touched = {state.place: state for state, _ in work}
        self.ledger.write(
            ((state.point.identity, number, chunk) for (state, number), chunk in zip(work, chunks, strict=True)),
            [state.seen() for state in touched.values()],
        )

    def _failed(self, work: list[tuple[Progress[P], int]], done: Done) -> None:
        if any(sign in done.error for sign in _OUT_OF_MEMORY):
            raise RunError(
                f"out of memory with {self.size * 32} blocks a batch; set a smaller one, a multiple of 64, by "
                "--set engine.batch=...; what was computed before is kept"
            )
        for state, number in work:
            key = state.point.identity, number
            self.failures[key] = self.failures.get(key, 0) + (1 if len(work) == 1 else 0)
            if self.failures[key] >= MOST_FAILURES:
                state.give_up(f"chunk {number} failed {MOST_FAILURES} times: {done.error}")
            else:
                self.again.append([(state, number)])


def run(
    states: Sequence[Progress[P]],
    recipe: Recipe,
    size: int,
    executor: Executor,
    ledger: Ledger,
    *,
    structure: str = "",
    on_batch: Callable[[Done], None] = lambda done: None,
) -> Costs:
    """Compute chunks until every point has met its rule; each batch is in the ledger before the next is judged.

    Chunks beyond a point's stop are kept in the ledger, where a stricter rule finds them, but never counted. A
    chunk that fails three times on its own gives up its point, and the others go on.

    Parameters
    ----------
    states : sequence of Progress
        Points of one structure.
    recipe : callable
        Builds the step.
    size : int
        Chunks of a batch.
    executor : Executor
        Who computes.
    ledger : Ledger
        Where chunks are kept.
    structure : str
        Name of the step, the same for equal steps.
    on_batch : callable
        Told of every answer.

    Returns
    -------
    Costs
        Of this structure, over all workers.
    """
    live = _Run(structure, recipe, size, executor, ledger, [s for s in states if s.stopped_by is None])
    while live.fill():
        for done in executor.wait():
            live.accept(done)
            on_batch(done)
    spent = live.costs.values()
    return Costs(
        sum(each.compile_s for each in spent),
        sum(each.compile_count for each in spent),
        sum(each.run_s for each in spent),
    )
