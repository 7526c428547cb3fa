"""Link geometry: shapes, masks, special directions, compiled graphs; slant range in closed form."""

from datetime import UTC, datetime

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from ntn6g.core.constants import EARTH_RADIUS_M
from ntn6g.core.errors import ScenarioError
from ntn6g.orbit import (
    CircularOrbit,
    FixedTerminal,
    State,
    Times,
    link_geometry,
    slant_range_m,
    stack_states,
)

EPOCH = datetime(2026, 4, 25, 12, tzinfo=UTC)
BEIJING = FixedTerminal(latitude_rad=np.radians(39.9), longitude_rad=np.radians(116.4), altitude_m=50.0)
TIMES = Times(EPOCH, np.arange(0.0, 6400.0, 100.0))
FIELDS = [
    "range_m",
    "range_rate_m_s",
    "range_acceleration_m_s2",
    "light_time_s",
    "elevation_rad",
    "azimuth_rad",
    "off_nadir_rad",
]
elevations_rad = st.floats(0.0, np.pi / 2)
altitudes_m = st.floats(160e3, 36_000e3)


def orbit(**changed):
    numbers = {
        "altitude_m": 600e3,
        "inclination_rad": 0.9,
        "raan_rad": 2.0,
        "argument_of_latitude_rad": 1.0,
        "epoch": EPOCH,
    }
    return CircularOrbit(**{**numbers, **changed})


def f64(value):
    return tf.constant(value, tf.float64)


def test_compiled_geometry_equals_eager():
    @tf.function(jit_compile=True)
    def compiled(altitude_m, raan_rad, offset_s):
        state = orbit(altitude_m=altitude_m, raan_rad=raan_rad).state(Times(EPOCH, offset_s))
        return link_geometry(state, BEIJING, mask_rad=0.1)

    eager = link_geometry(orbit().state(TIMES), BEIJING, mask_rad=0.1)
    fused = compiled(f64(600e3), f64(2.0), f64(TIMES.offset_s))

    for field in FIELDS:
        scale = float(np.abs(getattr(eager, field)).max())
        np.testing.assert_allclose(getattr(fused, field), getattr(eager, field), rtol=0, atol=1e-12 * scale)
    np.testing.assert_array_equal(fused.visible, eager.visible)


def test_records_enter_and_leave_compiled_functions_whole():
    state = orbit().state(TIMES)

    compiled = tf.function(lambda given: link_geometry(given, BEIJING), jit_compile=True)

    np.testing.assert_allclose(compiled(state).range_m, link_geometry(state, BEIJING).range_m, rtol=1e-14)
    assert compiled.experimental_get_tracing_count() == 1
    compiled(orbit(raan_rad=1.0).state(TIMES))
    assert compiled.experimental_get_tracing_count() == 1  # other values, same structure


def test_links_and_terminals_broadcast():
    satellites = [orbit(raan_rad=raan_rad) for raan_rad in (0.0, 1.0, 2.0)]
    terminals = FixedTerminal(latitude_rad=f64([0.1, 0.2, 0.3]), longitude_rad=f64([1.0, 2.0, 3.0]))
    stacked = stack_states([each.state(TIMES) for each in satellites])
    at_once = orbit(raan_rad=f64([0.0, 1.0, 2.0])).state(TIMES)

    seen = link_geometry(stacked, terminals)

    assert seen.range_m.shape == (3, 64)
    np.testing.assert_allclose(at_once.position_ecef_m, stacked.position_ecef_m, rtol=0, atol=1e-8)
    for index, each in enumerate(satellites):
        alone = link_geometry(
            each.state(TIMES),
            FixedTerminal(
                latitude_rad=float(terminals.latitude_rad[index]),
                longitude_rad=float(terminals.longitude_rad[index]),
            ),
        )
        np.testing.assert_allclose(seen.elevation_rad[index], alone.elevation_rad, rtol=0, atol=1e-12)


def test_visible_is_elevation_at_or_above_the_mask():
    seen = link_geometry(orbit().state(TIMES), BEIJING, mask_rad=0.2)

    np.testing.assert_array_equal(seen.visible, seen.elevation_rad.numpy() >= 0.2)
    assert 0 < seen.visible.numpy().sum() < 64


def fixed(east_m, north_m, up_m):
    """State at rest at an offset from Beijing."""
    axes = BEIJING.east_north_up.numpy()
    position = BEIJING.position_ecef_m.numpy() + np.array([east_m, north_m, up_m]) @ axes
    position = f64(position[None])
    return State(position, tf.zeros_like(position), tf.zeros_like(position))


