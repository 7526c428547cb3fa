"""Study `handover`: what each policy makes of terminals that move through cells of ground and sky."""

import hashlib
import json
from typing import Any

import numpy as np

from ntn6g.core.errors import ScenarioError
from ntn6g.scenario import Scenario, apply, flatten, sweep_points
from ntn6g.study.build.deterministic import ONE_CHUNK, PolicyPoint, recipe_of
from ntn6g.study.build.handover.comparison import against_best_rule, told_row
from ntn6g.study.build.handover.models import handover_model
from ntn6g.study.build.handover.outcome import Array, Outcome, minutes, outcome_of
from ntn6g.study.build.handover.policies import BOUNDS
from ntn6g.study.build.handover.rates import ladder_of
from ntn6g.study.build.handover.world import Case, case_of, layers_of, programs_traced, stage_of
from ntn6g.study.engine import Recipe, Tally
from ntn6g.study.resampling import mean_interval, paired_bootstrap, quantile_interval

Work = tuple[Case, str, str]
"""A point, one of its policies, and the text of their tuning."""
_PER_MINUTE = {
    "handovers": "handovers_per_min",
    "failures": "handover_failures_per_min",
    "link_failures": "link_failures_per_min",
    "ping_pongs_500ms": "ping_pongs_500ms_per_min",
    "ping_pongs_1000ms": "ping_pongs_1000ms_per_min",
    "ping_pongs_5000ms": "ping_pongs_5000ms_per_min",
    "messages": "messages_per_min",
}
_QUANTILES = np.linspace(0.0, 1.0, 101)


class HandoverStudy:
    """A deterministic study: terminals, shadowing and measurement errors are the same for every policy.

    Parameters as `ntn6g.study.build.link.LinkStudy`. There is one row for each policy at each point of the sweep.

    Raises
    ------
    ScenarioError
        No satellite in view, too many cells, error rates that were not simulated.
    """

    kind = "handover"
    rule = ONE_CHUNK

    def __init__(self, part: str, scenario: Scenario) -> None:
        self.part, self.scenario = part, scenario
        self.points: list[PolicyPoint] = []
        for values in sweep_points(scenario):
            asked = apply(scenario, values)
            case = case_of(asked)
            _check(case)
            flat = flatten(asked)
            axes = {path: flat.get(path, value) for path, value in values.items()}
            for policy in (*case.asked.policies, *case.asked.models):
                # bounds and trained agents know no tuning; what else is compared changes nothing about a policy
                fixed = policy in (*BOUNDS, *case.asked.models)
                tuning = "" if fixed else case.asked.tuning.model_dump_json()
                text = json.dumps(["handover", case.text, *_named(case, policy), tuning])
                identity = hashlib.sha256(text.encode()).hexdigest()
                self.points.append(PolicyPoint(axes | {"policy": policy}, (case, policy, tuning), identity, "handover"))

    def rows(self, structure: str) -> int:
        """Nothing is batched: all terminals of a point run side by side."""
        del structure
        return 1

    def recipe(self, structure: str) -> Recipe:
        """The one step there is."""
        del structure
        return recipe_of(_figures, programs_traced)

    def row(self, point: PolicyPoint, tally: Tally, stopped_by: str | None) -> dict[str, Any]:
        """Columns of the results table for one policy at one point."""
        del stopped_by  # there is one rule
        case, policy, _ = point.work
        kind = "bound" if policy in BOUNDS else "learned" if policy in case.asked.models else "rule"
        return {**told_row(case.asked, policy, dict(tally.sums)), "kind": kind}

    def series(self) -> list[dict[str, Any]]:
        """Course of the first terminal, distributions, and places of handovers: a table for each point."""
        points: dict[str, list[PolicyPoint]] = {}
        for point in self.points:
            told = {path: value for path, value in point.axes.items() if path != "policy"}
            points.setdefault(json.dumps(told), []).append(point)
        return [_series(axes, found) for axes, found in points.items()]


def _check(case: Case) -> None:
    try:
        ladder_of(case.asked.rate)
    except ScenarioError as error:
        raise ScenarioError(f"{error}", key="handover.rate.code_block_bits") from None
    for name in case.asked.models:
        handover_model(name)
    layers_of(case)  # satellites are looked for, cells counted


def _named(case: Case, policy: str) -> tuple[str, ...]:
    """What tells a policy from others; and whom it is compared with, where trained agents are."""
    if not case.asked.models:
        return (policy,)
    digest = handover_model(policy).digest if policy in case.asked.models else ""
    return (policy, digest, *case.asked.policies, case.asked.tuning.model_dump_json())


