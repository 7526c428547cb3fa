"""Transparent payloads in studies: the geometry of both hops, the law of their noise, what is refused."""

import math
import sys

import numpy as np
import pytest

from ntn6g.core.constants import SPEED_OF_LIGHT_M_S
from ntn6g.core.errors import ScenarioError
from ntn6g.scenario import from_mapping
from ntn6g.study.build import build
from ntn6g.study.build.link_step import make_chain

PLACE = {"latitude_deg": 45, "longitude_deg": 10}
FEEDER = {"gateway": PLACE, "carrier_ghz": 28, "cnr_db": 20.0}


def mapping(study="link", feeder=FEEDER, **sections):
    base = {
        "schema": 1,
        "study": study,
        "name": "test",
        "platforms": {
            "leo": {"kind": "circular", "altitude_km": 600, "inclination_deg": 70, "epoch": "2026-01-01T00:00:00Z"}
        },
        "terminals": {"ue": PLACE},
        "at": {"pass": {"after": "2026-01-01T00:00:00Z", "min_culmination_deg": 80, "within_days": 15}}
        | ({"elevation_deg": 40} if study == "link" else {}),
        "channel": {"carrier_ghz": 20, "environment": "rural", "fading": {"kind": "awgn"}},
        "link": {"resource_blocks": 25, "mcs": 5},
        "power": {"budget": {"eirp_density_dbw_mhz": 4, "gt_dbk": 15.9}},
    }
    if feeder:
        base["payload"] = {"feeder": feeder}
    return base | sections


def facts(**sections):
    return build(from_mapping(mapping(**sections)))[0].points[0].facts


def test_a_gateway_beside_the_terminal_doubles_delay_and_shares_the_noise():
    alone = facts(feeder=None)
    service_db = alone["esno_db"]
    both = facts(feeder=FEEDER | {"cnr_db": service_db, "payload_us": 100.0})
    shared = facts(feeder=FEEDER | {"cnr_db": service_db, "noise_shares_power": True})

    assert both["service_esno_db"] == pytest.approx(service_db)
    assert service_db - both["esno_db"] == pytest.approx(10 * math.log10(2), abs=1e-9)
    ratio = 10 ** (service_db / 10)
    assert 10 ** (shared["esno_db"] / 10) == pytest.approx(ratio**2 / (1 + 2 * ratio))
    assert both["feeder_elevation_deg"] == pytest.approx(40.0, abs=1e-6)
    assert both["end_to_end_delay_ms"] == pytest.approx(2 * alone["delay_ms"] + 0.1, abs=1e-9)
    assert both["feeder_doppler_khz"] == pytest.approx(alone["doppler_khz"] * 28 / 20)
    ratio = 1e3 * alone["doppler_khz"] / 20e9
    assert both["end_to_end_doppler_khz"] == pytest.approx(1e-3 * (28e9 * ratio * (1 + ratio) + 20e9 * ratio), rel=1e-9)


def test_ratios_that_are_given_are_those_of_the_service_link():
    both = facts(power={"esno_db": 10.0}, feeder=FEEDER | {"cnr_db": 10.0})

    assert both["service_esno_db"] == 10.0
    assert both["esno_db"] == pytest.approx(10.0 - 10 * math.log10(2))


@pytest.mark.parametrize("shared", [False, True])
def test_noises_of_both_hops_add_up_to_the_law(shared):
    """Down, what the satellite sends on fades with the signal; up, a payload of fixed gain adds noise that stays."""
    sections = {"feeder": FEEDER | {"cnr_db": 6.0, "noise_shares_power": shared}, "power": {"esno_db": 9.0}}
    down = build(from_mapping(mapping(**sections)))[0].points[0]
    up = build(from_mapping(mapping(**sections, link={"resource_blocks": 25, "mcs": 5, "direction": "uplink"})))[0]
    up = up.points[0]
    feeder, service = 10**0.6, 10**0.9

    assert down.structure.feeder_noise
    assert not up.structure.feeder_noise
    assert down.values["feeder_noise_variance"] == pytest.approx(1 / feeder)
    assert up.values["feeder_noise_variance"] == 0.0
    whole = 1 / feeder + 1 / service + (1 / (feeder * service) if shared else 0.0)
    assert down.values["feeder_noise_variance"] + down.values["noise_variance"] == pytest.approx(whole)
    assert up.values["noise_variance"] == pytest.approx(whole)
    assert 10 ** (-down.facts["esno_db"] / 10) == pytest.approx(whole)


