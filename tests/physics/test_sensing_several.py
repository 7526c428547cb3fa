"""Several targets: when two show as two, what is measured once others are taken away, and subspaces below a cell."""

import numpy as np
import pytest
import tensorflow as tf
from scipy.stats import binomtest, chi2

from ntn6g.services.sensing import Cfar, RangeDopplerMap, SensingFrame, SensingGrid, Targets, crlb, echo_response
from ntn6g.services.sensing.estimators import (
    clean,
    esprit,
    esprit_2d,
    matching_pursuit,
    music,
    music_2d,
    remove_static,
    resolved,
    smoothed_covariance,
    smoothed_covariance_2d,
)

GRID = SensingGrid(subcarriers=64, symbols=14, subcarrier_spacing_hz=120e3)
SHORT = SensingGrid(subcarriers=64, symbols=2, subcarrier_spacing_hz=120e3)  # for what concerns delay alone


def keys(count, seed):
    return tf.constant(np.random.default_rng(seed).integers(0, 2**32, (count, 2), np.uint32))


def targets(delay_cells, doppler_cells, snr, frames):
    columns = (np.asarray(delay_cells) * GRID.delay_cell_s, np.asarray(doppler_cells) * GRID.doppler_cell_hz,
               np.zeros(len(snr)), np.asarray(snr))  # fmt: skip
    return Targets(*(tf.constant(np.broadcast_to(c, (frames, len(snr))).copy()) for c in columns))


def share_resolved(separation, windows, frames=2000, padding=16):
    """Share of noiseless pairs of equal targets at random phases that show as two."""
    rng = np.random.default_rng(round(100 * separation))
    place = 10.0 + rng.uniform(size=(frames, 1))
    cells = np.concatenate([place, place + separation], axis=1)
    zero, ones = np.zeros((frames, 2)), np.ones((frames, 2))
    given = Targets(*(tf.constant(x) for x in (cells * SHORT.delay_cell_s, zero, zero, ones)))
    phase = np.exp(2j * np.pi * rng.uniform(size=(frames, 2, 1))) * np.ones((1, 1, SHORT.symbols))
    rd_map = RangeDopplerMap(grid=SHORT, padding=padding, windows=windows)
    channel = echo_response(SHORT, given, tf.constant(phase, tf.complex64))
    cut = tf.concat([rd_map(channel[i : i + 50])[:, 0] for i in range(0, frames, 50)], axis=0)
    return int(tf.reduce_sum(tf.cast(resolved(cut, cells[:, 0] * padding, cells[:, 1] * padding, padding), tf.int32)))


def test_resolution_is_a_probability_that_grows_with_separation_and_shrinks_under_a_window():
    share = {
        (name, cells): share_resolved(cells, name, frames=1000) / 1000
        for name in ("rectangular", "hamming")
        for cells in (0.6, 1.0, 1.5, 2.5)
    }

    # 400 trials of another program gave 0.20, 0.37, 0.85 and 0.64, 1.00 under Hamming at 2.0, 2.5: bands of four
    # standard errors of both
    assert share["rectangular", 1.0] == pytest.approx(0.37, abs=0.12)
    assert share["rectangular", 1.5] == pytest.approx(0.85, abs=0.09)
    assert share["rectangular", 2.5] > 0.99
    assert share["hamming", 2.5] > 0.99
    for name in ("rectangular", "hamming"):
        values = [share[name, cells] for cells in (0.6, 1.0, 1.5, 2.5)]
        assert values == sorted(values)
    assert share["hamming", 1.5] < share["rectangular", 1.5] - 0.3


def test_opposite_phases_show_two_targets_where_equal_ones_show_one():
    # between two targets in opposite phase the field has a zero
    rd_map = RangeDopplerMap(grid=GRID, padding=16)
    given = targets([10.0, 11.0], [0.0, 0.0], [1.0, 1.0], 2)
    # phases at the middle of the grid, where a shift of one cell has turned by half a cycle less
    middle = np.exp(1j * np.pi * 63 / 64)
    phase = np.stack([[1.0, middle], [1.0, -middle]])[:, :, None] * np.ones(GRID.symbols)

    cut = rd_map(echo_response(GRID, given, tf.constant(phase, tf.complex64)))[:, 0]

    places = tf.constant([160.0, 160.0]), tf.constant([176.0, 176.0])
    assert resolved(cut, *places, 16).numpy().tolist() == [False, True]


