"""Ephemeris as a terminal has it: rounding, propagation against an integrator, age, errors of timing and Doppler."""

import math
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from ntn6g.core.constants import EARTH_ROTATION_RAD_S, SPEED_OF_LIGHT_M_S
from ntn6g.core.errors import ScenarioError
from ntn6g.orbit import (
    GEOSTATIONARY_ALTITUDE_M,
    BroadcastEphemeris,
    CircularOrbit,
    ElementSet,
    ElementSets,
    FixedTerminal,
    KeplerianOrbit,
    Times,
    common_timing,
    displaced,
    find_passes,
    link_geometry,
    orbital_message,
    predicted_state,
    state_vector_message,
    uplink_timing,
)
from ntn6g.orbit.ephemeris.message import POSITION_M, VELOCITY_M_S, epoch_state

LINES = (Path(__file__).parents[2] / "reference/data/orbit_element_sets.tle").read_text().splitlines()
SETS = [ElementSet(LINES[i + 1], LINES[i + 2], LINES[i]) for i in range(0, len(LINES), 3)]
LOW = [each for each in SETS if each.satrec.no_kozai > 2.0 * math.pi / 225.0]  # more than 6.4 revolutions a day
EPOCH = datetime(2026, 4, 25, 12, tzinfo=UTC)
ORBIT = CircularOrbit(altitude_m=550e3, inclination_rad=0.925, raan_rad=1.0, argument_of_latitude_rad=0.4, epoch=EPOCH)
BEIJING = FixedTerminal(latitude_rad=math.radians(39.9), longitude_rad=math.radians(116.4), altitude_m=50.0)
HALF_STEP_M, HALF_STEP_M_S = 0.65 * math.sqrt(3.0), 0.03 * math.sqrt(3.0)  # three components
MU, J2, RADIUS_M = 3.986004418e14, 1.08262998905e-3, 6_378_137.0


@given(
    st.lists(st.floats(-4.3e7, 4.3e7), min_size=3, max_size=3),
    st.lists(st.floats(-7.8e3, 7.8e3), min_size=3, max_size=3),
)
def test_a_state_vector_is_off_by_half_a_step_at_most(position, velocity):
    sent = state_vector_message(tf.constant(position, tf.float64), tf.constant(velocity, tf.float64))

    assert bool(sent.fits)
    assert np.abs(POSITION_M.decode(sent.position) - position).max() <= 0.65 + 1e-7
    assert np.abs(VELOCITY_M_S.decode(sent.velocity) - velocity).max() <= 0.03 + 1e-10


def test_what_cannot_be_said_is_marked_and_stays_in_range():
    fast = state_vector_message(tf.constant([7e6, 0.0, 0.0], tf.float64), tf.constant([0.0, 8e3, 0.0], tf.float64))
    # eccentricity ends at 1048575 x 1.431e-8 = 0.015
    oval = [orbital_message(*ellipse(e)) for e in (0.0149, 0.0151)]

    assert not bool(fast.fits)
    assert fast.velocity.numpy().tolist() == [0, 131_071, 0]
    assert [bool(each.fits) for each in oval] == [True, False]
    assert int(oval[1].eccentricity) == 1_048_575


def ellipse(eccentricity):
    orbit = KeplerianOrbit(
        semi_major_axis_m=8e6,
        eccentricity=eccentricity,
        inclination_rad=0.5,
        raan_rad=0.1,
        mean_anomaly_rad=0.2,
        epoch=EPOCH,
        oblateness=False,
    )
    state = orbit.state(Times(EPOCH, [0.0]))
    return state.position_ecef_m[0], state.velocity_ecef_m_s[0]


def potential(place):
    radius = np.linalg.norm(place, axis=-1)
    sine = place[..., 2] / radius
    return MU / radius * (1.0 - J2 * (RADIUS_M / radius) ** 2 * (1.5 * sine**2 - 0.5))


def pull(place):
    """Gradient of the potential by central differences, 4th order: 1e-9 m/s^2."""
    offsets = np.eye(3) * 100.0
    near = potential(place + offsets) - potential(place - offsets)
    far = potential(place + 2 * offsets) - potential(place - 2 * offsets)
    return (8.0 * near - far) / 1200.0


