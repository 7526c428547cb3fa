"""The link that shares a frame with sensing: its ends, its energy, its estimate."""

import numpy as np
import pytest
import tensorflow as tf

from ntn6g.channel.terrestrial import tdl_profile
from ntn6g.services.sensing import LinkConditions, SensingGrid, SharedLink

GRID = SensingGrid(
    subcarriers=48, symbols=14, subcarrier_spacing_hz=120e3, comb=4, symbol_step=2, pilot_share=0.5, knows_data=False
)


@pytest.fixture(scope="module")
def lost():
    """Lost blocks of 128 frames at a signal-to-noise ratio and shares of energy in pilots."""
    link = SharedLink(GRID, modulation="qpsk", code_rate=0.5, profile=tdl_profile("D"))
    compiled = tf.function(link, jit_compile=True, autograph=False)
    keys = tf.constant(np.random.default_rng(3).integers(0, 2**32, (128, 2), np.uint32))

    def count(snr_db, share, delay_spread_s=30e-9):
        columns = (10.0 ** (snr_db / 10.0), delay_spread_s, 70.0, share)
        return int(tf.reduce_sum(tf.cast(compiled(keys, LinkConditions(*(tf.fill([128], tf.cast(c, tf.float32))
                                                                         for c in columns))), tf.int32)))  # fmt: skip

    count.link = link
    return count


def test_at_either_end_of_the_split_nothing_is_delivered(lost):
    # all energy in pilots leaves none to send with; none in pilots leaves the channel unknown
    assert [lost(30.0, share) for share in (0.0, 1.0)] == [128, 128]


def test_a_strong_link_delivers_everything_and_a_weak_one_nothing(lost):
    assert lost(25.0, 0.2) == 0
    assert lost(-12.0, 0.2) == 128


def test_losses_have_a_minimum_between_too_few_and_too_many_pilots(lost):
    # equal draws at every share
    few, middle, many = (lost(4.0, share) for share in (0.01, 0.25, 0.95))

    assert middle < few - 20
    assert middle < many - 20


def test_the_block_fills_the_elements_without_pilots(lost):
    # 14 x 48 elements less 7 x 12 pilots, two bits each at half rate; sizes of TS 38.214 lie 32 apart
    assert lost.link.block_bits == pytest.approx((14 * 48 - 7 * 12) * 2 * 0.5, abs=32)


def test_a_frame_without_structure_for_pilots_is_refused_by_the_scenario():
    from ntn6g.core.errors import ScenarioError
    from ntn6g.scenario import from_mapping

    raw = {
        "schema": 1,
        "study": "sensing",
        "name": "t",
        "sensing": {"targets": {"a": {}}, "image_snr_db": 20.0, "communication": {"snr_db": 10.0}},
    }
    with pytest.raises(ScenarioError, match="communication needs pilots of its own; give pilot_share"):
        from_mapping(raw)
    raw["sensing"] |= {"comb": 1, "pilot_share": 1.0}
    with pytest.raises(ScenarioError, match="no element for data"):
        from_mapping(raw)


ROWS = SensingGrid(subcarriers=48, symbols=14, subcarrier_spacing_hz=120e3, symbol_step=3, pilot_share=0.4)


def test_a_waveform_that_spreads_carries_the_same_block_and_delivers_it():
    profile = tdl_profile("D")
    plain, spread = (
        SharedLink(ROWS, modulation="qpsk", code_rate=0.5, profile=profile, waveform=kind) for kind in ("ofdm", "otfs")
    )
    keys = tf.constant(np.random.default_rng(4).integers(0, 2**32, (64, 2), np.uint32))
    compiled = tf.function(spread, jit_compile=True, autograph=False)

    lost = [
        int(tf.reduce_sum(tf.cast(compiled(keys, LinkConditions(*(
            tf.fill([64], tf.cast(c, tf.float32)) for c in (10.0 ** (snr_db / 10.0), 30e-9, 70.0, share)))), tf.int32)))
        for snr_db, share in ((20.0, 0.4), (-12.0, 0.4), (30.0, 1.0))
    ]  # fmt: skip

    assert spread.block_bits == plain.block_bits  # 5 of 14 symbols are pilots to either
    assert lost == [0, 64, 64]


def test_a_comb_leaves_no_whole_symbols_to_spread_over():
    with pytest.raises(ValueError, match="afdm spreads data over whole symbols"):
        SharedLink(GRID, modulation="qpsk", code_rate=0.5, profile=tdl_profile("D"), waveform="afdm")
