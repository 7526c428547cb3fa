"""Decoders of one LDPC code: our layered ones and, as a named peer, Sionna's belief propagation.

Both take the channel values of the mother codeword, codewords innermost, as LLR = log P(1)/P(0) (Sionna's
sign).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import tensorflow as tf
from sionna.phy.fec.ldpc import LDPC5GDecoder, LDPC5GEncoder

from ntn6g.core.errors import ScenarioError
from ntn6g.phy.coding.check_rules import (
    LOW_RATE_OFFSET_MIN_SUM,
    NORMALISED_MIN_SUM,
    OFFSET_MIN_SUM,
    SUM_PRODUCT,
    CheckRule,
)
from ntn6g.phy.coding.ldpc import PUNCTURED, IntArray, LdpcCode
from ntn6g.phy.coding.parity import Parity

GROUP = 64  # codewords that stop together; their rows of 128 bytes and a layer's messages fit a core's cache
# XLA shares a loop among threads from some 10 kB on, which costs more than the loop where it is that small: codes with
# few checks of few edges are decoded in groups below that
SMALL_GROUP, SMALL_LAYER = 16, 200  # codewords; edges of a layer's largest check times lifting size
LOOPED = 4  # layers of equally many edges that are one loop: compiles sooner, but threads do not share its messages
CERTAIN = 4.0  # ratio; what a bit can add to the quality by which codewords are grouped
ITERATIONS = 20
LOW_RATE = 0.4  # below it, where QPSK is sent, 1/2 is 0.16 dB better than 3/8; 64-QAM at R = 1/2 takes 3/8
PEER_ITERATIONS = 20  # Sionna's default, behind its published BLER tables


@dataclass(frozen=True)
class DecodedWords:
    """``bits`` int8 [K', codewords]; ``parity_ok`` bool and ``iterations`` int32 [codewords].

    A decoder that does not report parity sets ``parity_ok`` everywhere.
    """

    bits: tf.Tensor
    parity_ok: tf.Tensor
    iterations: tf.Tensor


class LayeredDecoder:
    r"""Message passing with layered schedule; by default offset min-sum in fixed point.

    One layer is a row of the base graph, Z checks at once, in the order of `LdpcCode.checks`. With posterior L_v and
    stored message R_cv, it computes Q_v = L_v - R_cv, R_cv = answer of the rule to the Q_u, u != v, and
    L_v = Q_v + R_cv. Min-sum answers prod sign(Q_u) min \|Q_u\| less 3/8 (offset; 1/2 below a code rate of 0.4), or
    times 3/4 (normalised). Its posteriors are int16, messages int8, in steps of 1/8: integer arithmetic makes a
    codeword's result the same in any batch, and moves a quarter to a half of the memory that float32 does, which is
    what limits the speed. A codeword whose parity holds is frozen.

    More than 64 codewords (16 of a small code) are decoded in groups of 64 (16), one group after another in one
    compiled loop, each until all of its codewords hold or ``iterations`` are spent. The groups are made of codewords
    of like quality (mean of \|L\|, clipped), so that clear ones do not wait for hard ones, be it that points of
    different signal-to-noise ratio share a batch or that fading sets the blocks of one point apart. Single codewords
    are not moved out of a running group. A GPU decodes all codewords as one group, since groups one after another
    leave it idle: there a codeword that holds costs until the last one does. The outcome of a codeword is the same.

    References
    ----------
    D. E. Hocevar, "A reduced complexity decoder architecture via layered decoding of LDPC codes", SiPS 2004;
    J. Chen et al., "Reduced-complexity decoding of LDPC codes", IEEE Trans. Commun. 53(8), 2005.
    """

    def __init__(self, code: LdpcCode, *, rule: CheckRule | None = None, iterations: int = ITERATIONS) -> None:
        self.code, self.iterations = code, iterations
        low = code.systematic_columns < LOW_RATE * (code.columns - PUNCTURED)
        self._rule = rule or (LOW_RATE_OFFSET_MIN_SUM if low else OFFSET_MIN_SUM)
        self._checks = [
            part
            for checks in code.checks
            for part in ([checks] if len(checks) >= LOOPED else np.split(checks, len(checks)))
        ]
        largest = max(len(layer) for layer in code.layers) * code.lifting_size
        self._group_size = SMALL_GROUP if largest <= SMALL_LAYER else GROUP
        self._parity_ok = Parity(code)

    def __call__(self, llr: tf.Tensor) -> DecodedWords:
        """Decode float32 [columns * Z, codewords], 0 where nothing was received."""
        code, words, size = self.code, llr.shape[1], self._group_size
        channel = self._rule.quantise(-llr)
        if words <= size or tf.config.list_physical_devices("GPU"):
            return self._group(channel)
        groups = -(-words // size)
        quality = tf.reduce_sum(tf.minimum(tf.abs(llr), CERTAIN), 0)
        order = tf.argsort(quality, stable=True)
        # what fills the last group is zero, a codeword that holds at once
        padded = tf.pad(tf.gather(channel, order, axis=1), [[0, 0], [0, groups * size - words]])
        stacked = tf.transpose(tf.reshape(padded, [-1, groups, size]), [1, 0, 2])
        bits, parity_ok, used = tf.map_fn(
            self._group_parts, stacked, fn_output_signature=(tf.int8, tf.bool, tf.int32), parallel_iterations=1
        )
        place = tf.argsort(order)
        bits = tf.reshape(tf.transpose(bits, [1, 0, 2]), [code.information_bits, groups * size])
        return DecodedWords(
            tf.gather(bits, place, axis=1),
            tf.gather(tf.reshape(parity_ok, [-1]), place),
            tf.gather(tf.reshape(used, [-1]), place),
        )

    def _group_parts(self, channel: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        decoded = self._group(channel)
        return decoded.bits, decoded.parity_ok, decoded.iterations

    def _group(self, channel: tf.Tensor) -> DecodedWords:
        """Decode quantised channel values [columns * Z, codewords] until every codeword holds."""
        code, words = self.code, channel.shape[1]
        systematic = code.systematic_columns * code.lifting_size
        filler = tf.fill([code.filler_bits, words], tf.constant(self._rule.filler, self._rule.posterior))
        posterior = tf.concat([channel[: code.information_bits], filler, channel[systematic:]], 0)
        messages = tuple(tf.zeros([*checks.shape, words], self._rule.message) for checks in self._checks)

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
        for checks, old in zip(self._checks, messages, strict=True):
            posterior, new = self._layers(checks, posterior, old)
            sent.append(new)
        return posterior, tuple(sent)

    def _layers(self, checks: IntArray, posterior: tf.Tensor, messages: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Layers of equally many edges [layers, edges, Z], one after another."""
        positions = checks.reshape(len(checks), -1)
        if len(checks) == 1:
            posterior, new = self._layer(positions[0], posterior, messages[0])
            return posterior, new[None]
        kept = tf.TensorArray(messages.dtype, len(checks), element_shape=messages.shape[1:]).unstack(messages)

        def step(i: tf.Tensor, posterior: tf.Tensor, kept: tf.TensorArray) -> tuple[tf.Tensor, ...]:
            posterior, new = self._layer(tf.gather(positions, i), posterior, kept.read(i))
            return i + 1, posterior, kept.write(i, new)

        _, posterior, kept = tf.while_loop(lambda i, *_: i < len(checks), step, (tf.constant(0), posterior, kept))
        return posterior, kept.stack()

    def _layer(
        self, rows: IntArray | tf.Tensor, posterior: tf.Tensor, messages: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Z checks, whose edges touch bits ``rows``, and their messages [edges, Z, codewords]."""
        extrinsic = tf.reshape(tf.gather(posterior, rows), messages.shape) - tf.cast(messages, posterior.dtype)
        new = self._rule.answer(extrinsic)
        update = tf.reshape(extrinsic + new, [-1, posterior.shape[1]])
        posterior = tf.tensor_scatter_nd_update(posterior, rows[:, None], update)
        return posterior, tf.cast(new, messages.dtype)


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
                f"sionna refuses code blocks of {code.information_bits} bits: {reason} Take layered-offset-min-sum.",
                key="link.decoder",
            ) from error
        # Sionna's pruning of columns that are not sent leaves nothing where all are
        prune = len(self._buffer) + 2 * code.lifting_size + code.filler_bits < encoder.n_ldpc
        self._decoder = LDPC5GDecoder(
            encoder, num_iter=iterations, hard_out=True, return_infobits=True, prune_pcm=prune
        )

    def __call__(self, llr: tf.Tensor) -> DecodedWords:
        """Decode float32 [columns * Z, codewords], 0 where nothing was received."""
        words = llr.shape[1]
        bits = self._decoder(tf.transpose(tf.gather(llr, self._buffer)))
        bits = tf.transpose(tf.reshape(bits, [words, self.code.information_bits]))
        return DecodedWords(tf.cast(bits, tf.int8), tf.ones([words], tf.bool), tf.fill([words], self.iterations))


DECODERS: dict[str, Callable[..., LayeredDecoder | SionnaBeliefPropagation]] = {
    "layered-offset-min-sum": LayeredDecoder,
    "layered-min-sum": partial(LayeredDecoder, rule=NORMALISED_MIN_SUM),
    "layered-sum-product": partial(LayeredDecoder, rule=SUM_PRODUCT),
    "sionna": SionnaBeliefPropagation,
}