def _figures(work: Work) -> dict[str, float]:
    """Figures of a policy, each with its interval over terminals."""
    case, policy, tuning = work
    found, stage = outcome_of(case, policy, tuning), stage_of(case)
    seed, length = case.scenario.seed, minutes(stage)
    counts = found.counts
    values: dict[str, Any] = {name: counts[key] / length for key, name in _PER_MINUTE.items()}
    values |= {
        "interruption_ms_per_min": 1e3 * counts["interrupted_s"] / length,
        "outage_percent": 100.0 * counts["outage_s"] / (60.0 * length),
        "throughput_bps": counts["served_bits"] / (60.0 * length),
    }
    if policy in BOUNDS:
        unknown = ("interruption_ms_per_min", "messages_per_min")
        values = {name: np.full_like(each, np.nan) if name in unknown else each for name, each in values.items()}
    row: dict[str, float] = {}
    for name, each in values.items():
        row[name] = float(each.mean())
        known = bool(np.isfinite(each).all())
        row[f"{name}_low"], row[f"{name}_high"] = mean_interval(each, seed=seed) if known else (np.nan, np.nan)
    row |= _fifth_percentiles(found.windows_bps, seed) | _stays(counts, seed)
    tried = {"done": counts["handovers"], "lost": counts["failures"]}
    share = (tried["lost"].sum()) / max((tried["lost"] + tried["done"]).sum(), 1.0)
    row["failure_share"] = float(share)
    row["failure_share_low"], row["failure_share_high"] = paired_bootstrap(
        tried, lambda m: m["lost"] / np.maximum(m["lost"] + m["done"], 1e-12), seed=seed
    )
    row["cells"], row["terminals"] = float(stage.scene.cells), float(stage.scene.terminals)
    row["minutes"] = length
    return row | against_best_rule(case, values["throughput_bps"])


def _fifth_percentiles(windows_bps: Array, seed: int) -> dict[str, float]:
    """Of seconds of all terminals, and the mean of every terminal's own; not of bounds, which have no seconds."""
    names = ("throughput_p5_bps", "throughput_p5_of_terminal_bps")
    if not len(windows_bps):
        return {f"{name}{end}": np.nan for name in names for end in ("", "_low", "_high")}
    own = np.percentile(windows_bps, 5.0, axis=0)
    found = quantile_interval(windows_bps, 0.05, seed=seed), (float(own.mean()), *mean_interval(own, seed=seed))
    return {
        f"{name}{end}": value
        for name, three in zip(names, found, strict=True)
        for end, value in zip(("", "_low", "_high"), three, strict=True)
    }


def _stays(counts: dict[str, Array], seed: int) -> dict[str, float]:
    """Mean time of stay over all stays that ended."""
    stays, time_s = counts["stays"], counts["stayed_s"]
    mean_s = float(time_s.sum() / stays.sum()) if stays.sum() else np.nan
    low_s, high_s = (
        paired_bootstrap(
            {"time": time_s, "stays": stays}, lambda m: m["time"] / np.maximum(m["stays"], 1e-12), seed=seed
        )
        if stays.sum()
        else (np.nan, np.nan)
    )
    return {"time_of_stay_s": mean_s, "time_of_stay_s_low": low_s, "time_of_stay_s_high": high_s}


def _series(axes: str, points: list[PolicyPoint]) -> dict[str, Any]:
    case = points[0].work[0]
    stage = stage_of(case)
    layer_of = np.array([*stage.cell_layer, "none"])
    names = [point.work[1] for point in points]
    found: dict[str, Outcome] = {point.work[1]: outcome_of(*point.work) for point in points}
    shown = [name for name in names if found[name].trace]
    kept: dict[str, Any] = {
        "axes": np.array(axes),
        "policy": np.array(shown),
        "layer": np.array(list(stage.layers)),
        "quantile": _QUANTILES,
        "handover_time_s": stage.step_s * np.arange(stage.steps),
    }
    for name in shown:
        each = found[name]
        kept[f"{name}.cell"] = each.trace["cell"].astype(np.int32)
        kept[f"{name}.layer"] = layer_of[each.trace["cell"].astype(np.int64)]
        if "second_cell" in each.trace:
            kept[f"{name}.second_cell"] = each.trace["second_cell"].astype(np.int32)
            kept[f"{name}.second_layer"] = layer_of[each.trace["second_cell"].astype(np.int64)]
        kept[f"{name}.sinr_db"] = each.trace["sinr_db"].astype(np.float32)
        kept[f"{name}.rate_bps"] = each.trace["rate_bps"].astype(np.float32)
        kept[f"{name}.throughput_bps"] = np.quantile(each.windows_bps, _QUANTILES)
        for event, place in each.places.items():
            kept[f"{name}.{event}_deg"] = place
    return kept
