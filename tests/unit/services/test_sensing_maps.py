"""Maps, folds and the Fisher matrix: what Fourier analysis and linear algebra demand of them."""

import numpy as np
import pytest
import tensorflow as tf

from ntn6g.services.sensing import (
    RangeDopplerMap,
    SensingFrame,
    SensingGrid,
    Targets,
    crlb,
    echo_response,
    estimate_channel,
    fisher_matrix,
    strongest,
    swerling_gain,
    window,
)

GRID = SensingGrid(subcarriers=48, symbols=20, subcarrier_spacing_hz=60e3)
SNR = 2.0


def targets(delay_s, doppler_hz, snr=SNR, sine=0.0):
    columns = np.broadcast_arrays(*(np.atleast_2d(np.asarray(x, float)) for x in (delay_s, doppler_hz, sine, snr)))
    return Targets(*(tf.constant(x.copy(), tf.float64) for x in columns))


def response(grid, given, antennas=None):
    """Noiseless channel with reflections of phase 0."""
    gain = tf.ones([*given.delay_s.shape, grid.symbols], tf.complex64)
    return echo_response(grid, given, gain, antennas=antennas)


def noise(grid, batch, seed):
    rng = np.random.default_rng(seed)
    shape = (batch, grid.symbols, grid.subcarriers)
    return tf.constant((rng.normal(size=shape) + 1j * rng.normal(size=shape)) / np.sqrt(2), tf.complex64)


def found(grid, channel, padding=2):
    rd_map = RangeDopplerMap(grid=grid, padding=padding)
    return strongest(rd_map, rd_map(channel), channel)


def test_a_map_is_the_double_sum_of_its_definition():
    channel, rd_map = noise(GRID, 1, 1), RangeDopplerMap(grid=GRID, padding=2)
    n, m = np.arange(GRID.subcarriers), np.arange(GRID.symbols)

    power = rd_map(channel).numpy()[0]

    for row, column in [(0, 0), (3, 17), (25, 95), (39, 1)]:
        turn_n = np.exp(2j * np.pi * n * GRID.subcarrier_spacing_hz * rd_map.delay_s[column])
        turn_m = np.exp(-2j * np.pi * m * GRID.period_s * rd_map.doppler_hz[row])
        exact = np.abs(turn_m @ channel.numpy()[0].astype(complex) @ turn_n) ** 2 / (n.size * m.size)
        assert power[row, column] == pytest.approx(exact, rel=1e-4, abs=1e-5)  # single precision over 960 terms


@pytest.mark.parametrize("padding", [1, 2, 3])
@pytest.mark.parametrize("windows", ["rectangular", "hamming", "hann"])
def test_the_map_keeps_the_energy(padding, windows):
    channel, rd_map = noise(GRID, 2, 2), RangeDopplerMap(grid=GRID, padding=padding, windows=windows)
    taper = np.outer(window(windows, GRID.symbols), window(windows, GRID.subcarriers))

    total = rd_map(channel).numpy().sum((1, 2))

    # Parseval: N'M'/Q times the energy under the window
    energy = (np.abs(channel.numpy() * taper) ** 2).sum((1, 2)) / (taper**2).sum()
    np.testing.assert_allclose(total, padding**2 * GRID.energy.size * energy, rtol=1e-4)


@pytest.mark.parametrize("comb", [1, 4])
def test_noise_has_mean_one_and_a_target_gains_the_number_of_known_elements(comb):
    grid = SensingGrid(subcarriers=48, symbols=20, subcarrier_spacing_hz=60e3, comb=comb, knows_data=False)
    known = grid.sensed_energy > 0
    flat, rd_map = targets(0.0, 0.0), RangeDopplerMap(grid=grid)

    peak = rd_map(response(grid, flat) * known).numpy()[0, 0, 0]
    background = rd_map(noise(grid, 64, 3) * known).numpy().mean()

    assert peak == pytest.approx(known.sum() * SNR, rel=1e-4)
    assert background == pytest.approx(1.0, abs=0.025)  # four standard errors of 64 maps of 240 independent cells


def test_delay_and_doppler_have_the_signs_of_a_receding_path():
    # a path that grows by v t has the delay tau + v t / c and a Doppler shift of -f v / c
    given = targets(3.3 * GRID.delay_cell_s, -2.4 * GRID.doppler_cell_hz)
    moving = np.exp(-2j * np.pi * GRID.period_s * 2.4 * GRID.doppler_cell_hz * np.arange(GRID.symbols))
    later = np.exp(-2j * np.pi * GRID.subcarrier_spacing_hz * 3.3 * GRID.delay_cell_s * np.arange(GRID.subcarriers))

    channel = response(GRID, given)

    np.testing.assert_allclose(channel.numpy()[0], np.sqrt(SNR) * np.outer(moving, later), atol=1e-5)
    peak = found(GRID, channel)
    # a noiseless maximum, to the rounding of single precision
    assert float(peak.delay_s[0] / GRID.delay_cell_s) == pytest.approx(3.3, abs=1e-4)
    assert float(peak.doppler_hz[0] / GRID.doppler_cell_hz) == pytest.approx(-2.4, abs=1e-4)
    assert abs(complex(peak.amplitude[0])) == pytest.approx(np.sqrt(SNR), rel=1e-4)


