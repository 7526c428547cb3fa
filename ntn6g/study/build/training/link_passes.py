"""Passes of a link for training: sets of them by split and number, drawn when they are needed."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ntn6g.core.errors import ScenarioError
from ntn6g.scenario import Adaptation, Scenario, Training, apply
from ntn6g.services.adaptation import Trace, fitting
from ntn6g.services.adaptation.policies import Policy, Tree
from ntn6g.study.build.adaptation_link import Programs, programs_of, structure_of

SPLITS = ("train", "validation", "test", "shifted")


@dataclass(frozen=True, eq=False)
class LinkPasses:
    """Passes of the setting that is trained in, and of the shifted one.

    Each set has ``adaptation.passes`` passes. Set 0 of ``test`` is that of the study `adaptation`, which no training
    sees; ``train`` and ``validation`` come from streams of their own.

    Parameters
    ----------
    asked, shifted : Adaptation
        The two settings.
    seed : int
        Of the scenario: all training seeds learn from the same passes.
    sets : mapping
        Number of sets of the splits ``train`` and ``validation``.
    """

    asked: Adaptation
    shifted: Adaptation
    seed: int
    sets: Mapping[str, int]

    @cached_property  # with numbers on the host, which cannot be had while a program is made
    def programs(self) -> Programs:
        """Of the setting that is trained in."""
        return programs_of(structure_of(self.asked))

    def draw(self, split: str, number: int = 0) -> Trace:
        """One set of passes."""
        if split == "shifted":
            return programs_of(structure_of(self.shifted)).draw(self.shifted, self.seed, "test")
        return self.programs.draw(self.asked, self.seed, split, number)

    def every(self, split: str) -> list[Trace]:
        """All sets of a split."""
        return [self.draw(split, number) for number in range(self.sets.get(split, 1))]

    def goodput(self, policy: Policy, parameters: Tree, trace: Trace, *, shifted: bool = False) -> float:
        """Mean goodput of a policy over passes, bits per data element."""
        asked = self.shifted if shifted else self.asked
        return programs_of(structure_of(asked)).goodput(policy, parameters, trace)

    def facts(self, training: Training) -> dict[str, str]:
        """Splits in words, for a card."""
        size, slots = self.asked.passes, self.programs.structure.maker.slots
        told = {split: f"{self.sets.get(split, 1) * size} passes of {slots} slots" for split in ("train", "validation")}
        told["test"] = f"{size} passes of {slots} slots, those of the study adaptation"
        changed = ", ".join(f"{path} = {value}" for path, value in training.shifted.items())
        if changed:
            told["shifted"] = f"{size} passes like those of test with {changed}"
        return told

    def exported(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Every split as arrays [slots or reports, pass]: what a transmitter may know, and what it has to foretell."""
        for split in SPLITS:
            traces = self.every(split)
            names = ("snr_db", "level_db", "delay_slots", "report_db")
            arrays = {name: np.concatenate([getattr(each, name).numpy() for each in traces], 1) for name in names}
            yield split, {**arrays, "period_slots": np.array(self.programs.structure.maker.period_slots)}


def passes_of(scenario: Scenario, training: Training) -> LinkPasses:
    """Passes that a scenario asks to train on.

    Raises
    ------
    ScenarioError
        No section ``adaptation``, or a shift of something else.
    """
    asked = scenario.adaptation
    if asked is None:
        raise ScenarioError(f"required key is missing; training of a {training.model.kind} needs it", key="adaptation")
    for path in training.shifted:
        if not path.startswith("adaptation."):
            raise ScenarioError(f"{path} is no key of adaptation, such as adaptation.speed_kmh", key="training.shifted")
    # a scenario whose studies are parts names none itself
    changed = apply(scenario, {"study": "adaptation", **training.shifted}).adaptation if training.shifted else asked
    assert changed is not None  # the key above has it
    counts = {name: -(-getattr(training.passes, name) // asked.passes) for name in ("train", "validation")}
    return LinkPasses(asked, changed, scenario.seed, counts)


def ages_of(passes: LinkPasses) -> tuple[int, int]:
    """Youngest age of a report on training passes, and how many ages there are."""
    ages = fitting.ages_of(passes.draw("train"), passes.programs.structure.maker)
    return int(ages[0]), len(ages)
