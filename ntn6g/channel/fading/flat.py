"""A channel without fading: the additive white Gaussian noise link."""

import tensorflow as tf

from ntn6g.channel.realization import ChannelRealization


class FlatChannel:
    """One path of gain one and no excess delay; called like `TappedDelayLine`, with nothing random."""

    def __call__(
        self,
        keys: tf.Tensor,
        *,
        times_s: tf.Tensor,
        delay_spread_s: tf.Tensor | None = None,
        doppler_hz: tf.Tensor | None = None,
        k_factor_db: tf.Tensor | None = None,
        elevation_rad: tf.Tensor | None = None,
        start_s: tf.Tensor | None = None,
    ) -> ChannelRealization:
        """Gain one, [B, 1, 1, 1, T] for B keys and T times; the optional arguments do not enter."""
        rows = keys.shape[0]
        return ChannelRealization.without_bulk(
            tf.ones([rows, 1, 1, 1, times_s.shape[0]], tf.complex64), tf.zeros([rows, 1], tf.float32)
        )
