"""What a chunk of blocks adds up to, and what the chunks of a point add up to in index order."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

BLOCKS_PER_CHUNK = 32


@dataclass(frozen=True)
class Chunk:
    """Sums over the blocks of one chunk: exact integers in ``counts``, float64 in ``sums``."""

    counts: Mapping[str, int]
    sums: Mapping[str, float]

    def dumps(self) -> str:
        """Text that `loads` turns into an equal chunk, to the last bit."""
        return json.dumps([self.counts, self.sums], sort_keys=True, separators=(",", ":"))

    @staticmethod
    def loads(text: str) -> "Chunk":
        """Chunk of a text made by `dumps`."""
        counts, sums = json.loads(text)
        return Chunk(counts, sums)


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

    @property
    def blocks(self) -> int:
        """Blocks counted so far."""
        return self.counts.get("blocks", 0)
