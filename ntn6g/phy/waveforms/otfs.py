"""Orthogonal time frequency space modulation on the slot's grid, with a prefix before every symbol."""

import math

import tensorflow as tf

from ntn6g.phy.grid import SlotGrid
from ntn6g.phy.waveforms.spreading import data_symbols, rescaled


class Otfs:
    r"""Inverse symplectic Fourier transform of the delay-Doppler grid.

    .. math:: X[n, m] = \frac1{\sqrt{NM}}\sum_{k=0}^{N-1}\sum_{l=0}^{M-1} x[k, l]\,e^{j2\pi(nk/N - ml/M)}

    over the N symbols that carry data and the M subcarriers. The DM-RS symbols between them are left out of n, so that
    a Doppler shift spreads a little over k; the map is unitary all the same.

    Parameters
    ----------
    grid : SlotGrid
        With data in whole symbols.

    References
    ----------
    R. Hadani et al., "Orthogonal time frequency space modulation", IEEE WCNC 2017; sent through an OFDM modulator as in
    P. Raviteja et al., IEEE Trans. Wireless Commun. 17(10), 2018.
    """

    def __init__(self, grid: SlotGrid) -> None:
        self._symbols, self._subcarriers = data_symbols(grid), grid.subcarriers
        self.block_elements = self._symbols * self._subcarriers

    def spread(self, symbols: tf.Tensor) -> tf.Tensor:
        """As `Waveform.spread`: symbols lie delay first, [Doppler, delay]."""
        over_delay = rescaled(tf.signal.fft(self._grid(symbols)), math.sqrt(self._symbols / self._subcarriers))
        return self._flat(tf.signal.ifft(tf.transpose(over_delay, [0, 2, 1])))

    def despread(self, elements: tf.Tensor) -> tf.Tensor:
        """As `Waveform.despread`."""
        over_time = tf.signal.fft(tf.transpose(self._grid(elements), [0, 2, 1]))
        over_frequency = tf.signal.ifft(tf.transpose(over_time, [0, 2, 1]))
        scaled = rescaled(over_frequency, math.sqrt(self._subcarriers / self._symbols))
        return tf.reshape(scaled, [elements.shape[0], self.block_elements])

    def _grid(self, values: tf.Tensor) -> tf.Tensor:
        return tf.reshape(values, [values.shape[0], self._symbols, self._subcarriers])

    def _flat(self, turned: tf.Tensor) -> tf.Tensor:
        return tf.reshape(tf.transpose(turned, [0, 2, 1]), [turned.shape[0], self.block_elements])
