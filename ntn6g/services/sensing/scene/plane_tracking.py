"""From frame to frame in a plane: a Kalman filter over place and velocity, told by range, closing speed and angle."""

from typing import Any

import numpy as np
import tensorflow as tf

from ntn6g.services.sensing.estimators.assignment import least_orders
from ntn6g.services.sensing.scene.tracking import Track

_LEAST_CROSSING_M_S = 1e-3  # keeps covariances invertible
_GATE = 16.2662  # chi-squared with three degrees of freedom: 99.9 %


class PlaneTracker:
    r"""Constant velocity in a plane with white acceleration on both axes, seen from the origin.

    The state is :math:`(x, y, \dot x, \dot y)`, x along the line of antennas and y their broadside. A measurement is
    range :math:`r = \sqrt{x^2 + y^2}`, closing velocity :math:`-(x \dot x + y \dot y)/r` and sine :math:`x / r`,
    linearised where the target is foretold (extended Kalman filter; Y. Bar-Shalom, X. R. Li and T. Kirubarajan,
    Estimation with Applications to Tracking and Navigation, 2001, 10.3). Process noise of density q is, on each axis,
    :math:`q \begin{pmatrix} T^3/3 & T^2/2 \\ T^2/2 & T \end{pmatrix}` (there, 6.2.2).

    Parameters
    ----------
    interval_s : float
        From frame to frame.
    acceleration_density : float or float64 [..., 1, 1]
        q of each axis, m^2/s^3.
    crossing_m_s : float
        Standard deviation of the velocity across the line of sight when a track begins, which no frame measures.
    gate : float
        Largest squared distance of a measurement in standard deviations that is still taken for the target; the
        default holds 99.9 % (chi-squared with three degrees of freedom).
    """

    def __init__(
        self, *, interval_s: float, acceleration_density: Any, crossing_m_s: float, gate: float = _GATE
    ) -> None:
        t, one = interval_s, np.eye(2)
        self.transition = np.kron([[1.0, t], [0.0, 1.0]], one)
        self.process_noise = acceleration_density * np.kron([[t**3 / 3.0, t**2 / 2.0], [t**2 / 2.0, t]], one)
        self.crossing_m_s, self.gate = crossing_m_s, gate

    def start(self, measured: tf.Tensor, noise: tf.Tensor) -> Track:
        """Track of a first measurement, float64 [..., 3], with its covariance [..., 3, 3]."""
        turn, distance = sight(measured[..., 2]), measured[..., 0]
        closing = measured[..., 1]
        zero = tf.zeros_like(closing)
        # along the line of sight and across it: (r, 0) and (-closing, 0)
        state = _pairs(turn, tf.stack([distance, zero, -closing, zero], axis=-1))
        cosine = tf.sqrt(tf.maximum(1.0 - tf.square(measured[..., 2]), 1e-12))
        # an error of the sine is one of the angle over its cosine, which turns place and velocity alike
        one = tf.ones_like(zero)
        rows = (one, zero, zero), (zero, zero, distance / cosine), (zero, -one, zero), (zero, zero, -closing / cosine)
        slope = tf.stack([tf.stack(row, axis=-1) for row in rows], axis=-2)  # [..., 4, 3]
        told = slope @ noise @ tf.linalg.matrix_transpose(slope)
        # errors of closing speed times those of the angle: all that is left where nothing crosses
        both = noise[..., 1, 1] * noise[..., 2, 2] / tf.square(cosine)
        crossing = max(self.crossing_m_s, _LEAST_CROSSING_M_S) ** 2 + both
        unknown = tf.linalg.diag(tf.stack([zero, zero, zero, crossing], axis=-1))
        return Track(state, _turned(turn, told + unknown))

    def foretell(self, track: Track) -> Track:
        """One interval on."""
        turn = tf.constant(self.transition)
        covariance = turn @ track.covariance @ tf.transpose(turn) + self.process_noise
        return Track(tf.linalg.matvec(turn, track.state), covariance)

    def distance(self, foretold: Track, measured: tf.Tensor, noise: tf.Tensor) -> tf.Tensor:
        """Squared distance of measurements [..., 3] from what was foretold, in standard deviations: float64 [...]."""
        _, rest, _, root = _innovation(foretold, measured, noise)
        return tf.reduce_sum(tf.square(tf.linalg.triangular_solve(root, rest[..., None])[..., 0]), axis=-1)

    def correct(self, foretold: Track, measured: tf.Tensor, noise: tf.Tensor, taken: tf.Tensor) -> Track:
        """Track with a measurement where ``taken``, bool [...], says so."""
        slope, rest, _, root = _innovation(foretold, measured, noise)
        told = slope @ foretold.covariance  # [..., 3, 4]
        gain = tf.linalg.matrix_transpose(tf.linalg.cholesky_solve(root, told))
        kept = tf.eye(4, dtype=tf.float64) - gain @ slope
        turned = tf.linalg.matrix_transpose
        # Joseph's form stays symmetric and positive whatever is rounded
        covariance = kept @ foretold.covariance @ turned(kept) + gain @ noise @ turned(gain)
        state = foretold.state + tf.linalg.matvec(gain, rest)
        return Track(
            tf.where(taken[..., None], state, foretold.state),
            tf.where(taken[..., None, None], covariance, foretold.covariance),
        )

    def step(self, track: Track, measured: tf.Tensor, noise: tf.Tensor, seen: tf.Tensor) -> tuple[Track, tf.Tensor]:
        """Foretell by one interval, and correct by a measurement where there is one that lies within the gate.

        Parameters
        ----------
        track : Track
            After the frame before.
        measured : float64 [..., 3]
            Range, closing velocity and sine.
        noise : float64 [..., 3, 3]
            Covariance of the measurement.
        seen : bool [...]
            Whether the frame has a detection.

        Returns
        -------
        (track, distance) : Track, float64 [...]
            After the frame, and the squared distance of the measurement: chi-squared with three degrees of freedom for
            a filter whose model is true.
        """
        foretold = self.foretell(track)
        distance = self.distance(foretold, measured, noise)
        return self.correct(foretold, measured, noise, seen & (distance <= self.gate)), distance

    def step_several(
        self, tracks: Track, measured: tf.Tensor, noise: tf.Tensor, seen: tf.Tensor
    ) -> tuple[Track, tf.Tensor]:
        """The same of several tracks, to which the measurements of a frame are given in the nearest order.

        Every track gets one measurement at most, so that the sum of squared distances, each no more than the gate, is
        least (global nearest neighbour); what lies beyond a track's gate is not taken.

        Parameters
        ----------
        tracks : Track
            State [..., track, 4].
        measured : float64 [..., measurement, 3]
            As many as tracks, in any order.
        noise : float64 [..., measurement, 3, 3]
            Their covariances.
        seen : bool [..., measurement]
            Which there are.

        Returns
        -------
        (tracks, order) : Track, int32 [..., track]
            After the frame, and the measurement that was given to each track.
        """
        foretold, count = self.foretell(tracks), tracks.state.shape[-2]
        each = Track(foretold.state[..., :, None, :], foretold.covariance[..., :, None, :, :])
        shape = [*tracks.state.shape[:-2], count, count]
        far = self.distance(
            each,
            tf.broadcast_to(measured[..., None, :, :], [*shape, 3]),
            tf.broadcast_to(noise[..., None, :, :, :], [*shape, 3, 3]),
        )
        cost = tf.where(seen[..., None, :], tf.minimum(far, self.gate), tf.constant(self.gate, tf.float64))
        order = least_orders(cost)
        taken, chosen, sure = (
            tf.gather(values, order, axis=axis, batch_dims=axis)
            for values, axis in ((measured, len(shape) - 2), (noise, len(shape) - 2), (seen, len(shape) - 2))
        )
        distance = tf.gather(far, order[..., None], axis=-1, batch_dims=len(shape) - 1)[..., 0]
        return self.correct(foretold, taken, chosen, sure & (distance <= self.gate)), order


