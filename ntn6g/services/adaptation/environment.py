"""A policy in its link: what has arrived, what is sent, what comes of it; one compiled loop over slots."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import tensorflow as tf

from ntn6g.services.adaptation.policies.interface import Feedback, Policy, Seen, Tree, Truth
from ntn6g.services.adaptation.rates import RateLadder
from ntn6g.services.adaptation.traces import Trace, TraceMaker

_ACK, _WAITS, _SENT, _MCS_MASK = 64, 128, 256, 63  # fields of a slot's record


class Outcome(NamedTuple):
    """What a policy did and got, [slots, pass]."""

    mcs: tf.Tensor
    """Chosen MCS, int32."""
    sent: tf.Tensor
    """Whether a HARQ process was free, so that a block was sent, bool."""
    ack: tf.Tensor
    """Whether it arrived, bool; False where nothing was sent."""
    bler: tf.Tensor
    """Probability that a block of this slot and MCS is lost, float32."""
    goodput: tf.Tensor
    """Expected bits per data element: zero where nothing was sent."""


class State(NamedTuple):
    """Between two slots."""

    slot: tf.Tensor
    heard: tf.Tensor
    """Slots whose feedback has arrived, int32 [pass]."""
    reported: tf.Tensor
    """Reports that have arrived, int32 [pass]."""
    in_flight: tf.Tensor
    """Processes that wait for feedback, int32 [pass]."""
    blind: tf.Tensor
    """Blocks without feedback of the last slots, float32 [busy slots, pass]."""
    records: tf.Tensor
    """MCS and outcome of every slot, int32 [slots, pass]."""


@dataclass(frozen=True)
class LinkEnvironment:
    """Stop-and-wait HARQ over a delay, with a policy that knows what has arrived.

    A slot is sent on a process with feedback if one is free, else on one without, if there is one; otherwise it stays
    empty. Feedback and reports of a slot arrive ``delay_slots`` later, measured at the slot they are about, so the
    depth of the delay line follows the geometry. What is lost is not combined with later attempts.

    Parameters
    ----------
    maker : TraceMaker
        Whose traces it runs on.
    ladder : RateLadder
        Its MCS.
    processes, blind_processes : int
        HARQ processes in all, and how many of them have feedback disabled.
    busy_slots : int
        Slots that a process without feedback is busy for.
    """

    maker: TraceMaker
    ladder: RateLadder
    processes: int = 32
    blind_processes: int = 0
    busy_slots: int = 1

    def start(self, passes: int) -> State:
        """Nothing has been sent."""
        none = tf.zeros([passes], tf.int32)
        busy = tf.zeros([self.busy_slots, passes])
        return State(tf.constant(0), none, none, none, busy, tf.zeros([self.maker.slots, passes], tf.int32))

    def observe(self, trace: Trace, state: State, *, genie: bool = False) -> tuple[State, Seen]:
        """Take in what arrives at the slot of ``state``; the observation and the state with it."""
        slot, passes = state.slot, trace.snr_db.shape[1]
        arrived = trace.arrived[slot]
        lanes = []
        for lane in range(2):
            record = _at(state.records, state.heard + lane, passes)
            known = (arrived > lane) & (tf.bitwise.bitwise_and(record, _WAITS) > 0)
            ack = tf.bitwise.bitwise_and(record, _ACK) > 0
            lanes.append(Feedback(known, ack, tf.bitwise.bitwise_and(record, _MCS_MASK)))
        freed = tf.add_n([tf.cast(each.known, tf.int32) for each in lanes])
        reported = state.reported + trace.fresh[slot]
        newest = tf.maximum(reported - 1, 0)
        measured = newest * self.maker.period_slots
        report_db = tf.where(reported > 0, _at(trace.report_db, newest, passes), self.maker.lowest_db)
        level_db = trace.level_db[slot]
        truth = None
        if genie:
            truth = Truth(
                snr_db=trace.snr_db[slot],
                sight=trace.sight[slot],
                mean_db=level_db - trace.fade_db[slot],
                estimate_real=_at(trace.estimate_real, newest, passes),
                estimate_imaginary=_at(trace.estimate_imaginary, newest, passes),
            )
        seen = Seen(
            slot=slot,
            report_db=report_db,
            report_level_db=_at(trace.level_db, measured, passes),
            level_db=level_db,
            age_slots=slot - measured,
            is_fresh=trace.fresh[slot] > 0,
            delay_slots=trace.delay_slots[slot],
            feedback=tuple(lanes),
            explore=trace.explore[slot],
            truth=truth,
        )
        heard = state._replace(heard=state.heard + arrived, reported=reported, in_flight=state.in_flight - freed)
        return heard, seen

    def transmit(self, trace: Trace, state: State, mcs: tf.Tensor) -> State:
        """Send the slot of ``state``, after `observe`, and go on to the next one."""
        slot = state.slot
        waits = state.in_flight < self.processes - self.blind_processes
        blind = ~waits & (tf.reduce_sum(state.blind[1:], 0) < self.blind_processes)
        lost = trace.outcome[slot] < self.ladder.bler(trace.snr_db[slot], mcs)
        sent = waits | blind
        record = mcs + _field(_ACK, sent & ~lost) + _field(_WAITS, waits) + _field(_SENT, sent)
        return state._replace(
            slot=slot + 1,
            in_flight=state.in_flight + tf.cast(waits, tf.int32),
            blind=tf.concat([state.blind[1:], tf.cast(blind, tf.float32)[None]], 0),
            records=tf.tensor_scatter_nd_update(state.records, [[slot]], record[None]),
        )

    def outcome(self, trace: Trace, records: tf.Tensor) -> Outcome:
        """What the records of whole passes say, with the error rates behind them."""
        return Outcome(
            mcs=tf.bitwise.bitwise_and(records, _MCS_MASK),
            sent=tf.bitwise.bitwise_and(records, _SENT) > 0,
            ack=tf.bitwise.bitwise_and(records, _ACK) > 0,
            bler=self.ladder.bler(trace.snr_db, tf.bitwise.bitwise_and(records, _MCS_MASK)),
            goodput=self.goodput(trace.snr_db, records),
        )

    def goodput(self, snr_db: tf.Tensor, records: tf.Tensor) -> tf.Tensor:
        """Expected bits per data element of records at their signal-to-noise ratios, of equal shapes."""
        mcs = tf.bitwise.bitwise_and(records, _MCS_MASK)
        kept = self.ladder.efficiency_of(mcs) * (1.0 - self.ladder.bler(snr_db, mcs))
        return tf.where(tf.bitwise.bitwise_and(records, _SENT) > 0, kept, 0.0)

    def run(self, policy: Policy, parameters: Tree, trace: Trace) -> Outcome:
        """Let a policy go through whole passes."""
        passes = trace.snr_db.shape[1]

        def body(state: State, memory: Tree) -> tuple[State, Tree]:
            heard, seen = self.observe(trace, state, genie=policy.is_genie)
            memory, mcs = policy.act(parameters, memory, seen)
            return self.transmit(trace, heard, mcs), memory

        def goes_on(state: State, memory: Tree) -> Any:
            del memory
            return state.slot < self.maker.slots

        begin = (self.start(passes), policy.initial(parameters, passes))
        state, _ = tf.while_loop(goes_on, body, begin, maximum_iterations=self.maker.slots)
        return self.outcome(trace, state.records)


def _at(rows: tf.Tensor, row: tf.Tensor, passes: int) -> tf.Tensor:
    """Entry ``row`` [pass] of every column of [rows, pass]; beyond the last one the last."""
    place = tf.minimum(row, rows.shape[0] - 1) * passes + tf.range(passes)
    return tf.gather(tf.reshape(rows, [-1]), place)


def _field(weight: int, is_set: tf.Tensor) -> tf.Tensor:
    return weight * tf.cast(is_set, tf.int32)
