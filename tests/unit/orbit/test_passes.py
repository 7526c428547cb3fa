"""Passes: none lost, none invented, elevations as asked, refusals in words."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from ntn6g.core.errors import ScenarioError
from ntn6g.orbit import (
    CircularOrbit,
    ElementSet,
    FixedTerminal,
    State,
    find_passes,
    link_geometry,
    next_pass,
    time_at_elevation,
)

LINES = (Path(__file__).parents[2] / "reference/data/orbit_element_sets.tle").read_text().splitlines()
GUOWANG = ElementSet(LINES[1], LINES[2], LINES[0])
BEIJING = FixedTerminal(latitude_rad=np.radians(39.9), longitude_rad=np.radians(116.4), altitude_m=50.0)
AFTER = datetime(2026, 4, 25, 12, tzinfo=UTC)
MASK_RAD = np.radians(10.0)
DAY_S = 86_400.0


def elevation_rad(pass_, offset_s):
    times = pass_.sight.times(np.atleast_1d(offset_s))
    return link_geometry(pass_.sight.satellite.state(times), pass_.sight.terminal).elevation_rad.numpy()


def test_elevation_is_the_mask_at_rise_and_set_and_highest_at_culmination():
    for each in find_passes(GUOWANG, BEIJING, AFTER, 3 * DAY_S, MASK_RAD):
        np.testing.assert_allclose(elevation_rad(each, [each.rise_s, each.set_s]), MASK_RAD, rtol=0, atol=1e-7)
        around = elevation_rad(each, np.linspace(each.rise_s, each.set_s, 2001))
        assert around.min() > MASK_RAD - 1e-7
        assert around.max() <= each.culmination_elevation_rad + 1e-12


def test_passes_cover_exactly_the_visible_instants_of_a_fine_grid():
    passes = find_passes(GUOWANG, BEIJING, AFTER, DAY_S, MASK_RAD)
    grid_s = np.arange(0.0, DAY_S, 1.0)

    inside = np.zeros(grid_s.size, bool)
    for each in passes:
        inside |= (grid_s >= each.rise_s) & (grid_s <= each.set_s)

    np.testing.assert_array_equal(inside, elevation_rad(passes[0], grid_s) >= MASK_RAD)


def test_a_pass_of_two_seconds_between_samples_is_found():
    highest = next_pass(GUOWANG, BEIJING, AFTER, mask_rad=MASK_RAD)
    for shift_s in (0.0, 3.0, 7.0, 11.0, 17.0):  # wherever the samples fall
        mask_rad = highest.culmination_elevation_rad - 2e-6
        found = find_passes(GUOWANG, BEIJING, AFTER + timedelta(seconds=shift_s), 3600.0, mask_rad)

        assert len(found) == 1
        assert found[0].set_s - found[0].rise_s < 10.0
        assert abs((found[0].culmination - highest.culmination).total_seconds()) < 1e-3


class Swing:
    """A scripted platform: elevation 20 deg + 10 deg x sin(2 pi t / 1 h) - a notch, north, at 1000 km."""

    def __init__(self, notch_rad):
        self.notch_rad = notch_rad

    def elevation_rad(self, t):
        dip = self.notch_rad * np.exp(-(((t - 907.0) / 8.0) ** 2))
        return np.radians(20.0) + np.radians(10.0) * np.sin(2 * np.pi * t / 3600.0) - dip

    def state(self, times):
        axes = BEIJING.east_north_up.numpy()

        def position(t):
            angle = self.elevation_rad(t)[:, None]
            return BEIJING.position_ecef_m.numpy() + 1e6 * (np.cos(angle) * axes[1] + np.sin(angle) * axes[2])

        velocity = (position(times.offset_s + 1e-3) - position(times.offset_s - 1e-3)) / 2e-3
        return State(tf.constant(position(times.offset_s)), tf.constant(velocity), tf.zeros_like(velocity, tf.float64))


def test_a_short_dip_below_the_mask_splits_a_pass():
    mask_rad = np.radians(25.0)

    smooth = find_passes(Swing(0.0), BEIJING, AFTER, 3600.0, mask_rad)
    notched = find_passes(Swing(np.radians(5.2)), BEIJING, AFTER, 3600.0, mask_rad)

    assert [each.rise_s for each in smooth] == pytest.approx([300.0], abs=1e-3)  # sin = 1/2
    assert [each.set_s for each in smooth] == pytest.approx([1500.0], abs=1e-3)
    assert len(notched) == 2
    assert 0.0 < notched[1].rise_s - notched[0].set_s < 10.0


def test_a_pass_that_begins_inside_the_window_may_end_outside():
    whole = find_passes(GUOWANG, BEIJING, AFTER, DAY_S, MASK_RAD)

    cut = find_passes(GUOWANG, BEIJING, AFTER, whole[0].rise_s + 1.0, MASK_RAD)
    late = find_passes(GUOWANG, BEIJING, whole[0].rise + timedelta(seconds=1), 7200.0, MASK_RAD)

    assert [each.set_s for each in cut] == pytest.approx([whole[0].set_s], abs=1e-5)
    assert abs((late[0].rise - whole[1].rise).total_seconds()) < 1e-5  # the one under way is left out


@pytest.mark.parametrize("side", ["rising", "setting"])
def test_elevation_at_the_returned_time_is_the_one_asked_for(side):
    chosen = next_pass(GUOWANG, BEIJING, AFTER, min_culmination_rad=np.radians(80), mask_rad=MASK_RAD)
    asked_rad = np.radians([10.0, 20.0, 50.0, 80.0, np.degrees(chosen.culmination_elevation_rad)])

    found_s = time_at_elevation(chosen, asked_rad, side)

    # 1 microsecond of the fastest climb, 1 deg/s
    np.testing.assert_allclose(elevation_rad(chosen, found_s), asked_rad, rtol=0, atol=2e-8)
    later = found_s[:-1] > chosen.culmination_s
    assert later.all() if side == "setting" else not later.any()
    assert found_s[-1] == pytest.approx(chosen.culmination_s, abs=1.0)
    assert float(time_at_elevation(chosen, np.radians(50.0), side)) == pytest.approx(found_s[2], abs=1e-5)


def test_next_pass_skips_those_that_stay_too_low():
    next_pass(GUOWANG, BEIJING, AFTER, mask_rad=MASK_RAD)  # first calls load kernels
    began = time.perf_counter()
    chosen = next_pass(GUOWANG, BEIJING, AFTER, min_culmination_rad=np.radians(85), mask_rad=MASK_RAD)
    spent_s = time.perf_counter() - began

    print(f"\npass {chosen.culmination} found in {spent_s:.2f} s")
    every = find_passes(GUOWANG, BEIJING, AFTER, 3 * DAY_S, MASK_RAD)
    high = [each for each in every if each.culmination_elevation_rad >= np.radians(85)]
    assert len(every) > len(high) > 0
    assert abs((chosen.rise - high[0].rise).total_seconds()) < 1e-5


def test_an_elevation_above_the_culmination_names_the_culmination():
    chosen = next_pass(GUOWANG, BEIJING, AFTER, min_culmination_rad=np.radians(60), mask_rad=MASK_RAD)

    with pytest.raises(ScenarioError, match=r"at\.elevation_deg: 80 is above .* 68\.27 deg") as refused:
        time_at_elevation(chosen, np.radians(80.0), "rising")

    assert refused.value.key == "at.elevation_deg"


def test_an_elevation_below_the_mask_and_an_unknown_side_are_refused():
    chosen = next_pass(GUOWANG, BEIJING, AFTER, mask_rad=MASK_RAD)

    with pytest.raises(ScenarioError, match=r"at\.elevation_deg: 5 is below the mask"):
        time_at_elevation(chosen, np.radians(5.0), "rising")
    with pytest.raises(ScenarioError, match=r"at\.side: 'up'"):
        time_at_elevation(chosen, np.radians(15.0), "up")


def test_no_pass_high_enough_names_the_highest():
    with pytest.raises(ScenarioError, match=r"min_culmination_deg: 89; .* is 87\.20 deg") as refused:
        next_pass(
            GUOWANG,
            BEIJING,
            AFTER,
            min_culmination_rad=np.radians(89.0),
            mask_rad=MASK_RAD,
            within_days=2.5,
        )

    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("longitude_deg", [116.4, -60.0])
def test_a_geostationary_satellite_neither_loops_nor_crashes(longitude_deg):
    fixed = FixedTerminal(latitude_rad=0.0, longitude_rad=np.radians(longitude_deg), altitude_m=35_786e3)
    # two-body geosynchronous radius for one turn per sidereal day, 42 164 km
    moving = CircularOrbit(
        altitude_m=42_164_172.0 - 6_371e3,
        inclination_rad=0.0,
        raan_rad=0.0,
        argument_of_latitude_rad=np.radians(longitude_deg) + 4.0,
        epoch=AFTER,
    )
    for satellite in (fixed, moving):
        assert find_passes(satellite, BEIJING, AFTER, 3 * DAY_S, MASK_RAD) == []
        with pytest.raises(ScenarioError, match=r"at\.pass: no pass within 10 days"):
            next_pass(satellite, BEIJING, AFTER, mask_rad=MASK_RAD)
