"""Beams of a satellite on the ground: where they look, what they cover, how much delay and Doppler differ within."""

import math
from dataclasses import dataclass

import tensorflow as tf

from ntn6g.core.constants import SPEED_OF_LIGHT_M_S, WGS84_FLATTENING, WGS84_SEMI_MAJOR_AXIS_M
from ntn6g.orbit.state import State, TensorRecord
from ntn6g.orbit.trigonometry import atan2, sin_cos

_STILL_M_S = 1e-3
_STRETCH = 1.0 / (1.0 - WGS84_FLATTENING)  # of the polar axis, which makes a sphere of the ellipsoid


@dataclass(frozen=True, eq=False)
class GroundPoints(TensorRecord):
    """Where rays from a satellite meet the WGS 84 ellipsoid."""

    position_ecef_m: tf.Tensor
    """Float64 [..., 3]; where a ray passes the Earth, its point nearest to it."""
    on_earth: tf.Tensor
    """Bool [...]: the ray meets the Earth."""


@dataclass(frozen=True, eq=False)
class BeamDifference(TensorRecord):
    """Delay and Doppler at points of a beam less those at the point that it looks at: float64 [..., point]."""

    delay_s: tf.Tensor
    """One way."""
    doppler_ratio: tf.Tensor
    """Doppler shift over the carrier that is left when that of the reference point is compensated."""


def footprint_angles(altitude_m: tf.Tensor, elevation_rad: tf.Tensor, radius_m: float) -> tuple[tf.Tensor, tf.Tensor]:
    r"""Off-nadir angle and angle at the Earth's centre of the places that see a satellite at an elevation.

    .. math::
        \sin\eta = \frac{R}{R + h}\cos\alpha, \quad \psi = \frac\pi2 - \alpha - \eta

    on a sphere: at an elevation mask, half the width of the field of view from the satellite and from the centre. The
    footprint is the share :math:`(1 - \cos\psi) / 2` of the sphere.

    Parameters
    ----------
    altitude_m, elevation_rad : [...], float64
        Broadcast; elevation in [0, pi/2].
    radius_m : float
        Of the sphere.
    """
    sine, cosine = sin_cos(tf.convert_to_tensor(elevation_rad, tf.float64))
    share = radius_m * cosine / (radius_m + altitude_m)
    off_nadir = atan2(share, tf.sqrt(1.0 - share**2))
    return off_nadir, 0.5 * math.pi - atan2(sine, cosine) - off_nadir


def ground_points(origin_ecef_m: tf.Tensor, direction: tf.Tensor) -> GroundPoints:
    """First points in which rays meet the ellipsoid: origins and directions [..., 3] of any length, broadcast."""
    stretch = tf.constant([1.0, 1.0, _STRETCH], tf.float64)
    start, ray = origin_ecef_m * stretch, direction * stretch
    squared = tf.reduce_sum(ray**2, -1)
    along = -tf.reduce_sum(start * ray, -1)
    height = tf.reduce_sum(start**2, -1) - WGS84_SEMI_MAJOR_AXIS_M**2
    room = along**2 - squared * height
    on_earth = (room >= 0.0) & (along > 0.0)
    far = tf.where(on_earth, height / (along + tf.sqrt(tf.maximum(room, 1e-30))), tf.maximum(along, 0.0) / squared)
    return GroundPoints(origin_ecef_m + far[..., None] * direction, on_earth)


def steered(state: State, off_nadir_rad: tf.Tensor | float, from_track_rad: tf.Tensor | float) -> tf.Tensor:
    """Direction of a beam fixed to the satellite: unit vectors [..., 3] in ECEF.

    Parameters
    ----------
    state : State
        Fields [..., 3].
    off_nadir_rad : [...], float64
        From the direction of the Earth's centre.
    from_track_rad : [...], float64
        Side to which it is tilted, from the direction of motion over the ground (north for a platform at rest)
        through the right.
    """
    down, ahead, right = tf.unstack(track_axes(state), axis=-2)
    return _cone(down, ahead, right, _f64(off_nadir_rad), _f64(from_track_rad))


