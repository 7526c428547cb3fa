"""Series of a pass: the Sun and the nadir against skyfield's satellite and astropy's Sun at one instant."""

import json

import numpy as np
import pytest
from skyfield.api import EarthSatellite, load, wgs84

from ntn6g.core.errors import ScenarioError
from ntn6g.scenario import from_mapping

LINE_1 = "1 62323U 24240A   26115.49220466  .00000041  00000+0  60880-4 0  9996"
LINE_2 = "2 62323  86.5040   1.0150 0001837  72.4834 287.6500 13.24413432 65663"


@pytest.mark.filterwarnings("ignore")
def test_sun_and_nadir_of_a_pass_are_those_of_skyfield_and_astropy():
    from astropy.coordinates import ITRS, get_sun
    from astropy.time import Time
    from astropy.utils import iers

    from ntn6g.study.build import build

    iers.conf.auto_download, iers.conf.auto_max_age = False, None
    asked = {
        "schema": 1,
        "study": "pass",
        "name": "test",
        "platforms": {"sat": {"kind": "tle", "lines": [LINE_1, LINE_2]}},
        "terminals": {"ue": {"latitude_deg": 39.9, "longitude_deg": 116.4, "altitude_m": 50}},
        "at": {"pass": {"after": "2026-04-25T12:00:00Z", "min_culmination_deg": 60}},
        "channel": {"carrier_ghz": 20, "environment": "urban", "fading": {"kind": "awgn"}},
    }
    series = build(from_mapping(asked))[0].series()[0]
    row = int(np.abs(series["time_s"]).argmin())
    assert json.loads(str(series["axes"])) == {}

    timescale = load.timescale(builtin=True)
    moment = str(series["culmination_utc"]).rstrip("Z")
    now = timescale.utc(*(int(part) for part in moment.replace("T", "-").replace(":", "-").split("-")))
    satellite, ground = EarthSatellite(LINE_1, LINE_2, "sat", timescale), wgs84.latlon(39.9, 116.4, elevation_m=50.0)
    from skyfield.framelib import itrs

    place, site = satellite.at(now).frame_xyz(itrs).m, ground.at(now).frame_xyz(itrs).m
    when = Time(moment)
    sun = get_sun(when).transform_to(ITRS(obstime=when)).cartesian.xyz.to_value("m")

    def angle_deg(one, two):
        return np.degrees(np.arccos(np.dot(one, two) / np.linalg.norm(one) / np.linalg.norm(two)))

    # a second of the satellite's motion near culmination is 0.3 deg at most, seen from below and from above
    assert series["off_nadir_deg"][row] == pytest.approx(angle_deg(-place, site - place), abs=0.3)
    assert series["sun_separation_deg"][row] == pytest.approx(angle_deg(place - site, sun - site), abs=0.4)
    up = np.array(
        [
            np.cos(np.radians(39.9)) * np.cos(np.radians(116.4)),
            np.cos(np.radians(39.9)) * np.sin(np.radians(116.4)),
            np.sin(np.radians(39.9)),
        ]
    )
    assert series["sun_elevation_deg"][row] == pytest.approx(90.0 - angle_deg(up, sun - site), abs=0.02)
    beside = np.linalg.norm(place - np.dot(place, sun) / np.dot(sun, sun) * sun)
    assert series["sunlit_fraction"][row] == (0.0 if np.dot(place, sun) < 0 and beside < 6_370e3 else 1.0)


def pass_of(**track):
    from ntn6g.study.build import build

    asked = {
        "schema": 1,
        "study": "pass",
        "name": "test",
        "platforms": {"sat": {"kind": "tle", "lines": [LINE_1, LINE_2]}},
        "terminals": {"ue": {"latitude_deg": 39.9, "longitude_deg": 116.4, "altitude_m": 50}},
        "at": {"pass": {"after": "2026-04-25T12:00:00Z", "min_culmination_deg": 60}},
        "channel": {"carrier_ghz": 20, "fading": {"kind": "awgn"}},
        "track": {"step_s": 2, **track},
    }
    study = build(from_mapping(asked))[0]
    sums = study.recipe("pass")()([(study.points[0].work, 0)])[0].sums
    return study.series()[0], sums


def test_what_the_terminal_foretells_is_off_by_rounding_age_and_its_own_place():
    plain, row = pass_of()
    assert "timing_error_us" not in plain
    assert "largest_timing_error_us" not in row

    well, row = pass_of(ephemeris={"form": "orbital", "period_s": 10})
    # orbital parameters are off by 0.25 m at 10 s, two ways: 1.7 ns; 0.001 m/s of 20 GHz: 0.07 Hz
    assert row["largest_timing_error_us"] < 2e-3
    assert row["largest_doppler_error_hz"] < 0.2
    assert row["usable_fraction"] == 1.0
    assert well["ephemeris_age_s"].max() < 10.0

    high, row = pass_of(ephemeris={"form": "orbital", "period_s": 10, "up_error_m": 100})
    # 100 m too high: nearer by 100 m times the sine of the elevation, two ways
    expected_us = -2.0 * 100.0 * np.sin(np.radians(high["elevation_deg"])) / 299.792458
    np.testing.assert_allclose(high["timing_error_us"], expected_us, rtol=0, atol=3e-3)
    assert row["largest_timing_error_us"] == np.abs(high["timing_error_us"]).max()


def test_messages_older_than_their_validity_are_not_counted():
    series, row = pass_of(ephemeris={"form": "orbital", "period_s": 100, "validity_s": 25, "oblateness": False})

    assert row["usable_fraction"] == pytest.approx(0.25, abs=0.04)  # 8.6 periods of the saw-tooth
    np.testing.assert_array_equal(series["ephemeris_usable"], series["ephemeris_age_s"] <= 25.0)
    assert np.abs(series["timing_error_us"]).max() > 4.0 * row["largest_timing_error_us"]  # errors grow as age squared


def test_a_validity_that_cannot_be_signalled_is_refused():
    with pytest.raises(ScenarioError, match="validity_s"):
        pass_of(ephemeris={"validity_s": 31})


@pytest.mark.parametrize("step_s", [60, 3600])
def test_extremes_of_a_pass_do_not_depend_on_the_step_of_its_track(step_s):
    _, fine = pass_of(step_s=1)
    _, coarse = pass_of(step_s=step_s)

    for name in ("shortest_range_km", "longest_range_km", "largest_doppler_khz"):
        assert coarse[name] == pytest.approx(fine[name], rel=1e-4)


def test_of_messages_that_are_never_usable_nothing_is_known():
    _, row = pass_of(ephemeris={"form": "orbital", "latency_s": 100, "validity_s": 5})

    assert row["usable_fraction"] == 0.0
    assert np.isnan(row["largest_timing_error_us"])
