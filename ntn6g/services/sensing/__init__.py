"""Sensing with the grid that carries data: echoes of targets, maps of range and velocity, bounds, detection."""

from ntn6g.services.sensing.ambiguity import Lobes, ambiguity, lobes
from ntn6g.services.sensing.array import form_beams, strongest_of_beams
from ntn6g.services.sensing.beams import split_gains
from ntn6g.services.sensing.bounds import Bound, crlb, fisher_matrix
from ntn6g.services.sensing.communication import LinkConditions, SharedLink
from ntn6g.services.sensing.detection import DETECTORS, Cfar
from ntn6g.services.sensing.echo import (
    SWERLING,
    Targets,
    echo_response,
    log_normal_factor,
    receive,
    steering,
    swerling_gain,
)
from ntn6g.services.sensing.fix import FixOutcome, FixTrial, FixValues, expected_covariance
from ntn6g.services.sensing.frame import Scene, SensingFrame
from ntn6g.services.sensing.grid import SensingGrid
from ntn6g.services.sensing.learned import DetectorNetwork, LearnedDetector
from ntn6g.services.sensing.maps import (
    ESTIMATORS,
    WINDOWS,
    Peak,
    RangeDopplerMap,
    estimate_channel,
    strongest,
    window,
)
from ntn6g.services.sensing.scene.surroundings import Surroundings, clutter_response, motion
from ntn6g.services.sensing.tracks import TrackOutcome, TrackTrial
from ntn6g.services.sensing.trial import Detector, SensingTrial, TrialOutcome, TrialValues
from ntn6g.services.sensing.waveforms import WAVEFORMS, spread

__all__ = [
    "DETECTORS",
    "ESTIMATORS",
    "SWERLING",
    "WAVEFORMS",
    "WINDOWS",
    "Bound",
    "Cfar",
    "Detector",
    "DetectorNetwork",
    "FixOutcome",
    "FixTrial",
    "FixValues",
    "LearnedDetector",
    "LinkConditions",
    "Lobes",
    "Peak",
    "RangeDopplerMap",
    "Scene",
    "SensingFrame",
    "SensingGrid",
    "SensingTrial",
    "SharedLink",
    "Surroundings",
    "Targets",
    "TrackOutcome",
    "TrackTrial",
    "TrialOutcome",
    "TrialValues",
    "ambiguity",
    "clutter_response",
    "crlb",
    "echo_response",
    "estimate_channel",
    "expected_covariance",
    "fisher_matrix",
    "form_beams",
    "lobes",
    "log_normal_factor",
    "motion",
    "receive",
    "split_gains",
    "spread",
    "steering",
    "strongest",
    "strongest_of_beams",
    "swerling_gain",
    "window",
]
