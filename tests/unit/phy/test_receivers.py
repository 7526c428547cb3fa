"""Receivers of spread symbols, of known covariance and of carriers that interfere, against dense algebra."""

import math

import numpy as np
import pytest
import tensorflow as tf

from ntn6g.channel import ntn_tdl_profile
from ntn6g.phy import Modulation, SlotGrid
from ntn6g.phy.receiver import LeastSquaresEstimator
from ntn6g.phy.receivers import BandedMmse, LmmseEstimator, MessagePassing, OneTap
from ntn6g.phy.waveforms import WAVEFORMS

SPREAD = [name for name in WAVEFORMS if name != "cp-ofdm"]
NOISE = 0.05


def grid_of(blocks=1, spacing_hz=120e3, **changes):
    return SlotGrid(**{"resource_blocks": blocks, "subcarrier_spacing_hz": spacing_hz, "pilots": False} | changes)


def complex_draws(rng, shape):
    return (rng.normal(size=shape) + 1j * rng.normal(size=shape)) / math.sqrt(2)


def qpsk(rng, shape):
    return np.exp(0.5j * np.pi * (rng.integers(0, 4, shape) + 0.5))


def noise_of(shape):
    return tf.fill(shape, tf.constant(NOISE, tf.float32))


@pytest.mark.parametrize("name", SPREAD)
def test_the_data_estimate_is_the_dense_lmmse_of_the_spread_symbols(name):
    # x = F^H (F F^H + N0 I)^-1 y with F = diag(h) U, made unbiased: S. Kay, Estimation Theory, 12.26
    grid, rng = grid_of(), np.random.default_rng(3)
    waveform = WAVEFORMS[name](grid)
    channel, received = complex_draws(rng, [1, 14, 12]), complex_draws(rng, [1, 14, 12])
    spread = waveform.spread(tf.eye(168, dtype=tf.complex128)).numpy().T
    through = channel.reshape(168, 1) * spread
    filters = through.conj().T @ np.linalg.inv(through @ through.conj().T + NOISE * np.eye(168))
    gain = np.diag(filters @ through).real

    found = OneTap(grid, waveform)(*(tf.constant(x, tf.complex64) for x in (received, channel)), noise_of([1, 14, 12]))

    np.testing.assert_allclose(found.symbols[0], filters @ received.ravel() / gain, atol=2e-4)  # float32, gains to 20
    np.testing.assert_allclose(found.noise_variance[0], (1 - gain) / gain, rtol=2e-4)


@pytest.mark.parametrize("name", SPREAD)
def test_message_passing_begins_as_lmmse_and_ends_nearer(name):
    grid, rng, rows = grid_of(4), np.random.default_rng(5), 16
    waveform, modulation = WAVEFORMS[name](grid), Modulation("qpsk")
    bits = rng.integers(0, 2, [rows, 2 * grid.data_elements])
    sent = modulation.map(tf.constant(bits, tf.float32))
    # four equal paths: deep fades over the band, which spreading averages and one tap cannot undo
    taps = complex_draws(rng, [rows, 4]) / 2
    channel = (taps @ np.exp(-2j * np.pi * np.outer(np.arange(4), np.arange(48)) / 48))[:, None, :] * np.ones(
        [1, 14, 1]
    )
    arrived = channel * grid.fill(waveform.spread(sent)).numpy()
    arrived = arrived + math.sqrt(NOISE) * complex_draws(rng, arrived.shape)
    given = (tf.constant(arrived, tf.complex64), tf.constant(channel, tf.complex64), noise_of(arrived.shape))

    def error_rate(detector):
        found = detector(*given)
        wrong = modulation.decide(found.symbols).numpy() != bits
        miss = np.mean(np.abs(found.symbols - sent) ** 2) / np.mean(found.noise_variance)
        return wrong.mean(), found, miss

    linear, first, _ = error_rate(OneTap(grid, waveform))
    _, one_turn, _ = error_rate(MessagePassing(grid, waveform, modulation, iterations=1))
    passed, _, honest = error_rate(MessagePassing(grid, waveform, modulation))

    np.testing.assert_allclose(one_turn.symbols, first.symbols, atol=1e-3)  # float32
    np.testing.assert_allclose(one_turn.noise_variance, first.noise_variance, rtol=1e-3)
    assert passed < 0.7 * linear, (passed, linear)  # of 21 504 bits about 700 and 400 wrong: six standard errors
    assert 0.5 < honest < 2.0  # what it says of its error is about what it is


