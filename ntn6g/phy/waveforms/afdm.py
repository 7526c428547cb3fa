"""Affine frequency division multiplexing: chirps instead of tones, one set of them in every symbol."""

import math

import numpy as np
import tensorflow as tf

from ntn6g.phy.grid import SlotGrid
from ntn6g.phy.waveforms.spreading import data_symbols, unit


class Afdm:
    r"""Inverse discrete affine Fourier transform of every symbol's data, N subcarriers wide.

    .. math:: s[n] = \frac1{\sqrt N}\sum_{m=0}^{N-1} x[m]\,e^{j2\pi(c_1 n^2 + c_2 m^2 + nm/N)}

    whose spectrum fills the occupied subcarriers. With :math:`2 N c_1` an integer and N even the chirp-periodic prefix
    is a cyclic one, so that the OFDM modulator sends it. Full diversity asks for
    :math:`2 N c_1 \ge 2(\alpha_{max} + k_\nu) + 1`; :math:`2 N c_1` is the least integer from there on that has no
    divisor in common with N, for then every symbol is spread evenly over the subcarriers.

    Parameters
    ----------
    grid : SlotGrid
        With data in whole symbols.
    doppler_bins : int
        :math:`\alpha_{max} + k_\nu`: largest Doppler shift in subcarrier spacings, rounded up, and the margin for what
        lies between integers.

    References
    ----------
    A. Bemani, N. Ksairi and M. Kountouris, "Affine frequency division multiplexing for next generation wireless
    communications", IEEE Trans. Wireless Commun. 22(11), 2023: transform, prefix, condition of diversity.
    """

    def __init__(self, grid: SlotGrid, *, doppler_bins: int = 1) -> None:
        self._symbols, self.block_elements = data_symbols(grid), grid.subcarriers
        rate = 2 * doppler_bins + 1
        while math.gcd(rate, grid.subcarriers) > 1:
            rate += 1
        self.c1 = rate / (2 * grid.subcarriers)
        self.c2 = math.sqrt(2.0) / grid.subcarriers**2  # irrational and small

    def spread(self, symbols: tf.Tensor) -> tf.Tensor:
        """As `Waveform.spread`."""
        samples = tf.signal.ifft(self._rows(symbols) * self._chirp(self.c2, symbols.dtype))
        return self._flat(tf.signal.fft(samples * self._chirp(self.c1, symbols.dtype)))

    def despread(self, elements: tf.Tensor) -> tf.Tensor:
        """As `Waveform.despread`."""
        samples = tf.signal.ifft(self._rows(elements)) * tf.math.conj(self._chirp(self.c1, elements.dtype))
        return self._flat(tf.signal.fft(samples) * tf.math.conj(self._chirp(self.c2, elements.dtype)))

    def _chirp(self, rate: float, dtype: tf.DType) -> tf.Tensor:
        return unit(np.asarray(rate * np.arange(self.block_elements) ** 2, np.float64), dtype)

    def _rows(self, values: tf.Tensor) -> tf.Tensor:
        return tf.reshape(values, [values.shape[0], self._symbols, self.block_elements])

    def _flat(self, rows: tf.Tensor) -> tf.Tensor:
        return tf.reshape(rows, [rows.shape[0], self._symbols * self.block_elements])
