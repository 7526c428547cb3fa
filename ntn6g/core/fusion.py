"""Where XLA must stop fusing, because what it fuses it computes again in every consumer."""

from collections.abc import Callable

import tensorflow as tf


def computed_once(make: Callable[[], tf.Tensor], keys: tf.Tensor) -> tf.Tensor:
    """What ``make`` returns, laid down in memory before anything reads it.

    XLA on a CPU draws a cheap producer, a cipher and a Box-Muller transform among them, into whatever gathers,
    concatenates or broadcasts its result, and repeats it there element by element, without vector instructions. Its own
    barrier is gone before it fuses. A branch stays a call: the one that is never taken holds zeros. Only a branch of
    element by element operations and nothing else may become a selection again, which costs speed, not values.

    Parameters
    ----------
    make : callable without arguments
        Builds a tensor of static shape.
    keys : uint32 [...]
        Keys of random streams: XLA cannot foresee that they are not all zero.
    """
    return tf.cond(tf.reduce_any(keys > 0), make, lambda: tf.zeros_like(make()))
