"""Columns of retransmission by their definitions, worked out by hand; refusals; the interval of a gain per cost."""

import math

import numpy as np
import pytest

from ntn6g.core.errors import ScenarioError
from ntn6g.scenario import from_mapping
from ntn6g.study.build import build
from ntn6g.study.engine import Tally
from ntn6g.study.intervals import renewal_ratio

SLOT_S, BLOCK_BITS = 125e-6, 8456  # 120 kHz; MCS 14 on 25 blocks, as worked out in test_build.py
EPOCH = "2026-01-01T00:00:00Z"


def study(harq, **changes):
    base = {
        "schema": 1,
        "study": "link",
        "name": "retransmission",
        "channel": {"carrier_ghz": 20.0, "environment": "urban", "fading": {"kind": "awgn"}},
        "link": {"subcarrier_khz": 120, "resource_blocks": 25, "mcs": 14, "harq": harq},
        "power": {"esno_db": 6.0},
    }
    return build(from_mapping(base | changes))[0]


def counts(**changes):
    found = {"blocks": 320, "bits": 320 * BLOCK_BITS, "bit_errors": 0, "bit_errors_squared": 0, "iterations": 3200}
    found |= {"uncoded_bits": 320 * 14400, "uncoded_bit_errors": 0, "uncoded_bit_errors_squared": 0}
    found |= {"undetected_errors": 0, "block_errors": 0, "first_errors": 0, "blind_blocks": 0, "transmissions": 320}
    found |= {f"{kind}{k}": 0 for kind in ("delivered_", "blind_delivered_") for k in (1, 2, 3)}
    return found | changes


def row(made, tallied):
    return made.row(made.points[0], Tally(10, tallied, {"sinr": 320.0}), "max_blocks")


def test_goodput_counts_stall_retransmissions_and_lost_blocks():
    # a round trip of 12.5 ms is 100 slots, with 4 more a cycle of 104, of which 26 processes fill a quarter
    made = study({"round_trip_ms": 12.5, "processes": 26, "max_transmissions": 3})
    tallied = counts(delivered_1=160, delivered_2=80, delivered_3=40, block_errors=40, first_errors=160)
    found = row(made, tallied | {"transmissions": 160 + 2 * 80 + 3 * 80})

    assert (found["round_trip_slots"], found["harq_cycle_slots"], found["utilisation"]) == (100, 104, 0.25)
    assert (found["bler_first"], found["bler"]) == (0.5, 0.125)
    assert found["transmissions"] == 1.75
    assert [found[f"delivered_{k}"] for k in (1, 2, 3)] == [0.5, 0.25, 0.125]
    # 280 blocks in 560 transmissions, a quarter of the slots used
    assert found["throughput_bps"] == pytest.approx(0.25 * 280 / 560 * BLOCK_BITS / SLOT_S, rel=1e-12)
    assert found["spectral_efficiency"] == pytest.approx(found["throughput_bps"] / 36e6, rel=1e-12)
    assert found["throughput_bps_low"] < found["throughput_bps"] < found["throughput_bps_high"]
    # one way 6.25 ms, a slot of 0.125 ms, rounds of 104 slots = 13 ms; of 280 blocks 160 first, 80 second, 40 third
    assert found["delivery_mean_ms"] == pytest.approx(6.375 + 13 * (80 + 2 * 40) / 280, rel=1e-12)
    assert found["delivery_p50_ms"] == pytest.approx(6.375)
    assert found["delivery_p95_ms"] == found["delivery_p99_ms"] == pytest.approx(6.375 + 26)


def test_blind_blocks_take_their_slots_whatever_becomes_of_them():
    blind = {"processes": 8, "feedback_disabled": 8, "repetitions": 2}
    made = study({"round_trip_ms": 500, "max_transmissions": 1} | blind)
    tallied = counts(blind_blocks=320, blind_delivered_1=200, blind_delivered_2=100, block_errors=20, first_errors=120)
    tallied = {name: count for name, count in tallied.items() if not name.endswith("_3")} | {"transmissions": 640}
    found = row(made, tallied)

    assert found["utilisation"] == 1.0
    assert found["throughput_bps"] == pytest.approx(300 / 640 * BLOCK_BITS / SLOT_S, rel=1e-12)
    # one way 250 ms; a second slot later
    assert found["delivery_mean_ms"] == pytest.approx(250.125 + 0.125 / 3, rel=1e-12)


def test_both_kinds_share_the_slots():
    # 14 with feedback fill 14/104; two without, free again after 1 + 4 slots, 2/5
    made = study({"round_trip_ms": 12.5, "processes": 16, "feedback_disabled": 2, "max_transmissions": 3})
    tallied = counts(blind_blocks=40, delivered_1=280, blind_delivered_1=30, block_errors=10, first_errors=10)
    found = row(made, tallied)

    assert found["utilisation"] == pytest.approx(14 / 104 + 2 / 5)
    assert found["throughput_bps"] == pytest.approx((14 / 104 + 2 / 5 * 30 / 40) * BLOCK_BITS / SLOT_S, rel=1e-12)


