"""Rules of the decoder against flooding sum-product (Sionna's boxplus-phi) on the same noise."""

import math

import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from ntn6g.phy.coding import CodewordCode

ROWS = 128


def failures(information_bits, coded_bits, esno_db, batches, **decoders):
    """Which of the words each decoder gets wrong, all on the same unit noise: bool [words] by name.

    ``esno_db`` is one number, or one for each decoder.
    """
    sizes = {"information_bits": information_bits, "coded_bits": coded_bits, "modulation_order": 1}
    made = {name: CodewordCode(**sizes, **knobs) for name, knobs in decoders.items()}
    decode = {
        name: tf.function(lambda llr, code=code: code.decode(llr).bits, jit_compile=True, autograph=False)
        for name, code in made.items()
    }
    generator, wrong = np.random.default_rng(20261125), {name: [] for name in decoders}
    for _ in range(batches):
        words = generator.integers(0, 2, (ROWS, information_bits)).astype(np.float32)
        noise = generator.normal(size=(ROWS, coded_bits))
        for name, code in made.items():
            level_db = esno_db[name] if isinstance(esno_db, dict) else esno_db
            deviation = math.sqrt(0.5 * 10 ** (-level_db / 10))
            received = 2 * code.encode(tf.constant(words)).numpy() - 1 + deviation * noise
            llr = tf.constant(2 * received / deviation**2, tf.float32)
            wrong[name].append((decode[name](llr).numpy() != words).any(axis=1))
    return {name: np.concatenate(found) for name, found in wrong.items()}


def test_layered_sum_product_is_flooding_sum_product_once_both_have_converged():
    # Paired: of the words that one of the two gets wrong, either is as likely (sign test, false alarm 1e-3). With 512
    # words at a BLER of 0.2, four times as many failures of one alone among 20 are found with 90 % power.
    found = failures(
        500,
        1000,
        -1.75,
        4,
        layered={"decoder": "layered-sum-product", "iterations": 40},
        flooding={"decoder": "sionna", "iterations": 40},
    )
    layered, flooding = found["layered"], found["flooding"]
    only, other = int((layered & ~flooding).sum()), int((flooding & ~layered).sum())

    assert 30 < flooding.sum() < 300
    assert (layered == flooding).mean() > 0.9
    assert only + other == 0 or stats.binomtest(only, only + other).pvalue > 1e-3, (only, other)


@pytest.mark.slow
def test_normalised_min_sum_lies_within_a_tenth_of_a_decibel_of_flooding_sum_product():
    # K = 7808, R = 0.54: at -1.24 dB flooding sum-product of 20 iterations fails about one word in a hundred; min-sum,
    # layered, with as many iterations may need 0.1 dB more, not more than that. One-sided, false alarm 1e-3; 1024 words
    # tell a BLER of 0.03 from 0.01 with 90 % power, which is less than 0.1 dB of the waterfall.
    found = failures(
        7808,
        14400,
        {"flooding": -1.24, "minimum": -1.14},
        8,
        flooding={"decoder": "sionna", "iterations": 20},
        minimum={"decoder": "layered-min-sum", "iterations": 20},
    )
    wrong = {name: int(each.sum()) for name, each in found.items()}
    words = 8 * ROWS
    table = [[wrong["minimum"], words - wrong["minimum"]], [wrong["flooding"], words - wrong["flooding"]]]

    assert 2 <= wrong["flooding"] <= 40, wrong
    assert stats.fisher_exact(table, alternative="greater").pvalue > 1e-3, wrong


@pytest.mark.slow
@pytest.mark.parametrize(
    ("information_bits", "coded_bits", "esno_db"), [(7808, 14400, -1.24), (7808, 23100, -4.15), (3840, 18800, -6.6)]
)
def test_the_default_decoder_fails_no_more_words_than_flooding_sum_product(information_bits, coded_bits, esno_db):
    # R = 0.54, 0.34 and 0.2, where flooding sum-product of 20 iterations fails about one in a hundred: a layered
    # schedule of as many is further on, which has to pay for the messages of min-sum (sign test, false alarm 1e-3)
    flooding = {"decoder": "sionna", "iterations": 20}
    found = failures(information_bits, coded_bits, esno_db, 4, ours={"iterations": 20}, flooding=flooding)
    only = int((found["ours"] & ~found["flooding"]).sum())
    other = int((found["flooding"] & ~found["ours"]).sum())

    assert found["flooding"].any()
    assert only + other == 0 or stats.binomtest(only, only + other, alternative="greater").pvalue > 1e-3, (only, other)
