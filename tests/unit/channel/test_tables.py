"""The lookup: nodes, both readings between them, and what it refuses."""

import numpy as np
import pytest

from ntn6g.channel import ENVIRONMENTS, band_of, lookup
from ntn6g.channel.tables import read_table
from ntn6g.core.errors import ScenarioError

LSP = ("muDS", "sigmaDS", "muK", "sigmaK")
QUANTITIES = (*LSP, "los_probability", "sigma_sf_db", "clutter_db", "tropospheric_scintillation_db")
NODES_DEG = np.arange(10.0, 91.0, 10.0)


@pytest.mark.parametrize("environment", ENVIRONMENTS)
@pytest.mark.parametrize("band", ["S", "Ka"])
@pytest.mark.parametrize("quantity", QUANTITIES)
def test_both_readings_agree_at_every_node(environment, band, quantity):
    at_nodes = [
        lookup(environment, band, True, quantity, np.deg2rad(NODES_DEG), reading) for reading in ("linear", "nearest")
    ]
    assert at_nodes[0] == pytest.approx(at_nodes[1], abs=1e-9)  # float64 interpolation


def test_every_row_of_every_file_has_nine_columns():
    def rows(node):
        return [node] if isinstance(node, list) else [row for child in node.values() for row in rows(child)]

    for name in ("tr38811_lsp", "tr38811_loss"):
        assert all(len(row) == 9 for row in rows(read_table(name)))


@pytest.mark.parametrize(
    ("elevation_deg", "column"), [(10, 0), (14.9, 0), (15, 1), (24, 1), (54.99, 4), (55.01, 5), (90, 8)]
)
def test_nearest_takes_the_nearest_reference_elevation(elevation_deg, column):
    row = [34.3, 30.9, 29.0, 27.7, 26.8, 26.2, 25.8, 25.5, 25.5]  # TR 38.811 Table 6.6.2-2, S band
    ours_db = lookup("urban", "S", False, "clutter_db", np.deg2rad(elevation_deg), "nearest")
    assert ours_db == row[column]


def test_linear_is_half_way_half_way():
    ours_db = lookup("urban", "S", False, "clutter_db", np.deg2rad([15.0, 25.0]))
    assert ours_db == pytest.approx([(34.3 + 30.9) / 2, (30.9 + 29.0) / 2], abs=1e-9)


def test_below_ten_degrees_is_refused_and_names_the_way_out():
    with pytest.raises(ScenarioError, match=r"at\.elevation_deg: 5 degrees .*channel\.below_table: clamp"):
        lookup("urban", "S", False, "muDS", np.deg2rad([45.0, 5.0]))


def test_clamp_uses_the_lowest_column_even_below_the_horizon():
    clamped = lookup("urban", "S", False, "muDS", np.deg2rad([5.0, -20.0]), below_table="clamp")
    assert clamped.tolist() == [-7.21, -7.21]


@pytest.mark.parametrize("elevation_rad", [45.0, np.nan])
def test_an_impossible_elevation_is_refused(elevation_rad):
    with pytest.raises(ScenarioError, match="outside the 10 to 90 degrees"):
        lookup("urban", "S", False, "muDS", elevation_rad)


def test_unknown_names_are_refused():
    with pytest.raises(ScenarioError, match=r"channel\.environment: 'city'.*dense-urban"):
        lookup("city", "S", True, "muDS", 1.0)
    with pytest.raises(ScenarioError, match="no K-factor"):
        lookup("urban", "S", False, "muK", 1.0)
    with pytest.raises(ValueError, match="'mu' is not tabulated"):
        lookup("urban", "S", False, "mu", 1.0)


def test_bands_part_at_six_gigahertz():
    assert [band_of(f) for f in (2e9, 5.9e9, 6e9, 20e9)] == ["S", "S", "Ka", "Ka"]
    for carrier_hz in (0.4e9, 101e9):  # TR 38.811 V15.1.0, 6.1.3: 0.5 to 100 GHz
        with pytest.raises(ScenarioError, match=r"outside the 0\.5 to 100 GHz of the tables"):
            band_of(carrier_hz)
