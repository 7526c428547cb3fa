"""A terminal's own fading: a line of sight that may be blocked, and multipath that is a Gaussian process."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from ntn6g.channel.response import phasor
from ntn6g.core import random

Array = np.ndarray[Any, np.dtype[np.float64]]

RAYS = 128  # at least
_FOLLOWED = 38.0  # cycles over which 128 rays are Clarke's process; more rays follow it in proportion


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


def rays_for(cycles: float) -> int:
    """Rays whose sum keeps its autocorrelation over lags of so many cycles of the largest Doppler shift."""
    return RAYS * max(1, math.ceil(cycles / _FOLLOWED))


def ray_cosines(spectrum: str, rays: int = RAYS) -> Array:
    r"""Doppler shifts of the rays over the largest one, [rays].

    ``jakes`` is the classical spectrum of rays in a plane, at the midpoints of equal sectors; ``flat`` that of
    rays from all of space. All rays have equal mean power and independent complex normal amplitudes, so that the sum
    is exactly a Gaussian process, whose autocorrelation is `ray_correlation`.
    """
    middle = (np.arange(rays) + 0.5) / rays
    return np.cos(math.pi * middle) if spectrum == "jakes" else 1.0 - 2.0 * middle


def ray_correlation(spectrum: str, cycles: Array, rays: int = RAYS) -> Array:
    r"""Autocorrelation at lags given in cycles of the largest Doppler shift, :math:`f_D \tau`.

    With 128 rays within 1e-9 of :math:`J_0(2\pi f_D \tau)` for ``jakes`` up to 30 cycles, and 1e-3 up to 38; for
    ``flat`` within 0.01 of :math:`\mathrm{sinc}(2 f_D \tau)`. Further on the rays come into step again (`rays_for`).
    """
    turns = 2.0 * math.pi * np.asarray(cycles)[..., None] * ray_cosines(spectrum, rays)
    return np.asarray(np.cos(turns).mean(-1), np.float64)


def multipath(
    keys: tf.Tensor, slots: int, doppler_cycles: tf.Tensor, spectrum: str, rays: int = RAYS
) -> tuple[tf.Tensor, tf.Tensor]:
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
    rays : int
        Of the sum.
    """
    weight = random.complex_normal(random.stream(keys, "multipath"), (rays,))
    amplitude = tf.concat([tf.math.real(weight), tf.math.imag(weight)], 1) * math.sqrt(1.0 / rays)
    cycles = tf.range(slots, dtype=tf.float64)[:, None] * doppler_cycles * tf.constant(ray_cosines(spectrum, rays))
    cosine, sine = phasor(tf.cast(cycles - tf.round(cycles), tf.float32))
    real = tf.matmul(tf.concat([cosine, -sine], 1), amplitude, transpose_b=True)
    imaginary = tf.matmul(tf.concat([sine, cosine], 1), amplitude, transpose_b=True)
    return real, imaginary
