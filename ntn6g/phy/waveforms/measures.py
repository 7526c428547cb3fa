"""What a waveform costs an amplifier and a band: peak-to-average power, occupied bandwidth."""

import math

import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike, NDArray


def papr_db(samples: tf.Tensor) -> tf.Tensor:
    r"""Peak power of each row over the mean power of all of them, dB.

    .. math:: \mathrm{PAPR}_b = \frac{\max_n |s_b[n]|^2}{\overline{|s|^2}}

    Parameters
    ----------
    samples : complex [B, n]
        Rows of which each is one symbol; four samples per inverse bandwidth or more show the peaks of the continuous
        signal within 0.1 dB.

    Returns
    -------
    [B], the real type of ``samples``
    """
    power = tf.square(tf.math.real(samples)) + tf.square(tf.math.imag(samples))
    ratio = tf.reduce_max(power, axis=1) / tf.reduce_mean(power)
    return tf.math.log(ratio) * tf.constant(10.0 / math.log(10.0), ratio.dtype)


def ccdf(values_db: ArrayLike, thresholds_db: ArrayLike) -> NDArray[np.float64]:
    """Share of values above each threshold: any shape of values, thresholds [...] to [...]."""
    ordered = np.sort(np.asarray(values_db, np.float64).ravel())
    return np.asarray(1.0 - np.searchsorted(ordered, thresholds_db, side="right") / ordered.size)


def occupied_bandwidth_hz(samples: ArrayLike, sample_rate_hz: float, *, share: float = 0.99) -> float:
    """Width that holds a share of the mean power, half of the rest on either side.

    Parameters
    ----------
    samples : complex [B, n]
        Rows whose periodograms are averaged.
    sample_rate_hz : float
        Samples per second.
    share : float
        Inside (0, 1); 0.99 by definition.

    References
    ----------
    ITU Radio Regulations, No. 1.153 (occupied bandwidth, beta/2 = 0.5 %); Recommendation ITU-R SM.328.
    """
    rows = np.asarray(samples)
    power = np.mean(np.abs(np.fft.fftshift(np.fft.fft(rows, axis=1), axes=1)) ** 2, axis=0)
    reached = np.concatenate([[0.0], np.cumsum(power) / power.sum()])
    edges_hz = (np.arange(power.size + 1) / power.size - 0.5) * sample_rate_hz
    low, high = np.interp([0.5 * (1.0 - share), 0.5 * (1.0 + share)], reached, edges_hz)
    return float(high - low)
