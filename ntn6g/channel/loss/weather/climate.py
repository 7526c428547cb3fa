"""Annual statistics of a place, from the digital maps of ITU-R; needs the extra ``climate``."""

from dataclasses import dataclass
from typing import Any

from ntn6g.core.errors import ScenarioError


@dataclass(frozen=True, kw_only=True)
class Climate:
    """What the weather terms need to know of a place; exceeded values at one share of the year.

    Attributes
    ----------
    rain_rate_001_mm_h : float
        Rain rate exceeded 0.01 % of the year (P.837).
    rain_probability_percent : float
        Share of the year with rain (P.837).
    rain_height_km : float
        Mean rain height (P.839).
    liquid_kg_m2 : float
        Cloud liquid water exceeded (P.840).
    vapour_column_kg_m2, vapour_density_g_m3 : float
        Integrated and surface water vapour exceeded (P.836).
    wet_refractivity : float
        Median wet term of the refractivity, N-units (P.453).
    temperature_k : float
        Mean surface temperature (P.1510).
    altitude_km : float
        Height of the ground above sea level (P.1511).
    """

    rain_rate_001_mm_h: float
    rain_probability_percent: float
    rain_height_km: float
    liquid_kg_m2: float
    vapour_column_kg_m2: float
    vapour_density_g_m3: float
    wet_refractivity: float
    temperature_k: float
    altitude_km: float


def at_location(
    latitude_deg: float,
    longitude_deg: float,
    *,
    exceeded_percent: float = 0.01,
    station_height_km: float = 0.0,
    key: str = "channel.weather",
    instead: str = "rain_rate_001_mm_h and rain_height_km",
) -> Climate:
    """Read the maps for one place; the library holds the editions that its own documentation lists.

    ``key`` and ``instead`` say, where the maps are missing, whose numbers they would be and which to give.

    Raises
    ------
    ScenarioError
        When the extra is not installed.
    """
    try:
        from itur import models
    except ImportError:
        raise ScenarioError(
            "weather from a location needs the maps of the extra climate: pip install 'ntn6g[climate]', "
            f"or give {instead}",
            key=key,
        ) from None
    lat, lon = float(latitude_deg), float(longitude_deg)
    # P.840 and P.836 have maps from 0.1 % on; smaller shares take that of 0.1 %.
    mapped_percent = min(max(exceeded_percent, 0.1), 99.0)
    reading = {
        "rain_rate_001_mm_h": models.itu837.rainfall_rate(lat, lon, 0.01),
        "rain_probability_percent": models.itu837.rainfall_probability(lat, lon),
        "rain_height_km": models.itu839.rain_height(lat, lon),
        "liquid_kg_m2": models.itu840.columnar_content_reduced_liquid(lat, lon, mapped_percent),
        "vapour_column_kg_m2": models.itu836.total_water_vapour_content(lat, lon, mapped_percent, station_height_km),
        "vapour_density_g_m3": models.itu836.surface_water_vapour_density(lat, lon, mapped_percent, station_height_km),
        "wet_refractivity": models.itu453.map_wet_term_radio_refractivity(lat, lon, 50),
        "temperature_k": models.itu1510.surface_mean_temperature(lat, lon),
        "altitude_km": models.itu1511.topographic_altitude(lat, lon),
    }
    return Climate(**{name: float(getattr(found, "value", found)) for name, found in reading.items()})


def combined_loss_db(*, gas_db: Any, rain_db: Any, cloud_db: Any, scintillation_db: Any) -> Any:
    r"""Attenuation exceeded for a share of the year, :math:`A_G + \sqrt{(A_R + A_C)^2 + A_S^2}`.

    Rain and scintillation are taken at the share p; gas and cloud at the larger of p and 5 %, since a large part of
    both is contained in the rain attenuation at smaller shares. Floats, arrays or tensors.

    References
    ----------
    ITU-R P.618-14 (08/2023), 2.5, eq. (64) and following.
    """
    wet_db = rain_db + cloud_db
    # where all three are nothing the root has no slope; 1e-30 dB^2 gives it one and moves no value
    return gas_db + (wet_db**2 + scintillation_db**2 + 1e-30) ** 0.5
