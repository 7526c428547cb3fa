"""Sensing with the grid that carries data: echoes of targets, maps of range and velocity, bounds, detection."""

from ntn6g.services.sensing.ambiguity import Lobes, ambiguity, lobes
from ntn6g.services.sensing.bounds import Bound, crlb, fisher_matrix
from ntn6g.services.sensing.communication import LinkConditions, SharedLink
from ntn6g.services.sensing.detection import DETECTORS, Cfar
from ntn6g.services.sensing.echo import SWERLING, Targets, echo_response, receive, steering, swerling_gain
from ntn6g.services.sensing.frame import SensingFrame
from ntn6g.services.sensing.grid import SensingGrid
from ntn6g.services.sensing.maps import (
    ESTIMATORS,
    WINDOWS,
    Peak,
    RangeDopplerMap,
    estimate_channel,
    strongest,
    window,
)
from ntn6g.services.sensing.trial import SensingTrial, TrialOutcome, TrialValues

__all__ = [
    "DETECTORS",
    "ESTIMATORS",
    "SWERLING",
    "WINDOWS",
    "Bound",
    "Cfar",
    "LinkConditions",
    "Lobes",
    "Peak",
    "RangeDopplerMap",
    "SensingFrame",
    "SensingGrid",
    "SensingTrial",
    "SharedLink",
    "Targets",
    "TrialOutcome",
    "TrialValues",
    "ambiguity",
    "crlb",
    "echo_response",
    "estimate_channel",
    "fisher_matrix",
    "lobes",
    "receive",
    "steering",
    "strongest",
    "swerling_gain",
    "window",
]
