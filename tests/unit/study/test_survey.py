"""Study `channel`: losses by hand, distributions against their laws, what is drawn and what is refused.

Statistical tests: false alarm 1e-3 per function; the smallest error seen with 90 % power is in each docstring.
"""

import math

import numpy as np
import pytest
from scipy import stats

from ntn6g.core.errors import ScenarioError
from ntn6g.scenario import from_mapping
from ntn6g.study.build import build
from ntn6g.study.build.survey import LEVELS, _curves, curves
from ntn6g.study.cli import main
from ntn6g.study.plots import draw_run, figure_kind, overlay
from ntn6g.study.plots.tables import read_run


def asked(channel=None, **survey):
    air = {"carrier_ghz": 20.0, "environment": "urban", "fading": {"kind": "rician", "k_factor_db": 10}}
    small = {"draws": 512, "frequencies": 5, **survey}
    return from_mapping(
        {"schema": 1, "study": "channel", "name": "test", "channel": air | (channel or {}), "survey": small}
    )


def row(scenario):
    study = build(scenario)[0]
    step = study.recipe("channel")()
    point = study.points[0]
    return step([(point.work, 0)])[0].sums


def test_losses_are_the_sums_of_their_terms_by_hand():
    found = row(asked({"gas_model": {"method": "table"}}, elevation_deg=90.0, altitude_km=600.0))

    # TR 38.811 V15.1.0, eq. (6.6-2): 174.034 dB at 20 GHz and 600 km; gas 0.25 dB, scintillation 0.12 dB at 90 degrees
    assert found["range_km"] == pytest.approx(600.0, rel=1e-9)
    assert found["free_space_loss_db"] == pytest.approx(174.034, abs=5e-4)
    assert found["gas_loss_db"] == pytest.approx(0.25, abs=1e-9)
    assert found["scintillation_loss_db"] == pytest.approx(0.12, abs=1e-9)
    assert found["path_loss_db"] == pytest.approx(174.404, abs=5e-4)
    assert found["los_probability"] == pytest.approx(0.992)  # Table 6.6.1-1


def test_curves_run_over_their_axes_and_end_where_a_method_ends():
    weather = {"latitude_deg": 45, "rain_rate_001_mm_h": 35.0, "rain_height_km": 3.0, "liquid_kg_m2": 0.5}
    found = curves(asked({"losses": {"rain": True, "cloud": True}, "weather": weather}, frequencies=9))
    losses = dict(zip(found["terms_frequency"], found["loss_frequency_db"], strict=True))

    assert (found["frequency_ghz"][0], found["frequency_ghz"][-1]) == (0.5, pytest.approx(300.0))
    assert np.isfinite(losses["free_space"]).all()
    inside = (found["frequency_ghz"] >= 1.0) & (found["frequency_ghz"] <= 55.0)  # P.618, 2.2.1
    assert (np.isfinite(losses["rain"]) == inside).all()
    assert (np.isfinite(losses["gas"]) == (found["frequency_ghz"] >= 1.0)).all()
    assert found["elevation_deg"][[0, -1]].tolist() == [10.0, 90.0]
    by_elevation = dict(zip(found["terms"], found["loss_elevation_db"], strict=True))
    assert (np.diff(by_elevation["free_space"]) < 0.0).all()
    assert by_elevation["cloud"][0] == pytest.approx(by_elevation["cloud"][-1] / math.sin(math.radians(10.0)), rel=1e-9)


RAINY = {"latitude_deg": 45, "rain_rate_001_mm_h": 35.0, "rain_height_km": 3.0, "liquid_kg_m2": 0.5}


def test_nothing_of_the_ionosphere_counts_under_a_platform_below_it():
    losses = {"losses": {"faraday": True}, "carrier_ghz": 2.0}
    above, below = (row(asked(losses, elevation_deg=45.0, altitude_km=altitude)) for altitude in (600.0, 20.0))

    assert above["faraday_loss_db"] > 0.0
    assert "faraday_loss_db" not in below
    # P.531 as TR 38.821, 6.1.3.1, takes it at 2 GHz; 0.1 dB of the troposphere
    assert above["scintillation_loss_db"] - below["scintillation_loss_db"] == pytest.approx(2.2, abs=0.05)


def test_a_term_without_a_method_is_left_out_of_the_total_and_named():
    """P.618, 2.2.1: rain to 55 GHz. The total of the others holds, over the axis as at the point."""
    air = {"losses": {"rain": True, "cloud": True}, "weather": RAINY, "carrier_ghz": 100.0}
    scenario = asked(air, frequencies=9)
    study = build(scenario)[0]
    found = study.row(study.points[0], _Sums(row(scenario)), None)
    assert "rain_loss_db" not in found
    assert found["left_out"] == "rain: 1 to 55 GHz by ITU-R P.618"
    terms = ("free_space", "gas", "cloud", "scintillation", "combination")
    assert found["path_loss_db"] == pytest.approx(sum(found.get(f"{term}_loss_db", 0.0) for term in terms), abs=1e-9)
    assert found["combination_loss_db"] < 0.0

    series = curves(scenario)
    assert np.isfinite(series["total_frequency_db"]).all()
    held = np.nansum(series["loss_frequency_db"], axis=0)
    np.testing.assert_allclose(series["total_frequency_db"], held, rtol=1e-12)
    assert [str(span) for span in series["spans"]][1:] == [
        "rain 1 to 55 GHz by ITU-R P.618",
        "cloud 1 to 200 GHz by ITU-R P.840",
        "scintillation to 100 GHz by TR 38.811",
        "clutter 0.5 to 100 GHz by TR 38.811",
    ]


