"""Link adaptation over a delay: what delay lines, loops and genies must do by the laws behind them.

Authorities: the fixed point of the outer loop (a NACK up, p/(1-p) as much down: share of NACKs p at rest, whatever the
delay); Clarke's autocorrelation J0(2 pi fD tau) from SciPy; the conditional law of a Gaussian vector; spherical
geometry of TR 38.821; stop-and-wait utilisation min(1, N/S); the ordering of what is known (clairvoyant over informed
over whatever sees reports alone).
"""

import functools
import math

import numpy as np
import pytest
import scipy.special
import scipy.stats
import tensorflow as tf

from ntn6g.core import random
from ntn6g.services.adaptation import (
    Blockage,
    LinkEnvironment,
    LinkValues,
    Trace,
    TraceMaker,
    error_of_gain,
    fitting,
    pass_geometry,
    rate_ladder,
    ray_correlation,
    rays_for,
)
from ntn6g.services.adaptation.policies import (
    Clairvoyant,
    Fixed,
    Informed,
    InnerLoop,
    LastReport,
    LinearPredictor,
    OuterLoop,
    OuterLoopSteps,
    prediction,
)

SLOTS, PASSES, WARM_UP, PERIOD = 2_000, 64, 400, 5
LADDER = rate_ladder(1, 100)
MAKER = TraceMaker(slots=SLOTS, slot_s=1e-3, period_slots=PERIOD)
LINK = LinkEnvironment(MAKER, LADDER, processes=64)  # never waits for one, up to 64 slots of delay
SETTING_S = {"altitude_m": 600e3, "elevation_rad": math.radians(10.0)}
WALKING_HZ = 3.0 / 3.6 * 2e9 / 299_792_458.0


def number(value):
    return tf.constant(value, tf.float32)


def keys_of(seed, passes=PASSES):
    return random.block_keys(tf.constant([random.chunk_key(seed, "test", 0)], tf.uint32), passes)


@functools.cache
def compiled(maker):
    return tf.function(maker.__call__, jit_compile=True, autograph=False)


@functools.cache
def _trace(seed, maker, doppler_hz, k_factor_db, error_db, mean_snr_db, geometry):
    numbers = (tf.constant(each, tf.float64) for each in (mean_snr_db, doppler_hz, k_factor_db, error_db))
    return compiled(maker)(keys_of(seed), LinkValues(pass_geometry(**dict(geometry)), *numbers))


def trace_of(seed=1, maker=MAKER, doppler_hz=WALKING_HZ, k_factor_db=10.0, error_db=0.5, mean_snr_db=8.0, **geometry):
    placed = tuple(sorted((geometry or SETTING_S).items()))
    return _trace(seed, maker, doppler_hz, k_factor_db, error_db, mean_snr_db, placed)


@functools.cache
def program(link, policy):
    return tf.function(lambda parameters, trace: link.run(policy, parameters, trace), jit_compile=True, autograph=False)


def run(policy, parameters, trace, link=LINK):
    return program(link, policy)(parameters, trace)


def goodput(outcome):
    """Mean of each pass after the warm-up, [pass]."""
    return outcome.goodput[WARM_UP:].numpy().mean(0)


def thresholds(target=0.1):
    return LADDER.thresholds_db(target)


def steps(up_db, *, start_db=0.0, target=0.1):
    return OuterLoopSteps(thresholds(target), *map(number, (up_db, start_db, target, 1.0, 0.0)))


def genie_of(trace, doppler_hz=WALKING_HZ, k_factor_db=10.0, error_db=0.5):
    return prediction(
        spectrum="jakes",
        cycles_per_slot=doppler_hz * 1e-3,
        scattered=1.0 / (1.0 + 10.0 ** (k_factor_db / 10.0)),
        error=error_of_gain(error_db),
        period_slots=PERIOD,
        ages=fitting.ages_of(trace, MAKER),
    )


