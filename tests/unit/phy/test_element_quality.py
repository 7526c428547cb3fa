"""What an abstraction is told of every element: ratio and error of the estimate, and what both together carry."""

import numpy as np
import pytest
import tensorflow as tf

from ntn6g.channel import ChannelRealization, FlatChannel
from ntn6g.core import random
from ntn6g.core.errors import ScenarioError
from ntn6g.phy import LinkChain, LinkValues, Modulation, SlotGrid
from ntn6g.phy.abstraction import EstimatedChannel, bit_information, estimated_information
from ntn6g.phy.air import SubcarrierPath
from ntn6g.phy.layered import Antennas, LayeredChain

NOISE, SPACING_HZ, ROWS = 0.05, 120e3, 3


class OnePath:
    """A fading of one path of unit gain at a fixed delay, whatever is asked."""

    def __init__(self, delay_s):
        self._delay_s = delay_s

    def __call__(self, keys, *, times_s, **others):
        del others
        gain = tf.ones([keys.shape[0], 1, 1, 1, times_s.shape[0]], tf.complex64)
        return ChannelRealization.without_bulk(gain, tf.fill([keys.shape[0], 1], np.float32(self._delay_s)))


def element_quality(fading, *, perfect_csi=False, antennas=None, **grid_keys):
    grid = SlotGrid(resource_blocks=2, subcarrier_spacing_hz=SPACING_HZ, **grid_keys)
    several = {} if antennas is None else {"antennas": antennas}
    chain = (LayeredChain if several else LinkChain)(
        grid=grid,
        modulation=Modulation("qpsk"),
        code=None,
        fading=fading,
        perfect_csi=perfect_csi,
        air=SubcarrierPath(grid, frequency_offset=False, normalise=False),
        **several,
    )
    zeros = {name: tf.zeros([ROWS], dtype) for name, dtype in LinkValues.DTYPES.items()}
    values = LinkValues(**zeros | {"noise_variance": tf.fill([ROWS], np.float32(NOISE))})
    found = chain.element_quality(random.block_keys(tf.constant([[1, 2]], tf.uint32), ROWS), values)
    return grid, found[0].numpy(), found[1].numpy()


def test_a_known_flat_channel_has_signal_over_noise():
    _, ratio, gain = element_quality(FlatChannel(), perfect_csi=True)

    np.testing.assert_allclose(ratio, 1 / NOISE, rtol=1e-6)
    assert not gain.any()


def test_an_estimated_flat_channel_has_an_error_by_the_weights_of_its_interpolation():
    # symbol 5, subcarrier 7: half way between two subcarriers with pilots, 3 and 6 of 9 symbols from those of 2 and 11
    grid, ratio, gain = element_quality(FlatChannel())
    place = int(np.flatnonzero(grid.data_index == 5 * grid.subcarriers + 7)[0])

    np.testing.assert_allclose(ratio, 1 / NOISE, rtol=1e-5)
    np.testing.assert_allclose(gain[:, place], 0.5 * ((6 / 9) ** 2 + (3 / 9) ** 2), rtol=1e-5)


def test_linear_interpolation_of_a_turning_channel_misses_what_trigonometry_says():
    # h = e^{-j theta k}: between two pilots the mean of neighbours is h cos theta; on a pilot nothing is missed
    delay_s = 150e-9
    theta = 2 * np.pi * SPACING_HZ * delay_s
    grid, ratio, gain = element_quality(OnePath(delay_s), dmrs_additional_positions=0)
    between, on = (int(np.flatnonzero(grid.data_index == 5 * grid.subcarriers + k)[0]) for k in (7, 8))

    np.testing.assert_allclose(ratio[:, on], 1 / NOISE, rtol=1e-4)
    noise = NOISE + (1 - np.cos(theta)) ** 2
    np.testing.assert_allclose(ratio[:, between], np.cos(theta) ** 2 / noise, rtol=1e-4)
    np.testing.assert_allclose(gain[:, between], 0.5 * NOISE / noise, rtol=1e-4)


@pytest.mark.parametrize("layers", [1, 2])
def test_layers_behind_the_joint_equaliser(layers):
    # on white noise antenna i hears layer i alone, with its share of the energy; LMMSE without bias leaves it so
    antennas = Antennas(layers=layers, transmit=layers, receive=layers)
    shared = {"layers": layers, "dmrs_cdm_groups_without_data": 2, "antennas": antennas}
    _, ratio, _ = element_quality(FlatChannel(), perfect_csi=True, **shared)

    assert ratio.shape[1] % layers == 0
    np.testing.assert_allclose(ratio, 1 / NOISE / layers, rtol=1e-4)
    with pytest.raises(ScenarioError, match=r"link.csi: estimated"):
        element_quality(FlatChannel(), **shared)


class TestEstimatedInformation:
    @pytest.mark.parametrize("order", [2, 4, 6])
    def test_without_an_error_it_is_that_of_the_known_channel(self, order):
        for esno_db in (0.0, 6.0, 14.0):
            expected, _ = bit_information(order, esno_db)
            # quasi-random integration over 8192 points
            assert estimated_information(order, 10 ** (esno_db / 10), 0.0) == pytest.approx(float(expected), abs=3e-3)

    def test_it_is_that_of_the_ratios_of_a_receiver_with_a_noisy_estimate(self):
        # QPSK, straight from its definition: L = 2 sqrt(2) Re(conj(h + w) y) / (N_0 (1 + g)) for the first bit
        rng, ratio, gain, draws = np.random.default_rng(5), 1.5, 0.6, 400_000
        noise, w = (
            np.sqrt(power / 2 / ratio) * (rng.normal(size=draws) + 1j * rng.normal(size=draws)) for power in (1.0, gain)
        )
        sent = np.exp(0.25j * np.pi * (2 * rng.integers(0, 4, draws) + 1))
        level = 2 * np.sqrt(2) * np.real(np.conj(1 + w) * (sent + noise)) * ratio / (1 + gain)
        drawn = 1 - np.mean(np.logaddexp(0, -level * np.sign(sent.real))) / np.log(2)

        # 4e5 draws are good to 2e-3 (3 sigma), 8192 Sobol points to about as much
        assert estimated_information(2, ratio, gain) == pytest.approx(drawn, abs=5e-3)

    def test_the_ratio_of_equal_information_is_found_inside_a_compiled_step(self):
        ratio, gain = np.array([0.5, 3.0, 12.0]), np.array([0.3, 0.7, 0.0])
        found = tf.function(EstimatedChannel(4).__call__, jit_compile=True)(
            tf.constant(ratio, tf.float32), tf.constant(gain, tf.float32)
        )

        for equal, given, error in zip(found.numpy(), ratio, gain, strict=True):
            carried, _ = bit_information(4, 10 * np.log10(equal))
            # the loss is linear between points 2 dB and a factor of two in g apart: 0.1 dB, 0.005 bit
            assert float(carried) == pytest.approx(estimated_information(4, given, error), abs=8e-3)