@pytest.mark.parametrize("inclination_rad", [0.0, 0.925, 1.5, 2.6])
def test_prediction_is_the_motion_in_the_field_of_an_oblate_earth(inclination_rad):
    orbit = CircularOrbit(
        altitude_m=340e3, inclination_rad=inclination_rad, raan_rad=1.0, argument_of_latitude_rad=0.4, epoch=EPOCH
    )
    state = orbit.state(Times(EPOCH, [0.0]))
    sent = orbital_message(state.position_ecef_m[0], state.velocity_ecef_m_s[0])
    position, velocity = (part.numpy() for part in epoch_state(sent))
    ages_s = np.array([-60.0, 10.0, 60.0, 300.0, 900.0])

    shape = lambda part: tf.repeat(part[None], len(ages_s), 0)  # noqa: E731
    found = predicted_state(tf.nest.map_structure(shape, sent), tf.constant(ages_s), steps=45)
    for number, age_s in enumerate(ages_s):
        exact = solve_ivp(
            lambda _, y: np.concatenate([y[3:], pull(y[:3])]),
            (0.0, age_s),
            np.concatenate([position, velocity]),
            method="DOP853",
            rtol=1e-12,
            atol=1e-6,
        ).y[:, -1]
        angle = EARTH_ROTATION_RAD_S * age_s
        turn = np.array([[math.cos(angle), math.sin(angle), 0], [-math.sin(angle), math.cos(angle), 0], [0, 0, 1]])
        place = turn @ exact[:3]
        speed = turn @ exact[3:] - np.cross([0, 0, EARTH_ROTATION_RAD_S], place)
        # 45 Runge-Kutta steps of 20 s; the differences of the potential are 1e-9 of gravity
        np.testing.assert_allclose(found.position_ecef_m[number], place, rtol=0, atol=0.02)
        np.testing.assert_allclose(found.velocity_ecef_m_s[number], speed, rtol=0, atol=5e-5)


def test_without_oblateness_prediction_is_the_ellipse_of_kepler():
    orbit = KeplerianOrbit(
        semi_major_axis_m=7.2e6,
        eccentricity=0.01,
        inclination_rad=1.5,
        raan_rad=0.3,
        argument_of_perigee_rad=2.0,
        mean_anomaly_rad=0.9,
        epoch=EPOCH,
        oblateness=False,
    )
    known = BroadcastEphemeris(satellite=orbit, first_epoch=EPOCH, period_s=400.0, form="orbital", oblateness=False)
    times = Times(EPOCH, np.linspace(0.0, 399.0, 20))

    error = known.state(times).position_ecef_m - orbit.state(times).position_ecef_m
    # rounding of the angles, 1.2e-8 rad of 7200 km three times, and of the Earth's rate, 1e-11 rad/s
    assert np.linalg.norm(error, axis=-1).max() < 0.3


def test_velocity_and_acceleration_are_derivatives_of_the_position():
    state = ORBIT.state(Times(EPOCH, [0.0]))
    sent = state_vector_message(state.position_ecef_m[0], state.velocity_ecef_m_s[0])
    step_s = 0.5
    many = tf.nest.map_structure(lambda part: tf.repeat(part[None], 5, 0), sent)
    found = predicted_state(many, tf.constant(30.0 + step_s * np.arange(-2.0, 3.0)), steps=20)

    first = np.array([1.0, -8.0, 0.0, 8.0, -1.0]) / (12.0 * step_s)
    np.testing.assert_allclose(found.velocity_ecef_m_s[2], first @ found.position_ecef_m.numpy(), rtol=0, atol=1e-6)
    np.testing.assert_allclose(
        found.acceleration_ecef_m_s2[2], first @ found.velocity_ecef_m_s.numpy(), rtol=0, atol=1e-6
    )


def test_age_runs_from_latency_to_latency_plus_period_and_is_the_epoch_of_one_message():
    known = BroadcastEphemeris(satellite=ORBIT, first_epoch=EPOCH, period_s=10.0, latency_s=0.5, validity_s=5)
    times = Times(EPOCH, np.array([0.0, 0.49, 0.5, 5.0, 10.4, 10.5, 33.0]))

    assert known.age_s(times) == pytest.approx([10.0, 10.49, 0.5, 5.0, 10.4, 0.5, 3.0], abs=1e-9)
    assert known.valid(times).numpy().tolist() == [False, False, True, True, False, True, True]


