"""The ray model as a link calls its fading."""

from typing import Any

import numpy as np
import tensorflow as tf

from ntn6g.channel.fading.rays.channel import Ground, RayChannel
from ntn6g.channel.fading.rays.parameters import Scattering, correlation_distances_m
from ntn6g.channel.guard import LATE_DRAWS
from ntn6g.channel.realization import ChannelRealization
from ntn6g.channel.tables import Band, Interpolation, lookup
from ntn6g.core import random


class RayFading:
    """One environment and band; called like `ntn6g.channel.TappedDelayLine`.

    Parameters
    ----------
    environment, band : str
        As in `Scattering`.
    line_of_sight : bool, optional
        None draws it for every key, with the probability of the environment at the elevation.
    interpolation : str
        Of the tables.
    shadowing : bool
        Whether the drawn shadow fading stays in the path loss of the realisation.
    clutter : bool
        Whether, where sight is drawn, the clutter of links without it is in that path loss too.
    ground : bool
        Whether the terminal stands on a ground of its key, over which large-scale parameters are correlated: equal
        keys at two places are two terminals of one drop. Sight, where drawn, has one chance for the whole ground.
    ends
        Departure, elements, direction and rotation as `RayChannel`; one vertical element each by default.

    References
    ----------
    3GPP TR 38.811 V15.1.0, Tables 6.6.1-1 (probability) and 6.6.2-1 to -3 (clutter).
    """

    def __init__(
        self,
        environment: str,
        band: Band,
        line_of_sight: bool | None,
        *,
        interpolation: Interpolation = "linear",
        shadowing: bool = False,
        clutter: bool = False,
        ground: bool = False,
        **ends: Any,
    ) -> None:
        sights = (True, False) if line_of_sight is None else (line_of_sight,)
        places = [Scattering(environment, band, each) for each in sights]
        self.model = RayChannel(places, interpolation=interpolation, **ends)
        self.antennas, self.grounded = self.model.antennas, ground
        spread = bool(ends.get("departure"))
        self._distance_m = [list(correlation_distances_m(each, departure=spread).values()) for each in places]
        self._place: tuple[str, Band] = (environment, band)
        self._interpolation: Interpolation = interpolation
        self._drawn, self._shadowing, self._clutter = line_of_sight is None, shadowing, clutter

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
        place_m: tf.Tensor | None = None,
    ) -> ChannelRealization:
        """Draw one realisation per key, see `RayChannel`; delay spread and K-factor are drawn and do not enter.

        ``place_m``, float32 [B, 2], is east and north on a ground; the origin if None.
        """
        blocked = self.blocked(keys, elevation_rad)
        drawn = self.model(
            keys,
            times_s=times_s,
            elevation_rad=elevation_rad,
            doppler_hz=doppler_hz,
            scattering=blocked,
            start_s=start_s,
            ground=self._ground(keys, blocked, place_m) if self.grounded else None,
        )
        loss_db = drawn.path_loss_db if self._shadowing else tf.zeros_like(drawn.path_loss_db)
        if self._clutter and blocked is not None:
            loss_db += tf.cast(blocked, tf.float32) * self._read("clutter_db", elevation_rad)
        return drawn.with_loss(loss_db)

    def _ground(self, keys: tf.Tensor, blocked: tf.Tensor | None, place_m: tf.Tensor | None) -> Ground:
        state = tf.zeros([keys.shape[0]], tf.int32) if blocked is None else blocked
        distance_m = tf.gather(tf.constant(self._distance_m, tf.float32), state)
        return Ground(keys, tf.zeros([keys.shape[0], 2]) if place_m is None else place_m, distance_m)

    def blocked(self, keys: tf.Tensor, elevation_rad: tf.Tensor) -> tf.Tensor | None:
        """1 where a call with these arguments draws no line of sight, int32 [B]; None where sight is not drawn."""
        if not self._drawn:
            return None
        chance = random.uniform(random.stream(keys, "line of sight"), (1,))[:, 0]
        return tf.cast(chance >= self._read("los_probability", elevation_rad), tf.int32)

    def _read(self, quantity: str, elevation_rad: tf.Tensor) -> tf.Tensor:
        return lookup(*self._place, False, quantity, elevation_rad, self._interpolation)

    def late_share(self, elevation_rad: float, delay_s: float) -> float:
        """Mean power that arrives more than ``delay_s`` after the first path, from `LATE_DRAWS` draws of its own."""
        keys = tf.constant(np.stack([np.arange(LATE_DRAWS), np.full(LATE_DRAWS, 0x6C617465)], 1), tf.uint32)
        elevation = tf.fill([LATE_DRAWS], tf.constant(elevation_rad, tf.float32))
        power, excess_s = self.model.power_profile(keys, elevation, scattering=self.blocked(keys, elevation))
        late = tf.where(excess_s > delay_s, power, tf.zeros_like(power))
        return float(tf.reduce_sum(tf.cast(late, tf.float64))) / LATE_DRAWS
