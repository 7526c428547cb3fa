"""Trained models in a link adaptation study: one policy for every seed of a training."""

from ntn6g.core.errors import ScenarioError
from ntn6g.scenario import Adaptation
from ntn6g.services.adaptation.policies import OuterLoopSteps
from ntn6g.study.build.adaptation_link import Programs, structure_of
from ntn6g.study.build.adaptation_policies import Tuned
from ntn6g.study.build.learned_policies import guarded_policy, learned_policy
from ntn6g.study.models import TrainedModel, read_model

GUARDED = "-guarded"
_KEY = "adaptation.models"
_PREDICTORS, _AGENTS = ("gru", "transformer"), ("dqn", "ppo")


def check_model(name: str, given: Adaptation) -> None:
    """Refuse a model that is none, or none for this link."""
    model = _model(name)
    kind = model.card["network"]["kind"]
    if kind not in _PREDICTORS + _AGENTS:
        raise ScenarioError(f"{name!r} is a {kind}, no model of link adaptation", key=_KEY)
    if name.endswith(GUARDED) and kind not in _PREDICTORS:
        raise ScenarioError(
            f"{name!r}: a {kind} foretells nothing that could be watched; leave {GUARDED} out", key=_KEY
        )
    link = structure_of(given).link
    if kind in _AGENTS and model.card["network"]["mcs"] != link.ladder.size:
        trained_for = model.card["network"]["mcs"]
        raise ScenarioError(
            f"{name!r} was trained with {trained_for} MCS, adaptation.mcs_table {given.mcs_table} has "
            f"{link.ladder.size}",
            key=_KEY,
        )


def digest_of(name: str) -> str:
    """SHA-256 of a model's network and weights."""
    return _model(name).digest


def trained(name: str, programs: Programs, loop: OuterLoopSteps, longest_delay_slots: int) -> list[Tuned]:
    """A policy for each seed of a model; ``loop`` is the tuned outer loop that takes over for a guarded one."""
    model, found = _model(name), []
    network = model.card["network"]
    for arrays in model.weights.values():
        if name.endswith(GUARDED):
            policy, parameters = guarded_policy(network, arrays, programs, loop, longest_delay_slots)
        else:
            policy, parameters = learned_policy(network, arrays, programs.link.ladder)
        found.append(Tuned(policy, parameters, {"seeds": float(len(model.weights))}))
    return found


def _model(name: str) -> TrainedModel:
    try:
        return read_model(name.removesuffix(GUARDED))
    except ScenarioError as error:
        raise ScenarioError(str(error), key=_KEY) from None
