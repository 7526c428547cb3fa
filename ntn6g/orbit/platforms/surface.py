"""Platforms of the Earth: at rest on or above it, on a course (pedestrian to aircraft), circling at 20 km."""

import math
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import tensorflow as tf

from ntn6g.core.constants import (
    EARTH_MU_M3_S2,
    EARTH_ROTATION_RAD_S,
    WGS84_FLATTENING,
    WGS84_SEMI_MAJOR_AXIS_M,
)
from ntn6g.core.errors import ScenarioError
from ntn6g.orbit.frames import east_north_up, geodetic_to_ecef
from ntn6g.orbit.state import Site, State, Times
from ntn6g.orbit.trigonometry import sin_cos

_ECCENTRICITY_SQUARED = WGS84_FLATTENING * (2.0 - WGS84_FLATTENING)
GEOSTATIONARY_ALTITUDE_M = (EARTH_MU_M3_S2 / EARTH_ROTATION_RAD_S**2) ** (1.0 / 3.0) - WGS84_SEMI_MAJOR_AXIS_M
"""Above the equator: the two-body radius of one revolution per rotation of the Earth, less the WGS 84 radius."""


def _f64(value: Any) -> tf.Tensor:
    return tf.convert_to_tensor(value, tf.float64)


@dataclass(frozen=True, kw_only=True, eq=False)
class FixedTerminal:
    """A point at rest on or above the WGS 84 ellipsoid; numbers or tensors of shape [...].

    At 20 km it is an ideal high-altitude platform, at `GEOSTATIONARY_ALTITUDE_M` above the equator an ideal
    geostationary satellite.

    Parameters
    ----------
    latitude_rad, longitude_rad : [...], float or float64
        Geodetic latitude in [-pi/2, pi/2], east longitude.
    altitude_m : [...], float or float64
        Height above the ellipsoid.

    Raises
    ------
    ScenarioError
        If the latitude is a plain number outside its range.
    """

    latitude_rad: Any
    longitude_rad: Any
    altitude_m: Any = 0.0

    def __post_init__(self) -> None:
        _check_latitude(self.latitude_rad)

    @property
    def position_ecef_m(self) -> tf.Tensor:
        """Position: float64 [..., 3]."""
        return geodetic_to_ecef(_f64(self.latitude_rad), _f64(self.longitude_rad), _f64(self.altitude_m))

    @property
    def east_north_up(self) -> tf.Tensor:
        """Rows east, north, up of the ellipsoidal horizon: float64 [..., 3, 3]."""
        return east_north_up(_f64(self.latitude_rad), _f64(self.longitude_rad))

    def site(self, times: Times) -> Site:
        """Place and horizon, the same at all instants: fields float64 [..., 1, 3]."""
        del times
        position = self.position_ecef_m[..., None, :]
        axes = self.east_north_up[..., None, :, :]
        rest = tf.zeros_like(position)
        return Site(
            position, rest, rest, axes[..., 0, :], axes[..., 1, :], axes[..., 2, :], tf.zeros_like(axes[..., 2, :])
        )

    def state(self, times: Times) -> State:
        """State at the instants, at rest in ECEF: fields float64 [..., time, 3]."""
        offset_s = _f64(times.offset_s)
        position = self.position_ecef_m[..., None, :] + tf.zeros_like(offset_s)[:, None]
        return State(position, tf.zeros_like(position), tf.zeros_like(position))


@dataclass(frozen=True, kw_only=True, eq=False)
class CruisingTerminal:
    r"""A terminal that keeps its course: pedestrian, vehicle, train, ship, aircraft.

    The normal of its horizon follows a great circle at a constant rate,

    .. math::
        n(t) = n_0 \cos\omega t + c_0 \sin\omega t, \quad \omega = v / (R_\alpha + h), \quad
        1 / R_\alpha = \cos^2\alpha / M + \sin^2\alpha / N ,

    with :math:`R_\alpha` the ellipsoid's radius of curvature along the course (Euler): speed is exact at the start and
    stays within 0.7 % on any path, as the radii of curvature of the ellipsoid differ by so much. Velocity and
    acceleration are the derivatives of the position.

    Parameters
    ----------
    latitude_rad, longitude_rad, altitude_m : [...], float or float64
        Where it is at the epoch, on the WGS 84 ellipsoid, as `FixedTerminal`.
    course_rad : [...], float or float64
        Direction at the epoch, from north through east.
    speed_m_s : [...], float or float64
        Along the path at its altitude.
    epoch : datetime
        Aware.

    References
    ----------
    Euler's theorem on normal curvature; M and N as NIMA TR8350.2, 3rd ed.
    """

    latitude_rad: Any
    longitude_rad: Any
    altitude_m: Any = 0.0
    course_rad: Any
    speed_m_s: Any
    epoch: datetime

    def __post_init__(self) -> None:
        _check_latitude(self.latitude_rad)
        object.__setattr__(self, "epoch", Times(self.epoch, 0.0).epoch)

    def site(self, times: Times) -> Site:
        """Place and horizon at the instants: fields float64 [..., time, 3]."""
        latitude, longitude, course = (_f64(v) for v in (self.latitude_rad, self.longitude_rad, self.course_rad))
        east, north, normal = tf.unstack(east_north_up(latitude, longitude), axis=-2)
        sin_course, cos_course = sin_cos(course)
        along = north * cos_course[..., None] + east * sin_course[..., None]
        flat = 1.0 - _ECCENTRICITY_SQUARED * normal[..., 2] ** 2
        curvature = (cos_course**2 * flat / (1.0 - _ECCENTRICITY_SQUARED) + sin_course**2) * tf.sqrt(flat)
        radius_m = WGS84_SEMI_MAJOR_AXIS_M / curvature + _f64(self.altitude_m)
        rate = (_f64(self.speed_m_s) / radius_m)[..., None]
        sine, cosine = sin_cos(rate * times.seconds_since(self.epoch))
        up = normal[..., None, :] * cosine[..., None] + along[..., None, :] * sine[..., None]
        ahead = along[..., None, :] * cosine[..., None] - normal[..., None, :] * sine[..., None]
        up_rate, up_bend = rate[..., None] * ahead, -((rate**2)[..., None]) * up
        position, velocity, acceleration = _above_ellipsoid(
            up, up_rate, up_bend, _f64(self.altitude_m)[..., None, None]
        )
        pole = tf.constant([0.0, 0.0, 1.0], tf.float64) + tf.zeros_like(up)
        level = tf.linalg.cross(pole, up)
        length = tf.norm(level, axis=-1, keepdims=True)
        # at a pole itself, where no direction is east, that of longitude 0
        beside = tf.constant([0.0, 1.0, 0.0], tf.float64) + tf.zeros_like(up)
        eastward = tf.where(length > 1e-12, level / tf.maximum(length, 1e-12), beside)
        return Site(position, velocity, acceleration, eastward, tf.linalg.cross(up, eastward), up, up_rate)

    def state(self, times: Times) -> State:
        """State at the instants: fields float64 [..., time, 3]."""
        site = self.site(times)
        return State(site.position_ecef_m, site.velocity_ecef_m_s, site.acceleration_ecef_m_s2)


