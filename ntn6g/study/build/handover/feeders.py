"""Gateways: through which station on the ground a platform reaches the network, and when it does not."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from ntn6g import orbit
from ntn6g.core.errors import ScenarioError
from ntn6g.orbit import Times
from ntn6g.scenario import BeamsLayer, Handover

Array = np.ndarray[Any, np.dtype[np.float64]]

_LOOK_STEP_S = 10.0  # between instants at which gateways are looked for


@dataclass(frozen=True, eq=False)
class Feeders:
    """Gateways of a layer; times are in s since the start."""

    site_m: Array
    """ECEF, [gateway, 3]."""
    up: Array
    """Unit vectors, [gateway, 3]."""
    lowest_rad: float
    """Least elevation of a platform."""
    off_s: Array
    """When each fails and is back, [gateway, 2]."""
    reroute_s: float
    """After a failure, until its platforms feed through another one."""
    to_ground: bool
    """Whether the base station stands there, so that the feeder link is part of the radio's round trip."""

    def along(self, position_m: tf.Tensor, time_s: Array) -> tuple[tf.Tensor, tf.Tensor]:
        """Length of feeder links and whether platforms are fed.

        A platform feeds through the gateway over which it stands highest. When that one fails it is silent, until
        ``reroute_s`` later it turns to the highest of the others. Feeder links that change while all gateways work
        are taken as seamless.

        Parameters
        ----------
        position_m : float64 [time or 1, platform, 3]
            ECEF.
        time_s : float64 [time]
            Since the start.

        Returns
        -------
        float64 and float32 [time, platform]
            Length in m, 0 where the base station flies; 1 where the platform is fed, else 0.
        """
        line = position_m[:, :, None] - self.site_m
        range_m = tf.norm(line, axis=-1)
        sine = tf.reduce_sum(line * self.up, -1) / range_m
        failed = (time_s[:, None] >= self.off_s[:, 0]) & (time_s[:, None] < self.off_s[:, 1])
        left = failed & (time_s[:, None] >= self.off_s[:, 0] + self.reroute_s)
        usable = (sine >= math.sin(self.lowest_rad)) & tf.constant(~left[:, None])
        height = tf.where(usable, sine, -2.0)
        chosen = tf.argmax(height, -1)
        works = tf.broadcast_to(tf.constant(~failed[:, None]), height.shape)
        fed = (tf.reduce_max(height, -1) > -2.0) & tf.gather(works, chosen, batch_dims=2)
        length_m = tf.gather(tf.broadcast_to(range_m, height.shape), chosen, batch_dims=2)
        return length_m * float(self.to_ground), tf.cast(fed, tf.float32)


def feeders_of(asked: Handover, layer: BeamsLayer, several: orbit.Fleet, key: str) -> Feeders | None:
    """Gateways of a layer, None where it has none.

    Raises
    ------
    ScenarioError
        Where none of its platforms sees any of them within the time.
    """
    if not layer.gateways:
        return None
    each = list(layer.gateways.values())
    site = orbit.FixedTerminal(
        latitude_rad=tf.constant([math.radians(one.latitude_deg) for one in each], tf.float64),
        longitude_rad=tf.constant([math.radians(one.longitude_deg) for one in each], tf.float64),
        altitude_m=tf.constant([one.altitude_m for one in each], tf.float64),
    )
    off_s = [(one.outage.from_s, one.outage.until_s) if one.outage else (math.inf, math.inf) for one in each]
    found = Feeders(
        np.asarray(site.position_ecef_m.numpy(), np.float64),
        np.asarray(site.east_north_up[..., 2, :].numpy(), np.float64),
        math.radians(layer.gateway_elevation_deg),
        np.asarray(off_s, np.float64),
        math.inf if layer.reroute_s is None else layer.reroute_s,
        layer.payload == "transparent",
    )
    times_s = np.arange(0.0, asked.duration_s + _LOOK_STEP_S, _LOOK_STEP_S)
    position = tf.transpose(several.state(Times(asked.start, times_s)).position_ecef_m, [1, 0, 2])
    always = Feeders(found.site_m, found.up, found.lowest_rad, np.full_like(found.off_s, math.inf), 0.0, False)
    if not tf.reduce_any(always.along(position, times_s)[1] > 0.0):
        raise ScenarioError(
            f"no platform of {layer.platform} stands {layer.gateway_elevation_deg:g} degrees above any of the gateways "
            f"{', '.join(layer.gateways)} within the time; are they near the terminals?",
            key=f"{key}.gateways",
        )
    return found
