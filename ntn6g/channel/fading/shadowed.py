"""Flat fading of satellite links: Rician, and Rician with a shadowed line of sight (Loo; Abdi)."""

import math

import tensorflow as tf

from ntn6g.channel.fading.tapped_delay_line import direct_process, scattered_process
from ntn6g.channel.realization import ChannelRealization
from ntn6g.core import random
from ntn6g.core.units import db_to_linear

_SINUSOIDS = 16
_DB_TO_NEPER = math.log(10.0) / 20.0  # of an amplitude


class RicianFading:
    """One path: a line of sight and a Rayleigh process, with a K-factor for every block.

    Parameters
    ----------
    los_doppler_ratio : float
        Doppler shift of the line of sight over the maximum one.

    References
    ----------
    S. O. Rice, Bell Syst. Tech. J. 27(1), 1948 (distribution); Doppler spectrum as `TappedDelayLine`.
    """

    def __init__(self, *, los_doppler_ratio: float = 0.7) -> None:
        self._los_doppler_ratio = los_doppler_ratio

    def __call__(
        self,
        keys: tf.Tensor,
        *,
        times_s: tf.Tensor,
        doppler_hz: tf.Tensor,
        k_factor_db: tf.Tensor,
        delay_spread_s: tf.Tensor | None = None,
        elevation_rad: tf.Tensor | None = None,
        start_s: tf.Tensor | None = None,
    ) -> ChannelRealization:
        """Draw one realization per key, gain [B, 1, 1, 1, T]; arguments as `TappedDelayLine`."""
        stream = random.stream(keys, "channel")
        ratio = db_to_linear(k_factor_db)
        turning = direct_process(stream, self._los_doppler_ratio * doppler_hz, times_s, start_s)
        scattered = _scattered(stream, doppler_hz, times_s, start_s)
        return _one_path(turning, tf.sqrt(ratio / (1.0 + ratio)), scattered, 1.0 / (1.0 + ratio))


class LooFading:
    r"""One path: a log-normal line of sight and a Rayleigh process.

    In decibels relative to an unobstructed line of sight, the direct amplitude is normal with mean
    :math:`M_A` and deviation :math:`\Sigma_A`, and the multipath power is MP. The direct amplitude stays the same over
    a block: it changes over metres, while a terminal at 100 km/h moves 3 cm in a slot of 1 ms.

    Parameters
    ----------
    direct_mean_db, direct_sigma_db, multipath_db : float
        :math:`M_A`, :math:`\Sigma_A`, MP.
    absolute : bool
        True puts the mean power of the fading into the path loss, for link budgets; gains have mean power one.
    los_doppler_ratio : float
        As `RicianFading`.

    References
    ----------
    C. Loo, IEEE Trans. Veh. Technol. 34(3), 1985; 3GPP TR 38.811 V15.1.0, 6.7.1, eq. (6.7-8) (ITU-R P.681).
    """

    def __init__(
        self,
        *,
        direct_mean_db: float,
        direct_sigma_db: float,
        multipath_db: float,
        absolute: bool = False,
        los_doppler_ratio: float = 0.7,
    ) -> None:
        self._mean, self._sigma = _DB_TO_NEPER * direct_mean_db, _DB_TO_NEPER * direct_sigma_db
        self._multipath = float(db_to_linear(multipath_db))
        self.mean_power = math.exp(2.0 * (self._mean + self._sigma**2)) + self._multipath
        self._absolute, self._los_doppler_ratio = absolute, los_doppler_ratio

    def __call__(
        self,
        keys: tf.Tensor,
        *,
        times_s: tf.Tensor,
        doppler_hz: tf.Tensor,
        delay_spread_s: tf.Tensor | None = None,
        k_factor_db: tf.Tensor | None = None,
        elevation_rad: tf.Tensor | None = None,
        start_s: tf.Tensor | None = None,
    ) -> ChannelRealization:
        """Draw one realization per key, gain [B, 1, 1, 1, T]; arguments as `TappedDelayLine`."""
        stream = random.stream(keys, "channel")
        amplitude = tf.exp(self._mean + self._sigma * random.normal(random.stream(stream, "shadow"), (1,))[:, 0])
        turning = direct_process(stream, self._los_doppler_ratio * doppler_hz, times_s, start_s)
        return _one_path(
            turning,
            amplitude / math.sqrt(self.mean_power),
            _scattered(stream, doppler_hz, times_s, start_s),
            self._multipath / self.mean_power,
            -10.0 * math.log10(self.mean_power) if self._absolute else 0.0,
        )


