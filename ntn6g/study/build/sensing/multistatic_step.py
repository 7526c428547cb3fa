"""The compiled step of a multistatic study."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from ntn6g.core import random
from ntn6g.services.sensing import FixOutcome, FixTrial, FixValues
from ntn6g.study.build.compiled_step import CompiledStep, chunk_keys, total
from ntn6g.study.engine import BLOCKS_PER_CHUNK


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


class MultistaticStep(CompiledStep):
    """Computes chunks of frames, ``rows`` frames a call, with one compilation.

    Parameters
    ----------
    trial : FixTrial
        Frames and fixes.
    rows : int
        Frames of a batch, a multiple of 32.
    """

    def __init__(self, trial: FixTrial, *, rows: int) -> None:
        self.trial = trial
        super().__init__(rows=rows)

    def arguments(self, work: Sequence[tuple[MultistaticWork, int]]) -> tuple[tf.Tensor, FixValues]:
        """Chunk keys uint32 [chunks, 2] and values of a batch."""
        return chunk_keys(work), values_of(self.trial, [point for point, _ in work], BLOCKS_PER_CHUNK)

    def _sums(self, keys: tf.Tensor, values: FixValues) -> tuple[dict[str, Any], dict[str, Any]]:
        outcome: FixOutcome = self.trial(random.block_keys(keys, BLOCKS_PER_CHUNK), values)

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
