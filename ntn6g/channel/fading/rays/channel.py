"""The ray model of TR 38.811, 6.7.2: from the elevation of every link to a `ChannelRealization`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import tensorflow as tf

from ntn6g.channel.fading.rays.clusters import Clusters, draw_clusters
from ntn6g.channel.fading.rays.elements import ISOTROPIC, Elements
from ntn6g.channel.fading.rays.ends import Ends, Motion, Sight, heading
from ntn6g.channel.fading.rays.large_scale import (
    LargeScale,
    draw_large_scale,
    ground_deviates,
    k_factor,
    large_scale_names,
)
from ntn6g.channel.fading.rays.parameters import (
    Direction,
    Parameters,
    ParameterTables,
    Scattering,
    Tables,
)
from ntn6g.channel.fading.rays.rays import couple, ray_directions
from ntn6g.channel.realization import ChannelRealization
from ntn6g.channel.tables import Interpolation
from ntn6g.core import random

# TR 38.901 V16.1.0, Table 7.5-5: delays of the three sub-clusters in cluster delay spreads; powers 10, 6, 4 of 20
_SUB_DELAYS = (0.0, 1.28, 2.56)
SUB_RAYS = (10, 6, 4)
_SPLIT = 2  # the two strongest clusters are split


@dataclass(frozen=True)
class Ground:
    """Terminals over one ground: keys uint32 [B, 2], equal within a drop; east and north float32 [B, 2]; distances.

    Distances of all links, or of each; see `ntn6g.channel.fading.rays.ground_deviates` and `correlation_distances_m`.
    """

    keys: tf.Tensor
    position_m: tf.Tensor
    distance_m: Mapping[str, float] | tf.Tensor


class RayChannel:
    """Generator of the ray model; links of any elevation, and of several scatterings, in one batch.

    Departure angles of a satellite do not spread (NOTE 8 of the tables), so its elements see one direction; those of a
    platform in the air do, where asked for. Its
    Doppler shift and delay are bulk terms (`ChannelRealization.with_bulk`). The terminal's own motion is in the
    gain. The two strongest clusters are split into three sub-clusters, which makes N + 4 paths of N clusters.

    Parameters
    ----------
    scatterings : sequence of Scattering, or ParameterTables
        Environment, band and line of sight; with several, a link names its own by index. Or tables of another model
        with the same procedure, such as `ntn6g.channel.fading.cells.CellTables`.
    interpolation, departure
        Of the tables, see `Tables`.
    terminal, satellite : Elements
        Antennas.
    direction : str
        ``downlink`` or ``uplink``: which end receives. By reciprocity the same draw serves both,
        but for the Faraday rotation, which is none of a reciprocal channel.
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
        scatterings: Sequence[Scattering] | ParameterTables,
        *,
        interpolation: Interpolation = "linear",
        departure: bool = False,
        terminal: Elements = ISOTROPIC,
        satellite: Elements = ISOTROPIC,
        direction: Direction = "downlink",
        faraday_rad: float = 0.0,
    ) -> None:
        self.tables: ParameterTables
        if isinstance(scatterings, Sequence):
            scatterings = Tables(scatterings, interpolation, departure=departure)
        self.tables = scatterings
        self._ends = Ends(terminal, satellite, direction, faraday_rad)
        self.antennas = self._ends.antennas
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
        return draw_large_scale(parameters, _deviates(keys, ground, parameters))

    def power_profile(
        self, keys: tf.Tensor, elevation_rad: tf.Tensor, *, scattering: tf.Tensor | None = None
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Power and delay in s of every path of the links that a call with these arguments draws.

        Given large-scale parameters and clusters, the mean over the phases of the rays: [B, path] each, one in sum.
        """
        stream = random.stream(keys, "rays")
        parameters = self.tables.at(elevation_rad, scattering)
        large = draw_large_scale(parameters, _deviates(keys, None, parameters))
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
        large = draw_large_scale(parameters, _deviates(keys, ground, parameters))
        clusters = draw_clusters(stream, parameters, large, elevation_rad, self.tables.most_clusters)
        motion = Motion(elevation_rad, doppler_hz, heading(stream, heading_rad), start_s)
        leaving = parameters.departure
        # rays leave the zenith of their cluster by 3/8 of the median spread: eq. (7.5-20)
        widths = None if leaving is None else (leaving.cASD, 0.375 * 10.0**leaving.muZSD)
        angles = couple(stream, clusters, parameters.cASA, parameters.cZSA, split=_SPLIT, departure_deg=widths)
        cross_polar_db = None if self._ends.copolar else (parameters.muXPR, parameters.sigmaXPR)
        rays = ray_directions(stream, angles, doppler_hz, motion.heading_cycles, cross_polar_db)
        ratio = k_factor(large, parameters)
        power = clusters.power / (1.0 + ratio)[:, None] / sum(SUB_RAYS)  # of one ray
        # the root has no slope at clusters that are removed
        amplitude = tf.transpose(tf.where(power > 0.0, tf.sqrt(tf.maximum(power, 1e-30)), 0.0))
        sight = Sight(ratio, self._earliest(clusters)) if self.tables.any_line_of_sight else None
        gain = self._ends.gain(stream, rays, amplitude, motion, times_s, sight=sight, split=_SPLIT)
        realization = ChannelRealization.without_bulk(gain, self._delays(clusters, parameters))
        return realization.with_loss(-large.shadow_db)

    def _delays(self, clusters: Clusters, parameters: Parameters) -> tf.Tensor:
        """Delay of each path, [B, path]: three each of the split clusters, then the others."""
        split = [
            clusters.delay_s[:, n, None] + 1e-9 * parameters.cDS[:, None] * tf.constant([_SUB_DELAYS], tf.float32)
            for n in range(min(_SPLIT, self.tables.most_clusters))
        ]
        return tf.concat([*split, clusters.delay_s[:, _SPLIT:]], 1)

    def _earliest(self, clusters: Clusters) -> tf.Tensor:
        """1 at the first path of zero delay, 0 elsewhere, float32 [path, B]: where the line of sight arrives."""
        zero = tf.transpose(tf.cast(clusters.delay_s <= 0.0, tf.float32))  # the unused ones too, which come last
        first = zero * tf.cast(tf.cumsum(zero, 0) <= 1.0, tf.float32)
        idle = tf.zeros_like(first[0])
        return tf.stack(
            [row for n in range(zero.shape[0]) for row in ([first[n], idle, idle] if n < _SPLIT else [first[n]])]
        )


def _deviates(keys: tf.Tensor, ground: Ground | None, parameters: Parameters) -> tf.Tensor:
    if ground is None:
        count = len(large_scale_names(parameters))
        return random.normal(random.stream(random.stream(keys, "rays"), "large scale"), (count,))
    return ground_deviates(ground.keys, ground.position_m, ground.distance_m)
