"""Kepler orbits with J2: secular rates in closed form, two-body laws, SGP4 from the same elements, Walker spacing."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from ntn6g.core.errors import ScenarioError
from ntn6g.orbit import (
    WGS84,
    ElementSet,
    KeplerianOrbit,
    Times,
    WalkerShell,
    constellations,
    greenwich_mean_sidereal_time,
    walker_orbits,
)
from ntn6g.orbit.platforms.keplerian import eccentric_anomaly

EPOCH = datetime(2026, 4, 25, 12, tzinfo=UTC)
LINES = (Path(__file__).parents[1] / "reference/data/orbit_element_sets.tle").read_text().splitlines()
SETS = {LINES[i]: ElementSet(*LINES[i + 1 : i + 3], LINES[i]) for i in range(0, len(LINES), 3)}
# element sets whose first derivative of mean motion, halved as printed, is below 1e-4 rev/day^2: little drag
CALM = [name for name, each in SETS.items() if abs(float(each.line1[33:43])) < 1e-4]


def ellipse(**changed):
    numbers = {
        "semi_major_axis_m": 8_500e3,
        "eccentricity": 0.2,
        "inclination_rad": 1.1,
        "raan_rad": 2.0,
        "argument_of_perigee_rad": 0.7,
        "mean_anomaly_rad": 0.4,
        "epoch": EPOCH,
    }
    return KeplerianOrbit(**{**numbers, **changed})


def inertial(orbit, offset_s):
    """Position and velocity [time, 3] without the Earth's rotation."""
    times = Times(EPOCH, offset_s)
    state = orbit.state(times)
    angle, rate = greenwich_mean_sidereal_time(EPOCH)
    angle = angle + rate * offset_s
    r, v = state.position_ecef_m.numpy(), state.velocity_ecef_m_s.numpy()
    v = v + rate * np.stack([-r[:, 1], r[:, 0], 0 * r[:, 2]], -1)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    for vector in (r, v):
        vector[:, :2] = np.einsum("xyt,ty->tx", turn, vector[:, :2])
    return r, v


@pytest.mark.parametrize("eccentricity", [0.0, 0.01, 0.7])
@pytest.mark.parametrize("inclination_deg", [0.0, 53.0, 86.5, 97.8, 148.0])
def test_rates_are_those_of_the_textbook(eccentricity, inclination_deg):
    # D. A. Vallado, Fundamentals of Astrodynamics and Applications, secular rates of J2, in n p i form
    axis_m, i = 26_600e3, np.radians(inclination_deg)
    n, p = np.sqrt(WGS84.mu_m3_s2 / axis_m**3), axis_m * (1.0 - eccentricity**2)
    ratio = WGS84.j2 * (WGS84.radius_m / p) ** 2 * n
    node = -1.5 * ratio * np.cos(i)
    perigee = 0.75 * ratio * (4.0 - 5.0 * np.sin(i) ** 2)
    mean = n + 0.75 * ratio * np.sqrt(1.0 - eccentricity**2) * (3.0 * np.cos(i) ** 2 - 1.0)

    ours = ellipse(semi_major_axis_m=axis_m, eccentricity=eccentricity, inclination_rad=i).rates()

    np.testing.assert_allclose(ours, (mean, perigee, node), rtol=1e-12)


def test_angles_advance_at_their_rates():
    orbit, day_s = ellipse(eccentricity=0.0), 86_400.0
    rates = orbit.rates()

    r, v = inertial(orbit, np.array([0.0, day_s]))

    normal = np.cross(r, v + np.cross([0, 0, -float(rates.raan_rad_s)], r))  # of the instantaneous plane
    node = np.arctan2(normal[:, 0], -normal[:, 1])
    assert (node[1] - node[0]) == pytest.approx(float(rates.raan_rad_s) * day_s, abs=1e-9)
    tilt = np.arccos(normal[:, 2] / np.linalg.norm(normal, axis=1))
    np.testing.assert_allclose(tilt, 1.1, rtol=0, atol=1e-9)


