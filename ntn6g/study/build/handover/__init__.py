"""Study `handover`: scenario to stage, policies through it, rows and series."""

from ntn6g.study.build.handover.study import HandoverStudy

__all__ = ["HandoverStudy"]
