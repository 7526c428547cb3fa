"""Losses and budget: switches, rules, sums and gradients."""

import math

import numpy as np
import pytest
import tensorflow as tf

from ntn6g.channel import LOSS_TERMS, LossOptions, Weather, link_budget, path_loss_terms_db
from ntn6g.channel.loss import (
    faraday_loss_db,
    gas_loss_db,
    ionospheric_fluctuation_db,
    ionospheric_scintillation_db,
    zenith_gas_loss_db,
)
from ntn6g.core.errors import ScenarioError

LINK = (1_000e3, math.radians(30.0), 20e9, "urban", False)


def test_every_term_can_be_switched_off_by_name_and_changes_no_other():
    weather = Weather(rain_rate_001_mm_h=40.0, rain_height_km=3.0, liquid_kg_m2=0.5)
    full = path_loss_terms_db(*LINK, LossOptions(terms=LOSS_TERMS, weather=weather))
    assert tuple(full) == (*LOSS_TERMS, "combination")
    for left_out in LOSS_TERMS:
        kept = tuple(term for term in LOSS_TERMS if term != left_out)
        part = path_loss_terms_db(*LINK, LossOptions(terms=kept, weather=weather))
        part.pop("combination", None)
        assert part == {term: full[term] for term in kept}


def test_rain_cloud_and_scintillation_combine_as_p618_says_and_the_sum_is_one_key_away():
    """P.618-14, 2.5: A_G + sqrt((A_R + A_C)^2 + A_S^2); nothing to combine without rain and cloud, or below 6 GHz."""
    weather = Weather(rain_rate_001_mm_h=40.0, rain_height_km=3.0, liquid_kg_m2=0.5)
    terms = ("free_space", "gas", "rain", "cloud", "scintillation")
    found = path_loss_terms_db(*LINK, LossOptions(terms=terms, weather=weather))
    wet_db = found["rain"] + found["cloud"]
    assert found["combination"] < 0.0
    total_db = found["free_space"] + found["gas"] + math.hypot(wet_db, found["scintillation"])
    assert sum(found.values()) == pytest.approx(total_db, abs=1e-9)
    assert "combination" not in path_loss_terms_db(*LINK, LossOptions(terms=terms, weather=weather, combination="sum"))
    dry = LossOptions(terms=("free_space", "gas", "scintillation"), weather=weather)
    assert "combination" not in path_loss_terms_db(*LINK, dry)
    below = path_loss_terms_db(*LINK[:2], 4e9, *LINK[3:], LossOptions(terms=terms, weather=weather))
    assert "combination" not in below


def test_cnr_is_the_sum_of_the_named_terms_and_density_means_power_over_bandwidth():
    losses_db = {"free_space": 179.1, "gas": 0.5}
    budget = link_budget(eirp_density_dbw_mhz=4.0, g_over_t_db_k=15.9, bandwidth_hz=400e6, losses_db=losses_db)
    assert budget.cnr_db == sum(budget.terms_db.values())
    wider = link_budget(eirp_density_dbw_mhz=4.0, g_over_t_db_k=15.9, bandwidth_hz=1e6, losses_db=losses_db)
    assert budget.cnr_db == pytest.approx(wider.cnr_db, abs=1e-9)  # a density has one CNR at any bandwidth


def test_noise_power_is_boltzmann_times_bandwidth():
    # kB for 1 Hz and 0 dB of everything else: -10 log10(1.380649e-23), SI Brochure
    budget = link_budget(eirp_dbw=0.0, g_over_t_db_k=0.0, bandwidth_hz=1.0, losses_db={})
    assert budget.cnr_db == pytest.approx(-10 * math.log10(1.380649e-23), abs=1e-9)


def test_two_powers_or_none_or_no_bandwidth_are_refused():
    rest = {"g_over_t_db_k": 0.0, "losses_db": {}}
    for powers in ({}, {"eirp_dbw": 1.0, "eirp_density_dbw_mhz": 1.0}):
        with pytest.raises(ScenarioError, match="exactly one"):
            link_budget(**powers, **rest, bandwidth_hz=1.0)
    with pytest.raises(ScenarioError, match="0 Hz is not positive"):
        link_budget(eirp_dbw=0.0, **rest, bandwidth_hz=0.0)
    with pytest.raises(ScenarioError, match="'hail' is not a loss"):
        LossOptions(terms=("free_space", "hail"))


