"""Policies around trained weights: from the arrays of a model file and back."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from ntn6g.services.adaptation import RateLadder, Trace
from ntn6g.services.adaptation.learned import (
    Agent,
    AgentNetwork,
    AgentParameters,
    Guarded,
    GuardedParameters,
    LearnedParameters,
    LearnedPredictor,
    Limits,
    Observation,
    PredictorNetwork,
    surprises,
)
from ntn6g.services.adaptation.policies import OuterLoop, OuterLoopSteps, Policy, Tree
from ntn6g.study.build.adaptation_link import Programs

Arrays = Mapping[str, np.ndarray[Any, Any]]
_ALARM = 1e-3  # share of the slots of validation passes that lie beyond each limit


def predictor_arrays(parameters: LearnedParameters) -> Arrays:
    """Parameters of a predictor as arrays by name."""
    return {**_arrays(parameters.weights), "youngest_slots": np.array(int(parameters.youngest_slots), np.int32)}


def agent_arrays(weights: Any, youngest_slots: int) -> Arrays:
    """Parameters of an agent as arrays by name."""
    return {**_arrays(weights), "youngest_slots": np.array(youngest_slots, np.int32)}


def learned_policy(
    network: Mapping[str, Any], arrays: Arrays, ladder: RateLadder, limit: float = 1.0
) -> tuple[Policy, Tree]:
    """Policy and parameters from what a card says of the network and the arrays of a model file."""
    weights = tuple(tf.constant(arrays[name]) for name in sorted(arrays) if name.startswith("weight"))
    youngest = tf.constant(arrays["youngest_slots"])
    if network["kind"] in ("gru", "transformer"):
        return LearnedPredictor(ladder, PredictorNetwork(**network), limit), LearnedParameters(weights, youngest)
    observation = Observation(**{name: network[name] for name in ("reports", "ages", "mcs")})
    shape = AgentNetwork(features=observation.features, units=network["units"], outputs=network["outputs"])
    return Agent(ladder, observation, shape, network["kind"]), AgentParameters(weights, youngest)


def guarded_policy(
    network: Mapping[str, Any], arrays: Arrays, programs: Programs, steps: OuterLoopSteps, delay_slots: int
) -> tuple[Policy, Tree]:
    """A predictor with the loop that takes over where it is out of its setting."""
    predictor, parameters = learned_policy(network, arrays, programs.link.ladder)
    assert isinstance(predictor, LearnedPredictor)  # the caller has looked at the kind
    period = programs.structure.maker.period_slots
    kept = math.ceil(delay_slots / period) + 3
    limits = Limits(*(tf.constant(arrays[name]) for name in ("surprise_lowest", "surprise_highest")))
    policy = Guarded(predictor, OuterLoop(programs.link.ladder), period, kept)
    return policy, GuardedParameters(parameters, steps, limits)


def guarded_limits(network: Mapping[str, Any], arrays: Arrays, programs: Programs, validation: Trace) -> Arrays:
    """Limits of the mean surprise on validation passes: one slot in a thousand lies beyond either."""
    link, warm_up = programs.link, programs.structure.warm_up_slots
    steps = OuterLoopSteps(link.ladder.thresholds_db(0.1), *(tf.constant(0.1) for _ in range(5)))
    wide = {**arrays, "surprise_lowest": np.asarray(1e-6, np.float32), "surprise_highest": np.asarray(1e6, np.float32)}
    delay = int(tf.reduce_max(validation.delay_slots))
    policy, parameters = guarded_policy(network, wide, programs, steps, delay)
    run = tf.function(
        lambda given, trace: surprises(link, policy, given, trace),  # type: ignore[arg-type]  # it is Guarded
        jit_compile=True,
        autograph=False,
    )
    found = run(parameters, validation).numpy()[warm_up:]
    lowest, highest = np.quantile(found, [_ALARM, 1.0 - _ALARM])
    return {"surprise_lowest": np.asarray(lowest, np.float32), "surprise_highest": np.asarray(highest, np.float32)}


def _arrays(weights: Any) -> dict[str, np.ndarray[Any, Any]]:
    return {f"weight{number:03d}": np.asarray(each) for number, each in enumerate(weights)}
