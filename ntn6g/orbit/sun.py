"""The Sun: where it stands, whose shadow a satellite is in, whether it shines into an antenna, day and night."""

import math

import tensorflow as tf

from ntn6g.core.constants import WGS84_SEMI_MAJOR_AXIS_M
from ntn6g.orbit.frames import ecef_to_east_north_up, greenwich_mean_sidereal_time, split_julian_date
from ntn6g.orbit.state import Site, State, Times
from ntn6g.orbit.trigonometry import atan2, sin_cos

ASTRONOMICAL_UNIT_M = 149_597_870_700.0  # exact, IAU 2012 Resolution B2
SUN_RADIUS_M = 695_700e3  # nominal, IAU 2015 Resolution B3
SUNRISE_RAD = math.radians(-50.0 / 60.0)
"""Elevation of the Sun's centre at rise and set: 34' of refraction and 16' of its radius (The Astronomical Almanac)."""
_J2000_JD, _DAY_S = 2_451_545.0, 86_400.0


def sun_position_ecef_m(times: Times) -> tf.Tensor:
    r"""Geocentric position of the Sun in ECEF: float64 [time, 3].

    With n in days from J2000.0, in degrees,

    .. math::
        L = 280.460 + 0.9856474\,n, \quad g = 357.528 + 0.9856003\,n, \quad
        \lambda = L + 1.915 \sin g + 0.020 \sin 2g, \\
        \varepsilon = 23.439 - 0.0000004\,n, \quad
        R = 1.00014 - 0.01671 \cos g - 0.00014 \cos 2g \;\mathrm{au} .

    Apparent place, within 0.011 degrees from 1980 to 2050 against the IAU's ephemeris (ERFA, epv00); distance within
    1e-4 of itself.

    Parameters
    ----------
    times : Times
        Instants; UTC stands for the almanac's time scale, 70 s or 0.0008 degrees apart.

    References
    ----------
    The Astronomical Almanac, page C5: low-precision formulas for the Sun, 1950 to 2050.
    """
    whole_jd, fraction = split_julian_date(times.epoch)
    offset_s = tf.convert_to_tensor(times.offset_s, tf.float64)
    days = whole_jd - _J2000_JD + fraction + offset_s / _DAY_S
    degree = math.pi / 180.0
    sin_g, cos_g = sin_cos((357.528 + 0.9856003 * days) * degree)
    longitude_deg = 280.460 + 0.9856474 * days + 1.915 * sin_g + 0.020 * 2.0 * sin_g * cos_g
    sine, cosine = sin_cos(longitude_deg * degree)
    sin_e, cos_e = sin_cos((23.439 - 0.0000004 * days) * degree)
    distance_m = ASTRONOMICAL_UNIT_M * (1.00014 - 0.01671 * cos_g - 0.00014 * (2.0 * cos_g**2 - 1.0))
    x, y, z = distance_m * cosine, distance_m * cos_e * sine, distance_m * sin_e * sine
    turn_rad, rate_rad_s = greenwich_mean_sidereal_time(times.epoch, times.ut1_minus_utc_s)
    sin_t, cos_t = sin_cos(turn_rad + rate_rad_s * offset_s)
    return tf.stack([cos_t * x + sin_t * y, cos_t * y - sin_t * x, z], -1)


def sun_elevation_rad(site: Site, times: Times) -> tf.Tensor:
    """Elevation of the Sun's centre at a terminal, without refraction: float64 [..., time].

    It is day above `SUNRISE_RAD`; twilight is civil, nautical and astronomical down to 6, 12 and 18 degrees below 0.
    """
    line = sun_position_ecef_m(times) - site.position_ecef_m
    axes = tf.stack([site.east, site.north, site.up], -2)
    east, north, up = tf.unstack(ecef_to_east_north_up(line, axes), axis=-1)
    return atan2(up, tf.sqrt(east**2 + north**2))


