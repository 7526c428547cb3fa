"""The ray model of TR 38.811, 6.7.2: from the elevation of every link to a `ChannelRealization`."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import tensorflow as tf

from ntn6g.channel.fading.rays.clusters import Clusters, draw_clusters
from ntn6g.channel.fading.rays.elements import ISOTROPIC, Elements, vertical
from ntn6g.channel.fading.rays.large_scale import LargeScale, draw_large_scale, ground_deviates, k_factor
from ntn6g.channel.fading.rays.parameters import LARGE_SCALE, Direction, Parameters, Scattering, Tables
from ntn6g.channel.fading.rays.rays import RayAngles, couple, ray_directions, sum_of_rays
from ntn6g.channel.realization import ChannelRealization
from ntn6g.channel.response import once, phasor
from ntn6g.channel.tables import Interpolation
from ntn6g.core import random

# TR 38.901 V16.1.0, Table 7.5-5: delays of the three sub-clusters in cluster delay spreads; powers 10, 6, 4 of 20
_SUB_DELAYS = (0.0, 1.28, 2.56)
SUB_RAYS = (10, 6, 4)
_SPLIT = 2  # the two strongest clusters are split


@dataclass(frozen=True)
class _Link:
    """What all rays of a link share, batch last: [B]."""

    elevation_rad: tf.Tensor
    doppler_hz: tf.Tensor
    heading_cycles: tf.Tensor
    start_s: tf.Tensor | None


@dataclass(frozen=True)
class Ground:
    """Terminals over one ground: keys uint32 [B, 2], equal within a drop; east and north float32 [B, 2]; distances.

    See `ntn6g.channel.fading.rays.ground_deviates` and `correlation_distances_m`.
    """

    keys: tf.Tensor
    position_m: tf.Tensor
    distance_m: Mapping[str, float]


class RayChannel:
    """Generator of the ray model; links of any elevation, and of several scatterings, in one batch.

    The satellite's departure angles do not spread (NOTE 8 of the tables), so its elements see one direction; its
    Doppler shift and delay are bulk terms (`ChannelRealization.with_bulk`). The terminal's own motion is in the
    gain. The two strongest clusters are split into three sub-clusters, which makes N + 4 paths of N clusters.

    Parameters
    ----------
    scatterings : sequence of Scattering
        Environment, band and line of sight; with several, a link names its own by index.
    interpolation : str
        Of the tables, see `Tables`.
    terminal, satellite : Elements
        Antennas.
    direction : str
        ``downlink`` or ``uplink``: which end receives. By reciprocity the same draw serves both.
    faraday_rad : float
        Rotation of the polarisation by the ionosphere, `ntn6g.channel.loss.faraday_rotation_rad`.

    Raises
    ------
    ScenarioError
        Unknown environment.

    References
    ----------
    3GPP TR 38.811 V15.1.0, 6.7.2 and 6.8.2; TR 38.901 V16.1.0, 7.5, steps 4 to 11.
    """

    def __init__(
        self,
        scatterings: Sequence[Scattering],
        *,
        interpolation: Interpolation = "linear",
        terminal: Elements = ISOTROPIC,
        satellite: Elements = ISOTROPIC,
        direction: Direction = "downlink",
        faraday_rad: float = 0.0,
    ) -> None:
        self.tables = Tables(scatterings, interpolation)
        self._terminal, self._satellite = terminal, satellite
        self._direction = direction
        self._faraday_rad = faraday_rad
        self.paths = self.tables.most_clusters + 2 * min(_SPLIT, self.tables.most_clusters)

    def large_scale(
        self,
        keys: tf.Tensor,
        elevation_rad: tf.Tensor,
        *,
        scattering: tf.Tensor | None = None,
        ground: Ground | None = None,
    ) -> LargeScale:
        """Large-scale parameters that a call with the same arguments has."""
        parameters = self.tables.at(elevation_rad, scattering)
        return draw_large_scale(parameters, _deviates(keys, ground))

    def power_profile(
        self, keys: tf.Tensor, elevation_rad: tf.Tensor, *, scattering: tf.Tensor | None = None
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Power and delay in s of every path of the links that a call with these arguments draws.

        Given large-scale parameters and clusters, the mean over the phases of the rays: [B, path] each, one in sum.
        """
        stream = random.stream(keys, "rays")
        parameters = self.tables.at(elevation_rad, scattering)
        large = draw_large_scale(parameters, _deviates(keys, None))
        clusters = draw_clusters(stream, parameters, large, elevation_rad, self.tables.most_clusters)
        ratio = k_factor(large, parameters)[:, None]
        share = tf.constant([SUB_RAYS], tf.float32) / sum(SUB_RAYS)
        split = [clusters.power[:, n, None] * share for n in range(min(_SPLIT, self.tables.most_clusters))]
        scattered = tf.concat([*split, clusters.power[:, _SPLIT:]], 1)
        power = (scattered + ratio * tf.transpose(self._earliest(clusters))) / (1.0 + ratio)
        return power, self._delays(clusters, parameters)

    def __call__(
        self,
        keys: tf.Tensor,
        *,
        times_s: tf.Tensor,
        elevation_rad: tf.Tensor,
        doppler_hz: tf.Tensor,
        scattering: tf.Tensor | None = None,
        heading_rad: tf.Tensor | None = None,
        ground: Ground | None = None,
        start_s: tf.Tensor | None = None,
    ) -> ChannelRealization:
        """Draw one realization per key.

        Parameters
        ----------
        keys : [B, 2], uint32
            Keys of the blocks; the stream ``rays`` of each is used.
        times_s : [T], float32
            Sampling times after the start of the block, shared by all rows.
        elevation_rad : [B], float32
            Elevation of each link; below 10 degrees the tables' first column holds.
        doppler_hz : [B], float32
            Maximum Doppler shift v f / c of the terminal's own, horizontal, motion.
        scattering : [B], int32, optional
            Index into ``scatterings``; needed where there are several.
        heading_rad : [B], float32, optional
            Direction of motion counted from the satellite's azimuth; uniform if None.
        ground : Ground, optional
            Where the terminals stand, for large-scale parameters correlated over the ground.
        start_s : [B], float32, optional
            When ``times_s`` begins on the clock of each row's fading, 0 if None.

        Returns
        -------
        ChannelRealization
            ``gain`` [B, rx, tx, path, T]: mean total power one for isotropic vertical elements, given the
            large-scale parameters; ``path_loss_db`` is minus the shadow fading; bulk terms zero.
        """
        stream = random.stream(keys, "rays")
        parameters = self.tables.at(elevation_rad, scattering)
        large = draw_large_scale(parameters, _deviates(keys, ground))
        clusters = draw_clusters(stream, parameters, large, elevation_rad, self.tables.most_clusters)
        if heading_rad is None:
            heading_cycles = random.uniform(random.stream(stream, "heading"), (1,))[:, 0]
        else:
            heading_cycles = heading_rad / (2.0 * math.pi)
        link = _Link(elevation_rad, doppler_hz, heading_cycles, start_s)
        angles = couple(stream, clusters, parameters.cASA, parameters.cZSA)
        gain = self._gain(stream, parameters, large, clusters, angles, link, times_s)
        realization = ChannelRealization.without_bulk(gain, self._delays(clusters, parameters))
        return replace(realization, path_loss_db=-large.shadow_db)

    def _delays(self, clusters: Clusters, parameters: Parameters) -> tf.Tensor:
        """Delay of each path, [B, path]: three each of the split clusters, then the others."""
        split = [
            clusters.delay_s[:, n, None] + 1e-9 * parameters.cDS[:, None] * tf.constant([_SUB_DELAYS], tf.float32)
            for n in range(min(_SPLIT, self.tables.most_clusters))
        ]
        return tf.concat([*split, clusters.delay_s[:, _SPLIT:]], 1)

    def _gain(
        self,
        stream: tf.Tensor,
        parameters: Parameters,
        large: LargeScale,
        clusters: Clusters,
        angles: RayAngles,
        link: _Link,
        times_s: tf.Tensor,
    ) -> tf.Tensor:
        """Gain of every pair of elements, path and time: complex64 [B, rx, tx, path, T]."""
        rays = ray_directions(
            stream,
            angles,
            link.doppler_hz,
            link.heading_cycles,
            None if self._copolar else (parameters.muXPR, parameters.sigmaXPR),
        )
        if link.start_s is not None:
            rays = rays.later(link.start_s)
        ratio = k_factor(large, parameters)
        amplitude = tf.transpose(tf.sqrt(clusters.power / (1.0 + ratio)[:, None] / sum(SUB_RAYS)))  # of one ray
        ends = [(u, s) for u in range(len(self._terminal.slant_rad)) for s in range(len(self._satellite.slant_rad))]
        gains = []
        for u, s in ends:
            real, imaginary = sum_of_rays(
                rays, amplitude, times_s, self._terminal, u, self._turned(s), unrolled=len(ends) == 1
            )
            if self.tables.any_line_of_sight:
                sight = self._line_of_sight(stream, ratio, link, times_s, u, s)
                earliest = self._earliest(clusters)
                real, imaginary = (
                    part + earliest[:, None, :] * each[None]
                    for part, each in zip((real, imaginary), sight, strict=True)
                )
            shift = self._satellite_phase(s, link.elevation_rad)
            if shift is not None:
                c, d = shift
                real, imaginary = real * c - imaginary * d, real * d + imaginary * c
            gains.append(tf.complex(real, imaginary))
        shape = (len(self._terminal.slant_rad), len(self._satellite.slant_rad))
        grid = tf.transpose(tf.stack(gains), [3, 0, 1, 2])  # [B, pair, path, T]
        grid = tf.reshape(grid, [grid.shape[0], *shape, grid.shape[2], grid.shape[3]])
        return grid if self._direction == "downlink" else tf.transpose(grid, [0, 2, 1, 3, 4])

    @property
    def _copolar(self) -> bool:
        return vertical(self._terminal) and vertical(self._satellite) and self._faraday_rad == 0.0

    def _turned(self, element: int) -> tuple[float, float]:
        """Field of a satellite element behind the ionosphere: eq. (6.8-1)."""
        along, across = self._satellite.polarisation(element)
        c, s = math.cos(self._faraday_rad), math.sin(self._faraday_rad)
        return c * along - s * across, s * along + c * across

    def _earliest(self, clusters: Clusters) -> tf.Tensor:
        """1 at the first path of zero delay, 0 elsewhere, float32 [path, B]: where the line of sight arrives."""
        zero = tf.transpose(tf.cast(clusters.delay_s <= 0.0, tf.float32))  # the unused ones too, which come last
        first = zero * tf.cast(tf.cumsum(zero, 0) <= 1.0, tf.float32)
        idle = tf.zeros_like(first[0])
        return tf.stack(
            [row for n in range(zero.shape[0]) for row in ([first[n], idle, idle] if n < _SPLIT else [first[n]])]
        )

    def _line_of_sight(
        self, stream: tf.Tensor, ratio: tf.Tensor, link: _Link, times_s: tf.Tensor, u: int, s: int
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Line of sight of one pair of elements, real and imaginary part [T, B]: eq. (7.5-29)."""
        phase = random.uniform(random.stream(stream, "sight"), (1,))[:, 0]
        cosine, sine = tf.cos(link.elevation_rad), tf.sin(link.elevation_rad)
        shift_hz = link.doppler_hz * cosine * phasor(link.heading_cycles)[0]
        if link.start_s is not None:
            phase += shift_hz * link.start_s
            phase -= tf.floor(phase)
        cycles = phase + shift_hz * times_s[:, None]
        own = self._terminal.cycles(u, cosine, tf.zeros_like(cosine), sine)
        if own is not None:
            cycles += own
        zenith_rad = math.pi / 2.0 - link.elevation_rad
        (a, b), (c, d) = self._terminal.polarisation(u), self._turned(s)
        strength = tf.sqrt(ratio / (1.0 + ratio)) * (a * c - b * d)
        strength *= self._terminal.amplitude(zenith_rad, tf.zeros_like(zenith_rad))
        real, imaginary = phasor(cycles)
        return once(strength * real, ratio), once(strength * imaginary, ratio)

    def _satellite_phase(self, element: int, elevation_rad: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor] | None:
        """Phase of a satellite element towards the terminal, zenith of departure 90 degrees plus elevation."""
        cosine, sine = tf.cos(elevation_rad), tf.sin(elevation_rad)
        cycles = self._satellite.cycles(element, -cosine, tf.zeros_like(cosine), -sine)
        return None if cycles is None else phasor(cycles)


def _deviates(keys: tf.Tensor, ground: Ground | None) -> tf.Tensor:
    if ground is None:
        return random.normal(random.stream(random.stream(keys, "rays"), "large scale"), (len(LARGE_SCALE),))
    return ground_deviates(ground.keys, ground.position_m, ground.distance_m)
