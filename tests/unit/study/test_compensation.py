"""What ephemeris and navigation leave of delay and Doppler, against independent geometry."""

from datetime import UTC, datetime

import numpy as np
import pytest

from ntn6g.core.constants import EARTH_ROTATION_RAD_S, SPEED_OF_LIGHT_M_S
from ntn6g.core.errors import ScenarioError
from ntn6g.orbit import Times
from ntn6g.phy.synchronisation import (
    common_offset_slots,
    compensation_lasts_s,
    quantised_advance_s,
    timing_step_s,
)
from ntn6g.scenario import from_mapping
from ntn6g.study.build.compensation import residual_of
from ntn6g.study.build.geometry import instants
from ntn6g.study.build.link import LinkStudy
from ntn6g.study.build.satellites import satellite, site

CARRIER_HZ = 20e9


def scenario(at=None, domain="time", direction="uplink", **compensation):
    return from_mapping(
        {
            "schema": 1,
            "study": "link",
            "name": "compensated",
            "platforms": {
                "sat": {
                    "kind": "circular",
                    "altitude_km": 600,
                    "inclination_deg": 60,
                    "epoch": datetime(2026, 1, 1, tzinfo=UTC),
                }
            },
            "terminals": {"ue": {"latitude_deg": 45, "longitude_deg": 10}},
            "at": {"pass": {"after": datetime(2026, 1, 1, tzinfo=UTC), "min_culmination_deg": 80, "within_days": 10}}
            | (at or {}),
            "channel": {"carrier_ghz": 20, "domain": domain, "fading": {"kind": "awgn"}},
            "link": {
                "direction": direction,
                "subcarrier_khz": 120,
                "resource_blocks": 4,
                "mcs": 5,
                "compensation": compensation,
            },
            "power": {"esno_db": 10},
        }
    )


def left(at=None, **compensation):
    asked = scenario(at, **compensation)
    instant = instants([asked])[0]
    return residual_of(asked, instant), instant, asked


@pytest.mark.parametrize("fraction", [0.1, 0.5, 0.8])
def test_perfect_knowledge_leaves_less_than_a_hertz(fraction):
    """The uplink's phase where it is received, from positions alone, 50 ms on either side, light time solved."""
    found, instant, asked = left({"fraction": fraction}, ephemeris="exact")
    chosen, place = satellite(asked.platforms["sat"], "platforms.sat"), site(asked.terminals["ue"])
    steps = np.array([-0.05, 0.05])
    received = chosen.state(Times(instant.moment, steps)).position_ecef_m.numpy()
    x, y, z = np.broadcast_to(place.site(Times(instant.moment, steps)).position_ecef_m.numpy(), (2, 3)).T
    light_s = np.full(2, instant.range_m / SPEED_OF_LIGHT_M_S)
    for _ in range(4):  # sent before the Earth turned to where it is
        turn = -EARTH_ROTATION_RAD_S * light_s
        sent = np.stack([np.cos(turn) * x - np.sin(turn) * y, np.sin(turn) * x + np.cos(turn) * y, z], -1)
        light_s = np.linalg.norm(received - sent, axis=-1) / SPEED_OF_LIGHT_M_S
    measured_hz = -CARRIER_HZ * np.diff(light_s)[0] / np.diff(steps)[0]
    foretold_hz = -CARRIER_HZ * instant.range_rate_m_s / SPEED_OF_LIGHT_M_S - CARRIER_HZ * found.doppler_ratio

    assert abs(measured_hz) > 1e3
    assert found.delay_s == 0.0
    assert measured_hz == pytest.approx(foretold_hz, abs=1.0)