@dataclass(frozen=True, kw_only=True, eq=False)
class CirclingPlatform:
    """A high-altitude platform that keeps its station on a level circle, clockwise seen from above.

    Parameters
    ----------
    latitude_rad, longitude_rad, altitude_m : [...], float or float64
        Centre of the circle, as `FixedTerminal`.
    radius_m, speed_m_s : [...], float or float64
        Of the circle, positive; along it.
    epoch : datetime
        When it is north of its centre; aware.
    """

    latitude_rad: Any
    longitude_rad: Any
    altitude_m: Any
    radius_m: Any
    speed_m_s: Any
    epoch: datetime

    def __post_init__(self) -> None:
        _check_latitude(self.latitude_rad)
        if isinstance(self.radius_m, int | float) and not self.radius_m > 0.0:
            raise ScenarioError(f"{self.radius_m:g} m; a circle has a positive radius", key="radius_km")
        object.__setattr__(self, "epoch", Times(self.epoch, 0.0).epoch)

    def site(self, times: Times) -> Site:
        """Place, and the horizon of the circle's centre (level flight), at the instants: float64 [..., time, 3]."""
        state = self.state(times)
        axes = east_north_up(_f64(self.latitude_rad), _f64(self.longitude_rad))[..., None, :, :]
        return Site(
            state.position_ecef_m,
            state.velocity_ecef_m_s,
            state.acceleration_ecef_m_s2,
            axes[..., 0, :],
            axes[..., 1, :],
            axes[..., 2, :],
            tf.zeros_like(axes[..., 2, :]),
        )

    def state(self, times: Times) -> State:
        """State at the instants: fields float64 [..., time, 3]."""
        latitude, longitude = _f64(self.latitude_rad), _f64(self.longitude_rad)
        centre = geodetic_to_ecef(latitude, longitude, _f64(self.altitude_m))[..., None, :]
        east, north, _ = tf.unstack(east_north_up(latitude, longitude)[..., None, :, :], axis=-2)
        radius_m = _f64(self.radius_m)[..., None]
        rate = _f64(self.speed_m_s)[..., None] / radius_m
        sine, cosine = (part[..., None] for part in sin_cos(rate * times.seconds_since(self.epoch)))
        arm = radius_m[..., None] * (north * cosine + east * sine)
        ahead = radius_m[..., None] * (east * cosine - north * sine)
        return State(centre + arm, rate[..., None] * ahead, -((rate**2)[..., None]) * arm)


def _above_ellipsoid(
    up: tf.Tensor, up_rate: tf.Tensor, up_bend: tf.Tensor, altitude_m: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Position above the ellipsoid whose normal is ``up``, and its two derivatives: [..., 3] each."""
    s, s1, s2 = up[..., 2:], up_rate[..., 2:], up_bend[..., 2:]
    flat = 1.0 - _ECCENTRICITY_SQUARED * s**2
    n = WGS84_SEMI_MAJOR_AXIS_M / tf.sqrt(flat)
    n1 = n / flat * _ECCENTRICITY_SQUARED * s * s1
    n2 = n / flat * _ECCENTRICITY_SQUARED * (s1**2 + s * s2 + 3.0 * _ECCENTRICITY_SQUARED * (s * s1) ** 2 / flat)
    pole = tf.constant([0.0, 0.0, _ECCENTRICITY_SQUARED], tf.float64)
    reach = n + altitude_m
    position = reach * up - pole * (n * s)
    velocity = n1 * up + reach * up_rate - pole * (n1 * s + n * s1)
    acceleration = n2 * up + 2.0 * n1 * up_rate + reach * up_bend - pole * (n2 * s + 2.0 * n1 * s1 + n * s2)
    return position, velocity, acceleration


def _check_latitude(latitude_rad: Any) -> None:
    if isinstance(latitude_rad, int | float) and not abs(latitude_rad) <= math.pi / 2:
        raise ScenarioError(
            f"{math.degrees(latitude_rad):g}; latitudes lie in -90 to 90. "
            "Was it swapped with the longitude, or converted twice?",
            key="latitude_deg",
        )
