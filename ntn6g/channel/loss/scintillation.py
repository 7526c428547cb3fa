"""Scintillation: ionospheric below 6 GHz, tropospheric above."""

import math
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike, NDArray

from ntn6g.channel.tables import BelowTable, Interpolation, lookup
from ntn6g.core.errors import ScenarioError


def ionospheric_scintillation_db(carrier_hz: float, fluctuation_4ghz_db: float = 1.1) -> float:
    r"""Ionospheric scintillation :math:`P_{fluc}(f)/\sqrt 2`, :math:`P_{fluc}(f) = P_{fluc}(4) (f/4)^{-1.5}`.

    Parameters
    ----------
    carrier_hz : float
        Carrier frequency; from 6 GHz up the term is zero.
    fluctuation_4ghz_db : float
        Peak-to-peak fluctuation at 4 GHz, 1.1 dB as TR 38.821 takes it (2.2 dB of loss at 2 GHz). The rule
        holds within 20 degrees of the geomagnetic equator and above 60 degrees; give 0 elsewhere.

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


def tropospheric_scintillation_db(
    elevation_rad: Any,
    carrier_hz: float,
    interpolation: Interpolation = "linear",
    below_table: BelowTable = "error",
) -> Any:
    """Tropospheric scintillation exceeded 1 % of the time, at any carrier from 6 GHz up.

    The table is for 20 GHz; TR 38.821 uses it at 30 GHz too. Below 6 GHz the term is zero.
    Other arguments and errors as `ntn6g.channel.tables.lookup`.

    References
    ----------
    3GPP TR 38.811 V15.1.0, Table 6.6.6.2.1-1; TR 38.821 V16.2.0, 6.1.3.1.
    """
    if carrier_hz < 6e9:
        return elevation_rad * 0.0 if tf.is_tensor(elevation_rad) else np.zeros(np.shape(elevation_rad))
    # The table knows neither environment nor band; any will do.
    return lookup("urban", "Ka", True, "tropospheric_scintillation_db", elevation_rad, interpolation, below_table)


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
    log_p = math.log10(p)
    return np.asarray(sigma_db * (-0.061 * log_p**3 + 0.072 * log_p**2 - 1.71 * log_p + 3.0))


def ionospheric_scale_db(s4: float) -> float:
    r"""Peak-to-peak fluctuation at 4 GHz of a scintillation index, :math:`27.5\, S_4^{1.26}`.

    References
    ----------
    3GPP TR 38.811 V15.1.0, eq. (6.6-14) (ITU-R P.531).
    """
    return float(27.5 * s4**1.26)
