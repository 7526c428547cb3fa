"""Samples through a channel: delays that drift, Doppler within a symbol, against sampled truth and closed forms."""

import math
from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf

from ntn6g.channel import ChannelRealization, frequency_response
from ntn6g.channel.fading.cells import CellFading, site_elevation_rad
from ntn6g.channel.fading.rays import ClusteredDelayLine, RayFading
from ntn6g.channel.loss.cells import Cell
from ntn6g.channel.terrestrial import cdl_profile, cell_columns
from ntn6g.channel.time_domain import TimeDomainChannel, following_error
from ntn6g.phy import SlotGrid
from ntn6g.phy.ofdm import Ofdm

ROWS, SPACING_HZ, RATE_HZ, SAMPLES = 2, 120e3, 61.44e6, 4000
GRID = SlotGrid(resource_blocks=25, subcarrier_spacing_hz=SPACING_HZ)


@pytest.fixture(scope="module")
def ofdm():
    return Ofdm(GRID)


@pytest.fixture(scope="module")
def channel(ofdm):
    return TimeDomainChannel(ofdm.samples, ofdm.sample_rate_hz, GRID.subcarriers * SPACING_HZ)


@pytest.fixture(scope="module")
def sent():
    rng = np.random.default_rng(5)
    quarter = rng.integers(0, 4, [ROWS, 14, GRID.subcarriers])
    return tf.constant(np.exp(0.5j * np.pi * (quarter + 0.5)), tf.complex64)


@pytest.fixture(scope="module")
def through(ofdm, channel):
    """Compiled: a grid through modulator, channel and demodulator."""
    return tf.function(lambda drawn, grid: ofdm.demodulate(channel(drawn, ofdm.modulate(grid))), jit_compile=True)


def steady(times, gains, delays_s, **bulk):
    """Realization with constant gains."""
    gain = np.tile(np.asarray(gains, np.complex64)[None, None, None, :, None], [ROWS, 1, 1, 1, len(times)])
    still = ChannelRealization.without_bulk(
        tf.constant(gain), tf.constant(np.tile(np.asarray(delays_s, np.float32), [ROWS, 1]))
    )
    return replace(still, **{name: tf.fill([ROWS], tf.constant(v, tf.float64)) for name, v in bulk.items()})


def rms(values):
    return float(np.sqrt(np.mean(np.abs(values) ** 2)))


def test_a_slot_comes_back_as_it_was_sent(ofdm, sent):
    samples = ofdm.modulate(sent)

    assert samples.shape[1] == ofdm.samples
    assert rms(ofdm.demodulate(samples) - sent) < 1e-6
    # unitary: a sample holds the share of the band that is used
    assert rms(samples) ** 2 == pytest.approx(GRID.subcarriers / ofdm.points, rel=0.02)


def test_modulator_is_sionnas(ofdm, sent):
    from sionna.phy.ofdm import OFDMModulator

    rooms = ofdm.points - GRID.subcarriers
    low = rooms // 2
    padded = tf.pad(sent, [[0, 0], [0, 0], [low, rooms - low]])  # Sionna has the carrier in the middle, as we do

    theirs = OFDMModulator(int(ofdm.prefixes[1]))(padded[:, 1:2]).numpy()

    start = int(ofdm.prefixes[0]) + ofdm.points
    ours = ofdm.modulate(sent).numpy()[:, start : start + int(ofdm.prefixes[1]) + ofdm.points]
    assert np.abs(ours - theirs).max() < 1e-5


@pytest.mark.parametrize("delays_s", [[0.0], [12.3e-9], [40e-9, 150e-9, 290e-9]])
def test_a_static_channel_is_that_of_the_subcarriers(through, channel, sent, delays_s):
    gains = np.array([1.0, 0.6j, -0.3])[: len(delays_s)]

    received = through(steady(channel.times_s, gains, delays_s), sent).numpy()

    per_subcarrier = frequency_response(steady(range(14), gains, delays_s), GRID.frequencies_hz).numpy() * sent
    assert rms(received - per_subcarrier) < 1e-4 * rms(per_subcarrier)


def drawn_by(kind):
    """Generator of fading with rays, and the elevation that it asks for."""
    if kind == "cdl":
        return ClusteredDelayLine(cdl_profile("D")), 0.15
    if kind == "cell":
        cell = Cell(kind="umi", carrier_hz=3.5e9)
        return CellFading(cell, cell_columns("umi", 3.5e9), line_of_sight=True), site_elevation_rad(cell, 100.0)
    return RayFading("rural", "S", True), 0.5


