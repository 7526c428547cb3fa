"""A transparent payload: two hops of noise, delay and Doppler, and an amplifier that saturates."""

import numpy as np
import pytest
import tensorflow as tf

from ntn6g.channel.payload import rapp, transparent_cnr, transparent_delay_s, transparent_offset_hz
from ntn6g.core.constants import SPEED_OF_LIGHT_M_S


def test_equal_hops_lose_three_decibels_and_a_strong_feeder_nothing():
    assert float(transparent_cnr(10.0, 10.0)) == pytest.approx(5.0)
    assert float(transparent_cnr(1e9, 7.0)) == pytest.approx(7.0)
    assert float(transparent_cnr(2.0, 3.0)) == pytest.approx(1 / (1 / 2 + 1 / 3))


def test_shared_power_is_what_an_amplifying_relay_measures():
    """A relay of fixed output power that forwards signal and noise, simulated."""
    rng = np.random.default_rng(3)
    first, second, count = 4.0, 6.0, 400_000
    signal, noise_1, noise_2 = ((rng.normal(size=(2, count)) * [[1], [1j]]).sum(0) / np.sqrt(2) for _ in range(3))
    relayed = signal + noise_1 / np.sqrt(first)
    relayed /= np.sqrt(np.mean(np.abs(relayed) ** 2))
    received = relayed + noise_2 / np.sqrt(second)
    gain = np.vdot(signal, received) / np.vdot(signal, signal)
    measured = np.abs(gain) ** 2 * np.mean(np.abs(signal) ** 2) / np.mean(np.abs(received - gain * signal) ** 2)

    # 400 000 samples: the ratio is known to 0.4 %
    assert float(transparent_cnr(first, second, shares_power=True)) == pytest.approx(measured, rel=0.01)


def test_delay_adds_up_over_both_hops():
    delay_s = transparent_delay_s(tf.constant(1932e3, tf.float64), tf.constant(1932e3, tf.float64))

    # TR 38.821, Table 5.3.2.1-1: 25.77 ms round trip over a LEO at 600 km with a transparent payload at 10 degrees
    assert 2 * float(delay_s) == pytest.approx(25.77e-3, abs=0.02e-3)


def test_offset_is_that_of_a_wave_followed_through_both_hops():
    """A tone sent by the gateway, shifted, translated by a local oscillator on board, shifted again."""
    feeder_hz, service_hz = 28e9, 20e9
    rates = {"feeder": 6.1e3, "service": -5.3e3}
    at_satellite = feeder_hz * (1 - rates["feeder"] / SPEED_OF_LIGHT_M_S)
    sent_down = at_satellite - (feeder_hz - service_hz)
    received = sent_down * (1 - rates["service"] / SPEED_OF_LIGHT_M_S)

    offset_hz = transparent_offset_hz(
        service_carrier_hz=service_hz,
        feeder_carrier_hz=feeder_hz,
        service_range_rate_m_s=tf.constant(rates["service"], tf.float64),
        feeder_range_rate_m_s=tf.constant(rates["feeder"], tf.float64),
    )

    assert float(offset_hz) == pytest.approx(received - service_hz, abs=1e-3)


def test_the_amplifier_is_linear_below_and_flat_above():
    amplitude = np.array([1e-4, 1e-2, 1.0, 10.0, 1e4, 1e9])
    turned = np.exp(0.7j)

    out = rapp(tf.constant(amplitude * turned, tf.complex64), saturation=1.0, smoothness=2.0).numpy()

    assert np.angle(out) == pytest.approx(np.full(6, 0.7), abs=1e-6)
    assert np.abs(out) == pytest.approx([1e-4, 1e-2, 2**-0.25, 10 / (1 + 1e4) ** 0.25, 1.0, 1.0], rel=1e-5)


def test_the_amplifier_has_a_gradient():
    amplitude = tf.constant([0.0, 0.5, 1.5])
    with tf.GradientTape() as tape:
        tape.watch(amplitude)
        out = tf.reduce_sum(tf.math.real(rapp(tf.cast(amplitude, tf.complex64))))
    slope = tape.gradient(out, amplitude).numpy()

    x = amplitude.numpy()
    assert slope == pytest.approx((1 + x**4) ** -1.25, rel=1e-4)  # by hand for p = 2
