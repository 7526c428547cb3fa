"""Rain: specific attenuation, what a slant path loses for a share of the year, and how it depolarises."""

import math
from typing import Any

import numpy as np
import tensorflow as tf

from ntn6g.core.errors import ScenarioError
from ntn6g.core.units import DEGREES_TO_RADIANS

# ITU-R P.838-3 (03/2005), Tables 1 to 4: rows of (a, b, c), then the slope m and the offset c.
_K_HORIZONTAL = (
    ((-5.33980, -0.10008, 1.13098), (-0.35351, 1.26970, 0.45400), (-0.23789, 0.86036, 0.15354),
     (-0.94158, 0.64552, 0.16817)), -0.18961, 0.71147,
)  # fmt: skip
_K_VERTICAL = (
    ((-3.80595, 0.56934, 0.81061), (-3.44965, -0.22911, 0.51059), (-0.39902, 0.73042, 0.11899),
     (0.50167, 1.07319, 0.27195)), -0.16398, 0.63297,
)  # fmt: skip
_ALPHA_HORIZONTAL = (
    ((-0.14318, 1.82442, -0.55187), (0.29591, 0.77564, 0.19822), (0.32177, 0.63773, 0.13164),
     (-5.37610, -0.96230, 1.47828), (16.1721, -3.29980, 3.43990)), 0.67849, -1.95537,
)  # fmt: skip
_ALPHA_VERTICAL = (
    ((-0.07771, 2.33840, -0.76284), (0.56727, 0.95545, 0.54039), (-0.20238, 1.14520, 0.26809),
     (-48.2991, 0.791669, 0.116226), (48.5833, 0.791459, 0.116479)), -0.053739, 0.83433,
)  # fmt: skip
_EFFECTIVE_EARTH_KM = 8_500.0  # P.618-14, 2.2.1.1, step 2


def _fit(log_f: float, coefficients: Any) -> float:
    bells, slope, offset = coefficients
    return float(sum(a * math.exp(-(((log_f - b) / c) ** 2)) for a, b, c in bells) + slope * log_f + offset)


def rain_coefficients(frequency_hz: float, elevation_rad: Any, tilt_rad: float) -> tuple[Any, Any]:
    r"""Coefficients k and :math:`\alpha` of :math:`\gamma_R = k R^\alpha`.

    Parameters
    ----------
    frequency_hz : float
        1 to 1000 GHz.
    elevation_rad : [...]
        Path elevation; NumPy, or a TensorFlow tensor, which keeps the result differentiable.
    tilt_rad : float
        Polarisation tilt to the horizontal; pi/4 for circular polarisation.

    Raises
    ------
    ScenarioError
        A frequency outside 1 to 1000 GHz.

    References
    ----------
    ITU-R P.838-3 (03/2005), eq. (2) to (5), Tables 1 to 4.
    """
    f_ghz = float(frequency_hz) / 1e9
    if not 1.0 <= f_ghz <= 1_000.0:
        raise ScenarioError(
            f"{f_ghz:g} GHz is outside the 1 to 1000 GHz of ITU-R P.838; switch the term rain off",
            key="channel.carrier_ghz",
        )
    log_f = math.log10(f_ghz)
    k_h, k_v = 10.0 ** _fit(log_f, _K_HORIZONTAL), 10.0 ** _fit(log_f, _K_VERTICAL)
    a_h, a_v = _fit(log_f, _ALPHA_HORIZONTAL), _fit(log_f, _ALPHA_VERTICAL)
    tilt = _cos(elevation_rad) ** 2 * math.cos(2.0 * tilt_rad)
    k = (k_h + k_v + (k_h - k_v) * tilt) / 2.0
    return k, (k_h * a_h + k_v * a_v + (k_h * a_h - k_v * a_v) * tilt) / (2.0 * k)


def rain_specific_db_km(frequency_hz: float, rate_mm_h: Any, elevation_rad: Any, tilt_rad: float) -> Any:
    """Attenuation per kilometre at a rain rate; other arguments as `rain_coefficients`."""
    k, alpha = rain_coefficients(frequency_hz, elevation_rad, tilt_rad)
    return k * rate_mm_h**alpha


