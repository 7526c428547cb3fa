"""What the path takes from a wave, term by term: which losses count, by which reading, and how they combine."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, NamedTuple

import numpy as np
import tensorflow as tf

from ntn6g.channel.loss import (
    building_entry_loss_db,
    cloud_loss_db,
    clutter_loss_db,
    combined_loss_db,
    faraday_loss_db,
    free_space_loss_db,
    gas_loss_db,
    ionospheric_scintillation_db,
    rain_loss_db,
    roadside_tree_fade_db,
    scintillation_fade_db,
    slant_absorption_db,
    slant_clutter_loss_db,
    tropospheric_scintillation_db,
)
from ntn6g.channel.loss.gas import GasRule, where_gas_counts
from ntn6g.channel.loss.obstacles import Building
from ntn6g.channel.loss.weather import column_absorption_db, reference_air
from ntn6g.channel.loss.weather.absorption import HIGHEST_GHZ
from ntn6g.channel.loss.weather.surface_absorption import HIGHEST_SURFACE_GHZ
from ntn6g.channel.tables import HIGHEST_TABLE_GHZ, LOWEST_TABLE_GHZ, BelowTable, Interpolation
from ntn6g.core.errors import ScenarioError

LOSS_TERMS = (
    "free_space", "gas", "rain", "cloud", "scintillation", "faraday", "clutter", "trees", "building", "shadow",
)  # fmt: skip
USUAL_TERMS = ("free_space", "gas", "scintillation", "clutter", "shadow")
_AT_ONCE = 4_096  # elevations whose layers are held in memory
IONOSPHERE_BELOW_HZ = 6e9
"""Scintillation is ionospheric below, tropospheric from here on: TR 38.811 V15.1.0, 6.6.6."""


@dataclass(frozen=True, kw_only=True)
class Weather:
    """What the terms ``gas`` (line by line), ``rain``, ``cloud`` and ``scintillation`` (P.618) need of a place.

    Attributes
    ----------
    exceeded_percent : float
        Share of the year for which rain and scintillation losses are exceeded, 0.001 to 5 %.
    rain_rate_001_mm_h, rain_height_km : float
        Rain rate of 0.01 % of the year, and rain height above sea level.
    liquid_kg_m2 : float
        Cloud liquid water; by ITU-R P.618, 2.5, exceeded for the larger of that share and 5 %.
    vapour_density_g_m3 : float
        Water vapour at sea level; by the same clause exceeded for the larger of that share and 5 %.
    latitude_rad, station_height_km : float
        Of the terminal.
    tilt_rad : float
        Polarisation tilt to the horizontal, pi/4 for circular.
    wet_refractivity : float
        Median wet term of the refractivity, N-units, for scintillation by P.618.
    vapour_column_kg_m2, temperature_k : float, optional
        Integrated water vapour above the station and temperature there, with which gases follow `column_absorption_db`;
        without the column they follow `slant_absorption_db`, line by line through the reference atmosphere.

    References
    ----------
    Defaults: ITU-R P.835-6, Annex 1, 1.2 (7.5 g/m3). There is no default climate.
    """

    exceeded_percent: float = 0.1
    rain_rate_001_mm_h: float = 0.0
    rain_height_km: float = 0.0
    liquid_kg_m2: float = 0.0
    vapour_density_g_m3: float = 7.5
    latitude_rad: float = 0.0
    station_height_km: float = 0.0
    tilt_rad: float = math.pi / 4.0
    wet_refractivity: float = 0.0
    vapour_column_kg_m2: float | None = None
    temperature_k: float = 288.15


@dataclass(frozen=True, kw_only=True)
class LossOptions:
    """Which losses count, and which of the readings of the standard they follow.

    Attributes
    ----------
    terms : tuple of str
        Any of `LOSS_TERMS`, in the order in which they are shown; those not in `USUAL_TERMS` only where asked for.
    gas_method : str
        ``p676``: line by line through the layers of the reference atmosphere, 1 to 1000 GHz, or by the water vapour
        column of the weather, 1 to 350 GHz; ``table``: the zenith values that TR 38.821 uses, 1 to 40 GHz.
    gas_rule, gas_frequencies : str
        When gases count, and how the table is read; see `ntn6g.channel.loss.gas.gas_loss_db`.
    interpolation, below_table : str
        See `ntn6g.channel.tables.lookup`.
    scintillation_method : str
        Tropospheric: ``table`` of TR 38.811, exceeded for 1 % or, beside rain or cloud which it is combined with, for
        the share of the weather; or ``p618`` with ``antenna_diameter_m``, ``antenna_efficiency`` and the weather,
        exceeded for its share. See `ntn6g.channel.loss.scintillation`.
    ionospheric_fluctuation_4ghz_db : float
        See `ntn6g.channel.loss.scintillation.ionospheric_scintillation_db`.
    combination : str
        How rain, cloud and tropospheric scintillation of one share of the year add up: ``p618`` as `combined_loss_db`,
        or ``sum``.
    clutter_method, clutter_probability : str, float
        ``tr38811``: the tables, where there is no line of sight; ``p2108``: the loss not exceeded at this share of
        locations, whatever the line of sight; see `ntn6g.channel.loss.obstacles.slant_clutter_loss_db`.
    trees_percent : float
        The term ``trees``: see `ntn6g.channel.loss.obstacles.roadside_tree_fade_db`.
    shadow_margin_db : float
        The term ``shadow``: a margin; TR 38.821 takes 3 dB for handhelds in S band and 0 dB for VSATs.
    building, building_probability : str, float
        The term ``building``: see `ntn6g.channel.loss.obstacles.building_entry_loss_db`.
    weather : Weather
        Of the terminal's place.
    """

    terms: tuple[str, ...] = USUAL_TERMS
    gas_method: Literal["table", "p676"] = "p676"
    gas_rule: GasRule = "cosecant"
    gas_frequencies: Literal["linear", "nearest"] = "linear"
    interpolation: Interpolation = "linear"
    below_table: BelowTable = "error"
    scintillation_method: Literal["table", "p618"] = "table"
    antenna_diameter_m: float = 1.0
    antenna_efficiency: float = 0.5
    ionospheric_fluctuation_4ghz_db: float = 1.1
    combination: Literal["p618", "sum"] = "p618"
    clutter_method: Literal["tr38811", "p2108"] = "tr38811"
    clutter_probability: float = 0.5
    trees_percent: float = 50.0
    shadow_margin_db: float = 0.0
    building: Building = "traditional"
    building_probability: float = 0.5
    weather: Weather = Weather()

    def __post_init__(self) -> None:
        unknown = [term for term in self.terms if term not in LOSS_TERMS]
        if unknown:
            raise ScenarioError(
                f"{unknown[0]!r} is not a loss; there are {', '.join(LOSS_TERMS)}", key="channel.losses"
            )


class Span(NamedTuple):
    """Where the method of a term holds."""

    lowest_ghz: float = 0.0
    highest_ghz: float = math.inf
    highest_deg: float = 90.0
    source: str = ""


def span_of(term: str, options: LossOptions) -> Span:
    """Carriers and elevations for which a term has a method; lower ends of elevation as `path_loss_terms_db` says."""
    if term == "gas":
        if options.gas_method == "table":
            return Span(1.0, 40.0, source="TR 38.821")
        by_column = options.weather.vapour_column_kg_m2 is not None
        return Span(1.0, HIGHEST_SURFACE_GHZ if by_column else HIGHEST_GHZ, source="ITU-R P.676")
    if term == "scintillation":
        by_table = options.scintillation_method == "table"
        return Span(0.0, *((HIGHEST_TABLE_GHZ, 90.0, "TR 38.811") if by_table else (55.0, 90.0, "ITU-R P.618")))
    if term == "clutter" and options.clutter_method == "p2108":
        return Span(0.5, 67.0, source="ITU-R P.2108")
    if term == "clutter":
        return Span(LOWEST_TABLE_GHZ, HIGHEST_TABLE_GHZ, source="TR 38.811")
    return {
        "rain": Span(1.0, 55.0, source="ITU-R P.618"),
        "cloud": Span(1.0, 200.0, source="ITU-R P.840"),
        "building": Span(0.08, 100.0, source="ITU-R P.2109"),
        "trees": Span(0.8, 20.0, 60.0, source="ITU-R P.681"),
    }.get(term, Span())


def path_loss_terms_db(
    range_m: Any,
    elevation_rad: Any,
    carrier_hz: float,
    environment: str,
    line_of_sight: bool,
    options: LossOptions = LossOptions(),
    *,
    only: tuple[str, ...] | None = None,
) -> dict[str, Any]:
    r"""Loss of a satellite link by name; the loss of the path is their sum.

    :math:`PL = FSPL + PL_g + PL_s + CL + SF`, with rain, cloud, trees and O2I on demand. Where rain or cloud stand
    beside tropospheric scintillation, the entry ``combination``, which is negative, makes the sum that of ITU-R P.618.

    Parameters
    ----------
    range_m, elevation_rad : [...]
        Slant range and elevation. As TensorFlow tensors they give differentiable terms, except ``building``, ``trees``,
        ``clutter`` by P.2108 and ``scintillation`` by P.618;
        interpolated tables then have the slope of their segment, and hold their end values outside.
    carrier_hz : float
        Carrier frequency.
    environment : str
        One of ``dense-urban urban suburban rural``.
    line_of_sight : bool
        Clutter of the tables counts only without line of sight.
    options : LossOptions
        Terms and readings.
    only : tuple of str, optional
        Some of the terms, without ``combination``; each as it is beside all the terms of ``options``.

    Returns
    -------
    dict of str to [...]
        Every term of ``options.terms`` in decibels, and ``combination``.

    Raises
    ------
    ScenarioError
        Unknown environment, carrier or elevation outside a table or a method.

    References
    ----------
    3GPP TR 38.811 V15.1.0, eq. (6.6-1) to (6.6-4); TR 38.821 V16.2.0, 6.1.3.1; ITU-R P.618-14 (08/2023), 2.5.
    """
    reading = (options.interpolation, options.below_table)
    terms = {
        "free_space": lambda: free_space_loss_db(range_m, carrier_hz),
        "gas": lambda: _gas_db(elevation_rad, carrier_hz, options),
        "rain": lambda: _rain_db(elevation_rad, carrier_hz, options.weather),
        "cloud": lambda: cloud_loss_db(elevation_rad, carrier_hz, options.weather.liquid_kg_m2),
        "scintillation": lambda: _scintillation_db(elevation_rad, carrier_hz, options),
        "faraday": lambda: np.full(np.shape(elevation_rad), faraday_loss_db(carrier_hz)),
        "clutter": lambda: (
            slant_clutter_loss_db(elevation_rad, carrier_hz, options.clutter_probability)
            if options.clutter_method == "p2108"
            else clutter_loss_db(elevation_rad, carrier_hz, environment, line_of_sight, *reading)
        ),
        "trees": lambda: roadside_tree_fade_db(elevation_rad, carrier_hz, options.trees_percent),
        "building": lambda: building_entry_loss_db(
            elevation_rad, carrier_hz, options.building_probability, options.building
        ),
        "shadow": lambda: np.full(np.shape(elevation_rad), options.shadow_margin_db),
    }
    found = {name: terms[name]() for name in (options.terms if only is None else only)}
    return found if only is not None else found | combination_db(found, carrier_hz, options)


def combination_db(terms_db: Mapping[str, Any], carrier_hz: float, options: LossOptions) -> dict[str, Any]:
    """``combination``: what P.618 takes off the sum of rain, cloud and tropospheric scintillation; else nothing.

    Below 6 GHz scintillation is the ionosphere's, of which the clause does not speak, and adds.
    """
    wet = [terms_db[name] for name in ("rain", "cloud") if name in terms_db]
    if options.combination == "sum" or not wet or "scintillation" not in terms_db or carrier_hz < IONOSPHERE_BELOW_HZ:
        return {}
    rain_db, cloud_db, fade_db = wet[0], sum(wet[1:]), terms_db["scintillation"]
    together = combined_loss_db(gas_db=0.0, rain_db=rain_db, cloud_db=cloud_db, scintillation_db=fade_db)
    return {"combination": together - (rain_db + cloud_db + fade_db)}


def _scintillation_db(elevation_rad: Any, carrier_hz: float, options: LossOptions) -> Any:
    ionospheric_db = ionospheric_scintillation_db(carrier_hz, options.ionospheric_fluctuation_4ghz_db)
    if options.scintillation_method == "table" or carrier_hz < IONOSPHERE_BELOW_HZ:
        reading = (options.interpolation, options.below_table)
        combined = options.combination == "p618" and {"rain", "cloud"} & set(options.terms)
        share = options.weather.exceeded_percent if combined else 1.0
        return ionospheric_db + tropospheric_scintillation_db(elevation_rad, carrier_hz, *reading, share)
    return scintillation_fade_db(
        np.asarray(elevation_rad, np.float64),
        carrier_hz,
        wet_refractivity=options.weather.wet_refractivity,
        exceeded_percent=options.weather.exceeded_percent,
        antenna_diameter_m=options.antenna_diameter_m,
        antenna_efficiency=options.antenna_efficiency,
    )


def _gas_db(elevation_rad: Any, carrier_hz: float, options: LossOptions) -> Any:
    if options.gas_method == "table":
        return gas_loss_db(elevation_rad, carrier_hz, rule=options.gas_rule, frequencies=options.gas_frequencies)
    loss_db = _absorption_db(elevation_rad, carrier_hz, options.weather)
    return where_gas_counts(loss_db, elevation_rad, carrier_hz, options.gas_rule)


def _absorption_db(elevation_rad: Any, carrier_hz: float, weather: Weather) -> Any:
    """Gases by ITU-R P.676: by the column of water vapour where it is known, else line by line."""
    height_km, vapour_g_m3 = max(weather.station_height_km, 0.0), weather.vapour_density_g_m3
    if weather.vapour_column_kg_m2 is not None:
        return column_absorption_db(
            elevation_rad,
            carrier_hz,
            temperature_k=weather.temperature_k,
            dry_pressure_hpa=float(reference_air(height_km, 0.0).dry_pressure_hpa),
            vapour_density_g_m3=vapour_g_m3 * math.exp(-height_km / 2.0),  # at the station: P.835-6, 1.2
            vapour_column_kg_m2=weather.vapour_column_kg_m2,
            height_km=height_km,
        )
    by_lines = partial(slant_absorption_db, height_km=height_km, surface_vapour_g_m3=vapour_g_m3)
    if tf.is_tensor(elevation_rad):
        return by_lines(elevation_rad, carrier_hz)
    flat = np.asarray(elevation_rad, np.float64).ravel()
    parts = [by_lines(flat[k : k + _AT_ONCE], carrier_hz).numpy() for k in range(0, flat.size, _AT_ONCE)]
    return np.concatenate([np.zeros(0), *parts]).reshape(np.shape(elevation_rad))


def _rain_db(elevation_rad: Any, carrier_hz: float, weather: Weather) -> Any:
    return rain_loss_db(
        elevation_rad if tf.is_tensor(elevation_rad) else np.asarray(elevation_rad, np.float64),
        carrier_hz,
        exceeded_percent=weather.exceeded_percent,
        rain_rate_001_mm_h=weather.rain_rate_001_mm_h,
        rain_height_km=weather.rain_height_km,
        latitude_rad=weather.latitude_rad,
        station_height_km=weather.station_height_km,
        tilt_rad=weather.tilt_rad,
    )
