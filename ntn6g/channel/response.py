"""From paths to subcarriers: unit phasors and the frequency response of a realization."""

import math
from typing import Any

import numpy as np
import tensorflow as tf

from ntn6g.channel.realization import ChannelRealization


def _fitted(function: Any) -> list[float]:
    """Coefficients in powers of u = x^2 on |x| <= 1/2, interpolated at the Chebyshev points of degree 6.

    Within 3e-8 of cosine and sine, below one rounding of float32, where a Taylor series needs two terms more.
    """
    points = (1.0 + np.cos(math.pi * (np.arange(7) + 0.5) / 7)) / 8.0
    return [
        float(each) for each in np.linalg.solve(np.vander(points, increasing=True), function(2 * math.pi * points**0.5))
    ]


_COSINE = _fitted(np.cos)
_SINE = _fitted(lambda angle: 2.0 * math.pi * np.sin(angle) / angle)


def _polynomial(x: tf.Tensor, coefficients: list[float]) -> tf.Tensor:
    value = tf.constant(coefficients[-1], x.dtype)
    for coefficient in coefficients[-2::-1]:
        value = value * x + coefficient
    return value


def phasor(cycles: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    r"""Real and imaginary part of :math:`\exp(j 2\pi x)` for a phase in cycles.

    Only multiplications and additions, which XLA vectorises on a CPU: 1.7 times as fast there as ``tf.cos``
    with ``tf.sin``, and ten times as accurate at large phases, where those round 2 pi x first.
    Reducing in cycles is exact, hence within 1e-6 of the true value at any phase that float32 resolves.

    Parameters
    ----------
    cycles : [...], float32
        Phase over 2 pi.

    Returns
    -------
    tuple of [...], float32
        Cosine and sine.
    """
    turn = cycles - tf.round(cycles)
    square = turn * turn
    return _polynomial(square, _COSINE), turn * _polynomial(square, _SINE)


def once(values: tf.Tensor, like: tf.Tensor) -> tf.Tensor:
    """The same values, which XLA then computes once instead of again for every consumer that repeats them.

    XLA on a CPU fuses chains of multiplications and additions into whatever broadcasts them, and repeats them there;
    a division it counts as expensive and keeps. Dividing by a one that it cannot foresee is exact; one for all, because
    a one for each would be computed each time.

    Parameters
    ----------
    values : [...], float
        What is to be kept.
    like : tensor
        Any numbers, at least one.
    """
    word = tf.bitcast(tf.cast(tf.reshape(like, [-1])[0], tf.float32), tf.uint32)
    nothing = tf.bitwise.right_shift(
        tf.bitwise.right_shift(word, tf.constant(31, tf.uint32)), tf.constant(1, tf.uint32)
    )
    return values / (1.0 + tf.cast(nothing, values.dtype))


def frequency_response(realization: ChannelRealization, frequencies_hz: tf.Tensor) -> tf.Tensor:
    r"""Response :math:`H(t, f) = \sum_p g_p(t) \exp(-j 2\pi f \tau_p)` without the bulk terms.

    Parameters
    ----------
    realization : ChannelRealization
        With one antenna at each end.
    frequencies_hz : [F], float32
        Subcarrier frequencies relative to the carrier. Three float32 roundings of f tau leave the phase of a
        path 10 us late within 3 mrad at 200 MHz and 0.2 mrad at 10 MHz from the carrier.

    Returns
    -------
    [B, time, F], complex64
        Response; mean power one over draws.

    Raises
    ------
    ValueError
        More than one antenna at an end.
    """
    gain = realization.gain
    if gain.shape[1] != 1 or gain.shape[2] != 1:
        raise ValueError(f"one antenna at each end expected, got gain of shape {tuple(gain.shape)}")
    delay_s = realization.excess_delay_s
    like = delay_s[:, :, None]
    cosine, sine = (once(part, like) for part in phasor(-like * tf.cast(frequencies_hz, tf.float32)))
    pairs = tf.math.real(gain)[:, 0, 0, ..., None], tf.math.imag(gain)[:, 0, 0, ..., None]
    real, imaginary = 0.0, 0.0
    for path in range(gain.shape[3]):  # unrolled, it runs along the subcarriers; a sum over an axis does not
        (a, b), (c, d) = (part[:, path] for part in pairs), (part[:, path, None] for part in (cosine, sine))
        real, imaginary = real + (a * c - b * d), imaginary + (a * d + b * c)
    return tf.complex(real, imaginary)
