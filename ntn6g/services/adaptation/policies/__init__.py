"""Policies of link adaptation: one interface, from a fixed MCS to genies."""

from ntn6g.services.adaptation.policies.beliefs import (
    LastReport,
    LevelGrid,
    LinearPredictor,
    Predictor,
    ReportTable,
    ThompsonSampling,
    level_grid,
)
from ntn6g.services.adaptation.policies.genies import WINDOW, Clairvoyant, Informed, Prediction, prediction
from ntn6g.services.adaptation.policies.interface import Feedback, Policy, Seen, Tree, Truth
from ntn6g.services.adaptation.policies.loops import Fixed, InnerLoop, OuterLoop, OuterLoopSteps

__all__ = [
    "WINDOW",
    "Clairvoyant",
    "Feedback",
    "Fixed",
    "Informed",
    "InnerLoop",
    "LastReport",
    "LevelGrid",
    "LinearPredictor",
    "OuterLoop",
    "OuterLoopSteps",
    "Policy",
    "Prediction",
    "Predictor",
    "ReportTable",
    "Seen",
    "ThompsonSampling",
    "Tree",
    "Truth",
    "level_grid",
    "prediction",
]
