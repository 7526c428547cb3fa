"""Free-space path loss."""

import math
from typing import Any

import numpy as np
import tensorflow as tf


def free_space_loss_db(range_m: Any, carrier_hz: float) -> Any:
    r"""Free-space path loss :math:`32.45 + 20 \log_{10} f_{GHz} + 20 \log_{10} d_m`.

    The rounded constant is the standard's; :math:`20 \log_{10}(4 \pi d f / c)` is 2.2 mdB lower.

    Parameters
    ----------
    range_m : [...]
        Distance, positive. A TensorFlow tensor gives a tensor of its dtype, differentiable; anything else
        gives float64 NumPy.
    carrier_hz : float or NumPy [...]
        Carrier frequency.

    Returns
    -------
    [...]
        Loss in decibels.

    References
    ----------
    3GPP TR 38.811 V15.1.0, eq. (6.6-2).
    """
    constant_db = 32.45 + 20.0 * np.log10(np.asarray(carrier_hz, np.float64) / 1e9)
    if tf.is_tensor(range_m):
        return (20.0 / math.log(10.0)) * tf.math.log(range_m) + constant_db
    return 20.0 * np.log10(np.asarray(range_m, np.float64)) + constant_db
