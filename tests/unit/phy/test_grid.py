"""The slot grid: NR's timing, its reference signals, and nothing lost between placing and reading."""

import numpy as np
import pytest
import tensorflow as tf
from sionna.phy.nr import CarrierConfig, PUSCHConfig, PUSCHPilotPattern
from sionna.phy.ofdm import ResourceGrid, ResourceGridMapper

from ntn6g.phy import SlotGrid

KHZ = 1e3


@pytest.mark.parametrize("spacing_khz", [15, 30, 60, 120, 240])
def test_symbol_times_follow_ts38211_5_3_1(spacing_khz):
    grid = SlotGrid(resource_blocks=1, subcarrier_spacing_hz=spacing_khz * KHZ)
    kappa_s = 1 / (15e3 * 2048)  # kappa Tc, TS 38.211 4.1

    mu = int(np.log2(spacing_khz / 15))
    start_s, middles_s = 0.0, []
    for symbol in range(14):
        long = symbol in (0, 7 * 2**mu)
        prefix_s = (144 * 2.0**-mu + (16 if long else 0)) * kappa_s
        useful_s = 2048 * 2.0**-mu * kappa_s
        middles_s.append(start_s + prefix_s + useful_s / 2)
        start_s += prefix_s + useful_s

    np.testing.assert_allclose(grid.symbol_times_s, middles_s, rtol=1e-12)  # double-precision roundings


def test_cyclic_prefix_is_4_69_microseconds_at_15_khz():
    grid = SlotGrid(resource_blocks=1, subcarrier_spacing_hz=15e3)

    assert grid.cyclic_prefix_s == pytest.approx(4.69e-6, abs=0.005e-6)  # printed to 10 ns


@pytest.mark.parametrize(("additional", "symbols"), [(0, [2]), (1, [2, 11]), (2, [2, 7, 11]), (3, [2, 5, 8, 11])])
def test_dmrs_symbols_follow_ts38211_table_6_4_1_1_3_3(additional, symbols):
    grid = SlotGrid(resource_blocks=2, subcarrier_spacing_hz=15e3, dmrs_additional_positions=additional)

    assert list(grid.dmrs_symbols) == symbols
    assert list(grid.dmrs_subcarriers) == list(range(0, 24, 2))  # configuration type 1, CDM group 0
    assert grid.data_elements == 24 * 14 - 12 * len(symbols)


@pytest.mark.parametrize("groups", [1, 2])
def test_filled_grid_equals_the_one_sionna_maps(groups):
    grid = SlotGrid(resource_blocks=4, subcarrier_spacing_hz=30e3, dmrs_cdm_groups_without_data=groups)
    config = PUSCHConfig(carrier_config=CarrierConfig(n_size_grid=4, subcarrier_spacing=30))
    config.mapping_type, config.symbol_allocation = "A", [0, 14]
    config.dmrs.additional_position, config.dmrs.num_cdm_groups_without_data = 1, groups
    reference = ResourceGrid(14, 48, 30e3, pilot_pattern=PUSCHPilotPattern(config))
    data = tf.complex(tf.random.stateless_normal([3, grid.data_elements], [1, 2]), 0.0)

    expected = ResourceGridMapper(reference)(data[:, None, None])[:, 0, 0]

    np.testing.assert_array_equal(grid.fill(data), expected)


@pytest.mark.parametrize("pilots", [True, False])
def test_reading_the_data_returns_what_was_placed(pilots):
    grid = SlotGrid(resource_blocks=3, subcarrier_spacing_hz=15e3, pilots=pilots)
    data = tf.complex(tf.random.stateless_normal([2, grid.data_elements], [1, 2]), 1.0)

    np.testing.assert_array_equal(grid.data_of(grid.fill(data)), data)
    assert grid.data_elements == (3 * 144 if pilots else 3 * 168) + (3 * 12 if pilots else 0)


@pytest.mark.parametrize(("groups", "data_elements"), [(1, 2 * 156), (2, 2 * 144)])
def test_elements_have_unit_mean_energy_with_dm_rs_boosted_by_3_db_beside_empty_ones(groups, data_elements):
    # TS 38.214 V18.7.0 table 4.1-1: 0 dB and -3 dB PDSCH EPRE over DM-RS EPRE for 1 and 2 groups without data
    grid = SlotGrid(resource_blocks=2, subcarrier_spacing_hz=15e3, dmrs_cdm_groups_without_data=groups)
    filled = grid.fill(tf.ones([1, grid.data_elements], tf.complex64)).numpy()

    assert grid.data_elements == data_elements
    np.testing.assert_allclose(np.abs(grid.dmrs_values) ** 2, groups, rtol=1e-6)  # float32 roundings of 1/sqrt(2)
    assert np.mean(np.abs(filled) ** 2) == pytest.approx(1.0, rel=1e-6)
