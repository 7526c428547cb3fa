"""Who is where: platforms and element sets to states, states to link geometry, passes over a terminal."""

from ntn6g.orbit.element_set import ElementSet, constellation_state
from ntn6g.orbit.frames import (
    east_north_up,
    ecef_to_east_north_up,
    geodetic_to_ecef,
    greenwich_mean_sidereal_time,
    teme_to_ecef,
)
from ntn6g.orbit.geometry import LinkGeometry, link_geometry, slant_range_m
from ntn6g.orbit.passes import Pass, SightLine, find_passes, next_pass, time_at_elevation
from ntn6g.orbit.platforms import CircularOrbit, FixedTerminal
from ntn6g.orbit.state import Platform, State, Times, stack_states

__all__ = [
    "CircularOrbit",
    "ElementSet",
    "FixedTerminal",
    "LinkGeometry",
    "Pass",
    "Platform",
    "SightLine",
    "State",
    "Times",
    "constellation_state",
    "east_north_up",
    "ecef_to_east_north_up",
    "find_passes",
    "geodetic_to_ecef",
    "greenwich_mean_sidereal_time",
    "link_geometry",
    "next_pass",
    "slant_range_m",
    "stack_states",
    "teme_to_ecef",
    "time_at_elevation",
]
