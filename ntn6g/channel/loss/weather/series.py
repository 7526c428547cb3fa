"""Rain attenuation over time: the lognormal process of Maseng and Bakken as ITU-R P.1853 parameterises it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from ntn6g.core import random
from ntn6g.core.errors import ScenarioError

DECAY_PER_S = 2e-4  # beta, ITU-R P.1853-1, Annex 1, 2.2, step B
# Percentages of the fit, ITU-R P.1853-1, Annex 1, 2.2, step A2.
FIT_PERCENT = (0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0)


@dataclass(frozen=True, kw_only=True)
class RainSeries:
    r"""Correlated rain attenuation, :math:`A(t) = \max(e^{m + \sigma X(t)} - A_0, 0)`.

    X is a stationary Gaussian process of unit variance with autocorrelation :math:`e^{-\beta |\tau|}`
    (correlation time 5000 s), so that it can be sampled at any, also uneven, instants. It rains on the path with
    the given probability.

    Attributes
    ----------
    mean_log, sigma_log : float
        m and sigma of the natural logarithm of the attenuation in decibels.
    rain_probability : float
        Share of time with rain, 0 to 1.

    References
    ----------
    ITU-R P.1853-1 (02/2012), Annex 1, 2.2; T. Maseng and P. M. Bakken, IEEE Trans. Commun. 29(5), 1981.
    """

    mean_log: float
    sigma_log: float
    rain_probability: float

    @classmethod
    def fitted(
        cls, exceeded_percent: Sequence[float], loss_db: Sequence[float], *, rain_probability_percent: float
    ) -> "RainSeries":
        """Least-squares fit of the lognormal law to annual statistics, for example those of `rain_loss_db`.

        Parameters
        ----------
        exceeded_percent, loss_db : [n], [n]
            Pairs below the rain probability, at least two.
        rain_probability_percent : float
            Share of the year with rain on the path.

        Raises
        ------
        ScenarioError
            Fewer than two usable pairs.
        """
        from scipy.stats import norm

        pairs = [
            (p, a) for p, a in zip(exceeded_percent, loss_db, strict=True) if p < rain_probability_percent and a > 0.0
        ]
        if len(pairs) < 2:
            raise ScenarioError(
                f"a rain series needs attenuation at two percentages below the rain probability of "
                f"{rain_probability_percent:g} %, and has {len(pairs)}",
                key="channel.weather.rain_probability_percent",
            )
        percent, loss = np.array(pairs).T
        sigma, mean = np.polyfit(norm.isf(percent / 100.0), np.log(loss), 1)
        return cls(mean_log=float(mean), sigma_log=float(sigma), rain_probability=rain_probability_percent / 100.0)

    @property
    def offset_db(self) -> float:
        """A_0: what is taken off so that the series is zero when it does not rain."""
        from scipy.stats import norm

        return math.exp(self.mean_log + self.sigma_log * float(norm.isf(self.rain_probability)))

    def draw(self, keys: tf.Tensor, times_s: NDArray[np.float64]) -> tf.Tensor:
        """Attenuation of one realisation per key.

        Parameters
        ----------
        keys : [B, 2], uint32
            The stream ``rain`` of each key is used.
        times_s : [T]
            Instants in increasing order, not necessarily even.

        Returns
        -------
        [B, T], float32
            Decibels.
        """
        level = correlated_deviates(keys, times_s)
        return tf.maximum(tf.exp(self.mean_log + self.sigma_log * level) - self.offset_db, 0.0)


def correlated_deviates(keys: tf.Tensor, times_s: NDArray[np.float64]) -> tf.Tensor:
    """The process X of `RainSeries`: standard normal, correlated over time, [B, T]; arguments as `RainSeries.draw`."""
    deviates = random.normal(random.stream(keys, "rain"), (len(times_s),))
    step_s = np.diff(np.asarray(times_s, np.float64))
    if (step_s < 0.0).any():
        raise ValueError("times_s must not decrease")
    memory = tf.constant(np.exp(-DECAY_PER_S * step_s), tf.float32)
    fresh = tf.constant(np.sqrt(-np.expm1(-2.0 * DECAY_PER_S * step_s)), tf.float32)
    rest = tf.transpose(deviates[:, 1:])

    def advance(state: tf.Tensor, now: tuple[tf.Tensor, tf.Tensor, tf.Tensor]) -> tf.Tensor:
        return now[0] * state + now[1] * now[2]

    later = tf.scan(advance, (memory, fresh, rest), initializer=deviates[:, 0])
    return tf.concat([deviates[:, :1], tf.transpose(later)], 1)