def test_gas_of_the_strict_rule_applies_above_10_ghz_or_below_10_degrees():
    elevation_rad = np.deg2rad([5.0, 9.9, 10.0, 45.0])
    strict_db = gas_loss_db(elevation_rad, 2e9, rule="tr38811")
    free_db = gas_loss_db(elevation_rad, 2e9)

    assert (strict_db > 0).tolist() == [True, True, False, False]
    assert strict_db[:2].tolist() == free_db[:2].tolist()
    assert gas_loss_db(tf.constant(elevation_rad), 2e9, rule="tr38811").numpy() == pytest.approx(strict_db)
    high_db = gas_loss_db(elevation_rad, 20e9, rule="tr38811")
    # TR 38.811 6.6.4 with 0.25 dB at zenith
    assert high_db == pytest.approx(0.25 / np.sin(elevation_rad), rel=1e-12)


def test_gas_stays_finite_at_and_below_the_horizon():
    low_db = gas_loss_db(np.deg2rad([5.0, 0.0, -30.0]), 20e9)
    assert low_db == pytest.approx([0.25 / math.sin(math.radians(5.0))] * 3, rel=1e-12)


def test_gas_outside_1_to_40_ghz_is_refused_in_one_line():
    for carrier_hz in (0.9e9, 60e9):
        with pytest.raises(ScenarioError, match=r"channel\.carrier_ghz: .*1 to 40 GHz.*method: p676"):
            zenith_gas_loss_db(carrier_hz)
    assert zenith_gas_loss_db(14e9, "nearest") == 0.25
    assert 0.035 < zenith_gas_loss_db(8e9) < 0.25


def test_scintillation_changes_kind_at_6_ghz():
    assert ionospheric_scintillation_db(6e9) == 0.0
    # P_fluc falls as f^-1.5 (TR 38.811 6.6.6.1)
    assert ionospheric_scintillation_db(1e9) == pytest.approx(8 * ionospheric_scintillation_db(4e9))
    at_4_ghz = path_loss_terms_db(*LINK[:2], 4e9, *LINK[3:], LossOptions(terms=("scintillation",)))
    at_20_ghz = path_loss_terms_db(*LINK, LossOptions(terms=("scintillation",)))
    assert at_4_ghz["scintillation"] == pytest.approx(1.1 / math.sqrt(2))
    assert at_20_ghz["scintillation"] == pytest.approx(0.30)  # TR 38.811 Table 6.6.6.2.1-1


def test_the_ionosphere_is_that_of_the_latitude():
    """TR 38.811 V15.1.0, 6.6.6.1.4: A_IS to 20 degrees, 0 to 60, P_fluc = 17 dB beyond, on either hemisphere."""
    degrees = (-90.0, -60.1, -60.0, -20.1, -20.0, 0.0, 20.0, 45.0, 60.0, 61.0)
    found = [ionospheric_fluctuation_db(math.radians(each)) for each in degrees]
    assert found == [17.0, 17.0, 0.0, 0.0, 1.1, 1.1, 1.1, 0.0, 0.0, 17.0]


