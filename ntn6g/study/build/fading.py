"""From a kind of fading to the object that draws it, its values at a point, and its late power."""

import math
from collections.abc import Callable
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from ntn6g import channel, scenario
from ntn6g.channel import FlatChannel, Profile, TappedDelayLine, conformance_profile, ntn_tdl_profile
from ntn6g.channel.fading import SHADOWINGS, LandMobileFading, LooFading, RicianFading, ShadowedRician
from ntn6g.channel.fading.cells import CellFading
from ntn6g.channel.fading.rays import ClusteredDelayLine, Ends, RayFading, Scattering
from ntn6g.channel.fading.subterahertz import SubTerahertzFading
from ntn6g.channel.loss.cells import Cell
from ntn6g.scenario import Channel
from ntn6g.study.build.cells import sight_probability
from ntn6g.study.build.ends import ends_of, ends_structure

if TYPE_CHECKING:
    from ntn6g.phy.chain import Fading
    from ntn6g.study.build.link_step import LinkStructure


def _terrestrial(letter: str) -> Profile:
    from ntn6g.channel.terrestrial import tdl_profile

    return tdl_profile(letter)


def _clustered(letter: str) -> Profile:
    from ntn6g.channel.terrestrial import cdl_profile

    return cdl_profile(letter).profile


PROFILES: dict[str, Callable[[str], Profile]] = {
    "cdl": _clustered,
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


def _terrestrial_clusters(structure: "LinkStructure") -> "Fading":
    from ntn6g.channel.terrestrial import cdl_profile

    azimuth_deg, zenith_deg = structure.fading_parameters
    return ClusteredDelayLine(
        cdl_profile(str(structure.profile)), azimuth_spread_deg=azimuth_deg, zenith_spread_deg=zenith_deg
    )


def _clusters(structure: "LinkStructure") -> "Fading":
    azimuth_deg, zenith_deg = structure.fading_parameters
    return ClusteredDelayLine(
        str(structure.profile),
        scattering=_scattering(structure),
        interpolation="nearest" if structure.table_interpolation == "nearest" else "linear",
        azimuth_spread_deg=azimuth_deg,
        zenith_spread_deg=zenith_deg,
        ends=Ends(**ends_of(structure)),
    )


def _rays(structure: "LinkStructure") -> "Fading":
    place: Any = structure.scattering
    environment, band, sight = place
    clutter, ground, departure = (bool(each) for each in structure.fading_parameters or (0.0, 0.0, 0.0))
    options: Any = {"shadowing": structure.shadowing, "clutter": clutter, "ground": ground, "departure": departure}
    options |= {"interpolation": structure.table_interpolation, **ends_of(structure)}
    return RayFading(environment, band, sight, **options)


def _cell(structure: "LinkStructure") -> "Fading":
    from ntn6g.channel.terrestrial import cell_columns

    carrier_hz, site_m, terminal_m, building_m, street_m, losses = structure.fading_parameters
    kind, wall, sight = structure.scattering  # type: ignore[misc]  # this kind has one
    heights: Any = {"site_m": site_m, "terminal_m": terminal_m, "building_m": building_m, "street_m": street_m}
    cell = Cell(kind=kind, carrier_hz=float(carrier_hz or 0.0), **heights)
    given: Any = {"line_of_sight": sight, "wall": None if wall == "no" else wall}
    columns = cell_columns(kind, cell.carrier_hz)
    return CellFading(cell, columns, shadowing=structure.shadowing, losses=bool(losses), **given)


def _sub_terahertz(structure: "LinkStructure") -> "Fading":
    carrier_hz, site_m, terminal_m, losses = (float(each or 0.0) for each in structure.fading_parameters)
    sight = structure.scattering[2]  # type: ignore[index]
    heights = {"site_m": site_m, "terminal_m": terminal_m}
    shadowing = structure.shadowing
    return SubTerahertzFading(carrier_hz, **heights, line_of_sight=sight, shadowing=shadowing, losses=bool(losses))


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
    "cdl": _terrestrial_clusters,
    "land-mobile": _land_mobile,
    "loo": _loo,
    "ntn-cdl": _clusters,
    "ntn-conformance": _delay_line,
    "ntn-rays": _rays,
    "ntn-tdl": _delay_line,
    "rician": lambda structure: RicianFading(los_doppler_ratio=structure.los_doppler_ratio),
    "rma": _cell,
    "shadowed-rician": _shadowed,
    "sub-thz": _sub_terahertz,
    "tdl": _delay_line,
    "uma": _cell,
    "umi": _cell,
}
"""What draws each kind of fading."""


