"""The compiled step of a multistatic study."""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from ntn6g.core import random
from ntn6g.services.sensing import FixOutcome, FixTrial, FixValues
from ntn6g.study.engine import BLOCKS_PER_CHUNK, Chunk


@dataclass(frozen=True, kw_only=True)
class MultistaticStructure:
    """All that shapes the tensors of a frame; names as in `ntn6g.services.sensing.FixTrial`."""

    paths: int
    sets: tuple[tuple[int, ...], ...]
    dimensions: int
    bandwidth_hz: float
    integration_s: float
    delay_cells: int
    doppler_cells: int
    swerling: int

    @property
    def label(self) -> str:
        """Every field, for manifests."""
        return " ".join(f"{name}={value}" for name, value in asdict(self).items())


@dataclass(frozen=True, kw_only=True)
class MultistaticWork:
    """What a step needs of a point."""

    seed: int
    channel_key: str
    snr: tuple[float, ...]
    """Of each path on an element, linear; 0 where the target is not seen."""
    ends: tuple[tuple[tuple[float, ...], tuple[float, ...]], ...]
    """Positions of transmitter and receiver of each path, m."""
    target: tuple[float, ...]
    basis: tuple[tuple[float, ...], ...]
    false_alarm: float


def make_fix(structure: MultistaticStructure) -> FixTrial:
    """The trial of a structure."""
    return FixTrial(**asdict(structure))


def values_of(trial: FixTrial, points: Sequence[MultistaticWork], frames: int) -> FixValues:
    """Values of some frames of each point, in order."""

    def column(values: Sequence[Any], dtype: tf.DType) -> tf.Tensor:
        return tf.constant(np.repeat(np.array(values, np.float64), frames, axis=0), dtype)

    return FixValues(
        snr=column([point.snr for point in points], tf.float32),
        transmitters_m=column([[end[0] for end in point.ends] for point in points], tf.float64),
        receivers_m=column([[end[1] for end in point.ends] for point in points], tf.float64),
        target_m=column([point.target for point in points], tf.float64),
        basis=column([point.basis for point in points], tf.float64),
        multiple=column([trial.threshold(point.false_alarm) for point in points], tf.float32),
    )


class MultistaticStep:
    """Computes chunks of frames, ``rows`` frames a call, with one compilation.

    Parameters
    ----------
    trial : FixTrial
        Frames and fixes.
    rows : int
        Frames of a batch, a multiple of 32.
    """

    def __init__(self, trial: FixTrial, *, rows: int) -> None:
        self.trial, self.chunks_per_batch = trial, rows // BLOCKS_PER_CHUNK
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

    def arguments(self, work: Sequence[tuple[MultistaticWork, int]]) -> tuple[tf.Tensor, FixValues]:
        """Chunk keys uint32 [chunks, 2] and values of a batch."""
        keys = [random.chunk_key(point.seed, point.channel_key, number) for point, number in work]
        return tf.constant(keys, tf.uint32), values_of(self.trial, [point for point, _ in work], BLOCKS_PER_CHUNK)

    def __call__(self, work: Sequence[tuple[MultistaticWork, int]]) -> list[Chunk]:
        """Compute the chunks with these (point, number) pairs, exactly ``chunks_per_batch`` of them."""
        begun = time.perf_counter()
        counts, sums = (
            {name: column.numpy() for name, column in part.items()} for part in self.compiled(*self.arguments(work))
        )
        self._spent_s.append(time.perf_counter() - begun)
        return [
            Chunk(
                {name: int(column[i]) for name, column in counts.items()},
                {name: float(column[i]) for name, column in sums.items()},
            )
            for i in range(self.chunks_per_batch)
        ]

    def _sums(self, chunk_keys: tf.Tensor, values: FixValues) -> tuple[dict[str, Any], dict[str, Any]]:
        outcome: FixOutcome = self.trial(random.block_keys(chunk_keys, BLOCKS_PER_CHUNK), values)

        def total(column: tf.Tensor, dtype: tf.DType) -> tf.Tensor:
            return tf.reduce_sum(tf.reshape(tf.cast(column, dtype), [-1, BLOCKS_PER_CHUNK]), axis=1)

        counts = {"blocks": total(tf.ones_like(values.multiple), tf.int64)}
        sums = {}
        for path in range(self.trial.paths):
            counts[f"found_{path}"] = total(outcome.found[:, path], tf.int64)
            sums[f"path_{path}_2"] = total(tf.square(outcome.path_error_m[:, path]), tf.float64)
        for place in range(len(self.trial.sets)):
            counts[f"fixed_{place}"] = total(outcome.fixed[:, place], tf.int64)
            counts[f"inside_{place}"] = total(outcome.inside[:, place], tf.int64)
            square = tf.reduce_sum(tf.square(outcome.position_error_m[:, place]), axis=-1)
            sums |= {
                f"position_{place}_2": total(square, tf.float64),
                f"position_{place}_4": total(square**2, tf.float64),
            }
        return counts, sums


def multistatic_step(structure: MultistaticStructure, *, rows: int) -> MultistaticStep:
    """Step of a structure, built wherever it is to run."""
    return MultistaticStep(make_fix(structure), rows=rows)
