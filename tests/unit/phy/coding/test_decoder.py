"""The layered decoder by its definition: leave-one-out minima, sign at 0, independence of neighbours."""

import numpy as np
import pytest
import tensorflow as tf

from ntn6g.core.errors import ScenarioError
from ntn6g.phy.coding import CodewordCode
from ntn6g.phy.coding.check_rules import (
    LARGEST,
    LOW_RATE_OFFSET,
    LOW_RATE_OFFSET_MIN_SUM,
    NORMALISED_MIN_SUM,
    OFFSET,
    OFFSET_MIN_SUM,
    SCALING_SIXTEENTHS,
    sum_product,
)
from ntn6g.phy.coding.decoder import GROUP, ITERATIONS, LayeredDecoder
from ntn6g.phy.coding.ldpc import LdpcCode


@pytest.mark.parametrize(
    ("rule", "weaken"),
    [
        (NORMALISED_MIN_SUM, lambda smallest: (smallest * SCALING_SIXTEENTHS + 8) // 16),
        (OFFSET_MIN_SUM, lambda smallest: np.maximum(smallest - OFFSET, 0)),
        (LOW_RATE_OFFSET_MIN_SUM, lambda smallest: np.maximum(smallest - LOW_RATE_OFFSET, 0)),
    ],
)
def test_check_messages_are_weakened_leave_one_out_minima_and_zero_counts_as_plus(rule, weaken):
    # few distinct values make ties and zeros common; 300 stands for a filler bit
    extrinsic = np.random.default_rng(3).choice([-300, -7, -2, 0, 0, 2, 5, 300], (5, 64, 8)).astype(np.int16)
    expected = np.empty_like(extrinsic)
    for edge in range(5):
        others = np.delete(extrinsic, edge, axis=0)
        sign = np.where(others < 0, -1, 1).prod(0)
        smallest = np.minimum(np.abs(others), LARGEST).min(0).astype(int)
        expected[edge] = sign * weaken(smallest)

    np.testing.assert_array_equal(rule.answer(tf.constant(extrinsic)).numpy(), expected)


def test_sum_product_messages_follow_the_tanh_rule():
    extrinsic = np.random.default_rng(4).normal(scale=4.0, size=(6, 32, 4))
    expected = np.empty_like(extrinsic)
    for edge in range(6):
        expected[edge] = 2 * np.arctanh(np.tanh(np.delete(extrinsic, edge, axis=0) / 2).prod(0))

    # float32: a sum of terms up to 14 keeps 1e-6 of phi, which its inverse magnifies where phi is small
    np.testing.assert_allclose(sum_product(tf.constant(extrinsic, tf.float32)), expected, rtol=2e-3, atol=1e-3)


@pytest.mark.parametrize("graph", [1, 2])
def test_every_lifting_size_encodes_to_codewords_that_survive_a_tenth_of_erasures(graph):
    # TS 38.212 table 5.3.2-1: a 2^j up to 384, 51 sizes
    sizes = sorted({a << j for a in (2, 3, 5, 7, 9, 11, 13, 15) for j in range(8) if a << j <= 384})
    generator = np.random.default_rng(graph)
    assert len(sizes) == 51
    for z in sizes:
        # BG 2 below 10 Z > 640 information bits uses fewer columns, TS 38.212 5.2.2
        columns = 22 if graph == 1 else next(kb for kb, low in ((10, 640), (9, 560), (8, 192), (6, 0)) if kb * z > low)
        code = LdpcCode(base_graph=graph, information_bits=columns * z, sent_bits=3 * columns * z)
        bits = generator.integers(0, 2, (columns * z, 4)).astype(np.int8)
        word = code.encode(tf.constant(bits)).numpy()
        assert code.lifting_size == z
        for layer in code.layers:
            assert (code.parity(tf.constant(word), layer).numpy() == 0).all()
        llr = 8.0 * (2.0 * word - 1.0) * (generator.random(word.shape) > 0.1)
        llr[: 2 * z] = 0.0  # punctured
        decoded = LayeredDecoder(code)(tf.constant(llr, tf.float32))
        np.testing.assert_array_equal(decoded.bits.numpy(), bits)
        assert decoded.parity_ok.numpy().all()


WORDS = 2 * GROUP + 32  # three groups, the last one half full


class Received:
    """Noisy codewords near the threshold: some decode at once, some late, some never."""

    def __init__(self) -> None:
        self.code = CodewordCode(information_bits=320, coded_bits=640, modulation_order=1)
        generator = np.random.default_rng(5)
        self.bits = generator.integers(0, 2, (WORDS, 320)).astype(np.float32)
        sent = 2 * self.code.encode(tf.constant(self.bits)).numpy() - 1
        sigma = 10 ** (-np.linspace(-2, 8, WORDS) / 20)[:, None]  # Es/N0 of -5 to 5 dB, one per row
        self.llr = (2 * (sent + sigma * generator.normal(size=sent.shape)) / sigma**2).astype(np.float32)
        self._decode = tf.function(self._parts, jit_compile=True, autograph=False)

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
    assert right[-50:].all()  # 2 dB and more above the threshold
    assert not right[:5].any()  # at -5 dB, below capacity's limit of -2.8 dB at rate 1/2
    assert not (ok & ~right).any()  # satisfied parity and wrong would be a codeword at minimum distance


def test_a_codeword_is_decoded_the_same_beside_any_neighbours_bit_for_bit(received):
    alone = received.decode(received.llr)
    order = np.random.default_rng(7).permutation(WORDS)
    easy = received.llr.copy()
    easy[:32] = easy[-1]  # the first half replaced by codewords that stop at once

    for shuffled, straight in zip(received.decode(received.llr[order]), alone, strict=True):
        np.testing.assert_array_equal(shuffled, straight[order])
    for beside_easy, straight in zip(received.decode(easy), alone, strict=True):
        np.testing.assert_array_equal(beside_easy[32:], straight[32:])


def test_words_hold_sooner_than_in_the_order_of_the_rows(monkeypatch):
    # the same layers on the same noise in the base graph's own order: K = 3840, R = 1/3, above the waterfall
    def iterations(code: CodewordCode) -> np.ndarray:
        generator = np.random.default_rng(12)
        sent = 2 * code.encode(tf.constant(generator.integers(0, 2, (128, 3840)), tf.float32)).numpy() - 1
        ratios = 2 * (sent + 1.06 * generator.normal(size=sent.shape)) / 1.06**2
        decode = tf.function(lambda llr: code.decode(llr).iterations, jit_compile=True, autograph=False)
        return decode(tf.constant(ratios, tf.float32)).numpy()

    sizes = {"information_bits": 3840, "coded_bits": 11520, "modulation_order": 1}
    ours = iterations(CodewordCode(**sizes))
    monkeypatch.setattr(
        LdpcCode, "_checks", lambda code: tuple(code.rows_of(row).reshape(1, len(row), -1) for row in code.layers)
    )
    by_rows = iterations(CodewordCode(**sizes))

    assert max(ours.max(), by_rows.max()) < ITERATIONS
    assert ours.mean() < 0.95 * by_rows.mean()  # 0.90 of them here; 0.95 to 0.99 where blocks are short


def test_one_group_as_on_a_gpu_decodes_as_many_groups_do(received, monkeypatch):
    several = received.decode(received.llr)
    assert len(received.llr) > GROUP
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind=None: [kind])

    for one, group in zip(received.decode(received.llr, compiled=False), several, strict=True):
        np.testing.assert_array_equal(one, group)


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


