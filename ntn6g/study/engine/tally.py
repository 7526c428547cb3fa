"""What a chunk of blocks adds up to, and what the chunks of a point add up to in index order."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

BLOCKS_PER_CHUNK = 32

Columns = tuple[tuple[str, ...], tuple[str, ...]]
"""Names of the counts and of the sums of a chunk."""


@dataclass(frozen=True)
class Chunk:
    """Sums over the blocks of one chunk: exact integers in ``counts``, float64 in ``sums``."""

    counts: Mapping[str, int]
    sums: Mapping[str, float]

    @property
    def columns(self) -> Columns:
        """Names in the order of `dumps`."""
        return tuple(sorted(self.counts)), tuple(sorted(self.sums))

    def dumps(self) -> bytes:
        """Eight bytes a value, counts then sums, each in alphabetical order."""
        counts, sums = self.columns
        return (
            np.array([self.counts[name] for name in counts], "<i8").tobytes()
            + np.array([self.sums[name] for name in sums], "<f8").tobytes()
        )

    @staticmethod
    def loads(data: bytes, columns: Columns) -> "Chunk":
        """Chunk equal to the one that made ``data`` with `dumps`, to the last bit."""
        return ChunkStack.loads(data, columns)[0]


@dataclass(frozen=True)
class ChunkStack:
    """Many chunks of one point as columns, each [chunks]: int64 ``counts``, float64 ``sums``."""

    counts: Mapping[str, Any]
    sums: Mapping[str, Any]

    @staticmethod
    def loads(data: bytes, columns: Columns) -> "ChunkStack":
        """Chunks written one after another by `Chunk.dumps`."""
        counts, sums = columns
        words = np.frombuffer(data, "<i8").reshape(-1, len(counts) + len(sums))
        integers, reals = words[:, : len(counts)], words[:, len(counts) :].copy().view("<f8")
        return ChunkStack(
            {name: integers[:, i] for i, name in enumerate(counts)},
            {name: reals[:, i] for i, name in enumerate(sums)},
        )

    @property
    def length(self) -> int:
        """Number of chunks."""
        return len(next(iter({**self.counts, **self.sums}.values()), ()))

    def __getitem__(self, index: int) -> Chunk:
        """One of the chunks."""
        return Chunk(
            {name: int(column[index]) for name, column in self.counts.items()},
            {name: float(column[index]) for name, column in self.sums.items()},
        )

    def first(self, length: int) -> "ChunkStack":
        """The first chunks."""
        return ChunkStack(
            {name: column[:length] for name, column in self.counts.items()},
            {name: column[:length] for name, column in self.sums.items()},
        )

    def running(self) -> "ChunkStack":
        """Totals after each chunk; float sums add one by one, as `Tally.add` does."""
        return ChunkStack(
            {name: np.cumsum(column) for name, column in self.counts.items()},
            {name: np.cumsum(column) for name, column in self.sums.items()},
        )


@dataclass
class Tally:
    """Sums over the first chunks of a point, added in index order so that rounding never depends on a schedule."""

    chunks: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    sums: dict[str, float] = field(default_factory=dict)

    def add(self, chunk: Chunk) -> None:
        """Add the next chunk."""
        self.chunks += 1
        for name, count in chunk.counts.items():
            self.counts[name] = self.counts.get(name, 0) + count
        for name, value in chunk.sums.items():
            self.sums[name] = self.sums.get(name, 0.0) + value

    @staticmethod
    def after(running: ChunkStack, chunks: int) -> "Tally":
        """The first ``chunks`` chunks of running totals."""
        if not chunks:
            return Tally()
        total = running[chunks - 1]
        return Tally(chunks, dict(total.counts), dict(total.sums))

    @property
    def blocks(self) -> int:
        """Blocks counted so far."""
        return self.counts.get("blocks", 0)