def seen_from_origin(state: tf.Tensor) -> tf.Tensor:
    """Range, closing velocity and sine of states: float64 [..., 4] to [..., 3]."""
    place, velocity = state[..., :2], state[..., 2:]
    distance = tf.sqrt(tf.reduce_sum(tf.square(place), axis=-1))
    return tf.stack([distance, -tf.reduce_sum(place * velocity, axis=-1) / distance, place[..., 0] / distance], axis=-1)


def slopes(state: tf.Tensor) -> tf.Tensor:
    """Derivative of `seen_from_origin`, float64 [..., 3, 4]."""
    x, y, vx, vy = tf.unstack(state, axis=-1)
    r = tf.sqrt(x * x + y * y)
    rate, zero = (x * vx + y * vy) / r, tf.zeros_like(x)
    rows = (
        (x / r, y / r, zero, zero),
        (-(vx - rate * x / r) / r, -(vy - rate * y / r) / r, -x / r, -y / r),
        (y * y / r**3, -x * y / r**3, zero, zero),
    )
    return tf.stack([tf.stack(row, axis=-1) for row in rows], axis=-2)


def sight(sine: tf.Tensor) -> tf.Tensor:
    """Turn from along and across the line of sight to the plane's axes: sines [...] to float64 [..., 2, 2]."""
    cosine = tf.sqrt(tf.maximum(1.0 - tf.square(sine), 0.0))
    # across points to rising angles: (cos, -sin) of the angle from broadside
    return tf.stack([tf.stack([sine, cosine], axis=-1), tf.stack([cosine, -sine], axis=-1)], axis=-2)


def _pairs(turn: tf.Tensor, state: tf.Tensor) -> tf.Tensor:
    place, velocity = tf.linalg.matvec(turn, state[..., :2]), tf.linalg.matvec(turn, state[..., 2:])
    return tf.concat([place, velocity], axis=-1)


def _turned(turn: tf.Tensor, covariance: tf.Tensor) -> tf.Tensor:
    zero = tf.zeros_like(turn)
    both = tf.concat([tf.concat([turn, zero], axis=-1), tf.concat([zero, turn], axis=-1)], axis=-2)
    return both @ covariance @ tf.linalg.matrix_transpose(both)


def _innovation(
    foretold: Track, measured: tf.Tensor, noise: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]:
    """Slope, innovation, its covariance and that one's Cholesky root."""
    slope = slopes(foretold.state)
    rest = measured - seen_from_origin(foretold.state)
    spread = slope @ foretold.covariance @ tf.linalg.matrix_transpose(slope) + noise
    return slope, rest, spread, tf.linalg.cholesky(spread)
