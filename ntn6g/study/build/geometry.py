"""From the sections platforms, terminals and at to satellites, passes and the geometry of each instant."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import TypeVar

import numpy as np

from ntn6g import orbit, scenario
from ntn6g.core.constants import SPEED_OF_LIGHT_M_S
from ntn6g.core.errors import ScenarioError
from ntn6g.core.units import METRES_PER_KILOMETRE
from ntn6g.scenario import At, Scenario
from ntn6g.study.build.satellites import satellite, site, warn_of_age, within

R = TypeVar("R", orbit.State, orbit.Site)


@lru_cache(maxsize=4096)
def _pass(
    platform: scenario.Platform, key: str, place: int | None, terminal: scenario.Terminal, asked: scenario.Pass
) -> orbit.Pass:
    chosen = satellite(platform, key, place)
    with within(key):
        found = orbit.next_pass(
            chosen,
            site(terminal),
            asked.after,
            min_culmination_rad=math.radians(asked.min_culmination_deg),
            mask_rad=math.radians(terminal.min_elevation_deg),
            within_days=asked.within_days,
        )
    warn_of_age([chosen], found.culmination)
    return found


def pass_of(point: Scenario) -> orbit.Pass:
    """The pass that ``at.pass`` describes.

    Raises
    ------
    ScenarioError
        When there is none: names the highest culmination.
    """
    if point.at is None or point.at.pass_ is None:
        raise ScenarioError("required key is missing", key="at.pass")
    platform, terminal = point.platform_name(), point.terminals[point.terminal_name()]
    return _pass(point.platforms[platform], f"platforms.{platform}", point.at.satellite, terminal, point.at.pass_)


@dataclass(frozen=True, kw_only=True)
class Instant:
    """Geometry of one link at one instant; ``time_s`` counts from culmination, None where no pass is asked for."""

    moment: datetime
    time_s: float | None
    elevation_rad: float
    range_m: float
    range_rate_m_s: float
    range_acceleration_m_s2: float
    light_time_s: float
    state: orbit.State | None = None
    """Of the satellite, fields [1, 3]; None where a cell's distance alone places the link."""
    site: orbit.Site | None = None
    """Of the terminal, fields [1, 3], as `state`."""
    below_ionosphere: bool = False
    """Whether the platform is a mast, an aircraft or a high-altitude platform, up to 50 km."""

    def columns(self, carrier_hz: float) -> dict[str, float]:
        """What a results table says of it."""
        timed = {} if self.time_s is None else {"time_s": self.time_s}
        return {
            **timed,
            "elevation_deg": math.degrees(self.elevation_rad),
            "range_km": self.range_m / METRES_PER_KILOMETRE,
            "delay_ms": 1e3 * self.light_time_s,
            "doppler_khz": 0.0 - 1e-3 * carrier_hz * self.range_rate_m_s / SPEED_OF_LIGHT_M_S,
        }


def instants(points: Sequence[Scenario]) -> list[Instant | None]:
    """Geometry of every point, None where it has no ``at``; points on one pass are computed together.

    Raises
    ------
    ScenarioError
        No such pass, an elevation above its culmination, an instant at which the terminal is not served.
    """
    groups: dict[tuple[object, ...], list[int]] = {}
    for index, point in enumerate(points):
        if point.at is not None:
            platform, terminal = point.platform_name(), point.terminal_name()
            at = point.at
            chosen = (point.platforms[platform], at.satellite, point.terminals[terminal])
            same = (*chosen, at.pass_, at.utc, at.side)
            groups.setdefault(same, []).append(index)
    found: list[Instant | None] = [None] * len(points)
    for members in groups.values():
        moments = [at for at in (points[i].at for i in members) if at is not None]
        for index, instant in zip(members, _on_one_pass(points[members[0]], moments), strict=True):
            found[index] = instant
    return found


