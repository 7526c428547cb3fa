"""Generators: rows that know nothing of each other, equal draws, one result in every mode, refusals."""

import math

import numpy as np
import pytest
import tensorflow as tf

from ntn6g.channel import FlatChannel, Profile, TappedDelayLine, ntn_tdl_profile
from ntn6g.core.errors import ScenarioError

ROWS = 128
TIMES_S = tf.constant(np.arange(14) * 8.9e-6, tf.float32)
EPS = float(np.finfo(np.float32).eps)


def arguments(seed=1, **changes):
    rng = np.random.default_rng(seed)
    values = {
        "keys": tf.constant(rng.integers(0, 2**32, (ROWS, 2), dtype=np.uint32)),
        "delay_spread_s": tf.constant(rng.uniform(1e-9, 1e-6, ROWS), tf.float32),
        "doppler_hz": tf.constant(rng.uniform(0.0, 5e3, ROWS), tf.float32),
        "k_factor_db": tf.constant(rng.uniform(0.0, 20.0, ROWS), tf.float32),
    }
    return values | changes


def fields(realization):
    return [part.numpy() for part in tf.nest.flatten(realization)]


@pytest.fixture(scope="module")
def generator():
    return TappedDelayLine(ntn_tdl_profile("D"))


@pytest.fixture(scope="module")
def step(generator):
    return tf.function(lambda values: generator(**values, times_s=TIMES_S), jit_compile=True)


def test_permuted_rows_give_permuted_results_bit_for_bit(step):
    order = np.random.default_rng(2).permutation(ROWS)
    values = arguments()
    permuted = {name: tf.gather(value, order) for name, value in values.items()}

    for before, after in zip(fields(step(values)), fields(step(permuted)), strict=True):
        assert np.array_equal(before[order], after)


def test_a_row_does_not_see_its_neighbours(step):
    values, others = arguments(), arguments(seed=3)
    mixed = {name: tf.concat([values[name][:64], others[name][64:]], 0) for name in values}

    for alone, among in zip(fields(step(values)), fields(step(mixed)), strict=True):
        assert np.array_equal(alone[:64], among[:64])


def test_one_key_gives_one_draw_at_any_delay_spread_doppler_and_k_factor(step):
    base = step(arguments())
    other_spread = step(arguments(delay_spread_s=tf.fill([ROWS], np.float32(5e-7))))
    assert np.array_equal(base.gain, other_spread.gain)  # a delay spread moves delays only

    first = [step(arguments(k_factor_db=tf.fill([ROWS], np.float32(k)))).gain.numpy() for k in (0.0, 10.0)]
    at_rest = step(arguments(doppler_hz=tf.zeros([ROWS]))).gain.numpy()
    # scattered amplitudes scale with 1/sqrt(1 + K): sqrt(11/2) between 0 and 10 dB; four roundings
    ratio = first[0][:, :, :, 1:] / first[1][:, :, :, 1:]
    assert np.abs(ratio / math.sqrt(11 / 2) - 1).max() < 8 * EPS
    assert np.array_equal(at_rest[..., 0], base.gain.numpy()[..., 0])  # same draw at the first instant
    assert np.array_equal(at_rest[..., 0], at_rest[..., -1])  # and nothing moves


def test_different_keys_give_different_draws(step):
    gain = step(arguments()).gain.numpy()[:, 0, 0, 1, 0]
    assert np.unique(gain).size == ROWS


def test_compiled_and_eager_draws_agree(generator, step):
    values = arguments()
    compiled, eager = step(values), generator(**values, times_s=TIMES_S)

    # a sum of 16 terms of order one, each with a few roundings of phase and product
    assert np.abs(compiled.gain.numpy() - eager.gain.numpy()).max() < 64 * EPS
    assert compiled.excess_delay_s.numpy() == pytest.approx(eager.excess_delay_s.numpy(), rel=8 * EPS)


def test_gradient_of_scattered_power_in_the_k_factor_is_the_closed_form(generator):
    values = arguments()
    with tf.GradientTape() as tape:
        tape.watch(values["k_factor_db"])
        drawn = generator(**values, times_s=TIMES_S)
        power = tf.math.real(drawn.gain * tf.math.conj(drawn.gain))[:, 0, 0, 1, 5]
    slope = tape.gradient(power, values["k_factor_db"]).numpy()

    # scattered power goes with 1/(1 + K): d ln P / d K_db = -(ln 10 / 10) K / (1 + K); ten roundings
    k = 10 ** (values["k_factor_db"].numpy() / 10)
    assert slope / power.numpy() == pytest.approx(-math.log(10) / 10 * k / (1 + k), rel=10 * EPS)


def test_record_crosses_a_function_boundary_with_types_and_zeros_of_a_link_at_rest(step):
    drawn = step(arguments())
    assert drawn.gain.dtype == tf.complex64
    assert drawn.gain.shape == (ROWS, 1, 1, 3, 14)
    assert drawn.excess_delay_s.dtype == tf.float32
    for name in ("bulk_delay_s", "bulk_delay_rate", "bulk_doppler_hz", "bulk_doppler_rate_hz_s"):
        assert getattr(drawn, name).dtype == tf.float64
        assert not np.any(getattr(drawn, name))
    assert drawn.path_loss_db.dtype == tf.float32
    assert np.all(drawn.valid)


def test_profiles_without_line_of_sight_ignore_the_k_factor():
    generator = TappedDelayLine(ntn_tdl_profile("A"))
    values = arguments()
    with_k = generator(**values, times_s=TIMES_S)
    without = generator(**(values | {"k_factor_db": None}), times_s=TIMES_S)
    assert np.array_equal(with_k.gain, without.gain)
    assert np.array_equal(with_k.excess_delay_s, without.excess_delay_s)


def test_flat_channel_is_one_path_of_gain_one():
    drawn = FlatChannel()(**arguments(), times_s=TIMES_S)
    assert drawn.gain.shape == (ROWS, 1, 1, 1, 14)
    assert np.all(drawn.gain.numpy() == 1)
    assert not np.any(drawn.excess_delay_s)


@pytest.mark.parametrize(
    ("delays", "powers_db", "line_of_sight", "message"),
    [
        ((0.0, 0.0), (0.0, -10.0), True, "one delay"),
        ((0.0, 1.0), (0.0, -10.0), True, "needs a second tap"),
        ((0.0, 1.0), (0.0,), False, "2 delays and 1 powers"),
    ],
)
def test_impossible_profiles_are_refused(delays, powers_db, line_of_sight, message):
    with pytest.raises(ScenarioError, match=message):
        Profile("test", delays, powers_db, line_of_sight)


def test_unknown_letter_is_refused():
    with pytest.raises(ScenarioError, match="'E' is not an NTN-TDL profile"):
        ntn_tdl_profile("E")


def test_a_later_start_gives_the_same_process_at_later_times(generator):
    later_s = np.linspace(0.0, 1e-3, ROWS)  # at most 5 cycles: 1e-6 cycles of rounding each way
    values = arguments()
    shifted = generator(**values, times_s=TIMES_S, start_s=tf.constant(later_s, tf.float32)).gain.numpy()

    for row in (0, 1, 77, ROWS - 1):
        one = {name: value[row : row + 1] for name, value in values.items()}
        direct = generator(**one, times_s=TIMES_S + later_s[row]).gain.numpy()
        assert np.abs(shifted[row] - direct[0]).max() < 1e-4
    assert np.abs(shifted[-1] - generator(**values, times_s=TIMES_S).gain.numpy()[-1]).max() > 0.1
