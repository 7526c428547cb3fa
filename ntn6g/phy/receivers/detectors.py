"""From the received grid and what is known of the channel to data symbols: element by element, or in windows."""

from typing import Protocol

import numpy as np
import tensorflow as tf

from ntn6g.phy.grid import SYMBOLS_PER_SLOT, SlotGrid
from ntn6g.phy.receiver import Equalised, lmmse_equalise
from ntn6g.phy.waveforms import CpOfdm, Waveform


class Detector(Protocol):
    """Estimates data symbols."""

    def __call__(self, received: tf.Tensor, known: tf.Tensor, noise_variance: tf.Tensor) -> Equalised:
        """Received grid and channel, complex64 [B, 14, subcarriers], and variances float32 [B, 14, subcarriers]."""
        ...


def despread(equalised: Equalised, waveform: Waveform) -> Equalised:
    r"""Data symbols of a spread waveform from unbiased element estimates; exact LMMSE of the data.

    The data of unit energy stays white when it is spread by a unitary matrix, so that the LMMSE estimate of the data is
    the despread LMMSE estimate of the elements. With :math:`\rho_k = 1/(1+\sigma_k^2)` on element k every symbol of a
    block gets the mean :math:`\bar\rho` as its gain, since it is spread evenly, and keeps
    :math:`(1-\bar\rho)/\bar\rho` as variance.
    """
    if waveform.block_elements == 1:
        return equalised
    gain = 1.0 / (1.0 + equalised.noise_variance)
    biased = waveform.despread(equalised.symbols * tf.cast(gain, tf.complex64))
    mean = tf.clip_by_value(block_mean(gain, waveform), 1e-9, 1.0 - 1e-6)
    return Equalised(symbols=biased / tf.cast(mean, tf.complex64), noise_variance=(1.0 - mean) / mean)


def block_mean(values: tf.Tensor, waveform: Waveform) -> tf.Tensor:
    """Mean over the block of each element, [B, data_elements] to the same shape."""
    shaped = tf.reshape(values, [values.shape[0], -1, waveform.block_elements])
    mean = tf.reduce_mean(shaped, axis=2, keepdims=True)
    return tf.reshape(tf.broadcast_to(mean, shaped.shape), values.shape)


class OneTap:
    """LMMSE of each element by itself, then `despread`: the delay-Doppler LMMSE of OTFS where carriers do not mix.

    Parameters
    ----------
    grid : SlotGrid
        The slot.
    waveform : Waveform
        How the data is spread.
    """

    def __init__(self, grid: SlotGrid, waveform: Waveform | None = None) -> None:
        self._grid, self._waveform = grid, waveform or CpOfdm(grid)

    def __call__(self, received: tf.Tensor, known: tf.Tensor, noise_variance: tf.Tensor) -> Equalised:
        """As `Detector`."""
        data, channel, noise = (self._grid.data_of(each) for each in (received, known, noise_variance))
        return despread(lmmse_equalise(data, channel, noise), self._waveform)


