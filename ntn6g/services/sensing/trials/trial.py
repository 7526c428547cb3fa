"""One frame of a sensing experiment from drawn places to what was found, missed and measured."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import tensorflow as tf

from ntn6g.core import random
from ntn6g.core.constants import SPEED_OF_LIGHT_M_S
from ntn6g.orbit.state import TensorRecord
from ntn6g.services.sensing.estimators.locating import assigned, check_method, locate
from ntn6g.services.sensing.estimators.resolution import resolved
from ntn6g.services.sensing.frames.echo import Targets, log_normal_factor
from ntn6g.services.sensing.frames.frame import SensingFrame
from ntn6g.services.sensing.maps.array import form_beams, strongest_of_beams
from ntn6g.services.sensing.maps.periodogram import Peak, RangeDopplerMap, strongest
from ntn6g.services.sensing.scene.surroundings import Surroundings

_CLEAR_CELLS = 2  # native cells around a target's row and column that are not counted as noise
_BLIND_CELLS = 0.5  # native cells of Doppler on both sides of what is projected away in which nothing is declared


@dataclass(frozen=True, eq=False)
class TrialValues(TensorRecord):
    """What differs from frame to frame of a batch."""

    delay_s: tf.Tensor
    """Float64 [batch, target]."""
    doppler_hz: tf.Tensor
    """Float64 [batch, target]."""
    snr: tf.Tensor
    """Float32 [batch, target]: echo on an element of unit energy over the noise density."""
    spread_cells: tf.Tensor
    """Float64 [batch]: each target lies anywhere within this many native cells about its place, on all axes."""
    multiple: tf.Tensor
    """Float32 [batch]: threshold of the detector over its noise statistic, or on its network's output."""
    pilot_share: tf.Tensor
    """Float32 [batch]: share of the energy in pilots, where the grid sets them apart."""
    fluctuation_db: tf.Tensor
    """Float32 [batch, target]: deviation of a logarithmic-normal cross section of mean one, drawn for every frame."""
    around: Surroundings
    """What is heard besides, where the frame's scene has it."""
    sine: tf.Tensor
    """Float64 [batch, target]: sine of the direction from an array's broadside, where the frame has one."""


@dataclass(frozen=True, eq=False)
class TrialOutcome(TensorRecord):
    """Counts and errors of each frame, [batch]."""

    found: tf.Tensor
    """Bool [batch, target]: whether the cell of each target was declared one."""
    quiet_cells: tf.Tensor
    """Int32: cells of all beams more than two native cells away from every target's row and column and from those of
    its images, and not blind."""
    false_alarms: tf.Tensor
    """Int32: those of them declared a target."""
    quiet_power: tf.Tensor
    """Float64: their mean power over that of noise of variance one; 0 where there are none."""
    delay_error_s: tf.Tensor
    """Float64 [batch, target]: what was measured less the target; of the strongest reflection 0 unless there is exactly
    one target."""
    doppler_error_hz: tf.Tensor
    """Float64 [batch, target], likewise."""
    angle_error_rad: tf.Tensor
    """Float64: strongest reflection less the target; 0 without an array, and unless there is exactly one target."""
    peak_energy: tf.Tensor
    """Float64: squared amplitude of the strongest reflection on an element; 0 unless there is just one target."""
    peak_seen: tf.Tensor
    """Bool: the cell of the strongest reflection was declared a target."""
    resolved: tf.Tensor
    """Bool: the row of the first of two targets shows both as peaks, in its beam, or both are measured nearer to their
    own places than half their distance, and than half a cell; False unless there are just two."""


class Detector(Protocol):
    """Whatever declares cells of a map: `ntn6g.services.sensing.Cfar`, `ntn6g.services.sensing.LearnedDetector`."""

    @property
    def padding(self) -> int:
        """That of the maps it is made for."""
        ...

    def check(self, shape: tuple[int, int], where: str = "on an axis") -> None:
        """Raise ``ValueError`` where a map of Doppler by delay cells is too small for it."""
        ...

    def __call__(self, power: tf.Tensor, multiple: tf.Tensor | None = None) -> tf.Tensor:
        """Bool [..., M', N'] of maps float32 [..., M', N'] at thresholds float32 [...]."""
        ...