@pytest.mark.parametrize("kind", ["cdl", "cell", "ntn-rays"])
def test_a_static_draw_of_rays_is_that_of_the_subcarriers(through, channel, sent, kind):
    """Of 64 draws the two whose last path comes latest within 290 ns, inside the receiver's windows."""
    fading, elevation_rad = drawn_by(kind)
    keys = tf.constant(np.stack([np.arange(64), np.full(64, 3)], 1), tf.uint32)
    drawn = fading(
        keys,
        times_s=tf.zeros([1]),
        delay_spread_s=tf.fill([64], 20e-9),
        doppler_hz=tf.zeros([64]),
        elevation_rad=tf.fill([64], elevation_rad),
    )
    power = np.abs(drawn.gain.numpy()[:, 0, 0, :, 0]) ** 2
    last_s = np.where(power > 1e-12, drawn.excess_delay_s.numpy(), 0.0).max(1)
    rows = np.argsort(np.where(last_s < 290e-9, last_s, -1.0))[-ROWS:]
    gain, delay_s = (tf.gather(each, rows) for each in (drawn.gain, drawn.excess_delay_s))
    gain = tf.where(tf.gather(power, rows)[:, None, None, :, None] > 1e-12, gain, 0.0)

    def lasting(count):
        return ChannelRealization.without_bulk(tf.repeat(gain, count, 4), delay_s)

    received = through(lasting(len(channel.times_s)), sent).numpy()

    per_subcarrier = frequency_response(lasting(14), GRID.frequencies_hz).numpy() * sent
    assert rms(received - per_subcarrier) < 1e-4 * rms(per_subcarrier)
    assert last_s[rows].max() > 50e-9


@pytest.mark.parametrize("share", [0.01, 0.02, 0.05, 0.1])
def test_an_offset_leaks_as_the_sinc_law_says(through, channel, sent, share):
    received = through(steady(channel.times_s, [1.0], [0.0], bulk_doppler_hz=share * SPACING_HZ), sent).numpy()

    inner = slice(100, 200)  # far from the edges of the band, where half of the neighbours are missing
    wanted = np.mean(received[..., inner] / sent.numpy()[..., inner], axis=2, keepdims=True)
    leaked = received[..., inner] - wanted * sent.numpy()[..., inner]
    measured_db = 20 * np.log10(rms(wanted) / rms(leaked))
    kept = np.sinc(share) ** 2
    # 2800 elements: the measured power is known to 0.12 dB at 95 %
    assert measured_db == pytest.approx(10 * np.log10(kept / (1 - kept)), abs=0.2)


def test_a_delay_rate_drifts_timing_by_exactly_that(through, channel, ofdm, sent):
    rate = 45e-6

    received = through(steady(channel.times_s, [1.0], [0.0], bulk_delay_rate=rate), sent).numpy()

    ratio = received / sent.numpy()
    frequency = GRID.frequencies_hz
    angle = np.unwrap(np.angle(np.mean(ratio, axis=0)), axis=1)
    drift_s = -np.polyfit(frequency, angle.T, 1)[0] / (2 * np.pi)
    at_s = GRID.symbol_times_s - ofdm.advance_s
    # each symbol's slope is estimated against the interference of its own drift
    assert np.polyfit(at_s, drift_s, 1)[0] == pytest.approx(rate, rel=5e-3)
    assert drift_s == pytest.approx(rate * at_s, abs=3e-11)


def tones(rng):
    """A band-limited signal that can be read at any instant: frequencies and amplitudes."""
    return rng.uniform(-17e6, 17e6, 60), rng.normal(size=60) + 1j * rng.normal(size=60)


def read(signal, instants):
    frequency, amplitude = signal
    return np.exp(2j * np.pi * instants[:, None] * frequency) @ amplitude


INSTANTS = np.arange(SAMPLES) / RATE_HZ
STEADY = slice(300, 3900)  # the signal does not begin at the first sample, ours does


@pytest.fixture(scope="module")
def sampled():
    return TimeDomainChannel(SAMPLES, RATE_HZ, 36e6)


@pytest.mark.parametrize(
    ("carrier_hz", "rate", "change"),
    [(20e9, -23e-6, 2.9e-7), (2e9, 23e-6, -2.9e-7), (0.0, 45e-6, 0.0)],  # LEO at low elevation; timing alone
)
def test_a_moving_satellite_sampled_directly_is_what_arrives(sampled, carrier_hz, rate, change):
    """Delay D + D' t + D'' t^2 / 2 of a passband signal, as received by definition."""
    delay_s = 210e-9
    signal = tones(np.random.default_rng(6))
    late_s = delay_s + rate * INSTANTS + 0.5 * change * INSTANTS**2
    truth = read(signal, INSTANTS - late_s) * np.exp(-2j * np.pi * carrier_hz * (late_s - delay_s))
    drawn = steady(
        sampled.times_s,
        [1.0],
        [0.0],
        bulk_delay_s=delay_s,
        bulk_delay_rate=rate,
        bulk_doppler_hz=-carrier_hz * rate,
        bulk_doppler_rate_hz_s=-carrier_hz * change,
    )

    received = sampled(drawn, tf.constant(np.tile(read(signal, INSTANTS), [ROWS, 1]), tf.complex64)).numpy()

    assert rms((received[0] - truth)[STEADY]) < 1e-4 * rms(truth)


