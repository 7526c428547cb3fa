"""A transparent payload: two hops of noise, delay and Doppler, and an amplifier that saturates."""

import math
from functools import partial

import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from ntn6g.channel.payload import (
    Amplifier,
    butterworth,
    rapp,
    saleh,
    transparent_cnr,
    transparent_delay_s,
    transparent_offset_hz,
)
from ntn6g.core import random
from ntn6g.core.constants import SPEED_OF_LIGHT_M_S
from ntn6g.phy import LinkValues, SlotGrid
from ntn6g.phy.on_board import OnBoard
from ntn6g.scenario import from_mapping
from ntn6g.study.build import build
from ntn6g.study.build.link_step import make_chain
from ntn6g.study.build.payload import PayloadStructure, amplifier_of


def test_equal_hops_lose_three_decibels_and_a_strong_feeder_nothing():
    assert float(transparent_cnr(10.0, 10.0)) == pytest.approx(5.0)
    assert float(transparent_cnr(1e9, 7.0)) == pytest.approx(7.0)
    assert float(transparent_cnr(2.0, 3.0)) == pytest.approx(1 / (1 / 2 + 1 / 3))


def test_shared_power_is_what_an_amplifying_relay_measures():
    """A relay of fixed output power that forwards signal and noise, simulated."""
    rng = np.random.default_rng(3)
    first, second, count = 4.0, 6.0, 400_000
    signal, noise_1, noise_2 = ((rng.normal(size=(2, count)) * [[1], [1j]]).sum(0) / np.sqrt(2) for _ in range(3))
    relayed = signal + noise_1 / np.sqrt(first)
    relayed /= np.sqrt(np.mean(np.abs(relayed) ** 2))
    received = relayed + noise_2 / np.sqrt(second)
    gain = np.vdot(signal, received) / np.vdot(signal, signal)
    measured = np.abs(gain) ** 2 * np.mean(np.abs(signal) ** 2) / np.mean(np.abs(received - gain * signal) ** 2)

    # 400 000 samples: the ratio is known to 0.4 %
    assert float(transparent_cnr(first, second, shares_power=True)) == pytest.approx(measured, rel=0.01)


def test_delay_adds_up_over_both_hops():
    delay_s = transparent_delay_s(tf.constant(1932e3, tf.float64), tf.constant(1932e3, tf.float64))

    # TR 38.821, Table 5.3.2.1-1: 25.77 ms round trip over a LEO at 600 km with a transparent payload at 10 degrees
    assert 2 * float(delay_s) == pytest.approx(25.77e-3, abs=0.02e-3)


def test_offset_is_that_of_a_wave_followed_through_both_hops():
    """A tone sent by the gateway, shifted, translated by a local oscillator on board, shifted again."""
    feeder_hz, service_hz = 28e9, 20e9
    rates = {"feeder": 6.1e3, "service": -5.3e3}
    at_satellite = feeder_hz * (1 - rates["feeder"] / SPEED_OF_LIGHT_M_S)
    sent_down = at_satellite - (feeder_hz - service_hz)
    received = sent_down * (1 - rates["service"] / SPEED_OF_LIGHT_M_S)

    offset_hz = transparent_offset_hz(
        service_carrier_hz=service_hz,
        feeder_carrier_hz=feeder_hz,
        service_range_rate_m_s=tf.constant(rates["service"], tf.float64),
        feeder_range_rate_m_s=tf.constant(rates["feeder"], tf.float64),
    )

    assert float(offset_hz) == pytest.approx(received - service_hz, abs=1e-3)


def test_the_amplifier_is_linear_below_and_flat_above():
    amplitude = np.array([1e-4, 1e-2, 1.0, 10.0, 1e4, 1e9])
    turned = np.exp(0.7j)

    out = rapp(tf.constant(amplitude * turned, tf.complex64), saturation=1.0, smoothness=2.0).numpy()

    assert np.angle(out) == pytest.approx(np.full(6, 0.7), abs=1e-6)
    assert np.abs(out) == pytest.approx([1e-4, 1e-2, 2**-0.25, 10 / (1 + 1e4) ** 0.25, 1.0, 1.0], rel=1e-5)


