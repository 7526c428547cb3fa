"""Who is who: estimates given to targets, or measurements to tracks, one each."""

import itertools

import numpy as np
import tensorflow as tf


def least_orders(cost: tf.Tensor) -> tf.Tensor:
    """For every row a column of its own, so that the costs are least in all.

    Parameters
    ----------
    cost : float64 [..., n, n]
        Of row and column; all n! orders are tried, which is meant for n up to 4.

    Returns
    -------
    int32 [..., n]
        The column of each row.
    """
    count = cost.shape[-1]
    orders = np.array(list(itertools.permutations(range(count))), np.int32)
    every = tf.stack([sum(cost[..., k, order[k]] for k in range(count)) for order in orders], axis=-1)
    return tf.gather(tf.constant(orders), tf.argmin(every, axis=-1, output_type=tf.int32))
