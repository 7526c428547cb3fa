"""Bulk terms and fading together describe one moving link: nothing is counted twice, nothing is left out."""

import numpy as np
import pytest
import tensorflow as tf

from ntn6g.channel import TappedDelayLine, ntn_tdl_profile
from ntn6g.core.constants import SPEED_OF_LIGHT_M_S

ROWS = 64
CARRIER_HZ = 20e9
TIMES_S = np.linspace(0.0, 1e-3, 29)
# a satellite in low orbit, approaching or receding, near culmination or far from it
RANGE_M = np.linspace(600e3, 2_000e3, ROWS)
RATE_M_S = np.linspace(-7_000.0, 7_000.0, ROWS)
ACCELERATION_M_S2 = np.linspace(10.0, 95.0, ROWS)
TERMINAL_M_S = 30.0  # motion with 0.7 of its speed towards the satellite


@pytest.fixture(scope="module")
def moving():
    fading = TappedDelayLine(ntn_tdl_profile("C"))(
        tf.constant(np.random.default_rng(7).integers(0, 2**32, (ROWS, 2), dtype=np.uint32)),
        times_s=tf.constant(TIMES_S, tf.float32),
        delay_spread_s=tf.fill([ROWS], np.float32(10e-9)),
        doppler_hz=tf.fill([ROWS], np.float32(TERMINAL_M_S * CARRIER_HZ / SPEED_OF_LIGHT_M_S)),
        k_factor_db=tf.fill([ROWS], 100.0),  # a lone line of sight, to 1e-5 of its amplitude
    )
    return fading.with_bulk(
        delay_s=RANGE_M / SPEED_OF_LIGHT_M_S,
        range_rate_m_s=RATE_M_S,
        range_acceleration_m_s2=ACCELERATION_M_S2,
        carrier_hz=CARRIER_HZ,
    )


def test_gain_then_bulk_terms_equal_a_directly_sampled_moving_satellite(moving):
    gain = moving.gain.numpy()[:, 0, 0, 0].astype(complex)
    doppler_hz, rate_hz_s = moving.bulk_doppler_hz.numpy(), moving.bulk_doppler_rate_hz_s.numpy()
    cycles = doppler_hz[:, None] * TIMES_S + 0.5 * rate_hz_s[:, None] * TIMES_S**2
    assembled = gain * np.exp(2j * np.pi * cycles)

    # phase of a carrier after travelling d(t), in integers of 2 pi taken from double precision
    distance_m = RANGE_M[:, None] + RATE_M_S[:, None] * TIMES_S + 0.5 * ACCELERATION_M_S2[:, None] * TIMES_S**2
    distance_m = distance_m - 0.7 * TERMINAL_M_S * TIMES_S
    sampled = np.exp(-2j * np.pi * np.mod(CARRIER_HZ * (distance_m / SPEED_OF_LIGHT_M_S), 1.0))

    turned = assembled * np.conj(sampled)
    error_rad = np.angle(turned * np.conj(turned[:, :1]))
    # 1e-8 of scattered power is 1e-4 of amplitude at worst over both instants; float64 holds 1.3e8 cycles of
    # carrier to 1e-7 rad, float32 the terminal's 1.4 cycles to 1e-6 rad. One Doppler counted twice: 9 rad.
    assert np.abs(error_rad).max() < 2e-4


def test_delay_terms_are_the_geometry_over_the_speed_of_light(moving):
    at_end_s = moving.bulk_delay_s.numpy() + moving.bulk_delay_rate.numpy() * 1e-3
    expected_s = (RANGE_M + RATE_M_S * 1e-3) / SPEED_OF_LIGHT_M_S
    assert at_end_s == pytest.approx(expected_s, rel=4e-16)  # two float64 roundings
    assert np.all(moving.bulk_doppler_hz.numpy()[RATE_M_S < 0] > 0)  # closing is positive


def test_bulk_terms_leave_the_gain_alone_and_masks_and_losses_pass_through(moving):
    marked = moving.with_bulk(
        delay_s=np.zeros(ROWS),
        range_rate_m_s=np.zeros(ROWS),
        range_acceleration_m_s2=np.zeros(ROWS),
        carrier_hz=CARRIER_HZ,
        path_loss_db=np.full(ROWS, 180.0),
        valid=tf.constant(RATE_M_S < 0),
    )
    assert marked.gain is moving.gain
    assert marked.path_loss_db.dtype == tf.float32
    assert np.all(marked.path_loss_db == 180.0)
    assert np.array_equal(marked.valid, RATE_M_S < 0)
