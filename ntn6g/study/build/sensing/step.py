"""The compiled step of a sensing study: its parts from a structure, and the call that turns work into chunks."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
import tensorflow as tf

from ntn6g.core import random
from ntn6g.phy.grid import SUBCARRIERS_PER_BLOCK
from ntn6g.services.sensing import (
    LinkConditions,
    RangeDopplerMap,
    Scene,
    SensingFrame,
    SensingTrial,
    SharedLink,
    Surroundings,
    TrackOutcome,
    TrackTrial,
    TrialOutcome,
    TrialValues,
)
from ntn6g.services.sensing.estimators import window_shape
from ntn6g.study.build.compiled_step import CompiledStep, chunk_keys, total
from ntn6g.study.build.fading import fading_profile
from ntn6g.study.build.sensing.detectors import make_detector
from ntn6g.study.build.sensing.structure import SensingStructure
from ntn6g.study.engine import BLOCKS_PER_CHUNK

_BATCH_BYTES = 256 * 2**20
_BYTES_PER_CELL = 32  # spectrum, power, sums and detections of a cell of the map, alive at once
_BYTES_OF_LAYERS = 128  # more of a learned detector: inputs and outputs of its widest layer
_BYTES_PER_PAIR = 64  # of a window's elements: windows in single, covariance and its square in double precision
TRACKED = ("range", "velocity", "angle")  # axes of a track; the last one by an array
_ANY_RATE = 0.01  # that every detector has a threshold for
_FEWEST_ROWS, _MOST_ROWS = 64, 256
_ENERGIES = ("direct", "distortion", "clutter")  # of `Surroundings`, in single precision; places and rates in double
_AROUND_TYPES = {each.name: tf.float32 if each.name in _ENERGIES else tf.float64 for each in fields(Surroundings)}


def make_trial(structure: SensingStructure) -> SensingTrial:
    """Build the frame, map, detector and estimator of a structure.

    Raises
    ------
    ValueError
        When they do not fit together.
    """
    detector, _ = make_detector(structure, _ANY_RATE)  # every frame brings its own threshold
    return SensingTrial(
        make_frame(structure),
        make_map(structure),
        detector,
        targets=structure.targets,
        refine=structure.refine,
        method=structure.method,
    )


def make_frame(structure: SensingStructure) -> SensingFrame:
    """Build what draws frames and estimates their channel.

    Raises
    ------
    ValueError
        When its parts do not fit together.
    """
    return SensingFrame(
        structure.grid,
        modulation=structure.modulation,
        swerling=structure.swerling,
        estimator=structure.estimator,
        waveform=structure.waveform,
        antennas=structure.antennas,
        scene=Scene(
            direct=structure.direct,
            scatterers=structure.scatterers,
            carrier_hz=structure.carrier_hz,
            cancel=structure.cancel,
        ),
    )


def make_map(structure: SensingStructure) -> RangeDopplerMap:
    """The map of a structure."""
    return RangeDopplerMap(grid=structure.grid, padding=structure.padding, windows=structure.window)


def make_tracks(structure: SensingStructure) -> TrackTrial | None:
    """Build the frames of a track; None where every frame stands for itself.

    Raises
    ------
    ValueError
        When frame and track do not fit together.
    """
    if structure.tracking is None:
        return None
    return TrackTrial(make_trial(structure), **asdict(structure.tracking))


def make_link(structure: SensingStructure) -> SharedLink | None:
    """Build the link that shares the frame; None without one.

    Raises
    ------
    ScenarioError
        A block that the code refuses.
    """
    if structure.code_rate is None:
        return None
    profile = fading_profile("tdl", structure.profile)
    assert profile is not None
    return SharedLink(
        structure.grid,
        modulation=structure.modulation,
        code_rate=structure.code_rate,
        profile=profile,
        waveform=structure.waveform,
    )


def batch_rows(structure: SensingStructure) -> int:
    """Frames or tracks of one batch, a multiple of 64: as many as an estimate of memory allows, 64 to 256."""
    cells = structure.subcarriers * structure.symbols * structure.padding**2 * (structure.antennas or 1)
    each = _BYTES_PER_CELL + (_BYTES_OF_LAYERS if structure.model else 0)
    of_frame = each * cells
    if structure.method in ("music", "esprit"):
        elements = math.prod(window_shape(structure.grid))
        of_frame += _BYTES_PER_PAIR * elements**2  # as many windows as elements, and their covariance
    return min(max(_BATCH_BYTES // of_frame // 64 * 64, _FEWEST_ROWS), _MOST_ROWS)


@dataclass(frozen=True)
class SensingWork:
    """What a step needs of a point: what its draws are keyed by, and the values of its frames."""

    channel_key: str
    seed: int
    targets: Sequence[tuple[float, float, float]]
    """Delay in s, Doppler shift in Hz and linear signal-to-noise ratio of each target."""
    spread_cells: float
    multiple: float
    pilot_share: float = 0.0
    """Of the energy; not used unless pilots are apart."""
    link: tuple[float, float, float] = (1.0, 0.0, 0.0)
    """Linear signal-to-noise ratio, delay spread in s and Doppler shift in Hz of the link that shares the frame."""
    fluctuations_db: Sequence[float] = ()
    """Deviation of each target's cross section; none where the sequence is empty."""
    around: tuple[float, ...] = (0.0,) * len(fields(Surroundings))
    """Fields of `Surroundings`, in their order."""
    sines: Sequence[float] = ()
    """Of each target's direction from an array's broadside; none where the sequence is empty."""
    densities: tuple[float, float] = (0.0, 0.0)
    """Of white acceleration, m^2/s^3: the target's, and the one that a filter assumes."""


