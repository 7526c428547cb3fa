"""Scintillation: ionospheric below 6 GHz, tropospheric above."""

import math
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike, NDArray

from ntn6g.channel.tables import HIGHEST_TABLE_GHZ, BelowTable, Interpolation, lookup
from ntn6g.core.errors import ScenarioError
from ntn6g.core.units import DEGREES_TO_RADIANS


def ionospheric_scintillation_db(carrier_hz: float, fluctuation_4ghz_db: float = 1.1) -> float:
    r"""Ionospheric scintillation :math:`P_{fluc}(f)/\sqrt 2`, :math:`P_{fluc}(f) = P_{fluc}(4) (f/4)^{-1.5}`.

    Parameters
    ----------
    carrier_hz : float
        Carrier frequency; from 6 GHz up the term is zero.
    fluctuation_4ghz_db : float
        Peak-to-peak fluctuation at 4 GHz, 1.1 dB as TR 38.821 takes it (2.2 dB of loss at 2 GHz) whatever the
        latitude; `ionospheric_fluctuation_db` says what TR 38.811 takes at one.

    Returns
    -------
    float
        Loss in decibels.

    References
    ----------
    3GPP TR 38.811 V15.1.0, 6.6.6.1 (ITU-R P.531); TR 38.821 V16.2.0, 6.1.3.1.
    """
    if carrier_hz >= 6e9:
        return 0.0
    return float(fluctuation_4ghz_db * (carrier_hz / 4e9) ** -1.5 / math.sqrt(2.0))


def ionospheric_fluctuation_db(latitude_rad: float) -> float:
    """Peak-to-peak fluctuation at 4 GHz that system simulations take at a latitude.

    Within 20 degrees of the equator 1.1 dB, the value of TR 38.821 (TR 38.811 reads it from statistics of Hong Kong);
    none up to 60 degrees; the 17 dB of strong scintillation (S4 = 0.7) beyond.

    References
    ----------
    3GPP TR 38.811 V15.1.0, 6.6.6.1.4; TR 38.821 V16.2.0, 6.1.3.1.
    """
    latitude_deg = abs(latitude_rad) / DEGREES_TO_RADIANS
    if latitude_deg <= 20.0 + 1e-9:
        return 1.1
    return 0.0 if latitude_deg <= 60.0 + 1e-9 else 17.0


def tropospheric_scintillation_db(
    elevation_rad: Any,
    carrier_hz: float,
    interpolation: Interpolation = "linear",
    below_table: BelowTable = "error",
    exceeded_percent: float = 1.0,
) -> Any:
    """Tropospheric scintillation of the table of TR 38.811, from 6 to 100 GHz.

    The table holds what is exceeded 1 % of the time at 20 GHz in Toulouse; TR 38.811 takes it as it is for system
    simulations above 6 GHz, and TR 38.821 at 30 GHz too. `scintillation_fade_db` follows carrier, place and antenna.
    Below 6 GHz the term is zero. Other arguments and errors as `ntn6g.channel.tables.lookup`.

    Parameters
    ----------
    exceeded_percent : float
        Another share of the time, 0.01 to 50 %, by the ratio of the time percentage factors of ITU-R P.618.

    Raises
    ------
    ScenarioError
        A carrier above 100 GHz, where TR 38.811 ends, or a share outside 0.01 to 50 %.

    References
    ----------
    3GPP TR 38.811 V15.1.0, 6.1.3 (range), 6.6.6.2.1 and Table 6.6.6.2.1-1; TR 38.821 V16.2.0, 6.1.3.1;
    ITU-R P.618-14 (08/2023), 2.4.1, step 8 (share of the time).
    """
    if carrier_hz < 6e9:
        return elevation_rad * 0.0 if tf.is_tensor(elevation_rad) else np.zeros(np.shape(elevation_rad))
    if carrier_hz > 1e9 * HIGHEST_TABLE_GHZ:
        raise ScenarioError(
            f"{carrier_hz / 1e9:g} GHz is above the {HIGHEST_TABLE_GHZ:g} GHz of the scintillation of TR 38.811; "
            "switch the term scintillation off",
            key="channel.carrier_ghz",
        )
    if not 0.01 <= exceeded_percent <= 50.0:
        raise ScenarioError(
            f"{exceeded_percent:g} % is outside the 0.01 to 50 % of scintillation by ITU-R P.618, 2.4.1",
            key="channel.weather.exceeded_percent",
        )
    # The table knows neither environment nor band; any will do.
    one_percent_db = lookup(
        "urban", "Ka", True, "tropospheric_scintillation_db", elevation_rad, interpolation, below_table
    )
    return one_percent_db * (_time_factor(exceeded_percent) / _time_factor(1.0))


