"""Urban micro cells above 100 GHz: path loss, time clusters and subpaths as measured at 142 GHz."""

import math
from dataclasses import dataclass, fields
from functools import lru_cache

import numpy as np
import tensorflow as tf

from ntn6g.channel.guard import LATE_DRAWS
from ntn6g.channel.loss import free_space_loss_db
from ntn6g.channel.realization import ChannelRealization
from ntn6g.channel.response import phasor
from ntn6g.core import random
from ntn6g.core.units import db_to_linear

LOWEST_HZ, MEASURED_HZ, HIGHEST_HZ = 100e9, 150e9, 300e9
"""Range of the model: NYUSIM covers carriers up to 150 GHz; beyond, the statistics of 140 GHz are an extrapolation."""
_LOW_GHZ, _HIGH_GHZ = 28.0, 140.0  # where the measurements are; linear between, constant beyond
_MOST_SUBPATHS = 12  # of a cluster; the exponential law would give 0.2 % of clusters more with sight, 2 % without
_VOID_NS = 25.0


@dataclass(frozen=True)
class UrbanMicro:
    """Statistics of one sight at a carrier.

    References
    ----------
    H. Poddar et al., "ns-3 implementation of sub-terahertz and millimeter wave drop-based NYU channel model (NYUSIM)",
    Workshop on ns-3, 2023, and its published source (MIT licence), scenario UMi; measurements: Y. Xing and T. S.
    Rappaport, IEEE Commun. Lett. 25(12), 2021.
    """

    exponent: float
    """Path loss exponent beyond the first metre of free space."""
    shadow_db: float
    clusters: float
    """Most time clusters; their number is uniform from one."""
    subpaths: float
    """Mean of the exponential law of subpaths beyond the first."""
    subpath_ns: float
    """Mean of the exponential law of delays within a cluster."""
    cluster_ns: float
    """Mean of the exponential law of delays between clusters."""
    cluster_shadow_db: float
    cluster_decay_ns: float
    subpath_shadow_db: float
    subpath_decay_ns: float
    lobes: float
    """Mean of the Poisson law of directions from which power arrives, 1 to 5 of them."""
    lobe_width_deg: float


_AT_28_GHZ = {
    True: UrbanMicro(2.0, 4.0, 6.0, 1.8, 30.0, 123.0, 1.0, 25.9, 6.0, 16.9, 1.8, 10.5),
    False: UrbanMicro(3.2, 7.0, 6.0, 3.0, 33.0, 83.0, 3.0, 51.0, 6.0, 15.5, 2.1, 7.5),
}
_AT_140_GHZ = {
    True: UrbanMicro(2.0, 2.6, 5.0, 1.8, 30.0, 80.0, 5.34, 40.0, 3.48, 20.0, 1.2, 7.3),
    False: UrbanMicro(2.9, 8.2, 3.0, 3.0, 33.0, 58.0, 4.68, 49.0, 3.48, 20.0, 2.1, 7.5),
}


def urban_micro(carrier_hz: float, *, line_of_sight: bool) -> UrbanMicro:
    """Statistics at a carrier of 100 to 300 GHz: linear in frequency to 140 GHz, constant above."""
    share = (min(carrier_hz / 1e9, _HIGH_GHZ) - _LOW_GHZ) / (_HIGH_GHZ - _LOW_GHZ)
    ends = _AT_28_GHZ[line_of_sight], _AT_140_GHZ[line_of_sight]
    low, high = ([getattr(end, field.name) for field in fields(UrbanMicro)] for end in ends)
    return UrbanMicro(*(a + share * (b - a) for a, b in zip(low, high, strict=True)))


