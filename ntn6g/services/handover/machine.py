"""A terminal's connection: measurement, report, preparation, command, execution, link failure, re-establishment."""

from dataclasses import dataclass
from typing import NamedTuple

import tensorflow as tf

from ntn6g.services.handover.connection import (
    CONNECTED,
    EXECUTING,
    NOT_PREPARED_S,
    PING_PONG_WINDOWS_S,
    PREPARING,
    SEARCHING,
    Counts,
    Measured,
    Moves,
    Record,
    State,
    Timing,
    Wanted,
    answer_s,
    gap_s,
    switch_gap_s,
)
from ntn6g.services.handover.observation import Observation, Service, of_cell, rate_bps
from ntn6g.services.handover.rules import (
    FEATURES,
    RuleTensors,
    Watch,
    met,
    quantities,
    watch_nothing,
    watched,
)

_ROUNDING_S = 1e-4  # of timers that are counted down in single precision


class Setting(NamedTuple):
    """What a step is judged by."""

    rule: RuleTensors | None
    """None where no rule decides."""
    timing: Timing
    service: Service
    allowed: tf.Tensor
    """Cells that a terminal may use, bool [cell, terminal]."""
    layer: tf.Tensor
    """Layer of each cell, int32 [cell]."""
    spot: tf.Tensor | None = None
    """Place on the Earth that a steered beam serves, below zero for all other cells: int32 [cell]; a rule needs it."""


