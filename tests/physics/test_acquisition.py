"""Synchronisation on white noise: search probabilities, and errors of estimates, against closed forms."""

import math

import numpy as np
import pytest
import tensorflow as tf
from scipy import special, stats

from ntn6g.phy import SlotGrid
from ntn6g.phy.ofdm import Ofdm
from ntn6g.phy.synchronisation import (
    Acquisition,
    FrequencyLoop,
    delay_of_pilots,
    detection_probability,
    mismatch_loss,
    offset_of_pairs,
    offset_of_prefixes,
    phase_error_variance,
    primary_signal,
    secondary_signal,
    threshold_of,
    timing_of_prefixes,
)

SPACING_HZ, POINTS = 15e3, 128
RATE_HZ = SPACING_HZ * POINTS
DELAYS = 24
SYMBOL_S = 1.0 / SPACING_HZ


def noise(rng, shape, variance=1.0):
    return math.sqrt(variance / 2) * (rng.normal(size=shape) + 1j * rng.normal(size=shape))


def symbol_of(values):
    """127 subcarriers as 128 samples, unit energy a sample."""
    bins = np.zeros(POINTS, complex)
    bins[(np.arange(127) - 63) % POINTS] = values
    return np.fft.ifft(bins) * POINTS / math.sqrt(127)


def primary_symbols():
    return np.array([symbol_of(primary_signal(sector)) for sector in range(3)])


def test_primary_signals_are_one_maximum_length_sequence_three_times_shifted():
    signals = [primary_signal(sector) for sector in range(3)]
    # period 2^7 - 1 of a primitive polynomial: 64 minus ones, cyclic correlation 127 or -1 (Golomb)
    for signal in signals:
        correlation = np.fft.ifft(np.abs(np.fft.fft(signal)) ** 2).real
        np.testing.assert_allclose(correlation, np.r_[127.0, np.full(126, -1.0)], atol=1e-9)
        assert np.count_nonzero(signal < 0) == 64
    np.testing.assert_array_equal(np.roll(signals[0], -43), signals[1])
    np.testing.assert_array_equal(np.roll(signals[0], -86), signals[2])


def test_secondary_signals_are_all_different_and_nearly_orthogonal():
    signals = np.array([secondary_signal(group, 1) for group in range(336)])
    gram = np.abs(signals @ signals.T) - 127 * np.eye(336)

    # products of two sequences of a preferred pair are Gold codes or cyclic shifts: at most 2^4 + 1 over 127
    assert gram.max() <= 17 + 1e-9


def test_threshold_gives_the_false_alarm_probability_over_all_cells():
    # by hand: 1 - (1 - exp(-g))^N = P
    for false_alarm, cells in ((1e-2, 480), (1e-6, 1), (0.5, 10_000)):
        level = threshold_of(false_alarm, cells)
        assert -math.expm1(cells * math.log1p(-math.exp(-level))) == pytest.approx(false_alarm, rel=1e-9)


def marcum(a, b, terms=200):
    """Q_1(a, b) by its series of modified Bessel functions (J. G. Proakis, Digital Communications)."""
    k = np.arange(terms)
    if a < b:
        return float(np.sum((a / b) ** k * special.ive(k, a * b)) * math.exp(-((a - b) ** 2) / 2))
    k = k[1:]
    return float(1.0 - np.sum((b / a) ** k * special.ive(k, a * b)) * math.exp(-((a - b) ** 2) / 2))


@pytest.mark.parametrize("snr", [0.5, 4.0, 12.0, 30.0])
def test_detection_probability_is_the_marcum_function(snr):
    level = threshold_of(1e-3, 480)

    assert float(detection_probability(snr, level)) == pytest.approx(
        marcum(math.sqrt(2 * snr), math.sqrt(2 * level)), rel=1e-6
    )


@pytest.fixture(scope="module")
def search():
    """All three PSS, five Doppler shifts an inverse symbol apart, 24 delays: cells that share nothing."""
    made = Acquisition(
        primary_symbols(),
        sample_rate_hz=RATE_HZ,
        doppler_hz=SPACING_HZ * np.arange(-2, 3),
        delays=DELAYS,
        false_alarm=0.05,
    )
    return made, tf.function(made, jit_compile=True, autograph=False)


def test_noise_alone_is_taken_for_a_signal_as_often_as_asked(search, holm):
    # 8192 searches of 360 cells: 410 expected, 20 standard deviation; 0.018 in the rate would be caught with 90 % power
    made, run = search
    rng = np.random.default_rng(41)
    variance = np.full(2048, 0.7, np.float32)
    alarms = 0
    for _ in range(4):
        found = run(tf.constant(noise(rng, [2048, 1, made.samples], 0.7), tf.complex64), tf.constant(variance))
        alarms += int(np.count_nonzero(found.found))

    assert made.cells == 360
    assert holm([stats.binomtest(alarms, 8192, 0.05).pvalue]) == [], alarms


