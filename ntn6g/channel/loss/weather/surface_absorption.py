"""Absorption on a slant path by what is known at the surface: ITU-R P.676, Annex 2, and its water vapour column."""

import math
from typing import Any

import numpy as np
import tensorflow as tf

from ntn6g.channel.loss.weather.absorption import LOWEST_GHZ, specific_attenuation_db_km
from ntn6g.channel.loss.weather.atmosphere import VAPOUR_HPA_M3_K_G
from ntn6g.channel.tables import read_rows
from ntn6g.core.errors import ScenarioError

HIGHEST_SURFACE_GHZ = 350.0
_LOWEST_SINE = math.sin(math.radians(5.0))  # Annex 2: cosecant law from 5 to 90 degrees


def surface_absorption_db(
    elevation_rad: Any, frequency_hz: float, *, temperature_k: Any, total_pressure_hpa: Any, vapour_density_g_m3: Any
) -> tf.Tensor:
    r"""Absorption on a slant path by surface weather alone, :math:`(\gamma_o h_o + \gamma_w h_w)/\sin\varphi`.

    Parameters
    ----------
    elevation_rad : [...]
        5 to 90 degrees.
    frequency_hz : float
        1 to 350 GHz.
    temperature_k, total_pressure_hpa, vapour_density_g_m3 : [...]
        At the station.

    Returns
    -------
    [...], float64
        Decibels.

    Raises
    ------
    ScenarioError
        A frequency outside 1 to 350 GHz.

    References
    ----------
    ITU-R P.676-13 (08/2022), Annex 2, 1.1 (oxygen, eq. 31) and 2.1 (water vapour, eq. 37, Table 4).
    """
    f_ghz = _surface_ghz(frequency_hz)
    t = tf.convert_to_tensor(temperature_k, tf.float64)
    rho = tf.convert_to_tensor(vapour_density_g_m3, tf.float64)
    total = tf.convert_to_tensor(total_pressure_hpa, tf.float64)
    dry = total - rho * t * VAPOUR_HPA_M3_K_G
    oxygen, water = specific_attenuation_db_km(frequency_hz, dry, t, rho)
    grid = read_rows("p676_oxygen_height").T
    a, b, c, d = (float(np.interp(f_ghz, grid[0], column)) for column in grid[1:])
    oxygen_km = a + b * t + c * total + d * rho
    water_km = 5.6585e-5 * f_ghz + 1.8348
    water_km += sum(
        x / ((f_ghz - line) ** 2 + y)
        for line, x, y in ((22.235080, 2.6846, 2.7649), (183.310087, 5.8905, 4.9219), (325.152888, 2.9810, 3.0748))
    )
    return (oxygen * oxygen_km + water * water_km) / tf.sin(tf.convert_to_tensor(elevation_rad, tf.float64))


def _surface_ghz(frequency_hz: float) -> float:
    f_ghz = float(frequency_hz) / 1e9
    if not LOWEST_GHZ <= f_ghz <= HIGHEST_SURFACE_GHZ:
        raise ScenarioError(
            f"{f_ghz:g} GHz is outside the 1 to 350 GHz of ITU-R P.676, Annex 2; use the line-by-line path",
            key="channel.carrier_ghz",
        )
    return f_ghz


_OXYGEN_LINES_12 = (  # strength and frequency, ITU-R P.676-12, Annex 2, Table 3
    (0.1597, 118.750334),
    (0.1066, 368.498246),
    (0.1325, 424.763020),
    (0.1242, 487.249273),
    (0.0938, 715.392902),
    (0.1448, 773.839490),
    (0.1374, 834.145546),
)


