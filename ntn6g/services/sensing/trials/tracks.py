"""Frame after frame of one target that moves: what each measures, and what a filter makes of it."""

import math
from dataclasses import dataclass, replace

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from ntn6g.core import random
from ntn6g.orbit.state import TensorRecord
from ntn6g.services.sensing.maps.bounds import crlb
from ntn6g.services.sensing.scene.plane_tracking import PlaneTracker, seen_from_origin, sight, slopes
from ntn6g.services.sensing.scene.tracking import RangeTracker, Track
from ntn6g.services.sensing.trials.trial import SensingTrial, TrialOutcome, TrialValues

_KEPT_CELLS = 0.5  # native cells on each axis within which a track must end


@dataclass(frozen=True, eq=False)
class TrackOutcome(TensorRecord):
    """Of every track of a batch."""

    frames: TrialOutcome
    """What each frame found, [frame, batch]."""
    kept: tf.Tensor
    """Bool [batch]: a track was begun, and ends within half a native cell of the target on all axes."""
    squares: tf.Tensor
    """Float64 [batch, axis]: mean squared errors of the track's range in m, velocity in m/s and, by an array, angle in
    rad over the later half of the frames; 0 unless kept."""
    state_error: tf.Tensor
    """Float64 [batch]: squared error of the last state, normalised by the filter's covariance; 0 unless kept."""
    innovations: tf.Tensor
    """Int32 [batch]: detections that came after the track's first and lay within the gate."""
    rejected: tf.Tensor
    """Int32 [batch]: those outside it."""
    innovation: tf.Tensor
    """Float64 [batch]: sum of the squared normalised innovations within the gate."""
    innovation_square: tf.Tensor
    """Float64 [batch]: sum of their squares."""


