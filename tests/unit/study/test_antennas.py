"""Antennas of a scenario: link budgets of TR 38.821 by presets, gains along passes by hand, what is refused."""

import math

import numpy as np
import pytest
import tensorflow as tf
from scipy.special import j1

from ntn6g import orbit
from ntn6g.core.constants import SPEED_OF_LIGHT_M_S
from ntn6g.core.errors import ScenarioError
from ntn6g.scenario import from_mapping
from ntn6g.scenario.antennas import Array
from ntn6g.study.build import build
from ntn6g.study.build.antennas import made, over_sphere, satellite_aim, satellite_axes
from ntn6g.study.build.survey import curves

LEO = {"kind": "circular", "altitude_km": 600, "inclination_deg": 70, "epoch": "2026-01-01T00:00:00Z"}
PASS = {"after": "2026-01-01T00:00:00Z", "min_culmination_deg": 80, "within_days": 15}
SATELLITE = {"kind": "tr38821", "parameter_set": "set-1", "orbit": "leo-600"}


def mapping(study="link", **sections):
    base = {
        "schema": 1,
        "study": study,
        "name": "test",
        "platforms": {"leo": LEO},
        "terminals": {"ue": {"latitude_deg": 45, "longitude_deg": 10}},
        "at": {"pass": PASS} if study == "pass" else {"pass": PASS, "elevation_deg": 30},
        "channel": {"carrier_ghz": 20, "environment": "rural", "fading": {"kind": "awgn"}},
        "link": {"subcarrier_khz": 120, "resource_blocks": 25, "modulation": "qpsk", "coding": "none"},
        "power": {"budget": {}},
        "antennas": {"satellite": SATELLITE, "terminal": {"kind": "vsat"}},
    }
    return base | sections


def facts(**sections):
    return build(from_mapping(mapping(**sections)))[0].points[0].facts


# 3GPP TR 38.821 V16.2.0, Table 6.1.3.3-1: set-1 LEO-600 at an elevation of 30 degrees
@pytest.mark.parametrize(
    ("carrier_ghz", "direction", "terminal", "cnr_db"),
    [(20, "downlink", "vsat", 8.5), (30, "uplink", "vsat", 18.4), (2, "downlink", "handheld", 6.6)],
)
def test_presets_give_the_link_budgets_of_tr_38821(carrier_ghz, direction, terminal, cnr_db):
    air = {"carrier_ghz": carrier_ghz, "environment": "rural", "fading": {"kind": "awgn"}}
    if carrier_ghz == 2:
        air |= {"losses": {"shadow_margin_db": 3.0}, "scintillation_model": {"fluctuation_4ghz_db": 1.1}}
    link = {"subcarrier_khz": 120, "modulation": "qpsk", "coding": "none", "direction": direction}
    # the power of an uplink is spread over 400 MHz: 275 blocks of 12 x 120 kHz and 1 % more
    link["resource_blocks"] = 275 if direction == "uplink" else 25
    found = facts(channel=air, link=link, antennas={"satellite": SATELLITE, "terminal": {"kind": terminal}})

    spread_db = 10 * math.log10(275 * 1.44 / 400) if direction == "uplink" else 0.0
    assert found["esno_db"] + spread_db == pytest.approx(cnr_db, abs=0.1)


def pattern_dbi(peak_dbi, diameter_m, carrier_hz, angle_deg):
    u = math.pi * diameter_m * carrier_hz / SPEED_OF_LIGHT_M_S * np.sin(np.radians(angle_deg))
    u = np.maximum(np.abs(u), 1e-9)
    return peak_dbi + 10 * np.log10(np.maximum(4 * (j1(u) / u) ** 2, 1e-10))


def series(satellite, terminal=None, **sections):
    antennas = {"satellite": satellite} | ({"terminal": terminal} if terminal else {})
    power = {"power": {"budget": {"gt_dbk": 15.9} if terminal is None else {}}}
    asked = mapping("pass", antennas=antennas, track={"step_s": 5}, **power | sections)
    return build(from_mapping(asked))[0].series()[0]


def test_a_beam_that_moves_with_the_satellite_loses_the_pattern_and_one_that_follows_loses_nothing():
    nadir = series(SATELLITE | {"pointing": {"kind": "nadir"}})
    followed = series(SATELLITE)

    angle_deg = nadir["off_nadir_deg"]
    assert nadir["satellite_off_boresight_deg"] == pytest.approx(angle_deg, abs=1e-6)
    expected = pattern_dbi(38.5, 0.5, 20e9, angle_deg)
    near = expected > -20.0  # at zeros of the pattern decibels of rounding are seen
    assert nadir["satellite_gain_dbi"][near] == pytest.approx(expected[near], abs=1e-3)
    assert followed["satellite_gain_dbi"] == pytest.approx(38.5)
    lost_db = followed["snr_db"] - nadir["snr_db"]
    assert lost_db == pytest.approx(nadir["satellite_pointing_loss_db"], abs=1e-9)