def test_the_amplifier_has_a_gradient():
    amplitude = tf.constant([0.0, 0.5, 1.5])
    with tf.GradientTape() as tape:
        tape.watch(amplitude)
        out = tf.reduce_sum(tf.math.real(rapp(tf.cast(amplitude, tf.complex64))))
    slope = tape.gradient(out, amplitude).numpy()

    x = amplitude.numpy()
    assert slope == pytest.approx((1 + x**4) ** -1.25, rel=1e-4)  # by hand for p = 2


def limiter(back_off_db):
    """Rapp's amplifier of great smoothness, nearly a limiter."""
    return Amplifier(partial(rapp, smoothness=20.0), 1.0, 1.0, back_off_db)


@pytest.mark.parametrize("back_off_db", [0.0, 3.0, 6.0])
def test_a_limiter_has_the_gain_and_power_of_its_closed_form(back_off_db):
    """alpha = 1 - exp(-g^2) + sqrt(pi) / 2 g erfc(g), P = 1 - exp(-g^2) for a Gaussian of unit power cut at g."""
    g = 10 ** (back_off_db / 20)
    alpha = 1 - math.exp(-(g**2)) + math.sqrt(math.pi) / 2 * g * math.erfc(g)
    wanted = alpha / math.sqrt(1 - math.exp(-(g**2)))

    # a smoothness of 20 rounds the knee by 3 % at g and a tenth of that in the mean
    assert abs(limiter(back_off_db).wanted_gain) == pytest.approx(wanted, rel=1e-3)


@pytest.mark.parametrize("amplifier", [limiter(3.0), Amplifier(partial(rapp, smoothness=2.0), 1.0, 1.0, 1.0)])
def test_distortion_of_gaussian_samples_is_the_closed_form(amplifier):
    rng = np.random.default_rng(5)
    x = (rng.normal(size=400_000) + 1j * rng.normal(size=400_000)) / np.sqrt(2)

    y = amplifier(tf.constant(x, tf.complex64)).numpy()

    gain = np.vdot(x, y) / np.vdot(x, x)
    evm = np.sqrt(np.mean(np.abs(y - gain * x) ** 2) / np.mean(np.abs(gain * x) ** 2))
    # 400 000 samples know a power to 0.3 %
    assert np.mean(np.abs(y) ** 2) == pytest.approx(1.0, rel=0.01)
    assert abs(gain) == pytest.approx(abs(amplifier.wanted_gain), rel=0.005)
    assert evm == pytest.approx(amplifier.error_vector_magnitude, rel=0.01)
    # Parseval: the powers of all orders are the output's
    shares = np.abs(amplifier.coefficients(40)) ** 2
    assert shares[0] / shares.sum() == pytest.approx(abs(amplifier.wanted_gain) ** 2, rel=5e-3)