class SensingStep(CompiledStep):
    """Computes chunks of frames, or of tracks, ``rows`` a call, with one compilation.

    Parameters
    ----------
    trial : SensingTrial
        The frame's way.
    link : SharedLink or None
        The link that shares it.
    tracks : TrackTrial or None
        Tracks of such frames, where a block is one.
    rows : int
        Frames or tracks of a batch, a multiple of 32.
    """

    def __init__(
        self, trial: SensingTrial, link: SharedLink | None = None, tracks: TrackTrial | None = None, *, rows: int
    ) -> None:
        self.trial, self.link, self.tracks = trial, link, tracks
        super().__init__(rows=rows)

    def arguments(
        self, work: Sequence[tuple[SensingWork, int]]
    ) -> tuple[tf.Tensor, TrialValues, LinkConditions, tf.Tensor]:
        """Chunk keys uint32 [chunks, 2], values and conditions [rows] of a batch, densities [rows, 2]."""
        points = [point for point, _ in work]
        link = np.repeat(np.array([point.link for point in points], np.float32), BLOCKS_PER_CHUNK, axis=0)
        values = values_of(points, BLOCKS_PER_CHUNK)
        snr, delay_spread_s, doppler_hz = (tf.constant(column) for column in link.T)
        conditions = LinkConditions(snr, delay_spread_s, doppler_hz, values.pilot_share)
        densities = np.repeat(np.array([point.densities for point in points], np.float64), BLOCKS_PER_CHUNK, axis=0)
        return chunk_keys(work), values, conditions, tf.constant(densities)

    def _sums(
        self, keys: tf.Tensor, values: TrialValues, conditions: LinkConditions, densities: tf.Tensor
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        keys = random.block_keys(keys, BLOCKS_PER_CHUNK)
        if self.tracks is not None:
            track = self.tracks(keys, values, densities[:, 0], densities[:, 1])
            counts, sums = self._of_frames(track.frames, 0)
            more = _of_tracks(track)
            counts, sums = counts | more[0], sums | more[1]
        else:
            counts, sums = self._of_frames(self.trial(keys, values), None)
        counts["blocks"] = tf.ones_like(keys[:, 0], tf.int64)
        if self.link is not None:
            counts["block_errors"] = tf.cast(self.link(keys, conditions), tf.int64)
        of_counts = {name: total(column, tf.int64) for name, column in counts.items()}
        return of_counts, {name: total(column, tf.float64) for name, column in sums.items()}

    def _of_frames(self, outcome: TrialOutcome, axis: int | None) -> tuple[dict[str, tf.Tensor], dict[str, tf.Tensor]]:
        """Counts and sums of every block, [block]; of those with several frames ``axis`` is the frames'."""

        def of_block(column: tf.Tensor, dtype: tf.DType) -> tf.Tensor:
            column = tf.cast(column, dtype)
            return column if axis is None else tf.reduce_sum(column, axis=axis)

        alarms = of_block(outcome.false_alarms, tf.int64)
        counts = {
            "found": of_block(tf.reduce_sum(tf.cast(outcome.found, tf.int64), axis=-1), tf.int64),
            "quiet_cells": of_block(outcome.quiet_cells, tf.int64),
            "false_alarms": alarms,
            "false_alarms_squared": alarms * alarms,
        }
        if self.trial.targets > 1:
            counts |= {f"found_{k}": of_block(outcome.found[..., k], tf.int64) for k in range(self.trial.targets)}
        if self.trial.targets == 2:
            counts["resolved"] = of_block(outcome.resolved, tf.int64)
        grid = self.trial.frame.grid
        errors = {}
        for k, of in enumerate(of_targets(self.trial.targets, self.trial.method)):
            # in cells: fourth powers of seconds would be lost in the smallest numbers
            errors[f"delay{of}"] = outcome.delay_error_s[..., k] / grid.delay_cell_s
            errors[f"doppler{of}"] = outcome.doppler_error_hz[..., k] / grid.doppler_cell_hz
        if self.trial.frame.antennas is not None:
            errors["angle"] = outcome.angle_error_rad
        sums = {
            f"{name}_{power}": of_block(error**power, tf.float64)
            for name, error in errors.items()
            for power in (1, 2, 4)
        }
        sums |= {f"floor_{power}": of_block(outcome.quiet_power**power, tf.float64) for power in (1, 2)}
        return counts, sums


def of_targets(targets: int, method: str) -> list[str]:
    """Endings of the sums of targets that are measured: one without a name, or each by its number."""
    if method == "peak" or targets == 1:
        return [""] if targets == 1 else []
    return [f"_of_{k}" for k in range(targets)]


def _of_tracks(track: TrackOutcome) -> tuple[dict[str, tf.Tensor], dict[str, tf.Tensor]]:
    """What tracks add to the counts and sums of their frames, [block]."""
    counts = {"kept": track.kept, "innovations": track.innovations, "rejected": track.rejected}
    sums = {"innovation_1": track.innovation, "innovation_2": track.innovation_square}
    sums |= {f"state_{power}": track.state_error**power for power in (1, 2)}
    for name, square in zip(TRACKED, tf.unstack(track.squares, axis=-1), strict=False):
        sums |= {f"tracked_{name}_2": square, f"tracked_{name}_4": tf.square(square)}
    return {name: tf.cast(column, tf.int64) for name, column in counts.items()}, sums


def values_of(points: Sequence[SensingWork], frames: int) -> TrialValues:
    """Values of some frames of each point, in order."""
    places = np.array([point.targets for point in points], np.float64).reshape(len(points), -1, 3)
    rows = np.repeat(places, frames, axis=0)

    def column(name: str, dtype: tf.DType) -> tf.Tensor:
        return tf.constant(np.repeat([getattr(point, name) for point in points], frames), dtype)

    targets = places.shape[1]
    fluctuations = np.array([point.fluctuations_db or (0.0,) * targets for point in points], np.float32)
    sines = np.array([point.sines or (0.0,) * targets for point in points], np.float64).reshape(len(points), targets)
    around = np.repeat(np.array([point.around for point in points], np.float64), frames, axis=0)
    heard = {
        each.name: tf.constant(around[:, i], _AROUND_TYPES[each.name]) for i, each in enumerate(fields(Surroundings))
    }
    return TrialValues(
        delay_s=tf.constant(rows[..., 0]),
        doppler_hz=tf.constant(rows[..., 1]),
        snr=tf.constant(rows[..., 2], tf.float32),
        spread_cells=column("spread_cells", tf.float64),
        multiple=column("multiple", tf.float32),
        pilot_share=column("pilot_share", tf.float32),
        fluctuation_db=tf.constant(np.repeat(fluctuations.reshape(len(points), targets), frames, axis=0)),
        around=Surroundings(**heard),
        sine=tf.constant(np.repeat(sines, frames, axis=0)),
    )


def sensing_step(structure: SensingStructure, *, rows: int) -> SensingStep:
    """Step of a structure, built wherever it is to run."""
    return SensingStep(make_trial(structure), make_link(structure), make_tracks(structure), rows=rows)


def subcarriers(resource_blocks: int) -> int:
    """Subcarriers of resource blocks."""
    return SUBCARRIERS_PER_BLOCK * resource_blocks
