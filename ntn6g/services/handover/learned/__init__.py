"""Handover by what was learned: what an agent may know, the world it learns in, its network, and its greedy policy."""

from ntn6g.services.handover.learned.agent import Agent
from ntn6g.services.handover.learned.candidates import RATE_BPS, REPORTED, Candidates, View
from ntn6g.services.handover.learned.network import CandidateNetwork
from ntn6g.services.handover.learned.world import Carry, Given, HandoverWorld, Place

__all__ = [
    "RATE_BPS",
    "REPORTED",
    "Agent",
    "CandidateNetwork",
    "Candidates",
    "Carry",
    "Given",
    "HandoverWorld",
    "Place",
    "View",
]