def column_absorption_db(
    elevation_rad: Any,
    frequency_hz: float,
    *,
    temperature_k: float,
    dry_pressure_hpa: float,
    vapour_density_g_m3: float,
    vapour_column_kg_m2: float,
    height_km: float,
) -> Any:
    r"""Absorption on a slant path where the integrated water vapour content is known.

    The edition before the current one: the data file of mass absorption coefficients with which P.676-13 replaces
    it (Annex 2, Part 2) is not in this package, while maps of the column are (`ntn6g.channel.loss.weather.climate`).

    Parameters
    ----------
    elevation_rad : [...]
        5 to 90 degrees; below 5 degrees, where the law of the cosecant ends, its value there holds. A TensorFlow
        tensor gives a tensor, differentiable; anything else float64 NumPy.
    frequency_hz : float
        1 to 350 GHz.
    temperature_k, dry_pressure_hpa, vapour_density_g_m3 : float
        At the station.
    vapour_column_kg_m2 : float
        Integrated water vapour content above the station, kg/m2.
    height_km : float
        Height of the station, clipped to 0 to 4 km.

    Returns
    -------
    [...], float64
        Decibels.

    Raises
    ------
    ScenarioError
        A frequency outside 1 to 350 GHz.

    References
    ----------
    ITU-R P.676-12 (08/2019), Annex 2, eq. (30) to (34) (oxygen) and (40) (water vapour, 2.3).
    """
    f_ghz = _surface_ghz(frequency_hz)
    oxygen, _ = specific_attenuation_db_km(frequency_hz, dry_pressure_hpa, temperature_k, vapour_density_g_m3)
    pressure = dry_pressure_hpa + vapour_density_g_m3 * temperature_k * VAPOUR_HPA_M3_K_G
    total_db = float(oxygen) * _oxygen_height_12_km(f_ghz, pressure / 1013.25, temperature_k)
    total_db += column_vapour_zenith_db(f_ghz, vapour_column_kg_m2, height_km)
    if tf.is_tensor(elevation_rad):
        return total_db / tf.maximum(tf.sin(elevation_rad), _LOWEST_SINE)
    return total_db / np.maximum(np.sin(np.asarray(elevation_rad, np.float64)), _LOWEST_SINE)


def _oxygen_height_12_km(f: float, ratio: float, temperature_k: float) -> float:
    width = 2.87 + 12.4 * np.exp(-7.9 * ratio)
    first = 5.1040 / (1.0 + 0.066 * ratio**-2.3) * np.exp(-(((f - 59.7) / width) ** 2))
    second = sum(
        c * np.exp(2.12 * ratio) / ((f - line) ** 2 + 0.025 * np.exp(2.2 * ratio)) for c, line in _OXYGEN_LINES_12
    )
    third = 0.0114 * f / (1.0 + 0.14 * ratio**-2.6)
    third *= (15.02 * f**2 - 1353.0 * f + 5.333e4) / (f**3 - 151.3 * f**2 + 9629.0 * f - 6803.0)
    warmth = 0.7832 + 0.00709 * (temperature_k - 273.15)
    height = 6.1 * warmth / (1.0 + 0.17 * ratio**-1.1) * (1.0 + first + second + third)
    return float(min(height, 10.7 * ratio**0.3) if f < 70.0 else height)


def column_vapour_zenith_db(f_ghz: float, vapour_column_kg_m2: float, height_km: float) -> float:
    """Absorption by water vapour straight up for an integrated content; see `column_absorption_db`."""
    density = vapour_column_kg_m2 / 2.38
    temperature_k = 14.0 * np.log(0.22 * density) + 3.0 + 273.15
    here, reference = (
        float(specific_attenuation_db_km(each * 1e9, 845.0, temperature_k, density)[1]) for each in (f_ghz, 20.6)
    )
    zenith_db = 0.0176 * vapour_column_kg_m2 * here / reference
    if f_ghz < 20.0:
        return zenith_db
    a = 0.2048 * np.exp(-(((f_ghz - 22.43) / 3.097) ** 2)) + 0.2326 * np.exp(-(((f_ghz - 183.5) / 4.096) ** 2))
    a += 0.2073 * np.exp(-(((f_ghz - 325.0) / 3.651) ** 2)) - 0.1113
    b = 8.741e4 * np.exp(-0.587 * f_ghz) + 312.2 * f_ghz**-2.38 + 0.723
    return float(zenith_db * (a * np.clip(height_km, 0.0, 4.0) ** b + 1.0))
