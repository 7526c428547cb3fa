"""Frame after frame of one target that moves: what each measures, and what a filter makes of it."""

import math
from dataclasses import dataclass, replace

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from ntn6g.core import random
from ntn6g.orbit.state import TensorRecord
from ntn6g.services.sensing.maps.bounds import crlb
from ntn6g.services.sensing.scene.tracking import RangeTracker, Track
from ntn6g.services.sensing.trials.trial import SensingTrial, TrialOutcome, TrialValues

_KEPT_CELLS = 0.5  # native cells on each axis within which a track must end


@dataclass(frozen=True, eq=False)
class TrackOutcome(TensorRecord):
    """Of every track of a batch."""

    frames: TrialOutcome
    """What each frame found, [frame, batch]."""
    kept: tf.Tensor
    """Bool [batch]: a track was begun, and ends within half a native cell of the target on both axes."""
    range_square_m2: tf.Tensor
    """Float64 [batch]: mean squared error of the track's range over the later half of the frames; 0 unless kept."""
    velocity_square_m2_s2: tf.Tensor
    """Float64 [batch], likewise."""
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

    The target's acceleration is white with density q, which is the model of `RangeTracker`. Every frame's strongest
    reflection is its measurement where the detector declares it; its covariance is the Cramer-Rao bound at the measured
    amplitude, times :math:`E[1/|x|^2]` where symbols are divided away. The first detection begins the track.

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

    Raises
    ------
    ValueError
        When the trial has no target or several, sets pilots apart, or shrinks amplitudes (lmmse).
    """

    def __init__(
        self, trial: SensingTrial, *, frames: int, interval_s: float, metres_per_s: float, wavelength_m: float
    ) -> None:
        if trial.targets != 1:
            raise ValueError(f"{trial.targets} targets; a track follows one")
        if trial.frame.grid.pilot_share is not None or trial.frame.estimator == "lmmse":
            raise ValueError("a track weighs by measured amplitudes, which pilots apart and lmmse change")
        self.trial, self.frames, self.interval_s = trial, frames, interval_s
        self.metres_per_s, self.wavelength_m = metres_per_s, wavelength_m
        grid = trial.frame.grid
        bound = crlb(grid, 1.0, antennas=trial.frame.antennas or 1)
        deviation = np.array([metres_per_s * bound.delay_s[0], wavelength_m * bound.doppler_hz[0]])
        self.unit_noise: NDArray[np.float64] = np.diag(deviation**2) * trial.frame.noise_factor
        """Covariance of range and velocity at a signal-to-noise ratio of one on an element, float64 [2, 2]."""
        self.cells = metres_per_s * grid.delay_cell_s, wavelength_m * grid.doppler_cell_hz

    @property
    def expected_innovation(self) -> float:
        """Mean of a squared normalised innovation within the gate g, chi-squared with two degrees of freedom.

        .. math:: 2 - g e^{-g/2} / (1 - e^{-g/2})
        """
        gate = RangeTracker(interval_s=self.interval_s, acceleration_density=0.0).gate
        rest = math.exp(-0.5 * gate)
        return 2.0 - gate * rest / (1.0 - rest)

    def motion(self, keys: tf.Tensor, values: TrialValues, density: tf.Tensor) -> tf.Tensor:
        """Range in m, from where the window opens, and closing velocity in m/s: float64 [frame, batch, 2].

        The streams of `SensingTrial.place` and 'acceleration' are used.
        """
        t, later = self.interval_s, self.frames - 1
        delay_s, doppler_hz, _ = self.trial.place(keys, values)
        drawn = tf.cast(random.normal(random.stream(keys, "acceleration"), (2, later)), tf.float64)
        root = tf.sqrt(density)[:, None]
        # of white acceleration within an interval: covariance q [[T^3/3, -T^2/2], [-T^2/2, T]]
        faster = root * np.sqrt(t) * drawn[:, 0]
        nearer = -root * np.sqrt(t**3) * (0.5 * drawn[:, 0] + drawn[:, 1] / np.sqrt(12.0))
        begin_m, begin_m_s = self.metres_per_s * delay_s, self.wavelength_m * doppler_hz
        velocity = tf.concat([begin_m_s, begin_m_s + tf.cumsum(faster, axis=1)], axis=1)
        moved = tf.cumsum(nearer - t * velocity[:, :-1], axis=1)
        return tf.transpose(tf.stack([tf.concat([begin_m, begin_m + moved], axis=1), velocity], axis=-1), [1, 0, 2])

    def __call__(self, keys: tf.Tensor, values: TrialValues, density: tf.Tensor, assumed: tf.Tensor) -> TrackOutcome:
        """Outcome of tracks with these keys, uint32 [batch, 2]; works under ``tf.function(jit_compile=True)``.

        ``density`` and ``assumed``, float64 [batch], are q of the target and of the filter, m^2/s^3.
        """
        truth = self.motion(keys, values, density)
        streams = random.stream(keys, "frame")

        def look(given: tuple[tf.Tensor, tf.Tensor]) -> tuple[tf.Tensor, ...]:
            number, state = given
            here = replace(
                values,
                delay_s=state[:, :1] / self.metres_per_s,
                doppler_hz=state[:, 1:] / self.wavelength_m,
                spread_cells=tf.zeros_like(values.spread_cells),
            )
            return tuple(vars(self.trial(random.numbered(streams, number), here)).values())

        kinds = {"found": tf.bool, "quiet_cells": tf.int32, "false_alarms": tf.int32, "peak_seen": tf.bool}
        signature = tuple(kinds.get(name, tf.bool if name == "resolved" else tf.float64) for name in _FIELDS)
        every = tf.range(self.frames, dtype=tf.int32)
        seen = TrialOutcome(*tf.map_fn(look, (every, truth), fn_output_signature=signature))
        return self._follow(truth, seen, assumed)

    def _follow(self, truth: tf.Tensor, seen: TrialOutcome, assumed: tf.Tensor) -> TrackOutcome:
        """Filter over what the frames measured."""
        tracker = RangeTracker(interval_s=self.interval_s, acceleration_density=assumed[:, None, None])
        errors = seen.delay_error_s * self.metres_per_s, seen.doppler_error_hz * self.wavelength_m
        measured = truth + tf.concat(errors, axis=-1)
        noise = self.unit_noise / tf.maximum(seen.peak_energy, 1e-12)[..., None, None]

        def advance(last: tuple[tf.Tensor, ...], now: tuple[tf.Tensor, ...]) -> tuple[tf.Tensor, ...]:
            state, covariance, begun, _, _ = last
            place, spread, declared = now
            track, distance = tracker.step(Track(state, covariance), place, spread, declared & begun)
            first = declared & ~begun
            return (
                tf.where(first[:, None], place, track.state),
                tf.where(first[:, None, None], spread, track.covariance),
                begun | declared,
                distance,
                declared & begun,
            )

        nothing = tf.zeros_like(assumed)
        begin = (
            tf.zeros_like(truth[0]),
            tf.broadcast_to(tf.eye(2, dtype=tf.float64), [*assumed.shape, 2, 2]),
            tf.fill(assumed.shape, False),
            nothing,
            tf.fill(assumed.shape, False),
        )
        state, _, begun, distance, judged = tf.scan(advance, (measured, noise, seen.peak_seen), initializer=begin)
        off = tf.abs(state - truth)
        kept = begun[-1] & tf.reduce_all(off[-1] <= _KEPT_CELLS * np.array(self.cells), axis=-1)
        squares = tf.reduce_mean(tf.square(off[self.frames // 2 :]), axis=0)
        squares = tf.where(kept[:, None], squares, tf.zeros_like(squares))
        within = judged & (distance <= tracker.gate)
        inside = tf.where(within, distance, tf.zeros_like(distance))
        return TrackOutcome(
            frames=seen,
            kept=kept,
            range_square_m2=squares[:, 0],
            velocity_square_m2_s2=squares[:, 1],
            innovations=tf.reduce_sum(tf.cast(within, tf.int32), axis=0),
            rejected=tf.reduce_sum(tf.cast(judged & ~within, tf.int32), axis=0),
            innovation=tf.reduce_sum(inside, axis=0),
            innovation_square=tf.reduce_sum(tf.square(inside), axis=0),
        )

    def bound(self, snr: float, density: float) -> tuple[float, float]:
        r"""Posterior Cramer-Rao bound of range in m and velocity in m/s, root of its mean over the later half.

        .. math:: J_{k+1} = (Q + F J_k^{-1} F^T)^{-1} + R^{-1}

        begun with the first frame, every one measured at its bound (P. Tichavsky, C. Muravchik and A. Nehorai,
        "Posterior Cramer-Rao bounds for discrete-time nonlinear filtering", IEEE Trans. Signal Process. 46(5), 1998).

        Parameters
        ----------
        snr : float
            Echo on an element of unit energy over the noise density, linear; 0 knows nothing.
        density : float
            q, m^2/s^3.
        """
        if snr <= 0.0:
            return float("inf"), float("inf")
        tracker = RangeTracker(interval_s=self.interval_s, acceleration_density=density)
        told = np.linalg.inv(self.unit_noise / snr)
        information, variances = told, []
        for frame in range(self.frames):
            if frame:
                foretold = (
                    tracker.process_noise + tracker.transition @ np.linalg.inv(information) @ tracker.transition.T
                )
                information = np.linalg.inv(foretold) + told
            variances.append(np.diag(np.linalg.inv(information)))
        range_m, velocity_m_s = np.sqrt(np.mean(variances[self.frames // 2 :], axis=0))
        return float(range_m), float(velocity_m_s)


_FIELDS = tuple(TrialOutcome.__dataclass_fields__)
