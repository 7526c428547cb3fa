"""From two positions to what a radio link feels: range and its rates, light time, angles."""

from dataclasses import dataclass

import tensorflow as tf

from ntn6g.core.constants import EARTH_RADIUS_M, EARTH_ROTATION_RAD_S, SPEED_OF_LIGHT_M_S
from ntn6g.orbit.frames import cross_earth_rotation, ecef_to_east_north_up
from ntn6g.orbit.platforms import FixedTerminal
from ntn6g.orbit.state import State, TensorRecord

_SMALLEST_M = 1e-6  # below, a horizontal distance has no direction: keeps gradients finite at the zenith
_LIGHT_TIME_STEPS = 3  # each gains a factor v/c < 4e-5: from 1e-6 s to rounding


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


def link_geometry(
    satellite_state: State, terminal: FixedTerminal, *, mask_rad: tf.Tensor | float = 0.0
) -> LinkGeometry:
    r"""Geometry between satellites and a terminal at rest.

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
    terminal : FixedTerminal
        Numbers, or tensors that broadcast against the leading shape [...].
    mask_rad : float or [...], float64
        Elevation from which ``visible`` is true.

    Returns
    -------
    LinkGeometry
        Fields [..., time].
    """
    site_m, axes = terminal.position_ecef_m[..., None, :], terminal.east_north_up[..., None, :, :]
    position, velocity = satellite_state.position_ecef_m, satellite_state.velocity_ecef_m_s
    line_m = position - site_m
    range_m = _length(line_m)
    range_rate = _dot(line_m, velocity) / range_m
    curvature = _dot(velocity, velocity) + _dot(line_m, satellite_state.acceleration_ecef_m_s2)
    east, north, up = tf.unstack(ecef_to_east_north_up(line_m, axes), axis=-1)
    level_squared = east**2 + north**2
    overhead = level_squared < _SMALLEST_M**2
    level_m = tf.sqrt(tf.maximum(level_squared, _SMALLEST_M**2))
    azimuth = tf.math.atan2(
        tf.where(overhead, tf.zeros_like(east), east), tf.where(overhead, tf.ones_like(north), north)
    )
    elevation = tf.math.atan2(up, level_m)
    return LinkGeometry(
        range_m=range_m,
        range_rate_m_s=range_rate,
        range_acceleration_m_s2=(curvature - range_rate**2) / range_m,
        light_time_s=_light_time_s(satellite_state, site_m),
        elevation_rad=elevation,
        azimuth_rad=tf.math.floormod(azimuth, 2.0 * tf.acos(tf.constant(-1.0, tf.float64))),
        off_nadir_rad=_angle_rad(position, line_m),
        visible=elevation >= mask_rad,
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


def _light_time_s(state: State, site_m: tf.Tensor) -> tf.Tensor:
    """Solve c tau = |r(t - tau) - site| by fixed point; r moves inertially, to second order in tau.

    The third order left out is below 1e-8 m, at any orbit up to geostationary.
    """
    position = state.position_ecef_m
    swept = cross_earth_rotation(position, EARTH_ROTATION_RAD_S)
    velocity = state.velocity_ecef_m_s + swept
    acceleration = (
        state.acceleration_ecef_m_s2
        + 2.0 * cross_earth_rotation(state.velocity_ecef_m_s, EARTH_ROTATION_RAD_S)
        + cross_earth_rotation(swept, EARTH_ROTATION_RAD_S)
    )
    tau_s = _length(position - site_m) / SPEED_OF_LIGHT_M_S
    for _ in range(_LIGHT_TIME_STEPS):
        back_s = tau_s[..., None]
        then = position - back_s * velocity + 0.5 * back_s**2 * acceleration
        tau_s = _length(then - site_m) / SPEED_OF_LIGHT_M_S
    return tau_s


def _dot(first: tf.Tensor, second: tf.Tensor) -> tf.Tensor:
    return tf.reduce_sum(first * second, -1)


def _length(vector: tf.Tensor) -> tf.Tensor:
    return tf.sqrt(_dot(vector, vector))


def _angle_rad(first: tf.Tensor, second: tf.Tensor) -> tf.Tensor:
    """Angle between two vectors, well conditioned near 0 and pi."""
    across = tf.linalg.cross(first, second + tf.zeros_like(first))
    area = tf.sqrt(tf.maximum(_dot(across, across), _SMALLEST_M**2))
    return tf.math.atan2(area, _dot(first, second))
