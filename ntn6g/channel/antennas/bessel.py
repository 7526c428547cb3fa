"""Bessel function of the first kind and order one, from operations that compile for every device.

TensorFlow's own does not compile under XLA. The coefficients are fitted at import to SciPy's values.
"""

import math

import numpy as np
import tensorflow as tf
from numpy.polynomial import Chebyshev, Polynomial
from numpy.typing import NDArray
from scipy.special import j1, y1

from ntn6g.orbit.trigonometry import sin_cos

_TURN = 8.0  # series below, modulus and phase beyond
_NEAR_DEGREE, _FAR_DEGREE = 18, 13


def _near(t: NDArray[np.float64]) -> NDArray[np.float64]:
    """J1(x) / x over t = 2 (x / 8)^2 - 1."""
    x = _TURN * np.sqrt(np.maximum((t + 1.0) / 2.0, 1e-12))
    return np.asarray(j1(x) / x)


def _far(t: NDArray[np.float64], *, quadrature: bool) -> NDArray[np.float64]:
    """P and Q of Hankel's expansion over t = 2 (8 / x)^2 - 1; Q is given as Q x."""
    x = _TURN / np.sqrt(np.maximum((t + 1.0) / 2.0, 1e-8))
    scale, phase = np.sqrt(0.5 * math.pi * x), x - 0.75 * math.pi
    if quadrature:
        return np.asarray(scale * x * (y1(x) * np.cos(phase) - j1(x) * np.sin(phase)))
    return np.asarray(scale * (j1(x) * np.cos(phase) + y1(x) * np.sin(phase)))


def _powers(fit: Chebyshev) -> list[float]:
    return [float(c) for c in fit.convert(kind=Polynomial).coef]


_J1_OVER_X = _powers(Chebyshev.interpolate(_near, _NEAR_DEGREE))
_P = _powers(Chebyshev.interpolate(lambda t: _far(t, quadrature=False), _FAR_DEGREE))
_QX = _powers(Chebyshev.interpolate(lambda t: _far(t, quadrature=True), _FAR_DEGREE))


def _polynomial(coefficients: list[float], t: tf.Tensor) -> tf.Tensor:
    total = tf.zeros_like(t) + coefficients[-1]
    for coefficient in reversed(coefficients[:-1]):
        total = total * t + coefficient
    return total


def j1_over(x: tf.Tensor) -> tf.Tensor:
    r""":math:`J_1(x) / x`, smooth and 1/2 at zero.

    Parameters
    ----------
    x : [...], float64
        At most 1e6 in magnitude.

    Returns
    -------
    [...], float64
        Within 2e-12 of the true value.
    """
    x = tf.abs(tf.convert_to_tensor(x, tf.float64))
    near = tf.minimum(x, _TURN)
    series = _polynomial(_J1_OVER_X, 2.0 * (near / _TURN) ** 2 - 1.0)
    far = tf.maximum(x, _TURN)
    t = 2.0 * (_TURN / far) ** 2 - 1.0
    sine, cosine = sin_cos(far - 0.75 * math.pi)
    wave = _polynomial(_P, t) * cosine - _polynomial(_QX, t) / far * sine
    return tf.where(x < _TURN, series, tf.sqrt(2.0 / (math.pi * far)) * wave / far)
