"""The ray model of TR 38.811 with correlated large-scale parameters, and the clustered delay lines."""

from ntn6g.channel.fading.rays.cdl import ClusteredDelayLine, DirectionalProfile, ntn_cdl_profile
from ntn6g.channel.fading.rays.channel import Ground, RayChannel
from ntn6g.channel.fading.rays.elements import Elements
from ntn6g.channel.fading.rays.ends import Ends
from ntn6g.channel.fading.rays.large_scale import LargeScale, draw_large_scale, ground_deviates
from ntn6g.channel.fading.rays.link import RayFading
from ntn6g.channel.fading.rays.parameters import DEPARTURE, LARGE_SCALE, Scattering, Tables, correlation_distances_m

__all__ = [
    "DEPARTURE",
    "LARGE_SCALE",
    "ClusteredDelayLine",
    "DirectionalProfile",
    "Elements",
    "Ends",
    "Ground",
    "LargeScale",
    "RayChannel",
    "RayFading",
    "Scattering",
    "Tables",
    "correlation_distances_m",
    "draw_large_scale",
    "ground_deviates",
    "ntn_cdl_profile",
]
