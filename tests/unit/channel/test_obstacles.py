"""Losses by what stands around the terminal: limits, and the laws of how long fades by trees last."""

import math

import numpy as np
import pytest
from scipy.stats import norm

from ntn6g.channel import LossOptions, path_loss_terms_db, span_of
from ntn6g.channel.loss import ionospheric_scale_db, tree_fade_duration_share, tree_gap_share
from ntn6g.core.errors import ScenarioError


def test_fades_by_trees_last_as_p681_says():
    """ITU-R P.681-11, 4.1.2: log-normal with median 0.22 m and deviation 1.215 of the natural logarithm."""
    assert tree_fade_duration_share(0.22) == pytest.approx(0.5, abs=1e-12)
    for deviations in (-2.0, 0.5, 3.0):
        length_m = 0.22 * math.exp(1.215 * deviations)
        assert tree_fade_duration_share(length_m) == pytest.approx(norm.sf(deviations), rel=1e-9)
        # the printed form
        written = 0.5 * (1.0 - math.erf((math.log(length_m) - math.log(0.22)) / (math.sqrt(2.0) * 1.215)))
        assert tree_fade_duration_share(length_m) == pytest.approx(written, rel=1e-9)


def test_gaps_between_fades_by_trees_last_as_p681_says():
    """ITU-R P.681-11, 4.1.3: 20.54 d^-0.58 and 11.71 d^-0.8371 percent."""
    for length_m in (0.5, 1.0, 20.0):
        assert tree_gap_share(length_m, "moderate") == pytest.approx(0.2054 * length_m**-0.58, rel=1e-12)
        assert tree_gap_share(length_m, "extreme") == pytest.approx(0.1171 * length_m**-0.8371, rel=1e-12)
    assert tree_gap_share(1e-6, "moderate") == 1.0


def test_high_latitudes_fluctuate_by_17_db_at_an_index_of_0_7():
    """TR 38.811 V15.1.0, 6.6.6.1: S4 = 0.7 above 60 degrees of latitude, where it prints a fluctuation of 17 dB."""
    assert ionospheric_scale_db(0.7) == pytest.approx(17.0, abs=0.6)  # 17.5: the text rounds down


def test_trees_reach_up_to_60_degrees_and_20_ghz():
    options = LossOptions(terms=("trees",), trees_percent=10.0)
    found = path_loss_terms_db(1e6, math.radians(45.0), 2e9, "rural", True, options)["trees"]
    low = path_loss_terms_db(1e6, math.radians(45.0), 1.5e9, "rural", True, options)["trees"]
    assert float(low) == pytest.approx(6.127, abs=5e-4)  # crc-covlib 4.6.2, three decimals
    assert found > low
    span = span_of("trees", options)
    assert (span.lowest_ghz, span.highest_ghz, span.highest_deg) == (0.8, 20.0, 60.0)
    for degrees, carrier_hz in ((65.0, 2e9), (45.0, 30e9)):
        with pytest.raises(ScenarioError, match=r"P\.681"):
            path_loss_terms_db(1e6, math.radians(degrees), carrier_hz, "rural", True, options)


def test_clutter_by_p2108_counts_with_line_of_sight_too_and_grows_with_the_share_of_places():
    def clutter_db(share, sight):
        options = LossOptions(terms=("clutter",), clutter_method="p2108", clutter_probability=share)
        return float(path_loss_terms_db(1e6, math.radians(30.0), 20e9, "urban", sight, options)["clutter"])

    assert clutter_db(0.5, True) == clutter_db(0.5, False) == pytest.approx(4.592, abs=5e-4)  # crc-covlib 4.6.2
    assert clutter_db(0.1, True) == pytest.approx(1.215, abs=5e-4)
    assert np.all(np.diff([clutter_db(share, True) for share in (0.1, 0.5, 0.9, 0.99)]) > 0.0)
