"""Random streams: the published generator, the asked distributions, and no dependence on anything but the key."""

import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from ntn6g.core import random

# J. K. Salmon et al., Random123 1.14 distribution, known-answer vectors of threefry2x32 with 20 rounds:
# key words, counter words, expected words
KNOWN_ANSWERS = [
    ((0x00000000, 0x00000000), (0x00000000, 0x00000000), (0x6B200159, 0x99BA4EFE)),
    ((0xFFFFFFFF, 0xFFFFFFFF), (0xFFFFFFFF, 0xFFFFFFFF), (0x1CB996FC, 0xBB002BE7)),
    ((0x13198A2E, 0x03707344), (0x243F6A88, 0x85A308D3), (0xC4923A9C, 0x483DF7A0)),
]
ROWS = 128


def u32(values):
    return tf.constant(np.array(values, np.uint32))


@pytest.fixture(scope="module")
def keys():
    chunk_keys = u32([random.chunk_key(7, "awgn", chunk) for chunk in range(ROWS // 32)])
    return random.block_keys(chunk_keys, 32)


@pytest.mark.parametrize(("key", "counter", "expected"), KNOWN_ANSWERS)
def test_threefry_gives_the_published_known_answers(key, counter, expected):
    words = random.threefry_2x32((u32(key[0]), u32(key[1])), (u32(counter[0]), u32(counter[1])))

    assert tuple(int(word) for word in words) == expected


@pytest.mark.parametrize(
    ("draw", "distribution"),
    [
        (lambda k: random.uniform(k, (2000,)), stats.uniform()),
        (lambda k: random.normal(k, (2000,)), stats.norm()),
        (lambda k: tf.math.real(random.complex_normal(k, (2000,))), stats.norm(scale=0.5**0.5)),
        (lambda k: tf.math.imag(random.complex_normal(k, (2000,))), stats.norm(scale=0.5**0.5)),
    ],
    ids=["uniform", "normal", "complex normal, real", "complex normal, imaginary"],
)
def test_draws_follow_the_stated_distribution(keys, draw, distribution):
    # 256,000 draws: a Kolmogorov distance above 0.0039 fails at 1e-3, 0.0045 is caught with 90 % power
    sample = np.asarray(draw(random.stream(keys, "noise"))).ravel().astype(float)

    assert stats.kstest(sample, distribution.cdf).pvalue > 1e-3


def test_real_and_imaginary_parts_are_uncorrelated(keys):
    sample = np.asarray(random.complex_normal(keys, (2000,))).ravel()

    correlation = np.corrcoef(sample.real, sample.imag)[0, 1]
    assert abs(correlation) < 3.3 / np.sqrt(sample.size)  # two-sided 1e-3


def test_bits_are_fair_at_every_position_of_the_word(keys):
    sample = np.asarray(random.bits(keys, 3200)).reshape(-1, 32)

    # 32 two-sided binomial tests at 1e-3 in all; a bias of 0.022 of one position is caught with 90 % power
    deviations = np.abs(sample.mean(0) - 0.5) / (0.5 / np.sqrt(len(sample)))
    assert deviations.max() < stats.norm.isf(1e-3 / 2 / 32)
    assert set(np.unique(sample)) == {0.0, 1.0}


def test_rows_and_streams_are_uncorrelated(keys):
    by_stream = [np.asarray(random.normal(random.stream(keys, name), (500,))) for name in ("bits", "noise")]
    across_streams = np.corrcoef(by_stream[0].ravel(), by_stream[1].ravel())[0, 1]
    rows = np.corrcoef(by_stream[0])[np.triu_indices(ROWS, 1)]

    assert abs(across_streams) < 3.3 / np.sqrt(by_stream[0].size)
    assert np.abs(rows).max() < stats.norm.isf(1e-3 / 2 / rows.size) / np.sqrt(500)


def test_a_block_draws_the_same_in_any_row_and_company(keys):
    # compiled, as every step is: eager TensorFlow rounds by position within its vector registers
    draw = tf.function(lambda k: random.complex_normal(random.stream(k, "noise"), (53,)), jit_compile=True)
    order = np.random.default_rng(0).permutation(ROWS)

    together = np.asarray(draw(keys))

    np.testing.assert_array_equal(draw(tf.gather(keys, order)), together[order])
    np.testing.assert_array_equal(draw(keys[:64]), together[:64])


def test_a_longer_draw_begins_with_the_shorter_one(keys):
    short, long = random.normal(keys, (10,)), random.normal(keys, (20,))

    np.testing.assert_array_equal(np.asarray(long)[:, :10], np.asarray(short))


def test_uniform_never_reaches_its_ends():
    words = u32([0, 1, 511, 512, 0xFFFFFE00, 0xFFFFFFFF])

    values = np.asarray(random._open_unit(words))

    assert values.min() > 0.0
    assert values.max() < 1.0


def test_chunk_keys_differ_with_seed_point_and_number():
    names = [(1, "a", 0), (2, "a", 0), (1, "b", 0), (1, "a", 1)]

    assert len({random.chunk_key(*name) for name in names}) == len(names)
