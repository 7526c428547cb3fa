"""The layered decoder by its definition: leave-one-out minima, sign at 0, independence of neighbours."""

import numpy as np
import pytest
import tensorflow as tf

from ntn6g.core.errors import ScenarioError
from ntn6g.phy.coding import CodewordCode
from ntn6g.phy.coding.decoder import ITERATIONS, LARGEST, SCALING_SIXTEENTHS, _check_messages


def test_check_messages_are_scaled_leave_one_out_minima_and_zero_counts_as_plus():
    # few distinct values make ties and zeros common; 300 stands for a filler bit
    extrinsic = np.random.default_rng(3).choice([-300, -7, -2, 0, 0, 2, 5, 300], (5, 64, 8)).astype(np.int16)
    expected = np.empty_like(extrinsic)
    for edge in range(5):
        others = np.delete(extrinsic, edge, axis=0)
        sign = np.where(others < 0, -1, 1).prod(0)
        smallest = np.minimum(np.abs(others), LARGEST).min(0).astype(int)
        expected[edge] = sign * ((smallest * SCALING_SIXTEENTHS + 8) // 16)

    np.testing.assert_array_equal(_check_messages(tf.constant(extrinsic)).numpy(), expected)


class Received:
    """64 noisy codewords near the threshold: some decode at once, some late, some never."""

    def __init__(self) -> None:
        self.code = CodewordCode(information_bits=320, coded_bits=640, modulation_order=1)
        generator = np.random.default_rng(5)
        self.bits = generator.integers(0, 2, (64, 320)).astype(np.float32)
        sent = 2 * self.code.encode(tf.constant(self.bits)).numpy() - 1
        sigma = 10 ** (-np.linspace(-2, 8, 64) / 20)[:, None]  # Es/N0 of -5 to 5 dB, one per row
        self.llr = (2 * (sent + sigma * generator.normal(size=sent.shape)) / sigma**2).astype(np.float32)
        self._decode = tf.function(self._parts, jit_compile=True)

    def _parts(self, llr: tf.Tensor) -> tuple[tf.Tensor, ...]:
        decoded = self.code.decode(llr)
        return decoded.bits, decoded.crc_ok, decoded.iterations

    def decode(self, llr: np.ndarray, compiled: bool = True) -> list[np.ndarray]:
        function = self._decode if compiled else self._parts
        return [part.numpy() for part in function(tf.constant(llr))]


@pytest.fixture(scope="module")
def received() -> Received:
    return Received()


def test_the_batch_mixes_early_late_and_failed_codewords(received):
    bits, ok, iterations = received.decode(received.llr)

    right = (bits == received.bits).all(1)
    assert iterations.min() <= 3
    assert iterations.max() == ITERATIONS
    assert right[-20:].all()  # 2 dB and more above the threshold
    assert not right[:5].any()  # at -5 dB, below capacity's limit of -2.8 dB at rate 1/2
    assert not (ok & ~right).any()  # satisfied parity and wrong would be a codeword at minimum distance


def test_a_codeword_is_decoded_the_same_beside_any_neighbours_bit_for_bit(received):
    alone = received.decode(received.llr)
    order = np.random.default_rng(7).permutation(64)
    easy = received.llr.copy()
    easy[:32] = easy[63]  # the first half replaced by codewords that stop at once

    for shuffled, straight in zip(received.decode(received.llr[order]), alone, strict=True):
        np.testing.assert_array_equal(shuffled, straight[order])
    for beside_easy, straight in zip(received.decode(easy), alone, strict=True):
        np.testing.assert_array_equal(beside_easy[32:], straight[32:])


def test_compiled_and_eager_results_are_equal_bit_for_bit(received):
    for eager, compiled in zip(
        received.decode(received.llr, compiled=False), received.decode(received.llr), strict=True
    ):
        np.testing.assert_array_equal(eager, compiled)


def test_a_codeword_sent_twice_decodes_as_one_with_the_summed_ratios():
    # base graph 2, K' = 120, Z = 20: the circular buffer holds 50 Z - (200 - 120) = 920 bits, so 1840 send it twice
    once = CodewordCode(information_bits=120, coded_bits=920, modulation_order=1)
    twice = CodewordCode(information_bits=120, coded_bits=1840, modulation_order=1)
    generator = np.random.default_rng(11)
    bits = tf.constant(generator.integers(0, 2, (8, 120)), tf.float32)
    sent = twice.encode(bits)

    np.testing.assert_array_equal(sent.numpy(), np.tile(once.encode(bits).numpy(), 2))
    halves = np.split((2 * sent.numpy() - 1) + 1.5 * generator.normal(size=sent.shape), 2, axis=1)
    combined = once.decode(tf.constant(halves[0] + halves[1], tf.float32))
    received = twice.decode(tf.constant(np.concatenate(halves, axis=1), tf.float32))
    np.testing.assert_array_equal(received.bits.numpy(), combined.bits.numpy())


def test_the_peer_decodes_the_same_clean_codewords(payload):
    ours = CodewordCode(information_bits=320, coded_bits=640, modulation_order=2)
    peer = CodewordCode(
        information_bits=320, coded_bits=640, modulation_order=2, decoder="sionna", iterations=8
    )
    bits = payload(4, 320)

    np.testing.assert_array_equal(peer.decode(6 * (2 * ours.encode(bits) - 1)).bits.numpy(), bits.numpy())


def test_the_peer_refuses_what_sionna_refuses_in_one_line():
    with pytest.raises(ScenarioError, match=r"link.decoder: sionna refuses .* 40 bits.*layered-min-sum"):
        CodewordCode(information_bits=40, coded_bits=400, modulation_order=2, decoder="sionna")


def test_an_unknown_decoder_is_refused_and_the_known_ones_named():
    with pytest.raises(ScenarioError, match="'turbo' is not a decoder; known: layered-min-sum, sionna"):
        CodewordCode(information_bits=320, coded_bits=640, modulation_order=2, decoder="turbo")