@dataclass(frozen=True)
class Machine:
    """All terminals of a scene, step by step.

    Parameters
    ----------
    cells, terminals : int
        How many.
    """

    cells: int
    terminals: int

    def start(self) -> State:
        """Not connected yet; the first step chooses a cell."""
        none, zero = tf.fill([self.terminals], -1), tf.zeros([self.terminals])
        pairs = tf.zeros([self.cells, self.terminals])
        long = tf.zeros([self.terminals], tf.float64)
        three = tf.zeros([3, self.terminals], tf.float64)
        counts = Counts(*(three if name == "ping_pongs" else long for name in Counts._fields))
        return State(
            filtered=pairs,
            watch=watch_nothing(self.cells, self.terminals),
            ready_s=pairs + NOT_PREPARED_S,
            serving=none,
            previous=none,
            target=none,
            phase=none,
            timer_s=zero,
            wait_s=zero,
            bad_s=zero,
            good_s=zero,
            t310_s=zero - 1.0,
            since_s=long,
            counts=counts,
        )

    def step(self, state: State, seen: Observation, error: tf.Tensor, setting: Setting) -> tuple[State, Record]:
        """Measure, judge, move on.

        Parameters
        ----------
        error : float32 [cell, terminal]
            Standard normal errors of the measurement.
        """
        state, measured = self.measured(state, seen, error, setting)
        state, wanted = self.judged(state, seen, measured, setting)
        return self.moved(state, seen, setting, measured, wanted)

    def measured(self, state: State, seen: Observation, error: tf.Tensor, setting: Setting) -> tuple[State, Measured]:
        """First part of a step: filter what is measured, and watch the link; arguments as `step`."""
        timing = setting.timing
        level = tf.where(timing.use_sinr > 0.0, seen.sinr_db, seen.rsrp_db)
        begins = state.phase < 0
        share = tf.where(begins, 1.0, timing.filter_share)
        filtered = state.filtered + share * (level + timing.error_db * error - state.filtered)
        state = self._first_cell(state._replace(filtered=filtered), seen, setting, begins)
        serving_sinr_db = of_cell(seen.sinr_db, state.serving)
        state, failed = self._monitored(state, serving_sinr_db, timing)
        # where power is measured, the ratio has the error that the filtered power has
        ratio_db = tf.where(timing.use_sinr > 0.0, filtered, seen.sinr_db + (filtered - level))
        return state, Measured(ratio_db, serving_sinr_db, failed)

    def directed(self, state: State, cell: tf.Tensor, setting: Setting) -> Wanted:
        """Second part of a step where no rule decides: a report that asks for a cell, int32 [terminal].

        The serving cell and -1 mean that nothing is asked for.
        """
        nothing = tf.zeros([self.cells, self.terminals], tf.bool)
        target = tf.maximum(cell, 0)
        found = (cell >= 0) & (cell != state.serving) & of_cell(setting.allowed, target)
        never = tf.constant(False)
        return Wanted(target, found, nothing, nothing, conditional=never, resync=never)

    def moved(
        self, state: State, seen: Observation, setting: Setting, measured: Measured, wanted: Wanted
    ) -> tuple[State, Record]:
        """Last part of a step: what comes of it."""
        moves = self._moves(state, seen, setting, wanted, measured)
        return self._after(state, seen, setting, moves, measured.serving_sinr_db)

    def _first_cell(self, state: State, seen: Observation, setting: Setting, begins: tf.Tensor) -> State:
        best, found = best_of(state.filtered, setting.allowed & (seen.sinr_db >= setting.timing.in_sync_db))
        return state._replace(
            serving=tf.where(begins, tf.where(found, best, 0), state.serving),
            phase=tf.where(begins, tf.where(found, CONNECTED, SEARCHING), state.phase),
        )

    def _monitored(self, state: State, sinr_db: tf.Tensor, timing: Timing) -> tuple[State, tf.Tensor]:
        """Radio link monitoring (TS 38.331, 5.3.10): T310 and whether it expires now."""
        active = (state.phase == CONNECTED) | (state.phase == PREPARING)
        bad = active & (sinr_db < timing.out_of_sync_db)
        good = active & (sinr_db > timing.in_sync_db)
        bad_s = tf.where(bad, state.bad_s + timing.step_s, 0.0)
        good_s = tf.where(good, state.good_s + timing.step_s, 0.0)
        runs = state.t310_s >= 0.0
        t310_s = tf.where(runs, state.t310_s + timing.step_s, state.t310_s)
        t310_s = tf.where(~runs & (bad_s >= timing.n310_s - _ROUNDING_S), 0.0, t310_s)
        t310_s = tf.where(~active | (runs & (good_s >= timing.n311_s - _ROUNDING_S)), -1.0, t310_s)
        failed = active & (t310_s >= timing.t310_s - _ROUNDING_S)
        return state._replace(bad_s=bad_s, good_s=good_s, t310_s=t310_s), failed

    def judged(self, state: State, seen: Observation, measured: Measured, setting: Setting) -> tuple[State, Wanted]:
        """Second part of a step: judge the events; the candidate, and which ones are prepared."""
        rule, service = setting.rule, setting.service
        assert rule is not None and setting.spot is not None  # noqa: PT018  # the caller has both
        rate = rate_bps(service, measured.ratio_db, service.bandwidth_hz[:, None])
        features = [state.filtered, seen.beyond_km, seen.exit_s, seen.elevation_deg, seen.level_db, 1e-6 * rate]
        assert len(features) == len(FEATURES)
        serving = [of_cell(each, state.serving) for each in features]
        x = quantities(rule, features, serving)
        watch = watched(rule, state.watch, x)
        own = tf.range(self.cells)[:, None] == state.serving[None]
        same_layer = setting.layer[:, None] == tf.gather(setting.layer, state.serving)[None]
        open_to = setting.allowed & ~own
        linked = (state.phase == CONNECTED) & (state.bad_s <= 0.0)
        spot = tf.gather(setting.spot, state.serving)
        open_to &= ~rule.resync | ((setting.spot[:, None] == spot[None]) & (spot >= 0)[None])
        asks = open_to & (x[4] > rule.prepare_threshold) & rule.conditional & ~rule.resync & linked[None]
        asks &= state.ready_s >= NOT_PREPARED_S
        ready = state.ready_s <= 0.0
        usable = open_to & met(rule, watch, same_layer) & (ready | ~rule.conditional | rule.resync)
        target, found = best_of(x[5], usable)
        return state._replace(watch=watch), Wanted(
            target, found, ready, asks, conditional=rule.conditional, resync=rule.resync
        )

    def _moves(
        self,
        state: State,
        seen: Observation,
        setting: Setting,
        wanted: Wanted,
        measured: Measured,
    ) -> Moves:
        """Transitions of the step; those of a terminal exclude one another."""
        timing, failed = setting.timing, measured.failed
        hears = measured.serving_sinr_db >= timing.out_of_sync_db
        preparing, executing = state.phase == PREPARING, state.phase == EXECUTING
        searching = state.phase == SEARCHING
        left_s = tf.where(preparing | executing | searching, state.timer_s - timing.step_s, state.timer_s)
        over = left_s <= _ROUNDING_S
        usable = setting.allowed & (seen.sinr_db >= timing.in_sync_db)
        home, found = best_of(state.filtered, usable)
        # a search is over with a cell to be had; two round trips to that cell follow
        left_s = tf.where(searching & ~found, tf.maximum(left_s, 0.0), left_s)
        joins = searching & found & (left_s + 2.0 * of_cell(seen.round_trip_s, home) <= _ROUNDING_S)
        # a prepared candidate is tried after a link failure before any other cell (TS 38.331, 5.3.7.3)
        rescue, rescued = best_of(state.filtered, usable & wanted.ready)
        rescued &= failed & wanted.conditional
        wants = (state.phase == CONNECTED) & ~failed & wanted.found & (state.wait_s <= _ROUNDING_S)
        reports = wants & ~wanted.conditional
        commanded = preparing & ~failed & over
        aim = tf.where(rescued, rescue, tf.where(wants, wanted.target, state.target))
        arrives = executing & over
        reached = arrives & (of_cell(seen.sinr_db, aim) >= timing.out_of_sync_db)
        return Moves(
            executing=executing,
            searching=searching,
            preparing=preparing,
            left_s=left_s,
            failed=failed,
            rescued=rescued,
            reports=reports,
            reported=reports & hears,
            obeys=commanded & hears,
            lost=(commanded | reports) & ~hears,
            starts=(wants & wanted.conditional) | (commanded & hears) | rescued,
            arrives=arrives,
            reached=reached,
            missed=arrives & ~reached,
            returns=joins,
            aim=aim,
            home=home,
            asks=wanted.asks,
            resync=wanted.resync,
        )

    def _after(
        self, state: State, seen: Observation, setting: Setting, moves: Moves, serving_sinr_db: tf.Tensor
    ) -> tuple[State, Record]:
        """The state after the step, and what is recorded of it."""
        timing, service, step_s = setting.timing, setting.service, setting.timing.step_s
        round_trip_s = of_cell(seen.round_trip_s, state.serving)
        phase, timer_s = self._phase(state, seen, timing, moves, round_trip_s)
        serving = tf.where(moves.reached, moves.aim, tf.where(moves.returns, moves.home, state.serving))
        changes = moves.reached | moves.returns
        moved = changes & (serving != state.serving)
        new_link = changes | moves.failed
        absent = _absent_share(moves, state.timer_s, step_s)
        at_hand_db = tf.where(changes, of_cell(seen.sinr_db, serving), serving_sinr_db)
        gone = (moves.executing & ~moves.reached) | (moves.searching & ~moves.returns)
        rate = (1.0 - absent) * rate_bps(service, at_hand_db, tf.gather(service.bandwidth_hz, serving))
        rate = tf.where(gone, 0.0, rate)
        deaf = ~gone & (at_hand_db < timing.out_of_sync_db)
        out_share = tf.where(deaf, 1.0, absent)
        since_s = state.since_s + tf.cast(step_s, tf.float64)
        counts = self._counted(
            state,
            moves,
            moved=moved,
            since_s=since_s,
            serving=serving,
            bits=rate * step_s,
            between_s=tf.where(moves.executing, absent * step_s, 0.0),
            out_s=out_share * step_s,
        )
        waiting_s = tf.where(state.ready_s >= NOT_PREPARED_S, NOT_PREPARED_S, tf.maximum(state.ready_s - step_s, 0.0))
        ready_s = tf.where(moves.asks, answer_s(timing, round_trip_s)[None], waiting_s)
        new = State(
            filtered=state.filtered,
            watch=Watch(state.watch.holds & ~new_link, tf.where(new_link, 0, state.watch.count)),
            ready_s=tf.where(new_link, NOT_PREPARED_S, ready_s),
            serving=serving,
            previous=tf.where(moved, state.serving, state.previous),
            target=moves.aim,
            phase=phase,
            timer_s=timer_s,
            wait_s=tf.where(moves.lost, timing.report_again_s, tf.maximum(state.wait_s - step_s, 0.0)),
            bad_s=tf.where(new_link, 0.0, state.bad_s),
            good_s=tf.where(new_link, 0.0, state.good_s),
            t310_s=tf.where(new_link | moves.starts, -1.0, state.t310_s),
            since_s=tf.where(moved, tf.zeros_like(since_s), since_s),
            counts=counts,
        )
        shown = tf.where((phase == EXECUTING) | (phase == SEARCHING), -1, serving)
        return new, Record(shown, phase, at_hand_db, rate, out_share)

    def _phase(
        self, state: State, seen: Observation, timing: Timing, moves: Moves, round_trip_s: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Phase after the step, and how long it lasts."""
        trip_s = of_cell(seen.round_trip_s, moves.aim)
        ends = (moves.failed & ~moves.rescued) | moves.missed
        gap = tf.where(moves.resync, switch_gap_s(timing, trip_s), gap_s(timing, trip_s))
        phase, timer_s = state.phase, moves.left_s
        for happened, then in (
            (moves.reported, PREPARING),
            (moves.lost & ~moves.failed, CONNECTED),
            (moves.starts, EXECUTING),
            (moves.reached | moves.returns, CONNECTED),
            (ends, SEARCHING),
        ):
            phase = tf.where(happened, then, phase)
        for happened, duration_s in (
            (moves.reported, answer_s(timing, round_trip_s)),
            (moves.starts, gap),
            (ends, timing.re_establish_s),
        ):
            timer_s = tf.where(happened, duration_s, timer_s)
        return phase, timer_s

    def _counted(self, state: State, moves: Moves, **what: tf.Tensor) -> Counts:
        """Counts after the step."""
        old = state.counts

        def number(flag: tf.Tensor) -> tf.Tensor:
            return tf.cast(flag, tf.float64)

        done = moves.reached & what["moved"]
        back = done & (what["serving"] == state.previous)
        windows_s = tf.constant(PING_PONG_WINDOWS_S, tf.float64)[:, None] + _ROUNDING_S
        quick = back[None] & (what["since_s"][None] <= windows_s)
        failures = moves.lost | moves.missed | (moves.failed & moves.preparing)
        asks = tf.reduce_sum(number(moves.asks), 0)
        messages = number(moves.reports) + number(moves.obeys) + 2.0 * asks
        messages += number(moves.reached & ~moves.resync) + 3.0 * number(moves.returns)
        return Counts(
            handovers=old.handovers + number(done),
            failures=old.failures + number(failures),
            link_failures=old.link_failures + number(moves.failed),
            ping_pongs=old.ping_pongs + number(quick),
            interrupted_s=old.interrupted_s + number(what["between_s"]),
            outage_s=old.outage_s + number(what["out_s"]),
            stays=old.stays + number(what["moved"]),
            stayed_s=old.stayed_s + number(what["moved"]) * what["since_s"],
            messages=old.messages + messages,
            served_bits=old.served_bits + number(what["bits"]),
        )


def _absent_share(moves: Moves, timer_s: tf.Tensor, step_s: tf.Tensor) -> tf.Tensor:
    """Share of the step without a cell; a handover that ends within it leaves the rest."""
    part = tf.clip_by_value(timer_s / step_s, 0.0, 1.0)
    return tf.where(moves.arrives, part, tf.where(moves.executing | moves.searching, 1.0, 0.0))


def best_of(score: tf.Tensor, among: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Cell of the highest score among some, and whether there is one: [cell, terminal] to [terminal]."""
    masked = tf.where(among, score, -NOT_PREPARED_S)
    return tf.argmax(masked, 0, output_type=tf.int32), tf.reduce_any(among, 0)