def test_a_weak_target_beside_a_strong_one_is_measured_at_its_bound(holm):
    # 25 dB weaker, 5 cells away in delay: the strong one's sidelobes lie 5 dB above it until they are taken away
    frames, snr = 512, np.array([50.0, 50.0 * 10.0 ** (-2.5)])
    given = targets([10.3, 15.4], [2.2, 2.6], snr, frames)
    channel = SensingFrame(GRID)(keys(frames, 4), given)
    rd_map = RangeDopplerMap(grid=GRID, padding=2)

    found = tf.function(lambda c: clean(rd_map, c, 2), jit_compile=True, autograph=False)(channel)

    bound = crlb(GRID, snr, delay_s=given.delay_s[0].numpy(), doppler_hz=given.doppler_hz[0].numpy())
    p_values = []
    for place in (0, 1):
        errors = (found.delay_s - given.delay_s).numpy()[:, place] / bound.delay_s[place]
        # chi-squared; 512 frames find 0.85 or 1.15 of the bound with 90 % power
        p_values.append(2 * min(chi2.cdf(np.sum(errors**2), frames), chi2.sf(np.sum(errors**2), frames)))
    assert not holm(p_values)
    np.testing.assert_allclose(np.abs(found.amplitude.numpy()).mean(0), np.sqrt(snr), rtol=0.02)


def test_without_cancellation_the_weak_target_is_lost():
    given = targets([10.3, 15.4], [2.2, 2.6], [50.0, 50.0 * 10.0 ** (-2.5)], 8)
    rd_map = RangeDopplerMap(grid=GRID, padding=2)
    power = rd_map(SensingFrame(GRID)(keys(8, 4), given)).numpy()

    sidelobe = power[:, :, 14:18].max(axis=(1, 2))  # around the third sidelobe of the strong target
    assert (sidelobe > 1.5 * GRID.energy.size * 50.0 * 10.0 ** (-2.5)).all()


def test_esprit_tells_targets_half_a_cell_apart_at_the_bound_of_their_fluctuating_echoes(holm):
    frames, cells = 256, np.array([10.0, 10.5])
    given = targets(cells, [0.0, 0.0], [30.0, 30.0], frames)
    channel = SensingFrame(GRID, swerling=2)(keys(frames, 5), given)

    found = esprit(smoothed_covariance(channel, 40), 2).numpy()

    delay_cells = np.sort(-found % 1.0, axis=1) * GRID.subcarriers
    error = delay_cells - cells
    # resolved in every frame, where a map shows one in four; both unbiased within four standard errors
    assert (np.abs(error) < 0.25).all()
    assert (np.abs(error.mean(0)) < 4 * error.std(0) / np.sqrt(frames)).all()
    spectrum = music(smoothed_covariance(channel[:8], 40), 2, tf.constant(-np.linspace(8, 12.5, 451) / 64)).numpy()
    for row in spectrum:
        peaks = np.flatnonzero((row[1:-1] > row[:-2]) & (row[1:-1] > row[2:])) + 1
        strongest = np.sort(np.linspace(8, 12.5, 451)[peaks[np.argsort(row[peaks])[-2:]]])
        np.testing.assert_allclose(strongest, cells, atol=0.15)


def test_smoothing_restores_the_rank_that_coherent_echoes_lose():
    given = targets([10.0, 14.0], [0.0, 0.0], [1.0, 1.0], 1)
    channel = echo_response(GRID, given, tf.ones([1, 2, GRID.symbols], tf.complex64))

    whole, smooth = (np.linalg.eigvalsh(smoothed_covariance(channel, n).numpy()[0]) for n in (63, 40))

    assert (smooth > 1e-3 * smooth[-1]).sum() == 2
    assert whole.shape == (63,)


