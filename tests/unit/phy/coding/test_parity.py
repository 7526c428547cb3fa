import numpy as np
import pytest
import tensorflow as tf

from ntn6g.phy.coding.ldpc import LdpcCode
from ntn6g.phy.coding.parity import Parity


@pytest.mark.parametrize("words", [3, 16, 35])
@pytest.mark.parametrize("graph", [1, 2])
def test_a_codeword_holds_and_one_flipped_bit_of_any_column_breaks_it(words, graph):
    code = LdpcCode(base_graph=graph, information_bits=100, sent_bits=250)
    generator = np.random.default_rng(words)
    sent = code.encode(tf.constant(generator.integers(0, 2, (100, words)), tf.int8)).numpy()
    flipped = sent.copy()
    broken = np.arange(words) % 3 == 1
    at = generator.integers(0, code.bits, words)
    flipped[at[broken], np.flatnonzero(broken)] ^= 1
    posterior = np.round(generator.uniform(1, 99, sent.shape)) * (1 - 2 * flipped)
    holds = Parity(code)(tf.constant(posterior, tf.int16)).numpy()
    np.testing.assert_array_equal(holds, ~broken)
