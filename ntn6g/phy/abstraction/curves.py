"""Curves of block error rate as tensors: looked up in compiled steps, differentiable in Es/N0."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

Array = np.ndarray[Any, np.dtype[np.float64]]

_KNOTS = 256  # of a curve, evenly spaced in Es/N0; a decade of the steepest curves has a dozen
_TO_NEPER = math.log(10.0)


class BlerCurves:
    """Several curves, one a row; called with Es/N0 and row.

    A curve is a chain of straight lines of the log odds of an error over Es/N0 in dB, continued straight on at both
    ends, so its gradient exists everywhere and vanishes nowhere.

    Parameters
    ----------
    first_db, step_db : [rows]
        Es/N0 of the first knot and distance of the knots.
    level : [rows, knots]
        log10 of the odds at the knots.
    per_transport : [rows]
        Code blocks of a transport block, whose errors are independent.
    lowest_bler : [rows]
        Code-block error rate below which a curve is extrapolated.
    """

    def __init__(
        self, *, first_db: Array, step_db: Array, level: Array, per_transport: Array, lowest_bler: Array
    ) -> None:
        self.rows = len(first_db)
        self._host = first_db, step_db, level, per_transport
        self._first_db, self._step_db = tf.constant(first_db, tf.float32), tf.constant(step_db, tf.float32)
        self._level = tf.constant(level.reshape(-1), tf.float32)
        self._blocks = tf.constant(per_transport, tf.float32)
        self._lowest = tf.constant(lowest_bler, tf.float32)

    @staticmethod
    def of_levels(
        levels: Array, esno_db: Array, per_transport: Sequence[int], lowest_bler: Sequence[float]
    ) -> "BlerCurves":
        """From Es/N0 [rows, levels] at falling log odds ``levels`` [levels]."""
        first_db, last_db = esno_db[:, 0], esno_db[:, -1]
        step_db = (last_db - first_db) / (_KNOTS - 1)
        knots_db = first_db[:, None] + step_db[:, None] * np.arange(_KNOTS)
        level = np.array([np.interp(at, known, levels) for at, known in zip(knots_db, esno_db, strict=True)])
        return BlerCurves(
            first_db=first_db,
            step_db=step_db,
            level=level,
            per_transport=np.array(per_transport, np.float64),
            lowest_bler=np.array(lowest_bler, np.float64),
        )

    def __call__(self, esno_db: tf.Tensor, row: tf.Tensor) -> tf.Tensor:
        """Error rate of transport blocks, float32, for float32 ``esno_db`` and int32 ``row`` of equal shapes."""
        odds_neper = _TO_NEPER * self._log_odds(esno_db, row)
        # 1 - (1 - b)^C with log(1 - b) = -softplus(log odds), which keeps its digits at both ends
        return -tf.math.expm1(-tf.gather(self._blocks, row) * tf.nn.softplus(odds_neper))

    def extrapolated(self, esno_db: tf.Tensor, row: tf.Tensor) -> tf.Tensor:
        """Whether the rate lies below what was simulated, bool."""
        lowest = tf.gather(self._lowest, row)
        return self._log_odds(esno_db, row) * _TO_NEPER < tf.math.log(lowest / (1.0 - lowest))

    def esno_db_at(self, bler: float) -> tf.Tensor:
        """Es/N0 in dB at which each row has this transport-block error rate, float32 [rows]; found on the host."""
        first_db, step_db, level, blocks = self._host
        each = -np.expm1(np.log1p(-bler) / blocks)
        wanted = np.log10(each) - np.log1p(-each) / np.log(10.0)
        place = [np.interp(-want, -known, np.arange(_KNOTS)) for want, known in zip(wanted, level, strict=True)]
        return tf.constant(first_db + step_db * np.array(place), tf.float32)

    def _log_odds(self, esno_db: tf.Tensor, row: tf.Tensor) -> tf.Tensor:
        place = (esno_db - tf.gather(self._first_db, row)) / tf.gather(self._step_db, row)
        left = tf.clip_by_value(tf.cast(tf.floor(tf.stop_gradient(place)), tf.int32), 0, _KNOTS - 2)
        before = tf.gather(self._level, row * _KNOTS + left)
        after = tf.gather(self._level, row * _KNOTS + left + 1)
        return before + (after - before) * (place - tf.cast(left, tf.float32))
