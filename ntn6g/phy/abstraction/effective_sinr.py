"""One Es/N0 that stands for the many signal-to-noise ratios of a fading block."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from ntn6g.phy.abstraction.information import GRID_DB, information_table

_LEAST, _MOST = 1e-4, 1.0 - 1e-6  # of the mean information of a bit; beyond, Es/N0 is held
_DB = 10.0 / math.log(10.0)


class ExponentialMapping:
    r"""Exponential effective SINR mapping (EESM).

    .. math:: \gamma_\text{eff} = -\beta \ln \frac1N \sum_k e^{-\gamma_k/\beta}

    Parameters
    ----------
    beta : sequence of float
        Calibrated parameter, positive, one for each row (an MCS, say).

    References
    ----------
    K. Brueninghaus et al., "Link performance models for system level simulations of broadband radio access systems",
    PIMRC 2005, eq. 10.
    """

    def __init__(self, beta: Sequence[float]) -> None:
        self._beta = tf.constant(list(beta), tf.float32)

    def __call__(self, sinr: tf.Tensor, row: tf.Tensor) -> tf.Tensor:
        """Effective Es/N0 in dB, float32 [B], of linear ratios float32 [B, elements] and int32 rows [B]."""
        beta = tf.gather(self._beta, row)
        mean_log = tf.reduce_logsumexp(-sinr / beta[:, None], axis=1) - math.log(sinr.shape[1])
        return _DB * tf.math.log(tf.maximum(-beta * mean_log, 1e-12))


class InformationMapping:
    r"""Mutual-information effective SINR mapping (received bit information rate, RBIR).

    .. math:: \gamma_\text{eff} = \beta I_m^{-1}\!\left(\frac1N \sum_k I_m(\gamma_k / \beta)\right)

    with the information of a bit of the modulation, `bit_information`. With beta = 1 nothing is calibrated.

    Parameters
    ----------
    modulation_order : sequence of int
        Bits per symbol of each row.
    beta : sequence of float, optional
        Calibrated parameter of each row, positive; 1 by default.

    References
    ----------
    L. Wan, S. Tsai, M. Almgren, "A fading-insensitive performance metric for a unified link quality model", WCNC 2006,
    eqs. 2 and 6.
    """

    def __init__(self, modulation_order: Sequence[int], beta: Sequence[float] | None = None) -> None:
        orders = sorted(set(modulation_order))
        table = np.array([np.maximum.accumulate(information_table(order)[0]) for order in orders])
        # strictly rising, so that the inverse has a slope everywhere
        table += 1e-9 * np.arange(table.shape[1])
        self._table = tf.constant(table, tf.float32)
        self._which = tf.constant([orders.index(order) for order in modulation_order], tf.int32)
        self._shift_db = tf.constant(10.0 * np.log10(beta or [1.0] * len(modulation_order)), tf.float32)

    def __call__(self, sinr: tf.Tensor, row: tf.Tensor) -> tf.Tensor:
        """Effective Es/N0 in dB, float32 [B], of linear ratios float32 [B, elements] and int32 rows [B]."""
        table = tf.gather(self._table, tf.gather(self._which, row))  # [B, grid]
        shift_db = tf.gather(self._shift_db, row)
        esno_db = _DB * tf.math.log(tf.maximum(sinr, 1e-12)) - shift_db[:, None]
        mean = tf.reduce_mean(_rising(table, esno_db), axis=1)
        return _inverse(table, tf.clip_by_value(mean, _LEAST, _MOST)) + shift_db


_FIRST_DB, _STEP_DB, _POINTS = float(GRID_DB[0]), float(GRID_DB[1] - GRID_DB[0]), len(GRID_DB)


def _rising(table: tf.Tensor, esno_db: tf.Tensor) -> tf.Tensor:
    """Values of the tables [B, grid] at Es/N0 [B, elements]; held beyond the ends of the grid."""
    place = tf.clip_by_value((esno_db - _FIRST_DB) / _STEP_DB, 0.0, _POINTS - 1.001)
    left = tf.cast(tf.floor(tf.stop_gradient(place)), tf.int32)
    before, after = tf.gather(table, left, batch_dims=1), tf.gather(table, left + 1, batch_dims=1)
    return before + (after - before) * (place - tf.cast(left, tf.float32))


def _inverse(table: tf.Tensor, value: tf.Tensor) -> tf.Tensor:
    """Es/N0 in dB at which each table [B, grid] has its value [B]."""
    known = tf.stop_gradient(tf.cast(table <= value[:, None], tf.int32))
    left = tf.clip_by_value(tf.reduce_sum(known, axis=1) - 1, 0, _POINTS - 2)
    before = tf.gather(table, left, batch_dims=1)
    after = tf.gather(table, left + 1, batch_dims=1)
    return _FIRST_DB + _STEP_DB * (tf.cast(left, tf.float32) + (value - before) / tf.maximum(after - before, 1e-9))


def fitted_beta(candidates: Sequence[float], deviation: Any) -> float:
    """The bottom of a parabola through the best candidate and its neighbours; the best one itself at either end.

    Parameters
    ----------
    candidates : sequence of float
        Rising, at least three, at equal ratios.
    deviation : sequence of float
        What to make small, at each.
    """
    best = int(np.argmin(deviation))
    if best in (0, len(candidates) - 1):
        return float(candidates[best])
    before, here, after = (float(deviation[best + i]) for i in (-1, 0, 1))
    bend = before - 2.0 * here + after
    shift = 0.0 if bend <= 0.0 else float(np.clip(0.5 * (before - after) / bend, -1.0, 1.0))
    ratio = candidates[best] / candidates[best - 1]
    return float(candidates[best] * ratio**shift)
