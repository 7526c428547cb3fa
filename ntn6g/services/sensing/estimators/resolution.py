"""Whether two targets show as two: a probability, since it hangs on the phase between them."""

import tensorflow as tf

_DIP = 0.5  # of the lower peak: 3 dB
_REACH_CELLS = 0.5  # native cells between a target and the peak that shows it


def resolved(cut: tf.Tensor, first: tf.Tensor, second: tf.Tensor, padding: int) -> tf.Tensor:
    """Whether a cut through a map has two peaks, each within half a native cell of its target, and 3 dB between them.

    Parameters
    ----------
    cut : float32 [batch, cell]
        Power along one axis, which wraps.
    first, second : float [batch]
        Places of the targets in cells of the cut.
    padding : int
        Cells per native cell.

    Returns
    -------
    bool [batch]
    """
    length = cut.shape[1]
    cells = tf.range(length, dtype=tf.float64)
    peak = (cut > tf.roll(cut, 1, axis=1)) & (cut >= tf.roll(cut, -1, axis=1))

    def nearest(place: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        apart = tf.abs(cells - tf.cast(place, tf.float64)[:, None])
        apart = tf.where(peak, tf.minimum(apart, length - apart), float(length))
        return tf.argmin(apart, axis=1, output_type=tf.int32), tf.reduce_min(apart, axis=1) <= _REACH_CELLS * padding

    (one, near_one), (other, near_other) = nearest(first), nearest(second)
    steps = tf.range(length, dtype=tf.int32)
    low, high = tf.minimum(one, other)[:, None], tf.maximum(one, other)[:, None]
    inside = (steps >= low) & (steps <= high)
    straight = 2 * (high - low) <= length  # the valley lies on the shorter way round
    between = tf.where(straight, inside, ~inside)
    valley = tf.reduce_min(tf.where(between, cut, tf.fill(tf.shape(cut), cut.dtype.max)), axis=1)
    heights = [tf.gather(cut, place, axis=1, batch_dims=1) for place in (one, other)]
    return near_one & near_other & (one != other) & (valley <= _DIP * tf.minimum(*heights))