def test_the_feeder_link_has_its_own_budget():
    """By hand: 40 dBW/MHz + 8 dB/K + 228.6 - 60 - FSPL - gas - scintillation, whose last two stay below 2 dB."""
    found = facts(feeder={"gateway": PLACE, "carrier_ghz": 28, "eirp_density_dbw_mhz": 40, "gt_dbk": 8})

    lost_db = 20 * math.log10(4e3 * math.pi * found["feeder_range_km"] * 28e9 / SPEED_OF_LIGHT_M_S)
    without_air = 40 + 8 + 228.6 - 60 - lost_db
    assert without_air - 2.0 < found["feeder_esno_db"] < without_air


def test_rain_over_the_gateway_is_that_of_its_own_path():
    """The same place, rain and carrier as the terminal's: the same loss, by P.618."""
    rain = {"rain_rate_001_mm_h": 40.0, "rain_height_km": 3.0}
    channel = {"carrier_ghz": 28, "environment": "rural", "fading": {"kind": "awgn"}}
    wet_channel = channel | {"losses": {"rain": True}, "weather": rain | {"exceeded_percent": 0.1}}
    feeder = {"gateway": PLACE | rain, "carrier_ghz": 28, "eirp_density_dbw_mhz": 40, "gt_dbk": 8}

    dry, wet = facts(feeder=feeder, channel=channel), facts(feeder=feeder, channel=wet_channel)
    drier = facts(feeder=feeder | {"gateway": feeder["gateway"] | {"rain_rate_001_mm_h": 0.0}}, channel=wet_channel)

    lost_db = dry["service_esno_db"] - wet["service_esno_db"]
    assert lost_db > 2.0
    assert dry["feeder_esno_db"] - wet["feeder_esno_db"] == pytest.approx(lost_db, abs=1e-9)
    # without rain at the gateway scintillation is still that of 0.1 % of the year, 1.6 times that of 1 % (P.618, 2.4.1)
    assert 0.0 < dry["feeder_esno_db"] - drier["feeder_esno_db"] < 0.3


def test_every_loss_of_the_feeder_link_is_switched_by_itself():
    """Over the terminal's own place and carrier each term takes off what it takes off the service link."""
    climate = {"rain_rate_001_mm_h": 40.0, "rain_height_km": 3.0, "liquid_kg_m2": 0.5}
    terms = ("free_space", "gas", "scintillation", "rain", "cloud")
    channel = {"carrier_ghz": 28, "environment": "rural", "fading": {"kind": "awgn"}}
    channel |= {"losses": {"rain": True, "cloud": True}, "weather": climate | {"combination": "sum"}}
    feeder = {"gateway": PLACE | climate, "carrier_ghz": 28, "eirp_density_dbw_mhz": 40, "gt_dbk": 8}
    whole = facts(feeder=feeder, channel=channel)

    for term in terms:
        without = facts(feeder=feeder | {"losses": {term: False}}, channel=channel)
        taken_db = without["feeder_esno_db"] - whole["feeder_esno_db"]
        # beside rain or cloud scintillation has their share of the year, so that it stays as it is
        assert taken_db == pytest.approx(whole[f"{term}_loss_db"], abs=1e-9), term
        assert whole[f"feeder_{term}_loss_db"] == pytest.approx(whole[f"{term}_loss_db"], abs=1e-9)
        assert f"feeder_{term}_loss_db" not in without
        assert without["service_esno_db"] == whole["service_esno_db"]
    nothing = facts(feeder=feeder | {"losses": dict.fromkeys(terms, False)}, channel=channel)
    assert nothing["feeder_esno_db"] == pytest.approx(40 + 8 + 228.6 - 60, abs=0.01)  # Boltzmann's to a decimal