@pytest.mark.parametrize("modulation", ["bpsk", "pi/2-bpsk", "qpsk", "16qam"])
def test_expected_symbols_are_those_of_bayes(modulation):
    mapping = Modulation(modulation)
    order = mapping.bits_per_symbol
    labels = (np.arange(2**order)[:, None] >> np.arange(order)[::-1]) & 1
    rng = np.random.default_rng(11)
    received = complex_draws(rng, [2])  # an even and an odd symbol
    variance = np.array([0.3, 0.7], np.float32)
    # all points in both positions of a pair
    points = np.stack([mapping.map(tf.constant(np.tile(label, 2)[None], tf.float32)).numpy()[0] for label in labels])
    weight = np.exp(-(np.abs(received - points) ** 2) / variance)
    weight /= weight.sum(0)
    mean = (weight * points).sum(0)

    found, spread = mapping.expect(tf.constant(received[None], tf.complex64), tf.constant(variance[None]))

    np.testing.assert_allclose(found[0], mean, atol=1e-6)
    np.testing.assert_allclose(spread[0], (weight * np.abs(points - mean) ** 2).sum(0), atol=1e-6)


def linear_in_time(level, slope, early):
    """Matrix [k, m] of subcarriers through a channel H + H' u, u from -1/2 to 1/2, summed over 4096 samples.

    The window begins early by a share of the symbol and the phase of each subcarrier is turned back.
    """
    count, points = len(level), 4096
    u = (np.arange(points) + 0.5) / points - 0.5
    k = np.arange(count)
    tones = np.exp(2j * np.pi * np.outer(u + 0.5 - early, k))  # [n, m]
    receive = np.exp(-2j * np.pi * np.outer(u + 0.5, k)) / points * np.exp(2j * np.pi * k * early)
    return receive.T @ (tones * (level + np.outer(u, slope)))


@pytest.mark.parametrize("early", [0.0, 0.0176])
def test_the_window_is_the_lmmse_of_a_channel_that_changes_within_the_symbol(early):
    grid, rng = grid_of(2), np.random.default_rng(9)
    times = grid.symbol_times_s * grid.subcarrier_spacing_hz  # in useful symbols
    slope, start = 0.6 * complex_draws(rng, [24]), complex_draws(rng, [24])
    known = start + np.outer(times - times[6], slope)  # linear over the slot, so that differences are exact
    sent, rows = qpsk(rng, [200, 24]), [3, 8]
    mixing = {row: linear_in_time(known[row], slope, early) for row in rows}
    arrived = np.zeros([200, 14, 24], complex)
    for row in rows:
        arrived[:, row] = sent @ mixing[row].T
    arrived += math.sqrt(NOISE) * complex_draws(rng, arrived.shape)
    given = (tf.constant(arrived, tf.complex64), tf.constant(np.tile(known, [200, 1, 1]), tf.complex64))

    def biased_error(detector, row):
        found = detector(*given, noise_of(arrived.shape))
        at = slice(24 * row, 24 * row + 24)
        left, symbols = found.noise_variance.numpy()[:, at], found.symbols.numpy()[:, at]
        assert np.mean(np.abs(symbols - sent) ** 2 / left) == pytest.approx(1.0, abs=0.2)  # it knows how good it is
        return np.mean(np.abs(symbols / (1 + left) - sent) ** 2)

    for row in rows:
        through = mixing[row]
        least = NOISE * np.trace(np.linalg.inv(through.conj().T @ through + NOISE * np.eye(24))).real / 24
        errors = [biased_error(BandedMmse(grid, width=width, early=early), row) for width in (1, 2)]
        assert least * 0.93 < errors[1] < 1.3 * least  # 4800 draws: 2 %; a window of five of 24
        assert errors[1] < errors[0]


def test_one_tap_suffers_from_what_the_window_removes():
    grid, rng = grid_of(4), np.random.default_rng(10)
    e = 0.1  # an offset of a tenth of the spacing
    turn = np.exp(2j * np.pi * e * grid.symbol_times_s * grid.subcarrier_spacing_hz)
    sent = qpsk(rng, [20, 14, 48])
    mixing = linear_in_time(np.ones(48), np.full(48, 2j * np.pi * e), 0.0)
    arrived = turn[:, None] * (sent @ mixing.T)
    known = np.tile(turn[:, None] * np.ones(48), [20, 1, 1])
    given = [tf.constant(each, tf.complex64) for each in (arrived, known)]
    quiet = tf.fill(arrived.shape, tf.constant(1e-4, tf.float32))

    def error_db(detector):
        found = detector(*given, quiet).symbols.numpy().reshape(sent.shape)
        return 10 * math.log10(np.mean(np.abs(found[:, 1:-1] - sent[:, 1:-1]) ** 2))

    one_tap_db = error_db(OneTap(grid))
    # neighbour d leaks (e / d)^2; the 48 there are make a little less than the endless 3 / (pi e)^2 of -14.8 dB
    k = np.arange(48)
    distance = np.abs(k[1:-1, None] - k)
    leaked = np.mean(np.sum(np.where(distance > 0, e / np.maximum(distance, 1), 0.0) ** 2, axis=1))
    assert one_tap_db == pytest.approx(10 * math.log10(leaked), abs=0.1)  # 13 000 draws
    # of the 3.29 e^2 the nearest neighbours make 2 and the next ones 0.5: 4.1 and 6.2 dB without them
    assert error_db(BandedMmse(grid, width=1)) < one_tap_db - 4.1
    assert error_db(BandedMmse(grid, width=2)) < one_tap_db - 5.5  # a chord for a tangent costs some of it