def sun_separation_rad(state: State, site: Site, times: Times) -> tf.Tensor:
    """Angle between a satellite and the Sun's centre, seen from a terminal: float64 [..., time]."""
    return _angle(state.position_ecef_m - site.position_ecef_m, sun_position_ecef_m(times) - site.position_ecef_m)


def sun_outage(state: State, site: Site, times: Times, *, half_beam_rad: float) -> tf.Tensor:
    """Whether the Sun's disc reaches into a beam that follows the satellite, above the horizon: bool [..., time].

    Parameters
    ----------
    state, site : State, Site
        Fields [..., time, 3].
    times : Times
        Their instants.
    half_beam_rad : float
        Half width of the beam; the Sun's half width, 0.27 degrees, is added.
    """
    separation = sun_separation_rad(state, site, times)
    reach = half_beam_rad + SUN_RADIUS_M / ASTRONOMICAL_UNIT_M
    return (separation < reach) & (sun_elevation_rad(site, times) > SUNRISE_RAD)


def sunlit_fraction(state: State, times: Times) -> tf.Tensor:
    r"""Share of the Sun's disc that a satellite sees past the Earth, 0 in the umbra: float64 [..., time].

    Discs of apparent radii a (Sun) and b (Earth) whose centres are c apart hide

    .. math::
        A = a^2 \arccos\frac{x}{a} + b^2 \arccos\frac{c - x}{b} - c\,y, \quad
        x = \frac{c^2 + a^2 - b^2}{2c},\; y = \sqrt{a^2 - x^2} .

    The Earth is a sphere of the equatorial radius without air, which lets entry and exit of low satellites be some
    seconds early or late.

    References
    ----------
    O. Montenbruck, E. Gill, "Satellite Orbits", Springer 2000, section 3.4.2.
    """
    position = state.position_ecef_m
    line = sun_position_ecef_m(times) - position
    sun = tf.asin(SUN_RADIUS_M / tf.norm(line, axis=-1))
    earth = tf.asin(tf.minimum(WGS84_SEMI_MAJOR_AXIS_M / tf.norm(position, axis=-1), 1.0))
    apart = _angle(-position, line)
    touching = (apart < sun + earth) & (apart > tf.abs(earth - sun))
    # where the limbs do not cross, a pair of discs that do keeps the roots real
    c = tf.where(touching, apart, earth)
    x = (c**2 + sun**2 - earth**2) / (2.0 * c)
    y = tf.sqrt(tf.maximum(sun**2 - x**2, 1e-30))
    hidden = sun**2 * atan2(y, x) + earth**2 * atan2(y, c - x) - c * y
    partly = 1.0 - hidden / (math.pi * sun**2)
    inside = tf.where(sun > earth, 1.0 - (earth / sun) ** 2, tf.zeros_like(sun))
    whole = tf.where(apart >= sun + earth, tf.ones_like(apart), inside)
    return tf.where(touching, partly, whole)


def in_cylindrical_shadow(state: State, times: Times) -> tf.Tensor:
    """Whether a satellite is behind the Earth's equatorial disc, sunlight taken as parallel: bool [..., time]."""
    sun = sun_position_ecef_m(times)
    toward = sun / tf.norm(sun, axis=-1, keepdims=True)
    ahead_m = tf.reduce_sum(state.position_ecef_m * toward, -1)
    beside_m = tf.norm(state.position_ecef_m - ahead_m[..., None] * toward, axis=-1)
    return (ahead_m < 0.0) & (beside_m < WGS84_SEMI_MAJOR_AXIS_M)


def _angle(first: tf.Tensor, second: tf.Tensor) -> tf.Tensor:
    shape = tf.broadcast_static_shape(first.shape, second.shape)
    one, two = tf.broadcast_to(first, shape), tf.broadcast_to(second, shape)
    across = tf.linalg.cross(one, two)
    return atan2(tf.norm(across, axis=-1), tf.reduce_sum(one * two, -1))
