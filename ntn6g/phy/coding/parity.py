"""Whether all checks of a codeword hold: layers of equally many edges are one operation, which compiles sooner."""

from collections import defaultdict

import numpy as np
import tensorflow as tf

from ntn6g.phy.coding.ldpc import IntArray, LdpcCode

_WORD = 16  # codewords whose bits one integer holds


def _positions(code: LdpcCode) -> list[IntArray]:
    """Bit positions of the checks of equally many edges: [edges, checks] each."""
    by_degree: defaultdict[int, list[IntArray]] = defaultdict(list)
    for checks in code.checks:
        by_degree[checks.shape[1]].extend(checks)
    return [np.concatenate(rows, 1) for rows in by_degree.values()]


class Parity:
    """Checks bit by bit."""

    def __init__(self, code: LdpcCode) -> None:
        self._positions = _positions(code)

    def __call__(self, posterior: tf.Tensor) -> tf.Tensor:
        """Which codewords hold: log P(0)/P(1) [bits, codewords] to bool [codewords]."""
        ones = tf.cast(posterior < 0, tf.int8)
        failed = [tf.reduce_max(tf.reduce_sum(tf.gather(ones, checks), 0) % 2, 0) for checks in self._positions]
        return tf.equal(tf.reduce_max(tf.stack(failed), 0), 0)


class PackedParity:
    """Checks of sixteen codewords at once, whose bits at one position are one integer: faster for small codes."""

    def __init__(self, code: LdpcCode) -> None:
        self._positions = _positions(code)

    def __call__(self, posterior: tf.Tensor) -> tf.Tensor:
        """As `Parity`."""
        words = posterior.shape[1]
        ones = tf.pad(tf.cast(posterior < 0, tf.uint16), [[0, 0], [0, -words % _WORD]])
        places = np.arange(_WORD, dtype=np.uint16)
        packed = tf.reduce_sum(tf.reshape(ones, [posterior.shape[0], -1, _WORD]) * (1 << places).astype(np.uint16), 2)
        failed = tf.zeros_like(packed[0])
        for positions in self._positions:
            checks = tf.gather(packed, positions[0])
            for edge in positions[1:]:
                checks = tf.bitwise.bitwise_xor(checks, tf.gather(packed, edge))
            failed = tf.bitwise.bitwise_or(failed, _any(checks))
        return tf.reshape(tf.bitwise.right_shift(failed[:, None], places) % 2, [-1])[:words] < 1


def _any(words: tf.Tensor) -> tf.Tensor:
    """Bits set in any of the integers: [integers, ...] to [...], by halves."""
    odd = tf.zeros_like(words[0])
    while words.shape[0] > 1:
        half = words.shape[0] // 2
        if words.shape[0] % 2:
            odd = tf.bitwise.bitwise_or(odd, words[-1])
        words = tf.bitwise.bitwise_or(words[:half], words[half : 2 * half])
    return tf.bitwise.bitwise_or(words[0], odd)
