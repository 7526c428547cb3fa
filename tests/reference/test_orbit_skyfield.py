"""Geometry and passes of real satellites against skyfield, with the same UT1, over a day."""

from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import brentq, minimize_scalar
from skyfield.api import EarthSatellite, load, wgs84

from ntn6g.orbit import ElementSet, FixedTerminal, Times, find_passes, link_geometry

LINES = (Path(__file__).parent / "data/orbit_element_sets.tle").read_text().splitlines()
SETS = {LINES[i]: LINES[i + 1 : i + 3] for i in range(0, len(LINES), 3)}
NAMES = ["HULIANWANG DIGUI-01", "QIANFAN-1", "STARLINK-1008", "STARLINK-1017", "KUIPER-00008", "ONEWEB-0145"]
SITES = {"beijing": (39.9, 116.4, 50.0), "quito": (-0.2, -78.5, 2850.0)}
TIMESCALE = load.timescale(builtin=True)
DAY_S = 86_400.0


def both(name, site):
    latitude_deg, longitude_deg, altitude_m = SITES[site]
    elements = ElementSet(*SETS[name], name)
    terminal = FixedTerminal(
        latitude_rad=np.radians(latitude_deg), longitude_rad=np.radians(longitude_deg), altitude_m=altitude_m
    )
    satellite = EarthSatellite(*SETS[name], name, TIMESCALE)
    ground = wgs84.latlon(latitude_deg, longitude_deg, elevation_m=altitude_m)
    start = elements.epoch.replace(microsecond=0) + timedelta(hours=1)
    return elements, terminal, satellite, ground, start, float(TIMESCALE.from_datetime(start).dut1)


@pytest.mark.parametrize("site", ["beijing", "quito"])
@pytest.mark.parametrize("name", NAMES)
def test_angles_range_and_range_rate_match_skyfield_over_a_day(name, site):
    elements, terminal, satellite, ground, start, ut1_minus_utc_s = both(name, site)
    offset_s = np.arange(0.0, DAY_S, 90.0)

    ours = link_geometry(elements.state(Times(start, offset_s, ut1_minus_utc_s)), terminal)
    moments = TIMESCALE.utc(
        start.year, start.month, start.day, start.hour, start.minute, start.second + offset_s
    )
    elevation, azimuth, distance, _, _, rate = (satellite - ground).at(moments).frame_latlon_and_rates(ground)

    elevation_error = np.degrees(ours.elevation_rad) - elevation.degrees
    turn_deg = (np.degrees(ours.azimuth_rad) - azimuth.degrees + 180.0) % 360.0 - 180.0
    azimuth_error = turn_deg * np.cos(elevation.radians)  # on the sky
    range_error, rate_error = ours.range_m - distance.m, ours.range_rate_m_s - rate.m_per_s
    worst = [
        float(np.abs(error).max()) for error in (elevation_error, azimuth_error, range_error, rate_error)
    ]
    print(f"\n{name:20s} {site:9s} {worst[0]:.2e} deg {worst[1]:.2e} deg {worst[2]:.3f} m {worst[3]:.4f} m/s")
    # both use SGP4, GMST 1982 and no polar motion; UT1 - UTC changes by some ms in the day: 1 m
    assert worst[0] < 1e-4
    assert worst[1] < 1e-4
    assert worst[2] < 5.0
    assert worst[3] < 0.05  # SGP4's velocity against the derivative of its position: 0.02 m/s


@pytest.mark.parametrize("name", ["HULIANWANG DIGUI-01", "STARLINK-1008", "ONEWEB-0145"])
def test_passes_match_skyfield(name):
    elements, terminal, satellite, ground, start, ut1_minus_utc_s = both(name, "beijing")
    mask_deg = 10.0

    ours = find_passes(
        elements, terminal, start, DAY_S, np.radians(mask_deg), ut1_minus_utc_s=ut1_minus_utc_s
    )
    first = TIMESCALE.from_datetime(start)
    found, kinds = satellite.find_events(
        ground, first, TIMESCALE.from_datetime(start + timedelta(days=1)), mask_deg
    )

    def elevation_deg(offset_s):
        moment = TIMESCALE.utc(
            start.year, start.month, start.day, start.hour, start.minute, start.second + offset_s
        )
        return (satellite - ground).at(moment).altaz()[0].degrees

    events_s = [(each.utc_datetime() - start).total_seconds() for each in found]
    mine_s = [value for each in ours for value in (each.rise_s, each.culmination_s, each.set_s)]
    assert list(kinds) == [0, 1, 2] * len(ours)
    # skyfield searches to half a second; its own elevation, solved here, is the finer oracle
    np.testing.assert_allclose(mine_s, events_s, rtol=0, atol=0.6)
    for near_s, kind, mine in zip(events_s, kinds, mine_s, strict=True):
        if kind == 1:
            exact_s = minimize_scalar(
                lambda t: -elevation_deg(t),
                bounds=(near_s - 5, near_s + 5),
                method="bounded",
                options={"xatol": 1e-4},
            ).x
        else:
            exact_s = brentq(lambda t: elevation_deg(t) - mask_deg, near_s - 2, near_s + 2, xtol=1e-5)
        assert mine == pytest.approx(exact_s, abs=0.01)  # the 10 ms promised
    for each in ours:
        assert np.degrees(each.culmination_elevation_rad) == pytest.approx(
            elevation_deg(each.culmination_s), abs=1e-4
        )
