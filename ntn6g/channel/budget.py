"""Link budget: radiated power, losses, noise, and the carrier-to-noise ratio they leave, term by term."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
import tensorflow as tf

from ntn6g.channel.loss import (
    building_entry_loss_db,
    cloud_loss_db,
    clutter_loss_db,
    faraday_loss_db,
    free_space_loss_db,
    gas_loss_db,
    ionospheric_scintillation_db,
    rain_loss_db,
    scintillation_fade_db,
    slant_absorption_db,
    tropospheric_scintillation_db,
)
from ntn6g.channel.loss.gas import GasRule
from ntn6g.channel.loss.obstacles import Building
from ntn6g.channel.tables import BelowTable, Interpolation
from ntn6g.core.constants import BOLTZMANN_DBW_K_HZ, REFERENCE_TEMPERATURE_K
from ntn6g.core.errors import ScenarioError
from ntn6g.core.units import db_to_linear, linear_to_db

LOSS_TERMS = ("free_space", "gas", "rain", "cloud", "scintillation", "faraday", "clutter", "building", "shadow")
USUAL_TERMS = ("free_space", "gas", "scintillation", "clutter", "shadow")


@dataclass(frozen=True, kw_only=True)
class Weather:
    """What the terms ``gas`` (line by line), ``rain`` and ``cloud`` need of a place.

    Attributes
    ----------
    exceeded_percent : float
        Share of the year for which the rain and cloud losses are exceeded, 0.001 to 5 %.
    rain_rate_001_mm_h, rain_height_km : float
        Rain rate of 0.01 % of the year, and rain height above sea level.
    liquid_kg_m2 : float
        Cloud liquid water exceeded for that share.
    vapour_density_g_m3 : float
        Water vapour at sea level.
    latitude_rad, station_height_km : float
        Of the terminal.
    tilt_rad : float
        Polarisation tilt to the horizontal, pi/4 for circular.
    wet_refractivity : float
        Median wet term of the refractivity, N-units, for scintillation by P.618.

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


@dataclass(frozen=True, kw_only=True)
class LossOptions:
    """Which losses count, and which of the readings of the standard they follow.

    Attributes
    ----------
    terms : tuple of str
        Any of `LOSS_TERMS`, in the order in which they are shown; rain, cloud and building only where asked for.
    gas_method : str
        ``table``: the zenith values that TR 38.821 uses, 1 to 40 GHz; ``p676``: line by line through the layers
        of the reference atmosphere, 1 to 1000 GHz.
    gas_rule, gas_frequencies : str
        Of the table; see `ntn6g.channel.loss.gas.gas_loss_db`.
    interpolation, below_table : str
        See `ntn6g.channel.tables.lookup`.
    scintillation_method : str
        Tropospheric: ``table`` of TR 38.811, or ``p618`` with ``antenna_diameter_m``, ``antenna_efficiency`` and the
        weather, exceeded for its share; see `ntn6g.channel.loss.scintillation.scintillation_fade_db`.
    ionospheric_fluctuation_4ghz_db : float
        See `ntn6g.channel.loss.scintillation.ionospheric_scintillation_db`.
    shadow_margin_db : float
        The term ``shadow``: a margin; TR 38.821 takes 3 dB for handhelds in S band and 0 dB for VSATs.
    building, building_probability : str, float
        The term ``building``: see `ntn6g.channel.loss.obstacles.building_entry_loss_db`.
    weather : Weather
        Of the terminal's place.
    """

    terms: tuple[str, ...] = USUAL_TERMS
    gas_method: Literal["table", "p676"] = "table"
    gas_rule: GasRule = "cosecant"
    gas_frequencies: Literal["linear", "nearest"] = "linear"
    interpolation: Interpolation = "linear"
    below_table: BelowTable = "error"
    scintillation_method: Literal["table", "p618"] = "table"
    antenna_diameter_m: float = 1.0
    antenna_efficiency: float = 0.5
    ionospheric_fluctuation_4ghz_db: float = 1.1
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


def path_loss_terms_db(
    range_m: Any,
    elevation_rad: Any,
    carrier_hz: float,
    environment: str,
    line_of_sight: bool,
    options: LossOptions = LossOptions(),
) -> dict[str, Any]:
    r"""Loss of a satellite link by name, :math:`PL = FSPL + PL_g + PL_s + CL + SF`, with rain, cloud and O2I on demand.

    Parameters
    ----------
    range_m, elevation_rad : [...]
        Slant range and elevation. As TensorFlow tensors they give differentiable terms, except ``building`` and
        ``scintillation`` by P.618;
        interpolated tables then have the slope of their segment, and hold their end values outside.
    carrier_hz : float
        Carrier frequency.
    environment : str
        One of ``dense-urban urban suburban rural``.
    line_of_sight : bool
        Clutter counts only without line of sight.
    options : LossOptions
        Terms and readings.

    Returns
    -------
    dict of str to [...]
        Every term of ``options.terms`` in decibels.

    Raises
    ------
    ScenarioError
        Unknown environment, carrier or elevation outside a table.

    References
    ----------
    3GPP TR 38.811 V15.1.0, eq. (6.6-1) to (6.6-4); TR 38.821 V16.2.0, 6.1.3.1.
    """
    reading = (options.interpolation, options.below_table)
    terms = {
        "free_space": lambda: free_space_loss_db(range_m, carrier_hz),
        "gas": lambda: _gas_db(elevation_rad, carrier_hz, options),
        "rain": lambda: _rain_db(elevation_rad, carrier_hz, options.weather),
        "cloud": lambda: cloud_loss_db(elevation_rad, carrier_hz, options.weather.liquid_kg_m2),
        "scintillation": lambda: _scintillation_db(elevation_rad, carrier_hz, options),
        "faraday": lambda: np.full(np.shape(elevation_rad), faraday_loss_db(carrier_hz)),
        "clutter": lambda: clutter_loss_db(elevation_rad, carrier_hz, environment, line_of_sight, *reading),
        "building": lambda: building_entry_loss_db(
            elevation_rad, carrier_hz, options.building_probability, options.building
        ),
        "shadow": lambda: np.full(np.shape(elevation_rad), options.shadow_margin_db),
    }
    return {name: terms[name]() for name in options.terms}


