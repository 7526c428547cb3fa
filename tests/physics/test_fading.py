"""Drawn fading against the laws it must obey: powers, marginals, correlation, K-factor, delay spread.

Seeds were fixed before the first run. Each test function has a false-alarm probability of 1e-3, by Holm's
rule over its points; the smallest error it finds with 90 % power stands beside it.
"""

from functools import cache

import numpy as np
import pytest
import tensorflow as tf
from scipy import special, stats

from ntn6g.channel import TappedDelayLine, ntn_tdl_profile
from ntn6g.core import random

FALSE_ALARM = 1e-3
ROWS = 16_384
DOPPLER_HZ = 1_000.0
LAGS = np.array([0.0, 0.1, 0.2, 0.3827, 0.61, 1.0, 1.5])  # in 1/DOPPLER_HZ; J0(2 pi 0.3827) = 0
# TR 38.811 V15.1.0, Tables 6.9.2-1 to -4: line of sight, scattered powers (dB), their delays
PRINTED = {
    "A": (None, [0.0, -4.675, -6.482], [0.0, 1.0811, 2.8416]),
    "B": (None, [0.0, -1.973, -4.332, -11.914], [0.0, 0.7249, 0.741, 5.7392]),
    "C": (-0.394, [-10.618, -23.373], [0.0, 14.8124]),
    "D": (-0.284, [-11.991, -9.887, -16.771], [0.0, 0.5596, 7.334]),
}


def holm_rejects(p_values):
    ordered = np.sort(np.ravel(p_values))
    return bool(np.any(ordered <= FALSE_ALARM / (ordered.size - np.arange(ordered.size))))


def two_sided(z):
    return 2 * stats.norm.sf(np.abs(z))


@cache
def step(letter):
    return tf.function(TappedDelayLine(ntn_tdl_profile(letter)).__call__, jit_compile=True)


def draw(letter, seed, k_factor_db=None):
    """Gains complex128 [row, path, time]; the K-factor of a table is given as 10 and 7 dB of C and D."""
    k_factor_db = {"C": 10.0, "D": 7.0}.get(letter, 0.0) if k_factor_db is None else k_factor_db
    drawn = step(letter)(
        random.block_keys(tf.constant([random.chunk_key(seed, "test", 0)], tf.uint32), ROWS),
        times_s=tf.constant(LAGS / DOPPLER_HZ, tf.float32),
        delay_spread_s=tf.fill([ROWS], np.float32(100e-9)),
        doppler_hz=tf.fill([ROWS], np.float32(DOPPLER_HZ)),
        k_factor_db=tf.fill([ROWS], np.float32(k_factor_db)),
    )
    return drawn.gain.numpy()[:, 0, 0].astype(complex)


@pytest.fixture(scope="module")
def gains():
    return {letter: draw(letter, seed) for seed, letter in enumerate("ABCD", start=101)}


def linear(level_db):
    return 0.0 if level_db is None else 10 ** (level_db / 10)


def printed_powers(letter):
    """Line of sight and scattered powers of a table, scaled to the total power one."""
    los_db, scattered_db, _ = PRINTED[letter]
    total = linear(los_db) + sum(map(linear, scattered_db))
    return linear(los_db) / total, np.array([linear(p) for p in scattered_db]) / total


def test_mean_tap_powers_are_those_of_the_tables(gains):
    # Var |h|^2 = s^2 + 2 l s for line of sight l and scattered power s. Finds 4.3 % of a Rayleigh tap.
    p_values = []
    for letter, gain in gains.items():
        los, scattered = printed_powers(letter)
        mean = scattered + los * (np.arange(scattered.size) == 0)
        spread = np.sqrt(scattered**2 + 2 * (mean - scattered) * scattered)
        z = (np.mean(np.abs(gain[:, :, 1]) ** 2, axis=0) - mean) / (spread / np.sqrt(ROWS))
        p_values.extend(two_sided(z))
    assert not holm_rejects(p_values)


def test_marginals_are_exactly_rayleigh_and_rice(gains):
    # Kolmogorov-Smirnov at 16384 rows finds a distance of 0.02 between distributions.
    p_values = []
    for letter, gain in gains.items():
        los, scattered = printed_powers(letter)
        for path, power in enumerate(scattered):
            sigma = np.sqrt(power / 2)
            nu = np.sqrt(los) if path == 0 else 0.0
            envelope = np.abs(gain[:, path, 4])
            p_values.append(stats.kstest(envelope, stats.rice(nu / sigma, scale=sigma).cdf).pvalue)
            phase = np.angle(gain[:, path, 4])
            p_values.append(stats.kstest(phase, stats.uniform(-np.pi, 2 * np.pi).cdf).pvalue)
    assert not holm_rejects(p_values)