def make_fading(structure: "LinkStructure") -> "Fading":
    """Generator of a structure's fading."""
    return FADINGS[structure.fading](structure)


def _scattering(structure: "LinkStructure") -> Scattering:
    given: Any = structure.scattering
    return Scattering(*given)


def fading_structure(
    air: Channel, *, sight: bool, budget: bool, shadowing: bool, terminal: scenario.Antenna | None = None
) -> dict[str, Any]:
    """Fields of `LinkStructure` that the fading decides.

    ``sight`` is the line of sight of the link; ``budget`` whether a link budget gives the power, so that the mean level
    of shadowed fading counts; ``shadowing`` whether the scenario has shadow fading drawn; ``terminal`` the antenna that
    scattered paths may be weighed by.
    """
    fading = air.fading
    found: dict[str, Any] = {"fading": fading.kind, "profile": getattr(fading, "profile", None)}
    found["los_doppler_ratio"] = getattr(fading, "los_doppler_ratio", 0.7)  # TR 38.901 7.7.2
    if isinstance(fading, scenario.NtnRays | scenario.NtnCdl | scenario.LandMobile):
        found["scattering"] = (air.environment, channel.band_of(air.carrier_ghz * 1e9), sight)
        found["table_interpolation"] = air.table_interpolation
    if isinstance(fading, scenario.NtnRays | scenario.NtnCdl):
        found |= ends_structure(fading, air, terminal)
    if isinstance(fading, scenario.NtnRays):
        found["shadowing"] = shadowing
        if fading.sight == "drawn":
            found["scattering"] = (*found["scattering"][:2], None)
        clutter = fading.sight == "drawn" and budget and air.losses.clutter
        found["fading_parameters"] = (
            float(clutter),
            float(fading.ground is not None),
            float(fading.departure != "none"),
        )
    elif isinstance(fading, scenario.NtnCdl | scenario.Cdl):
        found["fading_parameters"] = (fading.azimuth_spread_deg, fading.zenith_spread_deg)
    elif isinstance(fading, scenario.LandMobile):
        found["fading_parameters"] = (air.carrier_ghz,)
        found["shadowing"] = budget
    elif isinstance(fading, scenario.TerrestrialCell | scenario.SubTerahertz):
        found |= _cell_structure(air, fading, budget) | {"shadowing": shadowing}
    elif isinstance(fading, scenario.Loo):
        found["fading_parameters"] = (fading.direct_mean_db, fading.direct_sigma_db, fading.multipath_db)
        found["shadowing"] = budget
    elif isinstance(fading, scenario.ShadowedRician):
        own = {"b0": fading.b0, "m": fading.m, "omega": fading.omega}
        named = own if fading.shadowing is None else SHADOWINGS[fading.shadowing]
        found["fading_parameters"] = tuple(named[name] for name in ("b0", "m", "omega"))
        found["shadowing"] = budget
    return found


def _cell_structure(
    air: Channel, fading: scenario.TerrestrialCell | scenario.SubTerahertz, budget: bool
) -> dict[str, Any]:
    """What `_cell` and `_sub_terahertz` read."""
    heights: tuple[float | None, ...] = (fading.site_m, fading.terminal_m)
    place = "no"
    if isinstance(fading, scenario.TerrestrialCell):
        heights, place = (*heights, fading.building_m, fading.street_m), fading.indoors
    return {
        "scattering": (fading.kind, place, air.line_of_sight),
        "fading_parameters": (air.carrier_ghz * 1e9, *heights, float(budget)),
    }


