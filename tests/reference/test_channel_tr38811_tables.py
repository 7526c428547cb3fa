"""Every entry of the tables of 3GPP TR 38.811 that the channel reads, against values retyped from independent sources.

Tolerance: what float64 leaves of an interpolation at its nodes.
"""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
import yaml

from ntn6g.channel import ENVIRONMENTS, lookup, ntn_tdl_profile
from ntn6g.channel.fading.rays import DEPARTURE, LARGE_SCALE, Scattering, Tables, correlation_distances_m
from ntn6g.channel.tables import read_table

VALUES = yaml.safe_load((Path(__file__).parent / "data" / "channel_tr38811.yaml").read_text(encoding="utf-8"))
ELEVATION_RAD = np.deg2rad(np.arange(10.0, 91.0, 10.0))
OURS = {"numClusters": "clusters"}
COLUMNS = [
    (environment, band, sight) for environment in ENVIRONMENTS for band in ("S", "Ka") for sight in (True, False)
]


@pytest.mark.parametrize(("environment", "band", "sight"), COLUMNS)
def test_fast_fading_parameters(environment, band, sight):
    printed = VALUES["large_scale_parameters"][environment][f"{'LOS' if sight else 'NLOS'}_{band}"]
    ours = Tables([Scattering(environment, band, sight)]).at(tf.constant(ELEVATION_RAD))

    assert len(printed) == (16 if sight else 14)  # the K-factor's two are missing without line of sight
    for quantity, row in printed.items():
        found = getattr(ours, OURS.get(quantity, quantity)).numpy()
        assert found == pytest.approx(row, rel=1e-9, abs=1e-9), quantity
    for quantity in ("muDS", "sigmaDS", *(("muK", "sigmaK") if sight else ())):
        assert lookup(environment, band, sight, quantity, ELEVATION_RAD) == pytest.approx(printed[quantity], rel=1e-12)


@pytest.mark.parametrize(("environment", "band", "sight"), COLUMNS)
def test_departure_from_platforms_in_the_air(environment, band, sight):
    """All 16 columns; with the correlations of arrivals those of departures make matrices with a Cholesky factor."""
    printed = VALUES["departure"][environment][f"{'LOS' if sight else 'NLOS'}_{band}"]
    ours = Tables([Scattering(environment, band, sight)], departure=True).at(tf.constant(ELEVATION_RAD))

    assert len(printed) == 5
    for quantity, row in printed.items():
        assert getattr(ours.departure, quantity).numpy() == pytest.approx(row, rel=1e-9, abs=1e-9), quantity
    matrices = np.tile(np.eye(7), (9, 1, 1))
    for (row, column), found in zip([(r, c) for r in range(7) for c in range(r)], ours.correlation, strict=True):
        matrices[:, row, column] = matrices[:, column, row] = found.numpy()
    assert np.linalg.eigvalsh(matrices).min() > 0.0
    if sight and environment != "rural":  # Tables 6.7.2-1, -3 and -5: constant over the elevations
        order = [*LARGE_SCALE, *DEPARTURE]
        for pair, value in {"ASD DS": 0.4, "ASD SF": -0.5, "ASD ASA": 0, "ZSD DS": -0.2, "ZSD ASA": -0.3}.items():
            row, column = (order.index(name) for name in pair.split())
            np.testing.assert_allclose(matrices[:, row, column], value, atol=1e-9)


@pytest.mark.parametrize(("environment", "band", "sight"), COLUMNS)
def test_large_scale_losses(environment, band, sight):
    shadowing = VALUES["shadowing"][environment][band]

    def ours(quantity):
        return lookup(environment, band, sight, quantity, ELEVATION_RAD)

    assert ours("sigma_sf_db") == pytest.approx(shadowing["los_db" if sight else "nlos_db"], rel=1e-12)
    assert ours("clutter_db") == pytest.approx([0.0] * 9 if sight else shadowing["clutter_db"], rel=1e-12)
    assert ours("los_probability") == pytest.approx(VALUES["los_probability"][environment], rel=1e-12)
    assert ours("tropospheric_scintillation_db") == pytest.approx(VALUES["tropospheric_scintillation_db"], rel=1e-12)