def regrowth(amplifier, points, occupied):
    """Power over frequency that the series gives for a flat band: [points], the carrier first."""
    flat = np.zeros(points)
    flat[:occupied] = 1.0 / occupied
    correlation = np.fft.fft(np.roll(flat, -(occupied // 2)))
    power = np.abs(amplifier.coefficients(10)) ** 2
    total = sum(share * correlation * np.abs(correlation) ** (2 * k) for k, share in enumerate(power))
    return np.fft.ifft(total).real


def test_the_spectrum_grows_beside_the_band_as_the_series_says():
    amplifier, points, occupied = Amplifier(partial(rapp, smoothness=2.0), 1.0, 1.0, 3.0), 2048, 300
    rng = np.random.default_rng(9)
    grid = np.zeros((400, points), complex)
    signs = rng.choice([-1.0, 1.0], (2, 400, occupied)) / np.sqrt(2)
    grid[:, : occupied // 2], grid[:, -occupied // 2 :] = np.split(signs[0] + 1j * signs[1], 2, 1)
    samples = np.fft.ifft(grid) * points / np.sqrt(occupied)

    out = np.fft.fft(amplifier(tf.constant(samples, tf.complex64)).numpy()) / points

    measured, expected = np.mean(np.abs(out) ** 2, 0), regrowth(amplifier, points, occupied)
    expected /= expected.sum()
    beside = slice(occupied // 2 + 5, 3 * occupied // 2 - 50)  # the neighbouring channel
    ratio_db = 10 * np.log10(measured[beside].sum() / expected[beside].sum())
    assert ratio_db == pytest.approx(0.0, abs=0.15)  # 300 subcarriers are Gaussian to some hundredths of a decibel
    assert 10 * np.log10(expected[beside].sum()) < -20.0


def test_a_payload_distorts_the_elements_of_a_slot_by_what_falls_into_the_band():
    grid = SlotGrid(resource_blocks=25, subcarrier_spacing_hz=120e3, dmrs_additional_positions=0, pilots=False)
    amplifier = Amplifier(partial(rapp, smoothness=2.0), 1.0, 1.0, 3.0)
    on_board = OnBoard(grid, response=None, curve=amplifier.curve)
    drive, scale = (tf.fill([16], np.float32(factor)) for factor in (amplifier.drive, amplifier.scale))
    rng = np.random.default_rng(2)
    signs = rng.choice([-1.0, 1.0], (2, 16, 14, 300)) / np.sqrt(2)
    sent = signs[0] + 1j * signs[1]

    out = on_board(tf.constant(sent, tf.complex64), drive, scale).numpy()

    gain = on_board.wanted(tf.fill([16], np.complex64(amplifier.wanted_gain))).numpy()
    power = np.mean(np.abs(out - gain * sent) ** 2) / np.mean(np.abs(gain) ** 2)
    points = 2048
    spectrum = regrowth(amplifier, points, 300)
    wanted = abs(amplifier.coefficients(1)[0]) ** 2
    inside = np.r_[0:150, points - 150 : points]
    expected = spectrum[inside].sum() / wanted - 1.0
    assert power == pytest.approx(expected, rel=0.03)  # 67 000 elements: 1 %; 300 subcarriers: as above


@pytest.mark.parametrize("back_off_db", [0.0, 4.0])
def test_a_terminals_amplifier_leaves_an_uplink_the_ratio_of_its_closed_form(links, back_off_db):
    """Nearly a limiter: what of its distortion falls into the band is the floor in any fading; both fade alike."""
    given = {
        "schema": 1,
        "study": "link",
        "name": "uplink",
        "channel": {"carrier_ghz": 2, "fading": {"kind": "tdl", "profile": "A", "delay_spread_ns": 30}},
        "link": {
            "direction": "uplink",
            "resource_blocks": 25,
            "modulation": "16qam",
            "coding": "none",
            "csi": "perfect",
            "pilots": False,
            "amplifier": {"kind": "rapp", "back_off_db": back_off_db, "smoothness": 20},
        },
        "power": {"esno_db": 80},
    }
    point = build(from_mapping(given))[0].points[0]

    chunks = links.chunks(point.structure, point.values, 2, rows=64)

    amplifier, points = limiter(back_off_db), 2048
    inside = np.r_[0:150, points - 150 : points]
    distortion = regrowth(amplifier, points, 300)[inside].sum() / abs(amplifier.coefficients(1)[0]) ** 2 - 1.0
    ratio = sum(chunk.sums["sinr"] for chunk in chunks) / 64
    # 64 blocks of 4200 elements: 0.2 %; 300 subcarriers: as above
    assert ratio == pytest.approx(1.0 / distortion, rel=0.03)
    # over all frequencies the limiter has the closed form of its gain, alpha = 1 - exp(-g^2) + sqrt(pi) / 2 g erfc(g)
    g = 10 ** (back_off_db / 20)
    alpha = 1 - math.exp(-(g**2)) + math.sqrt(math.pi) / 2 * g * math.erfc(g)
    evm = math.sqrt((1 - math.exp(-(g**2))) / alpha**2 - 1)
    assert point.facts["amplifier_evm_percent"] == pytest.approx(100 * evm, rel=0.02)  # the knee is a little round


def test_an_uplink_is_amplified_before_the_payload_filters_it():
    grid = SlotGrid(resource_blocks=4, subcarrier_spacing_hz=120e3, dmrs_additional_positions=0, pilots=False)
    amplifier, response = limiter(1.0), np.exp(0.5j * np.linspace(-1, 1, 48)) * np.linspace(0.2, 1.0, 48)
    drive, scale = (tf.fill([2], np.float32(factor)) for factor in (amplifier.drive, amplifier.scale))
    rng = np.random.default_rng(4)
    sent = tf.constant(rng.choice([-1.0, 1.0], (2, 14, 48)) + 1j * rng.choice([-1.0, 1.0], (2, 14, 48)), tf.complex64)

    plain = OnBoard(grid, response=None, curve=amplifier.curve)(sent, drive, scale).numpy()
    both = OnBoard(grid, response=response, curve=amplifier.curve, amplifier_first=True)(sent, drive, scale).numpy()

    level = np.sqrt(np.mean(np.abs(response) ** 2))
    assert both == pytest.approx(plain * response / level, rel=1e-5, abs=1e-5)


def test_a_tube_follows_its_formula_and_has_a_gradient():
    amplitude = tf.constant([0.0, 0.3, 1.0, 3.0])
    shape = {"gain": 2.0, "compression": 1.0, "turn": 4.0, "turn_compression": 9.0}
    with tf.GradientTape() as tape:
        tape.watch(amplitude)
        out = saleh(tf.cast(amplitude, tf.complex64), **shape)
        largest = tf.reduce_sum(tf.abs(out[1:]))

    r = amplitude.numpy()
    assert np.abs(out) == pytest.approx(2 * r / (1 + r**2), rel=1e-5)
    assert np.angle(out)[1:] == pytest.approx(4 * r[1:] ** 2 / (1 + 9 * r[1:] ** 2), rel=1e-5)
    slope = tape.gradient(largest, amplitude).numpy()[1:]
    assert slope == pytest.approx(2 * (1 - r[1:] ** 2) / (1 + r[1:] ** 2) ** 2, abs=1e-5)


def test_a_butterworth_filter_loses_three_decibels_at_its_edges():
    found = butterworth(np.array([0.0, 20e6, -20e6, 40e6]), passband_hz=40e6, order=6)

    assert np.abs(found) == pytest.approx([1.0, 2**-0.5, 2**-0.5, 1 / math.sqrt(1 + 2**12)], rel=1e-9)


def test_a_feeder_in_front_of_a_fading_downlink_fades_with_it(links):
    """QPSK over Rayleigh fading g: the ratio is 1 / (1/a + 1/(g b)), so that deep fades leave the feeder's noise out.

    Mean of Q(sqrt(ratio)) over the exponential law of g. Noise that did not fade would give g / (1/a + 1/b) instead,
    a rate 1.7 times as large here.
    """
    structure = links.structure(
        mcs=None,
        modulation="qpsk",
        resource_blocks=1,
        pilots=False,
        perfect_csi=True,
        fading="rician",
        feeder_noise=True,
    )
    feeder, service = 10**0.9, 10**1.5
    values = {"esno_db": 15.0, "feeder_noise_variance": 1 / feeder, "k_factor_db": -100.0}
    power = np.linspace(0, 40, 400_001)
    rate = np.exp(-power) * stats.norm.sf(np.sqrt(1 / (1 / feeder + 1 / np.maximum(power * service, 1e-12))))

    total = links.total(structure, values, 128, rows=256)

    blocks, expected = 4096, np.trapezoid(rate, power) * total["bits"]
    mean = total["bit_errors"] / blocks
    deviation = math.sqrt((total["bit_errors_squared"] / blocks - mean**2) * blocks)
    fixed = 0.5 * (1 - math.sqrt(1 / (1 + 2 / (0.5 / (1 / feeder + 1 / service) * 2))))
    assert abs(total["bit_errors"] - expected) < 3.3 * deviation
    assert (fixed * total["bits"] - expected) > 6 * deviation


def test_noise_of_the_feeder_takes_its_share_of_the_amplifier(links):
    """20 dB below saturation nothing is bent: half as much noise as signal stays so, whatever both amount to."""
    given = ("rapp", (2.0,))
    structure = links.structure(
        mcs=None,
        modulation="qpsk",
        resource_blocks=1,
        pilots=False,
        perfect_csi=True,
        feeder_noise=True,
        payload=PayloadStructure(filter=(3e6, 6), amplifier=given),
    )
    amplifier = amplifier_of(given, 20.0)
    gain = amplifier.wanted_gain
    fixed = {"noise_variance": 1e-6, "feeder_noise_variance": 0.5}
    fixed |= {"amplifier_drive": amplifier.drive, "amplifier_scale": amplifier.scale}
    fixed |= {"amplifier_gain_real": gain.real, "amplifier_gain_imag": gain.imag}
    values = LinkValues(**{n: tf.fill([64], tf.cast(fixed.get(n, 0.0), t)) for n, t in LinkValues.DTYPES.items()})

    outcome = make_chain(structure)(random.block_keys(tf.constant([[3, 4]], tf.uint32), 64), values)

    # 64 blocks of 168 elements, ratio of two sums: 1.4 % and a bias of 0.6 %
    assert float(tf.reduce_mean(outcome.sinr)) == pytest.approx(2.0, rel=0.05)
