"""Series of a pass: the Sun and the nadir against skyfield's satellite and astropy's Sun at one instant."""

import json

import numpy as np
import pytest
from skyfield.api import EarthSatellite, load, wgs84

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