def _on_one_pass(first: Scenario, moments: Sequence[At]) -> list[Instant]:
    name, terminal = first.platform_name(), first.terminals[first.terminal_name()]
    if moments[0].utc is not None:
        chosen = satellite(first.platforms[name], f"platforms.{name}", moments[0].satellite)
        warn_of_age([chosen], moments[0].utc)
        sight = orbit.SightLine(chosen, site(terminal), moments[0].utc)
        culmination_s, offset_s = None, np.zeros(len(moments))
    else:
        found = pass_of(first)
        sight, culmination_s = found.sight, found.culmination_s
        offset_s = _offsets_s(moments, found)
    mask_rad = math.radians(terminal.min_elevation_deg)
    times = sight.times(_padded(offset_s))
    # a terminal's own motion is in the fading (its Doppler from speed_kmh), so it is not in the bulk terms once more
    site_at_rest = sight.terminal.site(times).at_rest()
    with within(f"platforms.{name}"):
        state = sight.satellite.state(times)
    geometry = orbit.link_geometry(state, site_at_rest, mask_rad=mask_rad - 1e-9)
    elevation_rad = geometry.elevation_rad.numpy()[: len(moments)]
    if not geometry.visible.numpy().all():
        lowest = int(np.argmin(elevation_rad))
        raise ScenarioError(
            f"the satellite stands at {math.degrees(elevation_rad[lowest]):.2f} deg at "
            f"{sight.epoch + timedelta(seconds=float(offset_s[lowest])):%Y-%m-%dT%H:%M:%SZ}, below the terminal's "
            f"min_elevation_deg of {terminal.min_elevation_deg:g}; choose another instant, or a pass by at.pass",
            key="at.utc",
        )
    columns = (
        geometry.elevation_rad,
        geometry.range_m,
        geometry.range_rate_m_s,
        geometry.range_acceleration_m_s2,
        geometry.light_time_s,
    )
    low = isinstance(first.platforms[name], scenario.Haps | scenario.Ground | scenario.Mobile)
    rows = enumerate(zip(offset_s, *(column.numpy()[: len(moments)] for column in columns), strict=True))
    return [
        Instant(
            moment=sight.epoch + timedelta(seconds=float(offset)),
            time_s=None if culmination_s is None else float(offset - culmination_s),
            elevation_rad=float(elevation),
            range_m=float(range_m),
            range_rate_m_s=float(rate),
            range_acceleration_m_s2=float(acceleration),
            light_time_s=float(light_time),
            state=_single(state, index),
            site=_single(site_at_rest, index),
            below_ionosphere=low,
        )
        for index, (offset, elevation, range_m, rate, acceleration, light_time) in rows
    ]


def _single(record: R, index: int) -> R:
    """One instant of a state or site; one at rest has but one."""
    fields = record.__tf_flatten__()[1]
    return type(record)(*(field[-1:] if field.shape[0] == 1 else field[index : index + 1] for field in fields))


def _padded(values: np.ndarray) -> np.ndarray:
    """Values with the last one repeated up to a multiple of 64.

    Vector units round the last few entries of an array otherwise than the rest; a point's geometry, and with it
    its identity, must not depend on which other points a sweep holds.
    """
    return np.pad(values, (0, -len(values) % 64), mode="edge")


def _offsets_s(moments: Sequence[At], found: orbit.Pass) -> np.ndarray:
    """Seconds on the pass's clock of each moment; the culmination unless it says; all share one side."""
    offsets = np.full(len(moments), found.culmination_s)
    by_elevation = {i: at.elevation_deg for i, at in enumerate(moments) if at.elevation_deg is not None}
    for index, at in enumerate(moments):
        if at.fraction is not None:
            offsets[index] = found.rise_s + at.fraction * (found.set_s - found.rise_s)
        elif at.from_culmination_s is not None:
            offsets[index] = _within(found, at.from_culmination_s)
    if by_elevation:
        elevations_rad = np.radians(list(by_elevation.values()))
        found_s = orbit.time_at_elevation(found, _padded(elevations_rad), moments[0].side)
        offsets[list(by_elevation)] = found_s[: len(by_elevation)]
    return offsets


def _within(found: orbit.Pass, from_culmination_s: float) -> float:
    first, last = found.rise_s - found.culmination_s, found.set_s - found.culmination_s
    if not first <= from_culmination_s <= last:
        raise ScenarioError(
            f"{from_culmination_s:g} s lies outside this pass, which lasts from {first:.0f} s to {last:.0f} s "
            f"about its culmination at {found.culmination:%Y-%m-%dT%H:%M:%SZ}",
            key="at.from_culmination_s",
        )
    return found.culmination_s + from_culmination_s