def test_an_earth_fixed_beam_is_seen_at_its_angle_from_the_terminal():
    """The aim lies 0.1 degrees north; angles by vectors from the series' own positions are not used."""
    place = {"kind": "place", "latitude_deg": 45.1, "longitude_deg": 10}
    found = series(SATELLITE | {"pointing": place})

    # 11.1 km on the ground, seen from 600 km overhead and foreshortened low in the sky
    culmination = int(np.abs(found["time_s"]).argmin())
    seen_deg = found["satellite_off_boresight_deg"][culmination]
    apart_km = 0.1 * math.pi / 180 * 6_378  # chord within a percent on the ellipsoid
    assert seen_deg == pytest.approx(math.degrees(apart_km / found["range_km"][culmination]), rel=0.05)
    assert found["satellite_off_boresight_deg"].max() < 1.1 * seen_deg
    expected = pattern_dbi(38.5, 0.5, 20e9, found["satellite_off_boresight_deg"])
    assert found["satellite_gain_dbi"] == pytest.approx(expected, abs=1e-6)


def test_a_panel_that_lies_flat_loses_what_elevation_says():
    panel = {"kind": "electronically-steered", "diameter_m": 0.5, "scan_exponent": 1.3}
    found = series(SATELLITE, panel, power={"budget": {"noise_figure_db": 1.2, "antenna_temperature_k": 150}})

    sine = np.sin(np.radians(found["elevation_deg"]))
    assert found["terminal_pointing_loss_db"] == pytest.approx(-13 * np.log10(sine), abs=1e-6)
    assert found["terminal_off_boresight_deg"] == pytest.approx(0.0, abs=1e-6)
    peak_dbi = 10 * math.log10(0.6 * (math.pi * 0.5 * 20e9 / SPEED_OF_LIGHT_M_S) ** 2)
    assert (found["terminal_gain_dbi"] + found["terminal_pointing_loss_db"]) == pytest.approx(peak_dbi)


def test_an_array_of_isotropic_elements_keeps_its_gain_wherever_it_looks():
    panel = {"kind": "array", "rows": 8, "columns": 16, "element": "isotropic"}
    found = series(SATELLITE, panel, power={"budget": {"noise_figure_db": 1.2, "antenna_temperature_k": 150}})

    assert found["terminal_gain_dbi"] == pytest.approx(10 * math.log10(128), abs=1e-9)


def test_a_pointing_error_costs_the_pattern_at_its_angle():
    found = facts(antennas={"satellite": SATELLITE | {"pointing_error_deg": 0.88235}, "terminal": {"kind": "vsat"}})

    assert found["satellite_off_boresight_deg"] == pytest.approx(0.88235, abs=1e-9)
    assert found["satellite_pointing_loss_db"] == pytest.approx(3.0, abs=2e-3)  # half of 1.7647 degrees


def test_errors_of_both_ends_and_crossed_polarisations_add_up():
    without = facts()
    ends = {
        "satellite": SATELLITE | {"polarisation": "right"},
        "terminal": {"kind": "vsat", "polarisation": "linear", "tilt_deg": 20.0},
    }
    found = facts(antennas=ends)

    assert found["polarisation_loss_db"] == pytest.approx(10 * math.log10(2))
    assert without["esno_db"] - found["esno_db"] == pytest.approx(10 * math.log10(2))


@pytest.mark.parametrize("number", [0, 1, 6])
def test_a_beam_of_a_layout_looks_at_its_centre(number):
    """Beams of the first ring lie one spacing from nadir: TR 38.821's 0.0267 in u and v."""
    pointing = {"kind": "beam", "beams": 7, "number": number}
    given = from_mapping(
        mapping(antennas={"satellite": SATELLITE | {"pointing": pointing}, "terminal": {"kind": "vsat"}})
    )
    state, _ = over_sphere([1.0], 600e3)
    antenna = made(given.antennas.satellite, 20e9, "antennas.satellite").antenna

    aim = satellite_aim(given.antennas.satellite, antenna, state).numpy()[0]

    down = -state.position_ecef_m.numpy()[0] / np.linalg.norm(state.position_ecef_m.numpy()[0])
    assert np.linalg.norm(np.cross(down, aim)) == pytest.approx(0.0267 if number else 0.0, abs=5e-5)


def test_a_survey_shows_gains_against_elevation():
    asked = mapping(
        "channel",
        survey={"draws": 64, "frequencies": 3},
        antennas={"satellite": SATELLITE | {"pointing": {"kind": "nadir"}}},
    )
    for section in ("platforms", "terminals", "at", "power", "link"):
        del asked[section]
    found = curves(from_mapping(asked))

    elevation = np.radians(found["elevation_deg"])
    off_nadir = np.arcsin(6371.0 / 6971.0 * np.cos(elevation))
    assert found["satellite_off_boresight_deg"] == pytest.approx(np.degrees(off_nadir), abs=1e-6)
    expected = pattern_dbi(38.5, 0.5, 20e9, np.degrees(off_nadir))
    near = expected > -20.0
    assert found["satellite_gain_dbi"][near] == pytest.approx(expected[near], abs=1e-3)