def test_nothing_delivered_has_no_delay_and_no_rate():
    made = study({"round_trip_ms": 12.5, "max_transmissions": 3})
    found = row(made, counts(block_errors=320, first_errors=320, transmissions=960))

    assert math.isnan(found["delivery_mean_ms"])
    assert found["throughput_bps"] == found["throughput_bps_low"] == 0.0
    assert found["throughput_bps_high"] > 0.0


def test_the_round_trip_is_that_of_geometry_and_feeder_link():
    # TR 38.821 V16.2.0 Table 4.2-2: at most 25.77 ms over a transparent satellite at 600 km, both links at 10 degrees
    # and 1932 km, 6.443 ms each way. 0.15 ms: the terminal stands on the ellipsoid, up to 7 km lower
    made = study(
        {"feeder_delay_ms": 6.443},
        platforms={"sat": {"kind": "circular", "altitude_km": 600.0, "inclination_deg": 70.0, "epoch": EPOCH}},
        terminals={"ue": {"latitude_deg": 45.0, "longitude_deg": 10.0}},
        at={"pass": {"after": EPOCH, "min_culmination_deg": 60.0, "within_days": 15.0}, "elevation_deg": 10.0},
    )
    found = made.points[0].facts

    assert found["round_trip_ms"] == pytest.approx(25.77, abs=0.15)
    assert found["round_trip_slots"] == math.ceil(found["round_trip_ms"] / 0.125)
    assert made.points[0].values["interval_s"] == pytest.approx(125e-6 * (found["round_trip_slots"] + 4))


def test_points_that_differ_in_processes_alone_share_their_draws():
    made = study(
        {"round_trip_ms": 12.5}, sweep={"grid": {"link.harq.processes": [8, 32], "power.esno_db": [3.0, 6.0]}}
    )

    assert len(made.structures) == 1
    assert len({point.identity for point in made.points}) == 2


@pytest.mark.parametrize(
    ("link", "complaint"),
    [
        ({"harq": {}}, "link.harq.round_trip_ms: required key is missing"),
        ({"harq": {"round_trip_ms": 9.0, "feeder_delay_ms": 2.0}}, "link.harq.feeder_delay_ms: 2 ms is part of"),
        ({"harq": {"round_trip_ms": 9.0, "k_offset_slots": 71}}, "link.harq.k_offset_slots: 71 slots .* at least 72"),
        ({"harq": {"processes": 4, "feedback_disabled": 5}}, "link.harq.feedback_disabled: 5 .* more than the 4"),
        ({"harq": {"combining": "chase", "redundancy_versions": [0, 2]}}, "at most one of combining"),
        ({"harq": {"redundancy_versions": [0, 4]}}, "link.harq.redundancy_versions"),
        ({"mcs": None, "coding": "none", "modulation": "qpsk", "harq": {}}, "link.harq: needs coding: ldpc"),
        ({"mcs": 28, "limited_buffer": {"resource_blocks": 1}}, "link.limited_buffer: a transport block of .* larger"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(link, complaint):
    asked = {"subcarrier_khz": 120, "resource_blocks": 66, "mcs": 14} | link
    with pytest.raises(ScenarioError, match=complaint) as said:
        study({}, link={key: value for key, value in asked.items() if value is not None})
    assert "\n" not in str(said.value)


def test_the_interval_of_a_gain_per_cost_covers_it():
    # rounds of 1, 2 or 3 transmissions, the last of which may fail; 95 % within 3.6 standard errors of 4000 trials
    chances, generator = [0.6, 0.25, 0.1, 0.05], np.random.default_rng(8)
    gain, cost = np.array([1, 1, 1, 0]), np.array([1, 2, 3, 3])
    true = np.dot(chances, gain) / np.dot(chances, cost)
    covered = 0
    for drawn in generator.multinomial(400, chances, 4000):
        low, high = renewal_ratio(list(zip(gain, cost, drawn, strict=True)))
        covered += low <= true <= high

    assert 0.9376 < covered / 4000 < 0.9624


@pytest.mark.parametrize(("outcomes", "ratio"), [([(1.0, 1.0, 100)], 1.0), ([(0.0, 4.0, 100)], 0.0)])
def test_rounds_that_all_went_alike_leave_an_interval(outcomes, ratio):
    low, high = renewal_ratio(outcomes)

    assert low <= ratio <= high
    assert high - low == pytest.approx(1 - 0.05 ** (1 / 100))
