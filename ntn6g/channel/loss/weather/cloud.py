"""Clouds: attenuation by their liquid water."""

import math
from typing import Any

import numpy as np
import tensorflow as tf

from ntn6g.core.errors import ScenarioError

_REFERENCE_K = 273.75  # P.840-9, 2
_BELLS = ((0.1522, -23.9589, 3.2991e3), (11.51, 219.2096, 2.7595e6))
_OFFSET = -10.4912


def liquid_water_db_km(frequency_hz: float, temperature_k: float) -> float:
    """Attenuation per kilometre and g/m3 of liquid water, by the double-Debye permittivity of water.

    References
    ----------
    ITU-R P.840-9 (08/2023), Annex 1, eq. (2) to (11).
    """
    f_ghz = float(frequency_hz) / 1e9
    cold = 300.0 / temperature_k - 1.0
    principal = 20.20 - 146.0 * cold + 316.0 * cold**2
    secondary = 39.8 * principal
    static = 77.66 + 103.3 * cold
    middle, high = 0.0671 * static, 3.52
    first, second = 1.0 + (f_ghz / principal) ** 2, 1.0 + (f_ghz / secondary) ** 2
    imaginary = f_ghz * ((static - middle) / (principal * first) + (middle - high) / (secondary * second))
    real = (static - middle) / first + (middle - high) / second + high
    eta = (2.0 + real) / imaginary
    return 0.819 * f_ghz / (imaginary * (1.0 + eta**2))


def cloud_loss_db(elevation_rad: Any, frequency_hz: float, liquid_kg_m2: Any) -> Any:
    r"""Attenuation on a slant path through clouds, :math:`K_L L / \sin\varphi`.

    Parameters
    ----------
    elevation_rad : [...]
        Path elevation, 5 degrees and more; a TensorFlow tensor gives a tensor.
    frequency_hz : float
        1 to 200 GHz.
    liquid_kg_m2 : [...]
        Integrated liquid water content of the column (kg/m2, or mm), at the wanted share of the year;
        from maps by `climate.at_location`.

    Returns
    -------
    [...]
        Decibels.

    Raises
    ------
    ScenarioError
        A frequency outside 1 to 200 GHz; an elevation below 5 degrees, unless it is a tensor.

    References
    ----------
    ITU-R P.840-9 (08/2023), Annex 1, eq. (12) and (13).
    """
    f_ghz = float(frequency_hz) / 1e9
    if not 1.0 <= f_ghz <= 200.0:
        raise ScenarioError(
            f"{f_ghz:g} GHz is outside the 1 to 200 GHz of ITU-R P.840; switch the term cloud off",
            key="channel.carrier_ghz",
        )
    bells = sum(a * math.exp(-((f_ghz - centre) ** 2) / width) for a, centre, width in _BELLS)
    mass_db = liquid_water_db_km(frequency_hz, _REFERENCE_K) * (bells + _OFFSET)
    if not tf.is_tensor(elevation_rad) and np.any(np.asarray(elevation_rad) < math.radians(5.0) - 1e-9):
        lowest_deg = math.degrees(float(np.min(elevation_rad)))
        raise ScenarioError(
            f"an elevation of {lowest_deg:.1f} degrees is below the 5 of ITU-R P.840; switch the term cloud off",
            key="channel.losses.cloud",
        )
    sine = tf.sin(elevation_rad) if tf.is_tensor(elevation_rad) else np.sin(np.asarray(elevation_rad, np.float64))
    return mass_db * liquid_kg_m2 / sine
