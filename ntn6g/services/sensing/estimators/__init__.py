"""Beyond the single peak: what stands taken away, several targets, frequencies below a cell, when two show as two."""

from ntn6g.services.sensing.estimators.cancellation import remove_static
from ntn6g.services.sensing.estimators.clean import Reflections, clean
from ntn6g.services.sensing.estimators.resolution import resolved
from ntn6g.services.sensing.estimators.subspace import esprit, music, smoothed_covariance

__all__ = ["Reflections", "clean", "esprit", "music", "remove_static", "resolved", "smoothed_covariance"]
