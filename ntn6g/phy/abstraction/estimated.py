"""What a least-squares channel estimate leaves of an element: one ratio that carries as much information."""

import math
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
import tensorflow as tf
from scipy.stats import norm, qmc

from ntn6g.phy.abstraction.information import GRID_DB, information_table
from ntn6g.phy.closed_form import gray_labels

Array = np.ndarray[Any, np.dtype[np.float64]]

_RATIO_DB: Array = np.arange(-20.0, 44.1, 2.0)
_GAIN: Array = np.array([0.0, 0.125, 0.25, 0.5, 1.0, 2.0, 4.0])  # held beyond the last
_POINTS = 2**13  # of the quasi-random integration; 2**11 were seen to be 0.006 bit off, 0.06 dB
_LEAST, _MOST = 0.02, 0.98  # of the information of a bit, between which the loss is read and beyond which it is held


def estimated_information(modulation_order: int, ratio: float, error_gain: float, *, points: int = _POINTS) -> float:
    r"""Mean information of a coded bit, in bits, whose channel is known with an error.

    With h = 1, N_0 the inverse ``ratio``, g the ``error_gain``, and w, n independent with variances g N_0 and N_0, the
    receiver divides s + n by 1 + w, takes :math:`N_0 (1 + g) / |1 + w|^2` for the noise and makes exact ratios L of it:

    .. math:: I = E[1 - \log_2(1 + e^{\mp L})],

    what such ratios carry to a decoder (A. Guillen i Fabregas, A. Martinez, G. Caire, "Bit-interleaved coded
    modulation", Found. Trends Commun. Inf. Theory 5, 2008: generalised mutual information with s = 1). Integrated over
    8192 points of a fixed Sobol sequence.

    Parameters
    ----------
    modulation_order : int
        Bits per symbol: 2, 4, 6, 8 or 10.
    ratio : float
        |h|^2 / N_0, linear.
    error_gain : float
        Variance of the estimate over that of the noise.
    """
    per_axis = modulation_order // 2
    levels = np.arange(1 - 2**per_axis, 2**per_axis, 2.0)
    levels /= math.sqrt(2.0 * float(np.mean(levels**2)))
    uniform = qmc.Sobol(6, scramble=True, rng=np.random.default_rng(7)).random(points)
    w, n = ((norm.ppf(part) @ [1.0, 1.0j]) / math.sqrt(2.0 * ratio) for part in (uniform[:, :2], uniform[:, 2:4]))
    sent = np.minimum((uniform[:, 4:] * len(levels)).astype(int), len(levels) - 1)
    estimate = 1.0 + math.sqrt(error_gain) * w
    symbols = (levels[sent] @ [1.0, 1.0j] + n) / estimate
    variance = (1.0 + error_gain) / (ratio * np.abs(estimate) ** 2)
    total = 0.0
    for axis, index in ((symbols.real, sent[:, 0]), (symbols.imag, sent[:, 1])):
        metric = -((axis[:, None] - levels) ** 2) / variance[:, None]
        for bit in gray_labels(per_axis).T:
            ones, zeros = (np.logaddexp.reduce(metric[:, which], axis=1) for which in (bit, ~bit))
            wrong = np.where(bit[index], zeros - ones, ones - zeros)
            total += 1.0 - float(np.mean(np.logaddexp(0.0, wrong))) / math.log(2.0)
    return total / modulation_order


@cache
def estimation_loss_db(modulation_order: int) -> Array:
    """By how much the ratio of equal information lies below that given, dB [ratio, gain].

    Read between 0.02 and 0.98 bit and held beyond, where information says little.
    """
    mean = np.maximum.accumulate(information_table(modulation_order)[0]) + 1e-9 * np.arange(len(GRID_DB))
    loss_db = np.zeros([len(_RATIO_DB), len(_GAIN)])
    for column, gain in enumerate(_GAIN[1:], 1):
        carried = np.array([estimated_information(modulation_order, 10 ** (db / 10), gain) for db in _RATIO_DB])
        inside = (carried > _LEAST) & (carried < _MOST)
        equal_db = np.interp(carried[inside], mean, GRID_DB)
        loss_db[:, column] = np.interp(_RATIO_DB, _RATIO_DB[inside], _RATIO_DB[inside] - equal_db)
    return loss_db


class EstimatedChannel:
    """One ratio for an element whose channel is estimated: that of a known channel with the same bit information.

    Parameters
    ----------
    modulation_order : int
        Bits per symbol of the data: 2, 4, 6, 8 or 10.
    """

    def __init__(self, modulation_order: int) -> None:
        self._loss_db = tf.constant(estimation_loss_db(modulation_order).reshape(-1), tf.float32)

    def __call__(self, ratio: tf.Tensor, error_gain: tf.Tensor) -> tf.Tensor:
        """Linear ratios, float32, of linear ``ratio`` and ``error_gain`` of `LinkChain.element_quality`, same shape."""
        ratio_db = 10.0 / math.log(10.0) * tf.math.log(tf.maximum(ratio, 1e-9))
        row, between = _place((ratio_db - _RATIO_DB[0]) / (_RATIO_DB[1] - _RATIO_DB[0]), len(_RATIO_DB))
        knots = [tf.clip_by_value((error_gain - low) / (high - low), 0.0, 1.0) for low, high in pairwise(_GAIN)]
        column, share = _place(tf.add_n(knots), len(_GAIN))

        def loss_db(down: int, right: int) -> tf.Tensor:
            return tf.gather(self._loss_db, (row + down) * len(_GAIN) + column + right)

        above, below = ((1.0 - share) * loss_db(k, 0) + share * loss_db(k, 1) for k in (0, 1))
        return ratio * tf.exp(-math.log(10.0) / 10.0 * ((1.0 - between) * above + between * below))


def _place(position: tf.Tensor, count: int) -> tuple[tf.Tensor, tf.Tensor]:
    held = tf.clip_by_value(position, 0.0, count - 1.001)
    before = tf.floor(tf.stop_gradient(held))
    return tf.cast(before, tf.int32), held - before
