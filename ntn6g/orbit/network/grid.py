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
    """Phasors of circular orbits at coarse and fine instants, real and imaginary: float64 [1, satellite, coarse, fine].

    Coarse ones have 1 for fine and the other way round; rates have 1 for both. A program takes them as inputs, since
    XLA would otherwise evaluate their sines again at every pair.
    """

    ahead: tuple[tf.Tensor, ...]
    """Longitude of the node plus argument of latitude: coarse with the radius, fine, rate."""
    back: tuple[tf.Tensor, ...]
    """Longitude of the node less argument of latitude, likewise."""
    polar: tuple[tf.Tensor, ...]
    """Argument of latitude, likewise."""


@tf.function(jit_compile=True, autograph=False)
def circular_tables(elements: CircularElements, coarse_s: tf.Tensor, fine_s: tf.Tensor) -> CircularTables:
    """Tables for the instants ``coarse_s[j] + fine_s[k]`` after the epoch of the elements."""
    sin_i, cos_i = sin_cos(elements.inclination_rad)
    latitude, node = elements.latitude_argument_rad, elements.node_rad
    latitude_rate, node_rate = elements.latitude_argument_rad_s, elements.node_rad_s
    half_m = 0.5 * elements.radius_m

    def table(start: tf.Tensor, rate: tf.Tensor, radius_m: tf.Tensor) -> tuple[tf.Tensor, ...]:
        coarse = sin_cos(start[:, None] + rate[:, None] * coarse_s)
        fine = sin_cos(rate[:, None] * fine_s)
        coarse_parts = [(radius_m[:, None] * part)[None, :, :, None] for part in (coarse[1], coarse[0])]
        return (*coarse_parts, *(part[None, :, None, :] for part in (fine[1], fine[0])), rate[None, :, None, None])

    return CircularTables(
        table(node + latitude, node_rate + latitude_rate, half_m * (1.0 + cos_i)),
        table(node - latitude, node_rate - latitude_rate, half_m * (1.0 - cos_i)),
        table(latitude, latitude_rate, elements.radius_m * sin_i),
    )


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
    (ax, ay), a = _turning(tables.ahead)
    (bx, by), b = _turning(tables.back)
    (cosine, z), u = _turning(tables.polar)
    velocity = (-a * ay - b * by, a * ax + b * bx, u * cosine)
    acceleration = (-(a**2) * ax - b**2 * bx, -(a**2) * ay - b**2 * by, -(u**2) * z)
    return Motion((ax + bx, ay + by, z), velocity, acceleration)


def _turning(table: tuple[tf.Tensor, ...]) -> tuple[tuple[tf.Tensor, tf.Tensor], tf.Tensor]:
    x, y, cosine, sine, rate = table
    return (x * cosine - y * sine, x * sine + y * cosine), rate