@pytest.mark.parametrize(
    ("east_m", "north_m", "up_m", "azimuth_deg", "elevation_deg"),
    [
        (0, 1e6, 1e6, 0.0, 45.0),
        (1e6, 0, 1e6, 90.0, 45.0),
        (0, -1e6, 0, 180.0, 0.0),
        (-1e6, 0, -1e6, 270.0, -45.0),
    ],
)
def test_azimuth_runs_from_north_through_east(east_m, north_m, up_m, azimuth_deg, elevation_deg):
    seen = link_geometry(fixed(east_m, north_m, up_m), BEIJING)

    turn_deg = (np.degrees(seen.azimuth_rad[0]) - azimuth_deg + 180.0) % 360.0 - 180.0
    assert turn_deg == pytest.approx(0.0, abs=1e-9)
    assert np.degrees(seen.elevation_rad[0]) == pytest.approx(elevation_deg, abs=1e-9)


def test_overhead_nothing_is_nan_not_even_gradients():
    height_m = tf.Variable(600e3, dtype=tf.float64)
    with tf.GradientTape() as tape:
        up = BEIJING.east_north_up[2]
        position = (BEIJING.position_ecef_m + height_m * up)[None]
        seen = link_geometry(State(position, tf.zeros_like(position), tf.zeros_like(position)), BEIJING)
        total = tf.add_n([tf.reduce_sum(getattr(seen, field)) for field in FIELDS])

    assert np.isfinite(total)
    assert np.isfinite(tape.gradient(total, height_m))
    assert np.degrees(seen.elevation_rad[0]) == pytest.approx(90.0, abs=1e-6)


def test_off_nadir_obeys_the_law_of_sines():
    on_equator = FixedTerminal(latitude_rad=0.0, longitude_rad=1.0)  # the normal is radial there
    seen = link_geometry(orbit().state(TIMES), on_equator)
    site_m, satellite_m = 6_378_137.0, EARTH_RADIUS_M + 600e3

    expected = site_m * np.cos(seen.elevation_rad) / satellite_m

    np.testing.assert_allclose(np.sin(seen.off_nadir_rad), expected, rtol=0, atol=1e-12)


@given(elevations_rad, altitudes_m)
def test_slant_range_closes_the_triangle_with_the_earth_centre(elevation_rad, altitude_m):
    d_m = float(slant_range_m(f64(elevation_rad), f64(altitude_m)))

    law_of_cosines_m2 = EARTH_RADIUS_M**2 + d_m**2 + 2 * EARTH_RADIUS_M * d_m * np.sin(elevation_rad)
    assert law_of_cosines_m2 == pytest.approx((EARTH_RADIUS_M + altitude_m) ** 2, rel=1e-12)


@given(elevations_rad, altitudes_m)
def test_single_precision_slant_range_loses_no_more_than_a_few_roundings(elevation_rad, altitude_m):
    low_rad, low_m = np.float32(elevation_rad), np.float32(altitude_m)
    single_m = slant_range_m(tf.constant(low_rad), tf.constant(low_m))
    sine = np.sin(np.float64(low_rad))
    exact_m = np.sqrt((EARTH_RADIUS_M * sine) ** 2 + np.float64(low_m) * (np.float64(low_m) + 2 * EARTH_RADIUS_M))

    eight_roundings = 8 * float(np.finfo(np.float32).eps)
    assert float(single_m) == pytest.approx(exact_m - EARTH_RADIUS_M * sine, rel=eight_roundings)


def test_slant_range_of_the_propagator_matches_the_closed_form():
    on_the_sphere = FixedTerminal(latitude_rad=0.0, longitude_rad=1.0, altitude_m=EARTH_RADIUS_M - 6_378_137.0)
    seen = link_geometry(orbit().state(TIMES), on_the_sphere)
    up = seen.elevation_rad > 0.0

    np.testing.assert_allclose(
        tf.boolean_mask(seen.range_m, up),
        slant_range_m(tf.boolean_mask(seen.elevation_rad, up), f64(600e3)),
        rtol=1e-12,
    )


def test_an_epoch_without_time_zone_is_refused():
    with pytest.raises(ScenarioError, match="no time zone"):
        Times(datetime(2026, 4, 25), np.zeros(1))


def test_an_altitude_in_kilometres_is_refused():
    with pytest.raises(ScenarioError, match="100 km"):
        orbit(altitude_m=600.0)


def test_a_latitude_in_degrees_is_refused():
    with pytest.raises(ScenarioError, match="latitude"):
        FixedTerminal(latitude_rad=39.9, longitude_rad=1.0)
