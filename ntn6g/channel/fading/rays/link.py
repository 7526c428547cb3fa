"""The ray model as a link calls its fading."""

import numpy as np
import tensorflow as tf

from ntn6g.channel.fading.rays.channel import RayChannel
from ntn6g.channel.fading.rays.parameters import Scattering
from ntn6g.channel.guard import LATE_DRAWS
from ntn6g.channel.realization import ChannelRealization
from ntn6g.channel.tables import Interpolation


class RayFading:
    """One antenna at each end, one scattering; called like `ntn6g.channel.TappedDelayLine`.

    Parameters
    ----------
    scattering : Scattering
        Environment, band and line of sight.
    interpolation : str
        Of the tables.
    shadowing : bool
        Whether the drawn shadow fading stays in the path loss of the realisation; else that is zero.
    """

    def __init__(
        self, scattering: Scattering, *, interpolation: Interpolation = "linear", shadowing: bool = False
    ) -> None:
        self.model = RayChannel([scattering], interpolation=interpolation)
        self._shadowing = shadowing

    def __call__(
        self,
        keys: tf.Tensor,
        *,
        times_s: tf.Tensor,
        elevation_rad: tf.Tensor,
        doppler_hz: tf.Tensor,
        delay_spread_s: tf.Tensor | None = None,
        k_factor_db: tf.Tensor | None = None,
        start_s: tf.Tensor | None = None,
    ) -> ChannelRealization:
        """Draw one realisation per key, see `RayChannel`; delay spread and K-factor are drawn and do not enter."""
        drawn = self.model(
            keys, times_s=times_s, elevation_rad=elevation_rad, doppler_hz=doppler_hz, start_s=start_s
        )
        if self._shadowing:
            return drawn
        return ChannelRealization.without_bulk(drawn.gain, drawn.excess_delay_s)

    def late_share(self, elevation_rad: float, delay_s: float) -> float:
        """Mean power that arrives more than ``delay_s`` after the first path, from `LATE_DRAWS` draws of its own."""
        keys = tf.constant(np.stack([np.arange(LATE_DRAWS), np.full(LATE_DRAWS, 0x6C617465)], 1), tf.uint32)
        elevation = tf.fill([LATE_DRAWS], tf.constant(elevation_rad, tf.float32))
        power, excess_s = self.model.power_profile(keys, elevation)
        late = tf.where(excess_s > delay_s, power, tf.zeros_like(power))
        return float(tf.reduce_sum(tf.cast(late, tf.float64))) / LATE_DRAWS