def test_the_sphere_of_a_survey_has_the_elevations_asked_for():
    elevation = np.radians(np.arange(10.0, 91.0, 5.0))
    state, site = over_sphere(elevation, 600e3)

    found = orbit.link_geometry(state, site)
    assert found.elevation_rad.numpy() == pytest.approx(elevation, abs=1e-7)
    assert found.range_m.numpy() == pytest.approx(orbit.slant_range_m(elevation, np.float64(600e3)).numpy(), rel=1e-9)
    assert (found.range_rate_m_s.numpy()[:-1] > 0).all()  # recedes


REFUSED = [
    ({"power": {"budget": {"eirp_density_dbw_mhz": 4}}}, "eirp_density_dbw_mhz and antennas.satellite are both given"),
    ({"power": {"budget": {"gt_dbk": 4}}}, "gt_dbk and antennas.terminal are both given"),
    ({"power": {"budget": {"noise_figure_db": 4}}}, "antenna_temperature_k is missing"),
    ({"antennas": {"terminal": {"kind": "vsat"}}, "power": {"budget": {"power_dbm": 4}}}, "is fed to an antenna"),
    ({"antennas": {"satellite": {"kind": "aperture", "diameter_m": 1}}}, "give exactly one of power_density_dbw_mhz"),
    ({"antennas": {"satellite": {"kind": "vsat"}}}, "'vsat' is an antenna of a terminal"),
    ({"antennas": {"terminal": SATELLITE}}, "'tr38821' is an antenna of a satellite"),
    ({"antennas": {"satellite": SATELLITE | {"pointing": {"kind": "sky"}}}}, "'sky' is not for a satellite"),
    ({"antennas": {"satellite": SATELLITE | {"pointing": {"kind": "beam", "beams": 7, "number": 7}}}}, "there are 7"),
    ({"antennas": {"satellite": SATELLITE | {"orbit": "leo-6000"}}}, "antennas.satellite.orbit"),
    (
        {"channel": {"carrier_ghz": 12, "fading": {"kind": "awgn"}}},
        "antennas.satellite.kind: TR 38.821 has satellites at 20 and 30 GHz, not at 12 GHz",
    ),
    (
        {
            "antennas": {
                "satellite": SATELLITE | {"polarisation": "right"},
                "terminal": {"kind": "vsat", "polarisation": "left"},
            }
        },
        "are crossed",
    ),
    (
        {
            "antennas": {"satellite": SATELLITE, "terminal": {"kind": "s1428", "diameter_m": 0.2}},
            "power": {"budget": {"noise_figure_db": 1, "antenna_temperature_k": 90}},
        },
        "S.1428 begins at a diameter of 20 wavelengths",
    ),
    (
        {
            "antennas": {"satellite": {"kind": "aperture", "diameter_m": 0.001}},
            "power": {"budget": {"power_dbm": 1, "gt_dbk": 1}},
        },
        "no half-power angle",
    ),
]


def test_a_pass_refuses_before_it_runs():
    asked = mapping("pass", channel={"carrier_ghz": 14, "fading": {"kind": "awgn"}})
    with pytest.raises(ScenarioError, match="at 20 and 30 GHz, not at 14 GHz"):
        build(from_mapping(asked))


@pytest.mark.parametrize(("sections", "message"), REFUSED)
def test_what_cannot_be_is_refused_in_one_line(sections, message):
    with pytest.raises(ScenarioError, match=message) as refused:
        build(from_mapping(mapping(**sections)))
    assert "\n" not in str(refused.value)


def test_the_panel_of_a_mast_leans_down_where_it_is_told_to():
    """East and 8 degrees down, on the equator at longitude 0, where up is x, east is y and north is z."""
    still = tf.zeros([1, 3], tf.float64)
    mast = orbit.State(tf.constant([[6.4e6, 0.0, 0.0]], tf.float64), still, still)
    sector = Array(kind="array", rows=8, columns=4, facing_azimuth_deg=90.0, facing_elevation_deg=-8.0)
    lean = math.radians(8.0)

    axes = satellite_axes(mast, sector)[0].numpy()
    down = satellite_axes(mast, Array(kind="array", rows=8, columns=4))[0].numpy()

    # normal, then along the columns' row (level, to the left of the normal seen from behind), then upwards
    expected = [[-math.sin(lean), math.cos(lean), 0], [0, 0, 1], [math.cos(lean), math.sin(lean), 0]]
    assert axes == pytest.approx(np.array(expected), abs=1e-12)
    assert np.linalg.det(axes) == pytest.approx(1.0)
    assert down[0] == pytest.approx([-1.0, 0.0, 0.0])
