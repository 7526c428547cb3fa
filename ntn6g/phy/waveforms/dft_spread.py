"""DFT-spread OFDM, the transform precoding of the uplink."""

import math

import tensorflow as tf

from ntn6g.core.errors import ScenarioError
from ntn6g.phy.grid import SlotGrid
from ntn6g.phy.waveforms.spreading import data_symbols, rescaled


class DftSpreadOfdm:
    r"""Transform precoding, symbol by symbol.

    .. math:: y(lM + k) = \frac1{\sqrt M}\sum_{i=0}^{M-1} x(lM + i)\,e^{-j2\pi ik/M}

    over the M occupied subcarriers of symbol l.

    Parameters
    ----------
    grid : SlotGrid
        With data in whole symbols, 2^a 3^b 5^c resource blocks.

    Raises
    ------
    ScenarioError
        Another number of resource blocks, or symbols that carry data beside reference signals.

    References
    ----------
    3GPP TS 38.211 V18.4.0, 6.3.1.4.
    """

    def __init__(self, grid: SlotGrid) -> None:
        self._symbols, self.block_elements = data_symbols(grid), grid.subcarriers
        rest = grid.resource_blocks
        for prime in (2, 3, 5):
            while rest % prime == 0:
                rest //= prime
        if rest > 1:
            raise ScenarioError(
                f"{grid.resource_blocks} is no product of powers of 2, 3 and 5, which transform precoding asks for",
                key="link.resource_blocks",
            )

    def spread(self, symbols: tf.Tensor) -> tf.Tensor:
        """As `Waveform.spread`."""
        return self._by_symbol(rescaled(tf.signal.fft(self._rows(symbols)), 1.0 / math.sqrt(self.block_elements)))

    def despread(self, elements: tf.Tensor) -> tf.Tensor:
        """As `Waveform.despread`."""
        return self._by_symbol(rescaled(tf.signal.ifft(self._rows(elements)), math.sqrt(self.block_elements)))

    def _rows(self, values: tf.Tensor) -> tf.Tensor:
        return tf.reshape(values, [values.shape[0], self._symbols, self.block_elements])

    def _by_symbol(self, rows: tf.Tensor) -> tf.Tensor:
        return tf.reshape(rows, [rows.shape[0], self._symbols * self.block_elements])
