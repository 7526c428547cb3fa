"""What a parity check answers: min-sum, normalised or offset, in fixed point, and the sum-product rule."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import tensorflow as tf

STEPS_PER_LLR = 8  # fixed-point resolution
LARGEST = 127  # steps; channel values and messages are clipped here (int8)
SCALING_SIXTEENTHS = 12  # normalisation 0.75 of min-sum messages
OFFSET, LOW_RATE_OFFSET = 3, 4  # steps; 3/8 and 1/2
# Most edges whose signs are combined by exclusive or: XLA sums int16 as int32, which is slower, but repeats a chain of
# exclusive ors at every edge, which from here on is slower still
EXCLUSIVE_OR_EDGES = 10
_FIXED_FILLER = 8192  # steps; a known 0 outweighs anything the checks can say (30 edges x 127)
_REAL_FILLER, _SMALLEST, _LARGEST_REAL = 1e4, 1e-6, 20.0  # float32: phi(20) = 4e-9, phi(1e-6) = 14.5


@dataclass(frozen=True)
class CheckRule:
    """Arithmetic of a layered decoder.

    ``quantise`` turns channel ratios log P(0)/P(1), float32, into posteriors of type ``posterior``; ``answer`` turns
    what the bits of Z checks say, [edges, Z, codewords], into what the checks answer, same shape and type; messages
    are kept as ``message``; ``filler`` is the posterior of a bit known to be 0.
    """

    quantise: Callable[[tf.Tensor], tf.Tensor]
    answer: Callable[[tf.Tensor], tf.Tensor]
    posterior: tf.DType
    message: tf.DType
    filler: float


def _i16(value: int) -> tf.Tensor:
    return tf.constant(value, tf.int16)


def _fixed_point(llr: tf.Tensor) -> tf.Tensor:
    return tf.cast(tf.round(tf.clip_by_value(STEPS_PER_LLR * llr, -LARGEST, LARGEST)), tf.int16)


def _normalised(magnitude: tf.Tensor) -> tf.Tensor:
    return tf.bitwise.right_shift(magnitude * _i16(SCALING_SIXTEENTHS) + _i16(8), _i16(4))


def _offset(steps: int) -> Callable[[tf.Tensor], tf.Tensor]:
    return lambda magnitude: tf.maximum(magnitude - _i16(steps), _i16(0))


def min_sum(extrinsic: tf.Tensor, weaken: Callable[[tf.Tensor], tf.Tensor]) -> tf.Tensor:
    """Min-sum messages of Z checks: int16 [edges, Z, codewords] to the same shape; the sign of 0 is +.

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
    others = tf.where(
        is_first, weaken(tf.bitwise.right_shift(second, _i16(5))), weaken(tf.bitwise.right_shift(first, _i16(5)))
    )
    negative = tf.bitwise.right_shift(extrinsic, _i16(15))  # -1 or 0
    flip = tf.bitwise.bitwise_xor(_odd(negative), negative)
    return tf.bitwise.bitwise_xor(others, flip) - flip


def _odd(negative: tf.Tensor) -> tf.Tensor:
    """Whether an odd number of edges is negative: -1 or 0, int16 [edges, ...] to [...]."""
    if negative.shape[0] > EXCLUSIVE_OR_EDGES:
        return -tf.bitwise.bitwise_and(tf.reduce_sum(negative, 0), _i16(1))
    odd = negative[0]
    for edge in range(1, negative.shape[0]):
        odd = tf.bitwise.bitwise_xor(odd, negative[edge])
    return odd


def sum_product(extrinsic: tf.Tensor) -> tf.Tensor:
    r"""Exact messages, float32 [edges, Z, codewords]: :math:`2 \tanh^{-1} \prod \tanh(Q/2)` of the other edges.

    As sums of :math:`\phi(x) = -\ln\tanh(x/2)`, which is its own inverse (R. G. Gallager, "Low-density parity-check
    codes", IRE Trans. Inf. Theory 8, 1962, 4).
    """

    def phi(x: tf.Tensor) -> tf.Tensor:
        decayed = tf.exp(-tf.clip_by_value(x, _SMALLEST, _LARGEST_REAL))
        return tf.math.log1p(decayed) - tf.math.log1p(-decayed)

    terms = phi(tf.abs(extrinsic))
    magnitude = phi(tf.reduce_sum(terms, 0) - terms)
    negative = tf.reduce_sum(tf.cast(extrinsic < 0, tf.int32), 0)
    others = tf.where(tf.equal(tf.bitwise.bitwise_and(negative, 1), 1), -magnitude, magnitude)
    return tf.where(extrinsic < 0, -others, others)


NORMALISED_MIN_SUM = CheckRule(
    _fixed_point, partial(min_sum, weaken=_normalised), tf.int16, tf.int8, _FIXED_FILLER
)
OFFSET_MIN_SUM, LOW_RATE_OFFSET_MIN_SUM = (
    CheckRule(_fixed_point, partial(min_sum, weaken=_offset(steps)), tf.int16, tf.int8, _FIXED_FILLER)
    for steps in (OFFSET, LOW_RATE_OFFSET)
)
SUM_PRODUCT = CheckRule(tf.identity, sum_product, tf.float32, tf.float32, _REAL_FILLER)