def heard(signal, *, delay, snr, offset_hz, rows, rng):
    """A symbol ``delay`` samples late, with its energy ``snr`` times the noise density of one."""
    length = signal.size + DELAYS - 1
    turned = signal * np.exp(2j * np.pi * offset_hz * np.arange(signal.size) / RATE_HZ)
    scaled = turned * math.sqrt(snr / np.sum(np.abs(signal) ** 2))
    phase = np.exp(2j * np.pi * rng.random([rows, 1]))
    received = noise(rng, [rows, length])
    received[:, delay : delay + signal.size] += phase * scaled
    return tf.constant(received[:, None], tf.complex64)


def test_acquisition_probability_is_marcum_with_the_loss_of_the_doppler_mismatch(search, holm):
    # Signal's own cell, at three signal-to-noise ratios and three mismatches. The reference has constant modulus, so
    # that the loss is the Dirichlet kernel of 128 samples (within 1e-4 of the sinc). 4096 trials each; false alarm 1e-3
    # over the nine (Holm); 0.03 in probability is caught with 90 % power.
    rng = np.random.default_rng(42)
    chirp = np.exp(1j * np.pi * np.arange(POINTS) ** 2 / POINTS)
    made = Acquisition([chirp], sample_rate_hz=RATE_HZ, doppler_hz=[0.0], delays=DELAYS, false_alarm=1e-3)
    statistics = tf.function(made.statistics, jit_compile=True, autograph=False)
    ones, p_values = tf.ones([4096]), {}
    for snr in (6.0, 10.0, 16.0):
        for share in (0.0, 0.25, 0.5):
            offset_hz = share / SYMBOL_S
            received = heard(chirp, delay=7, snr=snr, offset_hz=offset_hz, rows=4096, rng=rng)
            passed = int(np.count_nonzero(statistics(received, ones)[:, 0, 0, 7] > made.threshold))
            left = snr * float(mismatch_loss(offset_hz, SYMBOL_S))
            expected = marcum(math.sqrt(2 * left), math.sqrt(2 * made.threshold))
            p_values[snr, share] = stats.binomtest(passed, 4096, expected).pvalue

    assert holm(list(p_values.values())) == [], p_values
    # and without the loss it would be far off
    assert stats.binomtest(passed, 4096, marcum(math.sqrt(32.0), math.sqrt(2 * made.threshold))).pvalue < 1e-9


def test_a_search_says_which_cell_delay_and_shift(search):
    _, run = search
    rng = np.random.default_rng(43)
    signal = symbol_of(primary_signal(2))
    received = heard(signal, delay=11, snr=60.0, offset_hz=SPACING_HZ, rows=256, rng=rng)

    found = run(received, tf.ones([256]))

    right = (found.hypothesis == 2) & (found.delay_samples == 11) & (found.doppler_bin == 3) & found.found
    assert np.count_nonzero(right) == 256  # 18 dB over the noise: a miss in 1e-20


def test_several_occasions_add_up(holm):
    # generalised Marcum function of order four, P_D from the non-central chi-squared distribution
    rng, snr = np.random.default_rng(44), 3.0
    signal = symbol_of(primary_signal(0))
    made = Acquisition([signal], sample_rate_hz=RATE_HZ, doppler_hz=[0.0], delays=DELAYS, false_alarm=1e-3, repeats=4)
    parts = [heard(signal, delay=3, snr=snr, offset_hz=0.0, rows=4096, rng=rng) for _ in range(4)]
    passed = made.statistics(tf.concat(parts, 1), tf.ones([4096]))[:, 0, 0, 3] > made.threshold

    expected = stats.ncx2.sf(2 * made.threshold, 8, 8 * snr)
    assert float(detection_probability(snr, made.threshold, repeats=4)) == pytest.approx(expected, rel=1e-12)
    assert holm([stats.binomtest(int(np.count_nonzero(passed)), 4096, expected).pvalue]) == []


GRID = SlotGrid(resource_blocks=8, subcarrier_spacing_hz=120e3, dmrs_cdm_groups_without_data=2)


def slots(rng, rows, *, offset_hz, esno, grid=GRID):
    """Slots of QPSK as samples, turned by an offset, with noise; also the modulator."""
    ofdm = Ofdm(grid, advance=0.0)
    data = np.exp(0.5j * np.pi * (rng.integers(0, 4, [rows, grid.data_elements]) + 0.5))
    sent = ofdm.modulate(grid.fill(tf.constant(data, tf.complex64))).numpy()
    sent = sent * np.exp(2j * np.pi * offset_hz * np.arange(ofdm.samples) / ofdm.sample_rate_hz)
    return (sent + noise(rng, sent.shape, 1 / esno)).astype(np.complex64), ofdm


