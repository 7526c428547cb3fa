"""Small-scale fading: profiles, and the generators that draw a `ChannelRealization` from them."""

from ntn6g.channel.fading.flat import FlatChannel
from ntn6g.channel.fading.land_mobile import BANDS_GHZ, LandMobileFading
from ntn6g.channel.fading.profile import Profile, conformance_profile, ntn_tdl_profile
from ntn6g.channel.fading.shadowed import SHADOWINGS, LooFading, RicianFading, ShadowedRician
from ntn6g.channel.fading.tapped_delay_line import TappedDelayLine

__all__ = [
    "BANDS_GHZ",
    "SHADOWINGS",
    "FlatChannel",
    "LandMobileFading",
    "LooFading",
    "Profile",
    "RicianFading",
    "ShadowedRician",
    "TappedDelayLine",
    "conformance_profile",
    "ntn_tdl_profile",
]
