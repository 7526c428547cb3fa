"""A residual frequency offset: what it costs is what interference, rotation and interpolation predict."""

import math

import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from ntn6g.channel.guard import predicted_ici_db
from ntn6g.phy import SlotGrid
from ntn6g.phy.synchronisation import common_phase, offset_within_symbol

SPACING_HZ = 120e3
# TS 38.211 5.3.1: 144 samples of prefix to 2048 of symbol
SYMBOL_S = (2048 + 144) / 2048 / SPACING_HZ
QUIET_DB = 60.0  # Es/N0 that leaves interference alone


def leakage(e, subcarriers):
    """Power that reaches subcarrier k from subcarrier m under an offset of e spacings, [k, m], by the DFT's kernel.

    N samples, the power of two above the occupied subcarriers: |sin(pi x) / (N sin(pi x / N))|^2 at x = e - (k - m).
    """
    size = 1 << (subcarriers - 1).bit_length()
    x = e - (np.arange(subcarriers)[:, None] - np.arange(subcarriers)[None, :])
    return (np.sin(math.pi * x) / (size * np.sin(math.pi * x / size))) ** 2


def wanted_and_interference(e, subcarriers):
    """Mean power kept by a subcarrier and mean power it receives from the others, edges included."""
    power = leakage(e, subcarriers)
    kept = power[0, 0]
    return kept, power.sum(1).mean() - kept


def mean_sinr_db(links, structure, values, chunks=2):
    found = links.chunks(structure, values, chunks, rows=64)
    total = sum(chunk.sums["sinr"] for chunk in found)
    return 10 * math.log10(total / sum(chunk.counts["blocks"] for chunk in found))


@pytest.fixture
def known_channel(links):
    # 300 subcarriers in 512 samples; no DM-RS, so that every element counts
    return links.structure(
        mcs=None,
        modulation="qpsk",
        resource_blocks=25,
        pilots=False,
        perfect_csi=True,
        frequency_offset=True,
    )


# 1 kHz at 120 kHz is what 0.05 ppm of 20 GHz leaves
@pytest.mark.parametrize("e", [1 / 120, 0.01, 0.03, 0.1, 0.3, 0.9])
def test_interference_is_that_of_the_law(links, known_channel, e):
    measured_db = mean_sinr_db(links, known_channel, {"esno_db": QUIET_DB, "residual_offset_hz": e * SPACING_HZ})

    kept, leaked = wanted_and_interference(e, 300)
    # 64 blocks of 4200 elements, each fed by about two independent neighbours: sqrt(2 / (64 * 4200)) = 0.3 %,
    # 0.012 dB; four of them
    assert measured_db == pytest.approx(10 * math.log10(kept / (leaked + 1e-6)), abs=0.05)  # dB
    # The endless grid of the textbook leaks (2 ln 300 + 2) / 300 of its interference more at small e: 0.08 dB
    assert measured_db == pytest.approx(10 * math.log10(np.sinc(e) ** 2 / (1 - np.sinc(e) ** 2)), abs=0.2)  # dB
    assert measured_db == pytest.approx(-predicted_ici_db(e * SPACING_HZ, 0.0, SPACING_HZ), abs=0.2)  # the guard's


def test_edge_subcarriers_see_half_the_interference():
    # Why the law above is an average over the band: unit powers on 300 subcarriers, as received without noise
    grid = SlotGrid(resource_blocks=25, subcarrier_spacing_hz=SPACING_HZ)
    rng = np.random.default_rng(51)
    sent = (rng.choice([-1, 1], [64, 14, 300]) + 1j * rng.choice([-1, 1], [64, 14, 300])) / math.sqrt(2)
    offset_hz = tf.fill([64], tf.constant(6e3, tf.float64))

    received = offset_within_symbol(tf.constant(sent, tf.complex64), offset_hz, grid).numpy()
    power = leakage(0.05, 300)
    rest = np.mean(np.abs(received - math.sqrt(power[0, 0]) * sent) ** 2, axis=(0, 1))

    # 896 draws of a power that is close to exponential: 3.3 %; five of them, over 300 subcarriers
    np.testing.assert_allclose(rest / (power.sum(1) - power[0, 0]), 1.0, atol=0.17)
    assert rest[[0, -1]].mean() / rest[100:200].mean() == pytest.approx(0.5, abs=0.06)  # two subcarriers: 2.4 %


@pytest.mark.parametrize("offset_hz", [1e3, -2.7e3, 40e3])
def test_phase_turns_by_2_pi_f_t_from_symbol_to_symbol(offset_hz):
    grid = SlotGrid(resource_blocks=1, subcarrier_spacing_hz=SPACING_HZ)
    turn = common_phase(tf.constant([offset_hz], tf.float64), grid).numpy()[0]

    steps = turn[1:] / turn[:-1]
    expected = np.exp(2j * np.pi * offset_hz * SYMBOL_S)
    np.testing.assert_allclose(steps, np.full(13, expected), atol=1e-6)  # float32 cosine and sine, twice

    # what arrives on a lone subcarrier turns alike: an offset has no other effect there but a common factor
    sent = np.ones([1, 14, 12]) * (np.arange(12) == 5)
    received = turn[None, :, None] * offset_within_symbol(
        tf.constant(sent, tf.complex64), tf.constant([offset_hz], tf.float64), grid
    )
    arrived = received.numpy()[0, :, 5]
    np.testing.assert_allclose(arrived[1:] / arrived[:-1], np.full(13, expected), atol=2e-6)


