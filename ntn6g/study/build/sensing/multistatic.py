"""Study `multistatic`: a target that moves, found and located by echoes over several paths of satellites and ground."""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np
import tensorflow as tf

from ntn6g.core.errors import ScenarioError
from ntn6g.core.units import db_to_linear, linear_to_db
from ntn6g.orbit import State, Times
from ntn6g.scenario import EchoPath, Multistatic, Scenario, apply, flatten, sweep_points
from ntn6g.services.sensing import FixTrial, expected_covariance
from ntn6g.services.sensing.scene import (
    EchoGeometry,
    direct_power_dbw,
    echo_geometry,
    echo_power_dbw,
    error_ellipse,
    noise_power_dbw,
)
from ntn6g.study.build.satellites import satellite, site
from ntn6g.study.build.sensing.multistatic_step import (
    MultistaticStructure,
    MultistaticWork,
    make_fix,
    multistatic_step,
    values_of,
)
from ntn6g.study.engine import Recipe, StopRule, Tally
from ntn6g.study.intervals import clopper_pearson

_NORMAL = 1.959964  # 97.5 % quantile


@dataclass(frozen=True)
class MultistaticPoint:
    """One point of a multistatic sweep."""

    axes: Mapping[str, Any]
    structure: MultistaticStructure
    work: MultistaticWork
    paths: tuple[str, ...]
    sets: tuple[str, ...]
    facts: Mapping[str, Any]
    map: Mapping[str, Any]
    identity: str


class MultistaticStudy:
    """A part of a scenario as points and rows; a point has ``stop.max_blocks`` frames.

    Parameters as `ntn6g.study.build.link.LinkStudy`.

    Raises
    ------
    ScenarioError
        A target, transmitter or receiver that is a constellation, or at the target's place.
    """

    kind = "multistatic"

    def __init__(self, part: str, scenario: Scenario) -> None:
        self.part, self.scenario = part, scenario
        self.rule = StopRule(max_blocks=scenario.stop.max_blocks)
        self.points = [_point(values, apply(scenario, values)) for values in sweep_points(scenario)]

    def rows(self, structure: MultistaticStructure) -> int:
        """Frames of a batch."""
        del structure
        return self.scenario.engine.batch or 128

    def recipe(self, structure: MultistaticStructure) -> Recipe:
        """How a worker builds the compiled step of a structure."""
        return partial(multistatic_step, structure, rows=self.rows(structure))

    def row(self, point: MultistaticPoint, tally: Tally, stopped_by: str | None) -> dict[str, Any]:
        """Columns of the results table for one point."""
        del stopped_by
        return {**point.facts, **_measured(point, tally)}

    def series(self) -> list[dict[str, Any]]:
        """Plan of the scene about the target at every point, with the ellipse of every set."""
        return [{**point.map, "axes": np.array(json.dumps(dict(point.axes)))} for point in self.points if point.sets]


def _place(asked: Scenario, name: str, key: str, times: Times) -> State:
    if name in asked.platforms:
        try:
            return satellite(asked.platforms[name], f"platforms.{name}").state(times)
        except ScenarioError as error:
            if error.key != "at.satellite":
                raise
            raise ScenarioError(
                f"{name!r} holds several satellites; give one of them as a platform of its own (circular, tle)", key=key
            ) from None
    return site(asked.terminals[name]).state(times)