def test_a_frequency_is_found_exactly_without_noise():
    samples = tf.constant(np.exp(2j * np.pi * np.outer([0.11, -0.37], np.arange(32)))[:, None], tf.complex128)

    found = esprit(smoothed_covariance(samples, 16), 1).numpy()

    np.testing.assert_allclose(found[:, 0], [0.11, -0.37], atol=1e-10)


@pytest.mark.parametrize("separation", [0.8])
def test_the_share_of_resolved_pairs_agrees_with_another_program(separation):
    # 0.29 of 400 trials; a two-sample comparison by the wider of both errors
    counted = share_resolved(separation, "rectangular", frames=1000)

    assert binomtest(round(0.29 * 400), 400, counted / 1000).pvalue > 1e-3


@pytest.mark.parametrize("comb", [1, 2])
def test_a_target_is_found_under_a_direct_path_a_million_times_stronger_once_what_stands_is_taken_away(comb):
    grid = SensingGrid(
        subcarriers=64, symbols=14, subcarrier_spacing_hz=120e3, comb=comb, symbol_step=comb, knows_data=False
    )
    frames, snr = 64, 10.0 ** (25 / 10) / grid.sensed_energy.sum()
    known = None if comb == 1 else grid.sensed_energy > 0
    given = targets([0.37, 8.0], [0.0, 2.5], [1e6 * snr, snr], frames)
    channel = SensingFrame(grid)(keys(frames, 6), given)
    rd_map, detector = RangeDopplerMap(grid=grid, padding=2), Cfar(false_alarm=1e-3, training=4, guard=1, padding=2)

    before, after = (detector(rd_map(each)).numpy() for each in (channel, remove_static(channel, known)))

    assert before[:, 28 - 5, 16].mean() < 0.1  # buried in sidelobes
    assert after[:, 28 - 5, 16].mean() == 1.0


def test_what_moves_slowly_is_lost_with_what_stands():
    def kept(doppler_cells):
        given = targets([5.0], [doppler_cells], [1.0], 1)
        channel = echo_response(GRID, given, tf.ones([1, 1, GRID.symbols], tf.complex64))
        left = tf.reduce_sum(tf.square(tf.abs(remove_static(channel)))) / tf.reduce_sum(tf.square(tf.abs(channel)))
        return float(left)

    for cells in (0.1, 0.44, 0.7, 1.0, 2.3):
        dirichlet = np.mean(np.exp(2j * np.pi * cells * np.arange(14) / 14))
        assert kept(cells) == pytest.approx(1 - abs(dirichlet) ** 2, abs=1e-4)
    assert kept(0.0) < 1e-10
    assert kept(0.44) == pytest.approx(0.5, abs=0.02)


SQUARE = SensingGrid(subcarriers=24, symbols=16, subcarrier_spacing_hz=120e3)
WINDOW = (8, 12)


def scene(delay_cells, doppler_cells, snr, frames, seed):
    """Channel estimates of equal targets on the small grid, phases at random."""
    count = len(delay_cells)
    given = Targets(
        *(
            tf.constant(np.broadcast_to(np.asarray(c, float), (frames, count)).copy())
            for c in (
                np.asarray(delay_cells) * SQUARE.delay_cell_s,
                np.asarray(doppler_cells) * SQUARE.doppler_cell_hz,
                np.zeros(count),
                np.full(count, snr),
            )
        )
    )
    return SensingFrame(SQUARE)(keys(frames, seed), given)


def test_joint_esprit_pairs_delays_and_shifts_exactly_without_noise_even_where_targets_share_one():
    # the first two agree in delay, the last two in Doppler
    delay, doppler = np.array([3.3, 3.3, 7.9]), np.array([-2.4, 1.7, 1.7])
    channel = tf.cast(scene(delay, doppler, 1e10, 2, 31), tf.complex128)

    found = esprit_2d(SQUARE, smoothed_covariance_2d(channel, *WINDOW), 3, WINDOW)

    pairs = np.stack([found[0].numpy() / SQUARE.delay_cell_s, found[1].numpy() / SQUARE.doppler_cell_hz], -1)
    for frame in pairs:
        ordered = frame[np.lexsort((frame[:, 1], np.round(frame[:, 0])))]
        np.testing.assert_allclose(ordered, [[3.3, -2.4], [3.3, 1.7], [7.9, 1.7]], atol=1e-3)  # complex64 elements