# at most: rounding of three components, that of the velocity times the age; SGP4's field beyond J2, below 1e-4 m/s2
@pytest.mark.parametrize(
    ("form", "position_m", "velocity_m_s"), [("state-vector", HALF_STEP_M, HALF_STEP_M_S), ("orbital", 0.4, 4e-4)]
)
@pytest.mark.parametrize("age_s", [0.0, 10.0, 60.0])
def test_real_satellites_are_foretold_as_well_as_rounding_allows(form, position_m, velocity_m_s, age_s):
    for satellite in LOW:
        known = BroadcastEphemeris(
            satellite=satellite, first_epoch=satellite.epoch, period_s=100.0, form=form, validity_s=60
        )
        times = Times(satellite.epoch, age_s + 100.0 * np.arange(60))
        found, true = known.state(times), satellite.state(times)

        error_m = np.linalg.norm(found.position_ecef_m - true.position_ecef_m, axis=-1)
        assert known.valid(times).numpy().all()
        assert error_m.max() < position_m + velocity_m_s * age_s + 0.5e-4 * age_s**2
        if form == "state-vector":
            assert error_m.max() > 0.5  # it is rounded indeed


def test_many_satellites_are_foretold_like_each_alone():
    times = Times(SETS[0].epoch, np.array([0.0, 7.0, 12.0, 31.0]))
    asked = {"first_epoch": SETS[0].epoch, "period_s": 10.0, "form": "orbital"}
    together = BroadcastEphemeris(satellite=ElementSets(SETS[:3]), **asked)

    for number, each in enumerate(SETS[:3]):
        alone = BroadcastEphemeris(satellite=each, **asked).state(times).position_ecef_m
        np.testing.assert_allclose(together.state(times).position_ecef_m[number], alone, rtol=0, atol=1e-6)
    assert together.valid(times).shape == (3, 4)


def over_beijing():
    satellite = LOW[0]
    found = find_passes(satellite, BEIJING, satellite.epoch, 86_400.0, math.radians(20.0))[0]
    times = found.sight.times(np.linspace(found.rise_s, found.set_s, 41))
    return satellite, times


def test_timing_and_doppler_errors_are_the_projection_of_the_error_of_position_and_velocity():
    satellite, times = over_beijing()
    known = BroadcastEphemeris(satellite=satellite, first_epoch=times.epoch, period_s=30.0, validity_s=60)
    foretold, true = known.state(times), satellite.state(times)
    error = uplink_timing(link_geometry(foretold, BEIJING)) - uplink_timing(link_geometry(true, BEIJING))

    line = (true.position_ecef_m - BEIJING.position_ecef_m).numpy()
    line /= np.linalg.norm(line, axis=-1, keepdims=True)
    along_m = ((foretold.position_ecef_m - true.position_ecef_m).numpy() * line).sum(-1)
    # up to v/c = 2.5e-5 of the error, the light time being the retarded one
    np.testing.assert_allclose(
        error.delay_s, along_m / SPEED_OF_LIGHT_M_S, rtol=0, atol=1e-4 * 3.0 / SPEED_OF_LIGHT_M_S
    )
    np.testing.assert_allclose(error.timing_advance_s, 2.0 * error.delay_s, rtol=1e-9, atol=1e-18)
    along_m_s = ((foretold.velocity_ecef_m_s - true.velocity_ecef_m_s).numpy() * line).sum(-1)
    # a change of the line of sight, 3 m of 1200 km, turns 7 km/s by 0.02 m/s
    np.testing.assert_allclose(
        error.doppler_ratio, -along_m_s / SPEED_OF_LIGHT_M_S, rtol=0, atol=0.03 / SPEED_OF_LIGHT_M_S
    )
    assert np.abs(error.doppler_ratio).max() > 1e-11


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_an_error_of_satellite_navigation_is_seen_along_the_line_of_sight(axis):
    satellite, times = over_beijing()
    state, site = satellite.state(times), BEIJING.site(times)
    error_m = np.eye(3)[axis] * 10.0
    true = link_geometry(state, site)
    seen = link_geometry(state, displaced(site, tf.constant(error_m)))

    elevation, azimuth = true.elevation_rad.numpy(), true.azimuth_rad.numpy()
    toward = [np.cos(elevation) * np.sin(azimuth), np.cos(elevation) * np.cos(azimuth), np.sin(elevation)][axis]
    # second order: (10 m)^2 / (2 x 1200 km) = 0.04 mm; v/c of 10 m: 0.25 mm
    np.testing.assert_allclose(seen.range_m - true.range_m, -10.0 * toward, rtol=0, atol=1e-4)
    np.testing.assert_allclose(
        seen.light_time_s - true.light_time_s, -10.0 * toward / SPEED_OF_LIGHT_M_S, rtol=0, atol=2e-12
    )


