"""A compiled step: (point, chunk number) pairs in, counts and sums of their chunks out."""

import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from ntn6g.core import random
from ntn6g.study.engine import BLOCKS_PER_CHUNK, Chunk


class CompiledStep(ABC):
    """Computes chunks, ``rows`` blocks a call, with one compilation.

    A kind of study says what its points give the program (`arguments`) and what the program returns (`_sums`).

    Parameters
    ----------
    rows : int
        Blocks of a batch, a multiple of 32.
    """

    def __init__(self, *, rows: int) -> None:
        self.chunks_per_batch = rows // BLOCKS_PER_CHUNK
        # no Python control flow hangs on a tensor here, and autograph would take four fifths of the tracing time
        self.compiled = tf.function(self._sums, jit_compile=True, autograph=False)
        self._spent_s: list[float] = []

    @property
    def compile_count(self) -> int:
        """How often the structure was traced."""
        return int(self.compiled.experimental_get_tracing_count())

    @property
    def compile_s(self) -> float:
        """What the first call took beyond the fastest other one."""
        if not self._spent_s:
            return 0.0
        return max(0.0, self._spent_s[0] - min(self._spent_s[1:], default=0.0))

    @property
    def run_s(self) -> float:
        """Time of all calls without `compile_s`."""
        return sum(self._spent_s) - self.compile_s

    def __call__(self, work: Sequence[tuple[Any, int]]) -> list[Chunk]:
        """Compute the chunks with these (point, number) pairs, exactly ``chunks_per_batch`` of them."""
        begun = time.perf_counter()
        found = self.compiled(*self.arguments(work))
        counts, sums = ({name: column.numpy() for name, column in part.items()} for part in found)
        self._spent_s.append(time.perf_counter() - begun)
        return [
            Chunk(
                {name: int(column[i]) for name, column in counts.items()},
                {name: float(column[i]) for name, column in sums.items()},
            )
            for i in range(self.chunks_per_batch)
        ]

    @abstractmethod
    def arguments(self, work: Sequence[tuple[Any, int]]) -> tuple[Any, ...]:
        """What the program takes of a batch: `chunk_keys` first."""

    @abstractmethod
    def _sums(self, *arguments: Any) -> tuple[dict[str, tf.Tensor], dict[str, tf.Tensor]]:
        """Counts int64 and sums float64 of every chunk, each [chunks]."""


def chunk_keys(work: Sequence[tuple[Any, int]]) -> tf.Tensor:
    """Keys of the chunks of a batch, uint32 [chunks, 2]."""
    keys = [random.chunk_key(point.seed, point.channel_key, number) for point, number in work]
    return tf.constant(keys, tf.uint32)


def total(column: tf.Tensor, dtype: tf.DType = tf.int64) -> tf.Tensor:
    """Sum of every chunk's blocks: [blocks] to ``dtype`` [chunks]."""
    return tf.reduce_sum(tf.reshape(tf.cast(column, dtype), [-1, BLOCKS_PER_CHUNK]), axis=1)
