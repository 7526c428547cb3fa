"""Confidence intervals: the textbook's values, and how often they hold the truth under our stopping rule."""

import numpy as np
import pytest
from scipy.stats import binomtest

from ntn6g.study.intervals import clopper_pearson, clustered_ratio, relative_half_width, throughput_interval

CHUNK = 32
# With 20 000 repetitions the measured coverage has a standard error of 0.18 percentage points at 93 %, 0.12
# at 97 %. The gates are applied to it as they stand. A true coverage of 94-96.4 % (so it is at the points
# below) trips one with probability below 1e-3 per function; a true 92.7 % is caught 9 times in 10.
REPETITIONS = 20_000
BURST_REPETITIONS = 8_000  # standard errors 0.28 and 0.19 points; a true 92.6 % is caught 9 times in 10
LOWEST_COVERAGE, HIGHEST_COVERAGE = 0.93, 0.97
BITS = 400


def stopped(rng, error_probability, stop_errors, max_chunks, points=REPETITIONS):
    """Errors and blocks of many points, each stopped at the first chunk of 32 blocks with enough errors."""
    errors = np.zeros(points, np.int64)
    blocks = np.zeros(points, np.int64)
    running = np.arange(points)
    for _ in range(max_chunks):
        errors[running] += rng.binomial(CHUNK, error_probability, running.size)
        blocks[running] += CHUNK
        running = running[errors[running] < stop_errors]
    return errors, blocks


def coverage(limits, truth):
    low, high = limits
    return np.mean((low <= truth) & (truth <= high))


@pytest.mark.parametrize(("errors", "trials"), [(1, 20), (7, 7), (50, 1000), (3, 1_000_000), (999, 1000)])
@pytest.mark.parametrize("confidence", [0.9, 0.95])
def test_clopper_pearson_is_scipys_exact_binomial_interval(errors, trials, confidence):
    low, high = clopper_pearson(errors, trials, confidence)

    exact = binomtest(errors, trials).proportion_ci(confidence, method="exact")
    # SciPy finds its limits by root search to about 1e-12 absolute; ours are beta quantiles.
    assert low == pytest.approx(exact.low, abs=1e-9, rel=1e-6)
    assert high == pytest.approx(exact.high, abs=1e-9, rel=1e-6)


def test_no_error_gives_all_the_doubt_to_the_high_limit():
    low, high = clopper_pearson([0, 0, 0], [32, 3000, 10**9])

    assert np.all(low == 0)
    # Definition: with this error probability, seeing no error in n trials has probability 5 %.
    assert (1 - high[:2]) ** [32, 3000] == pytest.approx(0.05, rel=1e-9)
    # Rule of three, -ln(0.05)/n, whose relative error is 1.5/n.
    assert high[1] == pytest.approx(2.9957 / 3000, rel=1e-3)
    assert high[2] == pytest.approx(2.9957 / 1e9, rel=1e-4)


def test_without_trials_nothing_is_known():
    for low, high in (clopper_pearson(0, 0), clustered_ratio(0, 0, BITS, 0)):
        assert (float(low), float(high)) == (0.0, 1.0)


@pytest.mark.parametrize(("errors", "trials"), [(-1, 10), (11, 10)])
def test_impossible_counts_are_refused(errors, trials):
    with pytest.raises(ValueError, match="0 <= events <= trials"):
        clopper_pearson(errors, trials)


def test_relative_half_width_is_the_normal_one_for_many_errors_and_infinite_without():
    # 1.96 sqrt((1-p)/k) for k errors; Clopper-Pearson is wider by about half an error on each side: 1/(2k)
    # = 0.0002.
    assert relative_half_width(2500, 25_000) == pytest.approx(1.96 * np.sqrt(0.9 / 2500), abs=5e-4)
    assert relative_half_width([0, 10], [100, 100])[0] == np.inf


def test_throughput_interval_is_the_mirror_of_the_block_error_interval():
    low, high = throughput_interval([0, 5, 100], 100, 2e6)

    delivered_low, delivered_high = clopper_pearson([95], 100)
    assert low[1] == pytest.approx(2e6 * delivered_low[0], rel=1e-12)
    assert high[1] == pytest.approx(2e6 * delivered_high[0], rel=1e-12)
    assert high[0] == 2e6
    assert low[2] == 0.0


def test_clustered_interval_of_whole_block_errors_is_the_block_error_interval():
    errors, blocks = np.array([2, 20, 150]), np.array([200, 1000, 300])

    low, high = clustered_ratio(errors * BITS, errors * BITS**2, BITS, blocks)

    exact_low, exact_high = clopper_pearson(errors, blocks)
    # The variance estimate (n-1 for n) and Student's t for the normal quantile cost about 3/n <= 1.5 % of
    # the trials; at 2 errors the low limit moves twice as fast: 3 %.
    assert low == pytest.approx(exact_low, rel=0.03)
    assert high == pytest.approx(exact_high, rel=0.03)
    assert np.all(low <= exact_low)
    assert np.all(high >= exact_high)


