"""Absorption by oxygen and water vapour, line by line: ITU-R P.676-13, Annex 1."""

import math
from functools import cache
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from ntn6g.channel.loss.weather.atmosphere import VAPOUR_HPA_M3_K_G, reference_air
from ntn6g.channel.tables import read_rows
from ntn6g.core.errors import ScenarioError

LOWEST_GHZ, HIGHEST_GHZ = 1.0, 1_000.0
_EARTH_RADIUS_KM = 6371.0  # P.676-13, Annex 1, 2.2.1
_TOP_KM, _LAYERS = 100.0, 922  # layer i is 0.1 m exp((i - 1) / 100) thick: eq. (14)


def specific_attenuation_db_km(
    frequency_hz: Any, dry_pressure_hpa: Any, temperature_k: Any, vapour_density_g_m3: Any
) -> tuple[tf.Tensor, tf.Tensor]:
    r"""Attenuation per kilometre by oxygen (with its continuum) and by water vapour.

    .. math::
        \gamma = 0.1820\, f \sum_i S_i F_i + \gamma_D

    Parameters
    ----------
    frequency_hz, dry_pressure_hpa, temperature_k, vapour_density_g_m3 : [...]
        Broadcast against one another; float64. Dry pressure is the total without that of water vapour.
        The lines cover 1 to 1000 GHz.

    Returns
    -------
    oxygen, water_vapour : [...], float64
        dB/km; differentiable.

    References
    ----------
    ITU-R P.676-13 (08/2022), Annex 1, eq. (1) to (9), Tables 1 and 2.
    """
    f = tf.convert_to_tensor(frequency_hz, tf.float64)[..., None] / 1e9
    p = tf.convert_to_tensor(dry_pressure_hpa, tf.float64)[..., None]
    t = tf.convert_to_tensor(temperature_k, tf.float64)[..., None]
    rho = tf.convert_to_tensor(vapour_density_g_m3, tf.float64)[..., None]
    theta, e = 300.0 / t, rho * t * VAPOUR_HPA_M3_K_G
    return 0.1820 * f[..., 0] * _oxygen(f, p, theta, e), 0.1820 * f[..., 0] * _water_vapour(f, p, theta, e)


def _shape(f: tf.Tensor, line: Any, width: tf.Tensor, interference: Any) -> tf.Tensor:
    """Line shape F of eq. (5)."""
    below, above = line - f, line + f
    return (f / line) * (
        (width - interference * below) / (below**2 + width**2) + (width - interference * above) / (above**2 + width**2)
    )


def _oxygen(f: tf.Tensor, p: tf.Tensor, theta: tf.Tensor, e: tf.Tensor) -> tf.Tensor:
    line, a1, a2, a3, a4, a5, a6 = read_rows("p676_oxygen").T
    strength = a1 * 1e-7 * p * theta**3 * tf.exp(a2 * (1.0 - theta))
    width = a3 * 1e-4 * (p * theta ** (0.8 - a4) + 1.1 * e * theta)
    width = tf.sqrt(width**2 + 2.25e-6)  # Zeeman splitting, eq. (6b)
    interference = (a5 + a6 * theta) * 1e-4 * (p + e) * theta**0.8
    lines = tf.reduce_sum(strength * _shape(f, line, width, interference), -1)
    f, p, theta, e = f[..., 0], p[..., 0], theta[..., 0], e[..., 0]
    debye = 5.6e-4 * (p + e) * theta**0.8
    nitrogen = 1.4e-12 * p * theta**1.5 / (1.0 + 1.9e-5 * f**1.5)
    return lines + f * p * theta**2 * (6.14e-5 / (debye * (1.0 + (f / debye) ** 2)) + nitrogen)


def _water_vapour(f: tf.Tensor, p: tf.Tensor, theta: tf.Tensor, e: tf.Tensor) -> tf.Tensor:
    line, b1, b2, b3, b4, b5, b6 = read_rows("p676_water_vapour").T
    strength = b1 * 1e-1 * e * theta**3.5 * tf.exp(b2 * (1.0 - theta))
    width = b3 * 1e-4 * (p * theta**b4 + b5 * e * theta**b6)
    width = 0.535 * width + tf.sqrt(0.217 * width**2 + 2.1316e-12 * line**2 / theta)  # Doppler, eq. (6b)
    return tf.reduce_sum(strength * _shape(f, line, width, 0.0), -1)


def slant_absorption_db(
    elevation_rad: Any,
    frequency_hz: Any,
    *,
    height_km: float = 0.0,
    surface_vapour_g_m3: float = 7.5,
) -> tf.Tensor:
    r"""Absorption on the refracted path from a ground station into space, layer by layer.

    .. math::
        A = \sum_i a_i \gamma_i, \qquad n_i r_i \sin\beta_i = n_1 r_1 \cos\varphi

    Parameters
    ----------
    elevation_rad : [...], float64
        Apparent elevation, from the horizon to the zenith; differentiable. Inside a compiled step, which cannot
        refuse, the horizon's value holds below it.
    frequency_hz : [F] or scalar
        1 to 1000 GHz.
    height_km : float
        Height of the station above sea level, 0 to below 100 km.
    surface_vapour_g_m3 : float
        Water vapour density at sea level of the reference atmosphere (`reference_air`).

    Returns
    -------
    [..., F], or [...] for one frequency, float64
        Decibels.

    Raises
    ------
    ScenarioError
        A frequency outside 1 to 1000 GHz, or an elevation below the horizon or above the zenith.

    References
    ----------
    ITU-R P.676-13 (08/2022), Annex 1, 2.2.1, eq. (13) to (19).
    """
    frequency = np.asarray(frequency_hz, np.float64)
    check_frequency(frequency)
    _check_elevation(elevation_rad)
    gamma = _layer_gamma(tuple(frequency.ravel().tolist()), float(height_km), float(surface_vapour_g_m3))
    path_km = layer_paths_km(elevation_rad, height_km=height_km, surface_vapour_g_m3=surface_vapour_g_m3)
    loss_db = tf.linalg.matmul(path_km[..., None, :], tf.constant(gamma.T))[..., 0, :]
    return loss_db if frequency.ndim else loss_db[..., 0]


