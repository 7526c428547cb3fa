"""From two positions to what a radio link feels: range and its rates, light time, angles."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

import tensorflow as tf

from ntn6g.core.constants import EARTH_RADIUS_M, EARTH_ROTATION_RAD_S, SPEED_OF_LIGHT_M_S
from ntn6g.orbit.platforms.surface import FixedTerminal
from ntn6g.orbit.state import Site, State, TensorRecord, Times
from ntn6g.orbit.trigonometry import atan2

_ANY_TIME = Times(datetime(2000, 1, 1, tzinfo=UTC), [0.0])  # a terminal at rest is the same at all times
_SMALLEST_M = 1e-6  # below, a horizontal distance has no direction: keeps gradients finite at the zenith

Vector = Sequence[tf.Tensor]
"""Three components apart: XLA fuses and vectorises them, which it does not with a last axis of length 3."""


@dataclass(frozen=True, eq=False)
class LinkGeometry(TensorRecord):
    """Geometry of links over time, without any carrier: float64 [..., link, time] throughout.

    ``range_m``, its rates and the angles are instantaneous: both ends at the same instant t. ``light_time_s``
    is the retarded one: the signal that arrives at the terminal at t left the satellite at t - light_time. It
    differs from range_m / c by up to v/c of itself (1.5e-7 s at 600 km), and its rate from range_rate_m_s / c
    by some (v/c)^2, 1e-9.
    """

    range_m: tf.Tensor
    """Distance."""
    range_rate_m_s: tf.Tensor
    """Time derivative of the distance; negative while the satellite approaches."""
    range_acceleration_m_s2: tf.Tensor
    """Second time derivative of the distance."""
    light_time_s: tf.Tensor
    """Travel time in vacuum of the signal that arrives now."""
    elevation_rad: tf.Tensor
    """Above the ellipsoidal horizon of the terminal, without refraction."""
    azimuth_rad: tf.Tensor
    """From north through east, in [0, 2 pi); 0 at the zenith."""
    off_nadir_rad: tf.Tensor
    """At the satellite, between the Earth's centre (not the ellipsoid's normal) and the terminal."""
    visible: tf.Tensor
    """Bool: the elevation is at or above the mask."""


class Motion(NamedTuple):
    """Position, velocity and acceleration in the rotating Earth-fixed frame, component by component."""

    position_m: Vector
    velocity_m_s: Vector
    acceleration_m_s2: Vector


class Horizon(NamedTuple):
    """A terminal's motion and its horizon, component by component; at rest, rates are plain zeros."""

    motion: Motion
    east: Vector
    north: Vector
    up: Vector
    moving: bool


def link_geometry(
    satellite_state: State, terminal: FixedTerminal | Site, *, mask_rad: tf.Tensor | float = 0.0
) -> LinkGeometry:
    r"""Geometry between satellites and a terminal.

    With the relative position :math:`d`, velocity :math:`v` and acceleration :math:`a` in the rotating frame
    (distances do not depend on the frame),

    .. math::
        \rho = |d|, \quad \dot\rho = d\cdot v / \rho, \quad
        \ddot\rho = (v\cdot v + d\cdot a - \dot\rho^2) / \rho .

    Works under ``tf.function(jit_compile=True)`` and is differentiable; exactly overhead, where the angles
    have no derivative, their gradient is 0.

    Parameters
    ----------
    satellite_state : State
        Fields [..., time, 3]; `stack_states` or `constellation_state` give the link axis.
    terminal : FixedTerminal or Site
        Numbers, or tensors that broadcast against the leading shape [...]. One that moves is given by its
        ``site(times)`` at the instants of the state.
    mask_rad : float or [...], float64
        Elevation from which ``visible`` is true.

    Returns
    -------
    LinkGeometry
        Fields [..., time].
    """
    moving = isinstance(terminal, Site)
    site = terminal if isinstance(terminal, Site) else terminal.site(_ANY_TIME)
    parts = [tf.unstack(vector, axis=-1) for vector in site.__tf_flatten__()[1][:6]]
    horizon = Horizon(Motion(*parts[:3]), parts[3], parts[4], parts[5], moving)
    return geometry_of(
        Motion(*(tf.unstack(v, axis=-1) for v in satellite_state.__tf_flatten__()[1])), horizon, mask_rad
    )


