"""Decoders of one LDPC code: our layered min-sum and, as a named peer, Sionna's belief propagation.

Both take the channel values of the mother codeword, codewords innermost, as LLR = log P(1)/P(0) (Sionna's
sign).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import tensorflow as tf
from sionna.phy.fec.ldpc import LDPC5GDecoder, LDPC5GEncoder

from ntn6g.core.errors import ScenarioError
from ntn6g.phy.coding.ldpc import LdpcCode

STEPS_PER_LLR = 8  # fixed-point resolution of the layered decoder
LARGEST = 127  # steps; channel values and messages are clipped here (int8)
FILLER = 8192  # steps; a known 0 outweighs anything the checks can say (30 edges x 127)
SCALING_SIXTEENTHS = 12  # normalisation 0.75 of min-sum messages
ITERATIONS = 20  # at R = 0.3, 16 lose 0.1 dB and leave the bracket of published 10 % points by 0.03 dB
PEER_ITERATIONS = 20  # Sionna's default, behind its published BLER tables


@dataclass(frozen=True)
class DecodedWords:
    """``bits`` int8 [K', codewords]; ``parity_ok`` bool and ``iterations`` int32 [codewords].

    A decoder that does not report parity sets ``parity_ok`` everywhere.
    """

    bits: tf.Tensor
    parity_ok: tf.Tensor
    iterations: tf.Tensor


class LayeredMinSum:
    r"""Normalised min-sum with layered schedule, in fixed point.

    One layer is a row of the base graph, Z checks at once. With posterior L_v and stored message R_cv, it
    computes Q_v = L_v - R_cv, R_cv = a prod_{u != v} sign(Q_u) min_{u != v} \|Q_u\|, L_v = Q_v + R_cv;
    sign(0) is +. Posteriors are int16, messages int8, in steps of 1/8: integer arithmetic makes a
    codeword's result the same in any batch, and moves a quarter to a half of the memory that float32 does,
    which is what limits the speed. A codeword whose parity holds is frozen; the loop ends when all are, or
    after ``iterations``.

    References
    ----------
    D. E. Hocevar, "A reduced complexity decoder architecture via layered decoding of LDPC codes", SiPS 2004;
    J. Chen et al., "Reduced-complexity decoding of LDPC codes", IEEE Trans. Commun. 53(8), 2005.
    """

    def __init__(self, code: LdpcCode, *, iterations: int = ITERATIONS) -> None:
        self.code, self.iterations = code, iterations
        self._rows = [code.rows_of(layer) for layer in code.layers]

    def __call__(self, llr: tf.Tensor) -> DecodedWords:
        """Decode float32 [columns * Z, codewords], 0 where nothing was received."""
        code, words = self.code, llr.shape[1]
        channel = tf.cast(tf.round(tf.clip_by_value(-STEPS_PER_LLR * llr, -LARGEST, LARGEST)), tf.int16)
        systematic = code.systematic_columns * code.lifting_size
        filler = tf.fill([code.filler_bits, words], _i16(FILLER))
        posterior = tf.concat([channel[: code.information_bits], filler, channel[systematic:]], 0)
        messages = tuple(tf.zeros([len(layer), code.lifting_size, words], tf.int8) for layer in code.layers)

        def step(
            i: tf.Tensor, posterior: tf.Tensor, done: tf.Tensor, used: tf.Tensor, *messages: tf.Tensor
        ) -> tuple[tf.Tensor, ...]:
            updated, messages = self._iterate(posterior, messages)
            posterior = tf.where(done, posterior, updated)
            used = tf.where(done, used, i + 1)
            return i + 1, posterior, self._parity_ok(posterior), used, *messages

        _, posterior, done, used, *_ = tf.while_loop(
            lambda i, posterior, done, *rest: (i < self.iterations) & ~tf.reduce_all(done),
            step,
            (tf.constant(0), posterior, tf.zeros([words], tf.bool), tf.zeros([words], tf.int32), *messages),
        )
        return DecodedWords(tf.cast(posterior[: code.information_bits] < 0, tf.int8), done, used)

    def _iterate(
        self, posterior: tf.Tensor, messages: tuple[tf.Tensor, ...]
    ) -> tuple[tf.Tensor, tuple[tf.Tensor, ...]]:
        sent = []
        for rows, old in zip(self._rows, messages, strict=True):
            extrinsic = tf.reshape(tf.gather(posterior, rows), old.shape) - tf.cast(old, tf.int16)
            new = _check_messages(extrinsic)
            update = tf.reshape(extrinsic + new, [-1, posterior.shape[1]])
            posterior = tf.tensor_scatter_nd_update(posterior, rows[:, None], update)
            sent.append(tf.cast(new, tf.int8))
        return posterior, tuple(sent)

    def _parity_ok(self, posterior: tf.Tensor) -> tf.Tensor:
        hard = tf.cast(posterior < 0, tf.int8)
        failed = [tf.reduce_max(self.code.parity(hard, layer), 0) for layer in self.code.layers]
        return tf.equal(tf.reduce_max(tf.stack(failed), 0), 0)


def _i16(value: int) -> tf.Tensor:
    return tf.constant(value, tf.int16)


def _check_messages(extrinsic: tf.Tensor) -> tf.Tensor:
    """Min-sum messages of Z checks: int16 [edges, Z, codewords] to the same shape.

    The edge number rides in the low five bits (at most 19 edges a check), so the smallest magnitude is
    unique and two minima make exact leave-one-out minima even among ties, such as the erased (punctured)
    bits.
    """
    edges = extrinsic.shape[0]
    number = tf.constant(np.arange(edges).reshape(-1, 1, 1), tf.int16)
    key = tf.minimum(tf.abs(extrinsic), _i16(LARGEST)) * _i16(32) + number
    first = tf.reduce_min(key, 0)
    is_first = tf.equal(key, first)
    second = tf.reduce_min(tf.where(is_first, _i16(32767), key), 0)
    negative = tf.reduce_sum(tf.where(extrinsic < 0, _i16(1), _i16(0)), 0)
    sign = _i16(1) - _i16(2) * tf.bitwise.bitwise_and(negative, _i16(1))

    def scaled(key: tf.Tensor) -> tf.Tensor:
        magnitude = tf.bitwise.right_shift(key, _i16(5)) * _i16(SCALING_SIXTEENTHS)
        return sign * tf.bitwise.right_shift(magnitude + _i16(8), _i16(4))

    others = tf.where(is_first, scaled(second), scaled(first))
    return tf.where(extrinsic < 0, -others, others)


class SionnaBeliefPropagation:
    """Sionna's ``LDPC5GDecoder`` (flooding, boxplus-phi), a peer: runs all iterations, reports no parity.

    Raises
    ------
    ScenarioError
        A code that Sionna refuses: rate below 1/5, base graph 1 below 1/3, above 0.95.
    """

    def __init__(self, code: LdpcCode, *, iterations: int = PEER_ITERATIONS) -> None:
        self.code, self.iterations = code, iterations
        self._buffer = code.buffer[code.buffer < code.bits]
        try:
            encoder = LDPC5GEncoder(code.information_bits, len(self._buffer), bg=f"bg{code.base_graph}")
        except ValueError as error:
            reason = " ".join(str(error).split())
            raise ScenarioError(
                f"sionna refuses code blocks of {code.information_bits} bits: {reason} Take layered-min-sum.",
                key="link.decoder",
            ) from error
        self._decoder = LDPC5GDecoder(encoder, num_iter=iterations, hard_out=True, return_infobits=True)

    def __call__(self, llr: tf.Tensor) -> DecodedWords:
        """Decode float32 [columns * Z, codewords], 0 where nothing was received."""
        words = llr.shape[1]
        bits = self._decoder(tf.transpose(tf.gather(llr, self._buffer)))
        bits = tf.transpose(tf.reshape(bits, [words, self.code.information_bits]))
        return DecodedWords(
            tf.cast(bits, tf.int8), tf.ones([words], tf.bool), tf.fill([words], self.iterations)
        )


DECODERS: dict[str, Callable[..., LayeredMinSum | SionnaBeliefPropagation]] = {
    "layered-min-sum": LayeredMinSum,
    "sionna": SionnaBeliefPropagation,
}