def test_the_longer_prefix_in_the_middle_of_a_slot_turns_the_phase_further():
    # TS 38.211 5.3.1: at 15 kHz symbol 7 has 160 samples of prefix, not 144
    grid = SlotGrid(resource_blocks=1, subcarrier_spacing_hz=15e3)
    turn = common_phase(tf.constant([500.0], tf.float64), grid).numpy()[0]

    samples = np.full(13, 2192.0)
    samples[6] = 2208.0
    expected = np.exp(2j * np.pi * 500.0 * samples / 2048 / 15e3)
    np.testing.assert_allclose(turn[1:] / turn[:-1], expected, atol=1e-6)  # float32 cosine and sine, twice


def predicted_sinr_db(e, dmrs_symbols, subcarriers):
    """SINR of data under an offset when the channel is interpolated linearly between DM-RS on even subcarriers.

    Three errors: the phasor is not the straight line through it, the data meets interference, and so did the
    DM-RS, whose errors are weighted as the interpolation weights them.
    """
    phasor = np.exp(2j * np.pi * e * SPACING_HZ * SYMBOL_S * np.arange(14))
    if len(dmrs_symbols) == 1:
        in_time, time_gain = np.full(14, phasor[dmrs_symbols[0]]), np.ones(14)
    else:
        first, last = dmrs_symbols
        share = (np.arange(14) - first) / (last - first)
        in_time = (1 - share) * phasor[first] + share * phasor[last]
        time_gain = (1 - share) ** 2 + share**2
    kept, leaked = wanted_and_interference(e, subcarriers)
    wanted = wrong = 0.0
    for symbol in range(14):
        # frequency: even subcarriers are read, odd ones are the mean of two; with DM-RS only odd ones carry data
        for weight, gain in ((0.0 if symbol in dmrs_symbols else 0.5, 1.0), (0.5, 0.5)):
            estimate_error = leaked * time_gain[symbol] * gain
            bent = kept * abs(phasor[symbol] - in_time[symbol]) ** 2
            wanted += weight * (kept * abs(in_time[symbol]) ** 2 + estimate_error)
            wrong += weight * (bent + leaked + estimate_error)
    return 10 * math.log10(wanted / wrong)


# One DM-RS symbol (2) leaves the rotation, two (2 and 11) leave the curvature and the interference
@pytest.mark.parametrize(("positions", "dmrs_symbols"), [(0, [2]), (1, [2, 11])])
@pytest.mark.parametrize("offset_hz", [1e3, 2e3])
def test_an_estimated_channel_loses_what_rotation_and_interference_predict(links, positions, dmrs_symbols, offset_hz):
    structure = links.structure(
        mcs=None,
        modulation="qpsk",
        resource_blocks=25,
        dmrs_additional_positions=positions,
        frequency_offset=True,
    )

    with_offset_db = mean_sinr_db(links, structure, {"esno_db": QUIET_DB, "residual_offset_hz": offset_hz})
    without_db = mean_sinr_db(links, structure, {"esno_db": QUIET_DB})

    # 0.1 dB: interference on neighbouring DM-RS is taken as independent; its edges are averaged over the band
    assert with_offset_db == pytest.approx(predicted_sinr_db(offset_hz / SPACING_HZ, dmrs_symbols, 300), abs=0.1)
    assert without_db > 57  # noise on data and on DM-RS, and nothing else


def test_a_coded_link_loses_the_predicted_signal_to_noise_ratio(links, holm):
    # 6 kHz at 120 kHz: interference at -21.0 dB and a wanted part shrunk by 0.04 dB cost 0.45 dB at 11 dB. Two
    # proportions over 1024 blocks each from different draws; false alarm 1e-3; 90 % power against 0.10 in BLER, which
    # 0.06 dB make on this slope.
    e, esno_db, chunks = 1 / 20, 10.95, 32
    structure = links.structure(mcs=19, resource_blocks=8, perfect_csi=True, frequency_offset=True)
    kept, leaked = wanted_and_interference(e, 96)
    alike_db = -10 * math.log10((10 ** (-esno_db / 10) + leaked) / kept)

    def block_errors(seed, **values):
        return links.total(structure, values, chunks, seed=seed)["block_errors"]

    offset = block_errors(19, esno_db=esno_db, residual_offset_hz=e * SPACING_HZ)
    alike = block_errors(20, esno_db=alike_db)
    ignored = block_errors(20, esno_db=esno_db)

    def p_value(a, b):
        blocks = 32 * chunks
        pooled = (a + b) / (2 * blocks)
        return 2 * stats.norm.sf(abs(a - b) / math.sqrt(2 * blocks * pooled * (1 - pooled)))

    assert 0.1 < offset / (32 * chunks) < 0.9, offset  # on the slope, where a difference would show
    assert esno_db - alike_db == pytest.approx(0.45, abs=0.01)  # dB; by hand 10 lg(1 + 10^(-(21 - 11) / 10)) + 0.04
    assert holm([p_value(offset, alike)]) == [], (offset, alike)
    assert holm([p_value(offset, ignored)]) == [0], (offset, ignored)


@pytest.mark.parametrize("e", [0.0, 0.01, 0.05])
def test_samples_and_elements_agree_about_an_offset(links, e):
    """The exact leakage applied to elements is what samples show when a receiver's windows fit the prefix."""
    case = {"mcs": None, "modulation": "qpsk", "resource_blocks": 25, "perfect_csi": True, "fading": "tdl"}
    values = {"esno_db": 30.0, "residual_offset_hz": e * SPACING_HZ, "delay_spread_s": 10e-9, "k_factor_db": 13.3}

    on_elements = links.structure(**case, profile="D", pilots=False, frequency_offset=True)
    on_samples = links.structure(**case, profile="D", pilots=False, samples=True)

    # equal draws; the windows begin a quarter of a prefix early, which a terminal at 3 km/h does not see
    assert mean_sinr_db(links, on_samples, values) == pytest.approx(mean_sinr_db(links, on_elements, values), abs=0.05)