class _Sums:
    def __init__(self, sums):
        self.sums = sums


def test_gases_by_both_methods_stand_side_by_side():
    """Straight up at 30 GHz: the table of TR 38.821, and line by line what crc-covlib 4.6.2 has (0.22941887 dB)."""
    found = row(asked({"carrier_ghz": 30.0}, elevation_deg=90.0))
    assert found["gas_table_loss_db"] == pytest.approx(0.25, abs=1e-9)
    assert found["gas_p676_loss_db"] == pytest.approx(0.22941887, rel=1e-6)
    series = curves(asked(frequencies=9))
    table, lines = series["gas_frequency_db"]
    inside = (series["frequency_ghz"] >= 1.0) & (series["frequency_ghz"] <= 40.0)
    assert (np.isfinite(table) == inside).all()
    assert (np.isfinite(lines) == (series["frequency_ghz"] >= 1.0)).all()


def test_discrimination_between_polarisations_is_told_where_it_is_asked_for():
    """P.618-14, 4.1, by hand: C_f = 26 lg 20 + 4.1, V = 22.6 at 20 GHz, 45 degrees of tilt, 5 of canting, ice."""
    scenario = asked({"losses": {"rain": True, "cross_polar": True}, "weather": RAINY}, elevation_deg=40.0)
    found = row(scenario)
    rain_only_db = 26 * math.log10(20) + 4.1 - 22.6 * math.log10(found["rain_loss_db"])
    rain_only_db += -40 * math.log10(math.cos(math.radians(40.0))) + 0.0053 * 25
    assert found["xpd_db"] == pytest.approx(rain_only_db * 0.9, rel=1e-6)
    series = curves(scenario)
    assert np.isfinite(series["xpd_elevation_db"]).all()
    inside = (series["frequency_ghz"] >= 4.0) & (series["frequency_ghz"] <= 55.0)
    assert (np.isfinite(series["xpd_frequency_db"]) == inside).all()
    assert "xpd_db" not in row(asked())


@pytest.mark.parametrize("environment", ["dense-urban", "rural"])
def test_coupling_loss_is_a_mixture_of_two_normal_laws(environment):
    """Line of sight with its probability, else clutter; TR 38.811, tables 6.6.1-1 and 6.6.2. 20000 draws see 0.014."""
    draws = 20_000
    found = curves(asked({"losses": {"shadow_fading": "draw"}}, elevation_deg=30.0, draws=draws))
    terms = dict(zip(found["terms"], found["loss_elevation_db"][:, 20], strict=True))  # at 30 degrees
    fixed_db = sum(terms.values())
    share, sight_db, blocked_db, clutter_db = {
        "dense-urban": (0.398, 2.7, 15.6, 37.5),
        "rural": (0.919, 1.9, 11.2, 21.9),
    }[environment]
    quantiles = found["coupling_loss_db"][list(found["environments"]).index(environment)]
    law = share * stats.norm.cdf(quantiles, fixed_db, sight_db)
    law += (1 - share) * stats.norm.cdf(quantiles, fixed_db + clutter_db, blocked_db)
    assert np.abs(law - LEVELS).max() < stats.kstwo.isf(1e-3, draws) + 1 / draws


def test_coupling_losses_without_shadow_fading_are_those_of_its_two_states():
    """Clutter of Table 6.6.2-1 at 30 degrees in Ka band: 37.5 dB for the share without line of sight."""
    found = curves(asked(elevation_deg=30.0, draws=4_000))
    losses_db = found["coupling_loss_db"][list(found["environments"]).index("dense-urban")]
    assert np.ptp(losses_db) == pytest.approx(37.5, abs=1e-6)
    # of 4000 draws 0.602 +- 0.0077 are blocked; quantiles lie half a percent apart
    assert np.mean(losses_db > losses_db.min() + 1.0) == pytest.approx(0.602, abs=0.035)


def test_delay_spread_of_drawn_links_lies_about_the_medians_of_the_table():
    """Nearly all suburban links at 90 degrees see the satellite: median near 10^-8.37 s, less what removal takes."""
    found = curves(asked(elevation_deg=90.0, draws=4_000))
    suburban = found["delay_spread_ns"][list(found["environments"]).index("suburban")]
    assert 0.5 < np.interp(0.5, LEVELS, suburban) / 10**0.63 < 1.2
    assert (np.diff(suburban) >= 0.0).all()


