"""Frequency followed from slot to slot."""

import tensorflow as tf


class FrequencyLoop:
    r"""First-order loop: each slot's measured offset moves the correction of the next by a share.

    .. math:: \hat f_{t+1} = \hat f_t + \alpha\,(f_t + n_t - \hat f_t)

    On a constant offset its error forgets by :math:`1 - \alpha` a slot and keeps the variance
    :math:`\sigma_n^2\,\alpha/(2 - \alpha)`; on an offset that grows by r a slot it lags by :math:`r/\alpha`.

    Parameters
    ----------
    gain : float
        alpha, above 0 to 1.

    Raises
    ------
    ValueError
        Another gain.
    """

    def __init__(self, gain: float) -> None:
        if not 0.0 < gain <= 1.0:
            raise ValueError(f"a gain of {gain:g} lies outside (0, 1]")
        self.gain = gain

    def __call__(self, offset_hz: tf.Tensor, measurement_error_hz: tf.Tensor) -> tf.Tensor:
        """What is left of the offset in each slot before the slot's own measurement, Hz: [B, T] each to [B, T]."""

        def step(correction: tf.Tensor, slot: tuple[tf.Tensor, tf.Tensor]) -> tf.Tensor:
            offset, error = slot
            return correction + self.gain * (offset + error - correction)

        slots = (tf.transpose(offset_hz), tf.transpose(measurement_error_hz))
        begin = tf.zeros_like(offset_hz[:, 0])
        after = tf.scan(step, slots, begin)  # correction after each slot
        before = tf.concat([begin[None], after[:-1]], axis=0)
        return offset_hz - tf.transpose(before)
