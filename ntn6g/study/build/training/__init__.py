"""From a scenario to what is trained on it; one file and one entry of `LEARNERS` per kind of model."""

from collections.abc import Callable
from typing import Any

from ntn6g.scenario import Scenario, Training
from ntn6g.study.build.training.agents import AgentLearner
from ntn6g.study.build.training.detectors import DetectorLearner
from ntn6g.study.build.training.handover import HandoverLearner
from ntn6g.study.build.training.predictors import PredictorLearner

__all__ = ["LEARNERS", "build_learner"]

LEARNERS: dict[str, Callable[[Scenario, Training], Any]] = {
    "gru": PredictorLearner,
    "transformer": PredictorLearner,
    "dqn": AgentLearner,
    "ppo": AgentLearner,
    "map-detector": DetectorLearner,
}
"""Makers of a `ntn6g.study.training.Learner` by the kind of model that a scenario names; but for handover."""


def build_learner(scenario: Scenario) -> Any:
    """The learner that a scenario's section ``training`` asks for.

    Raises
    ------
    ScenarioError
        A section is missing, or numbers that do not fit together.
    """
    assert scenario.training is not None  # checked by the caller
    if scenario.study == "handover":
        return HandoverLearner(scenario, scenario.training)
    return LEARNERS[scenario.training.model.kind](scenario, scenario.training)
