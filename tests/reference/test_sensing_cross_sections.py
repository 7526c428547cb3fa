"""Radar cross sections of 3GPP TR 38.901 V19.4.0 clause 7.9.2.1, values retyped from its tables.

Where a value is not printed it follows from the printed equation by hand, as noted.
"""

import math

import numpy as np
import pytest

from ntn6g.services.sensing.scene import CROSS_SECTIONS, cross_section_dbsm, fluctuation_mean_db

# class, 10 lg(sigma_M), deviation of 10 lg(sigma_S)
PRINTED = [
    ("uav-small", -12.81, 3.74),
    ("human", -1.37, 3.94),
    ("uav-large", -5.85, 2.50),
    ("human-aspect", -1.37, 3.94),
    ("vehicle", 11.25, 3.41),
    ("agv", -4.25, 2.51),
]
# class, zenith and azimuth in the middle of a face, G_max, sigma_max, a direction of that face far from its middle
FACES = [
    ("vehicle", 79.70, 90.0, 20.75, 13.68, (179.0, 134.0)),
    ("vehicle", 79.65, 180.0, 14.56, 7.50, (179.0, 224.0)),
    ("vehicle", 71.75, 0.0, 15.52, 8.45, (179.0, -44.0)),
    ("vehicle", 0.0, 17.0, 21.26, 14.19, (29.9, 17.0)),
    ("uav-large", 90.0, 270.0, 7.43, 14.30, (46.0, 226.0)),
    ("uav-large", 180.0, 5.0, 13.55, 20.42, (136.0, 5.0)),
    ("agv", 90.0, 0.0, 13.02, 23.29, (31.0, 44.0)),
    ("agv", 90.0, 180.0, 11.01, 21.28, (31.0, 224.0)),
    ("human-aspect", 90.0, 180.0, 2.14, 7.7, (0.0, 100.0)),
]


@pytest.mark.parametrize(("kind", "mean_dbsm", "sigma_db"), PRINTED)
def test_means_and_deviations_are_those_printed(kind, mean_dbsm, sigma_db):
    assert (CROSS_SECTIONS[kind].mean_dbsm, CROSS_SECTIONS[kind].sigma_db) == (mean_dbsm, sigma_db)


@pytest.mark.parametrize(("kind", "zenith", "azimuth", "highest", "span", "far"), FACES)
def test_a_face_is_brightest_in_its_middle_and_falls_by_its_span_at_most(kind, zenith, azimuth, highest, span, far):
    assert float(cross_section_dbsm(kind, zenith_deg=zenith, azimuth_deg=azimuth)) == pytest.approx(highest)
    edge = float(cross_section_dbsm(kind, zenith_deg=far[0], azimuth_deg=far[1]))
    assert edge == pytest.approx(highest - span)


def test_half_a_width_off_the_middle_a_face_is_3_db_down():
    # 12 (1/2)^2 = 3 dB on each axis
    side = cross_section_dbsm("vehicle", zenith_deg=79.70 + 44.42 / 2, azimuth_deg=90 + 26.90 / 2)

    assert float(side) == pytest.approx(20.75 - 6.0)


def test_whoever_looks_sees_some_face_and_a_full_turn_changes_nothing():
    zenith, azimuth = np.meshgrid(np.linspace(0, 180, 73), np.linspace(-360, 360, 181))

    for kind in CROSS_SECTIONS:
        values = np.broadcast_to(cross_section_dbsm(kind, zenith_deg=zenith, azimuth_deg=azimuth), zenith.shape)
        assert np.isfinite(values).all()
        np.testing.assert_allclose(values[:90], values[90:180], atol=1e-9)


def test_a_bistatic_angle_costs_what_the_equations_say():
    # eq. 7.9.2-2: 3 sin(30 deg) = 1.5 dB; eq. 7.9.2-3 of a vehicle: 6 sin(1.65 * 30 deg) = 4.562 dB and
    # 5 lg cos(30 deg) = -0.312 dB
    assert float(cross_section_dbsm("human", bistatic_angle_rad=math.pi / 3)) == pytest.approx(-1.37 - 1.5)
    side = cross_section_dbsm("vehicle", zenith_deg=79.7, azimuth_deg=90.0, bistatic_angle_rad=math.pi / 3)
    assert float(side) == pytest.approx(20.75 - 4.562 - 0.312, abs=2e-3)
    # forwards the model has its floor
    forward = cross_section_dbsm("vehicle", zenith_deg=79.7, azimuth_deg=90.0, bistatic_angle_rad=math.pi)
    assert float(forward) == pytest.approx(20.75 - 13.68)


def test_the_fluctuation_has_mean_one():
    # eq. 7.9.2-1: E[10^(x/10)] of a normal x with this mean and deviation is one
    mean_db = float(fluctuation_mean_db(3.74))

    assert mean_db == pytest.approx(-math.log(10) / 20 * 3.74**2)
    assert mean_db * math.log(10) / 10 + 0.5 * (3.74 * math.log(10) / 10) ** 2 == pytest.approx(0.0, abs=1e-12)


def test_unknown_classes_and_directions_are_refused():
    with pytest.raises(ValueError, match="'bird' is none of uav-small"):
        cross_section_dbsm("bird")
    with pytest.raises(ValueError, match="zenith outside 0 to 180"):
        cross_section_dbsm("agv", zenith_deg=181.0)
