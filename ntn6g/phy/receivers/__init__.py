"""What a receiver does beyond one tap: covariance, interference between carriers, iterations over spread symbols."""

from ntn6g.phy.receivers.covariance import LmmseEstimator
from ntn6g.phy.receivers.detectors import BandedMmse, Detector, OneTap, despread
from ntn6g.phy.receivers.message_passing import MessagePassing

__all__ = ["BandedMmse", "Detector", "LmmseEstimator", "MessagePassing", "OneTap", "despread"]
