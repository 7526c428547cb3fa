"""Laws of motion: rates are derivatives, signals travel at c in the inertial frame, gradients are slopes."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from scipy.integrate import solve_ivp
from scipy.optimize import brentq

from ntn6g.core.constants import EARTH_MU_M3_S2, SPEED_OF_LIGHT_M_S
from ntn6g.orbit import (
    CircularOrbit,
    ElementSet,
    FixedTerminal,
    Times,
    greenwich_mean_sidereal_time,
    link_geometry,
)

EPOCH = datetime(2026, 4, 25, 12, tzinfo=UTC)
BEIJING = FixedTerminal(latitude_rad=np.radians(39.9), longitude_rad=np.radians(116.4), altitude_m=50.0)
LINES = (Path(__file__).parents[1] / "reference/data/orbit_element_sets.tle").read_text().splitlines()
MOLNIYA = (  # satellite 08195 of the AIAA 2006-6753 verification set, eccentricity 0.69
    "1 08195U 75081A   06176.33215444  .00000099  00000-0  11873-3 0   813",
    "2 08195  64.1586 279.0717 6877146 264.7651  20.2257  2.00491383225656",
)


def circular(altitude_m=600e3, argument_rad=1.0, raan_rad=2.0):
    return CircularOrbit(
        altitude_m=altitude_m,
        inclination_rad=np.radians(53.0),
        raan_rad=raan_rad,
        argument_of_latitude_rad=argument_rad,
        epoch=EPOCH,
    )


def satellite(kind):
    sets = {
        "guowang": ElementSet(*LINES[1:3]),
        "starlink": ElementSet(*LINES[13:15]),
        "molniya": ElementSet(*MOLNIYA),
    }
    return sets.get(kind) or circular(600e3 if kind == "circular" else 35_786e3)


KINDS = ["guowang", "starlink", "molniya", "circular", "high circular"]


def start_of(platform):
    return platform.epoch + timedelta(hours=2, microseconds=123_456)


def geometry(platform, offset_s):
    return link_geometry(platform.state(Times(start_of(platform), offset_s)), BEIJING)


@pytest.mark.parametrize("kind", KINDS)
def test_range_rate_is_the_slope_of_range(kind):
    platform, offset_s, step_s = satellite(kind), np.arange(0.0, 86_400.0, 37.0), 0.1
    before2, before, after, after2 = (
        geometry(platform, offset_s + k * step_s).range_m for k in (-2, -1, 1, 2)
    )

    slope_m_s = (before2 - 8 * before + 8 * after - after2) / (12 * step_s)

    one_millimetre_per_second = 1e-3
    worst_m_s = np.abs(geometry(platform, offset_s).range_rate_m_s - slope_m_s).max()
    print(f"\n{kind}: range rate {worst_m_s:.1e} m/s")
    assert worst_m_s < one_millimetre_per_second


@pytest.mark.parametrize("kind", KINDS)
def test_range_acceleration_is_the_curvature_of_range(kind):
    platform, offset_s, step_s = satellite(kind), np.arange(0.0, 86_400.0, 37.0), 1.0
    values = [geometry(platform, offset_s + k * step_s).range_m for k in (-2, -1, 0, 1, 2)]

    curvature_m_s2 = (-values[0] + 16 * values[1] - 30 * values[2] + 16 * values[3] - values[4]) / 12

    worst_m_s2 = np.abs(geometry(platform, offset_s).range_acceleration_m_s2 - curvature_m_s2).max()
    print(f"\n{kind}: range acceleration {worst_m_s2:.1e} m/s2")
    assert worst_m_s2 < 1e-4  # rounding of 1e-6 m over 1 s2 in both, times the weights


@pytest.mark.parametrize("kind", ["guowang", "molniya", "high circular"])
def test_light_time_solves_the_inertial_problem(kind):
    platform, offsets_s = satellite(kind), np.arange(0.0, 43_200.0, 4_321.0)
    start = start_of(platform)
    epoch_rad, rate_rad_s = greenwich_mean_sidereal_time(start)

    def inertial_m(ecef_m, offset_s):
        cosine, sine = np.cos(epoch_rad + rate_rad_s * offset_s), np.sin(epoch_rad + rate_rad_s * offset_s)
        x, y, z = ecef_m
        return np.array([cosine * x - sine * y, sine * x + cosine * y, z])

    light_time_s = geometry(platform, offsets_s).light_time_s.numpy()
    for offset_s, ours_s in zip(offsets_s, light_time_s, strict=True):
        arrival_m = inertial_m(BEIJING.position_ecef_m.numpy(), offset_s)

        def excess_m(tau_s, offset_s=offset_s, arrival_m=arrival_m):
            sent_s = offset_s - tau_s
            sent = platform.state(Times(start, np.array([sent_s]))).position_ecef_m.numpy()[0]
            return np.linalg.norm(inertial_m(sent, sent_s) - arrival_m) - SPEED_OF_LIGHT_M_S * tau_s

        direct_s = brentq(excess_m, ours_s - 1e-6, ours_s + 1e-6, xtol=1e-15)
        assert ours_s == pytest.approx(direct_s, abs=1e-12)  # 0.3 mm of path


def test_light_time_is_not_range_over_c_but_retarded_by_the_satellites_motion():
    seen = geometry(satellite("guowang"), np.arange(0.0, 86_400.0, 60.0))

    lead_s = seen.light_time_s - seen.range_m / SPEED_OF_LIGHT_M_S
    approach = -seen.range_rate_m_s / SPEED_OF_LIGHT_M_S * seen.light_time_s

    # to first order the inertial range rate; the terminal's own 355 m/s of rotation is the difference
    np.testing.assert_allclose(
        lead_s, approach, rtol=0, atol=np.max(seen.light_time_s) * 360 / SPEED_OF_LIGHT_M_S
    )
    assert np.abs(lead_s).max() > 1e-7


def test_circular_orbit_obeys_gravity_in_the_rotating_frame():
    orbit = circular()
    hour_s = 3600.0
    state = orbit.state(Times(EPOCH, np.array([0.0, hour_s])))
    omega = np.array([0.0, 0.0, greenwich_mean_sidereal_time(EPOCH)[1]])

    def motion(_, y):
        r, v = y[:3], y[3:]
        gravity = -EARTH_MU_M3_S2 * r / np.linalg.norm(r) ** 3
        return np.concatenate([v, gravity - 2 * np.cross(omega, v) - np.cross(omega, np.cross(omega, r))])

    begin = np.concatenate([state.position_ecef_m[0], state.velocity_ecef_m_s[0]])
    end = solve_ivp(motion, (0.0, hour_s), begin, method="DOP853", rtol=1e-12, atol=1e-6).y[:, -1]

    np.testing.assert_allclose(state.position_ecef_m[1], end[:3], rtol=0, atol=1e-2)  # the integrator's 1e-9
    np.testing.assert_allclose(state.velocity_ecef_m_s[1], end[3:], rtol=0, atol=1e-5)
    np.testing.assert_allclose(state.acceleration_ecef_m_s2[0], motion(0, begin)[3:], rtol=0, atol=1e-9)


@pytest.mark.parametrize(
    ("name", "step"), [("altitude_m", 10.0), ("raan_rad", 1e-5), ("latitude_rad", 1e-5), ("height_m", 10.0)]
)
@pytest.mark.parametrize("field", ["range_m", "range_rate_m_s", "light_time_s", "elevation_rad"])
def test_gradients_are_slopes(name, step, field):
    start = {"altitude_m": 600e3, "raan_rad": 2.0, "latitude_rad": np.radians(39.9), "height_m": 50.0}

    def value(x):
        numbers = {**start, name: x}
        terminal = FixedTerminal(
            latitude_rad=numbers["latitude_rad"], longitude_rad=2.0, altitude_m=numbers["height_m"]
        )
        orbit = circular(altitude_m=numbers["altitude_m"], raan_rad=numbers["raan_rad"])
        seen = link_geometry(orbit.state(Times(EPOCH, np.array([100.0]))), terminal)
        return getattr(seen, field)[0]

    x = tf.Variable(start[name], dtype=tf.float64)
    with tf.GradientTape() as tape:
        y = value(x)
    slope = (value(start[name] + step) - value(start[name] - step)) / (2 * step)

    assert float(tape.gradient(y, x)) == pytest.approx(
        float(slope), rel=1e-6
    )  # step squared over 6, rounding
