"""From a kind of fading to the object that draws it, and to what its delays say about the cyclic prefix."""

import math
from collections.abc import Callable
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from ntn6g.channel import FlatChannel, Profile, TappedDelayLine, ntn_tdl_profile
from ntn6g.channel.fading.rays import RayFading, Scattering

if TYPE_CHECKING:
    from ntn6g.phy.chain import Fading
    from ntn6g.study.build.link_step import LinkStructure


@cache
def fading_profile(kind: str, letter: str | None) -> Profile | None:
    """Tapped delay line of a kind of fading and its profile letter; None for kinds without one."""
    if kind == "tdl":
        from ntn6g.channel.terrestrial import tdl_profile

        return tdl_profile(str(letter))
    return ntn_tdl_profile(str(letter)) if kind == "ntn-tdl" else None


def _delay_line(structure: "LinkStructure") -> "Fading":
    profile = structure.channel_profile
    assert profile is not None  # both kinds have one
    return TappedDelayLine(profile, los_doppler_ratio=structure.los_doppler_ratio)


def _rays(structure: "LinkStructure") -> "Fading":
    scattering: Any = structure.scattering
    interpolation: Any = structure.table_interpolation
    return RayFading(Scattering(*scattering), interpolation=interpolation, shadowing=structure.shadowing)


FADINGS: dict[str, Callable[["LinkStructure"], "Fading"]] = {
    "awgn": lambda structure: FlatChannel(),
    "ntn-rays": _rays,
    "ntn-tdl": _delay_line,
    "tdl": _delay_line,
}
"""What draws each kind of fading."""


def make_fading(structure: "LinkStructure") -> "Fading":
    """Generator of a structure's fading."""
    return FADINGS[structure.fading](structure)


def late_share(structure: "LinkStructure", elevation_rad: float) -> float:
    """Mean power that drawn delays put beyond the cyclic prefix, at an elevation to 0.1 degrees; else 0."""
    if structure.fading != "ntn-rays":
        return 0.0
    tenth = round(math.degrees(elevation_rad), 1)
    return _late_share(
        structure.scattering, structure.table_interpolation, tenth, float(structure.grid.cyclic_prefix_s)
    )


@lru_cache(maxsize=4096)
def _late_share(scattering: Any, interpolation: Any, elevation_deg: float, cyclic_prefix_s: float) -> float:
    model = RayFading(Scattering(*scattering), interpolation=interpolation)
    return model.late_share(math.radians(elevation_deg), cyclic_prefix_s)
