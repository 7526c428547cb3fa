"""Study `coverage`: how many satellites of a constellation every place of a grid sees, and how long it sees none."""

import json
import math
from datetime import timedelta
from functools import lru_cache
from typing import Any

import numpy as np
import tensorflow as tf

from ntn6g import orbit, scenario
from ntn6g.scenario import Coverage, Scenario
from ntn6g.study.build.deterministic import ONE_CHUNK, DeterministicPoint, points_of, recipe_of
from ntn6g.study.build.satellites import fleet, require_orbit, warn_of_age
from ntn6g.study.engine import Recipe, Tally

_MEANS = ("in_view_mean", "revisit_s", "revisit_p95_s")
_FIGURES = ("satellites", "in_view_min", "visible_fraction", "longest_gap_s", *_MEANS)


class CoverageStudy:
    """A deterministic study: one chunk and one map a point.

    Parameters as `ntn6g.study.build.link.LinkStudy`.

    Raises
    ------
    ScenarioError
        When the platform cannot be made.
    """

    kind = "coverage"
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
        """Figures of the whole grid, its cells weighted by their area."""
        del point, stopped_by
        whole = {name: int(tally.sums[name]) for name in ("satellites", "in_view_min")}
        return {name: tally.sums[name] for name in _FIGURES} | whole

    def series(self) -> list[dict[str, Any]]:
        """Maps of every point, in order; ``axes`` says in JSON what tells it from the others."""
        return [maps(p.scenario) | {"axes": np.array(json.dumps(p.axes))} for p in self.points]


def _check(asked: Scenario) -> None:
    window, name, platform = _asked(asked)
    several = fleet(platform, f"platforms.{name}")
    require_orbit(several, f"platforms.{name}", window.start, 3_600.0 * window.duration_h)
    warn_of_age(getattr(several, "members", ()), window.start, window.start + timedelta(hours=window.duration_h))


def _asked(asked: Scenario) -> tuple[Coverage, str, scenario.Platform]:
    name = asked.coverage_platform()
    assert asked.coverage is not None  # checked on loading
    return asked.coverage, name, asked.platforms[name]


def maps(asked: Scenario) -> dict[str, Any]:
    """Statistics [latitude, longitude] of every cell's centre, with the edges of the grid in degrees."""
    window, name, platform = _asked(asked)
    counts = _in_view(window.model_copy(update={"platform": name, "at_least": 1}), platform)
    found = statistics(counts, window.step_s, at_least=window.at_least)
    shape = window.rows, window.columns
    return {
        "latitude_edge_deg": np.linspace(window.south_deg, window.north_deg, window.rows + 1),
        "longitude_edge_deg": np.linspace(-180.0, 180.0, window.columns + 1),
        **{key: values.reshape(shape) for key, values in found.items()},
        "platform": np.array(name),
        "min_elevation_deg": np.array(window.min_elevation_deg),
    }


@lru_cache(maxsize=16)
def _in_view(window: Coverage, platform: scenario.Platform) -> np.ndarray:
    """Satellites above the mask, int64 [cell, instant], cells from south to north and then eastward from 180 W."""
    several = fleet(platform, f"platforms.{window.platform}")
    south, height, width = window.south_deg, window.latitude_step_deg, window.longitude_step_deg
    sites = [
        orbit.FixedTerminal(
            latitude_rad=math.radians(south + (row + 0.5) * height),
            longitude_rad=math.radians(-180.0 + (column + 0.5) * width),
            altitude_m=0.0,
        )
        for row in range(window.rows)
        for column in range(window.columns)
    ]
    times = orbit.Times(window.start, np.arange(window.instants) * window.step_s)
    counts = np.zeros((len(sites), window.instants), np.int64)
    mask_rad = math.radians(window.min_elevation_deg)
    for chunk in orbit.pair_geometry(several, sites, times, mask_rad=mask_rad, reduce=_visible):
        counts[chunk.terminals, chunk.times] += chunk.result.numpy()
    return counts


def _visible(geometry: orbit.LinkGeometry) -> tf.Tensor:
    return tf.reduce_sum(tf.cast(geometry.visible, tf.int32), axis=1)


def statistics(in_view: np.ndarray, step_s: float, *, at_least: int = 1) -> dict[str, np.ndarray]:
    """What a place sees over time.

    Parameters
    ----------
    in_view : [cell, instant], int
        Satellites above the mask.
    step_s : float
        Time between instants, s. An instant stands for one step, so gaps are known to one step.
    at_least : int
        Satellites in view from which an instant counts as covered.

    Returns
    -------
    dict
        ``in_view_mean``, ``in_view_min``, ``in_view_max`` of satellites; ``visible_fraction`` of instants that are
        covered; ``longest_gap_s``, ``revisit_s`` and ``revisit_p95_s``, the longest, the mean and the 95 % quantile
        (the shortest that so many do not exceed) of the runs of instants that are not, 0 where there is none (a mean
        over a grid counts that 0). Runs are cut at the ends of the window, where they are lower bounds.
    """
    bare = in_view < at_least
    padded = np.pad(bare, ((0, 0), (1, 1))).astype(np.int8)
    edges = np.diff(padded, axis=1)
    cell, first = np.nonzero(edges == 1)
    length_s = step_s * (np.nonzero(edges == -1)[1] - first)
    longest_s, gaps = np.zeros(len(in_view)), np.bincount(cell, minlength=len(in_view))
    np.maximum.at(longest_s, cell, length_s)
    return {
        "in_view_mean": in_view.mean(1),
        "in_view_min": in_view.min(1),
        "in_view_max": in_view.max(1),
        "visible_fraction": 1.0 - bare.mean(1),
        "longest_gap_s": longest_s,
        "revisit_s": step_s * bare.sum(1) / np.maximum(gaps, 1),
        "revisit_p95_s": _quantile(length_s, cell, gaps, 0.95),
    }


def _quantile(length_s: np.ndarray, cell: np.ndarray, gaps: np.ndarray, level: float) -> np.ndarray:
    """Of the lengths of each cell, the smallest that a share ``level`` does not exceed; 0 where a cell has none."""
    ordered = np.append(length_s[np.lexsort([length_s, cell])], 0.0)
    first = np.cumsum(gaps) - gaps
    return np.where(gaps > 0, ordered[first + np.maximum(np.ceil(level * gaps - 1e-9).astype(int), 1) - 1], 0.0)


def _figures(asked: Scenario) -> dict[str, float]:
    window, name, platform = _asked(asked)
    found = maps(asked)
    edges = np.sin(np.radians(found["latitude_edge_deg"]))
    weights = np.repeat(np.diff(edges)[:, None] / window.columns, window.columns, 1) / (edges[-1] - edges[0])
    return {
        "satellites": float(fleet(platform, f"platforms.{name}").size),
        "in_view_min": float(found["in_view_min"].min()),
        "longest_gap_s": float(found["longest_gap_s"].max()),
        "visible_fraction": 1.0 - float((weights * (1.0 - found["visible_fraction"])).sum()),
        **{key: float((weights * found[key]).sum()) for key in _MEANS},
    }
