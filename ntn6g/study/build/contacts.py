"""Study `contacts`: when every satellite is above every ground station, and how long a station has none."""

import json
import math
from datetime import timedelta
from functools import lru_cache
from typing import Any

import numpy as np

from ntn6g import orbit, scenario
from ntn6g.scenario import Contacts, Scenario
from ntn6g.study.build.deterministic import ONE_CHUNK, DeterministicPoint, points_of, recipe_of
from ntn6g.study.build.satellites import fleet, require_orbit, site, warn_of_age
from ntn6g.study.engine import Recipe, Tally

_COUNTS = ("satellites", "stations", "contacts")
_FIGURES = (*_COUNTS, "contact_mean_s", "contact_longest_s", "contact_total_h", "visible_fraction", "longest_gap_s")


class ContactStudy:
    """A deterministic study: one chunk and one table of contacts a point.

    Parameters as `ntn6g.study.build.link.LinkStudy`.

    Raises
    ------
    ScenarioError
        When the platform cannot be made.
    """

    kind = "contacts"
    rule = ONE_CHUNK

    def __init__(self, part: str, scenario: Scenario) -> None:
        self.part, self.scenario = part, scenario
        self.points = points_of(scenario, self.kind, _check)

    def rows(self, structure: str) -> int:
        """Nothing is batched."""
        del structure
        return 1

    def recipe(self, structure: str) -> Recipe:
        """The one step there is."""
        del structure
        return recipe_of(_figures, orbit.programs_traced)

    def row(self, point: DeterministicPoint, tally: Tally, stopped_by: str | None) -> dict[str, Any]:
        """Counts and durations of the whole network; fractions are means over its stations."""
        del point, stopped_by
        return {name: tally.sums[name] for name in _FIGURES} | {name: int(tally.sums[name]) for name in _COUNTS}

    def series(self) -> list[dict[str, Any]]:
        """The table of contacts of every point, in order; ``axes`` says in JSON what tells it from the others."""
        return [table(p.scenario) | {"axes": np.array(json.dumps(p.axes))} for p in self.points]


def _asked(asked: Scenario) -> tuple[Contacts, str, scenario.Platform]:
    name = asked.contacts_platform()
    assert asked.contacts is not None  # checked on loading
    return asked.contacts, name, asked.platforms[name]


def _check(asked: Scenario) -> None:
    window, name, platform = _asked(asked)
    several = fleet(platform, f"platforms.{name}")
    require_orbit(several, f"platforms.{name}", window.start, 3_600.0 * window.duration_h)
    warn_of_age(getattr(several, "members", ()), window.start, window.start + timedelta(hours=window.duration_h))


def plan_of(asked: Scenario) -> orbit.ContactPlan:
    """The contact plan of a point, without contacts shorter than ``min_contact_s``."""
    window, name, platform = _asked(asked)
    return _plan(window.model_copy(update={"platform": name}), platform, tuple(asked.terminals.values()))


@lru_cache(maxsize=16)
def _plan(window: Contacts, platform: scenario.Platform, terminals: tuple[scenario.Terminal, ...]) -> orbit.ContactPlan:
    several = fleet(platform, f"platforms.{window.platform}")
    masks_rad = [math.radians(terminal.min_elevation_deg) for terminal in terminals]
    found = orbit.contact_plan(
        several, [site(each) for each in terminals], window.start, 3_600.0 * window.duration_h, masks_rad
    )
    return found.longer_than(window.min_contact_s)


def table(asked: Scenario) -> dict[str, Any]:
    """One entry per contact, in order of station and rise, and the names of the stations."""
    plan = plan_of(asked)
    _, name, _ = _asked(asked)
    several = fleet(asked.platforms[name], f"platforms.{name}")
    # element sets have titles; satellites of a Walker shell are numbered plane after plane
    titles = [getattr(each, "name", "") for each in getattr(several, "members", [None] * several.size)]
    names = np.array([title or str(place) for place, title in enumerate(titles)])
    start = np.datetime64(plan.epoch.replace(tzinfo=None), "ms")
    return {
        "station": np.array(list(asked.terminals))[plan.station] if len(plan) else np.array([], "U1"),
        "satellite": plan.satellite,
        "satellite_name": names[plan.satellite],
        "rise_s": plan.rise_s,
        "culmination_s": plan.culmination_s,
        "set_s": plan.set_s,
        "culmination_deg": np.degrees(plan.culmination_elevation_rad),
        "rise_utc": np.datetime_as_string(start + np.round(1e3 * plan.rise_s).astype("timedelta64[ms]")),
        "cut": plan.cut,
        "stations": np.array(list(asked.terminals)),
        "duration_s": np.array(plan.duration_s),
        "start_utc": np.array(f"{plan.epoch:%Y-%m-%dT%H:%M:%SZ}"),
        "platform": np.array(name),
    }


def _figures(asked: Scenario) -> dict[str, float]:
    plan = plan_of(asked)
    _, name, platform = _asked(asked)
    lengths_s = plan.set_s - plan.rise_s
    gaps_s = [plan.gaps_s(station) for station in range(plan.stations)]
    return {
        "satellites": float(fleet(platform, f"platforms.{name}").size),
        "stations": float(plan.stations),
        "contacts": float(len(plan)),
        "contact_mean_s": float(lengths_s.mean()) if len(plan) else 0.0,
        "contact_longest_s": float(lengths_s.max(initial=0.0)),
        "contact_total_h": float(lengths_s.sum()) / 3_600.0,
        "visible_fraction": float(np.mean([plan.covered_fraction(station) for station in range(plan.stations)])),
        "longest_gap_s": max(float(each.max(initial=0.0)) for each in gaps_s),
    }
