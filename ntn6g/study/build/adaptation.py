"""Study `adaptation`: how much of what delayed reports allow each policy of link adaptation delivers."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from ntn6g.core.errors import ScenarioError
from ntn6g.scenario import Adaptation, Scenario, apply, flatten, sweep_points
from ntn6g.study.build.adaptation_link import (
    PassFigures,
    delay_change_slots,
    doppler_hz,
    geometry_of,
    programs_of,
    programs_traced,
    starting_delay_slots,
    structure_of,
)
from ntn6g.study.build.adaptation_models import check_model, digest_of, trained
from ntn6g.study.build.adaptation_policies import BASELINES, BOUNDS, Tuned, Tuner
from ntn6g.study.build.deterministic import ONE_CHUNK, PolicyPoint, recipe_of
from ntn6g.study.engine import BLOCKS_PER_CHUNK, Recipe, Tally
from ntn6g.study.resampling import mean_interval, paired_bootstrap

_WORTH = 0.02  # of the baseline: a smaller gap is nothing to win
Work = tuple[Adaptation, int, str]
"""A point, its seed, and one of its policies."""


class AdaptationStudy:
    """A deterministic study: passes are drawn once, and every policy goes through the same ones.

    Parameters as `ntn6g.study.build.link.LinkStudy`. There is one row for each policy at each point of the sweep.

    Raises
    ------
    ScenarioError
        Error rates that were not simulated.
    """

    kind = "adaptation"
    rule = ONE_CHUNK

    def __init__(self, part: str, scenario: Scenario) -> None:
        self.part, self.scenario = part, scenario
        self.points: list[PolicyPoint] = []
        for values in sweep_points(scenario):
            asked = apply(scenario, values)
            given = asked.adaptation
            assert given is not None  # checked on loading
            _check(given)
            flat = flatten(asked)
            axes = {path: flat.get(path, value) for path, value in values.items()}
            for policy in [*given.policies, *given.models]:
                # the other policies that are asked for change nothing about this one
                alone = given.model_dump(mode="json", exclude={"policies", "models", "per_pass"})
                name = [policy, digest_of(policy)] if policy in given.models else policy
                text = json.dumps(["adaptation", asked.seed, alone, name], sort_keys=True)
                identity = hashlib.sha256(text.encode()).hexdigest()
                work = given, asked.seed, policy
                self.points.append(PolicyPoint(axes | {"policy": policy}, work, identity, "adaptation"))

    def rows(self, structure: str) -> int:
        """A chunk for each policy: those of one point of the sweep go to one worker, which draws its passes once."""
        del structure
        given = self.points[0].work[0]
        return BLOCKS_PER_CHUNK * len([*given.policies, *given.models])

    def recipe(self, structure: str) -> Recipe:
        """The one step there is."""
        del structure
        return recipe_of(_figures, programs_traced)

    def row(self, point: PolicyPoint, tally: Tally, stopped_by: str | None) -> dict[str, Any]:
        """Columns of the results table for one policy at one point."""
        del stopped_by  # there is one rule
        figures = dict(tally.sums)
        baseline = BASELINES[int(figures.pop("baseline"))]
        policy = point.work[2]
        found: dict[str, Any] = {name: value for name, value in figures.items() if not name.startswith("tuned_")}
        found |= {"baseline": baseline, "verdict": _verdict(policy, baseline, figures)}
        chosen = {name: value for name, value in figures.items() if name.startswith("tuned_")}
        words = [f"{k.removeprefix('tuned_')} {v:g}" for k, v in chosen.items()]
        if policy in point.work[0].models:
            words.append(f"sha256 {digest_of(policy)[:16]}")
        return found | {"tuned": ", ".join(words)}

    def series(self) -> list[dict[str, Any]]:
        """Goodput and error rate of every policy in every pass, a table for each point, where asked for."""
        kept: list[dict[str, Any]] = []
        if self.scenario.adaptation is None or not self.scenario.adaptation.per_pass:
            return kept
        for given, seed, axes in dict.fromkeys((p.work[0], p.work[1], _text(p.axes)) for p in self.points):
            compared = compare(given, seed)
            names = sorted(compared.figures)
            kept.append(
                {
                    "policy": np.array(names),
                    "goodput_of_pass": np.stack([_of_passes(compared.figures[name].goodput) for name in names]),
                    "bler_of_pass": np.stack([_of_passes(compared.figures[name].bler) for name in names]),
                    "axes": np.array(axes),
                }
            )
        return kept


def _text(axes: Mapping[str, Any]) -> str:
    return json.dumps({path: value for path, value in axes.items() if path != "policy"})


def _of_passes(value: Any) -> Any:
    """Mean over training seeds, [pass]."""
    return np.atleast_2d(value).mean(0)


def _check(given: Adaptation) -> None:
    try:
        structure_of(given).link  # noqa: B018  # its curves are looked up
    except ScenarioError as error:
        raise ScenarioError(f"{error}", key="adaptation.code_block_bits") from None
    for name in given.models:
        check_model(name, given)
    delay = starting_delay_slots(given)
    if given.slots < 2 * delay:
        raise ScenarioError(
            f"{given.slots} slots are fewer than two delays of {delay} slots; lengthen the passes",
            key="adaptation.slots",
        )
    change = delay_change_slots(given)
    if change > 0.5:
        raise ScenarioError(
            f"the delay of feedback may change by {change:.1f} slots over a pass, of half a slot that policies are "
            "fitted to; shorten the passes",
            key="adaptation.slots",
        )


@dataclass(frozen=True)
class Compared:
    """All policies of a point on the same passes."""

    figures: Mapping[str, PassFigures]
    tuned: Mapping[str, Tuned]

    def goodput(self, name: str) -> float:
        """Mean over passes."""
        return float(self.figures[name].goodput.mean())

    @property
    def baseline(self) -> str:
        """The best of the baselines on the passes that are tested on, which is hard on those that are compared."""
        return max(BASELINES, key=self.goodput)


@lru_cache(maxsize=64)
def compare(given: Adaptation, seed: int) -> Compared:
    """All policies of a point, tuned and run on the test passes of a seed."""
    programs = programs_of(structure_of(given))
    training, test = (programs.draw(given, seed, split) for split in ("train", "test"))
    tune = Tuner(given, programs, training)
    names = dict.fromkeys([*BASELINES, "ridge", "informed", "clairvoyant", *given.policies])
    tuned = {name: tune(name) for name in names}
    figures = {name: programs.run(each.policy, each.parameters, test) for name, each in tuned.items()}
    longest = int(np.max(test.delay_slots.numpy()))
    for name in given.models:
        seeds = trained(name, programs, tuned["olla"].parameters, longest)
        tuned[name] = seeds[0]
        found = [programs.run(each.policy, each.parameters, test) for each in seeds]
        figures[name] = PassFigures(*(np.stack(each) for each in zip(*found, strict=True)))
    return Compared(figures, tuned)


def _figures(work: Work) -> dict[str, float]:
    """Figures of a policy at a point, against the baseline and the bounds."""
    given, seed, policy = work
    compared = compare(given, seed)
    mine = compared.figures[policy]
    interval = mean_interval(mine.goodput, seed=seed)
    lost = mean_interval(mine.bler, seed=seed)
    delay_slots = starting_delay_slots(given)
    geometry = geometry_of(given)
    round_trip_s = float(geometry.delay_per_range_s_m * geometry.start_range_m + geometry.fixed_delay_s)
    slot_s = structure_of(given).maker.slot_s
    found = {
        "goodput_bits_per_element": float(mine.goodput.mean()),
        "goodput_bits_per_element_low": interval[0],
        "goodput_bits_per_element_high": interval[1],
        "goodput_p5_bits_per_element": float(np.percentile(mine.windows, 5.0)),
        "spectral_efficiency": float(mine.efficiency.mean()),
        "bler": float(mine.bler.mean()),
        "bler_low": lost[0],
        "bler_high": lost[1],
        "utilisation": float(mine.utilisation.mean()),
        "round_trip_ms": 1e3 * round_trip_s,
        "delay_slots": float(delay_slots),
        "doppler_hz": doppler_hz(given),
        "doppler_delay_cycles": doppler_hz(given) * delay_slots * slot_s,
        **_against(compared, policy, seed),
    }
    return found | {f"tuned_{name}": value for name, value in compared.tuned[policy].chosen.items()}


def _against(compared: Compared, policy: str, seed: int) -> dict[str, float]:
    """Regret per slot, gain over the baseline in percent, and closure: share of the gap to the informed genie."""
    baseline = compared.baseline
    values = {
        "ridge": compared.figures["ridge"].goodput,
        "mine": compared.figures[policy].goodput,
        "base": compared.figures[baseline].goodput,
        "informed": compared.figures["informed"].goodput,
    }
    ridge, mine, base, informed = (float(each.mean()) for each in values.values())
    gain = paired_bootstrap(values, lambda m: 100.0 * (m["mine"] / m["base"] - 1.0), seed=seed)
    closure = paired_bootstrap(
        values, lambda m: (m["mine"] - m["base"]) / np.maximum(m["informed"] - m["base"], 1e-9), seed=seed
    )
    over_ridge = paired_bootstrap(values, lambda m: 100.0 * (m["mine"] / m["ridge"] - 1.0), seed=seed)
    worth = informed > (1.0 + _WORTH) * base
    return {
        "gap_percent": 100.0 * (informed / base - 1.0),
        "gain_percent": 100.0 * (mine / base - 1.0),
        "gain_percent_low": gain[0],
        "gain_percent_high": gain[1],
        "closure": (mine - base) / (informed - base) if worth else np.nan,
        "closure_low": closure[0] if worth else np.nan,
        "closure_high": closure[1] if worth else np.nan,
        "over_ridge_percent": 100.0 * (mine / ridge - 1.0),
        "over_ridge_percent_low": over_ridge[0],
        "over_ridge_percent_high": over_ridge[1],
        "regret_informed_bits_per_element": informed - mine,
        "regret_clairvoyant_bits_per_element": compared.goodput("clairvoyant") - mine,
        "baseline": float(BASELINES.index(baseline)),
    }


def _verdict(policy: str, baseline: str, figures: Mapping[str, float]) -> str:
    """What may be said of a policy: its interval excludes nothing, or does; or there was nothing to win."""
    if policy in BOUNDS:
        return "bound"
    if policy == baseline:
        return "baseline"
    if figures["gain_percent_high"] < 0.0:
        return "loss"
    if figures["gap_percent"] < 100.0 * _WORTH:
        return "nothing to win"
    return "gain" if figures["gain_percent_low"] > 0.0 else "inconclusive"