class SubTerahertzFading:
    r"""One antenna at each end of a link in an urban micro cell; called like `ntn6g.channel.TappedDelayLine`.

    Each block draws its time clusters and subpaths, every subpath a path of its own with a constant power and uniform
    phase:

    .. math::
        \tau_n = \tau_{n-1} + \rho_{n-1, M} + 25\,\mathrm{ns} + \tau'_n, \quad
        P_n \propto e^{-\tau_n / \Gamma} 10^{Z_n / 10}, \quad
        \Pi_m \propto e^{-\rho_m / \gamma} 10^{U_m / 10}.

    Path loss is :math:`20 \log_{10}(4 \pi f / c) + 10 n \log_{10} d`, absorption by gases comes on top. Subpaths arrive
    from a few lobes of azimuth; their elevations, some degrees, are left out. With sight the first path is the
    strongest of its cluster and comes from the site.

    Parameters
    ----------
    carrier_hz : float
        100 to 300 GHz; what lies above 150 GHz is extrapolated.
    site_m, terminal_m : float
        Heights, by which the elevation of a call tells the distance, see `CellFading`.
    line_of_sight : bool, optional
        None draws it with `sight_probability`.
    shadowing, losses : bool
        As `CellFading`.

    References
    ----------
    As `UrbanMicro`.
    """

    def __init__(
        self,
        carrier_hz: float,
        *,
        site_m: float = 10.0,
        terminal_m: float = 1.5,
        line_of_sight: bool | None = None,
        shadowing: bool = False,
        losses: bool = False,
    ) -> None:
        self._carrier_hz, self._height_m = carrier_hz, site_m - terminal_m
        self._sight, self._shadowing, self._losses = line_of_sight, shadowing, losses
        self.statistics = {sight: urban_micro(carrier_hz, line_of_sight=sight) for sight in (True, False)}
        used = [self.statistics[sight] for sight in (True, False) if line_of_sight in (None, sight)]
        self._clusters = max(int(each.clusters) for each in used)
        self.paths = self._clusters * _MOST_SUBPATHS

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
        """Draw one realisation per key; delay spread and K-factor are drawn and do not enter."""
        stream = random.stream(keys, "subpaths")
        ground_m = self.ground_m(elevation_rad)
        seen = 1.0 - tf.cast(self._blocked(keys, ground_m), tf.float32)
        power, delay_s = self.power_profile(keys, elevation_rad)
        shift_hz = doppler_hz[:, None] * self._cosines(stream, seen)
        phase = random.uniform(random.stream(stream, "phase"), (self.paths,))
        if start_s is not None:
            phase += shift_hz * start_s[:, None]
        cosine, sine = phasor(phase[..., None] + shift_hz[..., None] * times_s)
        amplitude = tf.sqrt(power)[..., None]
        gain = tf.complex(amplitude * cosine, amplitude * sine)[:, None, None]
        drawn = ChannelRealization.without_bulk(gain, delay_s)
        return drawn.with_loss(self._loss_db(keys, ground_m, seen))

    def power_profile(self, keys: tf.Tensor, elevation_rad: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Power and delay in s of every subpath that a call with these arguments draws: [B, path], one in sum."""
        stream = random.stream(keys, "subpaths")
        seen = 1.0 - tf.cast(self._blocked(keys, self.ground_m(elevation_rad)), tf.float32)
        used, rho_ns = self._within_clusters(stream, seen)
        clusters = tf.range(self._clusters, dtype=tf.float32)
        count = 1.0 + tf.floor(
            random.uniform(random.stream(stream, "clusters"), (1,)) * self._of("clusters", seen, True)
        )
        there = tf.cast(clusters < count, tf.float32)
        tau_ns = self._cluster_delays(stream, seen, there, tf.reduce_max(rho_ns * used, 2))
        level_db = self._of("cluster_shadow_db", seen) * random.normal(
            random.stream(stream, "level"), (self._clusters,)
        )
        cluster = there * tf.exp(-tau_ns / self._of("cluster_decay_ns", seen)) * db_to_linear(level_db)
        cluster /= tf.reduce_sum(cluster, 1, keepdims=True)
        shape = (self._clusters, _MOST_SUBPATHS)
        shadow_db = self._of("subpath_shadow_db", seen)[..., None] * random.normal(
            random.stream(stream, "shadow"), shape
        )
        within = used * tf.exp(-rho_ns / self._of("subpath_decay_ns", seen)[..., None]) * db_to_linear(shadow_db)
        within /= tf.reduce_sum(within, 2, keepdims=True)
        within = tf.concat([_strongest_first(within[:, :1], seen), within[:, 1:]], 1)
        power = tf.reshape(cluster[..., None] * within, [-1, self.paths])
        delay_ns = tf.reshape((tau_ns[..., None] + rho_ns) * used * there[..., None], [-1, self.paths])
        return power, 1e-9 * delay_ns

    def ground_m(self, elevation_rad: tf.Tensor) -> tf.Tensor:
        """Distance on the ground, float64 [B], of the elevation of the site."""
        return self._height_m / tf.tan(tf.cast(elevation_rad, tf.float64))

    def reference_loss_db(self, ground_m: tf.Tensor) -> tf.Tensor:
        """Loss that every block has, with sight unless it is known that there is none; without absorption."""
        return self.path_loss_db(ground_m, line_of_sight=self._sight is not False)

    def path_loss_db(self, ground_m: tf.Tensor, *, line_of_sight: bool) -> tf.Tensor:
        """Close-in path loss without shadowing and absorption, float64 [...]."""
        ground = tf.convert_to_tensor(ground_m, tf.float64)
        distance = tf.sqrt(ground**2 + self._height_m**2)
        first = float(free_space_loss_db(1.0, self._carrier_hz))
        return first + 10.0 * self.statistics[line_of_sight].exponent * tf.math.log(distance) / math.log(10.0)

    def sight_probability(self, ground_m: tf.Tensor) -> tf.Tensor:
        """Probability of line of sight: the squared law with 22 m and 100 m, float64 [...].

        References
        ----------
        M. K. Samimi, T. S. Rappaport and G. R. MacCartney, IEEE Wireless Commun. Lett. 4(4), 2015, with the constants
        of NYUSIM for UMi.
        """
        ground = tf.convert_to_tensor(ground_m, tf.float64)
        near = tf.minimum(22.0 / ground, 1.0)
        fall = tf.exp(-ground / 100.0)
        return tf.where(ground <= 22.0, tf.ones_like(ground), (near * (1.0 - fall) + fall) ** 2)

    def late_share(self, elevation_rad: float, delay_s: float) -> float:
        """Mean power that arrives more than ``delay_s`` after the first path, from `LATE_DRAWS` draws of each sight."""
        if self._sight is not None:
            return _late_share(self._carrier_hz, self._sight, delay_s)
        seen = float(self.sight_probability(self.ground_m(tf.constant(elevation_rad, tf.float64))))
        shares = [_late_share(self._carrier_hz, sight, delay_s) for sight in (True, False)]
        return seen * shares[0] + (1.0 - seen) * shares[1]

    def _blocked(self, keys: tf.Tensor, ground_m: tf.Tensor) -> tf.Tensor:
        if self._sight is not None:
            return tf.fill([keys.shape[0]], 1 - int(self._sight))
        chance = random.uniform(random.stream(keys, "line of sight"), (1,))[:, 0]
        return tf.cast(tf.cast(chance, tf.float64) >= self.sight_probability(ground_m), tf.int32)

    def _of(self, name: str, seen: tf.Tensor, whole: bool = False) -> tf.Tensor:
        """A statistic of each link, [B, 1]."""
        with_sight, without = (float(getattr(self.statistics[sight], name)) for sight in (True, False))
        if whole:
            with_sight, without = math.floor(with_sight), math.floor(without)
        return (without + (with_sight - without) * seen)[:, None]

    def _within_clusters(self, stream: tf.Tensor, seen: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """1 where a subpath exists, and its delay within the cluster in ns, ascending from 0: [B, cluster, subpath]."""
        shape = (self._clusters, _MOST_SUBPATHS)
        more = -tf.math.log(random.uniform(random.stream(stream, "count"), (self._clusters,)))
        count = 1.0 + tf.round(more * self._of("subpaths", seen))
        used = tf.cast(tf.range(_MOST_SUBPATHS, dtype=tf.float32) < count[..., None], tf.float32)
        drawn = (
            -tf.math.log(random.uniform(random.stream(stream, "rho"), shape)) * self._of("subpath_ns", seen)[..., None]
        )
        ordered = tf.sort(drawn + 1e6 * (1.0 - used), axis=2)
        return used, (ordered - ordered[..., :1]) * used

    def _cluster_delays(self, stream: tf.Tensor, seen: tf.Tensor, there: tf.Tensor, last_ns: tf.Tensor) -> tf.Tensor:
        """Delay of each cluster in ns, [B, cluster]."""
        drawn = -tf.math.log(random.uniform(random.stream(stream, "tau"), (self._clusters,)))
        drawn = tf.sort(drawn * self._of("cluster_ns", seen) + 1e6 * (1.0 - there), axis=1)
        between = (drawn - drawn[:, :1]) * there
        found = [tf.zeros_like(seen)]
        for n in range(1, self._clusters):
            found.append((found[-1] + last_ns[:, n - 1] + _VOID_NS + between[:, n]) * there[:, n])
        return tf.stack(found, 1)

    def _cosines(self, stream: tf.Tensor, seen: tf.Tensor) -> tf.Tensor:
        """Cosine between motion and arrival of each subpath, [B, path]; the first is the site's with sight."""
        most = 5
        counts = np.arange(1, most)
        chance = random.uniform(random.stream(stream, "lobes"), (1,))

        def up_to(mean: float) -> tf.Tensor:  # P(number <= k) of a Poisson number kept within 1 to 5
            law = np.cumsum([math.exp(-mean) * mean**k / math.factorial(k) for k in range(most)])
            return tf.constant(law[counts], tf.float32)

        means = {sight: self.statistics[sight].lobes for sight in (True, False)}
        limits = tf.where(seen[:, None] > 0.0, up_to(means[True]), up_to(means[False]))
        lobes = 1.0 + tf.reduce_sum(tf.cast(chance > limits, tf.float32), 1)[:, None]
        lobe = tf.floor(random.uniform(random.stream(stream, "lobe"), (self.paths,)) * lobes)
        middles = random.uniform(random.stream(stream, "middles"), (most,))
        inside = tf.reduce_sum(tf.one_hot(tf.cast(lobe, tf.int32), most) * middles[:, None], 2)
        width = self._of("lobe_width_deg", seen) / 360.0
        azimuth = (lobe + inside) / lobes + width * random.normal(random.stream(stream, "azimuth"), (self.paths,))
        heading = random.uniform(random.stream(stream, "heading"), (1,))
        first = tf.concat([seen[:, None], tf.zeros([seen.shape[0], self.paths - 1])], 1)
        return phasor(azimuth * (1.0 - first) - heading)[0]

    def _loss_db(self, keys: tf.Tensor, ground_m: tf.Tensor, seen: tf.Tensor) -> tf.Tensor:
        loss_db = tf.zeros_like(seen)
        if self._shadowing:
            loss_db += (
                self._of("shadow_db", seen)[:, 0] * random.normal(random.stream(keys, "shadow fading"), (1,))[:, 0]
            )
        if self._losses and self._sight is None:
            more = self.path_loss_db(ground_m, line_of_sight=False) - self.path_loss_db(ground_m, line_of_sight=True)
            loss_db += (1.0 - seen) * tf.cast(more, tf.float32)
        return loss_db


@lru_cache(maxsize=256)
def _late_share(carrier_hz: float, line_of_sight: bool, delay_s: float) -> float:
    """Mean power beyond a delay, which is the same wherever a terminal stands."""
    model = SubTerahertzFading(carrier_hz, line_of_sight=line_of_sight)
    keys = tf.constant(np.stack([np.arange(LATE_DRAWS), np.full(LATE_DRAWS, 0x74687A)], 1), tf.uint32)
    power, excess_s = model.power_profile(keys, tf.ones([LATE_DRAWS]))
    late = tf.where(excess_s > delay_s, power, tf.zeros_like(power))
    return float(tf.reduce_sum(tf.cast(late, tf.float64))) / LATE_DRAWS


def _strongest_first(within: tf.Tensor, seen: tf.Tensor) -> tf.Tensor:
    """The strongest subpath of a cluster [B, 1, subpath] exchanged with the first, where the site is seen."""
    most = tf.reduce_max(within, 2, keepdims=True)
    is_most = tf.cast(within >= most, tf.float32)
    first = tf.one_hot(tf.zeros_like(within[..., 0], tf.int32), within.shape[2])
    swapped = within * (1.0 - is_most) * (1.0 - first) + most * first + within[..., :1] * is_most * (1.0 - first)
    return tf.where(seen[:, None, None] > 0.0, swapped, within)