class TestFading:
    def test_multipath_has_clarkes_autocorrelation_and_unit_power(self):
        lag = np.linspace(0.0, 30.0, 301)
        exact = scipy.special.j0(2.0 * math.pi * lag)

        assert ray_correlation("jakes", lag) == pytest.approx(exact, abs=1e-9)

        longer = np.linspace(0.0, 100.0, 501)
        found = ray_correlation("jakes", longer, rays_for(100.0))
        assert found == pytest.approx(scipy.special.j0(2.0 * math.pi * longer), abs=1e-3)

        # reports without error of Rayleigh fading, 5 slots apart, at 0.02 cycles a slot
        traces = [trace_of(seed, doppler_hz=20.0, k_factor_db=-60.0, error_db=0.0) for seed in range(20, 36)]
        real = np.concatenate([each.estimate_real.numpy() for each in traces], 1)
        imaginary = np.concatenate([each.estimate_imaginary.numpy() for each in traces], 1)
        # 1024 passes: products of unit variance, standard errors of 1/32 at most; 4.5 of them are one in 1e5
        for step in (0, 2, 6):
            product = (real[0] * real[step] + imaginary[0] * imaginary[step]).mean()
            exact = scipy.special.j0(2.0 * math.pi * 0.02 * MAKER.period_slots * step)
            assert product == pytest.approx(exact, abs=4.5 / 32.0)
        # real parts of one instant are normal: Kolmogorov-Smirnov at 1e-3
        assert scipy.stats.kstest(real[7] * math.sqrt(2.0), "norm").pvalue > 1e-3

    def test_sight_is_blocked_for_its_share_of_the_time_and_in_stays_of_the_asked_length(self):
        chain = Blockage(clear_s=0.3, blocked_s=0.1, loss_db=15.0)
        draw = tf.function(lambda keys: chain.draw(keys, 1_000, 1e-3), jit_compile=True)
        blocked = draw(keys_of(6, 256)).numpy()
        # 256 passes of 2.5 cycles each: share 0.25 with a standard error of about 0.012
        assert blocked.mean() == pytest.approx(0.25, abs=0.05)
        ends = (blocked[:-1] & ~blocked[1:]).sum() / blocked[:-1].sum()
        # exponential stays of 0.1 s end with 1 - exp(-0.01) a slot; about 640 ends, 4 % standard error
        assert ends == pytest.approx(-math.expm1(-0.01), rel=0.16)


class TestDelayLines:
    @pytest.mark.parametrize(
        ("geometry", "slots"),
        [
            # round trips of TR 38.821 geometry, spherical Earth of 6371 km: twice or four times the slant range over c
            ({"altitude_m": 600e3, "elevation_rad": math.radians(10.0)}, 13),
            ({"altitude_m": 600e3, "elevation_rad": math.radians(10.0), "transparent": True}, 26),
            ({"altitude_m": 1200e3, "elevation_rad": math.radians(10.0), "transparent": True}, 42),
            ({"altitude_m": 600e3, "elevation_rad": math.radians(30.0)}, 8),
            ({"altitude_m": 20e3, "elevation_rad": math.radians(30.0)}, 1),
            ({"altitude_m": 35_786e3, "elevation_rad": math.radians(10.0)}, 271),
        ],
    )
    def test_depth_follows_the_slant_range(self, geometry, slots):
        placed = pass_geometry(**geometry)

        assert int(placed.delay_slots(placed.start_range_m, 1e-3)) == slots

    def test_range_changes_as_the_orbit_does(self):
        placed, keys = pass_geometry(**SETTING_S), keys_of(1)
        range_m = placed.range_m(keys, 2_001, 1e-3).numpy()

        assert range_m[0] == pytest.approx(1931.6e3, abs=50.0)  # printed to the 0.1 km
        rate = (range_m[1_000] - range_m[0]) / 1.0
        # v cos(elevation) R_E / r is the most a range can change, reached overhead: 7562 * 0.985 * 6371/6971 m/s
        assert np.abs(rate).max() < 6_810.0
        assert (rate > 0).any()
        assert (rate < 0).any()
        assert np.abs(rate).max() > 6_000.0

    def test_every_slot_is_answered_once_and_in_time(self):
        trace = trace_of()
        slot = np.arange(SLOTS)[:, None] + trace.delay_slots.numpy()
        known = np.cumsum(trace.arrived.numpy(), 0)

        assert (known == np.stack([(slot <= now).sum(0) for now in range(SLOTS)])).all()
        assert trace.arrived.numpy().max() <= 2

    @pytest.mark.parametrize(
        ("round_trip_s", "slot_s", "share"),
        # closed form N / ceil(RTT + 3 slots), the four cases printed as 59, 59, 71 and 37 %
        [(12.9e-3, 0.25e-3, 32 / 55), (25.8e-3, 0.5e-3, 32 / 55), (41.8e-3, 1e-3, 32 / 45), (41.8e-3, 0.5e-3, 32 / 87)],
    )
    def test_processes_that_wait_fill_their_share_of_the_slots(self, round_trip_s, slot_s, share):
        placed = pass_geometry(
            altitude_m=35_786e3, elevation_rad=1.0, round_trip_s=round_trip_s, processing_s=3.0 * slot_s
        )
        delay = int(placed.delay_slots(placed.start_range_m, slot_s))
        link = LinkEnvironment(MAKER, LADDER, processes=32)
        sent = run(Fixed(), tf.constant(3), steady(np.full(PASSES, 10.0), delay), link).sent.numpy()

        whole = (SLOTS - 200) // delay * delay  # cycles
        assert sent[SLOTS - whole :].mean() == pytest.approx(share, rel=0.01)

    def test_what_has_feedback_disabled_never_waits(self):
        link = LinkEnvironment(MAKER, LADDER, processes=8, blind_processes=4, busy_slots=4)
        sent = run(Fixed(), tf.constant(3), steady(np.full(PASSES, 10.0), 40), link).sent.numpy()

        # four processes wait 40 slots each, four are free after 4: together they fill everything
        assert sent.all()


