"""Study `beams`: C/I and SINR under a layout of beams, on a map, with other beams and satellites interfering."""

import json
import math
from functools import lru_cache
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from ntn6g import channel, orbit, scenario
from ntn6g.channel import antennas
from ntn6g.channel.beams import Coverage, Layout, Terminals, beam_coverage
from ntn6g.channel.interference import same_colour
from ntn6g.core.errors import ScenarioError
from ntn6g.core.units import linear_to_db
from ntn6g.scenario import Scenario
from ntn6g.study.build.antennas import (
    made,
    polarisation_loss_db,
    power_over_noise_db,
    satellite_axes,
    terminal_axes,
)
from ntn6g.study.build.beam_scene import Asked, Scene, asked_of, scene_of
from ntn6g.study.build.deterministic import ONE_CHUNK, DeterministicPoint, points_of, recipe_of
from ntn6g.study.build.loss_terms import line_of_sight, loss_options
from ntn6g.study.build.map_frame import MapFrame
from ntn6g.study.build.satellites import FLEETS
from ntn6g.study.engine import Recipe, Tally

_CHUNK = 512  # places of one call
_BELOW_DB = 400.0  # loss of a satellite that a place does not see
_NONE_DB = 100.0  # largest C/I shown, where nothing interferes
_QUANTILES = (5, 50, 95)
_OUTLINE = 48  # points of a footprint's edge


class BeamStudy:
    """A deterministic study: one chunk a point, maps and footprints as a series.

    Parameters as `ntn6g.study.build.link.LinkStudy`.

    Raises
    ------
    ScenarioError
        A layout that does not fit the satellite's view, an antenna without a beamwidth, a loss out of its range.
    """

    kind = "beams"
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
        return recipe_of(_figures)

    def row(self, point: DeterministicPoint, tally: Tally, stopped_by: str | None) -> dict[str, Any]:
        """Figures of the layout's area."""
        del point, stopped_by
        whole = {name: int(tally.sums[name]) for name in ("beams", "other_satellites", "beams_beside_earth")}
        return dict(tally.sums) | whole

    def series(self) -> list[dict[str, Any]]:
        """Maps of every point, in order; ``axes`` says in JSON what tells it from the others."""
        return [maps(p.scenario) | {"axes": np.array(json.dumps(p.axes))} for p in self.points]


def _check(point: Scenario) -> None:
    asked = asked_of(point)
    scene_of(asked)
    air = asked.air
    channel.path_loss_terms_db(
        np.array([1e6]),
        np.array([1.0]),
        1e9 * air.carrier_ghz,
        air.environment,
        line_of_sight(air),
        loss_options(air, None),
    )
    if asked.beams.other_satellites and asked.platform.kind not in FLEETS:
        raise ScenarioError(
            f"true needs a constellation; {asked.key} is one satellite, of kind {asked.platform.kind}",
            key="beams.other_satellites",
        )


def maps(point: Scenario) -> dict[str, Any]:
    """Maps [north, east] in decibels, NaN outside the beams that are counted, and the footprints of these."""
    return dict(_maps(asked_of(point)))


@lru_cache(maxsize=64)
def _maps(asked: Asked) -> dict[str, Any]:
    given = asked.beams
    scene = scene_of(asked)
    width_rad = 2.0 * math.asin(scene.spacing_uv / math.sqrt(3.0))  # hexagons meet at the edge of the beams
    edges = _footprints(scene, 0.5 * width_rad)[: given.count]
    frame = MapFrame(scene.centre_ecef_m)
    outlines_km = frame.east_north_km(edges)
    half_km = 1.08 * float(np.nanmax(np.abs(outlines_km)))
    axis_km = np.linspace(-half_km, half_km, given.pixels)
    sites = frame.sites(*(each.reshape(-1) for each in np.meshgrid(axis_km, axis_km)))
    found, elevation = _covered(asked, scene, sites)
    line = sites.position_ecef_m.numpy() - scene.states.position_ecef_m.numpy()[0]
    cosine = (line / np.linalg.norm(line, axis=-1, keepdims=True) @ scene.intended.T).max(1)
    inside = (cosine >= math.cos(0.5 * width_rad)) & (elevation >= math.radians(given.min_elevation_deg))
    shape = (given.pixels, given.pixels)
    frequency, polarisation = antennas.frequencies_and_polarisations(given.all_beams, given.reuse, given.polarisations)

    def drawn(values: NDArray[Any]) -> NDArray[np.float64]:
        return np.where(inside, values, np.nan).reshape(shape)

    ratios = {name: np.minimum(linear_to_db(found[name]), _NONE_DB) for name in ("c_over_i", "sinr", "c_over_n")}
    return {
        "east_km": axis_km,
        "north_km": axis_km,
        **{f"{name}_db": drawn(values) for name, values in ratios.items()},
        "satellite_gain_dbi": drawn(found["gain_dbi"]),
        "elevation_deg": drawn(np.degrees(elevation)),
        "serving": np.where(inside, found["serving"], -1).reshape(shape),
        "footprints_km": outlines_km,
        "frequencies": frequency[: given.count],
        "polarisations": polarisation[: given.count],
        "other_satellites": np.array(scene.states.position_ecef_m.shape[0] - 1),
        "beams_beside_earth": np.array(scene.beside_earth),
        "reuse": np.array(given.reuse),
        "platform": np.array(asked.name),
    }


