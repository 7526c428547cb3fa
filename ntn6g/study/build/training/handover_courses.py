"""Ways of terminals for training: sets by split and number, each with satellites, loads and draws of its own."""

import math
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import numpy as np

from ntn6g.core import random
from ntn6g.core.errors import ScenarioError
from ntn6g.scenario import Scenario, Training, apply
from ntn6g.services.handover import Block, Record, World
from ntn6g.study.build.handover.environment import Course
from ntn6g.study.build.handover.places import LOOK_AHEAD_S
from ntn6g.study.build.handover.world import Stage, case_of

Array = np.ndarray[Any, np.dtype[np.float64]]
Run = Callable[[World, Any, Block], tuple[Any, Record]]
"""World, what goes on from block to block, and a block, to what goes on and a record."""

SPLITS = ("test", "validation", "train")
_APART_S = 600.0  # between starts of two sets, at least


class Courses:
    """Sets of ``handover.terminals.count`` terminals; set 0 of ``test`` is that of the study itself.

    Sets follow one another in time and share no instant, so that satellites stand elsewhere; places of terminals,
    loads, shadowing and errors of measurement come from a seed for each set.

    Parameters
    ----------
    scenario, training
        What is trained on what.

    Raises
    ------
    ScenarioError
        No section ``handover``.
    """

    def __init__(self, scenario: Scenario, training: Training) -> None:
        if scenario.handover is None:
            raise ScenarioError("required key is missing; training of a handover needs it", key="handover")
        self.scenario, self.count = scenario, scenario.handover.terminals.count
        self.sets = {split: math.ceil(getattr(training.passes, split) / self.count) for split in SPLITS}
        span_s = scenario.handover.duration_s + LOOK_AHEAD_S
        self._apart = timedelta(seconds=_APART_S * math.ceil(span_s / _APART_S))
        self._kept: dict[tuple[str, int], Course] = {}

    def scenario_of(self, split: str, number: int) -> Scenario:
        """The scenario of a set."""
        given = self.scenario.handover
        assert given is not None  # checked at the beginning
        place = len(SPLITS) * number + SPLITS.index(split)
        if not place:
            return self.scenario
        high, low = random.chunk_key(self.scenario.seed, f"handover|{split}", number)
        moved = given.model_copy(update={"start": given.start + place * self._apart})
        return self.scenario.model_copy(update={"seed": (high << 31) ^ low, "handover": moved})

    def course(self, split: str, number: int) -> Course:
        """A set on tensors; it is kept.

        Raises
        ------
        ScenarioError
            No satellite in view at the start of the set.
        """
        if (split, number) not in self._kept:
            asked = self.scenario_of(split, number)
            assert asked.handover is not None  # as above
            try:
                stage = Stage(case_of(asked))
            except ScenarioError as error:
                begins = asked.handover.start.isoformat(timespec="seconds")
                raise ScenarioError(f"set {number} of {split}, which starts at {begins}: {error}") from None
            self._kept[split, number] = Course(stage)
        return self._kept[split, number]

    def every(self, split: str) -> Iterator[Course]:
        """All sets of a split."""
        for number in range(self.sets[split]):
            yield self.course(split, number)

    def facts(self) -> dict[str, str]:
        """Splits in words, for a card."""
        given = self.scenario.handover
        assert given is not None  # as above
        told = {
            split: f"{count} sets of {self.count} terminals over {given.duration_s:g} s, each with a start of its own"
            for split, count in self.sets.items()
        }
        told["test"] += "; the first is that of the study"
        return told


def served_bps(course: Course, begin: Callable[[World], Any], run: Run) -> Array:
    """Mean rate that each terminal of a set is served, float64 [terminal]."""
    stage = course.stage
    carry = begin(stage.world)
    for number in range(stage.blocks):
        carry, _ = run(stage.world, carry, course.block(number))
    state = carry[1]
    return np.asarray(state.counts.served_bits.numpy(), np.float64) / (stage.steps * stage.step_s)


def shifted_scenario(scenario: Scenario, training: Training) -> Scenario:
    """The scenario with the keys of ``training.shifted``.

    Raises
    ------
    ScenarioError
        A shift of something else than the section ``handover``.
    """
    for path in training.shifted:
        if not path.startswith("handover."):
            raise ScenarioError(
                f"{path} is no key of handover, such as handover.measurement.error_db", key="training.shifted"
            )
    return apply(scenario, training.shifted)