@pytest.mark.parametrize("offset_hz", [0.0, 17e3, -52e3])
def test_prefixes_show_an_offset_within_half_the_spacing(offset_hz):
    rng, esno = np.random.default_rng(45), 10.0
    samples, ofdm = slots(rng, 1024, offset_hz=offset_hz, esno=esno)

    found_hz = offset_of_prefixes(tf.constant(samples), ofdm).numpy()

    used = sum(int(p) - int(0.5 * p) for p in ofdm.prefixes)
    snr = esno * GRID.subcarriers / ofdm.points  # of a sample: the noise fills all points
    deviation_hz = 120e3 * math.sqrt(phase_error_variance(snr, used)) / (2 * math.pi)
    assert found_hz.mean() == pytest.approx(offset_hz, abs=5 * deviation_hz / 32)  # 1024 draws
    # 1024 draws know a deviation to 2.2 %; a slot's few samples do not all have the mean power: some per cent more
    assert found_hz.std() == pytest.approx(deviation_hz, rel=0.12)


@pytest.mark.parametrize("offset_hz", [0.0, 3e3, -5.5e3])
def test_pairs_of_pilots_reach_their_variance(offset_hz):
    rng, esno = np.random.default_rng(46), 5.0
    samples, ofdm = slots(rng, 1024, offset_hz=offset_hz, esno=esno)
    received = ofdm.demodulate(tf.constant(samples))

    found_hz = offset_of_pairs(GRID, received).numpy()

    apart_s = np.diff(GRID.symbol_times_s[[2, 11]])[0]
    kept = np.sinc(offset_hz / 120e3) ** 2
    # interference between carriers adds to the noise; DM-RS at twice the energy on every second subcarrier
    snr = 2.0 * kept / (1 / esno + (1 - kept))
    deviation_hz = math.sqrt(phase_error_variance(snr, 48)) / (2 * math.pi * apart_s)
    assert found_hz.mean() == pytest.approx(offset_hz, abs=5 * deviation_hz / 32 + 0.004 * abs(offset_hz))
    assert found_hz.std() == pytest.approx(deviation_hz, rel=0.1)


def test_prefixes_show_when_a_slot_begins():
    rng = np.random.default_rng(47)
    samples, ofdm = slots(rng, 128, offset_hz=9e3, esno=100.0)
    delays = rng.integers(-20, 21, 128)
    padded = noise(rng, [128, ofdm.samples + 40], 0.01)
    for row, delay in enumerate(delays):
        padded[row, 20 + delay : 20 + delay + ofdm.samples] += samples[row]

    snr = tf.fill([128], 100.0 * GRID.subcarriers / ofdm.points)
    found = timing_of_prefixes(tf.constant(padded, tf.complex64), ofdm, snr, reach=20)

    # the signal is oversampled, so that neighbouring samples are nearly alike: one or two off, no more
    assert np.mean(np.abs(found.numpy() - delays) <= 1) > 0.95
    assert np.abs(found.numpy() - delays).max() <= 3


def test_slope_over_the_pilots_is_the_delay():
    late_s = np.array([0.0, 0.3e-6, -0.12e-6, 1.9e-6])
    ramp = np.exp(-2j * np.pi * late_s[:, None, None] * GRID.frequencies_hz)
    received = tf.constant(ramp * GRID.reference, tf.complex64)

    np.testing.assert_allclose(delay_of_pilots(GRID, received), late_s, atol=1e-12)  # float32 of 1e-6


def test_the_loop_keeps_and_lags_as_its_gain_says():
    # stationary variance a / (2 - a), lag r / a of a first-order loop (Wiener 1960s textbook algebra of x' = (1 - a) x)
    rng, gain = np.random.default_rng(48), 0.2
    errors = rng.normal(size=[256, 400]).astype(np.float32)
    rate = 3.0
    loop = FrequencyLoop(gain)

    noisy = loop(tf.zeros([256, 400]), tf.constant(errors)).numpy()[:, 60:]
    drifting = loop(tf.constant(rate * np.arange(400)[None], tf.float32), tf.zeros([1, 400])).numpy()

    # 256 rows x 340 slots, alike over about 9: 10 000 draws, 1.4 %
    assert noisy.var() == pytest.approx(gain / (2 - gain), rel=0.06)
    assert drifting[0, -1] == pytest.approx(rate / gain, rel=1e-3)
    with pytest.raises(ValueError, match="gain"):
        FrequencyLoop(0.0)
