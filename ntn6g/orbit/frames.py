"""Reference frames: TEME of SGP4, Earth-fixed, geodetic and the local east-north-up horizon.

Earth-fixed (ECEF) here is the pseudo-Earth-fixed frame: polar motion is left out. The pole stays within 0.6
arcsec of the reference pole (IERS EOP series since 1962), so a site and its horizon are misplaced by less
than 19 m and 0.6 arcsec against ITRF, and the range rate of a low satellite changes by less than 0.3 m/s.
"""

import math
from datetime import datetime

import tensorflow as tf

from ntn6g.core.constants import WGS84_FLATTENING, WGS84_SEMI_MAJOR_AXIS_M
from ntn6g.orbit.state import State, Times

_DAY_S = 86_400.0
_J2000_JD = 2_451_545.0
_ORDINAL_TO_JD = 1_721_424.5  # Julian date of 0h on a day minus its proleptic Gregorian ordinal
# Seconds of sidereal time in powers of Julian centuries of UT1 from J2000, without the day's own rotation:
# S. Aoki et al., "The new definition of Universal Time", Astron. Astrophys. 105 (1982), eq. (14) as used by
# D. A. Vallado et al., AIAA 2006-6753, appendix C.
_GMST_S = (67_310.54841, 8_640_184.812866, 0.093104, -6.2e-6)


def split_julian_date(moment: datetime) -> tuple[float, float]:
    """Julian date of 0h (exact, ends in .5) and the fraction of that day, in the time scale of ``moment``."""
    seconds = moment.hour * 3600 + moment.minute * 60 + moment.second + 1e-6 * moment.microsecond
    return moment.toordinal() + _ORDINAL_TO_JD, seconds / _DAY_S


def greenwich_mean_sidereal_time(moment: datetime, ut1_minus_utc_s: float = 0.0) -> tuple[float, float]:
    r"""Angle from the mean equinox (TEME x axis) to Greenwich and its rate, IAU 1982.

    .. math::
        \theta = 2\pi \left( f
            + \frac{67310.54841 + 8640184.812866\,T + 0.093104\,T^2 - 6.2\cdot10^{-6}\,T^3}{86400}
            \right) \bmod 2\pi

    with :math:`T` in Julian centuries of UT1 since J2000 and :math:`f` the fraction of the Julian day (from
    noon, as the constant 67310.54841 s holds 12 h).

    Parameters
    ----------
    moment : datetime
        UTC.
    ut1_minus_utc_s : float
        UT1 - UTC.

    Returns
    -------
    tuple of float
        Angle in [0, 2 pi) rad and rate in rad/s of UT1 (7.292115855e-5, relative to the precessing equinox).

    References
    ----------
    AIAA 2006-6753 (Vallado et al.), appendix C; Aoki et al. 1982, eq. (14).
    """
    whole_jd, fraction = split_julian_date(moment)
    fraction += ut1_minus_utc_s / _DAY_S
    centuries = (whole_jd - _J2000_JD + fraction) / 36_525.0
    c0, c1, c2, c3 = _GMST_S
    sidereal_s = c0 + centuries * (c1 + centuries * (c2 + centuries * c3))
    rate_s = c1 + centuries * (2.0 * c2 + centuries * 3.0 * c3)
    turns = (whole_jd % 1.0 + fraction + (sidereal_s / _DAY_S) % 1.0) % 1.0
    return 2.0 * math.pi * turns, 2.0 * math.pi * (1.0 + rate_s / (_DAY_S * 36_525.0)) / _DAY_S


