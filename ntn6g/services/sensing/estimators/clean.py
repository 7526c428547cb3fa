"""Several targets in one frame: the strongest is measured and taken away, until all are found; then each again."""

from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from ntn6g.orbit.state import TensorRecord
from ntn6g.services.sensing.frames.echo import steering
from ntn6g.services.sensing.maps.periodogram import Peak, RangeDopplerMap, strongest


@dataclass(frozen=True, eq=False)
class Reflections(TensorRecord):
    """Targets of each frame in the order in which they were found."""

    delay_s: tf.Tensor
    """Float64 [batch, target]."""
    doppler_hz: tf.Tensor
    """Float64 [batch, target]."""
    amplitude: tf.Tensor
    """Complex64 [batch, target], at the middle of the grid."""


def clean(rd_map: RangeDopplerMap, channel: tf.Tensor, targets: int, *, rounds: int = 3) -> Reflections:
    """Delay, Doppler and amplitude of several targets by successive cancellation, each measured on what others leave.

    The first round is CLEAN; every further one puts a target back, takes all others away, and measures it anew
    (RELAX), which undoes the pull of a strong neighbour.

    Parameters
    ----------
    rd_map : RangeDopplerMap
        How maps are made.
    channel : complex64 [batch, symbol, subcarrier]
        Channel estimate, 0 where unknown.
    targets : int
        How many to look for.
    rounds : int
        At least 1.

    References
    ----------
    J. A. Högbom, Astron. Astrophys. Suppl. 15, 1974; J. Li and P. Stoica, "Efficient mixed-spectrum estimation with
    applications to target feature extraction", IEEE Trans. Signal Process. 44(2), 1996.
    """
    known = tf.constant(rd_map.grid.sensed_energy > 0.0, tf.complex64)
    found: list[Peak] = []
    echoes: list[tf.Tensor] = []
    rest = channel
    for number in range(rounds * targets):
        place = number % targets
        if number >= targets:
            rest += echoes[place]
        peak = strongest(rd_map, rd_map(rest), rest)
        echo = _echo(rd_map, peak) * known
        rest -= echo
        found[place : place + 1] = [peak]
        echoes[place : place + 1] = [echo]
    return Reflections(
        delay_s=tf.stack([peak.delay_s for peak in found], axis=1),
        doppler_hz=tf.stack([peak.doppler_hz for peak in found], axis=1),
        amplitude=tf.stack([peak.amplitude for peak in found], axis=1),
    )


def _echo(rd_map: RangeDopplerMap, peak: Peak) -> tf.Tensor:
    grid = rd_map.grid
    over_subcarriers, over_symbols = steering(grid, peak.delay_s, peak.doppler_hz)
    # the amplitude of a peak is that at the middle of the grid, half way between its ends
    cycles = 0.5 * (
        (grid.subcarriers - 1) * grid.subcarrier_spacing_hz * peak.delay_s
        - (grid.symbols - 1) * grid.period_s * peak.doppler_hz
    )
    angle = tf.cast(2.0 * np.pi * (cycles - tf.round(cycles)), tf.float32)
    amplitude = peak.amplitude * tf.complex(tf.cos(angle), tf.sin(angle))
    return amplitude[:, None, None] * over_symbols[:, :, None] * over_subcarriers[:, None, :]
