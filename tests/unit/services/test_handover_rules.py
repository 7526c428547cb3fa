"""Events and the state machine on prescribed levels: TS 38.331's inequalities, timers, and closed forms decide.

One compiled step of three cells and 512 terminals serves all; what a test prescribes are values.
"""

import math

import numpy as np
import pytest
import tensorflow as tf

from ntn6g.core import random
from ntn6g.scenario.handover import Tuning
from ntn6g.services import handover as ho
from ntn6g.study.build.handover.policies import rule_of

CELLS, TERMINALS = 3, 512
MACHINE = ho.Machine(CELLS, TERMINALS)
STEP = tf.function(MACHINE.step, jit_compile=True, autograph=False)
SPOT = tf.constant([0, 0, 1])  # the first two are steered to the same place
SERVICE = ho.Service(tf.constant(np.linspace(0.0, 5.0, ho.ENTRIES), tf.float32), tf.constant([1e6] * CELLS, tf.float32))


def timing(step_s=0.2, k=0.0, **changes):
    given = {
        "step_s": step_s,
        "filter_share": ho.filter_share(k, step_s),
        "error_db": 0.0,
        "use_sinr": 0.0,
        "prepare_s": 0.0,
        "execute_s": 0.0,
        "access_round_trips": 0.0,
        "access_s": 0.0,
        "switch_s": 0.0,
        "requests": 0.0,
        "report_again_s": 0.24,
        "in_sync_db": -6.0,
        "out_of_sync_db": -8.0,
        "n310_s": 0.1,
        "n311_s": 0.03,
        "t310_s": 1.0,
        "re_establish_s": 0.2,
        **changes,
    }
    return ho.Timing(**{name: tf.constant(value, tf.float32) for name, value in given.items()})


def setting(rule, clock):
    everything = tf.ones([CELLS, TERMINALS], tf.bool)
    return ho.Setting(rule, clock, SERVICE, everything, tf.zeros([CELLS], tf.int32), SPOT)


def play(rule, steps, level, *, beyond=None, exit_s=None, sinr=None, trip_s=0.0, noise=None, **given):
    """Runs a rule over levels given as functions of step [cells] or [cells, terminals]; state and records."""
    clock = timing(**given)
    numbers = ho.tensors_of(rule, float(clock.step_s))
    state, records = MACHINE.start(), []

    def field(of, step, default):
        value = np.asarray(default if of is None else of(step), np.float32)
        value = value[:, None] if value.ndim == 1 else value
        return tf.constant(np.broadcast_to(value, (CELLS, TERMINALS)).copy())

    for step in range(steps):
        rsrp = field(level, step, None)
        seen = ho.Observation(
            rsrp_db=rsrp,
            sinr_db=field(sinr, step, [10.0] * CELLS),
            beyond_km=field(beyond, step, [0.0] * CELLS),
            exit_s=field(exit_s, step, [100.0] * CELLS),
            elevation_deg=tf.zeros_like(rsrp),
            level_db=rsrp,
            round_trip_s=field(None, step, np.broadcast_to(trip_s, CELLS)),
        )
        error = tf.zeros_like(rsrp) if noise is None else noise(step)
        state, record = STEP(
            state,
            seen,
            error,
            setting(numbers, clock),
        )
        records.append(record)
    return state, ho.Record(*(np.stack([each[k].numpy() for each in records]) for k in range(5)))


def first_time(record, step_s, *, phase=None, cell=None):
    """When the first terminal is first seen in a phase or a cell, s."""
    seen = record.phase[:, 0] == phase if cell is None else record.serving[:, 0] == cell
    return step_s * int(np.argmax(seen)) if seen.any() else math.inf


FAR = -60.0  # the third cell takes no part


def ramp(step_s, slope=4.0):
    return lambda step: [0.0, slope * step_s * step, FAR]


@pytest.mark.parametrize(
    ("k", "trigger_s"),
    [
        (0.0, {0.0: 0.8, 0.1: 1.0, 0.256: 1.2, 0.64: 1.6}),
        (4.0, {0.0: 1.0, 0.1: 1.2, 0.256: 1.4, 0.64: 1.8}),
    ],
)
def test_a3_triggers_on_a_ramp_after_crossing_filter_and_time_to_trigger(k, trigger_s):
    # crossing at 3 dB / (4 dB/s) = 0.75 s, lag (1 - a) / a T = 0.2 s for k = 4, both rounded up to samples of 0.2 s
    for wait_s, expected_s in trigger_s.items():
        rule = ho.Rule(name="a3", events=(ho.a3(offset_db=2.0, hysteresis_db=1.0, time_to_trigger_s=wait_s),))
        record = play(rule, 12, ramp(0.2), k=k, prepare_s=1.0)[1]
        assert first_time(record, 0.2, phase=ho.PREPARING) == pytest.approx(expected_s, abs=1e-6)