def test_a_kilometre_along_the_track_leaves_what_the_doppler_rate_says():
    # A terminal that takes itself for 1 km from where it is, against the satellite's way, expects the culmination
    # 1 km / v earlier: at the culmination of a pass overhead the residual is v / (c d) f_c a metre, v being the speed
    # relative to the ground.
    exact, instant, asked = left(ephemeris="exact")
    chosen = satellite(asked.platforms["sat"], "platforms.sat")
    here = site(asked.terminals["ue"]).site(Times(instant.moment, np.zeros(1)))
    state = chosen.state(Times(instant.moment, np.zeros(1)))
    velocity = state.velocity_ecef_m_s.numpy()[0]
    east = float(velocity @ here.east.numpy()[0])
    north = float(velocity @ here.north.numpy()[0])
    speed = np.hypot(east, north)
    off = {"east_error_m": -1e3 * east / speed, "north_error_m": -1e3 * north / speed}

    found, *_ = left(ephemeris="exact", **off)
    change_hz = CARRIER_HZ * (found.doppler_ratio - exact.doppler_ratio)

    predicted_hz = CARRIER_HZ / SPEED_OF_LIGHT_M_S * speed * 1e3 / instant.range_m
    assert abs(predicted_hz) == pytest.approx(800, abs=100)  # Hz: 0.04 ppm of 20 GHz, by hand 7.2 km/s x 1 / 610
    # second order in 1 km / 610 km and the elevation of 80 degrees and more: a few per cent
    assert abs(change_hz) == pytest.approx(predicted_hz, rel=0.05)


def test_an_uplink_is_late_by_two_ways_and_a_downlink_by_one():
    up, instant, _ = left(ephemeris="exact", up_error_m=30.0)
    down, *_ = left(ephemeris="exact", up_error_m=30.0, direction="downlink")

    # 30 m nearer to a satellite overhead than it is: expects the signal 100 ns early
    expected_s = 30.0 * np.sin(instant.elevation_rad) / SPEED_OF_LIGHT_M_S
    assert down.delay_s == pytest.approx(expected_s, rel=1e-3)
    assert up.delay_s == pytest.approx(2 * expected_s, rel=1e-3)


def test_what_is_held_drifts_at_the_doppler_rate():
    found, instant, _ = left({"fraction": 0.5}, ephemeris="exact", held_s=0.1)

    rate_hz_s = -CARRIER_HZ * instant.range_acceleration_m_s2 / SPEED_OF_LIGHT_M_S
    # TR 38.821-like geometry: 0.29 ppm/s overhead at 600 km
    assert abs(rate_hz_s) == pytest.approx(5.8e3, rel=0.15)
    assert CARRIER_HZ * found.doppler_ratio == pytest.approx(0.1 * rate_hz_s, rel=0.02)


def test_age_costs_a_terminal_without_oblateness_most():
    delays = {
        (age_s, oblate): abs(left({"fraction": 0.3}, age_s=age_s, oblateness=oblate)[0].delay_s)
        for age_s in (0.0, 30.0, 60.0)
        for oblate in (True, False)
    }

    assert delays[60.0, True] < 60e-9  # a few metres of rounding, twice
    # the circular platform moves by two-body gravity here, so that a terminal that adds J2 is the one that errs
    assert max(delays[60.0, True], delays[60.0, False]) > delays[0.0, True]


def test_beams_leave_the_part_that_is_not_common():
    # TR 38.821-like: 25 km from the centre of a beam at nadir from 600 km, 2.1 kHz at 2 GHz (v x 25 / 600 / c)
    found, instant, asked = left(part="common", reference_north_km=25.0, timing="acquired")
    chosen = satellite(asked.platforms["sat"], "platforms.sat")
    velocity = chosen.state(Times(instant.moment, np.zeros(1))).velocity_ecef_m_s.numpy()[0]
    north = site(asked.terminals["ue"]).site(Times(instant.moment, np.zeros(1))).north.numpy()[0]

    predicted = float(velocity @ north) * 25e3 / instant.range_m / SPEED_OF_LIGHT_M_S
    assert abs(found.doppler_ratio) == pytest.approx(abs(predicted), rel=0.1)
    assert found.delay_s == 0.0


