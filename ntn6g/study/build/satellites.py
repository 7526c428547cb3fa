"""From the sections platforms and terminals to objects that know where they are; one entry per kind."""

import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import lru_cache
from typing import Any

import numpy as np

from ntn6g import orbit, scenario
from ntn6g.core.errors import ScenarioError, ScenarioWarning
from ntn6g.core.units import METRES_PER_KILOMETRE, kmh_to_m_s

_OLD_DAYS = 30.0  # beyond, elements are warned about
_REACH_S = 300.0  # beyond both ends of a window, what interpolation between SGP4's positions may ask for


def _circular(asked: scenario.Circular) -> orbit.Platform:
    return orbit.CircularOrbit(
        altitude_m=asked.altitude_km * METRES_PER_KILOMETRE,
        inclination_rad=math.radians(asked.inclination_deg),
        raan_rad=math.radians(asked.raan_deg),
        argument_of_latitude_rad=math.radians(asked.argument_of_latitude_deg),
        epoch=asked.epoch,
    )


def _keplerian(asked: scenario.Keplerian) -> orbit.Platform:
    return orbit.KeplerianOrbit(
        semi_major_axis_m=asked.semi_major_axis_km * METRES_PER_KILOMETRE,
        eccentricity=asked.eccentricity,
        inclination_rad=math.radians(asked.inclination_deg),
        raan_rad=math.radians(asked.raan_deg),
        argument_of_perigee_rad=math.radians(asked.argument_of_perigee_deg),
        mean_anomaly_rad=math.radians(asked.mean_anomaly_deg),
        epoch=asked.epoch,
        oblateness=asked.oblateness,
    )


def _geo(asked: scenario.Geo) -> orbit.Platform:
    return orbit.FixedTerminal(
        latitude_rad=0.0, longitude_rad=math.radians(asked.longitude_deg), altitude_m=orbit.GEOSTATIONARY_ALTITUDE_M
    )


def _haps(asked: scenario.Haps) -> orbit.Platform:
    centre = {
        "latitude_rad": math.radians(asked.latitude_deg),
        "longitude_rad": math.radians(asked.longitude_deg),
        "altitude_m": asked.altitude_km * METRES_PER_KILOMETRE,
    }
    if asked.radius_km == 0.0:
        return orbit.FixedTerminal(**centre)
    return orbit.CirclingPlatform(
        **centre,
        radius_m=asked.radius_km * METRES_PER_KILOMETRE,
        speed_m_s=kmh_to_m_s(asked.speed_kmh),
        epoch=asked.epoch,
    )


def _ground(asked: scenario.Ground) -> orbit.Platform:
    return orbit.FixedTerminal(
        latitude_rad=math.radians(asked.latitude_deg),
        longitude_rad=math.radians(asked.longitude_deg),
        altitude_m=asked.altitude_m,
    )


def _mobile(asked: scenario.Mobile) -> orbit.Platform:
    return orbit.CruisingTerminal(
        latitude_rad=math.radians(asked.latitude_deg),
        longitude_rad=math.radians(asked.longitude_deg),
        altitude_m=asked.altitude_m,
        course_rad=math.radians(asked.course_deg),
        speed_m_s=kmh_to_m_s(asked.speed_kmh),
        epoch=asked.epoch,
    )


def _tle(asked: scenario.Tle) -> orbit.ElementSets:
    lines = [line for line in asked.lines or () if line.strip()]
    members = []
    while lines:
        titled = len(lines) == 3 or (len(lines) > 3 and lines[1].startswith("1 "))
        title = lines.pop(0).strip().removeprefix("0 ") if titled else ""
        first, second, lines = lines[0], lines[1] if len(lines) > 1 else "", lines[2:]
        members.append(orbit.ElementSet(first, second, title))
    return orbit.ElementSets(members)


def _omm(asked: scenario.Omm) -> orbit.ElementSets:
    return orbit.ElementSets([orbit.mean_elements(message) for message in asked.messages or ()])


def _walker(asked: scenario.Walker) -> orbit.Fleet:
    shell = orbit.WalkerShell(
        altitude_m=asked.altitude_km * METRES_PER_KILOMETRE,
        inclination_rad=math.radians(asked.inclination_deg),
        satellites=asked.satellites,
        planes=asked.planes,
        phasing=asked.phasing,
        pattern=asked.pattern,
        raan_rad=math.radians(asked.raan_deg),
        argument_of_latitude_rad=math.radians(asked.argument_of_latitude_deg),
    )
    return orbit.walker_orbits([shell], asked.epoch)


def _constellation(asked: scenario.Constellation) -> orbit.Fleet:
    named = orbit.constellation(asked.name)
    if asked.growth is None or asked.date is None:
        return named.fleet(asked.epoch, shells=asked.shells or (), deployed=asked.deployed)
    share = min(1.0, (asked.date - asked.growth.first) / (asked.growth.complete - asked.growth.first))
    in_turn = asked.growth.order == "by-shell"
    return named.fleet(asked.epoch, shells=asked.shells or (), deployed=share, in_turn=in_turn)