def test_the_filter_keeps_its_lag_at_another_sampling_period():
    # (1 - a') / a' T = 0.27 s at samples of 40 ms, where coefficients taken as they are would lag 0.04 s
    rule = ho.Rule(name="a3", events=(ho.a3(offset_db=2.0, hysteresis_db=1.0),))
    record = play(rule, 40, ramp(0.04), step_s=0.04, k=4.0, prepare_s=1.0)[1]
    assert first_time(record, 0.04, phase=ho.PREPARING) == pytest.approx(0.75 + 0.269 + 0.02, abs=0.0201)


def test_hysteresis_lies_on_the_other_side_when_an_event_is_left():
    # conditions 1 (A3, offset 0, hysteresis 2) and 2 (A4 of the target) must both hold: the first is entered above
    # +2 dB; while it drifts back it holds down to -2 dB and no further (TS 38.331, 5.5.4.4)
    one = ho.a3(offset_db=0.0, hysteresis_db=2.0)
    rule = ho.Rule(name="both", events=(one, ho.a5(serving_below_db=-50.0, neighbour_above_db=-90.0)))
    course = [0.0, 1.5, 2.5, 1.0, 0.0, -1.5, -2.5, -1.0, 1.5, 2.5]
    state, holds = MACHINE.start(), []
    for level in course:
        state = advanced(rule, state, level)
        holds.append(bool(state.watch.holds[0, 1, 0]))
    assert holds == [False, False, True, True, True, True, False, False, False, True]


def advanced(rule, state, level):
    """One step of two cells, the second at a level over the first."""
    rsrp = tf.constant(np.repeat([[0.0], [level], [FAR]], TERMINALS, 1).astype(np.float32))
    zero = tf.zeros_like(rsrp)
    seen = ho.Observation(rsrp, zero + 10.0, zero, zero + 100.0, zero, rsrp, zero)
    return STEP(state, seen, zero, setting(ho.tensors_of(rule, 0.2), timing()))[0]


@pytest.mark.parametrize(("sigma_db", "hysteresis_db"), [(2.0, 0.0), (2.0, 3.0), (1.0, 1.0)])
def test_false_triggers_at_equal_levels_have_the_probability_of_a_normal_difference(sigma_db, hysteresis_db):
    # 0.5 erfc(Hys / (2 sigma)) a sample. 512 terminals x 8 samples: a share is within 4 of its standard deviations
    # (chance 6e-5 per case); 0.35 instead of 0.36 at 90 % power would need more, a lost factor sqrt(2) would not
    draws = random.block_keys(tf.constant([random.chunk_key(5, "false triggers", 0)], tf.uint32), TERMINALS)
    rule = ho.Rule(name="a3", events=(ho.a3(offset_db=0.0, hysteresis_db=hysteresis_db), ho.a4(threshold_db=500.0)))
    clock, numbers, hits, samples = timing(error_db=sigma_db), ho.tensors_of(rule, 0.2), 0, 8
    for step in range(samples):
        state = MACHINE.start()  # every sample by itself: of cell 1 against a serving cell 0
        level = tf.constant(np.repeat([[0.0], [0.0], [FAR]], TERMINALS, 1).astype(np.float32))
        state = state._replace(
            serving=tf.zeros([TERMINALS], tf.int32), phase=tf.zeros([TERMINALS], tf.int32),
            filtered=level,
        )  # fmt: skip
        zero = tf.zeros_like(level)
        seen = ho.Observation(level, zero + 10.0, zero, zero + 100.0, zero, level, zero)
        error = tf.transpose(random.normal_at(draws, tf.constant(step), CELLS))
        after = STEP(state, seen, error, setting(numbers, clock))[0]
        hits += int(tf.reduce_sum(tf.cast(after.watch.holds[0, 1], tf.int32)))
    expected = 0.5 * math.erfc(hysteresis_db / (2.0 * sigma_db))
    spread = math.sqrt(expected * (1.0 - expected) / (samples * TERMINALS))
    assert abs(hits / (samples * TERMINALS) - expected) < 4.0 * spread