def test_clustered_interval_of_independent_bits_is_the_bit_interval():
    rng = np.random.default_rng(20260425)
    per_block = rng.binomial(BITS, 0.01, 5000)

    low, high = clustered_ratio(per_block.sum(), np.sum(per_block**2), BITS, 5000)

    exact_low, exact_high = clopper_pearson(per_block.sum(), BITS * 5000)
    # The width follows the estimated standard deviation, known to 1/sqrt(2*5000) = 1 %; four standard errors.
    assert high - low == pytest.approx(exact_high - exact_low, rel=0.04)


def test_bits_without_an_error_are_bounded_by_one_unit_per_block():
    low, high = clustered_ratio(0, 0, BITS, 320)

    assert low == 0
    assert (1 - high) ** 320 == pytest.approx(0.05, rel=1e-9)


@pytest.mark.parametrize(
    ("error_probability", "stop_errors", "max_chunks"),
    [(0.5, 100, 64), (0.7, 200, 64), (0.3, 200, 64), (0.1, 60, 80), (0.02, 100, 300), (0.01, 60, 400)],
)
def test_block_error_interval_covers_where_50_errors_and_50_successes_are_expected(
    error_probability, stop_errors, max_chunks
):
    rng = np.random.default_rng(20260425)
    errors, blocks = stopped(rng, error_probability, stop_errors, max_chunks)
    assert errors.mean() >= 50
    assert (blocks - errors).mean() >= 50

    covered = coverage(clopper_pearson(errors, blocks), error_probability)

    assert LOWEST_COVERAGE <= covered <= HIGHEST_COVERAGE


@pytest.mark.parametrize(
    ("error_probability", "stop_errors", "max_chunks"),
    [
        (0.99, 200, 64),  # hardly a success
        (0.91, 20, 64),  # worst place of the no-success limit: one chunk, all wrong with probability 5 %
        (0.05, 1, 64),  # stops at the first error
        (0.02, 5, 64),
        (0.1, 10, 64),
        (1e-3, 100, 100),  # three errors on average when the cap ends the point
        (2.9957 / 3200, 100, 100),  # worst place of the one-sided limit: no error with probability 5 %
        (1e-5, 100, 100),  # no error at all in most points
    ],
)
def test_block_error_interval_never_covers_less_than_93_percent(error_probability, stop_errors, max_chunks):
    rng = np.random.default_rng(20260425)
    errors, blocks = stopped(rng, error_probability, stop_errors, max_chunks)

    assert coverage(clopper_pearson(errors, blocks), error_probability) >= LOWEST_COVERAGE


def burst_sums(rng, failures, burst):
    """Sum and sum of squares of the bit errors of each point's failed blocks; ``burst`` draws one block's."""
    bit_errors = burst(rng, failures.sum())
    starts = np.concatenate([[0], np.cumsum(failures)[:-1]])
    return np.add.reduceat(bit_errors, starts), np.add.reduceat(bit_errors**2, starts)


def whole_block(rng, size):
    return np.full(size, BITS)


def beta_binomial(a, b):
    """A failed block has one wrong bit; each other is wrong with a probability drawn from Beta(a, b)."""
    return lambda rng, size: 1 + rng.binomial(BITS - 1, rng.beta(a, b, size))


@pytest.mark.parametrize(
    ("burst", "mean_wrong_bits"),
    [
        (whole_block, BITS),
        (beta_binomial(5, 45), 1 + (BITS - 1) * 0.1),
        (beta_binomial(1, 9), 1 + (BITS - 1) * 0.1),
        (beta_binomial(0.5, 5), 1 + (BITS - 1) / 11),
    ],
    ids=["whole-block", "alike", "exponential", "heavy-tailed"],
)
@pytest.mark.parametrize(("failure_probability", "stop_errors"), [(0.5, 100), (0.1, 60), (0.01, 60)])
def test_bit_error_interval_covers_bursts_where_50_failed_and_50_good_blocks_are_expected(
    burst, mean_wrong_bits, failure_probability, stop_errors
):
    rng = np.random.default_rng(20260425)
    failures, blocks = stopped(rng, failure_probability, stop_errors, 400, BURST_REPETITIONS)
    total, squares = burst_sums(rng, failures, burst)
    ber = failure_probability * mean_wrong_bits / BITS

    covered = coverage(clustered_ratio(total, squares, BITS, blocks), ber)

    assert LOWEST_COVERAGE <= covered <= HIGHEST_COVERAGE
    # What the burst-aware interval is for: bits taken as independent would hold the truth less than half
    # the time.
    assert coverage(clopper_pearson(total, blocks * BITS), ber) < 0.5


@pytest.mark.parametrize("bit_error_probability", [0.05, 1e-3])
def test_bit_error_interval_covers_independent_bits(bit_error_probability):
    rng = np.random.default_rng(20260425)
    per_block = rng.binomial(BITS, bit_error_probability, (REPETITIONS, 128))

    limits = clustered_ratio(per_block.sum(1), np.sum(per_block**2, 1), BITS, 128)

    assert LOWEST_COVERAGE <= coverage(limits, bit_error_probability) <= HIGHEST_COVERAGE