def track_axes(state: State) -> tf.Tensor:
    """Axes of a satellite that looks down: rows nadir, ahead (over the ground) and right, float64 [..., 3, 3].

    Of a platform at rest in the Earth-fixed frame, which has no motion over the ground, "ahead" is north.
    """
    down = -tf.math.l2_normalize(state.position_ecef_m, -1)
    velocity = state.velocity_ecef_m_s
    still = tf.reduce_sum(velocity**2, -1, keepdims=True) < _STILL_M_S**2
    along = tf.where(still, tf.constant([0.0, 0.0, 1.0], tf.float64), velocity)
    ahead = tf.math.l2_normalize(along - tf.reduce_sum(along * down, -1, keepdims=True) * down, -1)
    return tf.stack([down, ahead, tf.linalg.cross(down, ahead)], -2)


def beam_outline(
    state: State, aim_ecef_m: tf.Tensor, half_beam_rad: tf.Tensor | float, *, points: int = 36
) -> GroundPoints:
    """Edge of a circular beam on the ground.

    Parameters
    ----------
    state : State
        Fields [..., 3].
    aim_ecef_m : [..., 3], float64
        What the beam looks at: fixed to the Earth, or the `ground_points` of a direction from `steered`.
    half_beam_rad : [...], float64
        From the beam's axis to its edge.
    points : int
        Points around the edge.

    Returns
    -------
    GroundPoints
        Fields [..., point, 3] and [..., point].
    """
    axis = tf.math.l2_normalize(aim_ecef_m - state.position_ecef_m, -1)
    # a vector that cannot be parallel to the axis: the unit vector of its smallest component
    least = tf.one_hot(tf.argmin(tf.abs(axis), -1), 3, dtype=tf.float64)
    beside = tf.math.l2_normalize(tf.linalg.cross(axis, least), -1)
    turn = tf.constant([2.0 * math.pi * k / points for k in range(points)], tf.float64)
    rays = _cone(
        axis[..., None, :],
        beside[..., None, :],
        tf.linalg.cross(axis, beside)[..., None, :],
        _f64(half_beam_rad)[..., None],
        turn,
    )
    return ground_points(state.position_ecef_m[..., None, :], rays)


def off_boresight_rad(state: State, aim_ecef_m: tf.Tensor, place_ecef_m: tf.Tensor) -> tf.Tensor:
    """Angle at the satellite between what a beam looks at and a place: float64 [...], all of shape [..., 3]."""
    one, two = aim_ecef_m - state.position_ecef_m, place_ecef_m - state.position_ecef_m
    shape = tf.broadcast_static_shape(one.shape, two.shape)
    one, two = tf.broadcast_to(one, shape), tf.broadcast_to(two, shape)
    return atan2(tf.norm(tf.linalg.cross(one, two), axis=-1), tf.reduce_sum(one * two, -1))


def beam_difference(state: State, aim_ecef_m: tf.Tensor, place_ecef_m: tf.Tensor) -> BeamDifference:
    """Delay and Doppler that are left at places when those of a reference point are compensated.

    Parameters
    ----------
    state : State
        Fields [..., 3].
    aim_ecef_m : [..., 3], float64
        The reference point, at rest on the Earth, mostly the beam's centre.
    place_ecef_m : [..., point, 3], float64
        Terminals at rest on the Earth, such as `beam_outline`.
    """
    delay_s, ratio = _seen(state.position_ecef_m, state.velocity_ecef_m_s, aim_ecef_m)
    here_s, here = _seen(state.position_ecef_m[..., None, :], state.velocity_ecef_m_s[..., None, :], place_ecef_m)
    return BeamDifference(here_s - delay_s[..., None], here - ratio[..., None])


def _seen(position: tf.Tensor, velocity: tf.Tensor, place: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Delay and Doppler ratio at a place at rest."""
    line = position - place
    range_m = tf.norm(line, axis=-1)
    rate_m_s = tf.reduce_sum(line * velocity, -1) / range_m
    return range_m / SPEED_OF_LIGHT_M_S, -rate_m_s / SPEED_OF_LIGHT_M_S


def _cone(axis: tf.Tensor, ahead: tf.Tensor, right: tf.Tensor, tilt_rad: tf.Tensor, turn_rad: tf.Tensor) -> tf.Tensor:
    """Unit vectors tilted from an axis towards a side, counted from ``ahead`` through ``right``."""
    (sin_tilt, cos_tilt), (sine, cosine) = sin_cos(tilt_rad), sin_cos(turn_rad)
    side = cosine[..., None] * ahead + sine[..., None] * right
    return cos_tilt[..., None] * axis + sin_tilt[..., None] * side


def _f64(value: tf.Tensor | float) -> tf.Tensor:
    return tf.convert_to_tensor(value, tf.float64)