def fading_values(air: Channel, structure: "LinkStructure", elevation_rad: float | None) -> tuple[float, float | None]:
    """Delay spread in s and total K-factor in dB of a point; of the ray model the medians; K may be None.

    Raises
    ------
    ScenarioError
        An elevation outside the tables that are needed.
    """
    if structure.channel_profile is None:
        return _drawn_values(air, structure, elevation_rad)
    fading, profile = air.fading, structure.channel_profile
    if isinstance(fading, scenario.Conformance):
        return 1e-9 * profile.rms_delay, profile.k_factor_db
    assert isinstance(fading, scenario.NtnTdl | scenario.NtnCdl | scenario.Tdl | scenario.Cdl)  # those with a profile
    follows, sight = fading.kind not in ("tdl", "cdl"), profile.line_of_sight
    spread_s = _given_or(
        None if fading.delay_spread_ns is None else 1e-9 * fading.delay_spread_ns,
        lambda: _median_spread_s(air, sight, elevation_rad),
    )
    if not sight:
        return spread_s, None
    k_db = _given_or(fading.k_factor_db, lambda: _median_k_db(air, elevation_rad) if follows else profile.k_factor_db)
    return spread_s, k_db


def _drawn_values(air: Channel, structure: "LinkStructure", elevation_rad: float | None) -> tuple[float, float | None]:
    """As `fading_values`, of kinds without a profile."""
    fading = air.fading
    if isinstance(fading, scenario.TerrestrialCell):
        return _cell_medians(air, fading)
    if isinstance(fading, scenario.NtnRays) and structure.scattering and elevation_rad is not None:
        sight = structure.scattering[2] is not False  # of drawn sight the medians with it
        spread_s = _given_or(None, lambda: _median_spread_s(air, sight, elevation_rad))
        return spread_s, _median_k_db(air, elevation_rad) if sight else None
    if isinstance(fading, scenario.Rician):
        return 0.0, _given_or(fading.k_factor_db, lambda: _median_k_db(air, elevation_rad))
    return 0.0, None


def _cell_medians(air: Channel, fading: scenario.TerrestrialCell) -> tuple[float, float | None]:
    """Median delay spread in s and K-factor in dB of the column that counts; of drawn sight the one with it."""
    from ntn6g.channel.terrestrial import cell_columns

    blocked = "blocked" if air.line_of_sight is False else "sight"
    column = cell_columns(fading.kind, air.carrier_ghz * 1e9)[blocked if fading.indoors == "no" else "indoors"]
    return 10.0 ** column["muDS"], column["muK"] if column["line_of_sight"] else None


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
    drawn = structure.fading in ("ntn-rays", "uma", "umi", "rma")
    prefix, spread = ("median_", True) if drawn else ("", structure.channel_profile is not None)
    found = {f"{prefix}delay_spread_ns": 1e9 * delay_spread_s} if spread else {}
    return found if k_factor_db is None else found | {f"{prefix}k_factor_db": k_factor_db}


def sight_facts(air: Channel, structure: "LinkStructure", elevation_rad: float | None) -> dict[str, float]:
    """The probability with which line of sight is drawn; nothing where it is not."""
    if structure.scattering is None or structure.scattering[2] is not None or elevation_rad is None:
        return {}
    if structure.fading != "ntn-rays":
        return {"los_probability": sight_probability(air, make_fading(structure), elevation_rad)}
    band, reading = channel.band_of(air.carrier_ghz * 1e9), (air.table_interpolation, air.below_table)
    found = channel.lookup(air.environment, band, True, "los_probability", elevation_rad, *reading)
    return {"los_probability": float(found)}


def late_share(structure: "LinkStructure", elevation_rad: float, delay_s: float) -> float:
    """Mean power that drawn delays put beyond a delay, of the ray model at an elevation to 0.1 degrees; else 0."""
    if structure.fading in ("uma", "umi", "rma", "sub-thz"):
        cell: Any = make_fading(structure)
        return float(cell.late_share(elevation_rad, delay_s))
    if structure.fading != "ntn-rays":
        return 0.0
    tenth = round(math.degrees(elevation_rad), 1)
    return _late_share(structure.scattering, structure.table_interpolation, tenth, float(delay_s))


@lru_cache(maxsize=4096)
def _late_share(scattering: Any, interpolation: Any, elevation_deg: float, cyclic_prefix_s: float) -> float:
    model = RayFading(*scattering, interpolation=interpolation)
    return model.late_share(math.radians(elevation_deg), cyclic_prefix_s)
