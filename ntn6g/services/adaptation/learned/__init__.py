"""What was trained: predictors with a distribution, agents, and a guard that falls back to a loop."""

from ntn6g.services.adaptation.learned.agents import Agent, AgentNetwork, AgentParameters, Observation, Watch
from ntn6g.services.adaptation.learned.guard import Guarded, GuardedParameters, Limits, surprises
from ntn6g.services.adaptation.learned.networks import PredictorNetwork
from ntn6g.services.adaptation.learned.predictor import LearnedParameters, LearnedPredictor, cell_shares
from ntn6g.services.adaptation.learned.world import LinkWorld

__all__ = [
    "Agent",
    "AgentNetwork",
    "AgentParameters",
    "Guarded",
    "GuardedParameters",
    "LearnedParameters",
    "LearnedPredictor",
    "Limits",
    "LinkWorld",
    "Observation",
    "PredictorNetwork",
    "Watch",
    "cell_shares",
    "surprises",
]