def _point(values: Mapping[str, Any], asked: Scenario) -> MultistaticPoint:
    given = asked.multistatic
    assert given is not None  # checked on loading
    times = Times(given.start, [given.at_s])
    target = _place(asked, given.target, "multistatic.target", times)
    paths, sets = tuple(given.paths), given.path_sets()
    structure = MultistaticStructure(
        paths=len(paths),
        sets=tuple(tuple(paths.index(each) for each in members) for members in sets.values()),
        dimensions=given.dimensions,
        bandwidth_hz=given.bandwidth_mhz * 1e6,
        integration_s=given.integration_ms * 1e-3,
        delay_cells=given.delay_cells,
        doppler_cells=given.doppler_cells,
        swerling=given.swerling,
    )
    up = _up(target)
    facts: dict[str, Any] = {}
    ends, snr = [], []
    for name, path in given.paths.items():
        key = f"multistatic.paths.{name}"
        there, back = (_place(asked, getattr(path, end), f"{key}.{end}", times) for end in ("transmitter", "receiver"))
        found = echo_geometry(there, target, back)
        if min(float(found.transmit_range_m[0]), float(found.receive_range_m[0])) < 1.0:
            raise ScenarioError("the target is where this path ends", key=key)
        image_snr_db, seen = _image_snr_db(given, path, found), _seen(there, target, back)
        ends.append((there.position_ecef_m.numpy()[0], back.position_ecef_m.numpy()[0]))
        snr.append(float(db_to_linear(image_snr_db)) / (given.delay_cells * given.doppler_cells) if seen else 0.0)
        facts |= _facts(name, given, found, image_snr_db if seen else -math.inf, seen)
    east, north = _east_north(up)
    basis = [east, north] if given.known_altitude else [east, north, up]
    work = MultistaticWork(
        seed=asked.seed,
        channel_key=f"multistatic|{given.swerling}|{len(paths)}",
        snr=tuple(snr),
        ends=tuple((tuple(a), tuple(b)) for a, b in np.array(ends)),
        target=tuple(target.position_ecef_m.numpy()[0]),
        basis=tuple(tuple(row) for row in basis),
        false_alarm=given.false_alarm,
    )
    bounds, plan = _bounds(structure, work, tuple(sets), given, np.array([east, north]))
    flat = flatten(asked)
    physics = json.dumps(["multistatic", asdict(structure), asdict(work)], sort_keys=True)
    return MultistaticPoint(
        axes={path: flat.get(path, value) for path, value in values.items()},
        structure=structure,
        work=work,
        paths=paths,
        sets=tuple(sets),
        facts=facts | bounds,
        map=plan,
        identity=hashlib.sha256(physics.encode()).hexdigest(),
    )


def _image_snr_db(given: Multistatic, path: EchoPath, found: EchoGeometry) -> float:
    """Echo over noise and what is left of the direct path, integrated over bandwidth and time."""
    power = {"eirp_dbw": path.eirp_dbw, "carrier_hz": given.carrier_ghz * 1e9}
    echo_dbw = echo_power_dbw(
        **power,
        receive_gain_dbi=path.receive_gain_dbi,
        cross_section_dbsm=given.cross_section_dbsm,
        transmit_range_m=found.transmit_range_m.numpy()[0],
        receive_range_m=found.receive_range_m.numpy()[0],
        loss_db=path.loss_db,
    )
    noise_w = db_to_linear(noise_power_dbw(given.bandwidth_mhz * 1e6, path.noise_figure_db))
    if path.cancelled_db is not None:
        gain_dbi = path.receive_gain_dbi if path.direct_gain_dbi is None else path.direct_gain_dbi
        direct_dbw = direct_power_dbw(**power, receive_gain_dbi=gain_dbi, baseline_m=found.baseline_m.numpy()[0])
        noise_w = noise_w + db_to_linear(direct_dbw - path.cancelled_db)
    elif path.leakage_dbw is not None:
        noise_w = noise_w + db_to_linear(path.leakage_dbw)
    gain_db = linear_to_db(given.bandwidth_mhz * 1e6 * given.integration_ms * 1e-3)
    return float(echo_dbw - linear_to_db(noise_w) + gain_db)


def _up(state: State) -> np.ndarray:
    place = state.position_ecef_m.numpy()[0]
    return np.asarray(place / np.linalg.norm(place))