def test_autocorrelation_of_rayleigh_taps_is_j0_hence_the_spectrum_is_clarkes(gains):
    # Finds 0.04 in a correlation coefficient; a Doppler 10 % too large moves it by 0.1 at lag 0.2.
    p_values = []
    for letter in "AB":
        _, scattered = printed_powers(letter)
        gain = gains[letter]
        for lag, expected in zip(range(1, LAGS.size), special.j0(2 * np.pi * LAGS[1:]), strict=True):
            product = gain[:, :, lag] * np.conj(gain[:, :, 0]) / scattered
            error = np.mean(product, axis=0) - expected
            z_real = error.real / (product.real.std(axis=0) / np.sqrt(ROWS))
            z_imag = error.imag / (product.imag.std(axis=0) / np.sqrt(ROWS))
            p_values.extend(two_sided(np.concatenate([z_real, z_imag])))
    assert not holm_rejects(p_values)


def test_taps_are_uncorrelated(gains):
    # Finds a correlation coefficient of 0.04.
    gain = gains["B"]
    first, second = np.triu_indices(gain.shape[1], 1)
    product = gain[:, first, 2] * np.conj(gain[:, second, 2])
    z = [part.mean(axis=0) / (part.std(axis=0) / np.sqrt(ROWS)) for part in (product.real, product.imag)]
    assert not holm_rejects(two_sided(np.array(z)))


@pytest.mark.parametrize(("letter", "wanted_db"), [("C", None), ("D", None), ("D", 3.0), ("C", 15.0)])
def test_total_k_factor_by_moments_is_the_wanted_one(letter, wanted_db):
    # l^2 = 2 (E|h|^2)^2 - E|h|^4 of the first path; the rest scatters. 64 groups of rows give the spread.
    # Finds 0.2 dB at K = 7 dB and 0.3 dB at 15 dB.
    power = np.abs(draw(letter, 201, wanted_db)[:, :, 0]) ** 2
    first = power[:, 0].reshape(64, -1)
    los = np.sqrt(2 * first.mean(1) ** 2 - (first**2).mean(1))
    share = los / power.sum(1).reshape(64, -1).mean(1)
    k = linear({"C": 10.0, "D": 7.0}[letter] if wanted_db is None else wanted_db)
    t = (share.mean() - k / (1 + k)) / (share.std(ddof=1) / 8)
    assert not holm_rejects([2 * stats.t.sf(abs(t), 63)])


@pytest.mark.parametrize("letter", "ABCD")
def test_rms_delay_spread_is_the_wanted_one_at_any_k_factor(letter):
    wanted_s = np.array([1e-9, 30e-9, 100e-9, 1e-6])
    k_db = np.array([-5.0, 3.0, 12.0, 30.0])
    los_power, scattered, delay_s = ntn_tdl_profile(letter).taps(
        tf.constant(wanted_s, tf.float32), tf.constant(k_db, tf.float32)
    )
    power, delay_s = (los_power + scattered).numpy().astype(float), delay_s.numpy().astype(float)

    assert power.sum(1) == pytest.approx(np.ones(4), abs=1e-6)  # float32 roundings
    mean_s = (power * delay_s).sum(1)
    spread_s = np.sqrt((power * delay_s**2).sum(1) - mean_s**2)
    assert spread_s / wanted_s == pytest.approx(np.ones(4), abs=5e-6)  # about ten float32 roundings
    if PRINTED[letter][0] is not None:
        drawn_db = 10 * np.log10(los_power.numpy()[:, 0] / scattered.numpy().sum(1))
        assert drawn_db == pytest.approx(k_db, abs=1e-4)  # float32 roundings at 30 dB
    printed = np.array(PRINTED[letter][2])
    assert delay_s / delay_s[:, -1:] == pytest.approx(np.tile(printed / printed[-1], (4, 1)), abs=1e-6)


def test_line_of_sight_turns_at_0_7_of_the_maximum_doppler():
    # At K = 80 dB the scattered part is 1e-4 of the amplitude. TR 38.901 V16.1.0, 7.7.2.
    gain = draw("C", 301, 80.0)[:, 0]
    turn = np.mean(gain * np.conj(gain[:, :1]), axis=0)
    assert np.abs(turn - np.exp(2j * np.pi * 0.7 * LAGS)).max() < 3e-4  # scattered part, averaged over 64 rows


def test_a_gaussian_process_to_second_order_in_power(gains):
    # E|h(t)|^2 |h(t')|^2 = 1 + J0^2 for a Gaussian process; N sinusoids may add up to 1/N at long lags.
    # With the 1/16 granted, finds an excess of 0.13: six sinusoids or fewer.
    _, scattered = printed_powers("A")
    power = np.abs(gains["A"]) ** 2 / scattered[:, None]
    product = power[:, :, 1:] * power[:, :, :1]
    expected = 1 + special.j0(2 * np.pi * LAGS[1:]) ** 2
    granted = 1 / 16
    z = (np.abs(product.mean(0) - expected) - granted) / (product.std(0) / np.sqrt(ROWS))
    assert not holm_rejects(stats.norm.sf(z))
