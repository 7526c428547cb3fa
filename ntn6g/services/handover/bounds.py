"""What no rule can exceed: the best sequence of cells under the same interruptions, and the best cell without any."""

from dataclasses import dataclass
from typing import NamedTuple

import tensorflow as tf

from ntn6g.services.handover.connection import Timing, gap_s, switch_gap_s
from ntn6g.services.handover.observation import Observation, Service, rate_bps

_SAFETY_S = 1e-4  # off the interruption: a round trip may shrink while one waits, by some us, and the bound must hold
_NOTHING = -1e18


class Bounds(NamedTuple):
    """Between two steps; bits and counts are float64."""

    value: tf.Tensor
    """Most bits that end in a cell, [cell, terminal]."""
    switches: tf.Tensor
    """Handovers on the way there, [cell, terminal]."""
    best: tf.Tensor
    """Most bits after each of the last steps, newest last, [history, terminal]."""
    best_switches: tf.Tensor
    greedy_bits: tf.Tensor
    """Of the best cell at every step, [terminal]."""
    greedy_cell: tf.Tensor
    greedy_switches: tf.Tensor
    outage_s: tf.Tensor
    """Time in which no cell is above Qout, [terminal]."""


@dataclass(frozen=True)
class Oracle:
    r"""Dynamic programme over cells, forward in time.

    With rate r, step T and interruption g of j steps (the last one a share :math:`\varphi`),

    .. math::
        V_n(c) = \max\{V_{n-1}(c) + T r_n(c),\; \max_{c'} V_{n-j}(c') + (1 - \varphi)\, T r_n(c)\} ,

    and :math:`\max_c V_N(c)` is the most that any sequence of cells serves: no report, no preparation, no failure, and
    every rate known beforehand. Its true upper bound is for terminals on one cell at a time. Interruptions are those
    of a handover; into a steered cell, to which a satellite switch with re-sync may lead, the shorter one of both.

    Parameters
    ----------
    cells, terminals : int
        How many.
    history : int
        Steps that the longest interruption may take.
    """

    cells: int
    terminals: int
    history: int

    def start(self) -> Bounds:
        """Any cell may be the first."""
        pairs, each = (tf.zeros(shape, tf.float64) for shape in ([self.cells, self.terminals], [self.terminals]))
        past = tf.fill([self.history, self.terminals], tf.constant(_NOTHING, tf.float64))
        return Bounds(pairs, pairs, past, tf.zeros_like(past), each, tf.fill([self.terminals], -1), each, each)

    def step(
        self,
        bounds: Bounds,
        seen: Observation,
        *,
        timing: Timing,
        service: Service,
        allowed: tf.Tensor,
        spot: tf.Tensor,
    ) -> Bounds:
        """One more step."""
        gap = gap_s(timing, seen.round_trip_s)
        switch = tf.minimum(gap, switch_gap_s(timing, seen.round_trip_s))
        gap = tf.where((spot >= 0)[:, None], switch, gap)
        rate = tf.where(allowed, rate_bps(service, seen.sinr_db, service.bandwidth_hz[:, None]), 0.0)
        q = tf.maximum(gap - _SAFETY_S, 0.0) / timing.step_s
        steps = tf.maximum(tf.math.ceil(q), 1.0)
        share = tf.clip_by_value(q - (steps - 1.0), 0.0, 1.0)
        place = self.history - tf.cast(steps, tf.int32)
        index = tf.clip_by_value(place, 0, self.history - 1) * self.terminals + tf.range(self.terminals)
        from_best = tf.gather(tf.reshape(bounds.best, [-1]), index)
        bits = tf.cast(rate * timing.step_s, tf.float64)
        arrives = from_best + tf.cast(1.0 - share, tf.float64) * bits
        stays = bounds.value + bits
        switches = tf.where(
            arrives > stays, tf.gather(tf.reshape(bounds.best_switches, [-1]), index) + 1.0, bounds.switches
        )
        value = tf.maximum(arrives, stays)
        winner = tf.one_hot(tf.argmax(value, 0), self.cells, axis=0, dtype=tf.float64)
        best = tf.reduce_max(value, 0)
        of_best = tf.reduce_sum(winner * switches, 0)
        cell = tf.argmax(rate, 0, output_type=tf.int32)
        moves = (bounds.greedy_cell >= 0) & (cell != bounds.greedy_cell)
        none = ~tf.reduce_any(allowed & (seen.sinr_db >= timing.out_of_sync_db), 0)
        return Bounds(
            value,
            switches,
            tf.concat([bounds.best[1:], best[None]], 0),
            tf.concat([bounds.best_switches[1:], of_best[None]], 0),
            bounds.greedy_bits + tf.reduce_max(bits, 0),
            cell,
            bounds.greedy_switches + tf.cast(moves, tf.float64),
            bounds.outage_s + tf.cast(tf.where(none, timing.step_s, 0.0), tf.float64),
        )