def _scintillation_db(elevation_rad: Any, carrier_hz: float, options: LossOptions) -> Any:
    ionospheric_db = ionospheric_scintillation_db(carrier_hz, options.ionospheric_fluctuation_4ghz_db)
    if options.scintillation_method == "table" or carrier_hz < 6e9:  # below, the tropospheric part is zero
        reading = (options.interpolation, options.below_table)
        return ionospheric_db + tropospheric_scintillation_db(elevation_rad, carrier_hz, *reading)
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
    loss_db = slant_absorption_db(
        elevation_rad,
        carrier_hz,
        height_km=max(options.weather.station_height_km, 0.0),
        surface_vapour_g_m3=options.weather.vapour_density_g_m3,
    )
    return loss_db if tf.is_tensor(elevation_rad) else loss_db.numpy()


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


def g_over_t_db_k(antenna_gain_dbi: float, noise_figure_db: float, antenna_temperature_k: float) -> float:
    r"""Figure of merit :math:`G/T = G - NF - 10 \log_{10}(T_0 + (T_a - T_0) 10^{-NF/10})`, T0 = 290 K.

    References
    ----------
    3GPP TR 38.821 V16.2.0, 6.1.3.1.
    """
    excess_k = (antenna_temperature_k - REFERENCE_TEMPERATURE_K) * db_to_linear(-noise_figure_db)
    return float(antenna_gain_dbi - noise_figure_db - linear_to_db(REFERENCE_TEMPERATURE_K + excess_k))


@dataclass(frozen=True, kw_only=True)
class LinkBudget:
    """A link budget; ``cnr_db`` is by construction the sum of ``terms_db``.

    Attributes
    ----------
    eirp_dbw : [...]
        Radiated power in ``bandwidth_hz``.
    g_over_t_db_k : [...]
        Figure of merit of the receiver.
    bandwidth_hz : float
        Noise bandwidth.
    losses_db : mapping of str to [...]
        Losses by name, positive.
    """

    eirp_dbw: Any
    g_over_t_db_k: Any
    bandwidth_hz: float
    losses_db: Mapping[str, Any]

    @property
    def terms_db(self) -> dict[str, Any]:
        """Every term by name, signed as it enters the sum."""
        return {
            "eirp_dbw": self.eirp_dbw,
            "g_over_t_db_k": self.g_over_t_db_k,
            "boltzmann_dbw_k_hz": -BOLTZMANN_DBW_K_HZ,
            "bandwidth_dbhz": -linear_to_db(self.bandwidth_hz),
            **{f"{name}_db": -loss_db for name, loss_db in self.losses_db.items()},
        }

    @property
    def cnr_db(self) -> Any:
        """Carrier-to-noise ratio in ``bandwidth_hz``.

        With the occupied bandwidth (12 x resource blocks x subcarrier spacing) as ``bandwidth_hz`` this is
        Es/N0 per occupied resource element: power and noise divide by the same number of subcarriers.
        """
        return sum(self.terms_db.values())


def link_budget(
    *,
    g_over_t_db_k: Any,
    bandwidth_hz: float,
    losses_db: Mapping[str, Any],
    eirp_dbw: Any = None,
    eirp_density_dbw_mhz: Any = None,
) -> LinkBudget:
    r"""Budget :math:`CNR = EIRP + G/T - k - \sum losses - 10 \log_{10} B`.

    Parameters
    ----------
    g_over_t_db_k : [...]
        Figure of merit of the receiver, given or from `g_over_t_db_k`.
    bandwidth_hz : float
        Bandwidth over which power and noise are counted.
    losses_db : mapping
        From `path_loss_terms_db`, with any further loss by name.
    eirp_dbw, eirp_density_dbw_mhz : [...]
        Exactly one: total power, or power per megahertz, spread evenly over ``bandwidth_hz``.

    Returns
    -------
    LinkBudget
        Works on floats, NumPy arrays and tensors; differentiable in the losses.

    Raises
    ------
    ScenarioError
        Both or neither of the two powers given, or a bandwidth that is not positive.

    References
    ----------
    3GPP TR 38.821 V16.2.0, 6.1.3.1.
    """
    if (eirp_dbw is None) == (eirp_density_dbw_mhz is None):
        raise ScenarioError("give exactly one of eirp_dbw and eirp_density_dbw_mhz", key="power.budget")
    if not bandwidth_hz > 0.0:
        raise ScenarioError(f"a bandwidth of {bandwidth_hz:g} Hz is not positive", key="power.budget.bandwidth")
    if eirp_dbw is None:
        eirp_dbw = eirp_density_dbw_mhz + linear_to_db(bandwidth_hz / 1e6)
    return LinkBudget(
        eirp_dbw=eirp_dbw,
        g_over_t_db_k=g_over_t_db_k,
        bandwidth_hz=bandwidth_hz,
        losses_db=MappingProxyType(dict(losses_db)),
    )
