"""Losses of a channel study over elevation or carrier, each where its method holds, and their total."""

from dataclasses import replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ntn6g import channel
from ntn6g.core.units import METRES_PER_KILOMETRE
from ntn6g.orbit import slant_range_m
from ntn6g.scenario import Channel, Survey, Terminal
from ntn6g.study.build.loss_terms import line_of_sight, loss_options
from ntn6g.study.build.power import discrimination_db

_GAS_METHODS: tuple[Literal["table", "p676"], ...] = ("table", "p676")
_IONOSPHERE_KM = 60.0  # where it begins by day
_DISCRIMINATION_GHZ = (4.0, 55.0)  # ITU-R P.618-14, 4.1 and 4.3


def options_of(air: Channel, survey: Survey, terminal: Terminal | None) -> channel.LossOptions:
    """Options of the losses; nothing of the ionosphere counts under a platform that flies below it."""
    return loss_options(air, terminal, below_ionosphere=survey.altitude_km < _IONOSPHERE_KM)


def terms_db(
    air: Channel,
    survey: Survey,
    options: channel.LossOptions,
    elevation_deg: NDArray[np.float64],
    carrier_ghz: float,
    sight: bool | None = None,
) -> dict[str, NDArray[np.float64]]:
    """Every loss that the scenario counts, [elevation] each; NaN where its method does not reach.

    ``combination`` is that of the terms which do. ``sight`` None takes the scenario's line of sight.
    """
    elevation = np.radians(elevation_deg)
    range_m = np.asarray(slant_range_m(elevation, np.float64(survey.altitude_km * METRES_PER_KILOMETRE)))
    seen = line_of_sight(air) if sight is None else sight
    found = {}
    for term in options.terms:
        span = channel.span_of(term, options)
        held = (elevation_deg <= span.highest_deg) & (span.lowest_ghz <= carrier_ghz <= span.highest_ghz)
        found[term] = np.full(elevation.shape, np.nan)
        if held.any():
            place = range_m[held], elevation[held], carrier_ghz * 1e9, air.environment, seen
            value = channel.path_loss_terms_db(*place, options, only=(term,))[term]
            found[term][held] = np.asarray(value, np.float64)
    there = {term: np.nan_to_num(values) for term, values in found.items()}
    return found | channel.combination_db(there, carrier_ghz * 1e9, options)


def total_db(terms: dict[str, NDArray[np.float64]]) -> NDArray[np.float64]:
    """Sum of the terms where each holds."""
    return np.asarray(np.nansum(np.stack(list(terms.values())), axis=0))


def left_out(options: channel.LossOptions, carrier_ghz: float, elevation_deg: float) -> str:
    """Terms that do not reach a carrier or an elevation, with their limits; empty where all do."""
    words = []
    for term in options.terms:
        span = channel.span_of(term, options)
        if not span.lowest_ghz <= carrier_ghz <= span.highest_ghz:
            words.append(f"{term}: {limits_of(span)}")
        elif elevation_deg > span.highest_deg:
            words.append(f"{term}: to {span.highest_deg:g} deg by {span.source}")
    return "; ".join(words)


def limits_of(span: channel.Span) -> str:
    """Carriers of a span in words."""
    if not np.isfinite(span.highest_ghz):
        return f"from {span.lowest_ghz:g} GHz by {span.source}"
    lowest = f"{span.lowest_ghz:g} " if span.lowest_ghz > 0.0 else ""
    return f"{lowest}to {span.highest_ghz:g} GHz by {span.source}"


def gas_by_methods_db(
    air: Channel,
    survey: Survey,
    options: channel.LossOptions,
    elevation_deg: NDArray[np.float64],
    carrier_ghz: float,
) -> NDArray[np.float64]:
    """Gases by the table and line by line, [method, elevation]; NaN where a method does not reach."""
    each = [replace(options, terms=("gas",), gas_method=method) for method in _GAS_METHODS]
    return np.stack([terms_db(air, survey, one, elevation_deg, carrier_ghz)["gas"] for one in each])


