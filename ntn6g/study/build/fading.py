"""From a kind of fading to the object that draws it, its values at a point, and its late power."""

import math
from collections.abc import Callable
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from ntn6g import channel, scenario
from ntn6g.channel import FlatChannel, Profile, TappedDelayLine, conformance_profile, ntn_tdl_profile
from ntn6g.channel.fading import SHADOWINGS, LandMobileFading, LooFading, RicianFading, ShadowedRician
from ntn6g.channel.fading.rays import ClusteredDelayLine, Elements, Ends, RayFading, Scattering
from ntn6g.channel.loss import faraday_rotation_rad
from ntn6g.scenario import Channel

if TYPE_CHECKING:
    from ntn6g.phy.chain import Fading
    from ntn6g.study.build.link_step import LinkStructure


def _terrestrial(letter: str) -> Profile:
    from ntn6g.channel.terrestrial import tdl_profile

    return tdl_profile(letter)


PROFILES: dict[str, Callable[[str], Profile]] = {
    "ntn-tdl": ntn_tdl_profile,
    "ntn-cdl": ntn_tdl_profile,  # equal delays and powers
    "ntn-conformance": lambda name: conformance_profile(f"NTN-{name}"),
    "tdl": _terrestrial,
}
"""Kinds with a power delay profile."""


@cache
def fading_profile(kind: str, name: str | None) -> Profile | None:
    """Power delay profile of a kind of fading and the profile it names; None for kinds without one."""
    return PROFILES[kind](str(name)) if kind in PROFILES else None


def _delay_line(structure: "LinkStructure") -> "Fading":
    profile = structure.channel_profile
    assert profile is not None  # its kinds have one
    return TappedDelayLine(profile, los_doppler_ratio=structure.los_doppler_ratio)


def _clusters(structure: "LinkStructure") -> "Fading":
    azimuth_deg, zenith_deg = structure.fading_parameters
    return ClusteredDelayLine(
        str(structure.profile),
        scattering=_scattering(structure),
        interpolation="nearest" if structure.table_interpolation == "nearest" else "linear",
        azimuth_spread_deg=azimuth_deg,
        zenith_spread_deg=zenith_deg,
        ends=Ends(**_ends(structure)),
    )


def _ends(structure: "LinkStructure") -> dict[str, Any]:
    """Elements of both ends, direction and rotation; nothing without panels."""
    if structure.panels is None:
        return {}
    *panels, faraday_rad = structure.panels
    terminal, satellite = (Elements(*panel) for panel in panels)
    return {
        "terminal": terminal,
        "satellite": satellite,
        "direction": structure.allocation.direction,
        "faraday_rad": faraday_rad,
    }


def _panels(fading: Any, air: Channel) -> dict[str, Any]:
    """Field ``panels`` of a structure, where either end has one."""
    given = fading.terminal, fading.satellite
    if given == (None, None):
        return {}
    shapes = [
        ((0.0,), ())
        if panel is None
        else (tuple(math.radians(each) for each in panel.slant_deg), panel.position_wavelengths)
        for panel in given
    ]
    turn = float(faraday_rotation_rad(air.carrier_ghz * 1e9)) if air.losses.faraday else 0.0
    return {"panels": (*shapes, turn)}


def _rays(structure: "LinkStructure") -> "Fading":
    place: Any = structure.scattering
    interpolation: Any = structure.table_interpolation
    clutter = bool(structure.fading_parameters)
    return RayFading(
        *place, interpolation=interpolation, shadowing=structure.shadowing, clutter=clutter, **_ends(structure)
    )


def _loo(structure: "LinkStructure") -> "Fading":
    names = ("direct_mean_db", "direct_sigma_db", "multipath_db")
    given: Any = dict(zip(names, structure.fading_parameters, strict=True))
    return LooFading(**given, absolute=structure.shadowing, los_doppler_ratio=structure.los_doppler_ratio)


