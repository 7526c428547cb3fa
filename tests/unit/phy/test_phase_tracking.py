"""PT-RS: the phase of every symbol is found, and a link that turns between its DM-RS needs it."""

import numpy as np
import pytest
import tensorflow as tf

from ntn6g.phy import SlotGrid
from ntn6g.phy.physical_channel import Ptrs
from ntn6g.phy.receiver import PhaseTracker


@pytest.mark.parametrize("density", [1, 2])
def test_a_steady_turn_is_found_in_every_symbol(density):
    grid = SlotGrid(
        resource_blocks=4,
        subcarrier_spacing_hz=30e3,
        dmrs_additional_positions=0,
        ptrs=Ptrs(time_density=density, element_offset=2),
    )
    data = tf.complex(tf.ones([2, grid.data_elements]), 0.0)
    turn_rad = np.array([0.05, -0.11])[:, None] * (np.arange(14) - grid.dmrs_symbols[0])
    channel = np.exp(1j * turn_rad)[:, :, None] * np.full([2, 14, grid.subcarriers], 0.3 - 0.4j)
    known = tf.constant(np.full(channel.shape, 0.3 - 0.4j), tf.complex64)  # as if estimated on the one DM-RS symbol

    found = PhaseTracker(grid)(tf.constant(channel, tf.complex64) * grid.fill(data), known)

    # every symbol from the first to the last with PT-RS; phasors 0.22 rad apart, interpolated, miss 0.11^2 / 2 of
    # their length, which is taken out, and nothing of their phase
    inside = slice(0, int(grid.ptrs_symbols[-1]) + 1)
    error_rad = np.angle(found.numpy() / channel)[:, inside]
    assert np.abs(error_rad).max() < 1e-3


def test_a_link_with_a_frequency_offset_and_one_dmrs_symbol_works_with_ptrs_only(links):
    from ntn6g.study.build.allocation import Allocation

    # 500 Hz at 30 kHz: 0.1 rad a symbol, 1.2 rad from the DM-RS to the end of the slot; 16-QAM bears 0.4
    common = {
        "mcs": 11,
        "subcarrier_spacing_hz": 30e3,
        "resource_blocks": 8,
        "dmrs_additional_positions": 0,
        "frequency_offset": True,
    }
    values = {"esno_db": 15.0, "residual_offset_hz": 500.0}

    bare = links.total(links.structure(**common), values, 4)
    with_ptrs = links.structure(**common, allocation=Allocation(ptrs=Ptrs()))
    tracked, still = links.total(with_ptrs, values, 4), links.total(with_ptrs, values | {"residual_offset_hz": 0.0}, 4)

    # 128 blocks; at 15 dB the code is 8 dB above its threshold, so only the phase can fail it
    assert bare["block_errors"] == bare["blocks"] == 128
    assert tracked["block_errors"] == 0
    # the four PT-RS elements of a symbol leave 0.09 rad at 15 dB in both; the offset itself costs nothing
    assert tracked["uncoded_bit_errors"] < 1.1 * still["uncoded_bit_errors"]


def test_scrambling_seeds_and_cell_change_what_is_sent_and_not_how_well(links):
    from ntn6g.study.build.allocation import Allocation

    # equal bits and noise: the errors of the two differ, their numbers by chance only (binomial, 6 sigma below)
    totals = [
        links.total(links.structure(mcs=5, allocation=Allocation(cell_id=cell, rnti=rnti)), {"esno_db": 1.5}, 16)
        for cell, rnti in ((1, 1), (900, 60_000))
    ]

    errors = [total["block_errors"] for total in totals]
    assert totals[0]["uncoded_bit_errors"] != totals[1]["uncoded_bit_errors"]
    assert 30 < errors[0] < 480
    assert abs(errors[0] - errors[1]) < 6 * np.sqrt(2 * 512 * 0.25)