class BandedMmse:
    r"""LMMSE over a window of subcarriers whose channel changes within the symbol, then `despread`.

    Within a symbol of length T the channel is taken to be :math:`H_m + H'_m u`, u from -1/2 to 1/2, with :math:`H'_m T`
    from the neighbouring symbols. Subcarrier k then receives

    .. math:: y_k = \sum_m (H_m\,\delta_{km} + H'_m D_{m-k})\,x_m + w_k, \qquad
              D_d = \frac{e^{-j2\pi d a}}{j2\pi d},\ D_0 = 0,

    a being the share of T by which the window begins early. Element k is estimated from the ``2 width + 1`` subcarriers
    about it, with the ``4 width + 1`` that reach them as unknowns of unit energy; what comes from further away counts
    as noise. A residual frequency offset is such a change, as is a terminal's Doppler spread.

    Parameters
    ----------
    grid : SlotGrid
        The slot.
    waveform : Waveform
        How the data is spread.
    width : int
        Neighbours on either side, 1 to 3.
    early : float
        a above, of `Ofdm.advance_s` times the subcarrier spacing.

    References
    ----------
    X. Cai and G. B. Giannakis, IEEE Trans. Commun. 51(12), 2003 (window of subcarriers); Y. Mostofi and D. C. Cox, IEEE
    Trans. Wireless Commun. 4(2), 2005 (channel linear within a symbol).
    """

    def __init__(self, grid: SlotGrid, waveform: Waveform | None = None, *, width: int = 1, early: float = 0.0) -> None:
        self._grid, self._waveform, self._width, self._early = grid, waveform or CpOfdm(grid), width, early
        times_s = grid.symbol_times_s
        before = np.maximum(np.arange(SYMBOLS_PER_SLOT) - 1, 0)
        after = np.minimum(np.arange(SYMBOLS_PER_SLOT) + 1, SYMBOLS_PER_SLOT - 1)
        slope = np.zeros([SYMBOLS_PER_SLOT, SYMBOLS_PER_SLOT])
        slope[np.arange(SYMBOLS_PER_SLOT), after] += 1.0
        slope[np.arange(SYMBOLS_PER_SLOT), before] -= 1.0
        useful_s = 1.0 / grid.subcarrier_spacing_hz
        self._slope = (slope * (useful_s / (times_s[after] - times_s[before]))[:, None]).astype(np.complex64)

    def _leak(self, distance: int) -> complex:
        """D of the docstring."""
        if distance == 0:
            return 0j
        return complex(np.exp(-2j * np.pi * distance * self._early) / (2j * np.pi * distance))

    def __call__(self, received: tf.Tensor, known: tf.Tensor, noise_variance: tf.Tensor) -> Equalised:
        """As `Detector`."""
        width, count = self._width, self._grid.subcarriers
        slope = tf.einsum("st,btk->bsk", self._slope, known)
        reach = 3 * width

        def shifted(values: tf.Tensor, by: int) -> tf.Tensor:
            padded = tf.pad(values, [[0, 0], [0, 0], [reach, reach]])
            return padded[:, :, reach + by : reach + by + count]

        rows, columns = range(-width, width + 1), range(-2 * width, 2 * width + 1)
        level = {b: shifted(known, b) for b in rows}
        change = {b: shifted(slope, b) for b in columns}
        # G[a][b]: how what is sent on subcarrier k + b arrives on k + a
        through = [[change[b] * self._leak(b - a) + (level[b] if a == b else 0.0) for b in columns] for a in rows]
        power = tf.square(tf.math.real(slope)) + tf.square(tf.math.imag(slope))
        noise = [
            shifted(noise_variance, a)
            + power * float(1.0 / 12.0 - sum(abs(self._leak(b - a)) ** 2 for b in columns))
            + (0.0 if a == 0 else 1e-9)
            for a in rows
        ]
        weights = self._weights(through, noise)
        mine = [row[2 * width] for row in through]
        found = tf.add_n([tf.math.conj(w) * shifted(received, a) for w, a in zip(weights, rows, strict=True)])
        gain = tf.math.real(tf.add_n([tf.math.conj(w) * g for w, g in zip(weights, mine, strict=True)]))
        gain = tf.clip_by_value(gain, 1e-9, 1.0 - 1e-6)
        data, kept = self._grid.data_of(found), self._grid.data_of(gain)
        equalised = Equalised(symbols=data / tf.cast(kept, tf.complex64), noise_variance=(1.0 - kept) / kept)
        return despread(equalised, self._waveform)

    @staticmethod
    def _weights(through: list[list[tf.Tensor]], noise: list[tf.Tensor]) -> list[tf.Tensor]:
        """Solve (G G^H + N) w = g by matrices [..., 2 width + 1, 2 width + 1]."""
        matrix = tf.stack([tf.stack(row, -1) for row in through], -2)
        loaded = tf.matmul(matrix, matrix, adjoint_b=True)
        loaded += tf.linalg.diag(tf.cast(tf.stack(noise, -1), tf.complex64))
        wanted = matrix[..., matrix.shape[-1] // 2, None]
        return tf.unstack(tf.linalg.cholesky_solve(tf.linalg.cholesky(loaded), wanted)[..., 0], axis=-1)
