"""Large-scale parameters: correlated among themselves, and over the ground where positions are given."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import tensorflow as tf

from ntn6g.channel.fading.rays.parameters import DEPARTURE, LARGE_SCALE, Parameters
from ntn6g.channel.response import phasor
from ntn6g.core import random
from ntn6g.core.units import db_to_linear

_LARGEST_AZIMUTH_DEG, _LARGEST_ZENITH_DEG = 104.0, 52.0  # TR 38.901 V16.1.0, 7.5, step 4


@dataclass(frozen=True)
class LargeScale:
    """One draw per link, float32 [B]."""

    delay_spread_s: tf.Tensor
    azimuth_spread_deg: tf.Tensor
    zenith_spread_deg: tf.Tensor
    k_factor_db: tf.Tensor
    """Idle without line of sight."""
    shadow_db: tf.Tensor
    """Positive where more power arrives than the path loss says (NOTE 2 of the tables)."""
    departure_deg: tuple[tf.Tensor, tf.Tensor] | None = None
    """Azimuth and zenith spread of departure; None from a satellite."""


def draw_large_scale(parameters: Parameters, deviates: tf.Tensor) -> LargeScale:
    r"""Correlate standard normal deviates and scale them, :math:`s = \sqrt{C}\,\xi`.

    Parameters
    ----------
    parameters : Parameters
        Of the links.
    deviates : [B, 5] or [B, 7], float32
        Independent standard normal, in the order of `large_scale_names`.

    References
    ----------
    3GPP TR 38.901 V16.1.0, 7.5, step 4, with the tables of TR 38.811 V15.1.0, 6.7.2.
    """
    names = large_scale_names(parameters)
    factor = _cholesky(parameters.correlation, len(names))
    drawn = {
        name: sum(factor[row][column] * deviates[:, column] for column in range(row + 1))
        for row, name in enumerate(names)
    }
    p, leaving = parameters, parameters.departure
    departure_deg = None
    if leaving is not None:
        azimuth, zenith = (
            leaving.muASD + leaving.sigmaASD * drawn["ASD"],
            leaving.muZSD + leaving.sigmaZSD * drawn["ZSD"],
        )
        departure_deg = tf.minimum(10.0**azimuth, _LARGEST_AZIMUTH_DEG), tf.minimum(10.0**zenith, _LARGEST_ZENITH_DEG)
    return LargeScale(
        delay_spread_s=10.0 ** (p.muDS + p.sigmaDS * drawn["DS"]),
        azimuth_spread_deg=tf.minimum(10.0 ** (p.muASA + p.sigmaASA * drawn["ASA"]), _LARGEST_AZIMUTH_DEG),
        zenith_spread_deg=tf.minimum(10.0 ** (p.muZSA + p.sigmaZSA * drawn["ZSA"]), _LARGEST_ZENITH_DEG),
        k_factor_db=p.muK + p.sigmaK * drawn["K"],
        shadow_db=p.sigmaSF * drawn["SF"],
        departure_deg=departure_deg,
    )


def large_scale_names(parameters: Parameters) -> tuple[str, ...]:
    """What is drawn together: `LARGE_SCALE`, and `DEPARTURE` where it spreads."""
    return LARGE_SCALE if parameters.departure is None else LARGE_SCALE + DEPARTURE


def _cholesky(below: tuple[tf.Tensor, ...], size: int) -> list[list[tf.Tensor]]:
    """Lower factor of a correlation matrix given below its diagonal: numbers of a batch as vectors [B]."""
    entry = {(r, c): below[r * (r - 1) // 2 + c] for r in range(size) for c in range(r)}
    factor: list[list[tf.Tensor]] = []
    for row in range(size):
        found: list[tf.Tensor] = []
        for column in range(row):
            rest = entry[row, column] - sum(found[k] * factor[column][k] for k in range(column))
            found.append(rest / factor[column][column])
        square = 1.0 - sum(value * value for value in found)
        found.append(tf.sqrt(tf.maximum(square, 1e-6) + tf.zeros_like(below[0])))
        factor.append(found)
    return factor


def ground_deviates(
    keys: tf.Tensor, position_m: tf.Tensor, distance_m: Mapping[str, float] | tf.Tensor, waves: int = 96
) -> tf.Tensor:
    r"""Deviates that depend on where a terminal stands: correlation :math:`e^{-d / D}` between links of one key.

    Each parameter is a sum of plane waves over the ground with the isotropic spectrum of the exponential
    correlation, :math:`F(\kappa) = 1 - (1 + \kappa^2 D^2)^{-1/2}`, directions and phases uniform. The correlation
    over keys is exact for any number of waves; the distribution is Gaussian in the limit of many (its excess
    kurtosis is -1.5 over their number).

    Parameters
    ----------
    keys : [B, 2], uint32
        Equal keys are one drop of terminals over one ground.
    position_m : [B, 2], float32
        East and north of a common origin.
    distance_m : mapping, or [B, 5] or [B, 7], float32
        Correlation distances D by name, from `correlation_distances_m`, or of each link in the same order.
    waves : int
        Plane waves for each parameter.

    Returns
    -------
    [B, 5] or [B, 7], float32

    References
    ----------
    3GPP TR 38.901 V16.1.0, 7.5, step 4 (exponential correlation over the correlation distance). The spectrum is
    its Hankel transform, proportional to :math:`\kappa (1 + \kappa^2 D^2)^{-3/2}`.
    """
    if isinstance(distance_m, Mapping):
        distance_m = tf.constant([list(distance_m.values())], tf.float32)
    count = distance_m.shape[1]
    stream = random.stream(keys, "ground")
    radius = random.uniform(random.stream(stream, "radius"), (count, waves))
    turn = random.uniform(random.stream(stream, "turn"), (count, waves))
    phase = random.uniform(random.stream(stream, "phase"), (count, waves))
    scale = 1.0 / distance_m[:, :, None]
    wave_number = tf.sqrt(1.0 / (1.0 - radius) ** 2 - 1.0) * scale / (2.0 * math.pi)  # cycles per metre
    east, north = phasor(turn)
    along = east * position_m[:, None, None, 0] + north * position_m[:, None, None, 1]
    return math.sqrt(2.0 / waves) * tf.reduce_sum(phasor(wave_number * along + phase)[0], -1)


def k_factor(large: LargeScale, parameters: Parameters) -> tf.Tensor:
    """Ricean K-factor as a power ratio, 0 without line of sight: [B]."""
    return parameters.line_of_sight * db_to_linear(large.k_factor_db)