def test_d1_triggers_at_the_middle_of_the_joining_line_and_only_inside_the_second_circle():
    # two references 40 km apart, both thresholds 20 km. On the line the middle decides; 10 km beside it a terminal
    # is inside circle 2 from sqrt(20^2 - 10^2) km before that reference on, and outside circle 1 by then
    rule = ho.Rule(name="d1", events=(ho.d1(),), rank="level_db")
    beside_km = np.where(np.arange(TERMINALS) == 0, 0.0, 10.0)

    def beyond(step):
        along_km = 0.1 * step + 0.05  # never on a circle
        return np.stack(
            [np.hypot(along_km, beside_km), np.hypot(40.0 - along_km, beside_km), np.full(TERMINALS, 99.0)]
        ) - np.array([[20.0], [20.0], [20.0]])

    record = play(rule, 300, lambda step: [0.0, -1.0, FAR], beyond=beyond, prepare_s=5.0)[1]
    starts = np.argmax(record.phase == ho.PREPARING, 0)[:2] * 0.1 + 0.05
    assert starts == pytest.approx([20.05, 40.0 - math.sqrt(300.0)], abs=0.1)


def test_d1_with_equal_circles_on_the_conformance_geometry_waits_for_the_time_to_trigger():
    # both thresholds 120 km (field 2400 of 50 m), hysteresis 0, time to trigger 2560 ms: TS 38.523-1
    rule = ho.Rule(name="d1", events=(ho.d1(time_to_trigger_s=2.56),))

    def beyond(step):
        moved_km = 121.0 if step >= 5 else 119.0
        return [moved_km - 120.0, 239.0 - moved_km - 120.0, 99.0]

    record = play(rule, 30, lambda step: [0.0, -1.0, FAR], beyond=beyond, prepare_s=5.0)[1]
    assert first_time(record, 0.2, phase=ho.PREPARING) == pytest.approx(5 * 0.2 + 2.6, abs=1e-5)  # 13 samples


def t1_rule(duration_s):
    early = ho.Inequality(neighbour=(("measured_db", 1.0),), threshold=-40.0)
    events = (ho.t1(lead_s=3.0, duration_s=duration_s), ho.a4(threshold_db=-5.0))
    return ho.Rule(name="t1", events=events, conditional=True, prepare=early)


def leaving_cell(step):
    return [10.0 - 0.2 * step, 90.0, 90.0]


def test_t1_executes_inside_its_window_and_never_before():
    # exit from the serving cell in 10 s: the window is 7 to 9 s. The target becomes good enough at 8 s
    record = play(
        t1_rule(2.0), 60, lambda step: [0.0, -10.0 if step < 40 else 0.0, FAR], exit_s=leaving_cell, prepare_s=0.05
    )[1]
    assert first_time(record, 0.2, cell=1) == pytest.approx(8.2, abs=0.21)
    early = play(t1_rule(2.0), 60, lambda step: [0.0, 5.0 if step else -1.0, FAR], exit_s=leaving_cell, prepare_s=0.05)[
        1
    ]
    assert 7.0 <= first_time(early, 0.2, cell=1) <= 7.4


@pytest.mark.parametrize(
    ("policy", "level", "exit_s", "beyond_km", "goes"),
    [
        ("cho-a4", (-18.0, -15.0), 10.0, -1.0, True),
        ("cho-a4", (-25.0, -22.0), 10.0, -1.0, False),  # better, but not above -20 dB
        ("cho-a4", (-10.0, -15.0), 10.0, -1.0, False),  # above it, but not better
        ("cho-a5", (-12.0, -15.0), 10.0, -1.0, True),
        ("cho-a5", (-5.0, -3.0), 10.0, -1.0, False),  # the serving cell is above -10 dB
        ("cho-a5", (-12.0, -25.0), 10.0, -1.0, False),
        ("cho-t1", (0.0, -30.0), 2.0, -1.0, True),  # whatever the level
        ("cho-t1", (0.0, 9.0), 10.0, -1.0, False),  # the window has not begun
        ("cho-t1", (0.0, 9.0), 0.5, -1.0, False),  # or is over
        ("cho-t1-a3", (0.0, 4.0), 2.0, -1.0, True),
        ("cho-t1-a3", (0.0, 2.0), 2.0, -1.0, False),
        ("cho-t1-a3", (0.0, 4.0), 10.0, -1.0, False),
        ("cho-t1-a5", (-12.0, -15.0), 2.0, -1.0, True),
        ("cho-t1-a5", (-12.0, -15.0), 10.0, -1.0, False),
        ("cho-d1", (0.0, -30.0), 10.0, 1.0, True),
        ("cho-d1", (0.0, 9.0), 10.0, -1.0, False),  # still within its circle
        ("cho-d1-a3", (0.0, 4.0), 10.0, 1.0, True),
        ("cho-d1-a3", (0.0, 2.0), 10.0, 1.0, False),
        ("cho-d1-a5", (-12.0, -15.0), 10.0, 1.0, True),
        ("cho-d1-a5", (-5.0, -3.0), 10.0, 1.0, False),
    ],
)
def test_conditional_handovers_are_executed_when_all_their_conditions_hold(policy, level, exit_s, beyond_km, goes):
    # TS 38.331, 5.5.4: A3 with an offset of 3 dB, A4 above -20 dB, A5 below -10 and above -20 dB, T1 from 3 to 1 s
    # before the exit, D1 outside the serving cell's circle and 2 km inside the neighbour's; of two conditions both
    tuning = Tuning(
        offset_db=3, hysteresis_db=0, time_to_trigger_ms=0, threshold_db=-20, serving_below_db=-10, lead_s=3,
        window_s=2, prepare_db=-60,
    )  # fmt: skip
    rule = rule_of(policy, tuning)
    assert rule.conditional
    record = play(
        rule, 8, lambda step: [*(level if step else (0.0, -40.0)), FAR], exit_s=lambda step: [exit_s, 90.0, 0.1],
        beyond=lambda step: [beyond_km, -2.0, 99.0],
    )[1]  # fmt: skip
    assert (record.serving[:, 0] == 1).any() == goes  # A5 hands back again where both cells are weak


