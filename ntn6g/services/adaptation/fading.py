"""A terminal's own fading: a line of sight that may be blocked, and multipath that is a Gaussian process."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from ntn6g.channel.response import phasor
from ntn6g.core import random

Array = np.ndarray[Any, np.dtype[np.float64]]

RAYS = 128


@dataclass(frozen=True, kw_only=True)
class Blockage:
    """A line of sight that comes and goes as a Markov chain with exponential stays.

    Parameters
    ----------
    clear_s, blocked_s : float
        Mean stay in sight, and out of it.
    loss_db : float
        What the line of sight loses meanwhile; multipath stays.
    """

    clear_s: float
    blocked_s: float
    loss_db: float

    def draw(self, keys: tf.Tensor, slots: int, slot_s: float) -> tf.Tensor:
        """Whether the line of sight is blocked, bool [slots, pass]; stationary from the first slot on."""
        uniform = random.uniform(random.stream(keys, "blockage"), (slots,))
        blocks = -math.expm1(-slot_s / self.clear_s)
        clears = -math.expm1(-slot_s / self.blocked_s)
        first = uniform[:, 0] < self.blocked_s / (self.blocked_s + self.clear_s)

        def advance(blocked: tf.Tensor, now: tf.Tensor) -> tf.Tensor:
            return tf.where(blocked, now >= clears, now < blocks)

        later = tf.scan(advance, tf.transpose(uniform[:, 1:]), initializer=first)
        return tf.concat([first[None], later], 0)


def ray_cosines(spectrum: str) -> Array:
    r"""Doppler shifts of the rays over the largest one, [RAYS].

    ``jakes`` is the classical spectrum of rays in a plane, at the midpoints of RAYS equal sectors; ``flat`` that of
    rays from all of space. All rays have equal mean power and independent complex normal amplitudes, so that the sum
    is exactly a Gaussian process, whose autocorrelation is `ray_correlation`.
    """
    middle = (np.arange(RAYS) + 0.5) / RAYS
    return np.cos(math.pi * middle) if spectrum == "jakes" else 1.0 - 2.0 * middle


def ray_correlation(spectrum: str, cycles: Array) -> Array:
    r"""Autocorrelation at lags given in cycles of the largest Doppler shift, :math:`f_D \tau`.

    Within 1e-9 of :math:`J_0(2\pi f_D \tau)` for ``jakes`` up to 30 cycles; for ``flat`` that of
    :math:`\mathrm{sinc}(2 f_D \tau)` within 1 % of one up to 10.
    """
    turns = 2.0 * math.pi * np.asarray(cycles)[..., None] * ray_cosines(spectrum)
    return np.asarray(np.cos(turns).mean(-1), np.float64)


def multipath(keys: tf.Tensor, slots: int, doppler_cycles: tf.Tensor, spectrum: str) -> tuple[tf.Tensor, tf.Tensor]:
    """Real and imaginary part of a process of unit power, each float32 [slots, pass].

    Parameters
    ----------
    keys : uint32 [pass, 2]
        A process per key.
    slots : int
        Instants, one a slot.
    doppler_cycles : float64 scalar
        Largest Doppler shift times slot duration.
    spectrum : str
        ``jakes`` or ``flat``.
    """
    weight = random.complex_normal(random.stream(keys, "multipath"), (RAYS,))
    amplitude = tf.concat([tf.math.real(weight), tf.math.imag(weight)], 1) * math.sqrt(1.0 / RAYS)
    cycles = tf.range(slots, dtype=tf.float64)[:, None] * doppler_cycles * tf.constant(ray_cosines(spectrum))
    cosine, sine = phasor(tf.cast(cycles - tf.round(cycles), tf.float32))
    real = tf.matmul(tf.concat([cosine, -sine], 1), amplitude, transpose_b=True)
    imaginary = tf.matmul(tf.concat([sine, cosine], 1), amplitude, transpose_b=True)
    return real, imaginary