def test_residuals_are_columns_and_values_of_a_study():
    study = LinkStudy("", scenario({"fraction": 0.3}, ephemeris="exact", held_s=0.01))
    point = study.points[0]

    assert point.facts["residual_offset_hz"] == point.values["residual_offset_hz"] != 0.0
    assert point.facts["timing_error_us"] == 1e6 * point.values["residual_delay_s"]


def test_what_is_held_drifts_within_the_slot_as_the_orbit_has_it():
    """Against ranges one second apart."""
    found, instant, asked = left({"fraction": 0.2}, ephemeris="exact")
    chosen, place = satellite(asked.platforms["sat"], "platforms.sat"), site(asked.terminals["ue"])
    times = Times(instant.moment, np.array([-1.0, 0.0, 1.0]))
    line_m = chosen.state(times).position_ecef_m.numpy() - place.site(times).position_ecef_m.numpy()
    delay_s = np.linalg.norm(line_m, axis=-1) / SPEED_OF_LIGHT_M_S
    study = LinkStudy("", scenario({"fraction": 0.2}, ephemeris="exact")).points[0]
    tracked = LinkStudy("", scenario({"fraction": 0.2}, ephemeris="exact", within_slot="tracked")).points[0]

    assert abs(found.delay_rate) > 10e-6
    # light time has a rate of its own, 2e-5 of it
    assert found.delay_rate == pytest.approx((delay_s[2] - delay_s[0]) / 2, rel=1e-4)
    assert found.doppler_ratio_rate == pytest.approx(-(delay_s[2] - 2 * delay_s[1] + delay_s[0]), rel=2e-3)
    assert study.facts["timing_drift_us_s"] == 1e6 * study.values["residual_delay_rate"] == 1e6 * found.delay_rate
    assert study.values["residual_doppler_rate_hz_s"] == pytest.approx(CARRIER_HZ * found.doppler_ratio_rate)
    assert tracked.values["residual_delay_rate"] == tracked.values["residual_doppler_rate_hz_s"] == 0.0


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"domain": "frequency"}, "link.compensation.timing.*channel.domain: time"),
        ({"reference_east_km": 5.0}, "reference_east_km.*part: both"),
        ({"part": "common", "age_s": 5.0}, "age_s.*part: common"),
        ({"ephemeris": "exact", "age_s": 5.0}, "age_s.*exact ephemeris"),
    ],
)
def test_what_does_not_fit_is_one_line(changes, words):
    with pytest.raises(ScenarioError, match=words):
        scenario(**changes)


def test_a_timing_error_that_samples_cannot_hold_is_refused():
    with pytest.raises(ScenarioError, match=r"link\.compensation: .*timing error of .* us, beyond"):
        LinkStudy("", scenario({"fraction": 0.1}, ephemeris="exact", north_error_m=2e4))


def test_scheduling_offsets_cover_round_trips():
    # OpenAirInterface's GEO example: 238.74 ms one way, cellSpecificKoffset 478
    assert common_offset_slots(2 * 238.74e-3) == 478
    assert common_offset_slots(25.77e-3) == 26  # LEO-600 at 10 degrees, transparent
    with pytest.raises(ScenarioError, match="1023"):
        common_offset_slots(1.1)


def test_timing_commands_come_in_steps():
    # TS 38.213 4.2: 16 x 64 T_c / 2^mu, 0.52 us at 15 kHz
    assert timing_step_s(15e3) == pytest.approx(0.5208e-6, rel=1e-3)
    assert timing_step_s(120e3) == pytest.approx(timing_step_s(15e3) / 8)
    corrected = quantised_advance_s([0.0, 0.3e-6, 0.2e-6, 1.0, -1.0], 15e3) / timing_step_s(15e3)
    np.testing.assert_allclose(corrected, [0, 1, 0, 32, -31])
    # 45 us/s against a quarter of the prefix at 120 kHz: every 3 ms
    assert float(compensation_lasts_s(146e-9, 45e-6)) == pytest.approx(3.2e-3, rel=0.02)
