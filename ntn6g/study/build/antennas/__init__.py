"""Antennas of a scenario: their kinds, where they look, what they gain."""

from ntn6g.study.build.antennas.kinds import MAKERS, End, made
from ntn6g.study.build.antennas.pointing import (
    Gains,
    layout_uv,
    link_gains,
    over_sphere,
    polarisation_loss_db,
    satellite_aim,
)

__all__ = [
    "MAKERS",
    "End",
    "Gains",
    "layout_uv",
    "link_gains",
    "made",
    "over_sphere",
    "polarisation_loss_db",
    "satellite_aim",
]
