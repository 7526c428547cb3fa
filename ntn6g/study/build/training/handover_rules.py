"""The best rule of handover that a grid of its parameters holds, for what was learned to be compared with."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product

from ntn6g.scenario.handover import Tuning
from ntn6g.services.handover import Rule, tensors_of
from ntn6g.study.build.handover.environment import Course
from ntn6g.study.build.handover.policies import rule_of
from ntn6g.study.build.training.handover_courses import Array, Courses, served_bps

_GRIDS: Mapping[str, Mapping[str, tuple[float, ...]]] = {
    "a3": {"offset_db": (0.0, 1.0), "time_to_trigger_ms": (0.0, 80.0), "serving_below_db": (-3.0, 0.0, 3.0)},
    "cho-a3": {"offset_db": (0.0, 1.0), "time_to_trigger_ms": (0.0, 80.0), "serving_below_db": (-3.0, 0.0, 3.0)},
    "a4": {"threshold_db": (-3.0, 0.0, 3.0), "hysteresis_db": (0.5, 1.0, 2.0)},
    "cho-d1-a4": {"distance_offset_km": (-6.0, -3.0, 0.0, 3.0)},
    "cho-t1-a4": {"lead_s": (0.2, 0.5, 1.0, 2.0)},
    "visibility": {"lead_s": (0.2, 0.5, 1.0, 2.0), "min_stay_s": (1.0, 3.0)},
    "antenna-gain": {"offset_db": (0.0, 0.5, 1.0, 2.0), "time_to_trigger_ms": (0.0, 80.0)},
    "load-aware": {
        "margin_mbps": (0.2, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0),
        "time_to_trigger_ms": (0.0, 80.0, 160.0),
    },
}
_OVER_GIVEN = ("serving_below_db", "threshold_db")  # which are added to the scenario's own value
_KEPT = ((12, 1), (4, 3))
"""After so many more sets so many rules are left: twelve after the first, four after three others, one after all."""


@dataclass(frozen=True)
class TunedRule:
    """A rule and what was chosen for it."""

    rule: Rule
    chosen: Mapping[str, float]

    @property
    def words(self) -> str:
        """Name and parameters."""
        return ", ".join([self.rule.name, *(f"{name} {value:g}" for name, value in self.chosen.items())])

    def served_bps(self, course: Course) -> Array:
        """Mean rate of every terminal of a set."""
        simulation = course.stage.simulation
        numbers = tensors_of(self.rule, course.stage.step_s)
        return served_bps(
            course, simulation.start, lambda world, carry, block: simulation.run(world, numbers, carry, block)
        )


def rules(tuning: Tuning) -> Iterator[TunedRule]:
    """Every rule of the grids, what they leave out as the scenario has it."""
    for name, grid in _GRIDS.items():
        for values in product(*grid.values()):
            chosen = {
                key: value + (getattr(tuning, key) if key in _OVER_GIVEN else 0.0)
                for key, value in zip(grid, values, strict=True)
            }
            yield TunedRule(rule_of(name, tuning.model_copy(update=chosen)), chosen)


def best_rule(courses: Courses) -> TunedRule:
    """The rule that serves most on the training sets.

    All go through the first set, the better ones through more of them and the best through all; ways are the same for
    every rule.
    """
    given = courses.scenario.handover
    assert given is not None  # the courses have it
    left, total, done = list(rules(given.tuning)), {}, 0
    total = dict.fromkeys(range(len(left)), 0.0)
    among = list(total)
    last = (1, courses.sets["train"])
    for kept, more in (*_KEPT, last):
        until = min(done + more, courses.sets["train"])
        for number in range(done, until):
            course = courses.course("train", number)
            for each in among:
                total[each] += float(left[each].served_bps(course).mean())
        among = sorted(among, key=lambda each: -total[each])[:kept]
        done = until
    return left[among[0]]
