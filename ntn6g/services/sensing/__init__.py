"""Sensing with the grid that carries data: echoes of targets, maps of range and velocity, bounds, detection."""

from ntn6g.services.sensing.detection.cfar import DETECTORS, Cfar
from ntn6g.services.sensing.detection.learned import DetectorNetwork, LearnedDetector
from ntn6g.services.sensing.frames.beams import split_gains
from ntn6g.services.sensing.frames.communication import LinkConditions, SharedLink
from ntn6g.services.sensing.frames.echo import (
    SWERLING,
    Targets,
    echo_response,
    log_normal_factor,
    receive,
    steering,
    swerling_gain,
)
from ntn6g.services.sensing.frames.frame import Scene, SensingFrame
from ntn6g.services.sensing.frames.grid import SensingGrid
from ntn6g.services.sensing.frames.waveforms import WAVEFORMS, spread
from ntn6g.services.sensing.maps.ambiguity import Lobes, ambiguity, lobes
from ntn6g.services.sensing.maps.array import form_beams, strongest_of_beams
from ntn6g.services.sensing.maps.bounds import Bound, crlb, fisher_matrix
from ntn6g.services.sensing.maps.periodogram import (
    ESTIMATORS,
    WINDOWS,
    Peak,
    RangeDopplerMap,
    estimate_channel,
    strongest,
    window,
)
from ntn6g.services.sensing.scene.surroundings import Surroundings, clutter_response, motion
from ntn6g.services.sensing.trials.fix import FixOutcome, FixTrial, FixValues, expected_covariance
from ntn6g.services.sensing.trials.tracks import TrackOutcome, TrackTrial
from ntn6g.services.sensing.trials.trial import Detector, SensingTrial, TrialOutcome, TrialValues

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
