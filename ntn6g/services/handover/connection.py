"""What a terminal's connection holds between two steps, what is counted of it, and the durations that rule it."""

from typing import NamedTuple

import tensorflow as tf

from ntn6g.services.handover.rules import Watch

CONNECTED, PREPARING, EXECUTING, SEARCHING = range(4)
"""Phases of a terminal: served; served while a handover is prepared; between cells; without a cell."""
PING_PONG_WINDOWS_S = (0.5, 1.0, 5.0)
NOT_PREPARED_S = 1e6
"""Stands for a candidate that nobody has asked for."""


class Timing(NamedTuple):
    """Durations and thresholds, float32 scalars. Times of radio round trips are added where they occur."""

    step_s: tf.Tensor
    filter_share: tf.Tensor
    """Weight of a new sample in the L3 filter, at the sampling period; see `filter_share`."""
    error_db: tf.Tensor
    """Standard deviation of the L1 measurement."""
    use_sinr: tf.Tensor
    """0: RSRP is measured; 1: SINR."""
    prepare_s: tf.Tensor
    """Network processing from a report to its command."""
    execute_s: tf.Tensor
    """Terminal processing and search at the target, without access."""
    access_round_trips: tf.Tensor
    """Round trips of the target before data flow: 1.5 to 2 with random access, 0.5 without."""
    access_s: tf.Tensor
    """What random access takes beside them."""
    switch_s: tf.Tensor
    """Search and processing of a satellite switch with re-sync; 0 where they are done beforehand (soft)."""
    requests: tf.Tensor
    """1: a report waits for a grant, K_offset later; 0: it has one already."""
    report_again_s: tf.Tensor
    """Until a report is repeated."""
    in_sync_db: tf.Tensor
    out_of_sync_db: tf.Tensor
    """Qin and Qout."""
    n310_s: tf.Tensor
    """Time out of sync that starts T310: N310 indications."""
    n311_s: tf.Tensor
    """Time in sync that stops it."""
    t310_s: tf.Tensor
    re_establish_s: tf.Tensor
    """Search and signalling of a re-establishment, beside two round trips."""


class Counts(NamedTuple):
    """What has happened so far, [terminal] unless told otherwise; float64, since small numbers are added for hours."""

    handovers: tf.Tensor
    """Completed."""
    failures: tf.Tensor
    """Reports or commands lost, targets not reached, and link failures while one was prepared."""
    link_failures: tf.Tensor
    """T310 expired."""
    ping_pongs: tf.Tensor
    """Returns to the previous cell within `PING_PONG_WINDOWS_S`, [3, terminal]."""
    interrupted_s: tf.Tensor
    """Between cells in a handover."""
    outage_s: tf.Tensor
    """Without service for any reason: between cells, without a cell, or below Qout."""
    stays: tf.Tensor
    """Stays that ended, and their sum."""
    stayed_s: tf.Tensor
    messages: tf.Tensor
    """RRC messages over the air."""
    served_bits: tf.Tensor


class State(NamedTuple):
    """Between two steps, [terminal] unless told otherwise."""

    filtered: tf.Tensor
    """L3, [cell, terminal]."""
    watch: Watch
    ready_s: tf.Tensor
    """Until a candidate of a conditional handover is prepared, [cell, terminal]."""
    serving: tf.Tensor
    previous: tf.Tensor
    target: tf.Tensor
    phase: tf.Tensor
    timer_s: tf.Tensor
    """Until the phase ends."""
    wait_s: tf.Tensor
    """Until the next report may be sent."""
    bad_s: tf.Tensor
    """Out of sync in a row; in sync in a row; T310, negative while it rests."""
    good_s: tf.Tensor
    t310_s: tf.Tensor
    since_s: tf.Tensor
    """Time in the serving cell, float64."""
    counts: Counts


class Record(NamedTuple):
    """One step as it was, [terminal]."""

    serving: tf.Tensor
    """Cell at the end of the step, -1 while there is none."""
    phase: tf.Tensor
    sinr_db: tf.Tensor
    """Of the serving cell."""
    rate_bps: tf.Tensor
    """Served, interruptions taken off."""
    out_share: tf.Tensor
    """Of the step, without service for any reason, from its beginning on."""


def empty_record(steps: int, terminals: int) -> Record:
    """Room for the records of a block, [steps, terminal]."""
    whole, real = tf.zeros([steps, terminals], tf.int32), tf.zeros([steps, terminals])
    return Record(whole, whole, real, real, real)


