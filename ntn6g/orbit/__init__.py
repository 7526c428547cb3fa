"""Who is where: platforms and element sets to states, states to link geometry, passes over a terminal."""

from ntn6g.orbit.beam import (
    BeamDifference,
    GroundPoints,
    beam_difference,
    beam_outline,
    footprint_angles,
    ground_points,
    off_boresight_rad,
    steered,
    track_axes,
)
from ntn6g.orbit.constellation.named import NamedConstellation, constellation, constellations
from ntn6g.orbit.constellation.walker import WalkerShell, walker_orbits
from ntn6g.orbit.ephemeris.elements import OrbitalElements, elements_of_state, state_of_elements
from ntn6g.orbit.ephemeris.message import (
    VALIDITY_S,
    CommonTimingMessage,
    OrbitalMessage,
    StateVectorMessage,
    orbital_message,
    state_vector_message,
)
from ntn6g.orbit.ephemeris.prediction import BroadcastEphemeris, predicted_state
from ntn6g.orbit.ephemeris.timing import UplinkTiming, common_timing, displaced, uplink_timing
from ntn6g.orbit.frames import (
    east_north_up,
    ecef_to_east_north_up,
    geodetic_to_ecef,
    greenwich_mean_sidereal_time,
    teme_to_ecef,
)
from ntn6g.orbit.geometry import LinkGeometry, link_geometry, slant_range_m
from ntn6g.orbit.network.contacts import ContactPlan, contact_plan
from ntn6g.orbit.network.fleet import Alone, ElementSets, Fleet
from ntn6g.orbit.network.pairs import PairChunk, pair_geometry
from ntn6g.orbit.network.programs import programs_traced
from ntn6g.orbit.passes import Pass, SightLine, find_passes, next_pass, time_at_elevation
from ntn6g.orbit.platforms.circular import CircularOrbit
from ntn6g.orbit.platforms.element_set import ElementSet, constellation_state
from ntn6g.orbit.platforms.keplerian import WGS72, WGS84, Gravity, KeplerianOrbit, SecularRates
from ntn6g.orbit.platforms.omm import MeanElementsMessage, mean_elements
from ntn6g.orbit.platforms.surface import (
    GEOSTATIONARY_ALTITUDE_M,
    CirclingPlatform,
    CruisingTerminal,
    FixedTerminal,
)
from ntn6g.orbit.state import Platform, Site, State, Terminal, Times, stack_states
from ntn6g.orbit.sun import (
    SUNRISE_RAD,
    in_cylindrical_shadow,
    sun_elevation_rad,
    sun_outage,
    sun_position_ecef_m,
    sun_separation_rad,
    sunlit_fraction,
)

__all__ = [
    "GEOSTATIONARY_ALTITUDE_M",
    "SUNRISE_RAD",
    "VALIDITY_S",
    "WGS72",
    "WGS84",
    "Alone",
    "BeamDifference",
    "BroadcastEphemeris",
    "CirclingPlatform",
    "CircularOrbit",
    "CommonTimingMessage",
    "ContactPlan",
    "CruisingTerminal",
    "ElementSet",
    "ElementSets",
    "FixedTerminal",
    "Fleet",
    "Gravity",
    "GroundPoints",
    "KeplerianOrbit",
    "LinkGeometry",
    "MeanElementsMessage",
    "NamedConstellation",
    "OrbitalElements",
    "OrbitalMessage",
    "PairChunk",
    "Pass",
    "Platform",
    "SecularRates",
    "SightLine",
    "Site",
    "State",
    "StateVectorMessage",
    "Terminal",
    "Times",
    "UplinkTiming",
    "WalkerShell",
    "beam_difference",
    "beam_outline",
    "common_timing",
    "constellation",
    "constellation_state",
    "constellations",
    "contact_plan",
    "displaced",
    "east_north_up",
    "ecef_to_east_north_up",
    "elements_of_state",
    "find_passes",
    "footprint_angles",
    "geodetic_to_ecef",
    "greenwich_mean_sidereal_time",
    "ground_points",
    "in_cylindrical_shadow",
    "link_geometry",
    "mean_elements",
    "next_pass",
    "off_boresight_rad",
    "orbital_message",
    "pair_geometry",
    "predicted_state",
    "programs_traced",
    "slant_range_m",
    "stack_states",
    "state_of_elements",
    "state_vector_message",
    "steered",
    "sun_elevation_rad",
    "sun_outage",
    "sun_position_ecef_m",
    "sun_separation_rad",
    "sunlit_fraction",
    "teme_to_ecef",
    "time_at_elevation",
    "track_axes",
    "uplink_timing",
    "walker_orbits",
]