class SensingTrial:
    """Draws targets, data and noise, and puts the frame through map, detector and estimator.

    Parameters
    ----------
    frame : SensingFrame
        Grid, constellation, fluctuation and channel estimate.
    rd_map : RangeDopplerMap
        The map.
    detector : Detector
        The detector; its padding is that of the map.
    targets : int
        Their number, 0 and up.
    refine : str
        As `ntn6g.services.sensing.strongest`.
    method : str
        'peak' measures the strongest reflection of a single target; others, of `MOST_TARGETS`, all targets at once.

    Raises
    ------
    ValueError
        When detector and map differ in their padding, a window does not fit, or a method does not suit.
    """

    def __init__(
        self,
        frame: SensingFrame,
        rd_map: RangeDopplerMap,
        detector: Detector,
        *,
        targets: int,
        refine: str = "newton",
        method: str = "peak",
    ) -> None:
        if method != "peak":
            check_method(rd_map, targets, method)
            if frame.antennas is not None or frame.scene.cancel:
                raise ValueError(f"{method} measures frames of one antenna, from which nothing was projected away")
        if detector.padding != rd_map.padding:
            raise ValueError(f"a detector for padding {detector.padding} on a map of padding {rd_map.padding}")
        grid, (rows, columns) = frame.grid, rd_map.shape
        if grid.knows_data:
            detector.check((rows, columns))
        else:  # a comb shows every target again a fold on, where it must not be taken for noise
            detector.check((rows // grid.symbol_step, columns // grid.comb), "between the images of a comb")
        self.frame, self.rd_map, self.detector = frame, rd_map, detector
        self.targets, self.refine, self.method = targets, refine, method

    def place(self, keys: tf.Tensor, values: TrialValues) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Delays in s, Doppler shifts in Hz and sines of the targets, float64 [batch, target].

        The streams 'place' and, with an array, 'place angle' are used.
        """
        grid, spread = self.frame.grid, values.spread_cells[:, None]
        drawn = tf.cast(random.uniform(random.stream(keys, "place"), (2, self.targets)), tf.float64) - 0.5
        shift = drawn * spread[:, None]
        delay_s = values.delay_s + shift[:, 0] * grid.delay_cell_s
        doppler_hz = values.doppler_hz + shift[:, 1] * grid.doppler_cell_hz
        if self.frame.antennas is None:
            return delay_s, doppler_hz, values.sine
        turned = tf.cast(random.uniform(random.stream(keys, "place angle"), (self.targets,)), tf.float64) - 0.5
        return delay_s, doppler_hz, values.sine + turned * spread * (2.0 / self.frame.antennas)

    def picture(self, keys: tf.Tensor, values: TrialValues) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Channel estimate, map and detections of each frame.

        Complex64 [batch, symbol, subcarrier], float32 and bool [batch, M', N']; with an array [batch, antenna, symbol,
        subcarrier], and a map for each of its beams.
        """
        channel = self._channel(keys, self.place(keys, values), values)
        seen, multiple = channel, values.multiple
        if self.frame.antennas is not None:
            seen, multiple = form_beams(channel), multiple[:, None]
        power = self.rd_map(seen)
        declared = self.detector(power, multiple)
        blind = self.blind(values)
        return channel, power, declared if blind is None else declared & ~blind[:, :, None]

    def blind(self, values: TrialValues) -> tf.Tensor | None:
        """Rows of Doppler that cancellation has emptied, bool [batch, M']; None without cancellation."""
        scene, grid, rows = self.frame.scene, self.frame.grid, self.rd_map.shape[0]
        if not scene.cancel:
            return None
        still = tf.zeros_like(values.around.compensated_m_s)
        emptied_hz = [still]
        if scene.direct and scene.carrier_hz is not None:
            emptied_hz.append(-values.around.compensated_m_s * (scene.carrier_hz / SPEED_OF_LIGHT_M_S))
        place = tf.math.floormod(-tf.stack(emptied_hz, axis=1) * grid.period_s * rows, float(rows))
        fold = rows * grid.period_s * grid.unambiguous_doppler_hz
        return _near(place, rows, fold, _BLIND_CELLS * self.rd_map.padding * (1.0 - 1e-9))

    def _channel(
        self, keys: tf.Tensor, places: tuple[tf.Tensor, tf.Tensor, tf.Tensor], values: TrialValues
    ) -> tf.Tensor:
        share = values.pilot_share if self.frame.grid.pilot_share is not None else None
        if not self.targets:  # an echo of no strength keeps shapes
            zero = tf.zeros([keys.shape[0], 1], tf.float64)
            return self.frame(keys, Targets(zero, zero, zero, tf.cast(zero, tf.float32)), share, values.around)
        snr = values.snr * log_normal_factor(keys, values.fluctuation_db)
        return self.frame(keys, Targets(*places, snr), share, values.around)

    def __call__(self, keys: tf.Tensor, values: TrialValues) -> TrialOutcome:
        """Outcome of frames with these keys, uint32 [batch, 2]; works under ``tf.function(jit_compile=True)``."""
        delay_s, doppler_hz, sine = self.place(keys, values)
        channel, power, declared = self.picture(keys, values)
        rows, columns = self.rd_map.shape
        grid, padding, beams = self.frame.grid, self.rd_map.padding, self.frame.antennas or 1
        # the axis of Doppler runs backwards from 0, as `RangeDopplerMap.doppler_hz` says
        row = tf.math.floormod(-doppler_hz * grid.period_s * rows, float(rows))
        column = tf.math.floormod(delay_s * grid.subcarrier_spacing_hz * columns, float(columns))
        beam = tf.math.floormod(sine * (0.5 * beams), float(beams))
        nearest = tf.cast(tf.round(beam), tf.int32) % beams
        for place, length in ((row, rows), (column, columns)):
            nearest = nearest * length + tf.cast(tf.round(place), tf.int32) % length
        cells = tf.reshape(declared, [-1, beams * rows * columns])
        hit = tf.gather(cells, nearest, axis=1, batch_dims=1)
        reach = _CLEAR_CELLS * padding
        # in cells: how far apart a comb shows one target again and again
        fold_row = rows * grid.period_s * grid.unambiguous_doppler_hz
        fold_column = columns * grid.subcarrier_spacing_hz * grid.unambiguous_delay_s
        busy = _near(row, rows, fold_row, reach), _near(column, columns, fold_column, reach)
        quiet = ~busy[0][:, :, None] & ~busy[1][:, None, :]
        blind = self.blind(values)
        if blind is not None:
            quiet &= ~blind[:, :, None]
        alarms = tf.reshape(declared, [-1, beams, rows, columns]) & quiet[:, None]
        quiet_cells = beams * tf.reduce_sum(tf.cast(quiet, tf.int32), axis=[1, 2])
        of_rows = tf.reduce_sum(
            tf.where(quiet[:, None], tf.reshape(power, alarms.shape), tf.zeros([], power.dtype)), axis=3
        )
        quiet_power = tf.reduce_sum(tf.cast(of_rows, tf.float64), axis=[1, 2])
        errors = self._errors(channel, power, cells, (delay_s, doppler_hz, sine), blind)
        if self.method == "peak":
            both = self._resolved(power, row, column, nearest // (rows * columns))
        else:
            both = self._told_apart(errors, delay_s, doppler_hz)
        return TrialOutcome(
            found=hit,
            quiet_cells=quiet_cells,
            false_alarms=tf.reduce_sum(tf.cast(alarms, tf.int32), axis=[1, 2, 3]),
            quiet_power=tf.math.divide_no_nan(quiet_power, tf.cast(quiet_cells, tf.float64)),
            **errors,
            resolved=both,
        )

    def _errors(
        self,
        channel: tf.Tensor,
        power: tf.Tensor,
        declared: tf.Tensor,
        places: tuple[tf.Tensor, tf.Tensor, tf.Tensor],
        blind: tf.Tensor | None,
    ) -> dict[str, tf.Tensor]:
        """How far off targets are measured; of the peak of a single one how strong, and whether it was declared one."""
        none = tf.zeros([channel.shape[0]], tf.float64)
        if self.method != "peak" or self.targets != 1:
            off = (tf.zeros_like(places[0]), tf.zeros_like(places[1]))
            if self.method != "peak":
                off = assigned(self.frame.grid, locate(self.rd_map, channel, self.targets, self.method), places[:2])
            found = {"delay_error_s": off[0], "doppler_error_hz": off[1], "angle_error_rad": none, "peak_energy": none}
            return found | {"peak_seen": tf.fill(none.shape, False)}
        looked_at = power if blind is None else tf.where(blind[:, :, None], tf.zeros_like(power), power)
        angle_error = none
        if self.frame.antennas is None:
            peak: Peak = strongest(self.rd_map, looked_at, channel, refine=self.refine)
        else:
            peak, sine = strongest_of_beams(self.rd_map, looked_at, channel, refine=self.refine)
            angle_error = tf.asin(sine) - tf.asin(places[2][:, 0])
        top = tf.argmax(tf.reshape(looked_at, declared.shape), axis=1, output_type=tf.int32)
        return {
            "delay_error_s": peak.delay_s[:, None] - places[0],
            "doppler_error_hz": peak.doppler_hz[:, None] - places[1],
            "angle_error_rad": angle_error,
            "peak_energy": tf.cast(tf.square(tf.abs(peak.amplitude)), tf.float64),
            "peak_seen": tf.gather(declared, top, axis=1, batch_dims=1),
        }

    def _told_apart(self, errors: dict[str, tf.Tensor], delay_s: tf.Tensor, doppler_hz: tf.Tensor) -> tf.Tensor:
        if self.targets != 2:
            return tf.fill([delay_s.shape[0]], False)
        grid = self.frame.grid
        cells = grid.delay_cell_s, grid.doppler_cell_hz
        apart = [(each[:, 0] - each[:, 1]) / cell for each, cell in zip((delay_s, doppler_hz), cells, strict=True)]
        limit = 0.5 * tf.minimum(tf.sqrt(tf.square(apart[0]) + tf.square(apart[1])), 1.0)
        off = tf.square(errors["delay_error_s"] / cells[0]) + tf.square(errors["doppler_error_hz"] / cells[1])
        return tf.reduce_all(off < tf.square(limit)[:, None], axis=1)

    def _resolved(self, power: tf.Tensor, row: tf.Tensor, column: tf.Tensor, beam: tf.Tensor) -> tf.Tensor:
        if self.targets != 2:
            return tf.fill([power.shape[0]], False)
        if self.frame.antennas is not None:
            power = tf.gather(power, beam[:, 0], axis=1, batch_dims=1)
        rows = self.rd_map.shape[0]
        cut = tf.gather(power, tf.cast(tf.round(row[:, 0]), tf.int32) % rows, axis=1, batch_dims=1)
        return resolved(cut, column[:, 0], column[:, 1], self.rd_map.padding)


def _near(place: tf.Tensor, length: int, fold: float, reach: float) -> tf.Tensor:
    """Cells of an axis within reach of a target or an image of it: float64 [batch, target] to bool [batch, length]."""
    apart = tf.math.floormod(place[:, :, None] - tf.constant(np.arange(length), tf.float64), fold)
    return tf.reduce_any(tf.minimum(apart, fold - apart) <= reach, axis=1)
