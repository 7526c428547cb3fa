"""Beams on the ground against TR 38.821 (differential delay, residual Doppler) and the geometry of cones.

TR 38.821 V16.2.0, Table 4.2-2 (maximum differential delay within a cell) and Table 6.1.1.1-8 (residual Doppler shift
after compensation at the beam's centre, ppm, by diameter of the beam at nadir). Both on a sphere of 6371 km that does
not turn; here the satellite crosses 35 degrees of latitude on a polar orbit, where the ellipsoid has that radius.
"""

import math
from datetime import UTC, datetime

import numpy as np
import pytest
import tensorflow as tf

from ntn6g.core.constants import SPEED_OF_LIGHT_M_S
from ntn6g.orbit import (
    CircularOrbit,
    State,
    Times,
    beam_difference,
    beam_outline,
    footprint_angles,
    ground_points,
    off_boresight_rad,
    steered,
)

EPOCH = datetime(2026, 4, 25, 12, tzinfo=UTC)
EARTH_M = 6_371e3
RESIDUAL_PPM = {
    (1200e3, 90e3): 0.91,
    (1200e3, 40e3): 0.4,
    (1200e3, 190e3): 1.91,
    (1200e3, 1000e3): 9.17,
    (600e3, 50e3): 1.05,
    (600e3, 20e3): 0.42,
    (600e3, 90e3): 1.88,
    (600e3, 1000e3): 15.82,
}
DIFFERENTIAL_MS = {(600e3, 1000e3): 3.12, (1200e3, 1000e3): 3.18, (35_786e3, 3500e3): 10.3}


def polar(altitude_m, latitude_rad=0.6154):
    """State [3] each, on a sphere that does not turn: the velocity in ECEF is the inertial one."""
    orbit = CircularOrbit(
        altitude_m=altitude_m,
        inclination_rad=math.pi / 2,
        raan_rad=0.0,
        argument_of_latitude_rad=latitude_rad,
        epoch=EPOCH,
    )
    state = orbit.state(Times(EPOCH, [0.0]))
    place = state.position_ecef_m[0]
    speed = math.sqrt(3.986004418e14 / (EARTH_M + altitude_m))
    right = np.cross([0.0, 0.0, 1.0], place / np.linalg.norm(place))
    right /= np.linalg.norm(right)
    ahead = np.cross(place / np.linalg.norm(place), right)
    velocity = tf.constant(speed * ahead)
    return State(place, velocity, tf.zeros_like(velocity))


def on_ground(state, angles_rad):
    """Points of the ellipsoid on the track, by angles at the Earth's centre from below the satellite."""
    up = state.position_ecef_m / tf.norm(state.position_ecef_m)
    ahead = state.velocity_ecef_m_s / tf.norm(state.velocity_ecef_m_s)
    angles = tf.constant(angles_rad, tf.float64)[:, None]
    outward = tf.cos(angles) * up + tf.sin(angles) * ahead
    return ground_points(2e7 * outward, -outward).position_ecef_m


@pytest.mark.parametrize(("altitude_m", "diameter_m"), RESIDUAL_PPM)
def test_residual_doppler_at_the_edge_of_a_beam_is_that_of_the_report(altitude_m, diameter_m):
    state = polar(altitude_m)
    half = diameter_m / 2.0 / EARTH_M
    reach = math.atan2(EARTH_M * math.sin(half), altitude_m + EARTH_M * (1.0 - math.cos(half)))
    below = ground_points(state.position_ecef_m, steered(state, 0.0, 0.0)).position_ecef_m

    edge = beam_outline(state, below, reach, points=360)
    left = beam_difference(state, below, edge.position_ecef_m)
    # three digits printed; the ellipsoid below differs by up to 0.5 % of the altitude along the track
    assert 1e6 * float(tf.reduce_max(left.doppler_ratio)) == pytest.approx(
        RESIDUAL_PPM[altitude_m, diameter_m], rel=0.01, abs=0.006
    )
    assert edge.on_earth.numpy().all()


@pytest.mark.parametrize(("altitude_m", "diameter_m"), DIFFERENTIAL_MS)
def test_differential_delay_of_a_cell_at_ten_degrees_is_that_of_the_report(altitude_m, diameter_m):
    state = polar(altitude_m)
    far = float(footprint_angles(altitude_m, math.radians(10.0), EARTH_M)[1])
    places = on_ground(state, [far - diameter_m / EARTH_M, far])

    left = beam_difference(state, places[0], places[1:])
    # 1 % of the ellipsoid over such distances (up to 11 km of radius)
    assert 1e3 * float(left.delay_s[0]) == pytest.approx(DIFFERENTIAL_MS[altitude_m, diameter_m], rel=0.015)


def test_footprint_angles_close_the_triangle():
    altitude_m, elevation = 550e3, np.radians([0.0, 10.0, 25.0, 60.0, 90.0])
    off_nadir, centre = footprint_angles(tf.constant(altitude_m, tf.float64), tf.constant(elevation), EARTH_M)

    np.testing.assert_allclose(off_nadir + centre + elevation, np.pi / 2, rtol=0, atol=1e-14)
    # law of sines with the slant range of TR 38.811 (6.6-3)
    slant = np.sqrt((EARTH_M * np.sin(elevation)) ** 2 + altitude_m**2 + 2 * altitude_m * EARTH_M) - EARTH_M * np.sin(
        elevation
    )
    np.testing.assert_allclose(slant * np.sin(off_nadir), EARTH_M * np.sin(centre), rtol=1e-9, atol=1e-6)