def noted(record: Record, place: tf.Tensor, now: Record) -> Record:
    """The records of a block with those of one more step."""
    rows = (tf.tensor_scatter_nd_update(every, [[place]], row[None]) for every, row in zip(record, now, strict=True))
    return Record(*rows)


class Measured(NamedTuple):
    """What a terminal has measured at a step, and what it finds of its own link."""

    ratio_db: tf.Tensor
    """Filtered ratio to interference and noise, [cell, terminal]."""
    serving_sinr_db: tf.Tensor
    """Of the serving cell, [terminal]."""
    failed: tf.Tensor
    """T310 expires now, bool [terminal]."""


class Wanted(NamedTuple):
    """What the events say, or whoever decides in their place."""

    target: tf.Tensor
    """Best candidate, int32 [terminal]."""
    found: tf.Tensor
    """Whether there is one, bool [terminal]."""
    ready: tf.Tensor
    """Candidates that are prepared, bool [cell, terminal]."""
    asks: tf.Tensor
    """Candidates whose preparation begins, bool [cell, terminal]."""
    conditional: tf.Tensor
    """Whether the terminal executes by itself, bool scalar; else it reports, and obeys a command."""
    resync: tf.Tensor
    """Whether it does so by satellite switch with re-sync, bool scalar."""


class Moves(NamedTuple):
    """What happens at a step, bool [terminal] unless told otherwise."""

    executing: tf.Tensor
    """Phases before the step."""
    searching: tf.Tensor
    preparing: tf.Tensor
    left_s: tf.Tensor
    """Of the phase, float32."""
    failed: tf.Tensor
    """The link has failed."""
    rescued: tf.Tensor
    """It has, and a prepared candidate is tried."""
    reports: tf.Tensor
    """A report is sent, and heard."""
    reported: tf.Tensor
    obeys: tf.Tensor
    """A command is heard."""
    lost: tf.Tensor
    """A report or a command is not."""
    starts: tf.Tensor
    """The terminal leaves its cell."""
    arrives: tf.Tensor
    """Access to the target ends, well or not."""
    reached: tf.Tensor
    missed: tf.Tensor
    returns: tf.Tensor
    """A cell is found after a failure."""
    aim: tf.Tensor
    """Target, int32."""
    home: tf.Tensor
    """Cell that is found, int32."""
    asks: tf.Tensor
    """Preparations that begin, [cell, terminal]."""
    resync: tf.Tensor
    """Whether handovers are satellite switches with re-sync, scalar."""


def filter_share(coefficient: float, step_s: float) -> float:
    r"""Weight of a new sample, :math:`a' = 1 - (1 - 2^{-k/4})^{T / 200\,\mathrm{ms}}`: k is for samples of 200 ms.

    References
    ----------
    3GPP TS 38.331 V18.6.0, 5.5.3.2: the filter keeps its time characteristics at other sample rates.
    """
    return float(1.0 - (1.0 - 2.0 ** (-coefficient / 4.0)) ** (step_s / 0.2))


def gap_s(timing: Timing, round_trip_s: tf.Tensor) -> tf.Tensor:
    """Interruption of a handover: search and processing, access, and the round trips of access at the target."""
    return timing.execute_s + timing.access_s + timing.access_round_trips * round_trip_s


def switch_gap_s(timing: Timing, round_trip_s: tf.Tensor) -> tf.Tensor:
    """Interruption of a satellite switch with re-sync, in s.

    No random access: the terminal knows its timing advance from position and ephemeris, and data arrive once half a
    round trip has gone by, as without RACH.

    References
    ----------
    3GPP TS 38.331 V18.6.0, 5.7.19: at t-Service uplink synchronisation is lost, the downlink of the next satellite is
    acquired unless it was between t-ServiceStart and t-Service (soft), then uplink synchronisation is obtained.
    """
    return timing.switch_s + 0.5 * round_trip_s


def answer_s(timing: Timing, round_trip_s: tf.Tensor) -> tf.Tensor:
    """From a report to its command at the terminal, in s.

    The network's preparation, half a round trip up and half a round trip down. A report that has no grant asks for one
    (half a round trip), and arrives K_offset after that was sent: the least number of ms that covers the round trip.

    References
    ----------
    3GPP TS 38.213 V18.6.0, 4.2: K_offset = K_cell,offset - K_UE,offset in slots of 15 kHz covers the round trip;
    TS 38.214, 6.1.2.1: a granted PUSCH begins K_offset later than its grant says.
    """
    k_offset_s = 1e-3 * tf.math.ceil(1e3 * round_trip_s - _ROUNDING_MS)
    return timing.prepare_s + round_trip_s + timing.requests * k_offset_s


_ROUNDING_MS = 1e-4  # of round trips in single precision
