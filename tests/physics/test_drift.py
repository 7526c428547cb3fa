"""What compensation leaves to drift within a slot, and what a synchroniser leaves: links against closed forms."""

import math

import numpy as np
import pytest

SPACING_HZ = 120e3
RATE = 45e-6  # s/s: both ways under a satellite at 600 km
DOPPLER_RATE_HZ_S = 1.5e7  # 2500 times that of one at 20 GHz, to be seen within a slot


@pytest.fixture(scope="module")
def held(links):
    """One DM-RS symbol: the receiver holds its channel over the slot."""
    return links.structure(mcs=None, modulation="qpsk", resource_blocks=25, dmrs_additional_positions=0, samples=True)


def rotations(structure, cycles):
    """Error of a channel that is held from the DM-RS on, over the data elements: mean of |1 - exp(j phi)|^2."""
    grid = structure.grid
    dmrs = int(grid.dmrs_symbols[0])
    turned = 2 * math.pi * (cycles - cycles[dmrs])
    error = 4 * np.sin(turned / 2) ** 2 + np.zeros([14, grid.subcarriers])
    return np.mean(error.reshape(-1)[grid.data_index])


@pytest.mark.parametrize("what", ["residual_delay_rate", "residual_doppler_rate_hz_s"])
def test_a_held_channel_loses_to_the_drift_what_geometry_says(links, held, what):
    """Timing drifts by D' t, which turns a subcarrier f by f D' t; a Doppler rate turns all by f' t^2 / 2."""
    grid = held.grid
    times_s, late = grid.symbol_times_s, 0.25 * 144 / 2048 / SPACING_HZ  # windows begin a quarter of the prefix early
    if what == "residual_delay_rate":
        value, cycles = RATE, RATE * (times_s - late)[:, None] * grid.frequencies_hz
    else:
        value, cycles = DOPPLER_RATE_HZ_S, 0.5 * DOPPLER_RATE_HZ_S * ((times_s - late) ** 2)[:, None]
    chunks = links.chunks(held, {"esno_db": 60.0, what: value}, 2, rows=64)

    blocks = sum(chunk.counts["blocks"] for chunk in chunks)
    sinr_db = 10 * math.log10(sum(chunk.sums["sinr"] for chunk in chunks) / blocks)

    expected_db = -10 * math.log10(rotations(held, cycles))
    assert 5.0 < expected_db < 25.0
    # interference of drift within a symbol and interpolation over subcarriers are 20 dB below
    assert sinr_db == pytest.approx(expected_db, abs=0.15)


@pytest.fixture(scope="module")
def left(links):
    """256 blocks on white noise, offset and timing taken from the DM-RS."""
    from ntn6g.study.build.synchronised import columns
    from ntn6g.study.engine import Tally

    structure = links.structure(
        mcs=None, modulation="qpsk", resource_blocks=4, samples=True, frequency_offset=True, synchroniser="dm-rs"
    )
    values = {"esno_db": 10.0, "residual_offset_hz": 1.5e3, "residual_delay_s": 40e-9}
    tally = Tally()
    for chunk in links.chunks(structure, values, 8, rows=128):
        tally.add(chunk)
    return columns(tally, SPACING_HZ), structure.grid


def test_offset_left_is_the_phase_noise_of_two_pilot_symbols(left):
    r"""Each of N pilots is known to 1/SNR, so that the angle between two sums has the variance 1 / (N SNR)."""
    found, grid = left
    pilots, apart_s = len(grid.dmrs_subcarriers), np.diff(grid.symbol_times_s[grid.dmrs_symbols[[0, -1]]])[0]
    sigma_hz = math.sqrt(1.0 / (pilots * 10.0)) / (2 * math.pi * apart_s)

    # 256 draws: a standard deviation is known to 4.4 %, taken three times; the offset itself costs 0.002 dB
    assert found["offset_left_rms_hz"] == pytest.approx(sigma_hz, rel=0.15)
    assert abs(found["offset_left_mean_hz"]) < 3.5 * sigma_hz / 16
    # of a normal law; bins are half an octave wide
    assert found["offset_left_p50_hz"] == pytest.approx(0.6745 * sigma_hz, rel=0.2)
    assert found["offset_left_p95_hz"] == pytest.approx(1.96 * sigma_hz, rel=0.2)


def test_timing_that_pilots_show_is_that_of_the_link(left):
    r"""M pairs of neighbours q subcarriers apart: telescoping sums leave about a phase noise of 1 / (M sqrt(SNR))."""
    found, grid = left
    apart_hz = float(np.diff(grid.dmrs_subcarriers)[0]) * SPACING_HZ
    pilots = len(grid.dmrs_subcarriers)
    # differences of neighbours cancel but for both ends, and each product has noise of its own
    variance = (1.0 / 10.0 / (pilots - 1) ** 2 + 0.5 / 100.0 / (pilots - 1)) / len(grid.dmrs_symbols)
    sigma_us = 1e6 * math.sqrt(variance) / (2 * math.pi * apart_hz)

    assert found["timing_left_rms_us"] == pytest.approx(sigma_us, rel=0.15)
    assert abs(found["timing_left_mean_us"]) < 3.5 * sigma_us / 16
