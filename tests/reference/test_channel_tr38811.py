"""Values of 3GPP TR 38.811 V15.1.0, retyped from its tables, against what the package returns."""

import math

import numpy as np
import pytest

from ntn6g.channel import lookup, median_delay_spread_s, median_k_factor_db, ntn_tdl_profile
from ntn6g.channel.loss import free_space_loss_db, ionospheric_scintillation_db

COLUMNS_DEG = (10, 50, 90)
# Tables 6.7.2-1 to -8 at 10, 50 and 90 degrees: muDS in log10(s), then muK in dB (line of sight)
LSP = {
    ("dense-urban", "S", True): ((-7.12, -7.91, -8.36), (4.4, 7.4, 6.8)),
    ("dense-urban", "Ka", True): ((-7.43, -8.13, -8.45), (6.1, 9.2, 7.6)),
    ("dense-urban", "S", False): ((-6.84, -7.34, -7.84), None),
    ("dense-urban", "Ka", False): ((-6.86, -7.42, -7.95), None),
    ("urban", "S", True): ((-7.97, -8.37, -8.34), (31.83, 6.52, 3.68)),
    ("urban", "Ka", True): ((-8.52, -8.48, -8.35), (40.18, 7.42, 3.81)),
    ("urban", "S", False): ((-7.21, -7.99, -8.17), None),
    ("urban", "Ka", False): ((-7.24, -8.08, -8.33), None),
    ("suburban", "S", True): ((-8.16, -8.72, -8.34), (11.4, 21.6, 12.85)),
    ("suburban", "Ka", True): ((-8.07, -8.54, -8.37), (8.9, 7.5, 5.4)),
    ("suburban", "S", False): ((-7.91, -8.64, -9.28), None),
    ("suburban", "Ka", False): ((-7.43, -7.98, -8.69), None),
    ("rural", "S", True): ((-9.55, -8.29, -8.19), (24.72, 5.04, 3.59)),
    ("rural", "Ka", True): ((-9.68, -8.36, -8.21), (25.43, 5.24, 3.62)),
    ("rural", "S", False): ((-9.01, -7.92, -7.74), None),
    ("rural", "Ka", False): ((-9.13, -7.99, -7.91), None),
}
# Tables 6.6.1-1 and 6.6.2-1 to -3 at 10, 50 and 90 degrees
OTHERS = [
    (("dense-urban", "S", True, "los_probability"), (0.282, 0.537, 0.981)),
    (("urban", "S", True, "los_probability"), (0.246, 0.726, 0.992)),
    (("suburban", "Ka", False, "los_probability"), (0.782, 0.935, 0.998)),
    (("dense-urban", "S", True, "sigma_sf_db"), (3.5, 3.1, 1.2)),
    (("dense-urban", "Ka", False, "sigma_sf_db"), (17.1, 14.2, 12.3)),
    (("urban", "Ka", True, "sigma_sf_db"), (4.0, 4.0, 4.0)),
    (("rural", "S", False, "sigma_sf_db"), (8.93, 10.56, 11.52)),
    (("urban", "S", False, "clutter_db"), (34.3, 26.8, 25.5)),
    (("dense-urban", "Ka", False, "clutter_db"), (44.3, 34.6, 32.9)),
    (("rural", "Ka", False, "clutter_db"), (29.5, 18.7, 16.8)),
    (("rural", "Ka", True, "clutter_db"), (0.0, 0.0, 0.0)),
    (("urban", "Ka", True, "tropospheric_scintillation_db"), (1.08, 0.17, 0.12)),
]
# eq. (6.6-2) evaluated by hand: f_GHz, d_km, dB
FREE_SPACE = [
    (2, 600, 154.034),
    (2, 1200, 160.054),
    (20, 600, 174.034),
    (30, 600, 177.555),
    (20, 1200, 180.054),
    (2, 35786, 189.545),
    (20, 35786, 209.545),
]


@pytest.mark.parametrize("column", LSP)
def test_medians_are_those_of_the_tables(column):
    environment, band, line_of_sight = column
    delay_spread, k_factor_db = LSP[column]
    elevation_rad = np.deg2rad(COLUMNS_DEG)

    ours_s = median_delay_spread_s(environment, band, line_of_sight, elevation_rad)
    assert np.log10(ours_s) == pytest.approx(delay_spread, abs=1e-9)  # float64 interpolation at a node
    if k_factor_db:
        assert median_k_factor_db(environment, band, elevation_rad) == pytest.approx(k_factor_db, abs=1e-9)


@pytest.mark.parametrize(("column", "expected"), OTHERS)
def test_large_scale_losses_are_those_of_the_tables(column, expected):
    assert lookup(*column, np.deg2rad(COLUMNS_DEG)) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(("f_ghz", "d_km", "expected_db"), FREE_SPACE)
def test_free_space_loss(f_ghz, d_km, expected_db):
    assert free_space_loss_db(d_km * 1e3, f_ghz * 1e9) == pytest.approx(expected_db, abs=5e-4)  # printed


def test_ionospheric_scintillation_is_2_2_db_at_2_ghz():
    # TR 38.821 V16.2.0, 6.1.3.1, printed to 0.1 dB
    assert ionospheric_scintillation_db(2e9) == pytest.approx(2.2, abs=0.05)


@pytest.mark.parametrize(("letter", "total_db", "first_db"), [("C", 10.0, 10.224), ("D", 7.0, 11.707)])
def test_total_k_factor_of_line_of_sight_profiles(letter, total_db, first_db):
    profile = ntn_tdl_profile(letter)

    assert profile.k_factor_db == pytest.approx(total_db, abs=1e-3)  # powers are printed to 1 mdB
    # the tables print the K-factor of the first path alone, which is another number
    assert profile.powers_db[0] - profile.powers_db[1] == pytest.approx(first_db, abs=1e-9)


@pytest.mark.parametrize("letter", "ABCD")
def test_profiles_are_printed_with_unit_delay_spread(letter):
    profile = ntn_tdl_profile(letter)
    *_, excess_s = profile.taps(1.0)

    printed = np.array(profile.delays[profile.line_of_sight :])
    # four decimals of delay and three of power leave 1e-4 of the delay spread
    assert np.max(np.abs(excess_s / np.maximum(printed, math.ulp(0.0)) - 1.0)[printed > 0]) < 1e-4
