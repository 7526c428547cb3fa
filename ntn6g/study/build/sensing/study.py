"""Study `sensing`: how often targets are found, and how well they are measured, against closed forms and bounds."""

import json
from functools import partial
from typing import Any

import numpy as np
import tensorflow as tf

from ntn6g.core import random
from ntn6g.core.errors import ScenarioError
from ntn6g.core.units import linear_to_db
from ntn6g.scenario import Scenario, apply, sweep_points
from ntn6g.study.build.sensing.point import SensingPoint, point_of
from ntn6g.study.build.sensing.rows import measured
from ntn6g.study.build.sensing.step import (
    batch_rows,
    make_link,
    make_tracks,
    make_trial,
    sensing_step,
    values_of,
)
from ntn6g.study.build.sensing.structure import SensingStructure
from ntn6g.study.engine import Recipe, StopRule, Tally


class SensingStudy:
    """A part of a scenario as points, one compiled step per structure, and rows.

    Parameters as `ntn6g.study.build.link.LinkStudy`. A point has ``stop.max_blocks`` frames, whatever comes out.

    Raises
    ------
    ScenarioError
        A frame, target or detector that cannot be, or lies outside what a channel per subcarrier represents.
    """

    kind = "sensing"

    def __init__(self, part: str, scenario: Scenario) -> None:
        self.part, self.scenario = part, scenario
        self.rule = StopRule(max_blocks=scenario.stop.max_blocks)
        self.points = [point_of(values, apply(scenario, values)) for values in sweep_points(scenario)]
        for structure in dict.fromkeys(point.structure for point in self.points):
            try:
                make_trial(structure)
                make_link(structure)
                make_tracks(structure)
            except ValueError as error:
                raise ScenarioError(str(error), key="sensing") from None

    def rows(self, structure: SensingStructure) -> int:
        """Frames of a batch."""
        return self.scenario.engine.batch or batch_rows(structure)

    def recipe(self, structure: SensingStructure) -> Recipe:
        """How a worker builds the compiled step of a structure."""
        return partial(sensing_step, structure, rows=self.rows(structure))

    def row(self, point: SensingPoint, tally: Tally, stopped_by: str | None) -> dict[str, Any]:
        """Columns of the results table for one point."""
        del stopped_by  # there is one rule
        return {**point.facts, **measured(point, tally)}

    def series(self) -> list[dict[str, Any]]:
        """Map of the first frame of every point, where asked for."""
        if self.scenario.sensing is None or not self.scenario.sensing.picture:
            return []
        return [_picture(point) for point in self.points]


def _picture(point: SensingPoint) -> dict[str, Any]:
    """Map of the first frame, with its axes rising, and where the targets are."""
    trial = make_trial(point.structure)
    keys = random.block_keys(tf.constant([random.chunk_key(point.work.seed, point.work.channel_key, 0)], tf.uint32), 1)
    values = values_of([point.work], 1)
    delay_s, doppler_hz, _ = trial.place(keys, values)
    _, power, declared = tf.function(trial.picture, jit_compile=True, autograph=False)(keys, values)
    if point.structure.antennas is not None:  # over velocity and range: the beam that hears most
        power, declared = tf.reduce_max(power, axis=1), tf.reduce_any(declared, axis=1)
    velocity_m_s = point.wavelength_m * trial.rd_map.doppler_hz
    order = np.argsort(velocity_m_s)
    return {
        "map_db": linear_to_db(np.maximum(power[0].numpy()[order], 1e-12)).astype(np.float32),
        "declared": declared[0].numpy()[order],
        "range_m": point.opens_at_m + point.metres_per_s * trial.rd_map.delay_s,
        "velocity_m_s": velocity_m_s[order],
        "target_range_m": point.opens_at_m + point.metres_per_s * delay_s[0].numpy(),
        "target_velocity_m_s": point.wavelength_m * doppler_hz[0].numpy(),
        "axes": np.array(json.dumps(dict(point.axes))),
    }
