"""Handover by what was learned: what an agent may know, and the world it learns in."""

from ntn6g.services.handover.learned.candidates import RATE_BPS, REPORTED, Candidates, View
from ntn6g.services.handover.learned.world import Carry, Given, HandoverWorld, Place

__all__ = ["RATE_BPS", "REPORTED", "Candidates", "Carry", "Given", "HandoverWorld", "Place", "View"]
