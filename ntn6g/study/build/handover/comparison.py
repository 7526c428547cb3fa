"""What a trained agent serves against the best rule of its run, on the same terminals, and what may be said of it."""

from typing import Any

import numpy as np

from ntn6g.scenario import Handover
from ntn6g.study.build.handover.outcome import Array, minutes, outcome_of
from ntn6g.study.build.handover.policies import BOUNDS, DUAL
from ntn6g.study.build.handover.world import Case, stage_of
from ntn6g.study.resampling import paired_bootstrap


def rules_of(asked: Handover) -> list[str]:
    """The rules of one connection that a run compares."""
    return [name for name in asked.policies if name not in (*BOUNDS, *DUAL)]


def against_best_rule(case: Case, mine_bps: Array) -> dict[str, float]:
    """Gain in served throughput over the best rule, with its interval over terminals; nothing without trained agents.

    The best rule is that of the very terminals that are compared on, which is hard on the agents.
    """
    if not case.asked.models:
        return {}
    tuning, length_s = case.asked.tuning.model_dump_json(), 60.0 * minutes(stage_of(case))
    served = [outcome_of(case, name, tuning).counts["served_bits"] / length_s for name in rules_of(case.asked)]
    best = int(np.argmax([each.mean() for each in served]))
    low, high = paired_bootstrap(
        {"mine": mine_bps, "rule": served[best]},
        lambda m: 100.0 * (m["mine"] / np.maximum(m["rule"], 1e-9) - 1.0),
        seed=case.scenario.seed,
    )
    gain = 100.0 * (float(mine_bps.mean()) / max(float(served[best].mean()), 1e-9) - 1.0)
    return {"best_rule": float(best), "gain_percent": gain, "gain_percent_low": low, "gain_percent_high": high}


def told_row(asked: Handover, policy: str, row: dict[str, Any]) -> dict[str, Any]:
    """A row with the best rule by name and a verdict: bound, best rule, gain, loss or inconclusive."""
    if "best_rule" not in row:
        return row
    best = rules_of(asked)[int(row["best_rule"])]
    return row | {"best_rule": best, "verdict": _verdict(policy, best, row)}


def _verdict(policy: str, best: str, row: dict[str, Any]) -> str:
    if policy in BOUNDS:
        return "bound"
    if policy == best:
        return "best rule"
    if row["gain_percent_low"] > 0.0:
        return "gain"
    return "loss" if row["gain_percent_high"] < 0.0 else "inconclusive"
