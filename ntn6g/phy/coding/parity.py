"""Whether all checks of a codeword hold: layers of like many edges are one operation, which compiles sooner."""

from collections import defaultdict
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from ntn6g.phy.coding.ldpc import IntArray, LdpcCode

_WORD = 16  # codewords whose bits one integer holds
_MOST_EDGES = (6, 10, 19)  # of a check, by class; base graph 1 has 3 to 10 and 19, graph 2 has 3 to 6, 8, 10


def _positions(code: LdpcCode) -> list[IntArray]:
    """Bit positions of the checks of like many edges: [edges, checks] each, filled up by the bit behind the last."""
    classes: defaultdict[int, list[IntArray]] = defaultdict(list)
    for checks in code.checks:
        most = next(most for most in _MOST_EDGES if checks.shape[1] <= most)
        filled = np.pad(checks, [(0, 0), (0, most - checks.shape[1]), (0, 0)], constant_values=code.bits)
        classes[most].extend(filled)
    return [np.concatenate(rows, 1) for rows in classes.values()]


class Parity:
    """Checks of sixteen codewords at once, whose bits at one position are one integer."""

    def __init__(self, code: LdpcCode) -> None:
        self._positions = _positions(code)

    def __call__(self, posterior: tf.Tensor) -> tf.Tensor:
        """Which codewords hold: log P(0)/P(1) [bits, codewords] to bool [codewords]."""
        words = posterior.shape[1]
        ones = tf.pad(tf.cast(posterior < 0, tf.uint16), [[0, 1], [0, -words % _WORD]])
        places = np.arange(_WORD, dtype=np.uint16)
        by_word = tf.reshape(ones, [posterior.shape[0] + 1, -1, _WORD])
        packed = tf.reduce_sum(by_word * (1 << places).astype(np.uint16), 2)
        failed = tf.zeros_like(packed[0])
        for positions in self._positions:
            odd = _by_halves(tf.bitwise.bitwise_xor, tf.gather(packed, positions))
            failed = tf.bitwise.bitwise_or(failed, _by_halves(tf.bitwise.bitwise_or, odd))
        return tf.reshape(tf.bitwise.right_shift(failed[:, None], places) % 2, [-1])[:words] < 1


def _by_halves(join: Callable[[tf.Tensor, tf.Tensor], tf.Tensor], integers: tf.Tensor) -> tf.Tensor:
    """All integers joined, [integers, ...] to [...]: TensorFlow has no such reduction bit by bit."""
    while integers.shape[0] > 1:
        half = integers.shape[0] // 2
        joined = join(integers[:half], integers[half : 2 * half])
        integers = tf.concat([joined, integers[2 * half :]], 0) if integers.shape[0] % 2 else joined
    return integers[0]
