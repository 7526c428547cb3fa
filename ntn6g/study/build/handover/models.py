"""Trained agents in a handover study: found by name, checked, run."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import tensorflow as tf

from ntn6g.core.errors import ScenarioError
from ntn6g.services.handover import Simulation
from ntn6g.services.handover.learned import Agent, CandidateNetwork, Candidates
from ntn6g.study.models import TrainedModel, read_model

KIND = "handover-dqn"
_KEY = "handover.models"


def handover_model(name: str) -> TrainedModel:
    """A trained agent by name or folder.

    Raises
    ------
    ScenarioError
        Nothing of that name, or a model of something else.
    """
    try:
        model = read_model(name)
    except ScenarioError as error:
        raise ScenarioError(str(error), key=_KEY) from None
    kind = model.card["network"]["kind"]
    if kind != KIND:
        raise ScenarioError(f"{name!r} is a {kind}, no model of handover", key=_KEY)
    return model


def network_of(model: TrainedModel) -> CandidateNetwork:
    """The network that its card speaks of."""
    told = model.card["network"]
    return CandidateNetwork(candidates=Candidates(neighbours=told["neighbours"]), units=told["units"])


def weights_of(arrays: Mapping[str, Any]) -> tuple[tf.Tensor, ...]:
    """Weights from the arrays of a model file."""
    return tuple(tf.constant(arrays[name]) for name in sorted(arrays) if name.startswith("weight"))


@lru_cache(maxsize=16)
def agent_of_network(simulation: Simulation, network: CandidateNetwork) -> Agent:
    """The compiled greedy policy of a network in a scene; kept."""
    return Agent(simulation, network.candidates, network)
