"""The Sun against the IAU's ephemeris in astropy (ERFA, nothing is downloaded), shadows against closed forms.

astropy's get_sun is apparent place from epv00; its ITRS includes polar motion and nutation of the shipped IERS tables.
"""

import math
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
import tensorflow as tf

from ntn6g.orbit import (
    GEOSTATIONARY_ALTITUDE_M,
    CircularOrbit,
    FixedTerminal,
    State,
    Times,
    link_geometry,
)
from ntn6g.orbit.sun import (
    SUN_RADIUS_M,
    SUNRISE_RAD,
    in_cylindrical_shadow,
    sun_elevation_rad,
    sun_outage,
    sun_position_ecef_m,
    sun_separation_rad,
    sunlit_fraction,
)

EQUATOR_M = 6_378_137.0
EQUINOX = datetime(2026, 3, 20, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def astropy_time():
    from astropy.time import Time
    from astropy.utils import iers

    iers.conf.auto_download = False
    iers.conf.auto_max_age = None
    iers.conf.iers_degraded_accuracy = "warn"
    return Time


@pytest.mark.filterwarnings("ignore")  # astropy warns of dates beyond its table of UT1, where UT1 - UTC is then 0
def test_direction_and_distance_are_those_of_the_ephemeris(astropy_time):
    from astropy.coordinates import ITRS, get_sun

    worst_deg, worst_distance = 0.0, 0.0
    for year in (1980, 1999, 2010, 2024, 2026, 2040, 2049):
        epoch = datetime(year, 1, 1, tzinfo=UTC)
        offset_s = np.arange(0.0, 366.0, 3.37) * 86_400.0
        moments = astropy_time(epoch.replace(tzinfo=None)) + offset_s / 86_400.0
        exact = get_sun(moments).transform_to(ITRS(obstime=moments)).cartesian.xyz.to_value("m").T
        # one UT1 - UTC for the year: it moves by less than 0.5 s, 0.002 deg
        found = sun_position_ecef_m(Times(epoch, offset_s, float(moments.delta_ut1_utc[50]))).numpy()

        sizes = np.linalg.norm(found, axis=-1), np.linalg.norm(exact, axis=-1)
        angle = np.arcsin(np.linalg.norm(np.cross(found, exact), axis=-1) / (sizes[0] * sizes[1]))
        worst_deg = max(worst_deg, float(np.degrees(angle).max()))
        worst_distance = max(worst_distance, float(np.abs(sizes[0] / sizes[1] - 1.0).max()))
    print(f"\nSun: {worst_deg:.4f} deg, distance {worst_distance:.1e}")
    assert worst_deg < 0.013  # 0.01 deg of the formula, 0.005 deg of nutation left out, 0.002 deg of UT1
    assert worst_distance < 1e-4


@pytest.mark.filterwarnings("ignore")
def test_elevation_of_the_sun_is_that_of_astropy(astropy_time):
    from astropy import units
    from astropy.coordinates import AltAz, EarthLocation, get_sun

    epoch = datetime(2026, 6, 1, tzinfo=UTC)
    offset_s = np.arange(0.0, 86_400.0, 600.0)
    moments = astropy_time(epoch.replace(tzinfo=None)) + offset_s / 86_400.0
    place = EarthLocation.from_geodetic(116.4 * units.deg, 39.9 * units.deg, 50.0 * units.m)
    exact = get_sun(moments).transform_to(AltAz(obstime=moments, location=place)).alt.rad

    times = Times(epoch, offset_s, float(moments.delta_ut1_utc[0]))
    site = FixedTerminal(latitude_rad=math.radians(39.9), longitude_rad=math.radians(116.4), altitude_m=50.0).site(
        times
    )
    found = sun_elevation_rad(site, times).numpy()
    # the Sun's place, and 0.0024 deg of parallax that astropy treats as we do
    assert np.abs(np.degrees(found - exact)).max() < 0.015
    assert (found > SUNRISE_RAD).sum() == pytest.approx((exact > SUNRISE_RAD).sum(), abs=0)


def frozen_sun(monkeypatch, place):
    import ntn6g.orbit.sun as module

    monkeypatch.setattr(module, "sun_position_ecef_m", lambda times: tf.constant(place, tf.float64)[None])


@pytest.mark.parametrize("beta_deg", [0.0, 20.0, 50.0, 60.0])
@pytest.mark.parametrize("altitude_m", [550e3, GEOSTATIONARY_ALTITUDE_M])
def test_time_in_the_cylinder_is_the_closed_form(monkeypatch, altitude_m, beta_deg):
    beta, radius = math.radians(beta_deg), EQUATOR_M + altitude_m
    frozen_sun(monkeypatch, [1.5e11 * math.cos(beta), 0.0, 1.5e11 * math.sin(beta)])
    angle = np.arange(0.0, 2 * math.pi, 2e-5)
    place = tf.constant(np.stack([np.cos(angle), np.sin(angle), 0 * angle], -1) * radius)
    state = State(place, tf.zeros_like(place), tf.zeros_like(place))

    dark = in_cylindrical_shadow(state, Times(EQUINOX, [0.0])).numpy().mean()
    # behind the disc while sin^2 of the angle from the Sun's direction is below (R/r)^2
    reach = math.sqrt(1.0 - (EQUATOR_M / radius) ** 2) / math.cos(beta)
    expected = math.acos(reach) / math.pi if reach < 1.0 else 0.0
    assert dark == pytest.approx(expected, abs=2e-5)  # the grid
    cone = 1.0 - sunlit_fraction(state, Times(EQUINOX, [0.0])).numpy()
    # the cone takes away on the inside what the penumbra adds outside, to first order
    assert cone.mean() == pytest.approx(expected, abs=3e-4)


def test_partial_shadow_is_the_share_of_rays_that_pass_the_sphere(monkeypatch):
    rng = np.random.default_rng(3)
    sun = np.array([1.496e11, 0.0, 0.0])
    frozen_sun(monkeypatch, sun)
    radius = 7_000e3
    limb = math.pi - math.asin(EQUATOR_M / radius)  # from the Sun's direction to the shadow's edge
    angles = limb + np.linspace(-0.006, 0.006, 13)
    place = radius * np.stack([np.cos(angles), np.sin(angles), 0 * angles], -1)
    turn, share = rng.uniform(0, 2 * math.pi, 200_000), np.sqrt(rng.uniform(0, 1, 200_000))
    disc = SUN_RADIUS_M * share[:, None] * np.stack([0 * turn, np.cos(turn), np.sin(turn)], -1)

    found = sunlit_fraction(State(*[tf.constant(place)] * 3), Times(EQUINOX, [0.0])).numpy()
    for mine, here in zip(found, place, strict=True):
        ray = sun + disc - here
        ray /= np.linalg.norm(ray, axis=-1, keepdims=True)
        along = -(ray * here).sum(-1)
        passes = (along < 0) | (np.linalg.norm(here + along[:, None] * ray, axis=-1) > EQUATOR_M)
        # 200,000 rays: 0.0011 standard deviation at most, 4.5 of them over 13 points (false alarm 1e-4)
        assert mine == pytest.approx(passes.mean(), abs=0.005)
    assert found[0] == 1.0
    assert found[-1] == 0.0
    assert (np.diff(found) <= 0.0).all()


def test_a_geostationary_satellite_is_in_shadow_around_midnight_at_the_equinox_and_never_at_the_solstice():
    slot = FixedTerminal(latitude_rad=0.0, longitude_rad=0.0, altitude_m=GEOSTATIONARY_ALTITUDE_M)
    offset_s = np.arange(0.0, 86_400.0, 10.0)

    times = Times(EQUINOX, offset_s)
    light = sunlit_fraction(slot.state(times), times).numpy()
    # chord of the Earth's disc: 2 asin(6378/42164) of 24 h = 69.6 min for the mean of umbra and penumbra
    assert (1.0 - light).sum() * 10.0 / 60.0 == pytest.approx(69.6, abs=0.5)
    assert abs(offset_s[light < 0.5].mean() / 3600.0 - 12.0) < 0.2  # midnight at 0 E: 12 h after noon
    solstice = Times(datetime(2026, 6, 21, tzinfo=UTC), offset_s)
    assert (sunlit_fraction(slot.state(solstice), solstice).numpy() == 1.0).all()


def test_the_sun_passes_behind_a_geostationary_satellite_when_their_declinations_agree():
    site_place = FixedTerminal(latitude_rad=math.radians(45.0), longitude_rad=0.0)
    slot = FixedTerminal(latitude_rad=0.0, longitude_rad=0.0, altitude_m=GEOSTATIONARY_ALTITUDE_M)
    line = (slot.position_ecef_m - site_place.position_ecef_m).numpy()
    declination = math.asin(line[2] / np.linalg.norm(line))  # -6.8 degrees: early March and October

    days, seconds = np.arange(365.0), np.arange(0.0, 7_200.0, 20.0)
    times = Times(datetime(2026, 1, 1, 11, tzinfo=UTC), (86_400.0 * days[:, None] + seconds).ravel())
    site, state = site_place.site(times), slot.state(times)
    separation = sun_separation_rad(state, site, times).numpy().reshape(365, -1)
    sun = sun_position_ecef_m(times).numpy().reshape(365, -1, 3)[:, 180]
    gap = np.abs(np.arcsin(sun[:, 2] / np.linalg.norm(sun, axis=-1)) - declination)
    found = sun_outage(state, site, times, half_beam_rad=math.radians(0.5)).numpy().reshape(365, -1).any(1)
    # closest approach is the difference of declination; 20 s of the Sun's motion are 0.08 deg
    np.testing.assert_allclose(separation.min(1), gap, rtol=0.01, atol=math.radians(0.06))
    days = np.flatnonzero(found)
    assert len(days) in range(5, 10)  # +-(0.5 + 0.27) deg at 0.39 deg a day: 4 days, twice a year
    assert {(datetime(2026, 1, 1) + timedelta(days=int(d))).month for d in days} == {3, 10}


def test_light_is_differentiable_across_the_edge_of_the_shadow():
    orbit_angle = tf.Variable(1.5, dtype=tf.float64)
    times = Times(EQUINOX, np.linspace(0.0, 1200.0, 400))

    def light():
        orbit = CircularOrbit(
            altitude_m=550e3, inclination_rad=0.9, raan_rad=0.0, argument_of_latitude_rad=orbit_angle, epoch=EQUINOX
        )
        return tf.reduce_mean(sunlit_fraction(orbit.state(times), times))

    with tf.GradientTape() as tape:
        value = light()
    slope = float(tape.gradient(value, orbit_angle))
    step = 1e-5
    orbit_angle.assign_add(step)
    above = float(light())
    orbit_angle.assign_sub(2 * step)
    below = float(light())
    assert 0.0 < float(value) < 1.0
    assert slope == pytest.approx((above - below) / (2 * step), rel=1e-3)


def test_the_sun_has_the_elevation_of_a_link_to_it():
    times = Times(EQUINOX, np.arange(0.0, 86_400.0, 3_600.0))
    terminal = FixedTerminal(latitude_rad=0.5, longitude_rad=1.0)
    sun = sun_position_ecef_m(times)
    still = State(sun, tf.zeros_like(sun), tf.zeros_like(sun))

    np.testing.assert_allclose(
        sun_elevation_rad(terminal.site(times), times), link_geometry(still, terminal).elevation_rad, rtol=0, atol=1e-12
    )
