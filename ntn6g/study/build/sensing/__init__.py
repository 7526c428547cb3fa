"""Sensing studies: one frame and what is found in it, or a target over several paths."""

from ntn6g.study.build.sensing.multistatic import MultistaticStudy
from ntn6g.study.build.sensing.study import SensingStudy

__all__ = ["MultistaticStudy", "SensingStudy"]