def test_gases_and_rain_of_the_feeder_link_are_those_of_validated_paths():
    """Rows of reference/data/itu_r.yaml: P.676-13 from the ground, by another program, and P.618-14 for London."""
    channel = {"carrier_ghz": 20, "environment": "rural", "fading": {"kind": "awgn"}}
    at = mapping()["at"]
    feeder = {"gateway": PLACE, "carrier_ghz": 30, "eirp_density_dbw_mhz": 40, "gt_dbk": 8}
    dry = facts(feeder=feeder, at=at | {"elevation_deg": 30})
    assert dry["feeder_gas_loss_db"] == pytest.approx(0.45831641, rel=1e-6)

    london = {"latitude_deg": 51.5, "longitude_deg": -0.14, "altitude_m": 31.38298}
    rain = {"rain_rate_001_mm_h": 26.48052, "rain_height_km": 2.45273333}  # P.839-4
    weather = {"exceeded_percent": 0.1, "polarisation_tilt_deg": 0.0}
    wet = facts(
        feeder=feeder | {"gateway": london | rain, "carrier_ghz": 29, "losses": {"rain": True}},
        terminals={"ue": london},
        at=at | {"elevation_deg": 31.07699124},
        channel=channel | {"weather": weather},
    )
    assert wet["feeder_rain_loss_db"] == pytest.approx(8.57005837, rel=1e-6)


def test_rain_and_clouds_of_the_feeder_link_follow_the_service_link_unless_told_otherwise():
    climate = {"rain_rate_001_mm_h": 40.0, "rain_height_km": 3.0, "liquid_kg_m2": 0.5}
    feeder = {"gateway": PLACE | climate, "carrier_ghz": 28, "eirp_density_dbw_mhz": 40, "gt_dbk": 8}

    dry = facts(feeder=feeder)
    alone = facts(feeder=feeder | {"losses": {"rain": True}})

    assert not {"feeder_rain_loss_db", "feeder_cloud_loss_db", "rain_loss_db"} & set(dry)
    assert alone["feeder_rain_loss_db"] > 2.0
    assert not {"feeder_cloud_loss_db", "rain_loss_db"} & set(alone)


WET = {"losses": {"cloud": True}, "weather": {"liquid_kg_m2": 0.5}}
BUDGET = {"gateway": PLACE, "carrier_ghz": 28, "eirp_density_dbw_mhz": 40, "gt_dbk": 8}


@pytest.mark.parametrize(
    ("channel", "losses", "missing"),
    [
        (WET, {}, "liquid_kg_m2"),
        ({}, {"rain": True}, "rain_rate_001_mm_h and rain_height_km"),
        (WET, {"rain": True}, "rain_rate_001_mm_h and rain_height_km and liquid_kg_m2"),
        ({"gas_model": {"vapour": "map"}}, {}, None),
    ],
)
def test_without_maps_the_numbers_that_a_gateway_lacks_are_named(channel, losses, missing, monkeypatch):
    monkeypatch.setitem(sys.modules, "itur", None)
    air = {"carrier_ghz": 20, "environment": "rural", "fading": {"kind": "awgn"}} | channel
    words = rf"^payload\.feeder\.gateway: .*ntn6g\[climate\].*, or give {missing}$"
    if missing is None:  # there is no number of the gateway's own to give, and the terminal asks first
        words = r"^channel\.weather: .*, or give channel\.gas_model\.vapour: given$"
    with pytest.raises(ScenarioError, match=words):
        facts(feeder=BUDGET | {"losses": losses}, channel=air)


def test_gases_over_a_gateway_are_those_of_its_altitude():
    """At 4 km there are three fifths of the pressure, whose square oxygen follows, and an eighth of the vapour."""
    feeder = {"carrier_ghz": 28, "eirp_density_dbw_mhz": 40, "gt_dbk": 8}
    low, high = (facts(feeder=feeder | {"gateway": PLACE | {"altitude_m": height}}) for height in (0.0, 4e3))

    assert high["feeder_gas_loss_db"] < 0.5 * low["feeder_gas_loss_db"]


