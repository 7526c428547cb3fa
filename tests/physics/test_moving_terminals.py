"""Terminals and platforms that move: rates are derivatives, speeds are kept, a link of two movers is symmetric."""

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ntn6g.orbit import (
    GEOSTATIONARY_ALTITUDE_M,
    CirclingPlatform,
    CircularOrbit,
    CruisingTerminal,
    FixedTerminal,
    Times,
    find_passes,
    link_geometry,
)

EPOCH = datetime(2026, 4, 25, 12, tzinfo=UTC)
SATELLITE = CircularOrbit(
    altitude_m=600e3, inclination_rad=0.9, raan_rad=2.0, argument_of_latitude_rad=1.0, epoch=EPOCH
)
PLATFORMS = {
    "aircraft": CruisingTerminal(
        latitude_rad=0.9, longitude_rad=0.1, altitude_m=11e3, course_rad=5.0, speed_m_s=250.0, epoch=EPOCH
    ),
    "train": CruisingTerminal(latitude_rad=0.6, longitude_rad=2.0, course_rad=0.3, speed_m_s=97.0, epoch=EPOCH),
    "haps": CirclingPlatform(
        latitude_rad=0.2, longitude_rad=1.0, altitude_m=20e3, radius_m=3e3, speed_m_s=30.0, epoch=EPOCH
    ),
}


def steps(values, h):
    slope = (values[0] - 8 * values[1] + 8 * values[3] - values[4]) / (12 * h)
    bend = (-values[0] + 16 * values[1] - 30 * values[2] + 16 * values[3] - values[4]) / (12 * h**2)
    return slope, bend


@pytest.mark.parametrize("name", PLATFORMS)
def test_velocity_and_acceleration_are_derivatives(name):
    platform, offset_s, h = PLATFORMS[name], np.arange(0.0, 7_200.0, 301.0), 2.0
    slope, bend = steps(
        [platform.state(Times(EPOCH, offset_s + k * h)).position_ecef_m.numpy() for k in range(-2, 3)], h
    )
    state = platform.state(Times(EPOCH, offset_s))

    np.testing.assert_allclose(state.velocity_ecef_m_s, slope, rtol=0, atol=1e-6)
    np.testing.assert_allclose(state.acceleration_ecef_m_s2, bend, rtol=0, atol=1e-7)


@given(st.floats(-1.5, 1.5), st.floats(0.0, 6.28), st.floats(0.0, 20e3))
@settings(max_examples=30, deadline=None)
def test_a_course_starts_in_its_direction_at_its_speed(latitude_rad, course_rad, altitude_m):
    moving = CruisingTerminal(
        latitude_rad=latitude_rad, longitude_rad=1.0, altitude_m=altitude_m, course_rad=course_rad,
        speed_m_s=200.0, epoch=EPOCH,
    )  # fmt: skip
    site = moving.site(Times(EPOCH, np.array([0.0, 3_600.0])))
    velocity = site.velocity_ecef_m_s.numpy()

    speed = np.linalg.norm(velocity, axis=1)
    assert speed[0] == pytest.approx(200.0, rel=4e-3)  # off the principal directions the normal turns sideways too
    assert abs(speed[1] / 200.0 - 1) < 0.01
    eastward, northward = (velocity[0] @ axis.numpy()[0] for axis in (site.east, site.north))
    turn = np.remainder(np.arctan2(eastward, northward) - course_rad + np.pi, 2 * np.pi) - np.pi
    assert abs(turn) < 4e-3
    assert abs(velocity[0] @ site.up.numpy()[0]) < 1e-9


def test_a_terminal_that_stands_is_a_fixed_one():
    fixed = FixedTerminal(latitude_rad=0.7, longitude_rad=2.0, altitude_m=100.0)
    still = CruisingTerminal(
        latitude_rad=0.7, longitude_rad=2.0, altitude_m=100.0, course_rad=1.0, speed_m_s=0.0, epoch=EPOCH
    )
    times = Times(EPOCH, np.arange(0.0, 6_000.0, 60.0))
    state = SATELLITE.state(times)

    ours, theirs = link_geometry(state, still.site(times)), link_geometry(state, fixed)
    for one, two in zip(ours.__tf_flatten__()[1], theirs.__tf_flatten__()[1], strict=True):
        np.testing.assert_allclose(one.numpy().astype(float), two.numpy().astype(float), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", PLATFORMS)
def test_range_rate_to_a_moving_terminal_is_the_slope_of_range(name):
    terminal, offset_s, h = PLATFORMS[name], np.arange(0.0, 6_000.0, 97.0), 1.0

    def seen(shift_s):
        times = Times(EPOCH, offset_s + shift_s)
        return link_geometry(SATELLITE.state(times), terminal.site(times))

    slope, bend = steps([seen(k * h).range_m.numpy() for k in range(-2, 3)], h)
    now = seen(0.0)
    np.testing.assert_allclose(now.range_rate_m_s, slope, rtol=0, atol=1e-4)  # h^4 x''''' / 30 near the zenith
    np.testing.assert_allclose(now.range_acceleration_m_s2, bend, rtol=0, atol=1e-4)


def test_an_aircraft_changes_the_range_rate_by_its_speed_along_the_line():
    aircraft = PLATFORMS["aircraft"]
    times = Times(EPOCH, np.arange(0.0, 6_000.0, 60.0))
    site, state = aircraft.site(times), SATELLITE.state(times)
    line = state.position_ecef_m.numpy() - site.position_ecef_m.numpy()
    line /= np.linalg.norm(line, axis=1, keepdims=True)

    moving = link_geometry(state, site).range_rate_m_s.numpy()
    held = (line * state.velocity_ecef_m_s.numpy()).sum(1)

    np.testing.assert_allclose(moving - held, -(line * site.velocity_ecef_m_s.numpy()).sum(1), rtol=0, atol=1e-9)
    assert np.abs(moving - held).max() > 100.0


def test_a_platform_keeps_its_circle():
    haps = PLATFORMS["haps"]
    centre = FixedTerminal(latitude_rad=0.2, longitude_rad=1.0, altitude_m=20e3).position_ecef_m.numpy()
    state = haps.state(Times(EPOCH, np.arange(0.0, 3_600.0, 10.0)))

    np.testing.assert_allclose(np.linalg.norm(state.position_ecef_m - centre, axis=1), 3e3, rtol=0, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(state.velocity_ecef_m_s, axis=1), 30.0, rtol=1e-12)


def test_the_geostationary_radius_is_the_published_one():
    # 42 164 km: ITU-R S.484 and every handbook, to the kilometre
    assert pytest.approx(42_164.0, abs=0.5) == (GEOSTATIONARY_ALTITUDE_M + 6_378_137.0) / 1e3


def test_passes_over_a_moving_terminal_rise_and_set_at_the_mask():
    aircraft, mask_rad = PLATFORMS["aircraft"], np.radians(10.0)

    passes = find_passes(SATELLITE, aircraft, EPOCH, 86_400.0, mask_rad)

    assert passes
    for each in passes:
        times = Times(EPOCH, np.array([each.rise_s, each.set_s, each.culmination_s - 1, each.culmination_s]))
        seen = link_geometry(SATELLITE.state(times), aircraft.site(times)).elevation_rad.numpy()
        np.testing.assert_allclose(seen[:2], mask_rad, rtol=0, atol=1e-8)
        assert seen[3] == pytest.approx(each.culmination_elevation_rad, abs=1e-9)
        assert seen[2] <= seen[3]
