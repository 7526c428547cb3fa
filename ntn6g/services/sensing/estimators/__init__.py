"""Estimators beyond the single peak: several targets, frequencies below a cell, and when two targets show as two."""

from ntn6g.services.sensing.estimators.clean import Reflections, clean
from ntn6g.services.sensing.estimators.resolution import resolved
from ntn6g.services.sensing.estimators.subspace import esprit, music, smoothed_covariance

__all__ = ["Reflections", "clean", "esprit", "music", "resolved", "smoothed_covariance"]