def test_retransmission_waits_for_both_hops():
    link = {"resource_blocks": 25, "mcs": 5, "harq": {}}
    found = facts(link=link)

    assert found["round_trip_ms"] == pytest.approx(2 * found["end_to_end_delay_ms"], rel=1e-9)


def test_a_pass_has_no_signal_where_the_gateway_does_not_see_the_satellite():
    far = FEEDER | {"gateway": {"latitude_deg": 60, "longitude_deg": 20, "min_elevation_deg": 20}}
    series = build(from_mapping(mapping("pass", feeder=far, track={"step_s": 10})))[0].series()[0]

    seen = series["feeder_visible"]
    assert 0 < seen.sum() < len(seen)
    assert (series["feeder_elevation_deg"][seen] >= 20.0).all()
    assert (np.isfinite(series["snr_db"]) == seen).all()
    inverse = 10 ** (-series["service_snr_db"] / 10) + 10**-2.0
    assert series["snr_db"][seen] == pytest.approx(-10 * np.log10(inverse[seen]))


AMPLIFIER = {"kind": "rapp", "back_off_db": 3}


@pytest.mark.parametrize(
    ("sections", "key"),
    [
        ({"feeder": None, "link": {"mcs": 5, "direction": "uplink", "amplifier": AMPLIFIER}}, r"link\.amplifier"),
        ({"payload": {"amplifier": AMPLIFIER}}, "payload"),
    ],
)
def test_what_leaves_no_element_quality_is_named_as_the_scenario_names_it(sections, key):
    chain = make_chain(build(from_mapping(mapping(**sections)))[0].points[0].structure)
    with pytest.raises(ScenarioError, match=f"^{key}: a link through it"):
        chain.element_quality(None, None)


SPREAD = {
    "mcs": 5,
    "direction": "uplink",
    "amplifier": AMPLIFIER,
    "waveform": "dft-s-ofdm",
    "dmrs_cdm_groups_without_data": 2,
}
REFUSED = [
    ({"feeder": FEEDER | {"gateway": {"latitude_deg": -45, "longitude_deg": 10}}}, "deg over the gateway, below its"),
    ({"feeder": FEEDER | {"eirp_density_dbw_mhz": 3}}, "cnr_db and eirp_density_dbw_mhz are both given"),
    ({"feeder": {"gateway": PLACE, "carrier_ghz": 28}}, "the ratio of the feeder link is missing"),
    ({"feeder": FEEDER | {"losses": {"gas": False}}}, "cnr_db and losses are both given"),
    ({"link": {"resource_blocks": 25, "mcs": 5, "harq": {"feeder_delay_ms": 3}}}, "beside payload.feeder"),
    (
        {"payload": {"amplifier": AMPLIFIER}, "link": {"resource_blocks": 25, "mcs": 5, "direction": "uplink"}},
        "it sends downwards; behind an uplink .* link.amplifier is that of the terminal",
    ),
    ({"link": {"resource_blocks": 25, "mcs": 5, "amplifier": AMPLIFIER}}, r"that of a satellite is payload\.amplifier"),
    (
        {"link": {"mcs": 5, "direction": "uplink", "amplifier": AMPLIFIER, "layers": 2}, "payload": {}},
        r"link\.amplifier: it acts on one antenna",
    ),
    ({"link": SPREAD | {"csi": "perfect"}}, r"link\.csi: perfect knows an amplifier's gain for Gaussian signals"),
    (
        {"payload": {"filter": {"passband_mhz": 40}}, "link": {"resource_blocks": 25, "mcs": 5, "layers": 2}},
        "acts on one antenna",
    ),
    ({"payload": {"amplifier": AMPLIFIER | {"smooth": 3}}}, "payload.amplifier"),
    ({"link": {"resource_blocks": 25, "mcs": 5, "layers": 2}}, "carries one antenna's signal"),
]


@pytest.mark.parametrize(("sections", "message"), REFUSED)
def test_what_cannot_be_is_refused_in_one_line(sections, message):
    with pytest.raises(ScenarioError, match=message) as refused:
        build(from_mapping(mapping(**sections)))
    assert "\n" not in str(refused.value)
