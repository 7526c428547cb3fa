"""What retransmission adds to a link study: its timing at a point, and the columns that follow from the counts."""

import math
from collections.abc import Mapping
from typing import Any

from ntn6g.core.errors import ScenarioError
from ntn6g.phy.harq import HarqTiming
from ntn6g.scenario import Harq
from ntn6g.study.build.geometry import Instant
from ntn6g.study.intervals import clopper_pearson, renewal_ratio

_QUANTILES = (50, 95, 99)  # of the time to delivery


def timing_of(asked: Harq, slot_s: float, instant: Instant | None, *, feeder_s: float = 0.0) -> HarqTiming:
    """Timing of a point; the round trip is twice the light time of its geometry and of the feeder link, unless given.

    ``feeder_s`` is what a feeder link with geometry of its own adds one way.

    Raises
    ------
    ScenarioError
        Neither a round trip nor a geometry; a K_offset shorter than the round trip.
    """
    if feeder_s and asked.feeder_delay_ms:
        raise ScenarioError(
            f"{asked.feeder_delay_ms:g} ms beside payload.feeder, whose geometry gives the delay; leave it out",
            key="link.harq.feeder_delay_ms",
        )
    if asked.round_trip_ms is not None:
        round_trip_s = 1e-3 * asked.round_trip_ms
    elif instant is not None:
        round_trip_s = 2.0 * (instant.light_time_s + 1e-3 * asked.feeder_delay_ms + feeder_s)
    else:
        raise ScenarioError(
            "required key is missing, since no geometry gives the delay (no section at)", key="link.harq.round_trip_ms"
        )
    return HarqTiming(
        slot_s=slot_s,
        round_trip_s=round_trip_s,
        processing_slots=asked.processing_slots,
        processes=asked.processes,
        blind_processes=asked.feedback_disabled,
        repetitions=asked.repetitions,
        k_offset_slots=asked.k_offset_slots,
    )


def facts(timing: HarqTiming) -> dict[str, float]:
    """What a table says of the timing of a point."""
    return {
        "round_trip_ms": 1e3 * timing.round_trip_s,
        "round_trip_slots": timing.round_trip_slots,
        "harq_cycle_slots": timing.cycle_slots,
        "utilisation": timing.utilisation,
    }


def measured(timing: HarqTiming, most: int, peak_bps: float, counts: Mapping[str, int]) -> dict[str, Any]:
    """Columns of a point: first and residual errors, transmissions, goodput, time to delivery.

    ``peak_bps`` is the rate of a link that fills every slot and never fails. Blocks of processes with and without
    feedback take turns as the timing has it: of S slots, each kind fills its share.
    """
    blocks, blind = counts["blocks"], counts["blind_blocks"]
    kinds = [
        _Kind(timing.feedback_share, [counts[f"delivered_{k}"] for k in range(1, most + 1)], blocks - blind),
        _Kind(timing.blind_share, [counts[f"blind_delivered_{k}"] for k in range(1, most + 1)], blind),
    ]
    sent_blind = blind * timing.repetitions
    transmissions = [counts["transmissions"] - sent_blind, sent_blind]
    low, high = clopper_pearson(counts["first_errors"], blocks)
    found: dict[str, Any] = {
        "bler_first": counts["first_errors"] / blocks,
        "bler_first_low": float(low),
        "bler_first_high": float(high),
        "transmissions": counts["transmissions"] / blocks,
    }
    for number in range(1, most + 1):
        here = counts[f"delivered_{number}"] + counts[f"blind_delivered_{number}"]
        found[f"delivered_{number}"] = here / blocks
    rate = limit_low = limit_high = 0.0
    for kind, sent, repeated in zip(kinds, transmissions, (False, True), strict=True):
        if kind.blocks:
            ratio, (least, greatest) = kind.efficiency(sent, blind=repeated)
            rate += kind.share * ratio
            limit_low, limit_high = limit_low + kind.share * least, limit_high + kind.share * greatest
    found["throughput_bps"] = peak_bps * rate
    found["throughput_bps_low"], found["throughput_bps_high"] = peak_bps * limit_low, peak_bps * limit_high
    return found | _delivery(timing, kinds, transmissions)


class _Kind:
    """Blocks of the processes with or without feedback: share of the slots, delivered by number, and how many."""

    def __init__(self, share: float, delivered: list[int], blocks: int) -> None:
        self.share, self.delivered, self.blocks = share, delivered, blocks

    def efficiency(self, sent: int, *, blind: bool) -> tuple[float, tuple[float, float]]:
        """Delivered blocks per transmission, and its limits."""
        done = sum(self.delivered)
        if blind:
            low, high = clopper_pearson(self.blocks - done, self.blocks)
            each = sent / self.blocks
            return done / sent, ((1.0 - float(high)) / each, (1.0 - float(low)) / each)
        spent = [k for k, _ in enumerate(self.delivered, 1)]
        failed = self.blocks - done
        last = (sent - sum(k * n for k, n in zip(spent, self.delivered, strict=True))) / failed if failed else 0.0
        outcomes = [(1.0, float(k), n) for k, n in zip(spent, self.delivered, strict=True)] + [(0.0, last, failed)]
        return done / sent, renewal_ratio(outcomes)


def _delivery(timing: HarqTiming, kinds: list[_Kind], transmissions: list[int]) -> dict[str, float]:
    """Mean and quantiles, ms, of the time to delivery of delivered blocks, as often as each kind begins a block."""
    weighted: list[tuple[float, float]] = []
    for kind, sent, blind in zip(kinds, transmissions, (False, True), strict=True):
        if sent:
            begun = kind.share / sent  # blocks begun per slot over blocks counted
            weighted += [
                (timing.delivery_s(k, blind=blind), begun * count) for k, count in enumerate(kind.delivered, 1) if count
            ]
    total = sum(weight for _, weight in weighted)
    if not total:
        return {"delivery_mean_ms": math.nan, **{f"delivery_p{q}_ms": math.nan for q in _QUANTILES}}
    weighted.sort()
    found = {"delivery_mean_ms": 1e3 * sum(delay * weight for delay, weight in weighted) / total}
    for quantile in _QUANTILES:
        below = 0.0
        for delay, weight in weighted:
            below += weight
            found[f"delivery_p{quantile}_ms"] = 1e3 * delay
            if below >= quantile / 100.0 * total * (1.0 - 1e-12):
                break
    return found