def _footprints(scene: Scene, half_beam_rad: float) -> NDArray[np.float64]:
    """Edges of the serving satellite's beams, [beam, point, 3], NaN where a ray misses the Earth."""
    position = scene.states.position_ecef_m[:1]
    still = tf.zeros_like(position)
    edge = orbit.beam_outline(
        orbit.State(position, still, still), position + scene.aim[0] * 1e6, half_beam_rad, points=_OUTLINE
    )
    return np.where(edge.on_earth.numpy()[..., None], edge.position_ecef_m.numpy(), np.nan)


def _covered(asked: Asked, scene: Scene, sites: orbit.Site) -> tuple[dict[str, Any], NDArray[np.float64]]:
    """Fields of `Coverage` at every site, and the elevation of the serving satellite there."""
    given, ends, air = asked.beams, asked.ends, asked.air
    loss_db, elevation = _losses_db(asked, scene, sites)
    layout = Layout(scene.states.position_ecef_m, scene.aim, satellite_axes(scene.states, ends.satellite))
    axes = terminal_axes(ends.terminal, sites)
    ratio_db = power_over_noise_db(asked.budget, scene.ends)
    step = coverage_step(ends, air.carrier_ghz)
    both = antennas.frequencies_and_polarisations(given.all_beams, given.reuse, given.polarisations)
    colours = same_colour(*both, cross_polar_db=given.cross_polar_db or 0.0)
    pieces: dict[str, list[Any]] = {name: [] for name in Coverage.__dataclass_fields__}
    for first in range(0, len(loss_db), _CHUNK):
        rows = np.minimum(np.arange(first, first + _CHUNK), len(loss_db) - 1)
        places = Terminals(tf.gather(sites.position_ecef_m, rows), tf.gather(axes, rows))
        found = step(
            layout,
            places,
            tf.constant(loss_db[rows]),
            colours,
            tf.constant(ratio_db, tf.float64),
            tf.constant(given.activity, tf.float64),
        )
        for name, column in pieces.items():
            column.append(getattr(found, name).numpy())
    return {name: np.concatenate(column)[: len(loss_db)] for name, column in pieces.items()}, elevation


@lru_cache(maxsize=16)
def coverage_step(ends: scenario.Antennas, carrier_ghz: float) -> Any:
    """Compiled `beam_coverage` of two antennas at a carrier: layout, places, losses, overlap, ratio, activity."""
    own, served = (
        made(getattr(ends, name), 1e9 * carrier_ghz, f"antennas.{name}").antenna for name in ("satellite", "terminal")
    )

    def step(layout: Layout, places: Terminals, loss_db: Any, overlap: Any, ratio_db: Any, activity: Any) -> Coverage:
        return beam_coverage(
            layout,
            places,
            loss_db,
            overlap,
            satellite=own,
            terminal=served,
            power_over_noise_db=ratio_db,
            activity=activity,
        )

    return tf.function(step, jit_compile=True, autograph=False)


def _losses_db(asked: Asked, scene: Scene, sites: orbit.Site) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Path loss [place, satellite] with further losses, and the elevation of the serving satellite [place]."""
    given, ends, air = asked.beams, asked.ends, asked.air
    line = scene.states.position_ecef_m.numpy()[None] - sites.position_ecef_m.numpy()[:, None]
    range_m = np.linalg.norm(line, axis=-1)
    elevation = np.arcsin(np.einsum("psx,px->ps", line, sites.up.numpy()) / range_m)
    lowest = math.radians(10.0)  # of the tables; what stands lower does not count
    low = isinstance(asked.platform, scenario.Haps | scenario.Ground | scenario.Mobile)
    terms = channel.path_loss_terms_db(
        range_m,
        np.maximum(elevation, lowest),
        1e9 * air.carrier_ghz,
        air.environment,
        line_of_sight(air),
        loss_options(air, None, below_ionosphere=low),
    )
    further = asked.budget.additional_loss_db if asked.budget else 0.0
    total = sum(np.asarray(term) for term in terms.values()) + further + (polarisation_loss_db(ends) or 0.0)
    seen = elevation >= math.radians(given.min_elevation_deg)
    seen[:, 0] |= elevation[:, 0] >= lowest
    return np.where(seen, total, _BELOW_DB), elevation[:, 0]


def _figures(point: Scenario) -> dict[str, float]:
    found, given = maps(point), asked_of(point).beams
    inside = np.isfinite(found["sinr_db"])
    figures: dict[str, float] = {
        "beams": float(given.count),
        "other_satellites": float(found["other_satellites"]),
        "beams_beside_earth": float(found["beams_beside_earth"]),
        "elevation_min_deg": float(np.nanmin(found["elevation_deg"])),
        "elevation_max_deg": float(np.nanmax(found["elevation_deg"])),
        "beam_diameter_km": _diameter_km(found["footprints_km"][0]),
        "layout_area_km2": float(inside.sum()) * float(np.diff(found["east_km"])[0]) ** 2,
    }
    for name in ("c_over_i", "sinr", "c_over_n"):
        values = found[f"{name}_db"][inside]
        for share in _QUANTILES:
            figures[f"{name}_p{share:02d}_db"] = float(np.percentile(values, share))
    efficiency = np.log2(1.0 + 10.0 ** (0.1 * found["sinr_db"][inside]))
    return figures | {"capacity_bps_hz": float(efficiency.mean()) / given.frequencies}


def _diameter_km(outline_km: NDArray[np.float64]) -> float:
    """Mean distance of opposite points of a footprint's edge."""
    half = len(outline_km) // 2
    return float(np.linalg.norm(outline_km[:half] - outline_km[half:], axis=-1).mean())
