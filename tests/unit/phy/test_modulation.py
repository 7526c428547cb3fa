"""Mapping and demapping: the standard's points, exact ratios, the nearest point."""

import numpy as np
import pytest
import tensorflow as tf
from sionna.phy.mapping import Demapper

from ntn6g.phy import BITS_PER_SYMBOL, Modulation

SQUARE = [name for name, bits in BITS_PER_SYMBOL.items() if bits > 1]


def all_labels(bits):
    return (np.arange(2**bits)[:, None] >> np.arange(bits)[::-1]) & 1


def ts38211_point(bits):
    """TS 38.211 V18.4.0 5.1.3 to 5.1.6: one axis of QPSK, 16QAM, 64QAM, 256QAM, nested."""
    value = 1.0
    for level, bit in enumerate(reversed(bits[1:])):
        value = 2.0 ** (level + 1) - (1 - 2 * bit) * value
    return (1 - 2 * bits[0]) * value


@pytest.mark.parametrize("name", ["qpsk", "16qam", "64qam", "256qam"])
def test_points_are_those_of_ts38211_5_1(name):
    labels = all_labels(BITS_PER_SYMBOL[name])
    scale = {"qpsk": 2, "16qam": 10, "64qam": 42, "256qam": 170}[name]
    expected = [complex(ts38211_point(b[0::2]), ts38211_point(b[1::2])) / np.sqrt(scale) for b in labels]

    points = Modulation(name).map(tf.constant(labels, tf.float32))[:, 0]

    np.testing.assert_allclose(points, expected, atol=1e-6)  # float32 roundings


@pytest.mark.parametrize("name", SQUARE)
@pytest.mark.parametrize("esno_db", [-5.0, 10.0])
def test_ratios_equal_sionnas_exact_demapper(name, esno_db):
    modulation = Modulation(name)
    rng = np.random.default_rng(3)
    symbols = tf.constant(rng.normal(size=(4, 64)) + 1j * rng.normal(size=(4, 64)), tf.complex64)
    noise = tf.constant(10 ** (-esno_db / 10) * rng.uniform(0.5, 2.0, (4, 64)), tf.float32)

    expected = Demapper("app", "qam", modulation.bits_per_symbol)(symbols, noise)

    # float32 roundings of squared distances over noise, the largest about 200
    np.testing.assert_allclose(modulation.llr(symbols, noise), expected, rtol=2e-4, atol=2e-3)


def test_bpsk_ratio_is_its_textbook_form():
    symbols = tf.constant([[0.3 + 2.0j, -1.1 - 0.5j]], tf.complex64)

    ratio = Modulation("bpsk").llr(symbols, tf.constant([[0.5, 0.25]]))

    sent_for_zero = float(np.real(Modulation("bpsk").map(tf.constant([[0.0]]))[0, 0]))
    np.testing.assert_allclose(ratio, [[-4 * 0.3 / 0.5 * sent_for_zero, 4 * 1.1 / 0.25 * sent_for_zero]], rtol=1e-5)


@pytest.mark.parametrize("name", list(BITS_PER_SYMBOL))
def test_noiseless_decisions_return_the_bits(name):
    modulation = Modulation(name)
    labels = tf.constant(all_labels(modulation.bits_per_symbol).reshape(1, -1), tf.float32)
    symbols = modulation.map(labels)

    np.testing.assert_array_equal(modulation.decide(symbols), labels)
    np.testing.assert_array_equal(modulation.llr(symbols, tf.fill(symbols.shape, 1e-3)) > 0, labels == 1.0)


def test_ratios_stay_finite_far_from_every_point():
    ratio = Modulation("256qam").llr(tf.constant([[40.0 - 40.0j]], tf.complex64), tf.constant([[1e-4]]))

    assert np.isfinite(ratio).all()