class TestInformation:
    def test_what_has_not_arrived_cannot_move_a_choice(self):
        """Reports, outcomes and truth from slot s on become NaN or their opposite; choices before s + delay stay."""
        trace = trace_of()
        since = 1_000
        table = fitting.report_table(BAYES, LADDER, trace, MAKER)
        ridge = fitting.linear_predictor(16, trace, MAKER)
        poisoned = poison(trace, since)
        delay = int(trace.delay_slots[since, 0])
        for policy, parameters in (
            (OuterLoop(LADDER), steps(0.25)),
            (InnerLoop(LADDER, True), thresholds()),
            (BAYES, table),
            (RIDGE, ridge),
            (OuterLoop(LADDER, True), steps(0.25)._replace(fast_up_db=tf.constant(1.0), settle=tf.constant(30.0))),
        ):
            clean, blind = run(policy, parameters, trace).mcs.numpy(), run(policy, parameters, poisoned).mcs.numpy()

            assert (clean[: since + delay] == blind[: since + delay]).all(), policy.name
            assert (clean[since + delay :] != blind[since + delay :]).any(), policy.name  # the poison works

    def test_what_is_known_orders_what_is_delivered(self):
        training, trace = trace_of(seed=2), trace_of(seed=3)
        table = fitting.report_table(BAYES, LADDER, training, MAKER)
        ridge = fitting.linear_predictor(16, training, MAKER)
        ceiling = goodput(run(Clairvoyant(LADDER), thresholds(), trace))
        informed = goodput(run(Informed(LADDER), genie_of(trace), trace))
        blind = {
            "fixed": goodput(run(Fixed(), fitting.best_fixed(LADDER, training), trace)),
            "illa": goodput(run(InnerLoop(LADDER, True), thresholds(), trace)),
            "bayes": goodput(run(BAYES, table, trace)),
            "ridge": goodput(run(RIDGE, ridge, trace)),
        }

        assert (ceiling >= informed).all()
        for name, each in blind.items():
            assert informed.mean() > each.mean(), name
        # what acknowledgements alone add is small
        assert goodput(run(OuterLoop(LADDER), steps(0.05), trace)).mean() < 1.005 * informed.mean()
        assert blind["ridge"].mean() > blind["bayes"].mean() > blind["fixed"].mean()

    def test_the_informed_genie_errs_as_much_as_it_says(self):
        """The error of its prediction is normal with the variance that it integrates over."""
        trace, exact = trace_of(seed=4), trace_of(seed=4, error_db=0.0)
        rule, age = genie_of(trace), 15  # slots: whole periods, so that a later report shows what there was to predict
        count = 64
        newest = np.arange(count, MAKER.reports - 3, 61)  # 305 slots apart: more than a coherence time
        window = np.stack([trace.estimate_real.numpy()[k - count + 1 : k + 1] for k in newest])
        row = age - int(rule.youngest_slots)
        predicted = np.einsum("r,krp->kp", rule.weights.numpy()[row], window)
        truth = exact.estimate_real.numpy()[newest + age // PERIOD]
        error = (truth - predicted) / math.sqrt(0.5 * float(rule.variance[row]))

        # 64 passes x 5 instants: variance known to 8 %
        assert scipy.stats.kstest(error.reshape(-1), "norm").pvalue > 1e-3
        assert error.std() == pytest.approx(1.0, abs=0.2)


def steady(snr_db, delay):
    """Passes [pass] that stand still, with feedback after a delay and no report."""
    level = tf.constant(np.tile(snr_db, (SLOTS, 1)), tf.float32)
    zero, one = tf.zeros([SLOTS, PASSES], tf.int32), tf.ones([SLOTS, PASSES], tf.int32)
    none = tf.zeros([MAKER.reports, PASSES])
    return Trace(
        snr_db=level,
        level_db=level,
        delay_slots=delay * one,
        arrived=tf.concat([zero[:delay], one[delay:]], 0),
        fresh=zero,
        report_db=none,
        outcome=tf.zeros_like(level) + 0.5,
        explore=tf.zeros_like(level) + 0.5,
        sight=tf.ones_like(level),
        fade_db=tf.zeros_like(level),
        estimate_real=none,
        estimate_imaginary=none,
    )


def test_reports_that_never_change_predict_nothing_and_break_nothing():
    rule = fitting.linear_predictor(4, steady(np.full(PASSES, 10.0), 13), MAKER)

    assert not rule.weights.numpy().any()
    assert (rule.sigma_db.numpy() < 0.02).all()


def poison(trace, since):
    """The same passes in which nothing is as it was from a slot on, but for what geometry predicts."""
    reports = -(-since // PERIOD)
    changed = {"outcome": 1.0 - trace.outcome[since:].numpy(), "snr_db": np.float32(np.nan)}
    changed |= {"report_db": np.nan, "estimate_real": np.nan, "estimate_imaginary": np.nan}
    fields = {}
    for name, value in changed.items():
        copy = getattr(trace, name).numpy().copy()
        copy[reports if copy.shape[0] == MAKER.reports else since :] = value
        fields[name] = tf.constant(copy)
    return trace._replace(**fields)


BAYES = LastReport(lowest_db=MAKER.lowest_db, step_db=MAKER.step_db)
RIDGE = LinearPredictor(LADDER, 16)


class TestLoops:
    @pytest.mark.parametrize(
        ("delay_slots", "up_db"), [(1, 0.1), (1, 0.5), (1, 1.0), (13, 0.1), (13, 0.25), (42, 0.1), (42, 0.25)]
    )
    def test_an_outer_loop_at_rest_loses_its_target_share_at_any_delay(self, delay_slots, up_db):
        # a still channel; a longer delay or step would reach the ends of the ladder
        trace = trace_of(doppler_hz=0.0, k_factor_db=60.0, **SETTING_S, round_trip_s=1e-3 * delay_slots)
        outcome = run(OuterLoop(LADDER), steps(up_db), trace)
        lost = ~outcome.ack.numpy()[WARM_UP:]

        # NACKs = p N + (1 - p) D / up exactly, for an offset that moves by D over N = 1600 answers; a mean D of half a
        # decibel over 64 passes is 0.003 at the smallest step, and what is still in flight less
        assert lost.mean() == pytest.approx(0.1, abs=0.004)

    def test_without_delay_and_error_the_inner_loop_is_clairvoyant_at_its_target(self):
        # reports of every slot, used in the slot after; a channel that stands still has no slot after
        trace = steady(np.linspace(-8.0, 22.0, PASSES), 1)
        trace = trace._replace(
            report_db=trace.snr_db[::PERIOD],
            fresh=tf.constant((np.arange(SLOTS) % PERIOD == 1)[:, None], tf.int32) * tf.ones([1, PASSES], tf.int32),
        )
        delayed = run(InnerLoop(LADDER, True), thresholds(), trace).mcs.numpy()
        truth = run(Clairvoyant(LADDER, True), thresholds(), trace).mcs.numpy()

        # the last two rows send a block of 100 bits in the same number of symbols
        assert set(np.unique(truth)) == set(range(LADDER.size)) - {27}
        assert (delayed[1:] == truth[1:]).all()

    def test_where_a_channel_forgets_within_the_delay_nothing_beats_the_fixed_mcs(self):
        # 120 km/h and 42 slots: 9 cycles of the Doppler shift, where a report says nothing any more
        options = {"doppler_hz": 40.0 * WALKING_HZ, "round_trip_s": 41.8e-3, **SETTING_S}
        training, trace = trace_of(seed=7, **options), trace_of(seed=8, **options)
        fixed = goodput(run(Fixed(), fitting.best_fixed(LADDER, training), trace))
        bayes = goodput(run(BAYES, fitting.report_table(BAYES, LADDER, training, MAKER), trace))
        ridge = goodput(run(RIDGE, fitting.linear_predictor(16, training, MAKER), trace))

        for each in (bayes, ridge):
            assert each.mean() == pytest.approx(fixed.mean(), rel=0.02)