def teme_to_ecef(
    position_teme_m: tf.Tensor,
    velocity_teme_m_s: tf.Tensor,
    acceleration_teme_m_s2: tf.Tensor,
    times: Times,
) -> State:
    r"""Turn inertial vectors into the rotating Earth-fixed frame.

    With :math:`R` the rotation by Greenwich mean sidereal time and :math:`\omega` along the pole,

    .. math::
        r_e = R r, \quad v_e = R v - \omega\times r_e, \quad
        a_e = R a - 2\,\omega\times v_e - \omega\times(\omega\times r_e) .

    Sidereal time is linear from the epoch; the quadratic term left out is below 5e-12 rad after 30 days.

    Parameters
    ----------
    position_teme_m, velocity_teme_m_s, acceleration_teme_m_s2 : [..., time, 3], float64
        Vectors in TEME, taken as inertial.
    times : Times
        Their instants.

    Returns
    -------
    State
        Fields [..., time, 3].

    References
    ----------
    AIAA 2006-6753, appendix C (TEME to PEF).
    """
    epoch_rad, rate_rad_s = greenwich_mean_sidereal_time(times.epoch, times.ut1_minus_utc_s)
    angle_rad = epoch_rad + rate_rad_s * tf.convert_to_tensor(times.offset_s, tf.float64)
    cosine, sine = tf.cos(angle_rad), tf.sin(angle_rad)

    def rotate(vector: tf.Tensor) -> tf.Tensor:
        x, y, z = tf.unstack(vector, axis=-1)
        return tf.stack([cosine * x + sine * y, cosine * y - sine * x, z], -1)

    position = rotate(position_teme_m)
    velocity = rotate(velocity_teme_m_s) - cross_earth_rotation(position, rate_rad_s)
    acceleration = (
        rotate(acceleration_teme_m_s2)
        - 2.0 * cross_earth_rotation(velocity, rate_rad_s)
        - cross_earth_rotation(cross_earth_rotation(position, rate_rad_s), rate_rad_s)
    )
    return State(position, velocity, acceleration)


def cross_earth_rotation(vector: tf.Tensor, rate_rad_s: float) -> tf.Tensor:
    """Cross product of a rotation about the pole with a vector: [..., 3] to [..., 3]."""
    x, y, z = tf.unstack(vector, axis=-1)
    return rate_rad_s * tf.stack([-y, x, tf.zeros_like(z)], -1)


def geodetic_to_ecef(latitude_rad: tf.Tensor, longitude_rad: tf.Tensor, altitude_m: tf.Tensor) -> tf.Tensor:
    r"""Earth-fixed position of a point given on the WGS 84 ellipsoid.

    .. math::
        r = [(N + h)\cos\phi\cos\lambda,\ (N + h)\cos\phi\sin\lambda,\ (N (1 - e^2) + h)\sin\phi], \quad
        N = a / \sqrt{1 - e^2 \sin^2\phi}

    Parameters
    ----------
    latitude_rad, longitude_rad, altitude_m : [...], float64
        Geodetic latitude, east longitude, height above the ellipsoid.

    Returns
    -------
    [..., 3], float64
        Metres.

    References
    ----------
    NIMA TR8350.2, 3rd ed., eq. (4-14) and (4-15).
    """
    eccentricity_squared = WGS84_FLATTENING * (2.0 - WGS84_FLATTENING)
    sine = tf.sin(latitude_rad)
    normal_m = WGS84_SEMI_MAJOR_AXIS_M / tf.sqrt(1.0 - eccentricity_squared * sine**2)
    equatorial_m = (normal_m + altitude_m) * tf.cos(latitude_rad)
    polar_m = (normal_m * (1.0 - eccentricity_squared) + altitude_m) * sine
    return tf.stack([equatorial_m * tf.cos(longitude_rad), equatorial_m * tf.sin(longitude_rad), polar_m], axis=-1)


def east_north_up(latitude_rad: tf.Tensor, longitude_rad: tf.Tensor) -> tf.Tensor:
    """Unit vectors of the ellipsoidal local horizon in ECEF, rows east, north, up: [...] to [..., 3, 3]."""
    sin_lat, cos_lat = tf.sin(latitude_rad), tf.cos(latitude_rad)
    sin_lon, cos_lon = tf.sin(longitude_rad), tf.cos(longitude_rad)
    east = tf.stack([-sin_lon, cos_lon, tf.zeros_like(sin_lon)], -1)
    north = tf.stack([-sin_lat * cos_lon, -sin_lat * sin_lon, cos_lat], -1)
    up = tf.stack([cos_lat * cos_lon, cos_lat * sin_lon, sin_lat], -1)
    return tf.stack([east, north, up], -2)


def ecef_to_east_north_up(vector: tf.Tensor, axes: tf.Tensor) -> tf.Tensor:
    """Components along east, north, up: vector [..., 3], axes [..., 3, 3] from `east_north_up`, broadcast."""
    return tf.reduce_sum(axes * vector[..., None, :], -1)
