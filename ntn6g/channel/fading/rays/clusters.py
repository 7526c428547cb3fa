"""Clusters: their delays, powers and mean angles, drawn from the large-scale parameters."""

from dataclasses import dataclass

import tensorflow as tf

from ntn6g.channel.fading.rays.large_scale import LargeScale, k_factor
from ntn6g.channel.fading.rays.parameters import Parameters
from ntn6g.core import random
from ntn6g.core.units import DEGREES_TO_RADIANS, db_to_linear

WEAKEST = 10.0**-2.5  # TR 38.901 V16.1.0, 7.5, step 6: clusters 25 dB below the strongest are removed
# Below it the polynomials of steps 5 and 7 leave their limit of one without line of sight (here 0.99, 1.18 and
# 0.92) and later change sign; the K-factors of TR 38.811, with deviations up to 19 dB, come there.
_LOWEST_K_DB = -5.0
_FEW = 8  # clusters up to which exchanges in pairs sort faster than XLA's own sort; more make long programs


@dataclass(frozen=True)
class Clusters:
    """Clusters of each link, strongest first, float32 [B, N]; removed ones have power 0.

    ``power`` is the share of the scattered power, one in sum. Angles are those of the wave's origin as the terminal
    sees it: azimuth from the satellite's direction, zenith from straight up.
    """

    delay_s: tf.Tensor
    power: tf.Tensor
    azimuth_deg: tf.Tensor
    zenith_deg: tf.Tensor
    departure_deg: tuple[tf.Tensor, tf.Tensor] | None = None
    """Azimuth from the terminal's direction and zenith of departure; None where all leave in one direction."""


def draw_clusters(
    stream: tf.Tensor, parameters: Parameters, large: LargeScale, elevation_rad: tf.Tensor, count: int
) -> Clusters:
    """Draw delays, powers and angles of ``count`` clusters per link, of which each link uses its own number.

    The line of sight lies at azimuth 0 and zenith 90 degrees minus elevation; with it, the cluster of shortest
    delay lies there too. Removal compares scattered powers, without the line of sight: those with it serve the
    angles only (step 6). What remains keeps the whole scattered power.

    References
    ----------
    3GPP TR 38.901 V16.1.0, 7.5, steps 5 to 7, eq. (7.5-1) to (7.5-19), with the scaling factors of
    TR 38.811 V15.1.0, Tables 6.7.2-1aa and -1ab.
    """
    used = tf.range(count, dtype=tf.float32) < parameters.clusters[:, None]
    k_db = tf.maximum(large.k_factor_db, _LOWEST_K_DB)
    raw = _sorted_delays(random.uniform(random.stream(stream, "delay"), (count,)), used)
    raw *= (parameters.rTau * large.delay_spread_s)[:, None]
    spread = tf.maximum(large.delay_spread_s, 1e-30)[:, None]
    decay = raw * (parameters.rTau[:, None] - 1.0) / (parameters.rTau[:, None] * spread)
    shadow_db = parameters.zeta[:, None] * random.normal(random.stream(stream, "cluster"), (count,))
    scattered = tf.where(used, tf.exp(-decay) * db_to_linear(-shadow_db), 0.0)
    scattered /= tf.reduce_sum(scattered, 1, keepdims=True)
    ratio = k_factor(large, parameters)[:, None]
    first = tf.one_hot(0, count)
    with_sight = (scattered + ratio * first) / (1.0 + ratio)
    arrival = large.azimuth_spread_deg, large.zenith_spread_deg
    azimuth, zenith = _angles(stream, parameters, arrival, k_db, with_sight, "")
    up_deg = elevation_rad[:, None] / DEGREES_TO_RADIANS
    departure = None
    if large.departure_deg is not None:
        aside, below = _angles(stream, parameters, large.departure_deg, k_db, with_sight, "departure ")
        departure = aside, below + 90.0 + up_deg
    kept = tf.where(scattered >= WEAKEST * tf.reduce_max(scattered, 1, keepdims=True), scattered, 0.0)
    kept /= tf.reduce_sum(kept, 1, keepdims=True)
    shrink = 0.7705 - 0.0433 * k_db + 0.0002 * k_db**2 + 0.000017 * k_db**3  # eq. (7.5-3)
    delay = raw / tf.where(parameters.line_of_sight > 0.0, shrink, tf.ones_like(shrink))[:, None]
    return _strongest_first(Clusters(delay, kept, azimuth, zenith + 90.0 - up_deg, departure))


