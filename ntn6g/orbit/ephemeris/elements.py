"""Osculating elements of a state, and the state of osculating elements."""

import math
from typing import NamedTuple

import tensorflow as tf

from ntn6g.core.constants import EARTH_MU_M3_S2
from ntn6g.orbit.platforms.keplerian import eccentric_anomaly
from ntn6g.orbit.trigonometry import atan2, sin_cos

_FLAT = 1e-12  # sine of the inclination below which the node is taken on the x axis


class OrbitalElements(NamedTuple):
    """Two-body ellipse and place on it: float64 [...] each, angles in [0, 2 pi), inclination in [0, pi]."""

    semi_major_axis_m: tf.Tensor
    eccentricity: tf.Tensor
    periapsis_rad: tf.Tensor
    longitude_rad: tf.Tensor
    inclination_rad: tf.Tensor
    mean_anomaly_rad: tf.Tensor


def elements_of_state(position_m: tf.Tensor, velocity_m_s: tf.Tensor) -> OrbitalElements:
    r"""Elements of inertial position and velocity, float64 [..., 3].

    .. math::
        h = r\times v, \quad e = \frac{v\times h}{\mu} - \frac{r}{|r|}, \quad \frac1a = \frac{2}{|r|} - \frac{v^2}{\mu},

    the node along :math:`z\times h`, angles by arctangents of two arguments. On a circle the perigee, and in the
    equator the node, are arbitrary; the state they give is not.
    """
    radius = tf.norm(position_m, axis=-1)
    momentum = tf.linalg.cross(position_m, velocity_m_s)
    size = tf.norm(momentum, axis=-1)
    apsis = tf.linalg.cross(velocity_m_s, momentum) / EARTH_MU_M3_S2 - position_m / radius[..., None]
    axis_m = 1.0 / (2.0 / radius - tf.reduce_sum(velocity_m_s**2, -1) / EARTH_MU_M3_S2)
    hx, hy, hz = tf.unstack(momentum / size[..., None], axis=-1)
    tilted = tf.sqrt(hx**2 + hy**2)
    flat = tilted < _FLAT
    safe = tf.where(flat, tf.ones_like(tilted), tilted)
    nx, ny = tf.where(flat, tf.ones_like(hx), -hy / safe), tf.where(flat, tf.zeros_like(hx), hx / safe)
    node = tf.stack([nx, ny, tf.zeros_like(nx)], -1)
    beside = tf.linalg.cross(momentum / size[..., None], node)

    def angle(vector: tf.Tensor) -> tf.Tensor:
        return atan2(tf.reduce_sum(vector * beside, -1), tf.reduce_sum(vector * node, -1))

    periapsis = angle(apsis)
    eccentricity = tf.norm(apsis, axis=-1)
    sine, cosine = sin_cos(angle(position_m) - periapsis)
    anomaly = atan2(tf.sqrt(tf.maximum(1.0 - eccentricity**2, 0.0)) * sine, eccentricity + cosine)
    mean = anomaly - eccentricity * sin_cos(anomaly)[0]
    return OrbitalElements(
        axis_m, eccentricity, _whole(periapsis), _whole(atan2(ny, nx)), atan2(tilted, hz), _whole(mean)
    )


def state_of_elements(elements: OrbitalElements) -> tuple[tf.Tensor, tf.Tensor]:
    """Inertial position and velocity, float64 [..., 3] each; the inverse of `elements_of_state`."""
    axis_m, e, periapsis, longitude, inclination, mean = elements
    sine, cosine = eccentric_anomaly(mean, e)
    minor_m = axis_m * tf.sqrt(1.0 - e**2)
    rate = tf.sqrt(EARTH_MU_M3_S2 / axis_m**3) / (1.0 - e * cosine)
    (sw, cw), (so, co), (si, ci) = sin_cos(periapsis), sin_cos(longitude), sin_cos(inclination)
    along = tf.stack([co * cw - so * sw * ci, so * cw + co * sw * ci, sw * si], -1)
    across = tf.stack([-co * sw - so * cw * ci, -so * sw + co * cw * ci, cw * si], -1)
    x, y = axis_m * (cosine - e), minor_m * sine
    vx, vy = -axis_m * rate * sine, minor_m * rate * cosine
    position = along * x[..., None] + across * y[..., None]
    return position, along * vx[..., None] + across * vy[..., None]


def _whole(angle_rad: tf.Tensor) -> tf.Tensor:
    return tf.where(angle_rad < 0.0, angle_rad + 2.0 * math.pi, angle_rad)
