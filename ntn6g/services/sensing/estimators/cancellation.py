"""Taking away what does not move: the direct path, the own transmitter, walls and hills."""

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray


def remove_static(channel: tf.Tensor, known: NDArray[np.bool_] | None = None) -> tf.Tensor:
    r"""Channel estimate less its mean over symbols, subcarrier by subcarrier.

    The least-squares projection away from every path of Doppler shift zero, whatever its delay. A target that moves
    keeps the share :math:`1 - |D(f)|^2` of its energy with D the mean of its phasors over the symbols: half of it is
    lost at 0.44 cells of Doppler, which is the least velocity that is still seen.

    Parameters
    ----------
    channel : complex64 [..., symbol, subcarrier]
        Channel estimate, 0 where unknown.
    known : bool [symbol, subcarrier] or None
        Known elements; None takes all.

    Returns
    -------
    complex64, the same shape, 0 where unknown

    References
    ----------
    F. Colone et al., "A multistage processing algorithm for disturbance removal and target detection in passive
    bistatic radar", IEEE Trans. AES 45(2), 2009 (projections in general).
    """
    if known is None:
        return channel - tf.reduce_mean(channel, axis=-2, keepdims=True)
    count = np.maximum(known.sum(axis=0), 1)
    mean = tf.reduce_sum(channel, axis=-2, keepdims=True) / tf.constant(count, tf.complex64)
    return (channel - mean) * tf.constant(known, tf.complex64)
