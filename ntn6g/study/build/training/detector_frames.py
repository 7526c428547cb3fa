"""Frames for the training of detectors: noise, and targets drawn anywhere on the map, with what is to be declared."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from ntn6g.core import random
from ntn6g.orbit.state import TensorRecord
from ntn6g.services.sensing import RangeDopplerMap, SensingFrame, Targets

_STREAM = "detector scene"
_TARGET_WEIGHT = 20.0  # of a target's cell over one of noise
_OPEN_CELLS = 1.0  # native cells around a target that do not count: between cells it shows in several


@dataclass(frozen=True, eq=False)
class LabelledMaps(TensorRecord):
    """Maps, and what a detector should say about them."""

    power: tf.Tensor
    """Float32 [frame, Doppler, delay]."""
    labels: tf.Tensor
    """Float32, likewise: 1 in the cell nearest to a target, else 0."""
    weights: tf.Tensor
    """Float32, likewise: 0 in the cells next to a target's."""
    there: tf.Tensor
    """Bool [frame, target]: which of the targets are there."""
    cell: tf.Tensor
    """Int32 [frame, target]: nearest cell, counted along rows of delay."""


@dataclass(frozen=True, kw_only=True, eq=False)
class DetectorFrames:
    """Draws frames of one setting.

    Parameters
    ----------
    frame, rd_map
        How a frame becomes a map.
    most_targets : int
        Each of them is there or not with probability one half.
    lowest_db, highest_db : float
        Echo over noise, integrated over the frame, uniform between.
    """

    frame: SensingFrame
    rd_map: RangeDopplerMap
    most_targets: int
    lowest_db: float
    highest_db: float

    def noise(self, keys: tf.Tensor) -> tf.Tensor:
        """Maps without a target, of keys uint32 [frame, 2]."""
        zero = tf.zeros([keys.shape[0], 1], tf.float64)
        return self.rd_map(self.frame(keys, Targets(zero, zero, zero, tf.cast(zero, tf.float32))))

    def scenes(self, keys: tf.Tensor) -> LabelledMaps:
        """Maps with targets, of keys uint32 [frame, 2]."""
        grid, (rows, columns) = self.frame.grid, self.rd_map.shape
        drawn = random.uniform(random.stream(keys, _STREAM), (4, self.most_targets))
        there = drawn[:, 2] < 0.5
        level_db = self.lowest_db + (self.highest_db - self.lowest_db) * drawn[:, 3]
        snr = tf.where(there, 10.0 ** (0.1 * level_db), 0.0) / grid.energy.size
        row, column = drawn[:, 0] * rows, drawn[:, 1] * columns
        # the axis of Doppler runs backwards from 0, as `RangeDopplerMap.doppler_hz` says
        doppler_hz = -tf.cast(row, tf.float64) / (rows * grid.period_s)
        delay_s = tf.cast(column, tf.float64) / (columns * grid.subcarrier_spacing_hz)
        targets = Targets(delay_s, doppler_hz, tf.zeros_like(delay_s), snr)
        power = self.rd_map(self.frame(keys, targets))
        nearest_row, nearest_column = (
            tf.cast(tf.round(place), tf.int32) % length for place, length in ((row, rows), (column, columns))
        )
        within = [
            _on_map(
                _near(nearest_row, rows, reach * self.rd_map.padding),
                _near(nearest_column, columns, reach * self.rd_map.padding),
                there,
            )
            for reach in (0.0, _OPEN_CELLS)
        ]
        labels, around = within
        weights = _TARGET_WEIGHT * labels + (1.0 - labels) * (1.0 - around)
        return LabelledMaps(power, labels, weights, there, nearest_row * columns + nearest_column)


def _near(place: tf.Tensor, length: int, reach: float) -> tf.Tensor:
    """Cells of an axis within reach of each target, round its ends: int32 [frame, target] to float32 [..., length]."""
    apart = tf.math.floormod(place[..., None] - tf.range(length), length)
    return tf.cast(tf.cast(tf.minimum(apart, length - apart), tf.float32) <= reach, tf.float32)


def _on_map(rows: tf.Tensor, columns: tf.Tensor, there: tf.Tensor) -> tf.Tensor:
    """Cells within reach of any target on both axes: float32 [frame, Doppler, delay], 1 or 0."""
    told = tf.cast(there, tf.float32)[..., None] * rows
    return tf.minimum(tf.reduce_sum(told[..., :, None] * columns[..., None, :], axis=1), 1.0)


def in_batches(count: int, batch: int, stream: str, program: Callable[[tf.Tensor], Any]) -> list[Any]:
    """What a program makes of ``count`` frames, rounded up to whole batches, whose keys come from a stream."""
    chunks = range(-(-count // batch))
    keys = [tf.constant([random.chunk_key(0, stream, number)], tf.uint32) for number in chunks]
    return [program(random.block_keys(key, batch)) for key in keys]