def _time_factor(exceeded_percent: float) -> float:
    """Fade over the standard deviation of scintillation: ITU-R P.618-14, 2.4.1, step 8."""
    log_p = math.log10(exceeded_percent)
    return -0.061 * log_p**3 + 0.072 * log_p**2 - 1.71 * log_p + 3.0


def scintillation_fade_db(
    elevation_rad: ArrayLike,
    carrier_hz: float,
    *,
    wet_refractivity: float,
    exceeded_percent: float,
    antenna_diameter_m: float,
    antenna_efficiency: float = 0.5,
    turbulence_height_m: float = 1_000.0,
) -> NDArray[np.float64]:
    """Tropospheric scintillation fade exceeded for a share of the time, for a place and an antenna.

    Parameters
    ----------
    elevation_rad : [...]
        5 to 90 degrees.
    carrier_hz : float
        4 to 55 GHz.
    wet_refractivity : float
        Median wet term of the refractivity, N-units (ITU-R P.453).
    exceeded_percent : float
        0.01 to 50 %.
    antenna_diameter_m, antenna_efficiency : float
        Of the ground antenna, whose aperture averages.
    turbulence_height_m : float
        Height of the turbulent layer.

    Raises
    ------
    ScenarioError
        Carrier, percentage or elevation outside the method.

    References
    ----------
    ITU-R P.618-14 (08/2023), 2.4.1, steps 1 to 9.
    """
    elevation = np.asarray(elevation_rad, np.float64)
    f_ghz, p = carrier_hz / 1e9, exceeded_percent
    if not 4.0 <= f_ghz <= 55.0 or not 0.01 <= p <= 50.0 or (elevation < np.deg2rad(5.0) - 1e-9).any():
        raise ScenarioError(
            f"{f_ghz:g} GHz, {p:g} % and {np.rad2deg(elevation.min()):.3g} degrees must lie in the 4 to 55 GHz, "
            "0.01 to 50 % and 5 to 90 degrees of ITU-R P.618, 2.4.1",
            key="channel.weather",
        )
    sine = np.sin(elevation)
    path_m = 2.0 * turbulence_height_m / (np.sqrt(sine**2 + 2.35e-4) + sine)
    x = 1.22 * antenna_efficiency * antenna_diameter_m**2 * f_ghz / path_m
    averaging = 3.86 * (x**2 + 1.0) ** (11.0 / 12.0) * np.sin(11.0 / 6.0 * np.arctan2(1.0, x)) - 7.08 * x ** (5.0 / 6.0)
    averaging = np.where(x >= 7.0, 0.0, np.sqrt(np.maximum(averaging, 0.0)))
    sigma_db = (3.6e-3 + 1e-4 * wet_refractivity) * f_ghz ** (7.0 / 12.0) * averaging / sine**1.2
    return np.asarray(sigma_db * _time_factor(p))


def ionospheric_scale_db(s4: float) -> float:
    r"""Peak-to-peak fluctuation at 4 GHz of a scintillation index, :math:`27.5\, S_4^{1.26}`.

    References
    ----------
    3GPP TR 38.811 V15.1.0, eq. (6.6-14) (ITU-R P.531).
    """
    return float(27.5 * s4**1.26)
