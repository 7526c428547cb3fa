"""Stop-and-wait over a long round trip: closed forms against a sender that is followed slot by slot."""

import pytest

from ntn6g.core.errors import ScenarioError
from ntn6g.phy.harq import HarqTiming


def timing(**changes):
    given = {"slot_s": 1e-3, "round_trip_s": 25.77e-3, "processing_slots": 4, "processes": 16}
    return HarqTiming(**given | changes)


# round trips of TR 38.821 Table 4.2-2: GEO and LEO at 600 km, transparent and regenerative; rounded up by hand
@pytest.mark.parametrize(
    ("round_trip_ms", "slot_ms", "slots"),
    [(541.46, 1.0, 542), (270.73, 1.0, 271), (25.77, 1.0, 26), (12.89, 0.125, 104), (4.0, 0.125, 32), (4.0, 1.0, 4)],
)
def test_a_round_trip_is_counted_in_whole_slots(round_trip_ms, slot_ms, slots):
    assert timing(round_trip_s=1e-3 * round_trip_ms, slot_s=1e-3 * slot_ms).round_trip_slots == slots


def followed(processes, blind, cycle, repetitions, processing, slots=20_000):
    """Share of slots filled by each kind, process by process: those with feedback go first, each when it is free."""
    free = [0] * processes
    filled = [0, 0]
    slot = 0
    while slot < slots:
        ready = [p for p in range(processes) if free[p] <= slot]
        with_feedback = [p for p in ready if p >= blind]
        if with_feedback:
            free[with_feedback[0]] = slot + cycle
            filled[0] += 1
            slot += 1
        elif ready:
            free[ready[0]] = slot + repetitions + processing
            filled[1] += repetitions
            slot += repetitions
        else:
            slot += 1
    return filled[0] / slot, filled[1] / slot


@pytest.mark.parametrize("processes", [1, 8, 16, 29, 30, 31, 32])
def test_processes_fill_their_share_of_the_round_trip(processes):
    # 25.77 ms and 4 slots: one transmission of a block every 30 slots
    made = timing(processes=processes)

    assert made.cycle_slots == 30
    assert made.utilisation == min(1.0, processes / 30)
    assert made.utilisation == pytest.approx(followed(processes, 0, 30, 1, 4)[0], abs=2e-3)  # begin and end of 20000


@pytest.mark.parametrize(("processes", "blind", "repetitions"), [(16, 16, 1), (2, 2, 2), (16, 8, 1), (32, 1, 1)])
def test_processes_without_feedback_fill_what_the_others_leave(processes, blind, repetitions):
    made = timing(processes=processes, blind_processes=blind, repetitions=repetitions)
    with_feedback, without = followed(processes, blind, 30, repetitions, 4)

    assert made.feedback_share == pytest.approx(with_feedback, abs=2e-3)
    assert made.blind_share == pytest.approx(without, abs=2e-3)
    assert made.utilisation <= 1.0


def test_two_kinds_that_meet_in_one_slot_fill_less_than_the_closed_form_at_most():
    # two processes without feedback want 2/5 of the slots; a run of four slots with feedback keeps them waiting
    with_feedback, without = followed(6, 2, 30, 1, 4)
    made = timing(processes=6, blind_processes=2)

    assert made.feedback_share == pytest.approx(with_feedback, abs=2e-3)
    assert 0.9 * made.blind_share < without < made.blind_share


def test_without_feedback_nothing_waits_for_the_round_trip():
    near, far = (timing(round_trip_s=r, processes=8, blind_processes=8) for r in (4e-3, 541.46e-3))

    assert near.utilisation == far.utilisation == 1.0
    assert timing(round_trip_s=541.46e-3, processes=32).utilisation == 32 / 546


def test_a_longer_k_offset_delays_every_retransmission():
    assert timing(k_offset_slots=26).cycle_slots == 30
    assert timing(k_offset_slots=40).cycle_slots == 44
    assert timing(k_offset_slots=40).interval_s == pytest.approx(44e-3)


def test_a_k_offset_shorter_than_the_round_trip_is_refused_in_one_line():
    complaint = r"link.harq.k_offset_slots: 25 slots \(25 ms\) .* 25.770 ms.* at least 26"
    with pytest.raises(ScenarioError, match=complaint) as said:
        timing(k_offset_slots=25)
    assert "\n" not in str(said.value)


def test_delivery_counts_one_way_a_slot_and_the_rounds_before():
    made = timing(repetitions=4)

    assert made.delivery_s(1, blind=False) == pytest.approx(12.885e-3 + 1e-3)
    assert made.delivery_s(3, blind=False) == pytest.approx(12.885e-3 + 1e-3 + 60e-3)
    assert made.delivery_s(3, blind=True) == pytest.approx(12.885e-3 + 3e-3)