def test_a_missed_t1_window_ends_in_a_link_failure_and_not_in_a_handover():
    # the target is good enough at 9.6 s only, after the window; the serving cell is lost at 10 s, T310 runs 1 s
    state, record = play(
        t1_rule(2.0), 75, lambda step: [0.0, -10.0 if step < 48 else 0.0, FAR], exit_s=leaving_cell,
        sinr=lambda step: [10.0 if step < 50 else -20.0, 10.0, -30.0], prepare_s=0.05,
    )  # fmt: skip
    failed_s = first_time(record, 0.2, phase=ho.EXECUTING)
    assert state.counts.link_failures.numpy()[0] == 1.0
    assert 11.0 <= failed_s <= 11.4


def test_a_command_that_is_not_heard_is_a_failure_and_the_link_fails_after_t310():
    rule = ho.Rule(name="a3", events=(ho.a3(offset_db=2.0),))
    state, record = play(
        rule, 30, ramp(0.2), prepare_s=0.5, sinr=lambda step: [10.0 if step < 4 else -15.0, 10.0, -30.0]
    )
    counts = {name: float(each[..., 0].numpy().max()) for name, each in state.counts._asdict().items()}
    assert (counts["failures"], counts["link_failures"], counts["handovers"]) == (1.0, 1.0, 0.0)
    # out of sync from 0.8 s on; N310 of 100 ms starts T310 at that sample, which expires a second later
    assert first_time(record, 0.2, phase=ho.SEARCHING) == pytest.approx(1.8, abs=0.01)


def test_a_lost_link_is_found_again_after_a_search_and_two_round_trips_to_the_cell_that_is_found():
    # the first cell falls silent after 1 s; N310 of 0.1 s and T310 of 1 s later the link fails, the search takes 0.2 s,
    # and the second cell answers after two round trips of 0.5 s, whatever those to the first were
    rule = ho.Rule(name="never", events=(ho.a3(offset_db=90.0),))

    def silent(step):
        return [10.0 if step < 25 else -20.0, 10.0, FAR]

    for trips, expected_s in (([0.0, 0.5, 0.0], 1.2), ([0.5, 0.0, 0.0], 0.2)):
        record = play(rule, 90, lambda step: [0.0, -3.0, FAR], sinr=silent, trip_s=trips, step_s=0.04)[1]
        lost_s = first_time(record, 0.04, phase=ho.SEARCHING)
        assert first_time(record, 0.04, cell=1) - lost_s == pytest.approx(expected_s, abs=0.0401)


def test_ping_pong_counts_returns_within_its_window():
    # the better cell changes after 0.6 and 2.4 s: a return after some 1.8 s is one within 5 s, not within 0.5 or 1 s
    def level(step):
        return [0.0, 6.0 if 3 <= step < 12 else -6.0, FAR]

    state, _ = play(ho.Rule(name="a3", events=(ho.a3(offset_db=2.0),)), 25, level)
    assert state.counts.handovers.numpy()[0] == 2.0
    assert state.counts.ping_pongs.numpy()[:, 0].tolist() == [0.0, 0.0, 1.0]


