"""A residual frequency offset on the grid: equal to the samples it stands for, and to its closed form."""

import numpy as np
import pytest
import tensorflow as tf

from ntn6g.phy import SlotGrid
from ntn6g.phy.synchronisation import common_phase, offset_within_symbol, wanted_gain

SPACING_HZ = 120e3


def grid_of(blocks):
    return SlotGrid(resource_blocks=blocks, subcarrier_spacing_hz=SPACING_HZ)


def random_qpsk(shape, seed=1):
    rng = np.random.default_rng(seed)
    return (rng.choice([-1, 1], shape) + 1j * rng.choice([-1, 1], shape)) / np.sqrt(2)


def through_samples(values, offset_hz, grid, size):
    """Textbook modulator, offset on the samples, textbook demodulator, in double precision."""
    samples, positions = [], []
    rate = size * grid.subcarrier_spacing_hz
    for symbol, middle_s in enumerate(grid.symbol_times_s):
        spectrum = np.zeros(size, complex)
        spectrum[: grid.subcarriers] = values[symbol]
        samples.append(np.fft.ifft(spectrum))
        positions.append(middle_s + (np.arange(size) - (size - 1) / 2) / rate)
    turned = np.array(samples) * np.exp(2j * np.pi * offset_hz * np.array(positions))
    return np.fft.fft(turned)[:, : grid.subcarriers]


@pytest.mark.parametrize("offset_hz", [0.0, 1e3, -2.7e3, 12e3])
def test_offset_on_the_grid_equals_offset_on_the_samples(offset_hz):
    grid = grid_of(4)
    values = random_qpsk([14, grid.subcarriers])

    offset = tf.constant([offset_hz], tf.float64)
    ours = common_phase(offset, grid)[:, :, None] * offset_within_symbol(
        tf.constant(values[None], tf.complex64), offset, grid
    )

    np.testing.assert_allclose(ours[0], through_samples(values, offset_hz, grid, 64), atol=5e-6)  # float32 roundings


@pytest.mark.parametrize("e", [0.01, 0.03, 0.1])
def test_interference_follows_the_closed_form(e):
    # SIR = sinc^2(e) / (1 - sinc^2(e)) in the middle of a wide grid; edges have neighbours on one side only
    grid = grid_of(40)
    values = random_qpsk([8, 14, grid.subcarriers])
    offset = tf.fill([8], tf.constant(e * SPACING_HZ, tf.float64))

    received = np.asarray(offset_within_symbol(tf.constant(values, tf.complex64), offset, grid))
    wanted = values * np.asarray(wanted_gain(offset, grid))[:, None, None]
    middle = slice(grid.subcarriers // 4, -grid.subcarriers // 4)
    sir = np.sum(np.abs(wanted[..., middle]) ** 2) / np.sum(np.abs((received - wanted)[..., middle]) ** 2)

    expected = np.sinc(e) ** 2 / (1 - np.sinc(e) ** 2)
    assert 10 * np.log10(sir / expected) == pytest.approx(0.0, abs=0.2)  # dB


def test_energy_is_kept():
    grid = SlotGrid(resource_blocks=64 // 12 + 1, subcarrier_spacing_hz=SPACING_HZ)
    values = tf.constant(random_qpsk([2, 14, grid.subcarriers]), tf.complex64)
    padded = np.zeros([2, 14, 128], complex)
    padded[..., : grid.subcarriers] = values

    turned = offset_within_symbol(values, tf.constant([5e3, 5e3], tf.float64), grid)

    lost = 1 - np.sum(np.abs(turned) ** 2) / np.sum(np.abs(padded) ** 2)
    assert 0 <= lost < 0.005  # what leaks beyond the occupied band, at e = 0.04


def test_gradient_with_respect_to_the_offset_equals_the_difference():
    grid = grid_of(2)
    values = tf.constant(random_qpsk([1, 14, grid.subcarriers]), tf.complex64)

    def interference(offset_hz):
        return tf.reduce_sum(tf.square(tf.abs(offset_within_symbol(values, offset_hz, grid) - values)))

    offset = tf.constant([6e3])
    with tf.GradientTape() as tape:
        tape.watch(offset)
        value = interference(offset)
    step = 60.0
    difference = (interference(offset + step) - interference(offset - step)) / (2 * step)

    # central difference of a near-parabola: its error is below 1e-3, float32 adds as much
    assert float(tape.gradient(value, offset)[0]) == pytest.approx(float(difference), rel=5e-3)