def test_the_common_timing_of_a_feeder_link_holds_for_some_seconds():
    satellite, times = over_beijing()
    feeder = link_geometry(satellite.state(times), BEIJING)
    sent = common_timing(feeder)
    now = sent.timing_advance_s(tf.zeros(41, tf.float64))

    assert sent.fits.numpy().all()
    assert np.abs(now - 2.0 * feeder.range_m / SPEED_OF_LIGHT_M_S).max() <= 0.5 * 4.072e-9 + 1e-15
    for age_s in (1.0, 5.0):
        later = Times(times.epoch, times.offset_s + age_s)
        true_s = 2.0 * link_geometry(satellite.state(later), BEIJING).range_m / SPEED_OF_LIGHT_M_S
        error_s = np.abs(sent.timing_advance_s(tf.constant(age_s, tf.float64)) - true_s)
        # half a step of each, and the third derivative of the range, up to 1.5 m/s^3 at 1200 km, which is not sent
        bound_s = (
            0.5 * (4.072e-9 + 0.2e-9 * age_s + 0.2e-10 * age_s**2) + 2.0 * 1.5 * age_s**3 / 6.0 / SPEED_OF_LIGHT_M_S
        )
        assert error_s.max() < bound_s


def test_prediction_compiles_and_its_derivative_with_respect_to_age_is_the_velocity():
    state = ORBIT.state(Times(EPOCH, [0.0]))
    sent = state_vector_message(state.position_ecef_m, state.velocity_ecef_m_s)
    compiled = tf.function(predicted_state, jit_compile=True)
    age_s = tf.constant([12.0], tf.float64)
    with tf.GradientTape() as tape:
        tape.watch(age_s)
        found = predicted_state(sent, age_s)
        height = found.position_ecef_m[0, 2]

    np.testing.assert_allclose(compiled(sent, age_s).position_ecef_m, found.position_ecef_m, rtol=1e-14)
    assert float(tape.gradient(height, age_s)[0]) == pytest.approx(float(found.velocity_ecef_m_s[0, 2]), rel=1e-6)


def test_a_geostationary_satellite_stays_where_it_is():
    slot = FixedTerminal(latitude_rad=0.0, longitude_rad=1.5, altitude_m=GEOSTATIONARY_ALTITUDE_M)
    known = BroadcastEphemeris(satellite=slot, first_epoch=EPOCH, period_s=60.0, validity_s=60)
    times = Times(EPOCH, np.arange(0.0, 60.0, 5.0))

    error = np.linalg.norm(known.state(times).position_ecef_m - slot.state(times).position_ecef_m, axis=-1)
    # rounding, and J2's pull of 8e-6 m/s^2, against which the slot is held
    assert error.max() < HALF_STEP_M + HALF_STEP_M_S * 60.0 + 0.05


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"validity_s": 31}, ["validity_s: 31", "30, 35"]),
        ({"form": "tle"}, ["form: 'tle'", "state-vector or orbital"]),
        ({"period_s": 0.0}, ["period_s: 0", "positive"]),
        ({"latency_s": -1.0}, ["latency_s: -1", "sign"]),
        ({"first_epoch": datetime(2026, 1, 1)}, ["UTC"]),
    ],
)
def test_what_is_no_broadcast_is_refused(asked, words):
    with pytest.raises(ScenarioError) as refused:
        BroadcastEphemeris(**{"satellite": ORBIT, "first_epoch": EPOCH + timedelta(0), **asked})

    assert [word for word in words if word not in str(refused.value)] == []
