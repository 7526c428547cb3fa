"""What an agent may know of a terminal's cells: a report of the best neighbours, and what ephemerides foretell."""

from dataclasses import dataclass
from typing import NamedTuple

import tensorflow as tf

from ntn6g.services.handover.connection import Measured, State
from ntn6g.services.handover.machine import Setting
from ntn6g.services.handover.observation import LOWEST_DB, Observation, rate_bps

REPORTED = 8
"""Neighbours in a report: maxCellReport of TS 38.331 V18.6.0, 6.4."""
RATE_BPS = 1e7
"""Rates are observed, and rewarded, as multiples of it."""
_PHASES = 4
_UNSEEN_DB = -1e6


class View(NamedTuple):
    """What an agent is told, and what its actions mean."""

    cell: tf.Tensor
    """Cell that each action names, int32 [terminal, action]; -1 where there is none. Action 0 stays."""
    observation: tf.Tensor
    """Float32 [terminal, feature]: `Candidates.own` numbers of the connection, then those of each action's cell."""


@dataclass(frozen=True, kw_only=True)
class Candidates:
    """The serving cell and the neighbours of a report, by falling measured ratio.

    Of the connection: phase (one of four), time left in it, time in the cell, wait for the next report, T310, time out
    of sync. Of a cell: whether it is the serving one, whether there is one, the rate that its measured ratio and its
    free bandwidth promise, that ratio, the bandwidth, the level that geometry predicts over that of the serving cell
    and its change, predicted time until the terminal leaves, way beyond the cell's edge, round trip, whether it is of
    the serving cell's layer. All are scaled to the order of one and bounded.

    Parameters
    ----------
    neighbours : int
        In a report.
    """

    neighbours: int = REPORTED

    own: int = _PHASES + 6
    """Numbers of the connection."""
    each: int = 11
    """Numbers of a cell."""

    @property
    def actions(self) -> int:
        """To stay, or a neighbour."""
        return self.neighbours + 1

    @property
    def features(self) -> int:
        """Length of an observation."""
        return self.own + self.actions * self.each

    def look(self, state: State, measured: Measured, seen: Observation, before_db: tf.Tensor, setting: Setting) -> View:
        """The view at a step, after measurement.

        Of ``seen`` only what is predicted from places is read, and its true ratios and powers are not.

        Parameters
        ----------
        before_db : float32 [cell, terminal]
            Predicted level at the step before.
        """
        cell, there = self._listed(state, measured, setting)
        terminals = measured.ratio_db.shape[1]
        place = tf.maximum(cell, 0) * terminals + tf.range(terminals)[:, None]

        def of(field: tf.Tensor) -> tf.Tensor:
            return tf.gather(tf.reshape(field, [-1]), place)

        bandwidth_hz = tf.gather(setting.service.bandwidth_hz, tf.maximum(cell, 0))
        layer = tf.gather(setting.layer, tf.maximum(cell, 0))
        ratio_db, level_db = of(measured.ratio_db), of(seen.level_db)
        slope_db_s = (level_db - of(before_db)) / setting.timing.step_s
        numbers = (
            tf.cast(tf.range(self.actions) == 0, tf.float32)[None] + tf.zeros_like(ratio_db),
            tf.ones_like(ratio_db),
            _bounded(rate_bps(setting.service, ratio_db, bandwidth_hz) / RATE_BPS, 0.0, 10.0),
            _bounded(ratio_db / 10.0, -2.0, 4.0),
            _bounded(bandwidth_hz / RATE_BPS, 0.0, 10.0),
            _bounded((level_db - level_db[:, :1]) / 10.0, -3.0, 3.0),
            _bounded(slope_db_s / 5.0, -3.0, 3.0),
            _bounded(of(seen.exit_s) / 5.0, -0.2, 3.0),
            _bounded(of(seen.beyond_km) / 10.0, -3.0, 3.0),
            _bounded(of(seen.round_trip_s) * 50.0, 0.0, 4.0),
            tf.cast(layer == layer[:, :1], tf.float32),
        )
        told = tf.where(there[..., None], tf.stack(numbers, -1), 0.0)
        connection = self._connection(state)
        observation = tf.concat([connection, tf.reshape(told, [terminals, self.actions * self.each])], 1)
        return View(cell, observation)

    def _listed(self, state: State, measured: Measured, setting: Setting) -> tuple[tf.Tensor, tf.Tensor]:
        """Serving cell and neighbours, int32 [terminal, action], and whether there are any."""
        cells = measured.ratio_db.shape[0]
        own = tf.range(cells)[:, None] == state.serving[None]
        heard = setting.allowed & ~own & (measured.ratio_db >= LOWEST_DB)
        score = tf.transpose(tf.where(heard, measured.ratio_db, _UNSEEN_DB))
        best = tf.math.top_k(score, min(self.neighbours, cells))
        missing = [[0, 0], [0, max(self.neighbours - cells, 0)]]
        there = tf.pad(best.values > _UNSEEN_DB, missing)
        found = tf.where(there, tf.pad(best.indices, missing), -1)
        every = tf.ones_like(there[:, :1])
        return tf.concat([state.serving[:, None], found], 1), tf.concat([every, there], 1)

    def _connection(self, state: State) -> tf.Tensor:
        rest = (
            _bounded(state.timer_s * 5.0, 0.0, 5.0),
            _bounded(tf.cast(state.since_s, tf.float32) / 5.0, 0.0, 2.0),
            _bounded(state.wait_s * 5.0, 0.0, 5.0),
            tf.cast(state.t310_s >= 0.0, tf.float32),
            _bounded(state.t310_s, 0.0, 5.0),
            _bounded(state.bad_s * 5.0, 0.0, 5.0),
        )
        return tf.concat([tf.one_hot(state.phase, _PHASES), tf.stack(rest, 1)], 1)


def _bounded(value: tf.Tensor, low: float, high: float) -> tf.Tensor:
    return tf.clip_by_value(value, low, high)