def test_a_handover_interrupts_for_its_gap_whatever_the_step():
    # 40 ms of execution, 20 ms of access and two round trips of 13 ms: 86 ms, at steps of 40 and of 200 ms
    rule = ho.Rule(name="a3", events=(ho.a3(offset_db=2.0),))
    for step_s in (0.04, 0.2):
        state, record = play(
            rule, int(3.0 / step_s), lambda step, step_s=step_s: [0.0, 6.0 if step * step_s > 1.0 else -6.0, FAR],
            step_s=step_s, prepare_s=0.05, execute_s=0.04, access_s=0.02, access_round_trips=2.0, trip_s=0.013,
        )  # fmt: skip
        lost = 1.0 - record.rate_bps[:, 0].sum() * step_s / (record.rate_bps[0, 0] * len(record.rate_bps) * step_s)
        assert state.counts.interrupted_s.numpy()[0] == pytest.approx(0.086, abs=1e-4)
        assert record.out_share[:, 0].sum() * step_s == pytest.approx(0.086, abs=1e-4)
        assert lost * len(record.rate_bps) * step_s == pytest.approx(0.086, abs=2e-4)


def test_longer_round_trips_barely_matter_where_a_slow_decision_does():
    # the serving cell falls by 4 dB/s, as at the edge of a beam, and lies 3 dB over Qout at the trigger, give or take
    # 2 dB of shadowing: 4 to 26 ms of round trip cost it 0.1 dB, 0.7 s of decision 2.8 dB: half of the normal spread
    spread = np.asarray(tf.random.stateless_normal([TERMINALS], [1, 2]), np.float32) * 2.0

    def failures(**given):
        def sinr(step):
            own = np.full(TERMINALS, 10.0) if step < 2 else -4.4 - 4.0 * 0.04 * step + spread
            return np.stack([own, np.full(TERMINALS, 10.0), np.full(TERMINALS, -30.0)])

        state, _ = play(
            ho.Rule(name="a3", events=(ho.a3(offset_db=0.5),)), 60,
            lambda step: [0.0, 4.0 * 0.04 * step, FAR], sinr=sinr, step_s=0.04, report_again_s=9.0, **given,
        )  # fmt: skip
        return float(tf.reduce_mean(tf.minimum(state.counts.failures, 1.0)))

    near, far, slow = (
        failures(prepare_s=0.05, trip_s=0.004), failures(prepare_s=0.05, trip_s=0.026), failures(prepare_s=0.75)
    )  # fmt: skip
    assert far - near < 0.06
    assert slow > near + 0.3


@pytest.mark.parametrize("switch_s", [0.04, 0.0])
def test_a_satellite_switch_keeps_to_its_place_signals_nothing_and_costs_search_and_half_a_round_trip(switch_s):
    # TS 38.331, 5.7.19: at t-Service, here 3 s before the exit at 10 s, to the satellite that serves the same place
    # next. The third cell is stronger and stays longer, but serves another place. Soft: searched for beforehand
    rule = ho.Rule(
        name="switch", events=(ho.leaving(before_s=3.0, at_least_s=5.0),), rank="exit_s", resync=True
    )  # fmt: skip
    state, record = play(
        rule, 60, lambda step: [0.0, -5.0, 20.0 if step else FAR], exit_s=lambda step: [10.0 - 0.2 * step, 90.0, 95.0],
        switch_s=switch_s, trip_s=0.013, prepare_s=0.5, execute_s=0.04, access_s=0.02, access_round_trips=2.0,
    )  # fmt: skip
    assert first_time(record, 0.2, phase=ho.EXECUTING) == pytest.approx(7.1, abs=0.11)
    assert set(np.unique(record.serving)) == {-1, 0, 1}
    counts = {name: float(each[..., 0].numpy().max()) for name, each in state.counts._asdict().items()}
    assert (counts["handovers"], counts["messages"], counts["failures"]) == (1.0, 0.0, 0.0)
    assert counts["interrupted_s"] == pytest.approx(switch_s + 0.0065, abs=1e-4)


def test_a_report_that_asks_for_its_grant_waits_for_k_offset_more():
    # a round trip of 25.7 ms (TR 38.821: LEO 600 with both links) and 50 ms of preparation are 75.7 ms; K_offset is the
    # least whole number of slots of 15 kHz that covers the round trip (TS 38.213, 4.2): 26 ms more. Steps of 2 ms
    rule = ho.Rule(name="a3", events=(ho.a3(offset_db=2.0),))
    for requests, steps in ((0.0, 38), (1.0, 51)):
        record = play(
            rule, 70, lambda step: [0.0, 6.0 if step > 4 else -6.0, FAR], step_s=0.002, prepare_s=0.05, trip_s=0.0257,
            requests=requests,
        )[1]  # fmt: skip
        assert (record.phase[:, 0] == ho.PREPARING).sum() == steps
