"""Frames of several paths over one target, and the position that they tell together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from ntn6g.core import random
from ntn6g.core.constants import SPEED_OF_LIGHT_M_S
from ntn6g.orbit.state import TensorRecord
from ntn6g.services.sensing.detection.cfar import Cfar
from ntn6g.services.sensing.frames.echo import Targets
from ntn6g.services.sensing.frames.frame import SensingFrame
from ntn6g.services.sensing.frames.grid import SensingGrid
from ntn6g.services.sensing.maps.bounds import crlb
from ntn6g.services.sensing.maps.periodogram import RangeDopplerMap, strongest
from ntn6g.services.sensing.scene.fusion import locate, path_lengths_m, position_covariance

_GATE_CELLS = 4  # native cells around the predicted place in which a peak is taken for the target
_TRACK_ERROR_M = 100.0  # of the place from which a fix starts, on each axis
_MISSED_M = 1e9  # deviation of a path that was not detected: its weight is nothing
_CHI_SQUARED_95 = {2: 5.991464547, 3: 7.814727903}  # 95 % quantiles, by degrees of freedom
_PADDING = 2


@dataclass(frozen=True, eq=False)
class FixValues(TensorRecord):
    """Geometry and strength of every frame of a batch."""

    snr: tf.Tensor
    """Float32 [batch, path]: mean echo on an element over noise and what is left of direct paths."""
    transmitters_m: tf.Tensor
    """Float64 [batch, path, 3]."""
    receivers_m: tf.Tensor
    """Float64 [batch, path, 3]."""
    target_m: tf.Tensor
    """Float64 [batch, 3]."""
    basis: tf.Tensor
    """Float64 [batch, dimension, 3]: directions in which the position is unknown."""
    multiple: tf.Tensor
    """Float32 [batch]: threshold of the detector."""


@dataclass(frozen=True, eq=False)
class FixOutcome(TensorRecord):
    """Of every frame."""

    found: tf.Tensor
    """Bool [batch, path]: detected."""
    path_error_m: tf.Tensor
    """Float64 [batch, path]: of path lengths; 0 where not detected."""
    fixed: tf.Tensor
    """Bool [batch, set]: enough paths of the set were detected."""
    position_error_m: tf.Tensor
    """Float64 [batch, set, dimension]; 0 without a fix."""
    inside: tf.Tensor
    """Bool [batch, set]: the target lies within the 95 % ellipse that goes with the fix."""


class FixTrial:
    """Draws a frame per path, detects and measures each, and fuses what was detected.

    A frame is a window of cells about the place where a track predicts the echo: predicted delay and Doppler shift, and
    so the motion of the platforms, are taken out, and what exceeds the window's cells has been summed up coherently.
    The echo lies anywhere within the window's middle cell. A peak within 4 cells of it is measured, and counts as a
    detection when it exceeds the threshold of cell averaging. Weights follow from the measured amplitudes.

    Parameters
    ----------
    paths : int
        Number of paths.
    sets : sequence of sequences of int
        Paths of which positions are made.
    dimensions : int
        Of the position, 2 or 3.
    bandwidth_hz, integration_s : float
        Of a frame.
    delay_cells, doppler_cells : int
        Window.
    swerling : int
        Fluctuation, independent on every path.
    """

    def __init__(
        self,
        *,
        paths: int,
        sets: Sequence[Sequence[int]],
        dimensions: int,
        bandwidth_hz: float,
        integration_s: float,
        delay_cells: int,
        doppler_cells: int,
        swerling: int,
    ) -> None:
        self.paths, self.sets, self.dimensions = paths, [tuple(dict.fromkeys(each)) for each in sets], dimensions
        self.grid = SensingGrid(
            subcarriers=delay_cells,
            symbols=doppler_cells,
            subcarrier_spacing_hz=bandwidth_hz / delay_cells,
            symbol_period_s=integration_s / doppler_cells,
        )
        self.frame = SensingFrame(self.grid, swerling=swerling)
        self.rd_map = RangeDopplerMap(grid=self.grid, padding=_PADDING)
        self.detector = Cfar(training=6, guard=2, padding=_PADDING)
        self.sigma_m = SPEED_OF_LIGHT_M_S * float(crlb(self.grid, 1.0).delay_s[0])
        """Deviation of a path length at a signal-to-noise ratio of one on an element."""
        self.middle_delay_s = (delay_cells // 2) * self.grid.delay_cell_s
        rows, columns = self.rd_map.shape
        row = np.minimum(np.arange(rows), rows - np.arange(rows))  # about Doppler 0
        column = np.abs(np.arange(columns) - _PADDING * (delay_cells // 2))
        self._gate = np.outer(row <= _GATE_CELLS * _PADDING, column <= _GATE_CELLS * _PADDING)

    def threshold(self, false_alarm: float) -> float:
        """Multiple of the mean of the training cells."""
        return Cfar(training=6, guard=2, padding=_PADDING, false_alarm=false_alarm).multiple

    def __call__(self, keys: tf.Tensor, values: FixValues) -> FixOutcome:
        """Outcome of frames with these keys, uint32 [batch, 2]; works under ``tf.function(jit_compile=True)``."""
        # all frames of the first path, then all of the second: one program measures them
        streams = tf.concat([random.stream(keys, f"path {path}") for path in range(self.paths)], axis=0)
        snr = tf.reshape(tf.transpose(values.snr), [-1])
        seen, error_m, sigma_m = self._measure(streams, snr, tf.tile(values.multiple, [self.paths]))
        error_m = tf.where(seen, error_m, tf.zeros_like(error_m))
        sigma_m = tf.where(seen, sigma_m, tf.fill(sigma_m.shape, tf.constant(_MISSED_M, tf.float64)))
        detected, path_error, deviation = (
            tf.transpose(tf.reshape(each, [self.paths, -1])) for each in (seen, error_m, sigma_m)
        )
        fixes = [self._fix(values, detected, path_error, deviation, each) for each in self.sets]
        if not fixes:
            none = tf.zeros([keys.shape[0], 0], tf.bool)
            return FixOutcome(
                detected, path_error, none, tf.zeros([keys.shape[0], 0, self.dimensions], tf.float64), none
            )
        fixed, error, inside = (tf.stack([fix[k] for fix in fixes], axis=1) for k in range(3))
        return FixOutcome(detected, path_error, fixed, error, inside)

    def _measure(self, keys: tf.Tensor, snr: tf.Tensor, multiple: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        grid, zero = self.grid, tf.zeros([keys.shape[0], 1], tf.float64)
        shift = tf.cast(random.uniform(random.stream(keys, "place"), (2,)), tf.float64) - 0.5
        delay_s = self.middle_delay_s + shift[:, :1] * grid.delay_cell_s
        targets = Targets(delay_s, shift[:, 1:] * grid.doppler_cell_hz, zero, snr[:, None])
        channel = self.frame(keys, targets)
        power = self.rd_map(channel)
        declared = self.detector(power, multiple)
        gated = power * tf.constant(self._gate, tf.float32)
        peak = strongest(self.rd_map, gated, channel)
        rows, columns = self.rd_map.shape
        place = tf.argmax(tf.reshape(gated, [-1, rows * columns]), axis=1, output_type=tf.int32)
        seen = tf.gather(tf.reshape(declared, [-1, rows * columns]), place, axis=1, batch_dims=1)
        error_m = SPEED_OF_LIGHT_M_S * (peak.delay_s - delay_s[:, 0])
        energy = tf.cast(tf.square(tf.abs(peak.amplitude)), tf.float64)
        return seen, error_m, self.sigma_m / tf.sqrt(tf.maximum(energy, 1e-12))

    def _fix(
        self,
        values: FixValues,
        detected: tf.Tensor,
        path_error_m: tf.Tensor,
        sigma_m: tf.Tensor,
        members: Sequence[int],
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        def of(tensor: tf.Tensor) -> tf.Tensor:
            return tf.gather(tensor, list(members), axis=1)

        ends = of(values.transmitters_m), of(values.receivers_m)
        fixed = tf.reduce_sum(tf.cast(of(detected), tf.int32), axis=1) >= self.dimensions
        # where too little was detected all paths count, so that the equations have a solution that is not used
        deviation = tf.where(fixed[:, None], of(sigma_m), tf.ones_like(of(sigma_m)))
        lengths_m = path_lengths_m(values.target_m, *ends) + of(path_error_m)
        start_m = values.target_m + _TRACK_ERROR_M * tf.reduce_sum(values.basis, axis=1)
        position_m = locate(start_m, lengths_m, *ends, deviation, basis=values.basis)
        error_m = tf.matmul(values.basis, (position_m - values.target_m)[..., None])[..., 0]
        covariance = position_covariance(position_m, *ends, deviation, basis=values.basis)
        root = tf.linalg.triangular_solve(tf.linalg.cholesky(covariance), error_m[..., None])[..., 0]
        inside = tf.reduce_sum(tf.square(root), axis=-1) <= _CHI_SQUARED_95[self.dimensions]
        return fixed, tf.where(fixed[:, None], error_m, tf.zeros_like(error_m)), fixed & inside


def expected_covariance(trial: FixTrial, values: FixValues) -> Mapping[int, tf.Tensor]:
    """Cramer-Rao bound of the position of every set at the mean signal-to-noise ratios, all paths detected.

    Returns
    -------
    {set: float64 [batch, dimension, dimension]}
        m^2.
    """
    sigma_m = trial.sigma_m / tf.sqrt(tf.maximum(tf.cast(values.snr, tf.float64), 1e-12))
    return {
        place: position_covariance(
            values.target_m,
            tf.gather(values.transmitters_m, list(members), axis=1),
            tf.gather(values.receivers_m, list(members), axis=1),
            tf.gather(sigma_m, list(members), axis=1),
            basis=values.basis,
        )
        for place, members in enumerate(trial.sets)
    }