def geometry_of(satellite: Motion, horizon: Horizon, mask_rad: tf.Tensor | float = 0.0) -> LinkGeometry:
    """`link_geometry` of components that broadcast against each other: fields [...]."""
    position, velocity, acceleration = satellite
    site = horizon.motion
    line = [p - s for p, s in zip(position, site.position_m, strict=True)]
    range_m = tf.sqrt(_dot(line, line))
    own_rate = _dot(line, velocity)
    own_curvature = _dot(velocity, velocity) + _dot(line, acceleration)
    light_time_s = _light_time_s(satellite, line, own_rate)
    if horizon.moving:
        relative = [v - s for v, s in zip(velocity, site.velocity_m_s, strict=True)]
        pull = [a - s for a, s in zip(acceleration, site.acceleration_m_s2, strict=True)]
        own_rate, own_curvature = _dot(line, relative), _dot(relative, relative) + _dot(line, pull)
    range_rate = own_rate / range_m
    east, north, up = _dot(horizon.east, line), _dot(horizon.north, line), _dot(horizon.up, line)
    level_squared = east**2 + north**2
    overhead = level_squared < _SMALLEST_M**2
    level_m = tf.sqrt(tf.maximum(level_squared, _SMALLEST_M**2))
    azimuth = atan2(tf.where(overhead, tf.zeros_like(east), east), tf.where(overhead, tf.ones_like(north), north))
    elevation = atan2(up, level_m)
    nadir = [_across(position, line, axis) for axis in range(3)]
    beside = tf.sqrt(tf.maximum(_dot(nadir, nadir), _SMALLEST_M**2))
    return LinkGeometry(
        range_m=range_m,
        range_rate_m_s=range_rate,
        range_acceleration_m_s2=(own_curvature - range_rate**2) / range_m,
        light_time_s=light_time_s,
        elevation_rad=elevation,
        azimuth_rad=tf.where(azimuth < 0.0, azimuth + 2.0 * math.pi, azimuth),
        off_nadir_rad=atan2(beside, _dot(position, line)),
        visible=up >= tf.sin(tf.convert_to_tensor(mask_rad, tf.float64)) * range_m,
    )


def slant_range_m(elevation_rad: tf.Tensor, altitude_m: tf.Tensor) -> tf.Tensor:
    r"""Distance from a terminal on the mean sphere to a satellite seen at a given elevation.

    .. math::
        d = \sqrt{R_E^2 \sin^2\alpha + h^2 + 2 h R_E} - R_E \sin\alpha ,

    evaluated as the quotient of :math:`h^2 + 2 h R_E` and the sum of the two lengths, since their difference
    loses digits in single precision.

    Parameters
    ----------
    elevation_rad : [...], float
        Elevation :math:`\alpha` in [0, pi/2].
    altitude_m : [...], float
        Altitude h above the sphere of 6371 km, positive; same dtype, broadcast.

    Returns
    -------
    [...], float
        Metres, in the dtype of the arguments.

    References
    ----------
    3GPP TR 38.811 V15.4.0, eq. (6.6-3).
    """
    vertical_m = EARTH_RADIUS_M * tf.sin(elevation_rad)
    power_m2 = altitude_m * (altitude_m + 2.0 * EARTH_RADIUS_M)  # (R_E + h)^2 - R_E^2
    return power_m2 / (tf.sqrt(vertical_m**2 + power_m2) + vertical_m)


def _light_time_s(satellite: Motion, line: Vector, rate: tf.Tensor) -> tf.Tensor:
    r"""Solve :math:`c\tau = |d - v\tau + a\tau^2/2|` with the satellite's inertial velocity and acceleration.

    The root of the quadratic without acceleration, then acceleration to first order, less than 2e-12 of it being lost:
    1e-20 s on low orbits; the jerk left out is below 1e-8 m up to geostationary orbits.
    """
    (x, y, _), (vx, vy, vz), acceleration = satellite
    spin = EARTH_ROTATION_RAD_S
    swept = (-spin * y, spin * x)
    inertial_rate = rate + line[0] * swept[0] + line[1] * swept[1]
    speed_squared = (vx + swept[0]) ** 2 + (vy + swept[1]) ** 2 + vz**2
    pull = _dot(line, acceleration) + spin * (line[1] * (2.0 * vx + swept[0]) - line[0] * (2.0 * vy + swept[1]))
    room = SPEED_OF_LIGHT_M_S**2 - speed_squared
    squared = _dot(line, line)
    straight_s = (tf.sqrt(inertial_rate**2 + room * squared) - inertial_rate) / room
    return straight_s + 0.5 * pull * straight_s**2 / (SPEED_OF_LIGHT_M_S * tf.sqrt(squared))


def _dot(first: Vector, second: Vector) -> tf.Tensor:
    return first[0] * second[0] + first[1] * second[1] + first[2] * second[2]


def _across(first: Vector, second: Vector, axis: int) -> tf.Tensor:
    """One component of the cross product."""
    one, two = (axis + 1) % 3, (axis + 2) % 3
    return first[one] * second[two] - first[two] * second[one]