@pytest.mark.parametrize(("axis", "beyond"), [("delay", 1.3), ("doppler", 0.8), ("doppler", -0.9)])
def test_what_lies_beyond_the_unambiguous_span_folds(axis, beyond):
    delay_s = beyond * GRID.unambiguous_delay_s if axis == "delay" else 0.1 * GRID.unambiguous_delay_s
    doppler_hz = beyond * GRID.unambiguous_doppler_hz if axis == "doppler" else 0.1 * GRID.unambiguous_doppler_hz

    peak = found(GRID, response(GRID, targets(delay_s, doppler_hz)))

    delay_fold, doppler_fold = 1.0 / 60e3, 14 * 60e3 / 15.0  # 1/df, 1/T
    assert float(peak.delay_s[0]) == pytest.approx(delay_s % delay_fold, abs=1e-4 * GRID.delay_cell_s)
    folded = (doppler_hz + doppler_fold / 2) % doppler_fold - doppler_fold / 2
    assert float(peak.doppler_hz[0]) == pytest.approx(folded, abs=1e-4 * GRID.doppler_cell_hz)


def test_a_comb_folds_delay_earlier_and_pilot_symbols_doppler():
    grid = SensingGrid(
        subcarriers=48, symbols=20, subcarrier_spacing_hz=60e3, comb=4, symbol_step=2, knows_data=False
    )
    known = grid.sensed_energy > 0

    power = RangeDopplerMap(grid=grid)(response(grid, targets(2 * grid.delay_cell_s, 3 * grid.doppler_cell_hz)) * known)

    alike = power.numpy()[0] > 0.99 * power.numpy().max()
    rows, columns = np.nonzero(alike)
    assert set(columns) == {2, 14, 26, 38}  # every 48/4 cells
    assert set(rows) == {7, 17}  # every 20/2 cells; the axis runs downwards
    beyond = found(grid, response(grid, targets(14.2 * grid.delay_cell_s, -7.1 * grid.doppler_cell_hz)) * known)
    assert float(beyond.delay_s[0] / grid.delay_cell_s) == pytest.approx(14.2 - 12.0, abs=1e-3)
    assert float(beyond.doppler_hz[0] / grid.doppler_cell_hz) == pytest.approx(-7.1 + 10.0, abs=1e-3)
    assert grid.unambiguous_delay_s == pytest.approx(12 * grid.delay_cell_s)
    assert grid.unambiguous_doppler_hz == pytest.approx(10 * grid.doppler_cell_hz)


@pytest.mark.parametrize("antennas", [1, 4])
def test_the_fisher_matrix_is_that_of_numeric_derivatives(antennas):
    grid = SensingGrid(
        subcarriers=12, symbols=10, subcarrier_spacing_hz=60e3, comb=3, symbol_step=2, pilot_share=0.4
    )
    start = np.array([1.3, 4.1, -0.7, 1.6, 0.2, -0.4, 0.9, 0.5, 0.3, -1.1])  # two of each kind, in cells
    n, m, antenna = np.arange(12), np.arange(10), np.arange(antennas)

    def mean(p):
        total = 0.0
        for k in (0, 1):
            total = total + (p[6 + k] + 1j * p[8 + k]) * (
                np.exp(1j * np.pi * p[4 + k] * antenna)[:, None, None]
                * np.exp(2j * np.pi * p[2 + k] * m / 10)[:, None]
                * np.exp(-2j * np.pi * p[k] * n / 12)
            )
        return (np.sqrt(grid.energy) * total).ravel()

    step = 1e-6
    slopes = np.stack([(mean(start + step * e) - mean(start - step * e)) / (2 * step) for e in np.eye(10)], axis=1)

    matrix = fisher_matrix(
        grid,
        start[0:2] * grid.delay_cell_s,
        start[2:4] * grid.doppler_cell_hz,
        start[6:8] + 1j * start[8:10],
        sine=start[4:6],
        antennas=antennas,
    )

    exact = 2.0 * (slopes.conj().T @ slopes).real
    np.testing.assert_allclose(matrix, exact, atol=1e-7 * np.abs(exact).max())  # central differences of 1e-6


def test_the_bound_of_a_direction_is_that_of_a_line_of_antennas():
    # 6 / (SNR L (L^2 - 1)) for the phase step pi u, all elements of the grid adding up
    snr, antennas = 0.05, 8

    bound = crlb(GRID, snr, antennas=antennas)

    variance = 6.0 / (snr * GRID.energy.size * antennas * (antennas**2 - 1)) / np.pi**2
    assert bound.sine[0] == pytest.approx(np.sqrt(variance), rel=1e-9)
    assert bound.delay_s[0] == pytest.approx(crlb(GRID, snr * antennas).delay_s[0], rel=1e-9)
    assert np.isinf(crlb(GRID, snr).sine).all()


