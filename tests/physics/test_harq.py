"""Retransmission in the compiled link: what combining, the clock of the fading and missing feedback must do."""

import numpy as np
import pytest
from scipy import stats

CHASE, INCREMENTAL = (0,), (0, 2, 3, 1)
WAIT_S = 30e-3
CHUNKS = 8  # 256 blocks


@pytest.fixture
def resent(links):
    """Counts over the first chunks of a link with retransmission."""
    from ntn6g.study.build.link_step import HarqStructure

    def structure(versions=CHASE, most=2, repetitions=2, **changes):
        harq = HarqStructure(versions=versions, max_transmissions=most, repetitions=repetitions)
        return links.structure(harq=harq, **{"mcs": 5, "perfect_csi": True} | changes)

    def total(values, count=CHUNKS, **changes):
        values = {"interval_s": WAIT_S, "blind_share": 0.0} | values
        return links.total(structure(**changes), values, count)

    return total


@pytest.mark.slow
def test_the_first_transmission_is_that_of_the_plain_link_draw_for_draw(links, resent):
    values = {"esno_db": -1.25}
    plain = links.total(links.structure(mcs=5, perfect_csi=True), values, CHUNKS)
    again = resent(values)

    assert 0 < plain["block_errors"] < 256
    assert again["first_errors"] == plain["block_errors"]
    assert again["uncoded_bit_errors"] == plain["uncoded_bit_errors"]


def test_transmissions_are_the_sum_of_the_failures_before_them(resent):
    # mean transmissions = 1 + p1 + p1 p2 + p1 p2 p3 with p_k the failures after k given those before
    counts = resent({"esno_db": -4.0}, most=4)
    failed = [256 - sum(counts[f"delivered_{k}"] for k in range(1, last + 1)) for last in range(5)]

    assert counts["transmissions"] == sum(failed[:4])
    assert counts["first_errors"] == failed[1]
    assert counts["block_errors"] == failed[4]
    assert failed[1] > failed[2]


def test_two_equal_transmissions_on_white_noise_are_one_of_twice_the_energy(links, resent):
    # A block fails both times exactly when the sum fails, but for sums that fail where the first alone did not, which
    # 3 dB lower does not happen. Two samples of 512; false alarm 1e-3. A gain 0.25 dB off moves the rate from
    # 0.54 by 0.2 on this slope and is found with 90 % power.
    once = links.total(links.structure(mcs=5, perfect_csi=True), {"esno_db": -0.6}, 16)["block_errors"]
    twice = resent({"esno_db": -0.6 - 10 * np.log10(2)}, 16)
    both = twice["block_errors"]

    assert twice["first_errors"] == 512
    assert 0.1 < once / 512 < 0.9
    table = [[once, 512 - once], [both, 512 - both]]
    assert stats.fisher_exact(table).pvalue > 1e-3, table


def test_blind_repetition_decodes_what_feedback_decodes_and_always_sends_all(resent):
    # on white noise time does not matter: the same draws, so the same blocks fail
    fed, blind = (resent({"esno_db": -4.0, "blind_share": share}, most=2, repetitions=2) for share in (0.0, 1.0))

    assert blind["blind_blocks"] == 256
    assert blind["transmissions"] == 2 * 256
    assert blind["block_errors"] == fed["block_errors"]
    assert [blind[f"blind_delivered_{k}"] for k in (1, 2)] == [fed[f"delivered_{k}"] for k in (1, 2)]
    assert fed["blind_blocks"] == fed["blind_delivered_2"] == blind["delivered_2"] == 0


def test_a_share_of_the_processes_may_be_blind(resent):
    counts = resent({"esno_db": 3.0, "blind_share": 0.25}, 16)

    # binomial of 512, false alarm 1e-3; a share off by 0.09 is found with 90 % power
    assert stats.binomtest(counts["blind_blocks"], 512, 0.25).pvalue > 1e-3
    assert counts["block_errors"] == 0
    assert counts["transmissions"] == 512 + counts["blind_blocks"]


@pytest.mark.slow
def test_fading_waits_for_a_terminal_at_rest_and_changes_for_a_moving_one(resent):
    # Rayleigh fading without Doppler is the same after any wait: combining adds 3 dB, and a deep fade stays one. At
    # 10 Hz over 200 ms it is another draw. Bound: with independent fades of rate p1 = first errors, both fail with at
    # most p1^2; without diversity a loss of 3 dB at slope one leaves half of p1. Binomial of 512 at 1e-3.
    values = {"esno_db": 8.0, "delay_spread_s": 30e-9, "interval_s": 0.2}
    fading = {"fading": "tdl", "profile": "A", "mcs": 9}
    still, moving = (resent(values | {"doppler_hz": hz}, 16, **fading) for hz in (0.0, 10.0))

    assert still["first_errors"] == pytest.approx(moving["first_errors"], abs=8)  # within a slot 10 Hz is little
    first = still["first_errors"] / 512
    assert stats.binom.sf(moving["block_errors"] - 1, 512, first**2) > 1e-3, moving
    assert stats.binom.sf(still["block_errors"] - 1, 512, first**2) < 1e-3, still


@pytest.mark.slow
def test_incremental_redundancy_beats_chase_at_high_rate(resent):
    values = {"esno_db": 12.0}
    chase, incremental = (resent(values, versions=versions, mcs=27) for versions in (CHASE, INCREMENTAL[:2]))

    assert chase["first_errors"] == incremental["first_errors"] == 256
    assert chase["block_errors"] == 256  # chase needs 15 dB, incremental redundancy 10
    assert incremental["block_errors"] == 0