@pytest.mark.parametrize(("environment", "band", "sight"), COLUMNS)
def test_cross_correlations(environment, band, sight):
    """Of two other transcriptions, see the data; a K-factor without line of sight correlates with nothing."""
    printed = VALUES["correlations"][environment][f"{'LOS' if sight else 'NLOS'}_{band}"]
    ours = Tables([Scattering(environment, band, sight)]).at(tf.constant(ELEVATION_RAD)).correlation
    pairs = [(LARGE_SCALE[row], LARGE_SCALE[column]) for row in range(5) for column in range(row)]

    for (first, second), found in zip(pairs, ours, strict=True):
        row = printed.get(f"{first}_{second}", printed.get(f"{second}_{first}"))
        if row is None:
            assert not sight
            assert "K" in (first, second)
        assert found.numpy() == pytest.approx(row or [0.0] * 9, abs=1e-6), (first, second)
    matrices = np.tile(np.eye(5), (9, 1, 1))
    for (row, column), found in zip([(r, c) for r in range(5) for c in range(r)], ours, strict=True):
        matrices[:, row, column] = matrices[:, column, row] = found.numpy()
    assert np.linalg.eigvalsh(matrices).min() > 0.0


@pytest.mark.parametrize(("environment", "band", "sight"), COLUMNS)
def test_correlation_distances(environment, band, sight):
    """In the order in which deviates are drawn; a K-factor without line of sight has none and stays idle."""
    printed = VALUES["correlation_distances_m"][environment]["LOS" if sight else "NLOS"]
    ours = correlation_distances_m(Scattering(environment, band, sight), departure=True)

    assert tuple(ours) == (*LARGE_SCALE, *DEPARTURE)
    assert {name: value for name, value in ours.items() if sight or name != "K"} == printed


def test_entries_that_public_models_have_wrong_are_those_of_the_report():
    """OpenNTN 1.x: cluster spreads of urban Ka links without sight at 30 to 50 degrees; ns-3: the Ka band for S."""
    urban = Tables([Scattering("urban", "Ka", False)]).at(tf.constant(ELEVATION_RAD))
    assert urban.cASA.numpy()[2:5] == pytest.approx([16.4, 17.86, 19.74])
    low, high = (Tables([Scattering("suburban", band, False)]).at(tf.constant(ELEVATION_RAD)) for band in ("S", "Ka"))
    assert low.muDS.numpy()[0] == pytest.approx(-7.91)
    assert high.muDS.numpy()[0] == pytest.approx(-7.43)
    assert high.muZSA.numpy()[7] == pytest.approx(1.38)  # the uplink's spread of zenith at the terminal, 80 degrees


def test_angular_scaling_is_that_of_the_number_of_clusters():
    for environment, band, sight in COLUMNS:
        ours = Tables([Scattering(environment, band, sight)]).at(tf.constant(ELEVATION_RAD))
        for name in ("azimuth", "zenith"):
            printed = [VALUES[f"{name}_scaling"][int(count)] for count in ours.clusters.numpy()]
            assert getattr(ours, f"{name}_scaling").numpy() == pytest.approx(printed, rel=1e-6)


@pytest.mark.parametrize("letter", "ABCD")
def test_profiles(letter):
    printed, line, clusters = VALUES["profiles"][letter], ntn_tdl_profile(letter), read_table("tr38811_cdl")
    row = clusters[f"NTN-CDL-{letter}"]

    assert list(line.delays) == printed["delay_norm"]
    assert list(line.powers_db) == printed["power_dB"]
    assert line.line_of_sight == (letter in "CD")
    names = {"aoa_deg": "AOA", "zoa_deg": "ZOA", "casa_deg": "cASA", "czsa_deg": "cZSA", "xpr_db": "XPR_dB"}
    assert {theirs: row[ours] for ours, theirs in names.items()} == {name: printed[name] for name in names.values()}
    assert clusters["elevation_deg"] == 50