def test_joint_esprit_separates_below_a_cell_on_both_axes_near_the_bound():
    frames, delay, doppler, snr = 48, np.array([5.0, 5.6]), np.array([1.0, 1.6]), 100.0
    channel = scene(delay, doppler, snr, frames, 32)

    found = esprit_2d(SQUARE, smoothed_covariance_2d(channel, *WINDOW), 2, WINDOW)

    error = found[0].numpy() / SQUARE.delay_cell_s - delay
    # a bound at the worst phase between both; 48 frames, and windows waste some of the grid: within a factor of 3
    bounds = [
        crlb(
            SQUARE,
            [snr, snr],
            delay_s=delay * SQUARE.delay_cell_s,
            doppler_hz=doppler * SQUARE.doppler_cell_hz,
        ).delay_s[0]
    ]
    rms = np.sqrt(np.mean(error**2)) * SQUARE.delay_cell_s
    assert rms < 3.0 * max(bounds)
    assert (np.abs(error) < 0.3).all()


def test_the_joint_spectrum_peaks_at_the_targets_and_nowhere_else():
    delay, doppler = np.array([5.0, 5.8]), np.array([1.0, 1.8])
    covariance = smoothed_covariance_2d(scene(delay, doppler, 1000.0, 1, 33), *WINDOW)
    axis_n, axis_m = np.linspace(4, 7, 61), np.linspace(0, 3, 61)
    n, m = np.meshgrid(axis_n, axis_m)

    places = tf.constant(n.ravel() * SQUARE.delay_cell_s), tf.constant(m.ravel() * SQUARE.doppler_cell_hz)
    spectrum = music_2d(SQUARE, covariance, 2, WINDOW, *places).numpy().reshape(n.shape)

    inner = spectrum[1:-1, 1:-1]
    shifted = [spectrum[1 + i : 60 + i, 1 + j : 60 + j] for i in (-1, 0, 1) for j in (-1, 0, 1) if i or j]
    peaks = np.argwhere(np.all([inner > each for each in shifted], axis=0) & (inner > 1e-2 * inner.max())) + 1
    found = sorted((axis_n[j], axis_m[i]) for i, j in peaks)
    np.testing.assert_allclose(found, [(5.0, 1.0), (5.8, 1.8)], atol=0.1)


def test_the_joint_spectrum_of_nothing_but_echoes_is_finite_and_highest_at_the_targets():
    # phasors of single precision may have more energy in the signal's subspace than they have at all
    places = np.linspace(2.0, 8.0, 601)
    delay = tf.constant(places * SQUARE.delay_cell_s)
    channel = tf.cast(scene([3.3, 6.7], [0.0, 0.0], 1e12, 4, 37), tf.complex128)

    covariance = smoothed_covariance_2d(channel, *WINDOW)
    spectrum = music_2d(SQUARE, covariance, 2, WINDOW, delay, tf.zeros_like(delay)).numpy()

    assert np.isfinite(spectrum).all()
    assert (spectrum > 0.0).all()
    for row in spectrum:
        np.testing.assert_allclose(np.sort(places[np.argsort(row)[-2:]]), [3.3, 6.7], atol=1e-9)


