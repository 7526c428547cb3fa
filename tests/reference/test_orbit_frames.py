"""Frames against printed examples and against skyfield."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
import tensorflow as tf
from skyfield.api import wgs84
from skyfield.sgp4lib import theta_GMST1982

from ntn6g.orbit import Times, geodetic_to_ecef, greenwich_mean_sidereal_time, teme_to_ecef

# D. A. Vallado, Fundamentals of Astrodynamics and Applications, 4th ed.: example 3-5 (sidereal time) and the
# vectors of example 3-15, which AIAA 2006-6753, appendix C, uses for TEME to PEF and ITRF. Both were computed
# from Julian dates in one double, 4.7e-10 d apart: 1.7e-7 deg of rotation, 24 mm at 7970 km from the axis.
ONE_STEP_DEG, ONE_STEP_M = 1.7e-7, 24e-3
SIDEREAL_MOMENT, SIDEREAL_DEG = datetime(1992, 8, 20, 12, 14, tzinfo=UTC), 152.578787810
MOMENT, UT1_MINUS_UTC_S = datetime(2004, 4, 6, 7, 51, 28, 386009, tzinfo=UTC), -0.4399619
TEME_KM, TEME_KM_S = (
    (5094.18016210, 6127.64465950, 6380.34453270),
    (-4.7461314870, 0.7858180410, 5.5319312880),
)
PEF_KM, PEF_KM_S = (
    (-1033.47503130, 7901.30558560, 6380.34453270),
    (-3.2256327470, -2.8724425110, 5.5319312880),
)
ITRF_KM = (-1033.4793830, 7901.2952754, 6380.3565958)


def test_sidereal_time_matches_vallado_example_3_5():
    angle_rad, _ = greenwich_mean_sidereal_time(SIDEREAL_MOMENT)

    assert np.degrees(angle_rad) == pytest.approx(SIDEREAL_DEG, abs=ONE_STEP_DEG)


def test_sidereal_time_matches_skyfield_to_rounding():
    whole_jd, fraction = 2_461_155.5, 0.123456  # 2026-04-25
    moment = datetime(2026, 4, 25, tzinfo=UTC) + timedelta(days=fraction)

    angle_rad, rate_rad_s = greenwich_mean_sidereal_time(moment, ut1_minus_utc_s=0.25)
    expected_rad, rate_rad_day = theta_GMST1982(whole_jd, fraction + 0.25 / 86_400)

    assert angle_rad == pytest.approx(expected_rad, abs=1e-12)
    assert rate_rad_s == pytest.approx(rate_rad_day / 86_400, rel=1e-14)


def test_sidereal_rate_is_the_difference_of_two_angles():
    first_rad, rate_rad_s = greenwich_mean_sidereal_time(datetime(2026, 4, 25, tzinfo=UTC))
    second_rad, _ = greenwich_mean_sidereal_time(datetime(2026, 4, 25, 1, tzinfo=UTC))

    assert rate_rad_s == pytest.approx((second_rad - first_rad) / 3600, abs=1e-17 * 1e3)  # rounding over 1 h


def example_state():
    zero = tf.zeros([1, 3], tf.float64)
    return teme_to_ecef(
        tf.constant([TEME_KM], tf.float64) * 1e3,
        tf.constant([TEME_KM_S], tf.float64) * 1e3,
        zero,
        Times(MOMENT, np.zeros(1), UT1_MINUS_UTC_S),
    )


def test_teme_to_earth_fixed_matches_the_printed_example():
    state = example_state()

    np.testing.assert_allclose(state.position_ecef_m[0], np.array(PEF_KM) * 1e3, rtol=0, atol=ONE_STEP_M)
    # the example turns by 7.292115147e-5 rad/s less the excess of the day, this frame with the equinox:
    # 8.4e-12 rad/s more, 7e-5 m/s at 7970 km
    np.testing.assert_allclose(state.velocity_ecef_m_s[0], np.array(PEF_KM_S) * 1e3, rtol=0, atol=1e-4)


def test_polar_motion_left_out_costs_less_than_it_is_said_to():
    error_m = np.linalg.norm(example_state().position_ecef_m[0] - np.array(ITRF_KM) * 1e3)
    radius_m = np.linalg.norm(ITRF_KM) * 1e3

    assert error_m / radius_m < np.radians(0.6 / 3600)


def test_geodetic_positions_and_horizon_match_skyfield():
    rng = np.random.default_rng(3)
    for latitude_deg, longitude_deg, altitude_m in zip(
        rng.uniform(-90, 90, 20), rng.uniform(-180, 360, 20), rng.uniform(-100, 40e3, 20), strict=True
    ):
        ours_m = geodetic_to_ecef(
            tf.constant(np.radians(latitude_deg)),
            tf.constant(np.radians(longitude_deg)),
            tf.constant(altitude_m),
        )
        site = wgs84.latlon(latitude_deg, longitude_deg, elevation_m=altitude_m)
        np.testing.assert_allclose(ours_m, site.itrs_xyz.m, rtol=0, atol=1e-6)  # rounding of an au