class TrackTrial:
    r"""Moves a target through frames, measures it in each, and tracks what was measured.

    The target's acceleration is white with density q: along the line of sight, the model of `RangeTracker`, or, seen by
    an array, on both axes of a plane, that of `PlaneTracker`. Every frame's strongest reflection is its measurement
    where the detector declares it; its covariance is the Cramer-Rao bound at the measured amplitude, times
    :math:`E[1/|x|^2]` where symbols are divided away. The first detection begins the track.

    Parameters
    ----------
    trial : SensingTrial
        A frame's way, of one target.
    frames : int
        Their number, 2 and up.
    interval_s : float
        From frame to frame.
    metres_per_s, wavelength_m : float
        Range per delay, and velocity per Doppler shift.
    opens_at_m : float
        Range of delay 0; only an array asks.
    crossing_m_s : float
        Standard deviation of the velocity across the line of sight with which tracks begin, and which the filter takes
        it for; only an array asks.

    Raises
    ------
    ValueError
        When the trial has no target or several, sets pilots apart, or shrinks amplitudes (lmmse).
    """

    def __init__(
        self,
        trial: SensingTrial,
        *,
        frames: int,
        interval_s: float,
        metres_per_s: float,
        wavelength_m: float,
        opens_at_m: float = 0.0,
        crossing_m_s: float = 0.0,
    ) -> None:
        if trial.targets != 1:
            raise ValueError(f"{trial.targets} targets; a track follows one")
        if trial.frame.grid.pilot_share is not None or trial.frame.estimator == "lmmse":
            raise ValueError("a track weighs by measured amplitudes, which pilots apart and lmmse change")
        self.trial, self.frames, self.interval_s = trial, frames, interval_s
        self.metres_per_s, self.wavelength_m = metres_per_s, wavelength_m
        self.in_plane = trial.frame.antennas is not None
        self.opens_at_m, self.crossing_m_s = opens_at_m if self.in_plane else 0.0, crossing_m_s
        grid, antennas = trial.frame.grid, trial.frame.antennas or 1
        bound = crlb(grid, 1.0, antennas=antennas)
        deviation = [metres_per_s * bound.delay_s[0], wavelength_m * bound.doppler_hz[0], bound.sine[0]]
        cells = metres_per_s * grid.delay_cell_s, wavelength_m * grid.doppler_cell_hz, 2.0 / antennas
        self.axes = 3 if self.in_plane else 2
        self.unit_noise: NDArray[np.float64] = np.diag(np.square(deviation[: self.axes])) * trial.frame.noise_factor
        """Covariance of range, velocity and sine at a signal-to-noise ratio of one on an element, [axis, axis]."""
        self.cells = np.array(cells[: self.axes])

    def tracker(self, density: tf.Tensor | float) -> RangeTracker | PlaneTracker:
        """The filter, for q a float or float64 [..., 1, 1]."""
        if not self.in_plane:
            return RangeTracker(interval_s=self.interval_s, acceleration_density=density)
        return PlaneTracker(interval_s=self.interval_s, acceleration_density=density, crossing_m_s=self.crossing_m_s)

    @property
    def expected_innovation(self) -> float:
        r"""Mean of a squared normalised innovation within the gate g: chi-squared with as many degrees as axes.

        .. math:: n F_{n+2}(g) / F_n(g), \qquad \text{of two axes } 2 - g e^{-g/2} / (1 - e^{-g/2})
        """
        half = 0.5 * self.tracker(0.0).gate
        if not self.in_plane:
            rest = math.exp(-half)
            return 2.0 - 2.0 * half * rest / (1.0 - rest)
        # F_3 = erf(sqrt h) - 2 sqrt(h / pi) e^-h with h = g / 2, and F_5 is less by (4/3) h^(3/2) e^-h / sqrt(pi)
        third = math.erf(math.sqrt(half)) - 2.0 * math.sqrt(half / math.pi) * math.exp(-half)
        return 3.0 * (1.0 - 4.0 / 3.0 * half**1.5 * math.exp(-half) / math.sqrt(math.pi) / third)

    def motion(self, keys: tf.Tensor, values: TrialValues, density: tf.Tensor) -> tf.Tensor:
        """States of the filter's kind, float64 [frame, batch, 2 or 4]: range and closing velocity, or those of a plane.

        The streams of `SensingTrial.place`, 'acceleration' and, in a plane, 'crossing' are used.
        """
        t, later, axes = self.interval_s, self.frames - 1, self.axes - 1
        delay_s, doppler_hz, sine = self.trial.place(keys, values)
        drawn = tf.cast(random.normal(random.stream(keys, "acceleration"), (2 * axes, later)), tf.float64)
        drawn = tf.reshape(-drawn, [-1, axes, 2, later])  # of what closes
        root = tf.sqrt(density)[:, None, None]
        # of white acceleration within an interval: covariance q [[T^3/3, T^2/2], [T^2/2, T]] of way and speed
        faster = root * np.sqrt(t) * drawn[:, :, 0]
        further = root * np.sqrt(t**3) * (0.5 * drawn[:, :, 0] + drawn[:, :, 1] / np.sqrt(12.0))
        begin_m = self.metres_per_s * delay_s + self.opens_at_m
        closing_m_s = self.wavelength_m * doppler_hz
        if not self.in_plane:
            place, speed = begin_m, -closing_m_s  # range grows as what is closing falls
        else:
            across = self.crossing_m_s * tf.cast(random.normal(random.stream(keys, "crossing"), (1,)), tf.float64)
            turn = sight(sine[:, 0])
            place = begin_m * turn[..., 0]
            speed = -closing_m_s * turn[..., 0] + across * turn[..., 1]
        velocity = tf.concat([speed[..., None], speed[..., None] + tf.cumsum(faster, axis=2)], axis=2)
        moved = place[..., None] + tf.cumsum(further + t * velocity[:, :, :-1], axis=2)
        way = tf.concat([place[..., None], moved], axis=2)
        states = tf.concat([way, velocity if self.in_plane else -velocity], axis=1)
        return tf.transpose(states, [2, 0, 1])

    def view(self, states: tf.Tensor) -> tf.Tensor:
        """Range in m, closing velocity in m/s and, in a plane, sine of states: float64 [..., axis]."""
        return seen_from_origin(states) if self.in_plane else states

    def __call__(self, keys: tf.Tensor, values: TrialValues, density: tf.Tensor, assumed: tf.Tensor) -> TrackOutcome:
        """Outcome of tracks with these keys, uint32 [batch, 2]; works under ``tf.function(jit_compile=True)``.

        ``density`` and ``assumed``, float64 [batch], are q of the target and of the filter, m^2/s^3.
        """
        states = self.motion(keys, values, density)
        truth = self.view(states)
        streams = random.stream(keys, "frame")

        def look(given: tuple[tf.Tensor, tf.Tensor]) -> tuple[tf.Tensor, ...]:
            number, seen = given
            here = replace(
                values,
                delay_s=(seen[:, :1] - self.opens_at_m) / self.metres_per_s,
                doppler_hz=seen[:, 1:2] / self.wavelength_m,
                sine=seen[:, 2:] if self.in_plane else values.sine,
                spread_cells=tf.zeros_like(values.spread_cells),
            )
            return tuple(vars(self.trial(random.numbered(streams, number), here)).values())

        kinds = {"found": tf.bool, "quiet_cells": tf.int32, "false_alarms": tf.int32, "peak_seen": tf.bool}
        signature = tuple(kinds.get(name, tf.bool if name == "resolved" else tf.float64) for name in _FIELDS)
        every = tf.range(self.frames, dtype=tf.int32)
        seen = TrialOutcome(*tf.map_fn(look, (every, truth), fn_output_signature=signature))
        return self._follow(states, truth, seen, assumed)

    def _measured(self, truth: tf.Tensor, seen: TrialOutcome) -> tf.Tensor:
        """What frames measured, [frame, batch, axis]."""
        errors = [seen.delay_error_s * self.metres_per_s, seen.doppler_error_hz * self.wavelength_m]
        if self.in_plane:
            sine = truth[..., 2]
            errors.append((tf.sin(tf.asin(sine) + seen.angle_error_rad) - sine)[..., None])
        return truth + tf.concat(errors, axis=-1)

    def _follow(self, states: tf.Tensor, truth: tf.Tensor, seen: TrialOutcome, assumed: tf.Tensor) -> TrackOutcome:
        """Filter over what the frames measured."""
        tracker = self.tracker(assumed[:, None, None])
        measured = self._measured(truth, seen)
        noise = self.unit_noise / tf.maximum(seen.peak_energy, 1e-12)[..., None, None]

        def advance(last: tuple[tf.Tensor, ...], now: tuple[tf.Tensor, ...]) -> tuple[tf.Tensor, ...]:
            state, covariance, begun, _, _ = last
            place, spread, declared = now
            track, distance = tracker.step(Track(state, covariance), place, spread, declared & begun)
            first, fresh = declared & ~begun, tracker.start(place, spread)
            return (
                tf.where(first[:, None], fresh.state, track.state),
                tf.where(first[:, None, None], fresh.covariance, track.covariance),
                begun | declared,
                distance,
                declared & begun,
            )

        unborn = tracker.start(measured[0], noise[0])  # a place to be foretold from; nothing is made of it
        nobody = tf.fill(assumed.shape, False)
        begin = (unborn.state, unborn.covariance, nobody, tf.zeros_like(assumed), nobody)
        state, covariance, begun, distance, judged = tf.scan(
            advance, (measured, noise, seen.peak_seen), initializer=begin
        )
        off = tf.abs(self.view(state) - truth)
        kept = begun[-1] & tf.reduce_all(off[-1] <= _KEPT_CELLS * self.cells, axis=-1)
        within = judged & (distance <= tracker.gate)
        inside = tf.where(within, distance, tf.zeros_like(distance))
        return TrackOutcome(
            frames=seen,
            kept=kept,
            squares=self._squares(off, truth, kept),
            state_error=_normalised(state[-1] - states[-1], covariance[-1], kept),
            innovations=tf.reduce_sum(tf.cast(within, tf.int32), axis=0),
            rejected=tf.reduce_sum(tf.cast(judged & ~within, tf.int32), axis=0),
            innovation=tf.reduce_sum(inside, axis=0),
            innovation_square=tf.reduce_sum(tf.square(inside), axis=0),
        )

    def _squares(self, off: tf.Tensor, truth: tf.Tensor, kept: tf.Tensor) -> tf.Tensor:
        if self.in_plane:  # an error of the sine is one of the angle over its cosine
            cosine = tf.sqrt(tf.maximum(1.0 - tf.square(truth[..., 2:]), 1e-12))
            off = tf.concat([off[..., :2], off[..., 2:] / cosine], axis=-1)
        squares = tf.reduce_mean(tf.square(off[self.frames // 2 :]), axis=0)
        return tf.where(kept[:, None], squares, tf.zeros_like(squares))

    def bound(self, snr: float, density: float, start: tuple[float, float, float]) -> tuple[float, ...]:
        r"""Posterior Cramer-Rao bound of range in m, velocity in m/s and angle in rad: root means over the later half.

        .. math:: J_{k+1} = (Q + F J_k^{-1} F^T)^{-1} + H^T R^{-1} H

        begun with the first frame, every one measured at its bound, along the way of a target that nothing accelerates
        (P. Tichavsky, C. Muravchik and A. Nehorai, "Posterior Cramer-Rao bounds for discrete-time nonlinear filtering",
        IEEE Trans. Signal Process. 46(5), 1998).

        Parameters
        ----------
        snr : float
            Echo on an element of unit energy over the noise density, linear; 0 knows nothing.
        density : float
            q, m^2/s^3.
        start : (float, float, float)
            Range in m, closing velocity in m/s and sine in the first frame.
        """
        if snr <= 0.0:
            return (float("inf"),) * self.axes
        tracker, noise = self.tracker(density), self.unit_noise / snr
        first = tracker.start(tf.constant(start[: self.axes], tf.float64), tf.constant(noise))
        state, covariance, variances = first.state.numpy(), first.covariance.numpy(), []
        for frame in range(self.frames):
            if frame:
                state = tracker.transition @ state
                covariance = tracker.transition @ covariance @ tracker.transition.T + tracker.process_noise
            slope = slopes(tf.constant(state)).numpy() if self.in_plane else np.eye(2)
            if frame:
                gain = covariance @ slope.T @ np.linalg.inv(slope @ covariance @ slope.T + noise)
                covariance = covariance - gain @ slope @ covariance  # the same as the sum of informations
            of_axes = np.diag(slope @ covariance @ slope.T).copy()
            if self.in_plane:
                of_axes[2] /= 1.0 - float(seen_from_origin(tf.constant(state))[2]) ** 2
            variances.append(of_axes)
        return tuple(float(each) for each in np.sqrt(np.mean(variances[self.frames // 2 :], axis=0)))


def _normalised(error: tf.Tensor, covariance: tf.Tensor, kept: tf.Tensor) -> tf.Tensor:
    """Squared errors in standard deviations, float64 [batch]; 0 unless kept."""
    size = covariance.shape[-1]
    safe = tf.where(kept[:, None, None], covariance, tf.eye(size, dtype=tf.float64))
    rest = tf.linalg.triangular_solve(tf.linalg.cholesky(safe), error[..., None])[..., 0]
    square = tf.reduce_sum(tf.square(rest), axis=-1)
    return tf.where(kept, square, tf.zeros_like(square))


_FIELDS = tuple(TrialOutcome.__dataclass_fields__)