def rain_loss_db(
    elevation_rad: Any,
    frequency_hz: float,
    *,
    exceeded_percent: float,
    rain_rate_001_mm_h: float,
    rain_height_km: float,
    latitude_rad: float,
    station_height_km: float = 0.0,
    tilt_rad: float = math.pi / 4.0,
) -> Any:
    """Rain attenuation exceeded for a share of an average year.

    Parameters
    ----------
    elevation_rad : [...]
        Path elevation above the horizon. A TensorFlow tensor gives a tensor, differentiable.
    frequency_hz : float
        1 to 55 GHz.
    exceeded_percent : float
        0.001 to 5 % of the year.
    rain_rate_001_mm_h : float
        Rain rate exceeded for 0.01 % of the year (R001); from maps by `climate.at_location`, or measured.
    rain_height_km : float
        Mean rain height above sea level, that of the 0 degree isotherm plus 0.36 km.
    latitude_rad : float
        Of the station.
    station_height_km : float
        Of the station, above sea level. At or above the rain height there is no loss.
    tilt_rad : float
        See `rain_coefficients`.

    Returns
    -------
    [...]
        Decibels.

    Raises
    ------
    ScenarioError
        Frequency or percentage outside the method.

    References
    ----------
    ITU-R P.618-14 (08/2023), 2.2.1.1, steps 1 to 10; frequency range of P.618-14, 2.2.1.
    """
    _check(frequency_hz, exceeded_percent)
    rise_km = rain_height_km - station_height_km
    if rise_km <= 0.0 or rain_rate_001_mm_h <= 0.0:
        return 0.0 * elevation_rad
    f_ghz, latitude_deg = float(frequency_hz) / 1e9, abs(float(latitude_rad)) / DEGREES_TO_RADIANS
    sine, cosine = _sin(elevation_rad), _cos(elevation_rad)
    gamma = rain_specific_db_km(frequency_hz, rain_rate_001_mm_h, elevation_rad, tilt_rad)
    low = 2.0 * rise_km / ((sine**2 + 2.0 * rise_km / _EFFECTIVE_EARTH_KM) ** 0.5 + sine)
    slant_km = _where(elevation_rad < 5.0 * DEGREES_TO_RADIANS, low, rise_km / sine)
    level_km = slant_km * cosine + 1e-12  # keeps the square root below differentiable at the zenith
    reduced_km = level_km / (1.0 + 0.78 * (level_km * gamma / f_ghz) ** 0.5 - 0.38 * (1.0 - _exp(-2.0 * level_km)))
    # zeta > elevation, without the angles: tan(zeta) = rise / (L_G r)
    rain_km = _where(rise_km * cosine > reduced_km * sine, reduced_km / cosine, rise_km / sine)
    chi_deg = max(36.0 - latitude_deg, 0.0)
    elevation_deg = elevation_rad / DEGREES_TO_RADIANS
    sharp = 31.0 * (1.0 - _exp(-elevation_deg / (1.0 + chi_deg))) * (rain_km * gamma) ** 0.5 / f_ghz**2
    loss_001_db = gamma * rain_km / (1.0 + sine**0.5 * (sharp - 0.45))
    return _other_percentage(loss_001_db, exceeded_percent, latitude_deg, elevation_rad)


def _other_percentage(loss_001_db: Any, p: float, latitude_deg: float, elevation_rad: Any) -> Any:
    """Step 10: from 0.01 % to another share of the year."""
    sine = _sin(elevation_rad)
    beta = 0.0 * sine
    if p < 1.0 and latitude_deg < 36.0:
        high = -0.005 * (latitude_deg - 36.0)
        low = high + 1.8 - 4.25 * sine
        beta = _where(elevation_rad > 25.0 * DEGREES_TO_RADIANS, high + 0.0 * sine, low)
    exponent = 0.655 + 0.033 * math.log(p) - 0.045 * _log(loss_001_db) - beta * (1.0 - p) * sine
    return loss_001_db * _exp(-exponent * math.log(p / 0.01))


def _check(frequency_hz: float, exceeded_percent: float) -> None:
    if not 1e9 <= frequency_hz <= 55e9:
        raise ScenarioError(
            f"{frequency_hz / 1e9:g} GHz is outside the 1 to 55 GHz of the rain statistics of ITU-R P.618; "
            "switch the term rain off",
            key="channel.carrier_ghz",
        )
    if not 0.001 <= exceeded_percent <= 5.0:
        raise ScenarioError(
            f"{exceeded_percent:g} % is outside the 0.001 to 5 % of the year of ITU-R P.618, 2.2.1",
            key="channel.weather.exceeded_percent",
        )


def rain_probability_percent(
    elevation_rad: float, *, probability_percent: float, rain_height_km: float, station_height_km: float = 0.0
) -> float:
    """Share of the year with rain somewhere on the slant path, from that with rain at the station.

    References
    ----------
    ITU-R P.618-14 (08/2023), 2.2.1.2, steps 1 to 5.
    """
    from scipy.stats import multivariate_normal, norm

    share = probability_percent / 100.0
    level_km = (rain_height_km - station_height_km) / math.tan(elevation_rad)
    correlation = 0.59 * math.exp(-abs(level_km) / 31.0) + 0.41 * math.exp(-abs(level_km) / 800.0)
    alpha = float(norm.isf(share))
    both = float(multivariate_normal([0.0, 0.0], [[1.0, correlation], [correlation, 1.0]]).cdf([-alpha, -alpha]))
    return 100.0 * (1.0 - (1.0 - share) * ((both - share**2) / (share * (1.0 - share))) ** share)


def _sin(angle: Any) -> Any:
    return tf.sin(angle) if tf.is_tensor(angle) else np.sin(angle)


def _cos(angle: Any) -> Any:
    return tf.cos(angle) if tf.is_tensor(angle) else np.cos(angle)


def _exp(value: Any) -> Any:
    return tf.exp(value) if tf.is_tensor(value) else np.exp(value)


def _log(value: Any) -> Any:
    return tf.math.log(value) if tf.is_tensor(value) else np.log(value)


def _where(condition: Any, first: Any, second: Any) -> Any:
    return tf.where(condition, first, second) if tf.is_tensor(condition) else np.where(condition, first, second)
