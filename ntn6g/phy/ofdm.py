"""A slot's resource grid as samples and back: orthogonal frequency division multiplexing of TS 38.211."""

import functools

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from ntn6g.phy.grid import CP_SAMPLES, LONG_CP_EXTRA, SYMBOLS_PER_SLOT, USEFUL_SAMPLES, SlotGrid

_LEAST_POINTS = 128  # for a whole number of samples in every cyclic prefix


class Ofdm:
    """Modulator and demodulator of one slot; unitary, so that energy per element is that of its samples.

    Parameters
    ----------
    grid : SlotGrid
        The slot.
    advance : float
        Share of the cyclic prefix by which the receiver's window begins early: band-limited paths begin before
        their delay.
    oversampling : float
        Least points over subcarriers; the room beside the band is where filters can fall.
    """

    def __init__(self, grid: SlotGrid, *, advance: float = 0.25, oversampling: float = 1.25) -> None:
        self._grid = grid
        wanted = max(_LEAST_POINTS, int(np.ceil(oversampling * grid.subcarriers)))
        self.points = 1 << (wanted - 1).bit_length()
        self._advance = int(advance * CP_SAMPLES * self.points // USEFUL_SAMPLES)

    @property
    def advance_s(self) -> float:
        """By how much the receiver's windows begin before the useful parts."""
        return self._advance / self.sample_rate_hz

    @property
    def sample_rate_hz(self) -> float:
        """Samples per second."""
        return self.points * self._grid.subcarrier_spacing_hz

    @functools.cached_property
    def prefixes(self) -> NDArray[np.int64]:
        """Samples of each symbol's cyclic prefix, [14], of the first slot of a subframe (TS 38.211 5.3.1)."""
        scale = self.points / USEFUL_SAMPLES
        found = np.full(SYMBOLS_PER_SLOT, CP_SAMPLES * scale)
        long_extra = LONG_CP_EXTRA * self._grid.subcarrier_spacing_hz / 15e3 * scale
        found[0] += long_extra
        if self._grid.subcarrier_spacing_hz == 15e3:
            found[7] += long_extra
        return found.astype(np.int64)

    @property
    def samples(self) -> int:
        """Samples of the slot."""
        return int(self.prefixes.sum()) + SYMBOLS_PER_SLOT * self.points

    @functools.cached_property
    def _starts(self) -> NDArray[np.int64]:
        """First sample of each symbol's useful part."""
        return np.asarray(np.cumsum(self.prefixes) + self.points * np.arange(SYMBOLS_PER_SLOT))

    def modulate(self, values: tf.Tensor) -> tf.Tensor:
        """Grid complex64 or complex128 [B, 14, subcarriers] to samples [B, samples] of the same type."""
        low = self._grid.subcarriers // 2
        empty = tf.zeros([values.shape[0], SYMBOLS_PER_SLOT, self.points - self._grid.subcarriers], values.dtype)
        bins = tf.concat([values[..., low:], empty, values[..., :low]], -1)  # the carrier first
        useful = tf.signal.ifft(bins) * tf.constant(np.sqrt(self.points), values.dtype)
        parts = []
        for symbol, prefix in enumerate(self.prefixes):
            parts += [useful[:, symbol, self.points - int(prefix) :], useful[:, symbol]]
        return tf.concat(parts, 1)

    def demodulate(self, samples: tf.Tensor) -> tf.Tensor:
        """Samples, complex64 or complex128 [B, samples], to the grid [B, 14, subcarriers] of the same type."""
        windows = [samples[:, start : start + self.points] for start in self._starts - self._advance]
        bins = tf.signal.fft(tf.stack(windows, 1)) / tf.constant(np.sqrt(self.points), samples.dtype)
        count = self._grid.subcarriers
        low = count // 2
        found = tf.concat([bins[..., self.points - low :], bins[..., : count - low]], -1)
        index = np.arange(count) - low
        return found * tf.constant(np.exp(2j * np.pi * index * self._advance / self.points), samples.dtype)