def test_tabulated_scintillation_beside_rain_is_that_of_the_share_of_the_year():
    """P.618-14, 2.5, adds fades of one share; 2.4.1, step 8, by hand: a(1) = 3, a(0.1) = 3 + 1.71 + 0.072 + 0.061."""

    def fade_db(*terms, percent=0.1, carrier_hz=20e9, **more):
        weather = Weather(exceeded_percent=percent, rain_rate_001_mm_h=40.0, rain_height_km=3.0)
        options = LossOptions(terms=("scintillation", *terms), weather=weather, **more)
        return float(path_loss_terms_db(1e6, math.radians(30.0), carrier_hz, "urban", True, options)["scintillation"])

    assert fade_db() == pytest.approx(0.30)  # Table 6.6.6.2.1-1, 1 %
    assert fade_db("rain", percent=1.0) == pytest.approx(0.30)
    assert fade_db("rain") == pytest.approx(0.30 * (3.0 + 1.71 + 0.072 + 0.061) / 3.0, rel=1e-9)
    assert fade_db("cloud") == fade_db("rain")
    assert fade_db("rain", combination="sum") == pytest.approx(0.30)
    with pytest.raises(ScenarioError, match=r"exceeded_percent: 0\.005 % is outside the 0\.01 to 50 %"):
        fade_db("rain", percent=0.005)
    assert fade_db(carrier_hz=100e9) == pytest.approx(0.30)  # flat, as the report takes it for system simulations
    with pytest.raises(ScenarioError, match=r"carrier_ghz: 140 GHz is above the 100 GHz"):
        fade_db(carrier_hz=140e9)


def test_gases_count_below_10_ghz_as_the_rule_says_by_either_method():
    """TR 38.811, 6.6.4: above 10 GHz or below 10 degrees of elevation only."""
    for method in ("table", "p676"):
        found = [
            float(path_loss_terms_db(1e6, math.radians(degrees), 2e9, "urban", True, options)["gas"])
            for degrees in (9.0, 30.0)
            for options in [LossOptions(terms=("gas",), gas_method=method, gas_rule="tr38811")]
        ]
        assert found[0] > 0.1
        assert found[1] == 0.0


def test_gradient_of_cnr_in_range_and_elevation_is_the_closed_form():
    range_m, elevation_rad = tf.constant(1_000e3, tf.float64), tf.constant(0.5, tf.float64)
    with tf.GradientTape() as tape:
        tape.watch([range_m, elevation_rad])
        losses_db = path_loss_terms_db(
            range_m, elevation_rad, 20e9, "rural", True, LossOptions(terms=("free_space", "gas"), gas_method="table")
        )
        cnr_db = link_budget(eirp_dbw=30.0, g_over_t_db_k=15.9, bandwidth_hz=1e6, losses_db=losses_db).cnr_db
    by_range, by_elevation = tape.gradient(cnr_db, [range_m, elevation_rad])

    # d/dr of -20 log10 r; d/da of -0.25 / sin a; float64 roundings
    assert float(by_range) == pytest.approx(-20 / math.log(10) / 1_000e3, rel=1e-12)
    assert float(by_elevation) == pytest.approx(0.25 * math.cos(0.5) / math.sin(0.5) ** 2, rel=1e-12)


def test_faraday_rotation_costs_a_linear_antenna_the_square_of_a_cosine():
    # TR 38.811 V15.1.0, eq. (6.8-2): 108/f^2 degrees, 27 at 2 GHz and 0.27 at 20 GHz
    for carrier_hz, degrees in ((2e9, 27.0), (20e9, 0.27)):
        expected_db = -20.0 * math.log10(math.cos(math.radians(degrees)))
        assert faraday_loss_db(carrier_hz) == pytest.approx(expected_db, rel=1e-9)
    assert faraday_loss_db(math.sqrt(108.0 / 90.0) * 1e9) == pytest.approx(60.0)  # a right angle


def test_scintillation_by_p618_grows_with_rarity_humidity_and_smaller_antennas():
    def fade_db(percent=0.1, wet=60.0, diameter_m=0.6, carrier_hz=20e9):
        options = LossOptions(
            terms=("scintillation",),
            scintillation_method="p618",
            antenna_diameter_m=diameter_m,
            weather=Weather(exceeded_percent=percent, wet_refractivity=wet),
        )
        found = path_loss_terms_db(1_000e3, math.radians(30.0), carrier_hz, "urban", True, options)
        return float(found["scintillation"])

    assert fade_db(0.01) > fade_db(0.1) > fade_db(1.0) > 0.0
    assert fade_db(wet=120.0) > fade_db()
    assert fade_db(diameter_m=0.3) > fade_db() > fade_db(diameter_m=5.0)
    assert fade_db(carrier_hz=2e9) == pytest.approx(2.2, abs=0.005)  # ionospheric alone: TR 38.821, 6.1.3.1
