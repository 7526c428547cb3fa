"""Beyond the single peak: what stands taken away, several targets, frequencies below a cell, when two show as two."""

from ntn6g.services.sensing.estimators.cancellation import remove_static
from ntn6g.services.sensing.estimators.clean import Reflections, clean
from ntn6g.services.sensing.estimators.embedded import EmbeddedPilot
from ntn6g.services.sensing.estimators.joint import esprit_2d, matching_pursuit, music_2d, smoothed_covariance_2d
from ntn6g.services.sensing.estimators.locating import MOST_TARGETS, assigned, locate, window_shape
from ntn6g.services.sensing.estimators.resolution import resolved
from ntn6g.services.sensing.estimators.subspace import esprit, music, smoothed_covariance

__all__ = [
    "MOST_TARGETS",
    "EmbeddedPilot",
    "Reflections",
    "assigned",
    "clean",
    "esprit",
    "esprit_2d",
    "locate",
    "matching_pursuit",
    "music",
    "music_2d",
    "remove_static",
    "resolved",
    "smoothed_covariance",
    "smoothed_covariance_2d",
    "window_shape",
]