def test_matching_pursuit_finds_what_lies_on_its_dictionary_exactly_and_half_a_cell_off_at_most():
    rd_map = RangeDopplerMap(grid=SQUARE, padding=4)
    on = scene([5.25, 9.5, 15.0], [1.5, -3.25, 4.0], 400.0, 8, 34)
    off = scene([5.31, 12.44], [1.43, -3.3], 400.0, 8, 35)

    exact, near = matching_pursuit(rd_map, on, 3), matching_pursuit(rd_map, off, 2)

    places = np.sort(exact.delay_s.numpy() / SQUARE.delay_cell_s, axis=1)
    np.testing.assert_allclose(places, np.tile([5.25, 9.5, 15.0], (8, 1)), atol=1e-9)
    # amplitudes of all are fitted together: sidelobes of the others do not bias them
    np.testing.assert_allclose(np.abs(exact.amplitude), 20.0, rtol=0.05)
    cells = np.sort(near.delay_s.numpy() / SQUARE.delay_cell_s, axis=1)
    assert np.abs(cells - [5.31, 12.44]).max() <= 0.125 + 1e-9


def test_three_neighbours_are_each_measured_near_their_joint_bound():
    # 1.5 cells from one another in delay, the middle one apart in Doppler too
    frames, delay, doppler, snr = 96, np.array([5.3, 6.8, 8.3]), np.array([1.2, 2.7, 1.2]), 20.0
    channel = scene(delay, doppler, snr, frames, 38)

    found = clean(RangeDopplerMap(grid=SQUARE, padding=4), channel, 3)

    cells = np.stack([found.delay_s / SQUARE.delay_cell_s, found.doppler_hz / SQUARE.doppler_cell_hz], axis=-1)
    apart = np.sum((cells[:, None] - np.stack([delay, doppler], axis=-1)[:, None]) ** 2, axis=-1)
    nearest = apart.argmin(axis=2)
    assert (np.sort(nearest, axis=1) == [0, 1, 2]).all()  # every target has an estimate of its own
    error = np.take_along_axis(cells[..., 0], nearest, axis=1) - delay
    rng = np.random.default_rng(39)
    bounds = [
        crlb(
            SQUARE,
            [snr] * 3,
            delay_s=delay * SQUARE.delay_cell_s,
            doppler_hz=doppler * SQUARE.doppler_cell_hz,
            phase_rad=rng.uniform(0.0, 2.0 * np.pi, 3),
        ).delay_s
        for _ in range(64)
    ]
    ratio = np.sqrt(np.mean(error**2, axis=0) / np.mean(np.square(bounds), axis=0)) * SQUARE.delay_cell_s
    # of 96 squared errors, chi-squared at 1e-3: never below the bound, and at most a quarter above it
    assert (ratio > np.sqrt(chi2.ppf(1e-3, frames) / frames)).all(), ratio
    assert (ratio < 1.25 * np.sqrt(chi2.isf(1e-3, frames) / frames)).all(), ratio


def test_antennas_tell_two_targets_of_one_cell_apart_by_their_direction():
    # equal delay and Doppler shift, 8 antennas: sines 0.1 and 0.5, phases at random, so that only directions differ
    frames, sines, snr = 64, np.array([0.1, 0.5]), 0.2
    given = Targets(
        *(
            tf.constant(np.broadcast_to(np.asarray(c, float), (frames, 2)).copy())
            for c in ([5 * SQUARE.delay_cell_s] * 2, [0.0] * 2, sines, [snr] * 2)
        )
    )
    frame = SensingFrame(
        SQUARE, swerling=2, antennas=8
    )  # echoes that fluctuate from symbol to symbol span two dimensions
    channel = frame(keys(frames, 36), given)
    # the cell's delay is turned back, so that a symbol is a snapshot with the gain of all its subcarriers
    turned = np.exp(2j * np.pi * 5 * np.arange(24) / 24).astype(np.complex64)
    snapshots = tf.transpose(tf.reduce_mean(channel * turned, axis=-1), [0, 2, 1])

    found = 2.0 * esprit(smoothed_covariance(snapshots, 6), 2).numpy()

    # the element's SNR of 0.2 is 4.8 after 24 subcarriers, over 16 snapshots; a beam of 8 antennas is 0.25 wide
    error = found - sines
    assert np.sqrt(np.mean(error**2, axis=0)).max() < 0.06
    assert (np.abs(error.mean(0)) < 4 * error.std(0) / np.sqrt(frames) + 0.01).all()
