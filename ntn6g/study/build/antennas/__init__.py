"""Antennas of a scenario: their kinds, where they look, what they gain."""

from ntn6g.study.build.antennas.kinds import MAKERS, End, made, power_over_noise_db
from ntn6g.study.build.antennas.pointing import (
    Gains,
    layout_uv,
    link_gains,
    over_sphere,
    polarisation_loss_db,
    satellite_aim,
    satellite_axes,
    terminal_axes,
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
    "power_over_noise_db",
    "satellite_aim",
    "satellite_axes",
    "terminal_axes",
]
