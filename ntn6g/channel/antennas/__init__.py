"""Antennas: patterns of apertures and recommendations, arrays and their steering, beam layouts, polarisation."""

from ntn6g.channel.antennas.array import PlanarArray, direction, element_dbi, jones, polarisation_loss_db
from ntn6g.channel.antennas.layout import (
    BEAMS,
    REUSE,
    adjacent_spacing_uv,
    beam_directions,
    colours,
    hexagonal_beams,
    mispointed,
)
from ntn6g.channel.antennas.mounted import (
    Antenna,
    Axial,
    FlatAperture,
    SteeredArray,
    angle_between_rad,
    mispointed_by,
)
from ntn6g.channel.antennas.patterns import (
    aperture_gain_dbi,
    circular_aperture,
    half_power_beamwidth_rad,
    relative_db,
    s465_dbi,
    s580_dbi,
    s1428_dbi,
    s1528_low_orbit_dbi,
    s1528_satellite_dbi,
    taylor_aperture,
)
from ntn6g.channel.antennas.reference import SatelliteAntenna, satellite_antenna

__all__ = [
    "BEAMS",
    "REUSE",
    "Antenna",
    "Axial",
    "FlatAperture",
    "PlanarArray",
    "SatelliteAntenna",
    "SteeredArray",
    "adjacent_spacing_uv",
    "angle_between_rad",
    "aperture_gain_dbi",
    "beam_directions",
    "circular_aperture",
    "colours",
    "direction",
    "element_dbi",
    "half_power_beamwidth_rad",
    "hexagonal_beams",
    "jones",
    "mispointed",
    "mispointed_by",
    "polarisation_loss_db",
    "relative_db",
    "s465_dbi",
    "s580_dbi",
    "s1428_dbi",
    "s1528_low_orbit_dbi",
    "s1528_satellite_dbi",
    "satellite_antenna",
    "taylor_aperture",
]