def test_two_close_targets_are_known_worse_than_one_and_far_ones_as_well():
    one = crlb(GRID, 1.0).delay_s[0]

    def two(cells):
        return crlb(GRID, [1.0, 1.0], delay_s=np.array([4.0, 4.0 + cells]) * GRID.delay_cell_s).delay_s[0]

    assert all(two(cells) >= one for cells in (0.1, 0.3, 0.7, 1.0, 1.4, 3.0))  # more unknowns never help
    assert two(0.05) > 10.0 * two(0.5)  # targets that merge
    assert two(10.0) == pytest.approx(one, rel=0.05)  # sidelobes of the other at 10 cells: 3 % of its amplitude


def test_what_is_not_known_tells_nothing():
    pilots = {"subcarriers": 48, "symbols": 20, "subcarrier_spacing_hz": 60e3, "comb": 2, "knows_data": False}
    without = SensingGrid(**pilots, pilot_share=0.0)

    assert np.isinf(crlb(without, 1.0).delay_s).all()
    assert np.isinf(crlb(SensingGrid(**pilots | {"symbol_step": 20}), 1.0).doppler_hz).all()  # one symbol alone
    with pytest.raises(ValueError, match="has energy"):
        SensingFrame(without)


@pytest.mark.parametrize("share", [None, 0.2, 0.7])
def test_the_energy_of_a_frame_does_not_depend_on_how_it_is_split(share):
    grid = SensingGrid(
        subcarriers=48, symbols=20, subcarrier_spacing_hz=60e3, comb=4, symbol_step=5, pilot_share=share
    )
    key = tf.constant(np.random.default_rng(5).integers(0, 2**32, (64, 2), np.uint32))

    sent = np.abs(SensingFrame(grid, modulation="16qam").sent(key).numpy()) ** 2

    assert grid.energy.mean() == pytest.approx(1.0)
    assert sent.mean() == pytest.approx(1.0, abs=0.012)  # five standard errors of 58 000 QAM energies
    if share is not None:
        assert sent[:, grid.pilot_mask].sum() / sent.sum() == pytest.approx(share, abs=0.01)
        assert np.ptp(sent[:, grid.pilot_mask]) < 1e-5  # pilots have equal modulus


def test_reflections_do_not_depend_on_the_batch_they_are_drawn_in():
    key = tf.constant(np.random.default_rng(6).integers(0, 2**32, (8, 2), np.uint32))

    whole = swerling_gain(key, 4, 2, 5)

    # one rounding: outside XLA a vector's tail is computed by other instructions than its body
    np.testing.assert_allclose(whole[3:5], swerling_gain(key[3:5], 4, 2, 5), rtol=3e-7)


def test_the_map_is_differentiable_in_the_delay_of_a_target():
    rd_map, delay = RangeDopplerMap(grid=GRID), 4.2

    def cell(cells):
        given = targets(0.0, 0.0)
        delay_s = cells * GRID.delay_cell_s * tf.ones([1, 1], tf.float64)
        moved = Targets(delay_s, given.doppler_hz, given.sine, given.snr)
        return rd_map(response(GRID, moved))[0, 0, 4]

    variable = tf.Variable(delay, dtype=tf.float64)
    with tf.GradientTape() as tape:
        value = cell(variable)

    above, below = (float(cell(tf.constant(delay + step, tf.float64))) for step in (0.01, -0.01))
    slope = (above - below) / 0.02
    assert float(tape.gradient(value, variable)) == pytest.approx(slope, rel=1e-2)  # float32 difference over 0.02


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"subcarriers": 1}, "at least 2"),
        ({"comb": 0}, "at least 1"),
        ({"pilot_share": 1.2}, "outside 0 to 1"),
        ({"pilot_share": 0.5}, "every element is a pilot"),
    ],
)
def test_grids_that_cannot_be_are_refused(changes, words):
    with pytest.raises(ValueError, match=words):
        SensingGrid(**{"subcarriers": 12, "symbols": 14, "subcarrier_spacing_hz": 15e3} | changes)


def test_unknown_names_are_refused():
    channel = noise(GRID, 1, 1)
    with pytest.raises(ValueError, match="zf, matched, lmmse"):
        estimate_channel(channel, channel, "ml")
    with pytest.raises(ValueError, match="signal-to-noise"):
        estimate_channel(channel, channel, "lmmse")
    with pytest.raises(ValueError, match="none, quadratic, newton"):
        strongest(RangeDopplerMap(grid=GRID), tf.zeros([1, 20, 48]), channel, refine="cubic")
    with pytest.raises(ValueError, match="swerling 5"):
        SensingFrame(GRID, swerling=5)
    with pytest.raises(ValueError, match="zf, matched, lmmse"):
        SensingFrame(GRID, estimator="ml")
