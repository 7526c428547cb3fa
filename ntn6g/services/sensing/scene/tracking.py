"""From frame to frame: a Kalman filter over range and velocity, as measured by every frame."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from ntn6g.orbit.state import TensorRecord


@dataclass(frozen=True, eq=False)
class Track(TensorRecord):
    """Range and velocity with their covariance."""

    state: tf.Tensor
    """Float64 [..., 2]: range in m and closing velocity in m/s."""
    covariance: tf.Tensor
    """Float64 [..., 2, 2]."""


class RangeTracker:
    r"""Constant velocity with white acceleration, measured in range and velocity.

    Range falls by velocity times interval, since velocity is closing. With acceleration of spectral density q the
    process noise is :math:`q \begin{pmatrix} T^3/3 & -T^2/2 \\ -T^2/2 & T \end{pmatrix}`
    (Y. Bar-Shalom, X. R. Li and T. Kirubarajan, Estimation with Applications to Tracking and Navigation, 2001, 6.2.2).

    Parameters
    ----------
    interval_s : float
        From frame to frame.
    acceleration_density : float or float64 [..., 1, 1]
        q, m^2/s^3.
    gate : float
        Largest squared distance of a measurement in standard deviations that is still taken for the target; the
        default holds 99.9 % (chi-squared with two degrees of freedom).
    """

    def __init__(self, *, interval_s: float, acceleration_density: Any, gate: float = 13.8155) -> None:
        t = interval_s
        self.transition = np.array([[1.0, -t], [0.0, 1.0]])
        self.process_noise = acceleration_density * np.array([[t**3 / 3.0, -(t**2) / 2.0], [-(t**2) / 2.0, t]])
        self.gate = gate

    def start(self, measured: tf.Tensor, noise: tf.Tensor) -> Track:
        """Track of a first measurement, float64 [..., 2], with its covariance [..., 2, 2]."""
        return Track(measured, noise)

    def step(self, track: Track, measured: tf.Tensor, noise: tf.Tensor, seen: tf.Tensor) -> tuple[Track, tf.Tensor]:
        """Foretell by one interval, and correct by a measurement where there is one that lies within the gate.

        Parameters
        ----------
        track : Track
            After the frame before.
        measured : float64 [..., 2]
            Range and velocity.
        noise : float64 [..., 2, 2]
            Covariance of the measurement.
        seen : bool [...]
            Whether the frame has a detection.

        Returns
        -------
        (track, distance) : Track, float64 [...]
            After the frame, and the squared distance of the measurement from what was foretold, in standard deviations:
            chi-squared with two degrees of freedom for a filter whose model is true.
        """
        turn = tf.constant(self.transition)
        state = tf.linalg.matvec(turn, track.state)
        covariance = turn @ track.covariance @ tf.transpose(turn) + self.process_noise
        rest = measured - state
        spread = covariance + noise
        inverse = _inverse(spread)
        distance = tf.reduce_sum(rest * tf.linalg.matvec(inverse, rest), axis=-1)
        taken = seen & (distance <= self.gate)
        gain = covariance @ inverse
        turned_gain = tf.linalg.matrix_transpose(gain)
        kept = tf.eye(2, dtype=tf.float64) - gain
        # Joseph's form stays symmetric and positive whatever is rounded
        corrected = kept @ covariance @ tf.linalg.matrix_transpose(kept) + gain @ noise @ turned_gain
        chosen = tf.where(taken[..., None], state + tf.linalg.matvec(gain, rest), state)
        return Track(chosen, tf.where(taken[..., None, None], corrected, covariance)), distance


def _inverse(matrix: tf.Tensor) -> tf.Tensor:
    """Inverse of symmetric matrices [..., 2, 2], written out."""
    a, b, d = matrix[..., 0, 0], matrix[..., 0, 1], matrix[..., 1, 1]
    turned = tf.stack([tf.stack([d, -b], axis=-1), tf.stack([-b, a], axis=-1)], axis=-2)
    return turned / (a * d - b * b)[..., None, None]