def _east_north(up: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of the geocentric vertical, 0.2 degrees off the plumb line at most: a plane through the target either way."""
    east = np.cross([0.0, 0.0, 1.0], up)
    if np.linalg.norm(east) < 1e-9:
        east = np.array([0.0, 1.0, 0.0])
    east = east / np.linalg.norm(east)
    return east, np.cross(up, east)


def _seen(there: State, target: State, back: State) -> bool:
    """Whether both ends see the target and the transmitter is above the receiver's horizon, as far as the Earth goes.

    Only ends more than 100 km away can be below a horizon here; what stands on the ground is not known.
    """

    def above(upper: State, lower: State) -> bool:
        offset = upper.position_ecef_m.numpy()[0] - lower.position_ecef_m.numpy()[0]
        distance = float(np.linalg.norm(offset))
        return distance < 100e3 or bool(np.dot(offset, _up(lower)) > 0.0)

    return above(there, target) and above(back, target) and above(there, back)


def _facts(name: str, given: Multistatic, found: EchoGeometry, image_snr_db: float, seen: bool) -> dict[str, Any]:
    return {
        f"{name}_seen": seen,
        f"{name}_image_snr_db": image_snr_db if seen else None,
        f"{name}_transmit_range_m": float(found.transmit_range_m[0]),
        f"{name}_receive_range_m": float(found.receive_range_m[0]),
        f"{name}_excess_m": float(found.excess_m[0]),
        f"{name}_doppler_hz": float(found.doppler_hz(given.carrier_ghz * 1e9)[0]),
        f"{name}_bistatic_deg": math.degrees(float(found.bistatic_angle_rad[0])),
    }


def _bounds(
    structure: MultistaticStructure,
    work: MultistaticWork,
    sets: tuple[str, ...],
    given: Multistatic,
    plane: np.ndarray,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Bounds of the positions as columns, and the plan of the scene in km east and north of the target."""
    trial = make_fix(structure)
    facts: dict[str, Any] = {}
    plan: dict[str, Any] = {"sets": np.array(sets), "paths": np.array(list(given.paths))}
    target, ends = np.array(work.target), np.array(work.ends)
    for place, end in enumerate(("transmitter", "receiver")):
        plan[f"{end}_plan_m"] = (ends[:, place] - target) @ plane.T
    ellipses = []
    for place, name in enumerate(sets):
        members = list(structure.sets[place])
        known = sum(work.snr[member] > 0.0 for member in members) >= structure.dimensions
        covariance = _covariance(trial, work, place) if known else None
        if covariance is None:
            ellipses.append((np.nan,) * 3)
            continue
        ellipse = error_ellipse(tf.constant(covariance[:2, :2]))
        sizes = float(ellipse.semi_major_m), float(ellipse.semi_minor_m), float(ellipse.orientation_rad)
        ellipses.append(sizes)
        facts |= {
            f"{name}_position_crlb_m": math.sqrt(np.trace(covariance)),
            f"{name}_semi_major_m": sizes[0],
            f"{name}_semi_minor_m": sizes[1],
            f"{name}_major_axis_deg": math.degrees(sizes[2]),
        }
    return facts, plan | {"ellipses": np.array(ellipses).reshape(-1, 3)}


def _covariance(trial: FixTrial, work: MultistaticWork, place: int) -> np.ndarray | None:
    try:
        return np.asarray(expected_covariance(trial, values_of(trial, [work], 1))[place].numpy()[0])
    except tf.errors.InvalidArgumentError:  # the paths leave a direction unknown
        return None


def _measured(point: MultistaticPoint, tally: Tally) -> dict[str, Any]:
    frames, counts = tally.blocks, tally.counts
    found: dict[str, Any] = {"blocks": frames}
    for place, name in enumerate(point.paths):
        seen = counts[f"found_{place}"]
        found |= _limits(f"{name}_detection_probability", seen / frames, clopper_pearson(seen, frames))
        if seen:
            found[f"{name}_path_rmse_m"] = math.sqrt(tally.sums[f"path_{place}_2"] / seen)
    for place, name in enumerate(point.sets):
        fixes = counts[f"fixed_{place}"]
        found |= _limits(f"{name}_fix_probability", fixes / frames, clopper_pearson(fixes, frames))
        if fixes:
            found |= _position(f"{name}_position_rmse_m", tally.sums, place, fixes)
            inside = counts[f"inside_{place}"]
            found |= _limits(f"{name}_ellipse_coverage", inside / fixes, clopper_pearson(inside, fixes))
    return found


def _position(name: str, sums: Mapping[str, float], place: int, fixes: int) -> dict[str, float]:
    square, fourth = sums[f"position_{place}_2"] / fixes, sums[f"position_{place}_4"] / fixes
    spread = max(fourth - square**2, 0.0)
    factor = math.exp(_NORMAL * 0.5 * math.sqrt(spread / max(fixes - 1, 1)) / square) if square else 1.0
    return _limits(name, math.sqrt(square), (math.sqrt(square) / factor, math.sqrt(square) * factor))


def _limits(name: str, value: float, limits: tuple[Any, Any]) -> dict[str, float]:
    return {name: value, f"{name}_low": float(limits[0]), f"{name}_high": float(limits[1])}