# the second is sent whole: base graph 2, K' = 1280 = 10 x 128 without filler, 50 x 128 bits
@pytest.mark.parametrize(("information_bits", "coded_bits"), [(320, 640), (1280, 6400)])
def test_the_peer_decodes_the_same_clean_codewords(payload, information_bits, coded_bits):
    sizes = {"information_bits": information_bits, "coded_bits": coded_bits, "modulation_order": 2}
    ours, peer = CodewordCode(**sizes), CodewordCode(**sizes, decoder="sionna", iterations=8)
    bits = payload(4, information_bits)

    np.testing.assert_array_equal(peer.decode(6 * (2 * ours.encode(bits) - 1)).bits.numpy(), bits.numpy())


def test_the_peer_refuses_what_sionna_refuses_in_one_line():
    with pytest.raises(ScenarioError, match=r"link.decoder: sionna refuses .* 40 bits.*layered-offset-min-sum"):
        CodewordCode(information_bits=40, coded_bits=400, modulation_order=2, decoder="sionna")


def test_an_unknown_decoder_is_refused_and_the_known_ones_named():
    with pytest.raises(
        ScenarioError,
        match="'turbo' is not a decoder; known: layered-offset-min-sum, layered-min-sum, layered-sum-product, sionna",
    ):
        CodewordCode(information_bits=320, coded_bits=640, modulation_order=2, decoder="turbo")
