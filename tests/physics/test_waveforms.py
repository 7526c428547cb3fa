"""Waveforms through the whole chain: closed forms on white noise, diversity on a doubly dispersive channel."""

import math

import pytest
from scipy import optimize, stats

from ntn6g.phy.closed_form import bit_error_rate


def esno_db_at(modulation, rate):
    def excess(esno_db):
        return math.log(max(float(bit_error_rate(modulation, 10 ** (esno_db / 10))), 1e-300) / rate)

    return optimize.brentq(excess, -20, 45)


# CP-OFDM is in test_awgn
CASES = [
    ("dft-s-ofdm", "16qam", "lmmse"),
    ("dft-s-ofdm", "pi/2-bpsk", "lmmse"),
    ("otfs", "qpsk", "lmmse"),
    ("otfs", "16qam", "message-passing"),
    ("afdm", "16qam", "lmmse"),
]


def test_every_waveform_has_the_closed_form_bit_error_rate_on_white_noise(links, holm):
    # Normal test with the variance between blocks, at 1e-2 and 1e-3; 64 blocks and more of 16 800 symbols. False alarm
    # 1e-3 over all cases (Holm); 3 % of the rate at 1e-3 (0.02 dB) would be caught with 90 % power.
    p_values = {}
    for waveform, modulation, receiver in CASES:
        structure = links.structure(
            mcs=None,
            modulation=modulation,
            resource_blocks=5,
            pilots=False,
            perfect_csi=True,
            waveform=waveform,
            receiver=receiver,
        )
        for rate, chunks in ((1e-2, 8), (1e-3, 32)):
            total = links.total(structure, {"esno_db": esno_db_at(modulation, rate)}, chunks, rows=64)
            blocks = 32 * chunks
            expected = rate * total["bits"]
            mean = total["bit_errors"] / blocks
            deviation = math.sqrt((total["bit_errors_squared"] / blocks - mean**2) * blocks)
            p_values[waveform, modulation, receiver, rate] = 2 * stats.norm.sf(
                abs(total["bit_errors"] - expected) / deviation
            )

    assert holm(list(p_values.values())) == [], p_values


@pytest.fixture(scope="module")
def rates(links):
    """Bit error rates over drawn paths, 64 blocks, uncoded QPSK at 12 dB, perfect knowledge, equal draws."""
    found = {}
    for waveform, receiver in (
        ("cp-ofdm", "lmmse"),
        ("dft-s-ofdm", "lmmse"),
        ("otfs", "lmmse"),
        ("otfs", "message-passing"),
        ("afdm", "lmmse"),
    ):
        structure = links.structure(
            mcs=None,
            modulation="qpsk",
            resource_blocks=5,
            pilots=True,
            dmrs_cdm_groups_without_data=2,
            perfect_csi=True,
            waveform=waveform,
            receiver=receiver,
            fading="tdl",
            profile="A",
        )
        # 100 ns over 7 MHz and 2.5 kHz over a slot of 125 us: paths to tell apart in delay and in Doppler
        values = {"esno_db": 14.0, "delay_spread_s": 100e-9, "doppler_hz": 4e3}
        total = links.total(structure, values, 32, rows=64)
        found[waveform, receiver] = total["bit_errors"] / total["bits"], structure
    return found


def test_spreading_turns_fading_into_diversity(rates):
    # without a code OFDM meets every fade; the mean of a block's elements meets few
    error = {name: rate for name, (rate, _) in rates.items()}

    assert error["otfs", "lmmse"] < error["dft-s-ofdm", "lmmse"] < error["cp-ofdm", "lmmse"]
    assert error["afdm", "lmmse"] < error["cp-ofdm", "lmmse"]
    assert error["otfs", "message-passing"] < 0.8 * error["otfs", "lmmse"]


def test_contract_of_comparison_holds_for_every_waveform(rates):
    structures = [structure for _, structure in rates.values()]

    for what in ("bandwidth_hz", "channel_key", "block_bits"):
        assert len({getattr(structure, what) for structure in structures}) == 1, what
    grids = [structure.grid for structure in structures]
    assert len({(grid.data_elements, grid.reserved_per_block, grid.slot_duration_s) for grid in grids}) == 1
