"""What a link study makes of terrestrial cells, platforms in the stratosphere and carriers above 100 GHz."""

import math

import pytest

from ntn6g.core.errors import ScenarioError
from ntn6g.scenario import from_mapping
from ntn6g.study.build import build

BUDGET = {"eirp_dbm": 43.0, "antenna_gain_dbi": 0.0, "noise_figure_db": 9.0, "antenna_temperature_k": 290.0}
EPOCH = "2026-01-01T00:00:00Z"


def study(fading, *, carrier_ghz=3.5, channel=None, power=None, **changes):
    base = {
        "schema": 1,
        "study": "link",
        "name": "cells",
        "channel": {"carrier_ghz": carrier_ghz, "domain": "time", "fading": fading} | (channel or {}),
        "link": {"subcarrier_khz": 30, "resource_blocks": 4, "coding": "none", "modulation": "qpsk"},
        "power": {"budget": BUDGET} if power is None else power,
    }
    base["channel"].setdefault("guard", {"tap_floor_db": -10.0})
    return build(from_mapping(base | changes))[0]


def facts(made):
    return made.points[0].facts


def test_path_loss_of_an_urban_macro_cell_by_hand():
    """Table 7.4.1-1 at 3.5 GHz and 100 m: 28 + 22 lg d3D + 20 lg f; the budget of 1.44 MHz follows."""
    told = facts(study({"kind": "uma", "distance_m": 100.0}))
    distance_m = math.hypot(100.0, 23.5)
    loss_db = 28.0 + 22.0 * math.log10(distance_m) + 20.0 * math.log10(3.5)

    assert told["cell_loss_db"] == pytest.approx(loss_db, abs=1e-5)
    assert told["range_km"] == pytest.approx(distance_m / 1e3)
    assert told["elevation_deg"] == pytest.approx(math.degrees(math.atan2(23.5, 100.0)))
    noise_dbm = -173.975 + 10.0 * math.log10(1.44e6) + 9.0  # k 290 K
    assert told["esno_db"] == pytest.approx(43.0 - told["path_loss_db"] - noise_dbm, abs=0.01)
    # Table 7.4.2-1
    assert told["los_probability"] == pytest.approx(0.18 + math.exp(-100 / 63) * 0.82)
    assert told["median_k_factor_db"] == 9.0


def test_without_sight_the_tables_without_it_hold():
    told = facts(study({"kind": "uma", "distance_m": 100.0}, channel={"line_of_sight": False}))

    without_db = 13.54 + 39.08 * math.log10(math.hypot(100.0, 23.5)) + 20.0 * math.log10(3.5)
    assert told["cell_loss_db"] == pytest.approx(without_db)
    assert told["median_delay_spread_ns"] == pytest.approx(10 ** (9 - 6.28 - 0.204 * math.log10(6.0)))
    assert "median_k_factor_db" not in told
    assert "los_probability" not in told


def test_a_building_adds_its_wall_and_is_seen_into_from_nearer():
    outdoors, inside = (
        facts(study({"kind": "umi", "distance_m": 80.0, "indoors": indoors})) for indoors in ("no", "low")
    )
    wall_db = 5 - 10 * math.log10(0.3 * 10**-0.27 + 0.7 * 10**-1.9)

    assert inside["cell_loss_db"] - outdoors["cell_loss_db"] == pytest.approx(wall_db)
    assert inside["los_probability"] > outdoors["los_probability"]


def test_distances_share_one_program_and_their_draws():
    sweep = {"grid": {"channel.fading.distance_m": [50.0, 100.0, 500.0]}}
    made = study({"kind": "uma", "distance_m": 100.0}, sweep=sweep)

    assert len(made.structures) == 1
    assert {point.work.channel_key for point in made.points} == {"uma|None|1x1"}
    assert len({point.identity for point in made.points}) == 3


def test_a_cell_may_be_placed_by_geometry():
    # 0.01 degrees of latitude are 1111 m at 45 degrees (WGS 84: meridian arc 111.13 km)
    place = {
        "platforms": {"mast": {"kind": "site", "latitude_deg": 45.0, "longitude_deg": 10.0, "altitude_m": 35.0}},
        "terminals": {"ue": {"latitude_deg": 45.01, "longitude_deg": 10.0, "min_elevation_deg": 0.0}},
        "at": {"utc": EPOCH},
    }
    told = facts(study({"kind": "rma"}, carrier_ghz=0.7, **place))

    assert told["range_km"] == pytest.approx(1.1113, abs=2e-3)
    with pytest.raises(ScenarioError, match=r"channel.fading.distance_m: 100 m beside at"):
        study({"kind": "rma", "distance_m": 100.0}, carrier_ghz=0.7, **place)
    # Table 7.4.1-1: 10 km with sight, 5 km without
    far = place | {"terminals": {"ue": place["terminals"]["ue"] | {"latitude_deg": 45.07}}}
    seen = facts(study({"kind": "rma"}, carrier_ghz=0.7, channel={"line_of_sight": True}, **far))
    assert seen["range_km"] == pytest.approx(7.779, abs=0.02)
    with pytest.raises(ScenarioError, match=r"stands 77.. m from the site, outside the 10 to 5000 m of rma"):
        study({"kind": "rma"}, carrier_ghz=0.7, **far)
    with pytest.raises(ScenarioError, match=r"stands 1111 m from the site, outside the 10 to 500 m of sub-thz"):
        study({"kind": "sub-thz"}, carrier_ghz=142.0, **place)


