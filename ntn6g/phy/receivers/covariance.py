"""Channel estimation that knows, or learns, how far the channel is alike over frequency."""

import math

import numpy as np
import tensorflow as tf

from ntn6g.channel import Profile
from ntn6g.channel.response import phasor
from ntn6g.phy.grid import SYMBOLS_PER_SLOT, SlotGrid
from ntn6g.phy.receiver import linear_weights
from ntn6g.phy.synchronisation.estimation import delay_of_pilots

_LEAST_SHARE = 1e-6  # of the noise in the pilots' energy, so that single precision can invert


class LmmseEstimator:
    r"""LMMSE estimate over frequency in each DM-RS symbol, then linear interpolation over time.

    With powers :math:`p_i` at delays :math:`\tau_i`, the columns of A being
    :math:`\sqrt{p_i} e^{-j2\pi f\tau_i}` at the pilots and those of B at all subcarriers,

    .. math:: \hat h = B (A^H A + \sigma^2 I)^{-1} A^H y, \qquad
              \overline{|\hat h_k - h_k|^2} = \sigma^2 b_k^H (A^H A + \sigma^2 I)^{-1} b_k,

    the Wiener filter for the covariance :math:`B A^H`, with an inverse of as many rows as there are delays. The true
    covariance has the powers and delays of the channel's profile, the timing error included. The estimated one has
    delays half an inverse bandwidth apart, from half a cyclic prefix before the mean delay that the slope over the
    DM-RS shows to a whole one after it, and as powers those that the DM-RS of this slot show above the noise. Time is
    left to interpolation, which follows a residual frequency offset.

    Parameters
    ----------
    grid : SlotGrid
        With pilots.
    true_covariance : bool
        Whether the profile is known.
    profile : Profile or None
        Of the channel; None is a flat one.

    References
    ----------
    O. Edfors et al., "OFDM channel estimation by singular value decomposition", IEEE Trans. Commun. 46(7), 1998;
    matrix inversion lemma.
    """

    def __init__(self, grid: SlotGrid, *, true_covariance: bool, profile: Profile | None = None) -> None:
        self._grid, self._true, self._profile = grid, true_covariance, profile
        self._at = grid.frequencies_hz.astype(np.float32)
        self._pilots = grid.frequencies_hz[grid.dmrs_subcarriers].astype(np.float32)
        self._energy = float(np.mean(np.abs(grid.dmrs_values) ** 2))
        self._time = linear_weights(grid.dmrs_symbols, SYMBOLS_PER_SLOT)
        step_s = 0.5 / (grid.subcarriers * grid.subcarrier_spacing_hz)
        last = math.ceil(grid.cyclic_prefix_s / step_s)
        self._delays_s = step_s * np.arange(-(last // 2), last + 1)

    def __call__(
        self,
        received: tf.Tensor,
        noise_variance: tf.Tensor,
        *,
        delay_spread_s: tf.Tensor,
        k_factor_db: tf.Tensor,
        late_s: tf.Tensor,
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Estimate complex64 [B, 14, subcarriers] and its error variance, float32 same shape.

        ``received`` is the grid; all else is [B]: noise variance, and what the true covariance uses, delay spread,
        K-factor and timing error.
        """
        pilots = tf.transpose(self._grid.dmrs_of(received, self._grid.ports[0]) / self._grid.dmrs_values, [0, 2, 1])
        noise = noise_variance / self._energy
        start_s = tf.cast(late_s, tf.float32) if self._true else delay_of_pilots(self._grid, received)
        delays_s, power = self._taps(pilots, noise, start_s, (delay_spread_s, k_factor_db))
        amplitude = tf.cast(tf.sqrt(power), tf.complex64)[:, None, :]
        at_pilots = _waves(self._pilots, delays_s) * amplitude  # [B, pilots, taps]
        everywhere = _waves(self._at, delays_s) * amplitude
        floor = _LEAST_SHARE * len(self._pilots) * tf.reduce_sum(power, 1)
        loading = tf.maximum(noise, floor)
        inner = tf.matmul(at_pilots, at_pilots, adjoint_a=True)
        inner += tf.cast(loading[:, None, None], tf.complex64) * tf.eye(inner.shape[-1], dtype=tf.complex64)
        root = tf.linalg.cholesky(inner)
        weights = tf.linalg.cholesky_solve(root, tf.matmul(at_pilots, pilots, adjoint_a=True))
        found = tf.matmul(everywhere, weights)  # [B, subcarriers, dmrs symbols]
        left = tf.linalg.triangular_solve(root, tf.linalg.adjoint(everywhere))
        error = loading[:, None] * tf.reduce_sum(tf.square(tf.math.real(left)) + tf.square(tf.math.imag(left)), 1)
        over_time = tf.matmul(tf.constant(self._time.T, tf.complex64)[None], tf.transpose(found, [0, 2, 1]))
        return over_time, error[:, None, :] * np.square(self._time).sum(0)[:, None].astype(np.float32)

    def _taps(
        self, pilots: tf.Tensor, noise: tf.Tensor, start_s: tf.Tensor, profile: tuple[tf.Tensor, tf.Tensor]
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Delays and powers, float32 [B, taps] each; ``profile`` is delay spread and K-factor."""
        if not self._true:
            delays_s = start_s[:, None] + tf.constant(self._delays_s[None], tf.float32)
            shown = tf.matmul(_waves(self._pilots, delays_s), pilots, adjoint_a=True) / len(self._pilots)
            power = tf.reduce_mean(tf.square(tf.math.real(shown)) + tf.square(tf.math.imag(shown)), 2)
            return delays_s, 0.5 * tf.maximum(power - noise[:, None] / len(self._pilots), 0.0)
        if self._profile is None:
            return start_s[:, None], tf.ones([pilots.shape[0], 1], tf.float32)
        direct, scattered, delays_s = self._profile.taps(*profile)
        return start_s[:, None] + tf.cast(delays_s, tf.float32), tf.cast(direct + scattered, tf.float32)


def _waves(frequencies_hz: np.ndarray, delays_s: tf.Tensor) -> tf.Tensor:
    """exp(-j 2 pi f tau), complex64 [B, frequencies, taps]."""
    return tf.complex(*phasor(-delays_s[:, None, :] * frequencies_hz[None, :, None]))