def ground_absorption_db(
    distance_m: Any, frequency_hz: Any, *, height_km: float = 0.0, surface_vapour_g_m3: float = 7.5
) -> tf.Tensor:
    r"""Absorption along the ground, :math:`\gamma d`, in the reference atmosphere at one height: float64 [...].

    Parameters
    ----------
    distance_m, frequency_hz : [...]
        Broadcast; 1 to 1000 GHz. Differentiable.
    height_km, surface_vapour_g_m3 : float
        As `slant_absorption_db`.

    Raises
    ------
    ScenarioError
        A frequency outside 1 to 1000 GHz.

    References
    ----------
    ITU-R P.676-13 (08/2022), Annex 1, 2.1, eq. (10).
    """
    check_frequency(np.asarray(frequency_hz, np.float64))
    air = reference_air(np.float64(height_km), surface_vapour_g_m3)
    here = air.dry_pressure_hpa, air.temperature_k, air.vapour_density_g_m3
    oxygen, vapour = specific_attenuation_db_km(frequency_hz, *here)
    return (oxygen + vapour) * tf.convert_to_tensor(distance_m, tf.float64) / 1e3


def _check_elevation(elevation_rad: Any) -> None:
    """Refuse elevations below the horizon, where the path bends back down first, where their values are known."""
    known = tf.get_static_value(elevation_rad) if tf.is_tensor(elevation_rad) else np.asarray(elevation_rad)
    if known is not None and known.size and not (np.abs(known - math.pi / 4.0) <= math.pi / 4.0 + 1e-6).all():
        worst = known.flat[np.abs(known - math.pi / 4.0).argmax()]
        raise ScenarioError(
            f"{math.degrees(worst):g} degrees is outside the 0 to 90 degrees of the slant paths of ITU-R P.676",
            key="at.elevation_deg",
        )


def check_frequency(frequency_hz: Any) -> None:
    """Refuse a frequency without lines."""
    f_ghz = np.atleast_1d(frequency_hz) / 1e9
    if f_ghz.min() < LOWEST_GHZ or f_ghz.max() > HIGHEST_GHZ:
        worst = f_ghz.min() if f_ghz.min() < LOWEST_GHZ else f_ghz.max()
        raise ScenarioError(
            f"{worst:g} GHz is outside the 1 to 1000 GHz of the absorption lines of ITU-R P.676; "
            "switch the term gas off",
            key="channel.carrier_ghz",
        )


def layer_paths_km(elevation_rad: Any, *, height_km: float = 0.0, surface_vapour_g_m3: float = 7.5) -> tf.Tensor:
    """Length of the ray in every layer: [...] to [..., layer], float64; arguments as `slant_absorption_db`."""
    bottom_km, thickness_km = _layers(float(height_km))
    index = reference_air(bottom_km + thickness_km / 2.0, surface_vapour_g_m3).refractive_index
    radius_km = _EARTH_RADIUS_KM + bottom_km
    bent = (index[0] * radius_km[0] / (index * radius_km)) ** 2
    elevation = tf.maximum(tf.convert_to_tensor(elevation_rad, tf.float64), 0.0)[..., None]
    # cos^2 beta written without the difference of two numbers near one at low elevation
    cosine = tf.sqrt(tf.maximum((1.0 - bent) + bent * tf.sin(elevation) ** 2, 1e-24))
    rise = 2.0 * radius_km * thickness_km + thickness_km**2
    return rise / (radius_km * cosine + tf.sqrt((radius_km * cosine) ** 2 + rise))


def _layers(height_km: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Bottoms and thicknesses of the layers from a height to 100 km; eq. (14) and (15), and (16) above sea level."""
    if not 0.0 <= height_km < _TOP_KM:
        raise ScenarioError(f"a height of {height_km:g} km is outside 0 to 100 km", key="terminals.altitude_m")
    growth = np.exp(0.01)
    if height_km == 0.0:
        steps = np.arange(_LAYERS) / 100.0
        return 1e-4 * (np.exp(steps) - 1.0) / (growth - 1.0), 1e-4 * np.exp(steps)

    def layer_at(h_km: float) -> float:
        return float(100.0 * np.log(1e4 * h_km * (growth - 1.0) + 1.0) + 1.0)

    first, last = int(np.floor(layer_at(height_km))), int(np.ceil(layer_at(_TOP_KM)))
    scale = (growth**2 - growth) / (np.exp(last / 100.0) - np.exp(first / 100.0)) * (_TOP_KM - height_km)
    powers = np.exp((np.arange(first, last) - 1.0) / 100.0)
    bottom = height_km + scale * (powers - np.exp((first - 1.0) / 100.0)) / (growth - 1.0)
    return bottom, scale * powers


@cache
def _layer_gamma(frequency_hz: tuple[float, ...], height_km: float, vapour: float) -> NDArray[np.float64]:
    """Specific attenuation of every layer, [F, layer]."""
    bottom_km, thickness_km = _layers(height_km)
    air = reference_air(bottom_km + thickness_km / 2.0, vapour)
    found = []
    for each in frequency_hz:
        oxygen, water = specific_attenuation_db_km(
            np.float64(each), air.dry_pressure_hpa, air.temperature_k, air.vapour_density_g_m3
        )
        found.append(np.asarray(oxygen + water))
    return np.stack(found)
