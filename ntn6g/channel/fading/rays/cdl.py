"""NTN-CDL: clustered delay lines at any elevation, scaled in delay, K-factor and angles."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from ntn6g.channel.fading.profile import Profile, ntn_tdl_profile
from ntn6g.channel.fading.rays.clusters import Clusters
from ntn6g.channel.fading.rays.ends import Ends, Motion, Sight, heading
from ntn6g.channel.fading.rays.parameters import Scattering, Tables
from ntn6g.channel.fading.rays.rays import RAY_OFFSETS, couple, ray_directions
from ntn6g.channel.realization import ChannelRealization
from ntn6g.channel.tables import Interpolation, read_table
from ntn6g.core import random
from ntn6g.core.units import DEGREES_TO_RADIANS, db_to_linear

_LARGEST_AZIMUTH_DEG, _LARGEST_ZENITH_DEG = 104.0, 52.0  # TR 38.901 V16.1.0, 7.5, step 4


@dataclass(frozen=True)
class DirectionalProfile:
    """A clustered delay line as the standards print it.

    Attributes
    ----------
    profile : Profile
        Delays and powers.
    azimuth_deg, zenith_deg : tuple of float
        Directions of arrival of every entry of the profile; azimuths from the direction of the other end.
    azimuth_width_deg, zenith_width_deg : float
        Spread of the rays of a cluster.
    xpr_db : float
        Cross-polarisation ratio.
    elevation_deg : float, optional
        Elevation of the other end for which it is printed and with which it turns; None where it stays.
    """

    profile: Profile
    azimuth_deg: tuple[float, ...]
    zenith_deg: tuple[float, ...]
    azimuth_width_deg: float
    zenith_width_deg: float
    xpr_db: float
    elevation_deg: float | None = None


def ntn_cdl_profile(letter: str) -> DirectionalProfile:
    """NTN-CDL-A to -D of 3GPP TR 38.811 V15.1.0, Tables 6.9.1-1 to -4; errors as `ntn_tdl_profile`."""
    profile = ntn_tdl_profile(letter)
    table = read_table("tr38811_cdl")
    row = table[f"NTN-CDL-{letter}"]
    return DirectionalProfile(
        profile,
        tuple(float(angle) + 180.0 for angle in row["aoa_deg"]),
        tuple(float(angle) for angle in row["zoa_deg"]),
        float(row["casa_deg"]),
        float(row["czsa_deg"]),
        float(row["xpr_db"]),
        float(table["elevation_deg"]),
    )


class ClusteredDelayLine:
    r"""Generator of NTN-CDL-A to -D, links of any elevation in one batch, or of another clustered delay line.

    Delays, powers and K-factor follow `ntn6g.channel.Profile.taps`. Angles of arrival, ray offsets included, are
    scaled about a reference to the wanted spread and turned with the elevation,

    .. math::
        \theta = \frac{ZSA}{ZSA_{model}} (\theta_{model} - \mu) + \mu - (\alpha - 50^\circ),

    and azimuths likewise without the last term. The reference :math:`\mu` is the mean of the model; with line of
    sight it is the line of sight, which therefore stays where the satellite is. All clusters leave the satellite in
    one direction, as printed (azimuth 0, zenith 140 degrees at 50): towards the terminal at any elevation.

    Parameters
    ----------
    line : str or DirectionalProfile
        A, B (no line of sight), C or D (line of sight) of NTN-CDL; or any clustered delay line, such as
        `ntn6g.channel.terrestrial.cdl_profile`, which does not turn with the elevation where it is printed for none.
    scattering : Scattering, optional
        Whose tables give the median spreads of angles at the elevation of each link; None keeps those of the model.
    interpolation : str
        Of the tables.
    azimuth_spread_deg, zenith_spread_deg : float, optional
        Wanted spreads of arrival, instead of the tables.
    ends : Ends
        Antennas; one vertical isotropic element each by default.

    Raises
    ------
    ScenarioError
        Unknown profile or environment.

    References
    ----------
    3GPP TR 38.811 V15.1.0, 6.9.1, eq. (6.9-2), Tables 6.9.1-1 to -4; TR 38.901 V16.1.0, 7.7.1, 7.7.5.1, Annex A.
    """

    def __init__(
        self,
        line: str | DirectionalProfile,
        *,
        scattering: Scattering | None = None,
        interpolation: Interpolation = "linear",
        azimuth_spread_deg: float | None = None,
        zenith_spread_deg: float | None = None,
        ends: Ends | None = None,
    ) -> None:
        self._line = ntn_cdl_profile(line) if isinstance(line, str) else line
        self.profile = self._line.profile
        self._tables = None if scattering is None else Tables([scattering], interpolation)
        self._wanted = azimuth_spread_deg, zenith_spread_deg
        self._ends = Ends() if ends is None else ends
        self._azimuth = _Angles(self.profile, self._line.azimuth_deg, self._line.azimuth_width_deg)
        self._zenith = _Angles(self.profile, self._line.zenith_deg, self._line.zenith_width_deg)

    def __call__(
        self,
        keys: tf.Tensor,
        *,
        times_s: tf.Tensor,
        delay_spread_s: tf.Tensor,
        doppler_hz: tf.Tensor,
        elevation_rad: tf.Tensor,
        k_factor_db: tf.Tensor | None = None,
        start_s: tf.Tensor | None = None,
        heading_rad: tf.Tensor | None = None,
    ) -> ChannelRealization:
        """Draw one realization per key: phases and coupling of the rays, and the heading if None.

        Arguments as `ntn6g.channel.TappedDelayLine` and `RayChannel`.
        """
        stream = random.stream(keys, "clusters")
        printed_deg = self._line.elevation_deg
        if printed_deg is None:  # the line of sight lies where the profile has it
            elevation_rad = tf.zeros_like(elevation_rad) + (90.0 - self._line.zenith_deg[0]) * DEGREES_TO_RADIANS
        motion = Motion(elevation_rad, doppler_hz, heading(stream, heading_rad), start_s)
        los_power, scattered_power, delay_s = self.profile.taps(delay_spread_s, k_factor_db)
        like = tf.zeros_like(elevation_rad)
        azimuth_deg, azimuth_width = self._azimuth.scaled(self._spread_deg(0, elevation_rad), like)
        turned = like if printed_deg is None else elevation_rad / DEGREES_TO_RADIANS - printed_deg
        zenith_deg, zenith_width = self._zenith.scaled(self._spread_deg(1, elevation_rad), turned)
        clusters = Clusters(tf.cast(delay_s, tf.float32), scattered_power, azimuth_deg, zenith_deg)
        angles = couple(stream, clusters, azimuth_width, zenith_width, split=0)
        xpr_db = None if self._ends.copolar else (like + self._line.xpr_db, like)
        rays = ray_directions(stream, angles, doppler_hz, motion.heading_cycles, xpr_db)
        amplitude = tf.transpose(tf.sqrt(tf.cast(scattered_power, tf.float32) / len(RAY_OFFSETS)))
        sight = None
        if self.profile.line_of_sight:
            direct = tf.cast(los_power[:, 0], tf.float32)
            first = tf.one_hot(tf.zeros(keys.shape[0], tf.int32), self.profile.paths, axis=0)
            sight = Sight(direct / (1.0 - direct), first)
        gain = self._ends.gain(stream, rays, amplitude, motion, times_s, sight=sight, split=0)
        return ChannelRealization.without_bulk(gain, clusters.delay_s)

    @property
    def antennas(self) -> tuple[int, int]:
        """Receive and transmit elements, which one call draws together."""
        return self._ends.antennas

    def spreads_deg(self) -> tuple[float, float]:
        """Azimuth and zenith spread of the model as it is printed, line of sight included."""
        return self._azimuth.spread_deg, self._zenith.spread_deg

    def _spread_deg(self, which: int, elevation_rad: tf.Tensor) -> tf.Tensor | float | None:
        if self._wanted[which] is not None:
            return self._wanted[which]
        if self._tables is None:
            return None
        parameters = self._tables.at(elevation_rad)
        if which == 0:
            return tf.minimum(10.0**parameters.muASA, _LARGEST_AZIMUTH_DEG)
        return tf.minimum(10.0**parameters.muZSA, _LARGEST_ZENITH_DEG)


class _Angles:
    """Angles of one kind: spread and reference of the model, and cluster angles scaled about it."""

    def __init__(self, profile: Profile, angles_deg: tuple[float, ...], width_deg: float) -> None:
        clusters_deg: NDArray[np.float64] = np.array(angles_deg)
        self._width_deg = width_deg
        power = db_to_linear(np.array(profile.powers_db))
        rays = clusters_deg[:, None] + width_deg * RAY_OFFSETS
        shares = np.repeat(power[:, None] / rays.shape[1], rays.shape[1], 1)
        if profile.line_of_sight:
            rays[0] = clusters_deg[0]  # specular
        moment = complex((shares * np.exp(1j * np.deg2rad(rays))).sum() / shares.sum())
        self.spread_deg = math.degrees(math.sqrt(-2.0 * math.log(abs(moment))))  # TR 38.901, Annex A
        reference = clusters_deg[0] if profile.line_of_sight else math.degrees(math.atan2(moment.imag, moment.real))
        self._reference_deg = float(reference)
        own = clusters_deg[int(profile.line_of_sight) :] - self._reference_deg
        self._aside_deg = own - 360.0 * np.round(own / 360.0)

    def scaled(self, spread_deg: Any, turned_deg: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Cluster angles [B, N] and widths [B] in degrees, for a wanted spread and a turn [B]."""
        ratio = (self.spread_deg if spread_deg is None else spread_deg) / self.spread_deg + tf.zeros_like(turned_deg)
        aside = tf.constant(self._aside_deg, tf.float32)
        return ratio[:, None] * aside + self._reference_deg - turned_deg[:, None], self._width_deg * ratio
