"""What each MCS delivers at a signal-to-noise ratio, and the choice among them."""

import math
from functools import lru_cache
from typing import Any

import numpy as np
import tensorflow as tf

from ntn6g.phy.abstraction import BlerCurves, BlerTable, CodeBlock
from ntn6g.phy.coding import mcs_table

Array = np.ndarray[Any, np.dtype[np.float64]]

# Of the table that expectations are taken from: half a step moves a rate by less than 0.005 at the steepest waterfall.
_LOWEST_DB, _HIGHEST_DB, _STEP_DB = -40.0, 50.0, 0.01
_SHORT_CRC_BITS, _LONG_CRC_BITS, _LARGEST_WITH_SHORT_CRC = 16, 24, 3840  # TS 38.212 V18.7.0 7.2.1


class RateLadder:
    r"""The MCS of a table at one size of code block: error rates and goodput.

    The goodput of MCS m at a signal-to-noise ratio :math:`\gamma` is

    .. math::
        G(m, \gamma) = \eta_m (1 - \mathrm{BLER}(m, \gamma)), \qquad \eta_m = (K - L) Q_m / E_m

    bit per data element, for a transport block of one code block of K bits with its CRC of L bits, sent as
    :math:`E_m` coded bits. Nothing is combined: what is lost is sent again as a new block.

    Parameters
    ----------
    table : int
        MCS table of TS 38.214, 1 to 4.
    code_block_bits : int
        K; any size that the table of block error rates has, or lies between sizes that it has.

    Raises
    ------
    ScenarioError
        Error rates that were not simulated.
    """

    def __init__(self, *, table: int, code_block_bits: int) -> None:
        blocks = [
            CodeBlock.of_rate(row.modulation_order, 1024 * row.code_rate, code_block_bits) for row in mcs_table(table)
        ]
        crc_bits = _SHORT_CRC_BITS if code_block_bits <= _LARGEST_WITH_SHORT_CRC else _LONG_CRC_BITS
        self.size = len(blocks)
        self.curves: BlerCurves = BlerTable.read().curves(blocks)
        self.efficiency: Array = np.array(
            [(code_block_bits - crc_bits) * each.modulation_order / each.coded_bits for each in blocks]
        )
        grid_db = np.arange(_LOWEST_DB, _HIGHEST_DB + _STEP_DB / 2.0, _STEP_DB)
        bler = _on_grid(self.curves, grid_db, self.size)
        self._bler = tf.constant(bler, tf.float32)
        self._goodput = tf.constant(self.efficiency * (1.0 - bler), tf.float32)
        self._efficiency = tf.constant(self.efficiency, tf.float32)

    def thresholds_db(self, target: float) -> tf.Tensor:
        """Signal-to-noise ratio in dB at which each MCS has a block error rate of ``target``, float32 [MCS]."""
        return self.curves.esno_db_at(target)

    def bler(self, snr_db: tf.Tensor, mcs: tf.Tensor) -> tf.Tensor:
        """Block error rate of chosen MCS, float32; arguments of equal shapes."""
        return self.curves(snr_db, mcs)

    def efficiency_of(self, mcs: tf.Tensor) -> tf.Tensor:
        """Transport-block bits per data element of chosen MCS, float32."""
        return tf.gather(self._efficiency, mcs)

    def every_goodput(self, snr_db: tf.Tensor) -> tf.Tensor:
        """Goodput of every MCS, [...] to [..., MCS], bit per data element."""
        return _rows(self._goodput, snr_db)

    def every_bler(self, snr_db: tf.Tensor) -> tf.Tensor:
        """Block error rate of every MCS, [...] to [..., MCS]."""
        return _rows(self._bler, snr_db)

    def highest(self, snr_db: tf.Tensor, thresholds_db: tf.Tensor) -> tf.Tensor:
        """Highest MCS whose threshold is not above the ratio, else the lowest one: [...] to int32 [...]."""
        index = tf.range(self.size)
        return tf.reduce_max(tf.where(thresholds_db <= snr_db[..., None], index, 0), -1)


def best(goodput: tf.Tensor, bler: tf.Tensor | None = None, limit: float = 1.0) -> tf.Tensor:
    """MCS of the largest expected goodput [..., MCS], among those whose expected error rate is within ``limit``.

    Where none is, the lowest MCS. Returns int32 [...].
    """
    if bler is None:
        return tf.argmax(goodput, -1, output_type=tf.int32)
    return tf.argmax(tf.where(bler <= limit, goodput, -1.0), -1, output_type=tf.int32)


def _rows(table: tf.Tensor, snr_db: tf.Tensor) -> tf.Tensor:
    place = tf.round((snr_db - _LOWEST_DB) / _STEP_DB)
    return tf.gather(table, tf.cast(tf.clip_by_value(place, 0.0, float(table.shape[0] - 1)), tf.int32))


def _on_grid(curves: BlerCurves, grid_db: Array, size: int) -> Array:
    snr_db = tf.constant(np.repeat(grid_db[:, None], size, 1), tf.float32)
    row = tf.constant(np.tile(np.arange(size), (len(grid_db), 1)), tf.int32)
    return np.asarray(curves(snr_db, row).numpy(), np.float64)


@lru_cache(maxsize=8)
def rate_ladder(table: int, code_block_bits: int) -> RateLadder:
    """`RateLadder`, kept for later calls."""
    return RateLadder(table=table, code_block_bits=code_block_bits)


def error_of_gain(error_db: float) -> float:
    r"""Variance of the estimation error of a complex gain of unit power that makes a report err by ``error_db``.

    A small error e of variance :math:`\sigma^2` on a gain of magnitude one moves it by Re e, hence its level by
    :math:`(20 / \ln 10)\,\sigma / \sqrt 2` dB, one standard deviation.
    """
    return 2.0 * (error_db * math.log(10.0) / 20.0) ** 2
