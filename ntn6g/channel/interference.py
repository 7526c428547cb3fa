"""Interference as power: other beams and satellites received through the same antenna, up to SINR."""

from dataclasses import dataclass

import tensorflow as tf

from ntn6g.orbit.state import TensorRecord


@dataclass(frozen=True, eq=False)
class Quality(TensorRecord):
    """Linear ratios at each terminal, float64 [...]."""

    sinr: tf.Tensor
    c_over_i: tf.Tensor
    """Signal over interference; where there is none, over the smallest positive number."""
    c_over_n: tf.Tensor


def same_colour(colours: tf.Tensor) -> tf.Tensor:
    """Share of a beam's power that falls into another's band: float64 [beam, beam], one within a colour, else zero."""
    colours = tf.convert_to_tensor(colours)
    return tf.cast(colours[:, None] == colours[None, :], tf.float64)


def quality(
    received_w: tf.Tensor,
    serving: tf.Tensor,
    overlap: tf.Tensor,
    noise_w: tf.Tensor | float,
    *,
    activity: tf.Tensor | float = 1.0,
) -> Quality:
    r""":math:`C / (N + \sum_{k \ne s} a_k o_{ks} P_k)` of terminals that beams or cells serve.

    Parameters
    ----------
    received_w : [..., beam], float64
        Power of every transmitter after path loss and both antennas.
    serving : [...], int
        Which of them serves.
    overlap : [beam, server], float64
        Share of a transmitter's power (first index) inside the band of another: 1 co-channel, 0 apart, 1/ACIR for
        neighbouring channels. Servers are all transmitters, or the first ones where only these serve.
    noise_w : float64
        Noise in the band of the serving one.
    activity : [..., beam], float64
        Share of the time in which a transmitter is on.
    """
    received_w = tf.convert_to_tensor(received_w, tf.float64)
    chosen = tf.one_hot(serving, received_w.shape[-1], dtype=tf.float64)
    carrier = tf.reduce_sum(received_w * chosen, -1)
    overlap = tf.convert_to_tensor(overlap, tf.float64)
    into = tf.linalg.matvec(overlap, chosen[..., : overlap.shape[1]]) * (1.0 - chosen)
    interference = tf.reduce_sum(received_w * activity * into, -1)
    noise = tf.convert_to_tensor(noise_w, tf.float64)
    return Quality(
        carrier / (noise + interference), carrier / tf.maximum(interference, 1e-300), carrier / noise
    )