def test_absorbing_gases_raise_the_noise_as_their_opacity_says():
    budget = BUDGET | {"antenna_temperature_k": 100.0}
    quiet, noisy = (
        facts(
            study(
                {"kind": "sub-thz", "distance_m": 400.0, "extrapolate": True},
                carrier_ghz=183.31,
                channel={"losses": {"absorption_noise": noise}},
                power={"budget": budget},
            )
        )
        for noise in (False, True)
    )
    opaque = 1 - 10 ** (-quiet["gas_loss_db"] / 10)
    assert 9.0 < quiet["gas_loss_db"] < 13.0  # 28 dB/km at the line of water vapour
    rest_k = 290.0 * (10**0.9 - 1.0)  # of the receiver
    worse_db = 10 * math.log10((rest_k + 100 * (1 - opaque) + 288.15 * opaque) / (rest_k + 100))
    assert quiet["esno_db"] - noisy["esno_db"] == pytest.approx(worse_db, abs=1e-6)


def over_the_ground(platform):
    return {
        "platforms": {"up": platform},
        "terminals": {"ue": {"latitude_deg": 44.85, "longitude_deg": 10.0}},
        "at": {"utc": EPOCH},
        "power": {"budget": {"eirp_dbm": 35.0, "gt_dbk": -30.0}},
    }


def test_nothing_ionospheric_counts_below_the_ionosphere():
    """TR 38.821 takes 2.2 dB of ionospheric scintillation at 2 GHz; a platform at 20 km is below it."""
    haps = {"kind": "haps", "latitude_deg": 45.0, "longitude_deg": 10.0, "altitude_km": 20.0}
    losses = {"losses": {"faraday": True}}
    told = facts(study({"kind": "awgn"}, carrier_ghz=2.0, channel=losses, **over_the_ground(haps)))

    assert told["scintillation_loss_db"] == 0.0
    assert "faraday_loss_db" not in told
    assert 40.0 < told["elevation_deg"] < 55.0
    height_km = 20.0 / math.sin(math.radians(told["elevation_deg"]))  # flat within 20 km
    assert told["range_km"] == pytest.approx(height_km, rel=2e-3)


@pytest.mark.parametrize(
    ("fading", "changes", "words"),
    [
        ({"kind": "rma", "distance_m": 100.0}, {"carrier_ghz": 60.0}, "60 GHz lies outside the 0.5 to 30 GHz of rma"),
        ({"kind": "uma", "distance_m": 6000.0}, {}, "6000 m lies outside the 10 to 5000 m of uma"),
        ({"kind": "rma", "distance_m": 50.0, "indoors": "high"}, {}, "high is not a wall of rma"),
        ({"kind": "umi", "distance_m": 50.0, "terminal_m": 10.0}, {}, "10 m is the height of the site"),
        ({"kind": "rma", "distance_m": 50.0, "terminal_m": 12.0}, {}, "12 m lies outside the 1 to 10 m of rma"),
        ({"kind": "uma"}, {}, "platforms: required key is missing; channel.fading uma without distance_m needs it"),
        ({"kind": "uma", "distance_m": 50.0}, {"study": "channel"}, "uma is for link studies"),
        ({"kind": "uma", "distance_m": 50.0}, {"channel": {"losses": {"rain": True}}}, "paths through the sky; uma"),
        ({"kind": "sub-thz", "distance_m": 50.0}, {"carrier_ghz": 28.0}, "28 GHz lies outside the 100 to 300 GHz"),
        (
            {"kind": "sub-thz", "distance_m": 50.0},
            {"carrier_ghz": 220.0},
            "above the 150 GHz up to which sub-thz rests",
        ),
        ({"kind": "cdl", "profile": "A", "delay_spread_ns": 30, "k_factor_db": 7}, {}, "profile A, which has no line"),
        (
            {"kind": "sub-thz", "distance_m": 50.0},
            {
                "carrier_ghz": 142.0,
                "channel": {"losses": {"absorption_noise": True}},
                "power": {"budget": {"eirp_dbm": 30.0, "gt_dbk": 0.0}},
            },
            "true needs power.budget.antenna_temperature_k",
        ),
        (
            {"kind": "uma", "distance_m": 50.0},
            {"channel": {"domain": "frequency", "guard": {}}},
            "of the mean power, above -40 dB, arrives beyond the cyclic prefix",
        ),
    ],
)
def test_what_a_cell_does_not_cover_is_refused_in_a_line(fading, changes, words):
    with pytest.raises(ScenarioError) as caught:
        study(fading, **changes)

    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