def test_profile_of_a_delay_line_is_as_printed():
    air = {"fading": {"kind": "ntn-tdl", "profile": "B", "delay_spread_ns": 100.0}}
    found = curves(asked(air, draws=4_096))
    # TR 38.811 V15.1.0, Table 6.9.2-2; 4096 exponential powers are known to 1.6 %, 4 sigma are 0.28 dB
    power_db = np.array([0.0, -1.973, -4.332, -11.914])
    power_db -= 10 * np.log10((10 ** (power_db / 10)).sum())
    np.testing.assert_allclose(found["profile_power_db"], power_db, atol=0.28)
    np.testing.assert_allclose(found["profile_delay_ns"], [0.0, 72.49, 74.1, 573.92], rtol=2e-4)


def test_spectrum_of_scattering_is_the_classical_one_and_the_line_of_sight_a_line():
    scattered = curves(asked({"fading": {"kind": "rician", "k_factor_db": -40.0}}, draws=4_096, speed_kmh=30.0))
    largest_hz = 30.0 / 3.6 * 20e9 / 299_792_458.0
    x = scattered["doppler_hz"] / largest_hz
    middle = np.abs(x) < 0.8  # away from the edges that the window rounds
    law_db = 10 * np.log10(2.0 / math.pi / np.sqrt(1.0 - x[middle] ** 2))
    np.testing.assert_allclose(scattered["doppler_power_db"][middle], law_db, atol=0.5)
    assert scattered["doppler_power_db"][np.abs(x) > 1.1].max() < -40.0

    direct = curves(asked({"fading": {"kind": "rician", "k_factor_db": 40.0, "los_doppler_ratio": 0.5}}))
    at = direct["doppler_hz"][np.argmax(direct["doppler_power_db"])]
    step = direct["doppler_hz"][1] - direct["doppler_hz"][0]
    assert abs(at - 0.5 * 3.0 / 3.6 * 20e9 / 299_792_458.0) <= step


def test_white_noise_is_one_path_at_rest():
    with np.errstate(all="raise"):
        found = curves(asked({"fading": {"kind": "awgn"}}))
    assert found["profile_delay_ns"] == pytest.approx([0.0])
    assert found["profile_power_db"] == pytest.approx([0.0], abs=1e-6)
    assert found["doppler_hz"][np.argmax(found["doppler_power_db"])] == 0.0


def test_draws_depend_on_the_seed_alone():
    first = curves(asked())
    _curves.cache_clear()
    again = curves(asked())
    other = curves(asked().model_copy(update={"seed": 2}))
    assert all(first[name].tobytes() == again[name].tobytes() for name in first)
    assert not np.array_equal(first["delay_spread_ns"], other["delay_spread_ns"])


@pytest.mark.parametrize(
    ("channel", "survey", "message"),
    [
        ({}, {"lowest_ghz": 10.0, "highest_ghz": 5.0}, "lowest_ghz 10 is not below highest_ghz 5"),
        ({}, {"elevation_deg": 5.0}, "survey.elevation_deg"),
        (
            {"carrier_ghz": 140.0, "losses": {"clutter": False, "scintillation": False}},
            {},
            "0.5 to 100 GHz of the tables",
        ),
        ({"losses": {"rain": True}}, {}, "channel.weather"),
        (
            {"losses": {"rain": True}, "weather": {"rain_rate_001_mm_h": 3, "rain_height_km": 3}},
            {},
            "channel.weather.latitude_deg: required key is missing",
        ),
        (
            {"gas_model": {"method": "table", "vapour": "map"}},
            {},
            "channel.gas_model.vapour: map has no place in method table",
        ),
        ({"scintillation_model": {"s4": 0.5, "fluctuation_4ghz_db": 3}}, {}, "channel.scintillation_model.s4"),
    ],
)
def test_what_cannot_be_is_refused_before_the_run(channel, survey, message):
    with pytest.raises(ScenarioError, match=message):
        build(asked(channel, **survey))


@pytest.mark.parametrize("sweep", [None, {"channel.carrier_ghz": [2, 20]}])
def test_a_run_is_drawn_reported_and_laid_over_another(tmp_path, sweep):
    import yaml

    scenario = {
        "schema": 1,
        "study": "channel",
        "name": "test",
        "channel": {"carrier_ghz": 20.0, "environment": "suburban", "fading": {"kind": "ntn-cdl", "profile": "D"}},
        "survey": {"draws": 64, "frequencies": 5},
    }
    if sweep:
        scenario["sweep"] = {"grid": sweep}
    (tmp_path / "scenario.yaml").write_text(yaml.safe_dump(scenario))
    out = tmp_path / "out"
    assert main(["run", str(tmp_path / "scenario.yaml"), "--out", str(out), "--quiet"]) == 0
    assert [figure_kind(part) for part in read_run(out)] == ["channel"]
    assert {path.name for path in draw_run(out)} == {"channel.png", "channel.svg"}
    overlay([out, out], tmp_path / "both.pdf")
    assert (tmp_path / "both.pdf").stat().st_size > 10_000
    assert main(["report", str(out)]) == 0
    assert (out / "report.html").stat().st_size > 10_000
