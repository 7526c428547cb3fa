"""Hybrid ARQ: blocks sent again until they are decoded, and what the round trip of a satellite makes of it."""

from ntn6g.phy.harq.chain import HarqChain, HarqOutcome, HarqValues
from ntn6g.phy.harq.timing import HarqTiming

__all__ = ["HarqChain", "HarqOutcome", "HarqTiming", "HarqValues"]