@pytest.fixture(scope="module")
def estimates():
    """Errors of the estimators at three delay spreads, 10 dB: measured over the error that each states."""
    grid = SlotGrid(resource_blocks=8, subcarrier_spacing_hz=120e3, dmrs_cdm_groups_without_data=2)
    profile, rng, rows = ntn_tdl_profile("A"), np.random.default_rng(12), 400
    frequencies_hz = grid.frequencies_hz
    found = {}
    for spread_s in (0.0, 30e-9, 100e-9):
        direct, scattered, delays_s = profile.taps(np.full(1, spread_s))
        gains = np.sqrt((direct + scattered)[0]) * complex_draws(rng, [rows, profile.paths])
        channel = gains @ np.exp(-2j * np.pi * np.outer(delays_s[0], frequencies_hz))
        grids = np.tile(channel[:, None, :], [1, 14, 1]) * grid.reference
        grids = grids + math.sqrt(0.1) * complex_draws(rng, grids.shape)
        given = (tf.constant(grids, tf.complex64), tf.fill([rows], 0.1))
        values = {
            "delay_spread_s": tf.fill([rows], tf.constant(spread_s, tf.float32)),
            "k_factor_db": tf.zeros([rows]),
            "late_s": tf.zeros([rows]),
        }
        for name in ("ls", "lmmse", "lmmse-true"):
            if name == "ls":
                estimate, error = LeastSquaresEstimator(grid)(*given)
            else:
                true = name == "lmmse-true"
                estimate, error = LmmseEstimator(grid, true_covariance=true, profile=profile)(*given, **values)
            measured = np.mean(np.abs(estimate.numpy() - channel[:, None, :]) ** 2)
            found[name, spread_s] = (measured, float(np.mean(error)), channel, estimate.numpy())
    return grid, profile, found


def test_the_true_covariance_reaches_the_error_of_the_wiener_filter(estimates):
    # trace(R_ff - R_fp (R_pp + s I)^-1 R_pf) / subcarriers, from the covariance itself
    grid, profile, found = estimates
    for spread_s in (30e-9, 100e-9):
        direct, scattered, delays_s = profile.taps(np.full(1, spread_s))
        waves = np.exp(-2j * np.pi * np.outer(grid.frequencies_hz, delays_s[0]))
        whole = (waves * (direct + scattered)[0]) @ waves.conj().T
        at = grid.dmrs_subcarriers
        cross, pilots = whole[:, at], whole[np.ix_(at, at)] + 0.1 / 2.0 * np.eye(len(at))  # DM-RS at twice the energy
        least = np.trace(whole - cross @ np.linalg.solve(pilots, cross.conj().T)).real / len(whole)
        # interpolation over time averages the two symbols' errors where they are independent
        share = np.mean(np.abs(estimates_time(grid)) ** 2)
        measured, stated, *_ = found["lmmse-true", spread_s]
        assert stated == pytest.approx(least * share, rel=1e-3)  # float32
        assert measured == pytest.approx(stated, rel=0.25)  # 400 draws of few paths; bias adds where errors repeat


def estimates_time(grid):
    """Root of the summed squares of the time weights, by symbol."""
    from ntn6g.phy.receiver import linear_weights

    return np.sqrt(np.square(linear_weights(grid.dmrs_symbols, 14)).sum(0))


@pytest.mark.parametrize("late_s", [-0.4e-6, -0.1e-6, 0.3e-6])
@pytest.mark.parametrize("true", [True, False])
def test_covariance_follows_a_slot_that_comes_early_or_late(true, late_s):
    # one path: 48 pilots a symbol at 15 dB and twice the energy leave a few hundredths of the noise, no wrong delay
    grid = SlotGrid(resource_blocks=8, subcarrier_spacing_hz=120e3, dmrs_cdm_groups_without_data=2)
    rng = np.random.default_rng(13)
    channel = np.exp(-2j * np.pi * late_s * grid.frequencies_hz)
    grids = channel * np.tile(grid.reference, [50, 1, 1]) + math.sqrt(0.03) * complex_draws(rng, [50, 14, 96])
    zero = tf.zeros([50])

    estimate, _ = LmmseEstimator(grid, true_covariance=true)(
        tf.constant(grids, tf.complex64),
        tf.fill([50], 0.03),
        delay_spread_s=zero,
        k_factor_db=zero,
        late_s=tf.fill([50], late_s),
    )

    assert np.mean(np.abs(estimate.numpy() - channel) ** 2) < 0.2 * 0.03


def test_estimators_rank_by_what_they_know(estimates):
    _, _, found = estimates
    for spread_s in (0.0, 30e-9, 100e-9):
        true, learnt, ls = (found[name, spread_s][0] for name in ("lmmse-true", "lmmse", "ls"))
        assert true < learnt < ls, spread_s
        assert learnt < 0.6 * ls  # nine delays for 48 pilots; those between them leak
