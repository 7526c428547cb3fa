"""Interference as power: other beams and satellites received through the same antenna, up to SINR."""

import math
from dataclasses import dataclass

import tensorflow as tf

from ntn6g.orbit.state import TensorRecord


@dataclass(frozen=True, eq=False)
class Quality(TensorRecord):
    """Linear ratios at each terminal, [...] of the type of what is received."""

    sinr: tf.Tensor
    c_over_i: tf.Tensor
    """Signal over interference; where there is none, over a very small positive number."""
    c_over_n: tf.Tensor


def same_colour(
    colours: tf.Tensor, polarisations: tf.Tensor | None = None, *, cross_polar_db: float = math.inf
) -> tf.Tensor:
    """Share of a beam's power that falls into another's band: float64 [beam, beam], one within a colour, else zero.

    Parameters
    ----------
    colours : [beam], int
        Frequencies.
    polarisations : [beam], int, optional
        Within a frequency, beams of unlike ones hear each other weakened.
    cross_polar_db : float
        By how much: the cross-polar discrimination of both antennas and the path, dB, 0 or more.
    """
    colours = tf.convert_to_tensor(colours)
    shared = tf.cast(colours[:, None] == colours[None, :], tf.float64)
    if polarisations is None:
        return shared
    polarisations = tf.convert_to_tensor(polarisations)
    alike = polarisations[:, None] == polarisations[None, :]
    return tf.where(alike, shared, 10.0 ** (-0.1 * cross_polar_db) * shared)


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
    overlap = tf.convert_to_tensor(overlap, tf.float64)
    beams, servers = overlap.shape
    chosen = tf.one_hot(serving, beams, dtype=tf.float64)
    sent = tf.reshape(received_w * activity, [-1, beams])
    others = tf.transpose(overlap) * (1.0 - tf.eye(servers, beams, dtype=tf.float64))
    into_each = tf.reshape(tf.transpose(_into(others, tf.transpose(sent))), [*received_w.shape[:-1], servers])
    return _ratios(
        tf.reduce_sum(received_w * chosen, -1),
        tf.reduce_sum(into_each * chosen[..., :servers], -1),
        tf.convert_to_tensor(noise_w, tf.float64),
    )


def each_serving(received_w: tf.Tensor, overlap: tf.Tensor, noise_w: tf.Tensor) -> Quality:
    r""":math:`P_s / (N_s + \sum_k o_{sk} P_k)` at every place, for each of the transmitters if it served.

    As `quality`, which asks for one server a place, in the layout in which many steps in time are streamed.

    Parameters
    ----------
    received_w : [transmitter, place], float
        As in `quality`, of any precision.
    overlap : [server, transmitter], float
        Share of a transmitter's power inside the band of a server, activity counted in; zero between a server and
        itself. Servers are the first transmitters.
    noise_w : [server, 1], float
        Noise in each server's band.
    """
    return _ratios(received_w[: overlap.shape[0]], _into(overlap, received_w), noise_w)


def _into(overlap: tf.Tensor, sent_w: tf.Tensor) -> tf.Tensor:
    """Interference in each server's band, [server, place]."""
    return tf.matmul(overlap, sent_w)


def _ratios(carrier: tf.Tensor, interference: tf.Tensor, noise: tf.Tensor) -> Quality:
    least = 1e-300 if carrier.dtype == tf.float64 else 1e-30
    return Quality(carrier / (interference + noise), carrier / tf.maximum(interference, least), carrier / noise)
