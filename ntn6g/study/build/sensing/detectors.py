"""Detectors of a structure: of constant false-alarm rate, or trained."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from ntn6g.core.errors import ScenarioError
from ntn6g.scenario import Sensing
from ntn6g.services.sensing import Cfar, DetectorNetwork, LearnedDetector
from ntn6g.study.build.sensing.structure import ModelChoice, SensingStructure
from ntn6g.study.models import TrainedModel, read_model

KIND = "map-detector"
_KEY = "sensing.detector.model"


def chosen_model(given: Sensing) -> ModelChoice | None:
    """The model that a detector of kind ``learned`` uses; None for others.

    Raises
    ------
    ScenarioError
        No such model or seed, one of something else, or one that was trained on other maps.
    """
    if given.detector.kind != "learned":
        return None
    assert given.detector.model is not None  # checked on loading
    model = _read(given.detector.model)
    network, seed = model.card["network"], given.detector.model_seed
    if network["kind"] != KIND:
        raise ScenarioError(f"{model.name!r} is a {network['kind']}, no detector", key=_KEY)
    for key, value in (("padding", given.padding), ("window", given.window)):
        if network[key] != value:
            raise ScenarioError(
                f"{model.name!r} was trained on maps with {key} {network[key]}, sensing.{key} is {value}", key=_KEY
            )
    if seed is not None and seed not in model.weights:
        known = ", ".join(map(str, model.weights))
        raise ScenarioError(f"{model.name!r} has no seed {seed}; there are {known}", key=f"{_KEY}_seed")
    return ModelChoice(model.name, model.best_seed if seed is None else seed, model.digest)


def make_detector(structure: SensingStructure, false_alarm: float) -> tuple[Cfar | LearnedDetector, float]:
    """The detector of a structure, and its threshold at a false-alarm rate.

    Raises
    ------
    ValueError
        A rate that the detector has no threshold for.
    """
    if structure.model is None:
        detector = structure.cfar(false_alarm)
        return detector, detector.multiple
    model = _read(structure.model.name)
    learned = learned_detector(model.card["network"], model.weights[structure.model.seed])
    return learned, learned.threshold(false_alarm)


def learned_detector(network: Mapping[str, Any], arrays: Mapping[str, np.ndarray[Any, Any]]) -> LearnedDetector:
    """The detector of a model file: what a card says of its network, and the arrays of one seed."""
    return LearnedDetector(
        network=DetectorNetwork(channels=network["channels"], layers=network["layers"]),
        weights=weights_of(arrays),
        false_alarms=np.asarray(arrays["false_alarm"], np.float64),
        thresholds=np.asarray(arrays["threshold"], np.float64),
        padding=network["padding"],
    )


def weights_of(arrays: Mapping[str, np.ndarray[Any, Any]]) -> tuple[np.ndarray[Any, Any], ...]:
    """The weights among the arrays of a model file, in their order."""
    return tuple(arrays[name] for name in sorted(arrays) if name.startswith("weight"))


def _read(name: str) -> TrainedModel:
    try:
        return read_model(name)
    except ScenarioError as error:
        raise ScenarioError(str(error), key=_KEY) from None