def _land_mobile(structure: "LinkStructure") -> "Fading":
    (carrier_ghz,) = structure.fading_parameters
    assert structure.scattering is not None
    assert carrier_ghz is not None  # both as `fading_structure` makes them
    return LandMobileFading(
        structure.scattering[0],
        carrier_hz=1e9 * carrier_ghz,
        interpolation="nearest" if structure.table_interpolation == "nearest" else "linear",
        absolute=structure.shadowing,
        los_doppler_ratio=structure.los_doppler_ratio,
    )


def _shadowed(structure: "LinkStructure") -> "Fading":
    given: Any = dict(zip(("b0", "m", "omega"), structure.fading_parameters, strict=True))
    return ShadowedRician(**given, absolute=structure.shadowing, los_doppler_ratio=structure.los_doppler_ratio)


FADINGS: dict[str, Callable[["LinkStructure"], "Fading"]] = {
    "awgn": lambda structure: FlatChannel(),
    "land-mobile": _land_mobile,
    "loo": _loo,
    "ntn-cdl": _clusters,
    "ntn-conformance": _delay_line,
    "ntn-rays": _rays,
    "ntn-tdl": _delay_line,
    "rician": lambda structure: RicianFading(los_doppler_ratio=structure.los_doppler_ratio),
    "shadowed-rician": _shadowed,
    "tdl": _delay_line,
}
"""What draws each kind of fading."""


def make_fading(structure: "LinkStructure") -> "Fading":
    """Generator of a structure's fading."""
    return FADINGS[structure.fading](structure)


def _scattering(structure: "LinkStructure") -> Scattering:
    given: Any = structure.scattering
    return Scattering(*given)


def fading_structure(air: Channel, *, sight: bool, budget: bool, shadowing: bool) -> dict[str, Any]:
    """Fields of `LinkStructure` that the fading decides.

    ``sight`` is the line of sight of the link; ``budget`` whether a link budget gives the power, so that the mean level
    of shadowed fading counts; ``shadowing`` whether the scenario has shadow fading drawn.
    """
    fading = air.fading
    found: dict[str, Any] = {"fading": fading.kind, "profile": getattr(fading, "profile", None)}
    found["los_doppler_ratio"] = getattr(fading, "los_doppler_ratio", 0.7)  # TR 38.901 7.7.2
    if isinstance(fading, scenario.NtnRays | scenario.NtnCdl | scenario.LandMobile):
        found["scattering"] = (air.environment, channel.band_of(air.carrier_ghz * 1e9), sight)
        found["table_interpolation"] = air.table_interpolation
    if isinstance(fading, scenario.NtnRays | scenario.NtnCdl):
        found |= _panels(fading, air)
    if isinstance(fading, scenario.NtnRays):
        found["shadowing"] = shadowing
        if fading.sight == "drawn":
            found["scattering"] = (*found["scattering"][:2], None)
            found["fading_parameters"] = (1.0,) if budget and air.losses.clutter else ()
    elif isinstance(fading, scenario.NtnCdl):
        found["fading_parameters"] = (fading.azimuth_spread_deg, fading.zenith_spread_deg)
    elif isinstance(fading, scenario.LandMobile):
        found["fading_parameters"] = (air.carrier_ghz,)
        found["shadowing"] = budget
    elif isinstance(fading, scenario.Loo):
        found["fading_parameters"] = (fading.direct_mean_db, fading.direct_sigma_db, fading.multipath_db)
        found["shadowing"] = budget
    elif isinstance(fading, scenario.ShadowedRician):
        own = {"b0": fading.b0, "m": fading.m, "omega": fading.omega}
        named = own if fading.shadowing is None else SHADOWINGS[fading.shadowing]
        found["fading_parameters"] = tuple(named[name] for name in ("b0", "m", "omega"))
        found["shadowing"] = budget
    return found


