"""Motion of circular orbits on a grid of instants, with few sines where the grid is regular."""

from dataclasses import dataclass

import tensorflow as tf

from ntn6g.orbit.frames import greenwich_mean_sidereal_time
from ntn6g.orbit.geometry import Motion
from ntn6g.orbit.platforms.keplerian import KeplerianOrbit
from ntn6g.orbit.state import TensorRecord, Times
from ntn6g.orbit.trigonometry import sin_cos


@dataclass(frozen=True, eq=False)
class CircularElements(TensorRecord):
    """Circular orbits at the epoch of a grid: float64 [satellite]; the node is counted from Greenwich."""

    radius_m: tf.Tensor
    inclination_rad: tf.Tensor
    latitude_argument_rad: tf.Tensor
    node_rad: tf.Tensor
    latitude_argument_rad_s: tf.Tensor
    node_rad_s: tf.Tensor


def circular_elements(orbit: KeplerianOrbit, times: Times) -> CircularElements:
    """Elements of circular orbits at ``times.epoch``: fields float64 [satellite]."""
    rates = orbit.rates()
    turn_rad, turn_rad_s = greenwich_mean_sidereal_time(times.epoch, times.ut1_minus_utc_s)
    elapsed_s = (times.epoch - orbit.epoch).total_seconds()
    f64 = tf.float64
    rate = rates.mean_anomaly_rad_s + rates.argument_of_perigee_rad_s
    start = tf.convert_to_tensor(orbit.mean_anomaly_rad, f64) + tf.convert_to_tensor(orbit.argument_of_perigee_rad, f64)
    node = tf.convert_to_tensor(orbit.raan_rad, f64) + rates.raan_rad_s * elapsed_s - turn_rad
    everywhere = tf.zeros_like(rate + start + node)
    return CircularElements(
        everywhere + tf.convert_to_tensor(orbit.semi_major_axis_m, f64),
        everywhere + tf.convert_to_tensor(orbit.inclination_rad, f64),
        everywhere + start + rate * elapsed_s,
        everywhere + node,
        everywhere + rate,
        everywhere + rates.raan_rad_s - turn_rad_s,
    )


@dataclass(frozen=True, eq=False)
class CircularTables(TensorRecord):
    """Three phasors of circular orbits at coarse and at fine instants, real and imaginary parts.

    In order: longitude of the node plus argument of latitude, longitude less argument of latitude, argument of
    latitude. A program takes them as inputs, since XLA would otherwise evaluate their sines again at every pair.
    """

    coarse_m: tf.Tensor
    """Times the radius each has: float64 [6, satellite, coarse]."""
    fine: tf.Tensor
    """Float64 [6, satellite, fine]."""
    rate_rad_s: tf.Tensor
    """Float64 [3, satellite]."""


@tf.function(jit_compile=True, autograph=False)
def circular_tables(elements: CircularElements, coarse_s: tf.Tensor, fine_s: tf.Tensor) -> CircularTables:
    """Tables for the instants ``coarse_s[j] + fine_s[k]`` after the epoch of the elements."""
    sin_i, cos_i = sin_cos(elements.inclination_rad)
    latitude, node = elements.latitude_argument_rad, elements.node_rad
    latitude_rate, node_rate = elements.latitude_argument_rad_s, elements.node_rad_s
    half_m = 0.5 * elements.radius_m
    start = tf.stack([node + latitude, node - latitude, latitude])
    rate = tf.stack([node_rate + latitude_rate, node_rate - latitude_rate, latitude_rate])
    radius_m = tf.stack([half_m * (1.0 + cos_i), half_m * (1.0 - cos_i), elements.radius_m * sin_i])
    coarse = sin_cos(start[..., None] + rate[..., None] * coarse_s)
    fine = sin_cos(rate[..., None] * fine_s)

    def pairs(sine: tf.Tensor, cosine: tf.Tensor) -> tf.Tensor:
        return tf.reshape(tf.stack([cosine, sine], 1), [6, *sine.shape[1:]])

    return CircularTables(pairs(*(radius_m[..., None] * part for part in coarse)), pairs(*fine), rate)


def circular_motion(tables: CircularTables) -> Motion:
    r"""Motion at every coarse plus every fine instant: components float64 [1, satellite, coarse, fine].

    With :math:`u` the argument of latitude and :math:`\Lambda` the longitude of the node, the position turns as two
    phasors in the equatorial plane and one along the pole,

    .. math::
        x + \mathrm{j} y = \tfrac r2 (1+\cos i)\, e^{\mathrm{j}(\Lambda + u)}
                         + \tfrac r2 (1-\cos i)\, e^{\mathrm{j}(\Lambda - u)}, \quad z = r \sin i \sin u ,

    whose phases grow linearly: each is the product of a phasor at the coarse and one at the fine instant, and
    derivatives are multiplications by rates.
    """
    (ax, ay), (bx, by), (cosine, z) = (_turned(tables, place) for place in range(3))
    a, b, u = (tables.rate_rad_s[place][None, :, None, None] for place in range(3))
    velocity = (-a * ay - b * by, a * ax + b * bx, u * cosine)
    acceleration = (-(a**2) * ax - b**2 * bx, -(a**2) * ay - b**2 * by, -(u**2) * z)
    return Motion((ax + bx, ay + by, z), velocity, acceleration)


def _turned(tables: CircularTables, place: int) -> tuple[tf.Tensor, tf.Tensor]:
    x, y = (tables.coarse_m[2 * place + k][None, :, :, None] for k in range(2))
    cosine, sine = (tables.fine[2 * place + k][None, :, None, :] for k in range(2))
    return x * cosine - y * sine, x * sine + y * cosine
