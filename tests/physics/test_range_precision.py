"""Ranges of thousands of kilometres, to a small part of a wavelength: what single precision would make random."""

import math
from datetime import UTC, datetime
from fractions import Fraction

import numpy as np
import tensorflow as tf

from ntn6g import orbit
from ntn6g.channel import ChannelRealization
from ntn6g.core.constants import SPEED_OF_LIGHT_M_S

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
SATELLITE = orbit.CircularOrbit(
    altitude_m=600e3, inclination_rad=1.2, raan_rad=0.3, argument_of_latitude_rad=0.6, epoch=EPOCH
)
TIMES = orbit.Times(EPOCH, np.linspace(0.0, 60.0, 64))


def seen(altitude_m):
    """The satellite from a terminal almost below it."""
    state = SATELLITE.state(orbit.Times(EPOCH, np.zeros(1)))
    x, y, z = (float(each) for each in np.ravel(state.position_ecef_m.numpy()))
    terminal = orbit.FixedTerminal(
        latitude_rad=math.atan2(z, math.hypot(x, y)) + 0.02, longitude_rad=math.atan2(y, x), altitude_m=altitude_m
    )
    return orbit.link_geometry(SATELLITE.state(TIMES), terminal.site(TIMES), mask_rad=0.0)


def test_a_millimetre_of_height_is_a_millimetre_of_range():
    low, high = seen(100.0), seen(100.001)
    rise_m = (low.range_m - high.range_m).numpy().ravel()
    # d(range) = sin(elevation) d(height); float64 at 600 km holds 1e-10 m, single precision steps by 62.5 mm
    expected_m = 1e-3 * np.sin(low.elevation_rad.numpy().ravel())
    np.testing.assert_allclose(rise_m, expected_m, atol=1e-8)
    late_s = (low.light_time_s - high.light_time_s).numpy().ravel()
    np.testing.assert_allclose(late_s * SPEED_OF_LIGHT_M_S, expected_m, atol=2e-7)


def test_the_phase_of_the_line_of_sight_survives_the_realisation():
    """Cycles of 30 GHz over the light time, against integer arithmetic: 1e-6 of a cycle."""
    delay_s = seen(0.0).light_time_s.numpy().ravel()
    rows = len(delay_s)
    drawn = ChannelRealization.without_bulk(
        tf.ones([rows, 1, 1, 1, 1], tf.complex64), tf.zeros([rows, 1], tf.float32)
    ).with_bulk(
        delay_s=delay_s, range_rate_m_s=np.zeros(rows), range_acceleration_m_s2=np.zeros(rows), carrier_hz=30e9
    )
    assert drawn.bulk_delay_s.dtype == tf.float64
    found = np.mod(30e9 * drawn.bulk_delay_s.numpy(), 1.0)
    exact = np.array([float(30_000_000_000 * Fraction(float(each)) % 1) for each in delay_s])
    aside = found - exact
    assert np.abs(aside - np.round(aside)).max() < 1e-6
