"""Sine, cosine and arctangent against numpy's, to rounding; their gradients; special directions."""

import numpy as np
import pytest
import tensorflow as tf

from ntn6g.orbit.trigonometry import atan2, sin_cos

RNG = np.random.default_rng(4)


@pytest.mark.parametrize("largest_rad", [1.0, 1e3, 1e6])
def test_sines_and_cosines_equal_numpys(largest_rad):
    angle = np.concatenate([RNG.uniform(-largest_rad, largest_rad, 200_000), np.arange(-40, 41) * np.pi / 4])

    sine, cosine = tf.function(sin_cos, jit_compile=True, autograph=False)(tf.constant(angle))

    np.testing.assert_allclose(sine, np.sin(angle), rtol=0, atol=3e-16)  # two roundings
    np.testing.assert_allclose(cosine, np.cos(angle), rtol=0, atol=3e-16)


def test_arctangents_equal_numpys_in_every_quadrant():
    y, x = RNG.standard_normal((2, 200_000)) * 10.0 ** RNG.uniform(-9, 9, (2, 200_000))

    angle = tf.function(atan2, jit_compile=True, autograph=False)(tf.constant(y), tf.constant(x))

    np.testing.assert_allclose(angle, np.arctan2(y, x), rtol=0, atol=1e-15)  # two roundings near pi


def test_axes_are_exact_and_the_origin_is_a_value():
    y, x = np.array([0.0, 1.0, 0.0, -1.0, 0.0]), np.array([1.0, 0.0, -1.0, 0.0, 0.0])

    np.testing.assert_array_equal(atan2(tf.constant(y), tf.constant(x)), np.arctan2(y, x))


def test_gradients_are_the_closed_forms():
    x, y = tf.Variable(0.3, dtype=tf.float64), tf.Variable(-0.8, dtype=tf.float64)
    with tf.GradientTape(persistent=True) as tape:
        angle = atan2(y, x)
        sine, cosine = sin_cos(x)

    assert float(tape.gradient(angle, x)) == pytest.approx(0.8 / 0.73, rel=1e-14)
    assert float(tape.gradient(angle, y)) == pytest.approx(0.3 / 0.73, rel=1e-14)
    assert float(tape.gradient(sine, x)) == pytest.approx(np.cos(0.3), rel=1e-14)
    assert float(tape.gradient(cosine, x)) == pytest.approx(-np.sin(0.3), rel=1e-14)