@pytest.mark.parametrize("tilt_deg", [0.0, 25.0, 55.0])
def test_the_edge_of_a_beam_lies_on_the_ellipsoid_at_its_half_width(tilt_deg):
    state = polar(550e3)
    aim = ground_points(state.position_ecef_m, steered(state, math.radians(tilt_deg), 0.7))
    edge = beam_outline(state, aim.position_ecef_m, 0.03, points=24)

    a, b = 6_378_137.0, 6_378_137.0 * (1.0 - 1.0 / 298.257223563)
    x, y, z = (part.numpy() for part in tf.unstack(edge.position_ecef_m, axis=-1))
    np.testing.assert_allclose((x**2 + y**2) / a**2 + z**2 / b**2, 1.0, rtol=0, atol=1e-12)
    apart = off_boresight_rad(
        State(*(part[None] for part in state.__tf_flatten__()[1])), aim.position_ecef_m[None], edge.position_ecef_m
    )
    np.testing.assert_allclose(apart, 0.03, rtol=0, atol=1e-12)
    assert bool(aim.on_earth)
    assert edge.on_earth.numpy().all()
    # nearer to the satellite than the far side: the ray was cut where it enters
    assert (np.linalg.norm(edge.position_ecef_m - state.position_ecef_m, axis=-1) < 2_700e3).all()


def test_steering_is_counted_from_the_track_to_the_right():
    state = polar(550e3)
    down = -state.position_ecef_m / tf.norm(state.position_ecef_m)
    for turn, expected in ((0.0, "ahead"), (math.pi / 2, "right")):
        ray = steered(state, 0.2, turn).numpy()
        ahead = float(np.dot(ray, state.velocity_ecef_m_s)) / float(tf.norm(state.velocity_ecef_m_s))
        right = float(np.dot(ray, np.cross(down, state.velocity_ecef_m_s / tf.norm(state.velocity_ecef_m_s))))
        assert (ahead, right) == pytest.approx(
            (math.sin(0.2), 0.0) if expected == "ahead" else (0.0, math.sin(0.2)), abs=1e-9
        )
    # flying north over 35 degrees: the right is east, on whichever meridian
    eastward = np.cross([0.0, 0.0, 1.0], state.position_ecef_m)
    assert float(np.dot(steered(state, 0.2, math.pi / 2), eastward)) > 0.0


def test_a_beam_beyond_the_horizon_says_so_and_stays_finite():
    state = polar(550e3)
    missed = ground_points(state.position_ecef_m, steered(state, 1.3, 0.0))
    backward = ground_points(state.position_ecef_m, -steered(state, 0.1, 0.0))
    edge = beam_outline(state, ground_points(state.position_ecef_m, steered(state, 1.15, 0.0)).position_ecef_m, 0.1)

    assert not bool(missed.on_earth)
    assert not bool(backward.on_earth)
    assert np.isfinite(missed.position_ecef_m).all()
    np.testing.assert_allclose(backward.position_ecef_m, state.position_ecef_m)
    assert 0 < edge.on_earth.numpy().sum() < 36
    assert np.isfinite(edge.position_ecef_m).all()


def test_differences_compile_and_follow_their_gradient():
    state = polar(600e3)
    below = ground_points(state.position_ecef_m, steered(state, 0.3, 0.4)).position_ecef_m

    @tf.function(jit_compile=True)
    def spread(half_beam_rad):
        edge = beam_outline(state, below, half_beam_rad)
        return tf.reduce_max(beam_difference(state, below, edge.position_ecef_m).delay_s)

    width = tf.constant(0.02, tf.float64)
    with tf.GradientTape() as tape:
        tape.watch(width)
        value = spread(width)
    slope = (float(spread(width + 1e-6)) - float(spread(width - 1e-6))) / 2e-6
    assert float(tape.gradient(value, width)) == pytest.approx(slope, rel=1e-5)
    assert 0.0 < float(value) < 600e3 * 0.05 / SPEED_OF_LIGHT_M_S * 2.0


def test_beams_of_a_platform_at_rest_tilt_from_north_through_east():
    from ntn6g import orbit

    place = orbit.FixedTerminal(latitude_rad=0.5, longitude_rad=1.0, altitude_m=20e3)
    state = place.state(orbit.Times(datetime(2026, 1, 1, tzinfo=UTC), [0.0]))

    for side, axis in ((0.0, 1), (0.5 * np.pi, 0)):  # north, east
        aim = orbit.steered(state, 0.1, side).numpy()[0]
        down = -state.position_ecef_m.numpy()[0] / np.linalg.norm(state.position_ecef_m.numpy()[0])
        assert np.arccos(aim @ down) == pytest.approx(0.1, abs=1e-9)
        # the ellipsoid's horizon is tilted from the sphere's by 0.2 degrees at most
        assert aim @ place.east_north_up.numpy()[axis] == pytest.approx(np.sin(0.1), abs=4e-3)