class ShadowedRician:
    r"""One path: a Nakagami line of sight and a Rayleigh process.

    The direct power is a gamma deviate of shape m and mean :math:`\Omega`, constant over a block as in `LooFading`;
    the multipath power is :math:`2 b_0`.

    Parameters
    ----------
    b0, m, omega : float
        Half the multipath power, severity, mean direct power; relative to an unobstructed line of sight.
    absolute, los_doppler_ratio
        As `LooFading`.

    References
    ----------
    A. Abdi, W. C. Lau, M.-S. Alouini and M. Kaveh, "A new simple model for land mobile satellite channels: first- and
    second-order statistics", IEEE Trans. Wireless Commun. 2(3), 2003, eq. (3) and Table III.
    """

    def __init__(
        self, *, b0: float, m: float, omega: float, absolute: bool = False, los_doppler_ratio: float = 0.7
    ) -> None:
        self._b0, self._m, self._omega = b0, m, omega
        self.mean_power = omega + 2.0 * b0
        self._absolute, self._los_doppler_ratio = absolute, los_doppler_ratio

    def __call__(
        self,
        keys: tf.Tensor,
        *,
        times_s: tf.Tensor,
        doppler_hz: tf.Tensor,
        delay_spread_s: tf.Tensor | None = None,
        k_factor_db: tf.Tensor | None = None,
        elevation_rad: tf.Tensor | None = None,
        start_s: tf.Tensor | None = None,
    ) -> ChannelRealization:
        """Draw one realization per key, gain [B, 1, 1, 1, T]; arguments as `TappedDelayLine`."""
        stream = random.stream(keys, "channel")
        shape = tf.fill([keys.shape[0]], tf.constant(self._m, tf.float32))
        direct = random.gamma(random.stream(stream, "shadow"), shape) * (self._omega / self._m / self.mean_power)
        turning = direct_process(stream, self._los_doppler_ratio * doppler_hz, times_s, start_s)
        return _one_path(
            turning,
            tf.sqrt(direct),
            _scattered(stream, doppler_hz, times_s, start_s),
            2.0 * self._b0 / self.mean_power,
            -10.0 * math.log10(self.mean_power) if self._absolute else 0.0,
        )


SHADOWINGS = {
    "light": {"b0": 0.158, "m": 19.4, "omega": 1.29},
    "average": {"b0": 0.126, "m": 10.1, "omega": 0.835},
    "heavy": {"b0": 0.063, "m": 0.739, "omega": 8.97e-4},
}
"""Infrequent light, average and frequent heavy shadowing: Abdi et al. 2003, Table III, fitted to Loo's measurements."""


def _scattered(stream: tf.Tensor, doppler_hz: tf.Tensor, times_s: tf.Tensor, start_s: tf.Tensor | None) -> tf.Tensor:
    return scattered_process(stream, doppler_hz, times_s, start_s, (1, _SINUSOIDS))[:, 0]


def _one_path(
    turning: tf.Tensor,
    amplitude: tf.Tensor,
    scattered: tf.Tensor,
    scattered_power: tf.Tensor | float,
    loss_db: float = 0.0,
) -> ChannelRealization:
    """Direct and scattered part [B, T] with their strengths [B] as one path without delay."""
    scale = tf.sqrt(scattered_power + tf.zeros_like(amplitude))
    zero = tf.zeros_like(amplitude)
    gain = tf.complex(amplitude, zero)[:, None] * turning + tf.complex(scale, zero)[:, None] * scattered
    drawn = ChannelRealization.without_bulk(gain[:, None, None, None], zero[:, None])
    return drawn.with_loss(zero + loss_db)
