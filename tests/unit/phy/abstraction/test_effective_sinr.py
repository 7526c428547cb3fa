"""Effective-SINR mappings: flat blocks are left alone, laws of a mean, and the full chain on NTN-TDL channels."""

import numpy as np
import pytest
import tensorflow as tf

from ntn6g.phy.abstraction import ExponentialMapping, InformationMapping, bit_information, fitted_beta

ORDERS = (2, 4, 6, 8)


def mappings():
    return {
        "eesm": ExponentialMapping([1.5, 4.0, 12.0, 30.0]),
        "information": InformationMapping(ORDERS),
        "information, calibrated": InformationMapping(ORDERS, [1.2] * 4),
    }


def f32(values):
    return tf.constant(values, tf.float32)


@pytest.mark.parametrize("name", mappings())
class TestLaws:
    def test_a_flat_block_keeps_its_ratio(self, name):
        esno_db = np.array([-3.0, 5.0, 11.0, 17.0])
        found = mappings()[name](f32(np.repeat(10 ** (esno_db[:, None] / 10), 50, 1)), tf.range(4))

        # information is tabulated every 0.2 dB and flattens at its ends
        np.testing.assert_allclose(found, esno_db, atol=0.01)

    def test_it_lies_between_the_worst_element_and_the_mean_and_rises_with_every_element(self, name):
        rng = np.random.default_rng(2)
        sinr = rng.exponential(10.0, [64, 100])
        row = tf.constant(rng.integers(0, 4, 64), tf.int32)
        with tf.GradientTape() as tape:
            given = f32(sinr)
            tape.watch(given)
            found = mappings()[name](given, row)
        slope = tape.gradient(found, given).numpy()

        assert (found.numpy() <= 10 * np.log10(sinr.mean(1)) + 1e-3).all()
        assert (found.numpy() >= 10 * np.log10(sinr.min(1)) - 1e-3).all()
        assert np.isfinite(slope).all()
        assert (slope >= 0).all()
        assert (slope.sum(1) > 0).all()

    def test_the_order_of_the_elements_does_not_matter(self, name):
        sinr = np.random.default_rng(3).exponential(5.0, [4, 60])
        mapping = mappings()[name]
        np.testing.assert_allclose(mapping(f32(sinr), tf.range(4)), mapping(f32(sinr[:, ::-1]), tf.range(4)), atol=1e-4)

    def test_it_runs_inside_a_compiled_step(self, name):
        sinr, mapping = f32(np.random.default_rng(4).exponential(5.0, [4, 60])), mappings()[name]
        compiled = tf.function(mapping.__call__, jit_compile=True)
        np.testing.assert_allclose(compiled(sinr, tf.range(4)), mapping(sinr, tf.range(4)), atol=1e-4)


def test_two_levels_of_information_average():
    # elements of 0 and of full information in equal parts: the block carries half, whatever the modulation
    for place, order in enumerate(ORDERS):
        found_db = float(InformationMapping(ORDERS)(f32([[1e-4, 1e6]]), tf.constant([place]))[0])
        half, _ = bit_information(order, found_db)
        assert half == pytest.approx(0.5, abs=2e-3)


def test_eesm_equals_its_formula():
    sinr = np.array([[0.5, 2.0, 4.0, 9.0]])
    expected = -3.0 * np.log(np.mean(np.exp(-sinr / 3.0)))
    found = ExponentialMapping([3.0])(f32(sinr), tf.constant([0]))
    np.testing.assert_allclose(found, 10 * np.log10(expected), rtol=1e-5)


def test_the_fit_finds_the_bottom_of_a_parabola():
    candidates = 2.0 ** np.arange(-2, 3)
    assert fitted_beta(candidates, (np.log2(candidates) - 0.3) ** 2) == pytest.approx(2**0.3, rel=1e-6)
    assert fitted_beta(candidates, np.arange(5.0)) == pytest.approx(0.25)
