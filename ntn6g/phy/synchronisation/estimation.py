"""Frequency offset and timing from what a slot repeats: cyclic prefixes and pilots."""

import math

import numpy as np
import tensorflow as tf

from ntn6g.phy.grid import SlotGrid
from ntn6g.phy.ofdm import Ofdm


def phase_error_variance(snr: float, pairs: int) -> float:
    r"""Variance of the angle of a sum of ``pairs`` products of equal samples in independent noise, rad^2.

    .. math:: \frac1K\left(\frac1\gamma + \frac{1}{2\gamma^2}\right)

    of which the first term is the Cramer-Rao bound; small errors. ``snr`` is that of each sample.
    """
    return (1.0 / snr + 0.5 / snr**2) / pairs


def offset_of_prefixes(samples: tf.Tensor, ofdm: Ofdm, *, skipped: float = 0.5) -> tf.Tensor:
    r"""Frequency offset that turns the ends of symbols against their cyclic prefixes, Hz, float32 [B].

    .. math:: \hat f = \frac{\Delta f}{2\pi}\arg\sum_{l,n} y^*[n]\,y[n + N]

    unambiguous within half the subcarrier spacing.

    Parameters
    ----------
    samples : complex64 [B, samples]
        A slot.
    ofdm : Ofdm
        Its modulator.
    skipped : float
        First share of every prefix that is left out: echoes of the symbol before fall there.

    References
    ----------
    J.-J. van de Beek, M. Sandell and P. O. Borjesson, IEEE Trans. Signal Process. 45(7), 1997.
    """
    starts = np.cumsum(ofdm.prefixes) + ofdm.points * np.arange(len(ofdm.prefixes))
    places = np.concatenate(
        [np.arange(s - p + int(skipped * p), s) for s, p in zip(starts, ofdm.prefixes, strict=True)]
    ).astype(np.int32)
    early, late = tf.gather(samples, places, axis=1), tf.gather(samples, places + ofdm.points, axis=1)
    cycles = _angle(tf.reduce_sum(tf.math.conj(early) * late, axis=1)) / (2.0 * math.pi)
    return cycles * float(ofdm.sample_rate_hz / ofdm.points)


def timing_of_prefixes(samples: tf.Tensor, ofdm: Ofdm, snr: tf.Tensor, *, reach: int) -> tf.Tensor:
    r"""By how many samples the slot comes late, int32 [B], from -reach to reach; of maximum likelihood.

    .. math:: \arg\max_d |\gamma(d)| - \rho\,\Phi(d),\quad \gamma = \sum y^*[n] y[n+N],\
              \Phi = \tfrac12\sum |y[n]|^2 + |y[n+N]|^2,\ \rho = \frac{SNR}{SNR + 1}.

    Parameters
    ----------
    samples : complex64 [B, reach + slot + reach]
        The slot with ``reach`` samples on either side.
    ofdm : Ofdm
        Its modulator.
    snr : float32 [B]
        Signal-to-noise ratio of a sample.
    reach : int
        Largest delay looked for.

    References
    ----------
    As `offset_of_prefixes`.
    """
    late, early = samples[:, ofdm.points :], samples[:, : -ofdm.points]
    product = tf.math.conj(early) * late
    energy = 0.5 * (_power(early) + _power(late))
    starts = np.cumsum(ofdm.prefixes) + ofdm.points * np.arange(len(ofdm.prefixes)) - ofdm.prefixes

    def summed(values: tf.Tensor) -> tf.Tensor:
        """Sums over all prefixes at each delay: [B, 2 reach + 1]."""
        zero = tf.zeros_like(values[:, :1])
        running = tf.concat([zero, tf.cumsum(values, axis=1)], axis=1)
        parts = [
            running[:, s + p : s + p + 2 * reach + 1] - running[:, s : s + 2 * reach + 1]
            for s, p in zip(starts, ofdm.prefixes, strict=True)
        ]
        return tf.add_n(parts)

    alike = tf.complex(summed(tf.math.real(product)), summed(tf.math.imag(product)))
    trust = (snr / (snr + 1.0))[:, None]
    return tf.argmax(tf.abs(alike) - trust * summed(energy), axis=1, output_type=tf.int32) - reach


def offset_of_pairs(grid: SlotGrid, received: tf.Tensor) -> tf.Tensor:
    r"""Frequency offset from the rotation between the first and the last DM-RS symbol, Hz, float32 [B].

    .. math:: \hat f = \frac{1}{2\pi\Delta t}\arg\sum_k \hat h_{l_2,k}\hat h^*_{l_1,k}

    unambiguous within :math:`1/(2\Delta t)`, 6.2 kHz between symbols 2 and 11 at 120 kHz. A terminal's own Doppler
    enters as any offset does.

    Parameters
    ----------
    grid : SlotGrid
        With two DM-RS symbols or more.
    received : complex64 [B, 14, subcarriers]
        The grid.
    """
    pilots = grid.dmrs_of(received, grid.ports[0]) / grid.dmrs_values
    apart_s = float(np.diff(grid.symbol_times_s[grid.dmrs_symbols[[0, -1]]])[0])
    turned = tf.reduce_sum(pilots[:, -1] * tf.math.conj(pilots[:, 0]), axis=1)
    return _angle(turned) / (2.0 * math.pi * apart_s)


def delay_of_pilots(grid: SlotGrid, received: tf.Tensor) -> tf.Tensor:
    r"""Mean delay against the receiver's window from the slope of the phase over the DM-RS, s, float32 [B].

    .. math:: \hat\tau = -\frac{1}{2\pi\,q\Delta f}\arg\sum_{l,k}\hat h_{l,k+q}\hat h^*_{l,k}

    with q subcarriers between neighbouring pilots; unambiguous within :math:`1/(2 q\Delta f)`, 2.1 us at 120 kHz.
    """
    pilots = grid.dmrs_of(received, grid.ports[0]) / grid.dmrs_values
    apart_hz = float(grid.dmrs_subcarriers[1] - grid.dmrs_subcarriers[0]) * grid.subcarrier_spacing_hz
    turned = tf.reduce_sum(pilots[:, :, 1:] * tf.math.conj(pilots[:, :, :-1]), axis=[1, 2])
    return -_angle(turned) / (2.0 * math.pi * apart_hz)


def offset_turn(offset_hz: tf.Tensor, ofdm: Ofdm, samples: int) -> tf.Tensor:
    """Phasors exp(-j 2 pi f t) that take an offset away, complex64 [B, samples]."""
    cycles = tf.cast(offset_hz, tf.float64)[:, None] * (np.arange(samples) / ofdm.sample_rate_hz)
    angle = tf.cast(-2.0 * math.pi * (cycles - tf.round(cycles)), tf.float32)
    return tf.complex(tf.cos(angle), tf.sin(angle))


def _power(values: tf.Tensor) -> tf.Tensor:
    return tf.square(tf.math.real(values)) + tf.square(tf.math.imag(values))


def _angle(values: tf.Tensor) -> tf.Tensor:
    return tf.atan2(tf.math.imag(values), tf.math.real(values))