def fading_values(air: Channel, structure: "LinkStructure", elevation_rad: float | None) -> tuple[float, float | None]:
    """Delay spread in s and total K-factor in dB of a point; of the ray model the medians; K may be None.

    Raises
    ------
    ScenarioError
        An elevation outside the tables that are needed.
    """
    fading, profile = air.fading, structure.channel_profile
    if isinstance(fading, scenario.NtnRays) and structure.scattering and elevation_rad is not None:
        sight = structure.scattering[2] is not False  # of drawn sight the medians with it
        spread_s = _given_or(None, lambda: _median_spread_s(air, sight, elevation_rad))
        return spread_s, _median_k_db(air, elevation_rad) if sight else None
    if isinstance(fading, scenario.Rician):
        return 0.0, _given_or(fading.k_factor_db, lambda: _median_k_db(air, elevation_rad))
    if profile is None:
        return 0.0, None
    if isinstance(fading, scenario.Conformance):
        return 1e-9 * profile.rms_delay, profile.k_factor_db
    assert isinstance(fading, scenario.NtnTdl | scenario.NtnCdl | scenario.Tdl)  # the kinds with a profile
    follows, sight = fading.kind != "tdl", profile.line_of_sight
    spread_s = _given_or(
        None if fading.delay_spread_ns is None else 1e-9 * fading.delay_spread_ns,
        lambda: _median_spread_s(air, sight, elevation_rad),
    )
    if not sight:
        return spread_s, None
    k_db = _given_or(fading.k_factor_db, lambda: _median_k_db(air, elevation_rad) if follows else profile.k_factor_db)
    return spread_s, k_db


def _given_or(value: float | None, otherwise: Callable[[], float | None]) -> float:
    found = otherwise() if value is None else value
    assert found is not None  # the scenario asks for geometry where a table must say it
    return float(found)


def _median_spread_s(air: Channel, sight: bool, elevation_rad: float | None) -> float | None:
    if elevation_rad is None:
        return None
    band, reading = channel.band_of(air.carrier_ghz * 1e9), (air.table_interpolation, air.below_table)
    return float(channel.median_delay_spread_s(air.environment, band, sight, elevation_rad, *reading))


def _median_k_db(air: Channel, elevation_rad: float | None) -> float | None:
    if elevation_rad is None:
        return None
    band, reading = channel.band_of(air.carrier_ghz * 1e9), (air.table_interpolation, air.below_table)
    return float(channel.median_k_factor_db(air.environment, band, elevation_rad, *reading))


def fading_facts(structure: "LinkStructure", delay_spread_s: float, k_factor_db: float | None) -> dict[str, float]:
    """Columns about the fading; of drawn large-scale parameters the medians."""
    prefix = "median_" if structure.fading == "ntn-rays" else ""
    spread = bool(prefix) or structure.channel_profile is not None
    found = {f"{prefix}delay_spread_ns": 1e9 * delay_spread_s} if spread else {}
    return found if k_factor_db is None else found | {f"{prefix}k_factor_db": k_factor_db}


def sight_facts(air: Channel, structure: "LinkStructure", elevation_rad: float | None) -> dict[str, float]:
    """The probability with which line of sight is drawn; nothing where it is not."""
    if structure.scattering is None or structure.scattering[2] is not None or elevation_rad is None:
        return {}
    band, reading = channel.band_of(air.carrier_ghz * 1e9), (air.table_interpolation, air.below_table)
    found = channel.lookup(air.environment, band, True, "los_probability", elevation_rad, *reading)
    return {"los_probability": float(found)}


def late_share(structure: "LinkStructure", elevation_rad: float, delay_s: float) -> float:
    """Mean power that drawn delays put beyond a delay, at an elevation to 0.1 degrees; else 0."""
    if structure.fading != "ntn-rays":
        return 0.0
    tenth = round(math.degrees(elevation_rad), 1)
    return _late_share(structure.scattering, structure.table_interpolation, tenth, float(delay_s))


@lru_cache(maxsize=4096)
def _late_share(scattering: Any, interpolation: Any, elevation_deg: float, cyclic_prefix_s: float) -> float:
    model = RayFading(*scattering, interpolation=interpolation)
    return model.late_share(math.radians(elevation_deg), cyclic_prefix_s)
