"""Phasors and frequency response against NumPy in double precision."""

import numpy as np
import pytest
import tensorflow as tf

from ntn6g.channel import ChannelRealization, TappedDelayLine, frequency_response, ntn_tdl_profile
from ntn6g.channel.response import phasor

SUBCARRIERS_HZ = (np.arange(300) - 149.5) * 120e3
ROWS = 64


@pytest.fixture(scope="module")
def drawn():
    rng = np.random.default_rng(5)
    gain = rng.normal(size=(ROWS, 1, 1, 3, 14)) + 1j * rng.normal(size=(ROWS, 1, 1, 3, 14))
    return ChannelRealization.without_bulk(
        tf.constant(gain, tf.complex64), tf.constant(rng.uniform(0, 2e-6, (ROWS, 3)), tf.float32)
    )


def exact(realization, frequencies_hz):
    delay_s = realization.excess_delay_s.numpy().astype(float)
    turned = np.exp(-2j * np.pi * delay_s[:, :, None] * frequencies_hz)
    return np.einsum("bpt,bpf->btf", realization.gain.numpy()[:, 0, 0].astype(complex), turned)


def test_phasor_is_within_a_microunit_of_the_circle_at_any_phase():
    cycles = np.random.default_rng(4).uniform(-1e4, 1e4, 100_000).astype(np.float32)
    cosine, sine = phasor(tf.constant(cycles))
    error = np.abs(cosine.numpy() + 1j * sine.numpy() - np.exp(2j * np.pi * cycles.astype(float)))
    assert error.max() < 1e-6  # eight float32 roundings of a number below one


@pytest.mark.parametrize("compiled", [False, True])
def test_response_is_the_sum_over_paths(drawn, compiled):
    respond = tf.function(frequency_response, jit_compile=compiled)
    response = respond(drawn, tf.constant(SUBCARRIERS_HZ, tf.float32)).numpy()

    assert response.shape == (ROWS, 14, 300)
    # phase error 2 pi x 3 roundings x 36 cycles (18 MHz, 2 us) = 4e-5 rad, times three gains of up to 5
    assert np.abs(response - exact(drawn, SUBCARRIERS_HZ)).max() < 15 * 4e-5


def test_response_at_the_carrier_is_the_sum_of_gains(drawn):
    response = frequency_response(drawn, tf.zeros([1])).numpy()[:, :, 0]
    assert response == pytest.approx(drawn.gain.numpy().sum(axis=(1, 2, 3)), abs=1e-5)  # roundings of a sum of 10


def test_gradient_in_the_delay_spread_is_that_of_a_central_difference():
    generator = TappedDelayLine(ntn_tdl_profile("A"))
    rng = np.random.default_rng(6)
    keys = tf.constant(rng.integers(0, 2**32, (ROWS, 2), dtype=np.uint32))
    spread_s = tf.fill([ROWS], np.float32(100e-9))
    tone_hz = np.array([1e6])
    with tf.GradientTape() as tape:
        tape.watch(spread_s)
        drawn = generator(keys, times_s=tf.zeros([1]), delay_spread_s=spread_s, doppler_hz=tf.fill([ROWS], 10.0))
        power = tf.abs(frequency_response(drawn, tf.constant(tone_hz, tf.float32))[:, 0, 0]) ** 2
    slope = tape.gradient(power, spread_s).numpy()

    def double_precision_power(scale):
        delay_s = drawn.excess_delay_s.numpy().astype(float) * scale
        turned = np.exp(-2j * np.pi * delay_s * tone_hz)
        return np.abs((drawn.gain.numpy()[:, 0, 0, :, 0] * turned).sum(1)) ** 2

    step = 1e-4
    difference = (double_precision_power(1 + step) - double_precision_power(1 - step)) / (2 * step) / 100e-9
    # float32 against a difference of relative error step^2; scaled by the largest slope of the batch
    assert np.abs(slope - difference).max() < 1e-5 * np.abs(difference).max()


def test_several_antennas_are_refused(drawn):
    two = ChannelRealization.without_bulk(tf.repeat(drawn.gain, 2, axis=1), drawn.excess_delay_s)
    with pytest.raises(ValueError, match="one antenna"):
        frequency_response(two, tf.zeros([1]))
