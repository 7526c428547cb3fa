"""Estimation and equalisation: equal to Sionna's blocks, exact where the channel is linear."""

import numpy as np
import pytest
import tensorflow as tf
from sionna.phy.mimo import StreamManagement
from sionna.phy.nr import CarrierConfig, PUSCHConfig, PUSCHLSChannelEstimator, PUSCHPilotPattern
from sionna.phy.ofdm import LMMSEEqualizer, LSChannelEstimator, ResourceGrid

from ntn6g.phy import SlotGrid
from ntn6g.phy.receiver import LeastSquaresEstimator, linear_weights, lmmse_equalise

BLOCKS, BATCH = 3, 4


def received_grid(grid):
    rng = np.random.default_rng(5)
    shape = [BATCH, 14, grid.subcarriers]
    return tf.constant(rng.normal(size=shape) + 1j * rng.normal(size=shape), tf.complex64)


def sionna_grid(additional):
    config = PUSCHConfig(carrier_config=CarrierConfig(n_size_grid=BLOCKS, subcarrier_spacing=30))
    config.mapping_type, config.symbol_allocation = "A", [0, 14]
    config.dmrs.additional_position, config.dmrs.num_cdm_groups_without_data = additional, 1
    return ResourceGrid(14, 12 * BLOCKS, 30e3, pilot_pattern=PUSCHPilotPattern(config))


@pytest.mark.parametrize("additional", [0, 1, 3])
def test_estimate_equals_sionnas_least_squares_with_linear_interpolation(additional):
    grid = SlotGrid(resource_blocks=BLOCKS, subcarrier_spacing_hz=30e3, dmrs_additional_positions=additional)
    received, noise = received_grid(grid), tf.constant([0.1, 0.2, 0.3, 0.4])

    estimate, error = LeastSquaresEstimator(grid)(received, noise)
    peer = LSChannelEstimator(sionna_grid(additional), interpolation_type="lin")
    expected, expected_error = peer(received[:, None, None], noise)

    np.testing.assert_allclose(estimate, expected[:, 0, 0, 0, 0], atol=2e-5)  # float32 roundings
    # Sionna adds the variances of the interpolation's differences in another order; see the exact law below
    assert expected_error.shape[-2:] == error.shape[-2:]


@pytest.mark.parametrize("groups", [1, 2])
def test_despread_estimate_equals_sionnas_pusch_estimator(groups):
    grid = SlotGrid(resource_blocks=BLOCKS, subcarrier_spacing_hz=30e3, dmrs_cdm_groups_without_data=groups)
    received, noise = received_grid(grid), tf.constant([0.1, 0.2, 0.3, 0.4])
    config = PUSCHConfig(carrier_config=CarrierConfig(n_size_grid=BLOCKS, subcarrier_spacing=30))
    config.mapping_type, config.symbol_allocation = "A", [0, 14]
    config.dmrs.additional_position, config.dmrs.num_cdm_groups_without_data = 1, groups
    resource_grid = ResourceGrid(14, 12 * BLOCKS, 30e3, pilot_pattern=PUSCHPilotPattern(config))

    estimate, _ = LeastSquaresEstimator(grid, despread=True)(received, noise)
    peer = PUSCHLSChannelEstimator(resource_grid, 1, 1, groups, interpolation_type="lin")
    expected, _ = peer(received[:, None, None], noise)

    np.testing.assert_allclose(estimate, expected[:, 0, 0, 0, 0], atol=2e-5)  # float32 roundings


@pytest.mark.parametrize(("groups", "despread"), [(1, False), (2, True)])
def test_error_variance_is_that_of_the_noise_in_the_estimate(groups, despread):
    grid = SlotGrid(resource_blocks=BLOCKS, subcarrier_spacing_hz=30e3, dmrs_cdm_groups_without_data=groups)
    rng = np.random.default_rng(6)
    shape = [20_000, 14, grid.subcarriers]
    noise = tf.constant((rng.normal(size=shape) + 1j * rng.normal(size=shape)) / np.sqrt(2), tf.complex64)

    estimate, error = LeastSquaresEstimator(grid, despread=despread)(noise, tf.ones([shape[0]]))

    measured = np.mean(np.abs(estimate) ** 2, axis=0)
    # relative standard error of a variance over 20,000 draws is 0.7 %; 504 elements at 1e-3 in all: 4.9 sigma
    np.testing.assert_allclose(measured / np.asarray(error)[0], 1.0, atol=0.035)


def test_a_channel_linear_in_frequency_and_time_is_estimated_exactly():
    grid = SlotGrid(resource_blocks=BLOCKS, subcarrier_spacing_hz=30e3)
    k, t = np.arange(grid.subcarriers), np.arange(14)[:, None]
    channel = tf.constant(((1 + 0.01 * k) * (1 - 0.02j * t))[None], tf.complex64)
    sent = grid.fill(tf.ones([1, grid.data_elements], tf.complex64))

    estimate, _ = LeastSquaresEstimator(grid)(channel * sent, tf.zeros([1]))

    np.testing.assert_allclose(estimate, channel, atol=1e-5)  # float32 roundings


def test_equaliser_equals_sionnas_lmmse():
    grid = SlotGrid(resource_blocks=BLOCKS, subcarrier_spacing_hz=30e3)
    received, channel = received_grid(grid), tf.reverse(received_grid(grid), [1])
    noise, error = tf.constant([0.1, 0.2, 0.3, 0.4]), tf.fill([BATCH, 14, grid.subcarriers], 0.05)

    peer = LMMSEEqualizer(sionna_grid(1), StreamManagement(np.array([[1]]), 1))
    expected, expected_noise = peer(
        received[:, None, None], channel[:, None, None, None, None], error[:, None, None, None, None], noise
    )
    ours = lmmse_equalise(grid.data_of(received), grid.data_of(channel), grid.data_of(noise[:, None, None] + error))

    # float32: Sionna removes the bias by a division that loses digits where |h|^2 is far below the noise
    np.testing.assert_allclose(ours.symbols, expected[:, 0, 0], rtol=2e-3, atol=2e-3)
    np.testing.assert_allclose(ours.noise_variance, expected_noise[:, 0, 0], rtol=5e-3)


def test_interpolation_weights_hold_a_single_known_position():
    np.testing.assert_array_equal(linear_weights(np.array([2]), 4), [[1, 1, 1, 1]])


def test_an_element_in_a_null_stays_finite():
    ours = lmmse_equalise(tf.ones([1, 1], tf.complex64), tf.zeros([1, 1], tf.complex64), tf.ones([1, 1]))

    assert np.isfinite(ours.symbols).all()
    assert np.isfinite(ours.noise_variance).all()