@pytest.mark.parametrize(("turn", "degree"), [(0.3, 2), (0.3, 3), (0.6, 4), (0.6, 5)])
def test_what_a_polynomial_misses_of_a_turn_is_the_remainder_of_chebyshev_interpolation(turn, degree):
    """x^(n+1) / (2^n (n+1)!) T_(n+1)(u), of mean square one half but for 1 / (2 (2n+2)^2 - 2); x rad a half segment."""
    order = degree + 1
    mean_square = 0.5 - 0.5 / (4 * order**2 - 1)
    remainder = turn**order / (2**degree * math.factorial(order))

    error = following_error(turn / math.pi, 1.0, degree)

    # the next term of the series is smaller by x / (2 n + 4), in quadrature
    assert error == pytest.approx(remainder**2 * mean_square, rel=0.03)


@pytest.mark.parametrize(("doppler_hz", "degree"), [(12e3, 2), (40e3, 3), (40e3, 4)])
def test_paths_with_dopplers_of_their_own_sum_as_sampled(doppler_hz, degree):
    """Two paths that turn against each other, which are followed as well as foretold."""
    path = TimeDomainChannel(SAMPLES, RATE_HZ, 36e6, degree=degree)
    signal = tones(np.random.default_rng(7))
    delays_s, turns_hz = (0.0, 300e-9), (doppler_hz, -doppler_hz)
    truth = sum(
        read(signal, INSTANTS - d) * np.exp(2j * np.pi * f * INSTANTS) for d, f in zip(delays_s, turns_hz, strict=True)
    )
    gain = np.stack([np.exp(2j * np.pi * f * path.times_s) for f in turns_hz])[None, None, None]
    drawn = ChannelRealization.without_bulk(tf.constant(gain, tf.complex64), tf.constant([delays_s], tf.float32))

    received = path(drawn, tf.constant(read(signal, INSTANTS)[None], tf.complex64)).numpy()[0]

    missed = rms((received - truth)[STEADY]) ** 2 / 2.0  # of two paths of power one each, times that of the signal
    power = np.sum(np.abs(signal[1]) ** 2)
    foretold = following_error(doppler_hz, path.segment_s, degree)
    # filters and single precision leave -80 dB; 60 tones at five segments average the rest to half a decibel or so
    assert 10 * np.log10(missed / power) == pytest.approx(10 * np.log10(foretold + 3e-9), abs=1.5)


def test_a_path_beyond_the_cyclic_prefix_interferes_with_the_next_symbol(through, channel, ofdm, sent):
    late_s = GRID.cyclic_prefix_s + 100e-9

    received = through(steady(channel.times_s, [1.0, 0.1], [0.0, late_s]), sent).numpy()

    clean = frequency_response(steady(range(14), [1.0, 0.1], [0.0, late_s]), GRID.frequencies_hz).numpy() * sent
    # of the late path's energy, the share of the window that belongs to the symbol before is lost to it and comes
    # back as interference: twice the share, once inside and once outside the symbol
    outside = (late_s - GRID.cyclic_prefix_s + ofdm.advance_s) * SPACING_HZ
    inner = (received - clean)[:, 1:, 50:250]
    assert rms(inner) ** 2 == pytest.approx(2 * 0.01 * outside, rel=0.15)


def test_silence_precedes_the_first_sample(sampled):
    drawn = steady(sampled.times_s, [1.0], [200.0 / RATE_HZ * 0.5])
    ones = tf.ones([ROWS, SAMPLES], tf.complex64)

    received = sampled(drawn, ones).numpy()

    assert np.abs(received[:, :80]).max() < 1e-2
    assert np.abs(received[:, 140:3900] - 1).max() < 1e-2


def test_a_band_as_wide_as_the_sampling_is_refused():
    with pytest.raises(ValueError, match=r"sample at 1\.12 times"):
        TimeDomainChannel(1000, 40e6, 38e6)


def test_received_power_has_a_gradient_with_respect_to_delay_and_doppler(sampled):
    signal = tf.constant(np.tile(read(tones(np.random.default_rng(8)), INSTANTS), [ROWS, 1]), tf.complex64)
    reference = tf.math.conj(tf.roll(signal, 3, 1))

    def likeness(values):
        drawn = steady(sampled.times_s, [1.0], [0.0])
        delay_s, doppler_hz = tf.repeat(values[:1], ROWS), tf.repeat(values[1:] * 1e9, ROWS)
        drawn = replace(drawn, bulk_delay_s=delay_s, bulk_doppler_hz=doppler_hz)
        return tf.cast(tf.math.real(tf.reduce_mean(sampled(drawn, signal) * reference)), tf.float64)

    at = tf.constant([40e-9, 1e-7], tf.float64)  # 100 Hz
    with tf.GradientTape() as tape:
        tape.watch(at)
        value = likeness(at)
    slope = tape.gradient(value, at).numpy()

    for axis, step in ((0, 2e-9), (1, 2e-7)):
        ends = [likeness(at + sign * step * tf.one_hot(axis, 2, dtype=tf.float64)) for sign in (1, -1)]
        assert slope[axis] == pytest.approx(float(ends[0] - ends[1]) / (2 * step), rel=0.03)
