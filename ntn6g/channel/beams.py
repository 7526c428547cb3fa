"""Terminals under many beams: what each receives of all beams and satellites, up to C/I and SINR."""

from dataclasses import dataclass

import tensorflow as tf

from ntn6g.channel.antennas import Antenna, angle_between_rad
from ntn6g.channel.interference import quality
from ntn6g.orbit.state import TensorRecord


@dataclass(frozen=True, eq=False)
class Layout(TensorRecord):
    """Satellites with equal numbers of beams, the serving one first, in ECEF."""

    position_ecef_m: tf.Tensor
    """Float64 [satellite, 3]."""
    aim: tf.Tensor
    """Unit vectors along the beams, float64 [satellite, beam, 3]."""
    axes: tf.Tensor
    """Axes of the panels as in `ntn6g.channel.antennas.Antenna`, float64 [satellite, 3, 3]."""


@dataclass(frozen=True, eq=False)
class Terminals(TensorRecord):
    """Places on the ground: fields float64 [place, 3] and [place, 3, 3]."""

    position_ecef_m: tf.Tensor
    axes: tf.Tensor


@dataclass(frozen=True, eq=False)
class Coverage(TensorRecord):
    """What a terminal served by its best beam of the first satellite has: [place]."""

    serving: tf.Tensor
    """Int32: the beam."""
    off_boresight_rad: tf.Tensor
    """Float64: angle between the serving beam and the terminal."""
    gain_dbi: tf.Tensor
    """Float64: of the serving beam towards the terminal."""
    sinr: tf.Tensor
    """Float64: linear, as the next two."""
    c_over_i: tf.Tensor
    c_over_n: tf.Tensor


def beam_coverage(
    layout: Layout,
    terminals: Terminals,
    loss_db: tf.Tensor,
    overlap: tf.Tensor,
    *,
    satellite: Antenna,
    terminal: Antenna,
    power_over_noise_db: tf.Tensor | float,
    activity: tf.Tensor | float = 1.0,
) -> Coverage:
    r""":math:`C / (N + I)` of terminals that look at the first satellite and are served by its strongest beam.

    A beam k of satellite s gives a terminal :math:`P\,G_s(\theta_k)\,G_t(\vartheta_s) / L_s`: gains towards each
    other, with the terminal's boresight on the serving satellite.

    Parameters
    ----------
    layout, terminals
        Where they are and look.
    loss_db : [place, satellite], float64
        Path loss; infinite (or very large) for a satellite below the horizon.
    overlap : [beam, beam], float64
        Share of a beam's power inside the band of another, the same between satellites; see `same_colour`.
    satellite, terminal
        Antennas of all satellites and of all terminals.
    power_over_noise_db : float64
        Power density fed to a beam over the noise density of a terminal behind its antenna.
    activity : float64
        Share of the time in which an interfering beam sends.
    """
    line = layout.position_ecef_m[None] - terminals.position_ecef_m[:, None]
    to_satellite = tf.math.l2_normalize(line, -1)  # [place, satellite, 3]
    places, satellites, beams = line.shape[0], line.shape[1], layout.aim.shape[1]
    down = tf.broadcast_to(-to_satellite[:, :, None, :], [places, satellites, beams, 3])
    aim = tf.broadcast_to(layout.aim[None], [places, satellites, beams, 3])
    beam_dbi = satellite.gain_dbi(down, aim, layout.axes[None, :, None])
    boresight = tf.broadcast_to(to_satellite[:, :1], to_satellite.shape)
    own_dbi = terminal.gain_dbi(to_satellite, boresight, terminals.axes[:, None])
    level_db = beam_dbi + (own_dbi - loss_db)[..., None] + power_over_noise_db
    received = tf.pow(tf.constant(10.0, tf.float64), 0.1 * tf.reshape(level_db, [places, -1]))
    serving = tf.argmax(beam_dbi[:, 0], -1, output_type=tf.int32)
    chosen = tf.one_hot(serving, beams, dtype=tf.float64)
    found = quality(received, serving, tf.tile(overlap, [satellites, 1]), 1.0, activity=activity)
    best = tf.reduce_sum(layout.aim[0][None] * chosen[..., None], 1)
    return Coverage(
        serving,
        angle_between_rad(-to_satellite[:, 0], best),
        tf.reduce_max(beam_dbi[:, 0], -1),
        found.sinr,
        found.c_over_i,
        found.c_over_n,
    )