def gas_columns(by_method_db: NDArray[np.float64]) -> dict[str, float]:
    """Both methods at one place as columns."""
    return {f"gas_{method}_loss_db": float(each[0]) for method, each in zip(_GAS_METHODS, by_method_db, strict=True)}


def polar_db(
    air: Channel, terms: dict[str, NDArray[np.float64]], elevation_deg: NDArray[np.float64], carrier_ghz: float
) -> NDArray[np.float64] | None:
    """Cross-polar discrimination under the rain among the terms; None unless asked for, NaN outside its carriers."""
    if not air.losses.cross_polar:
        return None
    low, high = _DISCRIMINATION_GHZ
    if not low <= carrier_ghz <= high:
        return np.full(elevation_deg.shape, np.nan)
    return np.asarray(discrimination_db(air, terms["rain"], np.radians(elevation_deg), carrier_ghz), np.float64)


def against_elevation(
    air: Channel, survey: Survey, options: channel.LossOptions, elevation_deg: NDArray[np.float64]
) -> dict[str, Any]:
    """Arrays over the elevation axis: losses [term, elevation], their total, gases by method, discrimination."""
    terms = terms_db(air, survey, options, elevation_deg, air.carrier_ghz)
    found = {
        "elevation_deg": elevation_deg,
        "loss_elevation_db": np.stack(list(terms.values())),
        "total_elevation_db": total_db(terms),
        "gas_elevation_db": gas_by_methods_db(air, survey, options, elevation_deg, air.carrier_ghz),
        "terms": np.array(list(terms)),
    }
    polar = polar_db(air, terms, elevation_deg, air.carrier_ghz)
    return found if polar is None else found | {"xpd_elevation_db": polar}


def against_frequency(
    air: Channel, survey: Survey, options: channel.LossOptions, frequency_ghz: NDArray[np.float64]
) -> dict[str, Any]:
    """Arrays over the frequency axis, gases line by line all along; ``spans`` tells what ends where."""
    by_lines = replace(options, gas_method="p676")
    at = np.array([survey.elevation_deg])
    terms = [terms_db(air, survey, by_lines, at, float(f)) for f in frequency_ghz]
    names = list(dict.fromkeys(name for each in terms for name in each))
    zero = np.zeros(1)
    found = {
        "frequency_ghz": frequency_ghz,
        "loss_frequency_db": np.array([[each.get(name, zero)[0] for each in terms] for name in names]),
        "total_frequency_db": np.array([total_db(each)[0] for each in terms]),
        "gas_frequency_db": np.array(
            [gas_by_methods_db(air, survey, options, at, float(f))[:, 0] for f in frequency_ghz]
        ).T,
        "terms_frequency": np.array(names),
        "spans": np.array(_spans(by_lines, frequency_ghz)),
    }
    if air.losses.cross_polar:
        polar = [polar_db(air, each, at, float(f)) for each, f in zip(terms, frequency_ghz, strict=True)]
        found["xpd_frequency_db"] = np.array([np.nan if each is None else each[0] for each in polar])
    return found


def _spans(options: channel.LossOptions, frequency_ghz: NDArray[np.float64]) -> list[str]:
    """Terms whose method covers a part of the axis only, in words."""
    ends = {term: channel.span_of(term, options) for term in options.terms}
    short = {t: s for t, s in ends.items() if s.lowest_ghz > frequency_ghz[0] or s.highest_ghz < frequency_ghz[-1]}
    return [f"{term} {limits_of(span)}" for term, span in short.items()]


def fixed_loss_db(air: Channel, survey: Survey, options: channel.LossOptions, sight: bool) -> float:
    """Total at the survey's own elevation and carrier without the shadow margin."""
    terms = replace(options, terms=tuple(term for term in options.terms if term != "shadow"))
    return float(total_db(terms_db(air, survey, terms, np.array([survey.elevation_deg]), air.carrier_ghz, sight))[0])