def test_the_perigee_rests_at_the_critical_inclination():
    critical = np.arcsin(np.sqrt(0.8))  # 63.43 deg, where 4 = 5 sin^2 i

    assert abs(float(ellipse(inclination_rad=critical).rates().argument_of_perigee_rad_s)) < 1e-20


@pytest.mark.parametrize("eccentricity", [0.0, 0.001, 0.3, 0.9])
def test_two_body_motion_keeps_energy_and_angular_momentum(eccentricity):
    axis_m = 70_000e3
    orbit = ellipse(semi_major_axis_m=axis_m, eccentricity=eccentricity, oblateness=False)

    r, v = inertial(orbit, np.linspace(0.0, 400_000.0, 500))

    energy = 0.5 * (v**2).sum(1) - WGS84.mu_m3_s2 / np.linalg.norm(r, axis=1)
    momentum = np.cross(r, v)
    np.testing.assert_allclose(energy, -WGS84.mu_m3_s2 / (2 * axis_m), rtol=1e-11)  # roundings of r and v
    size = np.sqrt(WGS84.mu_m3_s2 * axis_m * (1 - eccentricity**2))
    np.testing.assert_allclose(momentum, np.broadcast_to(momentum[0], momentum.shape), rtol=0, atol=1e-11 * size)
    np.testing.assert_allclose(np.linalg.norm(momentum, axis=1), size, rtol=1e-11)


