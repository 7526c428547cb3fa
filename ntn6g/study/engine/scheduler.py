"""Continuous batching: keep one compiled step full with chunks of whichever points still need them."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from ntn6g.study.engine.ledger import Ledger
from ntn6g.study.engine.stopping import StopRule
from ntn6g.study.engine.tally import Chunk, Tally


class Point(Protocol):
    """What the scheduler needs to know of a point; ``identity`` is the hash of its physics."""

    @property
    def identity(self) -> str:
        """Hash of the point's physics."""
        ...


P = TypeVar("P", bound=Point)
WorkPoint_contra = TypeVar("WorkPoint_contra", bound=Point, contravariant=True)


class Step(Protocol[WorkPoint_contra]):
    """A compiled step: exactly ``chunks_per_batch`` work items in, one chunk each out."""

    chunks_per_batch: int

    def __call__(self, work: Sequence[tuple[WorkPoint_contra, int]]) -> list[Chunk]:
        """Compute the chunks with these (point, number) pairs."""
        ...


@dataclass
class Progress(Generic[P]):
    """State of one point: the tally of its leading chunks and what lies beyond."""

    point: P
    rule: StopRule
    tally: Tally = field(default_factory=Tally)
    ahead: dict[int, Chunk] = field(default_factory=dict)
    issued: int = 0
    computed: int = 0
    stopped_by: str | None = None

    def take(self, number: int, chunk: Chunk) -> None:
        """Accept a chunk; count it once all before it are in, unless the rule held earlier."""
        self.ahead[number] = chunk
        while self.stopped_by is None and self.tally.chunks in self.ahead:
            self.tally.add(self.ahead.pop(self.tally.chunks))
            self.stopped_by = self.rule.reason(self.tally)

    def next_number(self) -> int | None:
        """Number of the next chunk to compute, or None when none is needed now."""
        while self.issued in self.ahead or self.issued < self.tally.chunks:
            self.issued += 1
        if self.stopped_by is not None or self.issued >= self.rule.max_chunks:
            return None
        self.issued += 1
        return self.issued - 1


def resume(points: Iterable[P], rule: StopRule, ledger: Ledger) -> list[Progress[P]]:
    """State of every point from what the ledger already holds."""
    states = [Progress(point, rule) for point in points]
    for state in states:
        for number, chunk in ledger.read(state.point.identity):
            state.take(number, chunk)
    return states


def _batch(states: Sequence[Progress[P]], size: int) -> list[tuple[Progress[P], int]]:
    """Next chunks round robin over the open points, until the batch is full or nothing is left to issue."""
    work: list[tuple[Progress[P], int]] = []
    open_states = [state for state in states if state.stopped_by is None]
    while open_states and len(work) < size:
        waiting = []
        for state in open_states:
            number = state.next_number() if len(work) < size else None
            if number is not None:
                work.append((state, number))
                waiting.append(state)
        open_states = waiting
    return work


def run(
    states: Sequence[Progress[P]],
    step: Step[P],
    ledger: Ledger,
    on_batch: Callable[[], None] = lambda: None,
) -> None:
    """Compute chunks until every point has met its rule; each batch is in the ledger before the next one starts.

    Chunks beyond a point's stop are kept in the ledger, where a stricter rule finds them, but never counted.
    """
    for work in _rounds(states, step.chunks_per_batch):
        padded = [(state.point, number) for state, number in work]
        padded += [padded[-1]] * (step.chunks_per_batch - len(padded))  # a batch has one size; the copies are dropped
        chunks = step(padded)[: len(work)]
        ledger.write((state.point.identity, number, chunk) for (state, number), chunk in zip(work, chunks, strict=True))
        for (state, number), chunk in zip(work, chunks, strict=True):
            state.computed += 1
            state.take(number, chunk)
        on_batch()


def _rounds(states: Sequence[Progress[P]], size: int) -> Iterator[list[tuple[Progress[P], int]]]:
    while work := _batch(states, size):
        yield work