def _sorted_delays(draws: tf.Tensor, used: tf.Tensor) -> tf.Tensor:
    """Exponential deviates minus their least, ascending, unused ones last (and 0): [B, N]."""
    big = 1e3
    drawn = tf.where(used, -tf.math.log(draws), big)
    if drawn.shape[1] > _FEW:
        ordered = tf.sort(drawn, axis=1)
        return tf.where(used, ordered - ordered[:, :1], 0.0)
    values = tf.unstack(drawn, axis=1)
    for end in range(len(values) - 1, 0, -1):
        for i in range(end):
            values[i], values[i + 1] = tf.minimum(values[i], values[i + 1]), tf.maximum(values[i], values[i + 1])
    ordered = tf.stack(values, 1)
    return tf.where(used, ordered - ordered[:, :1], 0.0)


def _angles(
    stream: tf.Tensor,
    parameters: Parameters,
    spread_deg: tuple[tf.Tensor, tf.Tensor],
    k_db: tf.Tensor,
    power: tf.Tensor,
    end: str,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Azimuths and zeniths of clusters about the line of sight in degrees, [B, N] each: step 7."""
    count = power.shape[1]
    sight = parameters.line_of_sight
    level = -tf.math.log(tf.maximum(power / tf.reduce_max(power, 1, keepdims=True), 1e-30))
    c_azimuth = 1.1035 - 0.028 * k_db - 0.002 * k_db**2 + 0.0001 * k_db**3  # eq. (7.5-10)
    c_zenith = 1.3086 + 0.0339 * k_db - 0.0077 * k_db**2 + 0.0002 * k_db**3  # eq. (7.5-15)
    c_azimuth = parameters.azimuth_scaling * (sight * c_azimuth + 1.0 - sight)
    c_zenith = parameters.zenith_scaling * (sight * c_zenith + 1.0 - sight)

    def around(name: str, spread_deg: tf.Tensor, bend: tf.Tensor) -> tf.Tensor:
        side = tf.where(random.uniform(random.stream(stream, f"{end}{name} side"), (count,)) < 0.5, -1.0, 1.0)
        jitter = random.normal(random.stream(stream, f"{end}{name} jitter"), (count,)) * spread_deg[:, None] / 7.0
        offset = side * bend + jitter
        return offset - sight[:, None] * offset[:, :1]  # the first cluster on the line of sight, eq. (7.5-12), (-17)

    azimuth_spread, zenith_spread = spread_deg
    # sqrt has no slope at the strongest cluster, where the level is 0
    root = tf.where(level > 0.0, tf.sqrt(tf.maximum(level, 1e-12)), 0.0)
    azimuth = around("azimuth", azimuth_spread, 2.0 / 1.4 * azimuth_spread[:, None] * root / c_azimuth[:, None])
    zenith = around("zenith", zenith_spread, zenith_spread[:, None] * level / c_zenith[:, None])
    return azimuth, zenith


def _strongest_first(clusters: Clusters) -> Clusters:
    """Order by power: a permutation matrix from pairwise comparisons, ties by index."""
    power, count = clusters.power, clusters.power.shape[1]
    index = tf.range(count)
    before = (power[:, None, :] > power[:, :, None]) | (
        (power[:, None, :] == power[:, :, None]) & (index[None, None, :] < index[None, :, None])
    )
    rank = tf.reduce_sum(tf.cast(before, tf.int32), 2)  # of each cluster
    places = tf.cast(rank[:, None, :] == index[None, :, None], tf.float32)  # [B, place, cluster]

    def order(values: tf.Tensor) -> tf.Tensor:
        return tf.reduce_sum(places * values[:, None, :], 2)

    departure = clusters.departure_deg
    return Clusters(
        order(clusters.delay_s),
        order(clusters.power),
        order(clusters.azimuth_deg),
        order(clusters.zenith_deg),
        None if departure is None else (order(departure[0]), order(departure[1])),
    )