@pytest.mark.parametrize("eccentricity", [0.0, 0.2, 0.6])
def test_velocity_and_acceleration_are_derivatives_of_position(eccentricity):
    orbit, offset_s, h = (
        ellipse(semi_major_axis_m=20_000e3, eccentricity=eccentricity),
        np.arange(0, 86_400, 977.0),
        4.0,
    )
    nodes = [orbit.state(Times(EPOCH, offset_s + k * h)).position_ecef_m.numpy() for k in (-2, -1, 0, 1, 2)]
    state = orbit.state(Times(EPOCH, offset_s))

    slope = (nodes[0] - 8 * nodes[1] + 8 * nodes[3] - nodes[4]) / (12 * h)
    bend = (-nodes[0] + 16 * nodes[1] - 30 * nodes[2] + 16 * nodes[3] - nodes[4]) / (12 * h**2)

    np.testing.assert_allclose(state.velocity_ecef_m_s, slope, rtol=0, atol=1e-4)  # h^4 x''''' / 30 at the perigee
    np.testing.assert_allclose(state.acceleration_ecef_m_s2, bend, rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", CALM)
def test_sgp4_from_the_same_mean_elements_stays_close(name):
    elements = SETS[name]
    orbit = KeplerianOrbit.from_element_set(elements)
    period_s = 2 * np.pi / float(orbit.rates().mean_anomaly_rad_s)
    offset_s = np.arange(0.0, 86_400.0, 30.0)
    times = Times(elements.epoch, offset_s)

    error = orbit.state(times).position_ecef_m.numpy() - elements.state(times).position_ecef_m.numpy()
    v = elements.state(times).velocity_ecef_m_s.numpy()
    along_m = (error * v).sum(1) / np.linalg.norm(v, axis=1)
    first, last = along_m[offset_s < period_s].mean(), along_m[offset_s > 86_400.0 - period_s].mean()
    drift_m = (last - first) / (1.0 - period_s / 86_400.0)

    worst_m = np.linalg.norm(error, axis=1).max()
    print(f"\n{name:20s} {worst_m / 1e3:6.2f} km, drift {drift_m / 1e3:+.3f} km/day")
    assert worst_m < 20e3
    if (
        period_s < 43_000.0
    ):  # half-day orbits resonate with the Earth's field and feel Sun and Moon, which J2 leaves out
        assert abs(drift_m) < 2e3


@pytest.mark.parametrize("eccentricity", [0.0, 1e-6, 0.1, 0.5, 0.9, 0.989])
def test_keplers_equation_is_solved_to_rounding(eccentricity):
    mean = np.concatenate([np.linspace(-np.pi, np.pi, 20_001), np.geomspace(1e-9, 1.0, 500)])

    sine, cosine = eccentric_anomaly(tf.constant(mean), tf.constant(eccentricity, tf.float64))

    anomaly = np.arctan2(sine, cosine)
    residual = np.remainder(anomaly - eccentricity * sine.numpy() - mean + np.pi, 2 * np.pi) - np.pi
    np.testing.assert_allclose(residual, 0.0, atol=2e-15)  # roundings of angles up to pi


@pytest.mark.parametrize("name", ["semi_major_axis_m", "eccentricity", "inclination_rad", "mean_anomaly_rad"])
def test_gradients_are_slopes(name):
    start, step = getattr(ellipse(), name), {"semi_major_axis_m": 1.0}.get(name, 1e-6)
    times = Times(EPOCH, np.array([5_000.0]))

    def height(value):
        return ellipse(**{name: value}).state(times).position_ecef_m[0, 2]

    x = tf.Variable(start, dtype=tf.float64)
    with tf.GradientTape() as tape:
        z = height(x)
    slope = float(height(start + step) - height(start - step)) / (2 * step)

    assert float(tape.gradient(z, x)) == pytest.approx(slope, rel=1e-6)


@pytest.mark.parametrize(("pattern", "spread"), [("delta", 2 * np.pi), ("star", np.pi)])
def test_walker_spacing_is_exact(pattern, spread):
    shell = WalkerShell(altitude_m=550e3, inclination_rad=0.9, satellites=1584, planes=72, phasing=17, pattern=pattern)
    orbit = walker_orbits([shell], EPOCH)
    node = orbit.raan_rad.numpy().reshape(72, 22)
    latitude = orbit.mean_anomaly_rad.numpy().reshape(72, 22)

    np.testing.assert_allclose(np.diff(node, axis=0), spread / 72, rtol=0, atol=1e-14)
    assert np.ptp(node, axis=1).max() == 0.0
    np.testing.assert_allclose(np.diff(latitude, axis=1), 2 * np.pi / 22, rtol=0, atol=1e-14)
    np.testing.assert_allclose(np.diff(latitude, axis=0), 2 * np.pi * 17 / 1584, rtol=0, atol=1e-14)
    state = orbit.state(Times(EPOCH + timedelta(days=9), np.zeros(1)))
    np.testing.assert_allclose(np.linalg.norm(state.position_ecef_m, axis=-1), 6_928_137.0, rtol=1e-14)


# totals as published: FCC filings, ITU request of April 2023, news.cn 2024-09-03
TOTALS = {"starlink-gen1": 4408, "kuiper": 3236, "guowang-filed": 12_992, "qianfan-phase-1": 1296, "iridium-next": 66}


@pytest.mark.parametrize("name", TOTALS)
def test_constellations_have_as_many_satellites_as_published(name):
    assert constellations()[name].fleet(EPOCH).size == TOTALS[name]


def test_flown_guowang_is_not_in_a_filed_shell():
    flown = constellations()["guowang-flown"].fleet().members[0]
    motion_rad_s = float(flown.line2[52:63]) * 2 * np.pi / 86_400.0
    altitude_m = (WGS84.mu_m3_s2 / motion_rad_s**2) ** (1 / 3) - 6_378_137.0

    assert altitude_m / 1e3 == pytest.approx(1168.0, abs=1.0)  # of the mean motion as printed (Kozai's)
    filed = constellations()["guowang-filed"].shells
    assert all(abs(shell.altitude_m - 1168e3) > 20e3 for shell in filed)


REFUSED = {
    "planes": lambda: WalkerShell(altitude_m=550e3, inclination_rad=1.0, satellites=100, planes=7),
    "altitude_km": lambda: WalkerShell(altitude_m=-550e3, inclination_rad=1.0, satellites=100, planes=10),
    "eccentricity": lambda: ellipse(eccentricity=1.0),
    "semi_major_axis_km": lambda: ellipse(semi_major_axis_m=600e3),
}


@pytest.mark.parametrize("key", REFUSED)
def test_impossible_orbits_are_refused_by_key(key):
    with pytest.raises(ScenarioError) as refused:
        REFUSED[key]()

    assert refused.value.key == key
    assert "\n" not in str(refused.value)