SINGLE: dict[str, Callable[[Any], orbit.Platform]] = {
    "circular": _circular,
    "keplerian": _keplerian,
    "geo": _geo,
    "haps": _haps,
    "site": _ground,
    "mobile": _mobile,
}
"""Platforms of one satellite by kind."""
FLEETS: dict[str, Callable[[Any], orbit.Fleet]] = {
    "tle": _tle,
    "omm": _omm,
    "walker": _walker,
    "constellation": _constellation,
}
"""Platforms that may hold several satellites, by kind."""


@contextmanager
def within(key: str) -> Iterator[None]:
    """Errors that name a key of a platform, such as ``lines``, name it by its path; whole paths stay as they are."""
    try:
        yield
    except ScenarioError as error:
        if "." in error.key:
            raise
        raise ScenarioError(str(error).removeprefix(f"{error.key}: "), key=f"{key}.{error.key}") from None


@lru_cache(maxsize=64)
def fleet(asked: scenario.Platform, key: str) -> orbit.Fleet:
    """All satellites of a platform; ``key`` names it in errors."""
    with within(key):
        if asked.kind in SINGLE:
            return orbit.Alone(SINGLE[asked.kind](asked))
        return FLEETS[asked.kind](asked)


@lru_cache(maxsize=4096)
def satellite(asked: scenario.Platform, key: str, place: int | None = None) -> orbit.Platform:
    """One satellite of a platform, by its place where there are several; ``key`` names the platform in errors.

    Raises
    ------
    ScenarioError
        For a place that is missing, not there, or given where there is one satellite only.
    """
    if asked.kind in SINGLE:
        if place:
            raise ScenarioError(f"{place}; {key} is one platform, of kind {asked.kind}", key="at.satellite")
        with within(key):
            return SINGLE[asked.kind](asked)
    several = fleet(asked, key)
    if place is None and several.size > 1:
        raise ScenarioError(
            f"required key is missing; {key} holds {several.size} satellites, choose one from 0 to {several.size - 1}",
            key="at.satellite",
        )
    if (place or 0) >= several.size:
        raise ScenarioError(f"{place}; {key} holds {several.size} satellites, counted from 0", key="at.satellite")
    return several.member(place or 0)


@lru_cache(maxsize=4096)
def site(asked: scenario.Terminal) -> orbit.Terminal:
    """Terminal of a scenario's entry."""
    place = {
        "latitude_rad": math.radians(asked.latitude_deg),
        "longitude_rad": math.radians(asked.longitude_deg),
        "altitude_m": asked.altitude_m,
    }
    if asked.course_deg is None or asked.epoch is None:
        return orbit.FixedTerminal(**place)
    return orbit.CruisingTerminal(
        **place,
        course_rad=math.radians(asked.course_deg),
        speed_m_s=kmh_to_m_s(asked.speed_kmh),
        epoch=asked.epoch,
    )


def warn_of_age(satellites: Sequence[Any], *moments: datetime) -> None:
    """Warn once where element sets are more than 30 days from one of several instants, with the error to expect."""
    ages = [
        (each.element_set_age_days(moment), each.name, moment)
        for each in satellites
        if hasattr(each, "satrec")
        for moment in moments
    ]
    oldest, name, moment = max(ages, key=lambda found: abs(found[0]), default=(0.0, "", moments[0]))
    if abs(oldest) > _OLD_DAYS:
        side = "after" if oldest > 0 else "before"
        which = f"element set {name}" if name else "element set"
        warnings.warn(
            f"{which}: {moment:%Y-%m-%dT%H:%MZ} is {abs(oldest):.0f} days {side} its epoch; expect "
            f"{abs(oldest):.0f} to {3 * abs(oldest):.0f} km of error along the orbit (SGP4 drifts 1 to 3 km a day)",
            ScenarioWarning,
            stacklevel=2,
        )


def require_orbit(several: orbit.Fleet, key: str, start: datetime, duration_s: float) -> None:
    """Refuse element sets that have decayed, or whose motion SGP4 cannot give, at an end of a window.

    Raises
    ------
    ScenarioError
        Names the satellite, the instant and how far that is from the epoch of its elements.
    """
    if not isinstance(several, orbit.ElementSets):
        return
    with within(key):
        several.positions_teme_km(start, np.array([-_REACH_S, duration_s + _REACH_S]))
    for each in several.members:
        perigee_km = each.satrec.altp * each.satrec.radiusearthkm
        if perigee_km < 0.0:
            which = each.name or "an element set"
            raise ScenarioError(f"{which} has its perigee {-perigee_km:.0f} km underground", key=key)
