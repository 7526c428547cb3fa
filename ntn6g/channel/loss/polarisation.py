"""What turns or mixes polarisations: rain and ice (cross-polar discrimination) and the ionosphere (Faraday)."""

import math
from typing import Any

import numpy as np

from ntn6g.core.errors import ScenarioError
from ntn6g.core.units import DEGREES_TO_RADIANS

# Standard deviation of the raindrop canting angle (degrees) by share of the year: P.618-14, 4.1, step 5
_CANTING_DEG = ((0.001, 15.0), (0.01, 10.0), (0.1, 5.0))


def cross_polar_discrimination_db(
    rain_db: Any, frequency_hz: float, elevation_rad: Any, *, exceeded_percent: float, tilt_rad: float = math.pi / 4.0
) -> Any:
    """Discrimination not exceeded for a share of the year, rain and ice together.

    Parameters
    ----------
    rain_db : [...]
        Rain attenuation exceeded for the same share, positive.
    frequency_hz : float
        4 to 55 GHz; from 4 to 6 GHz the value at 6 GHz is scaled (4.3).
    elevation_rad : [...]
        Up to 60 degrees; above, the value at 60 degrees holds (a lower bound).
    exceeded_percent : float
        0.001 to 1 %.
    tilt_rad : float
        Tilt of the linear polarisation to the horizontal; pi/4 for circular.

    Returns
    -------
    [...], float64 NumPy
        Decibels.

    Raises
    ------
    ScenarioError
        A frequency outside 4 to 55 GHz, or a share outside 0.001 to 1 %.

    References
    ----------
    ITU-R P.618-14 (08/2023), 4.1, steps 1 to 8, and 4.3.
    """
    asked_ghz = float(frequency_hz) / 1e9
    if not 4.0 <= asked_ghz <= 55.0:
        raise ScenarioError(
            f"{asked_ghz:g} GHz is outside the 4 to 55 GHz of ITU-R P.618, 4.1", key="channel.carrier_ghz"
        )
    if not 0.001 <= exceeded_percent <= 1.0:
        raise ScenarioError(
            f"{exceeded_percent:g} % is outside the 0.001 to 1 % of ITU-R P.618, 4.1",
            key="channel.weather.exceeded_percent",
        )
    f_ghz = max(asked_ghz, 6.0)
    frequency_db, slope = _frequency_terms(f_ghz)
    elevation = np.minimum(np.asarray(elevation_rad, np.float64), 60.0 * DEGREES_TO_RADIANS)
    canting_deg = next((sigma for share, sigma in _CANTING_DEG if exceeded_percent <= share), 0.0)
    rain_only_db = (
        frequency_db
        - slope * np.log10(np.asarray(rain_db, np.float64))
        - 10.0 * math.log10(1.0 - 0.484 * (1.0 + math.cos(4.0 * tilt_rad)))
        - 40.0 * np.log10(np.cos(elevation))
        + 0.0053 * canting_deg**2
    )
    with_ice_db = rain_only_db * (1.0 - (0.3 + 0.1 * math.log10(exceeded_percent)) / 2.0)
    return with_ice_db - 20.0 * math.log10(asked_ghz / f_ghz)


def _frequency_terms(f_ghz: float) -> tuple[float, float]:
    """C_f, and V of C_A = V log10 A: steps 1 and 2."""
    log_f = math.log10(f_ghz)
    if f_ghz < 9.0:
        frequency_db = 60.0 * log_f - 28.3
    elif f_ghz < 36.0:
        frequency_db = 26.0 * log_f + 4.1
    else:
        frequency_db = 35.9 * log_f - 11.3
    if f_ghz < 9.0:
        slope = 30.8 * f_ghz**-0.21
    elif f_ghz < 20.0:
        slope = 12.8 * f_ghz**0.19
    else:
        slope = 22.6 if f_ghz < 40.0 else 13.0 * f_ghz**0.15
    return frequency_db, slope


def faraday_rotation_rad(frequency_hz: Any) -> Any:
    r"""Rotation of linear polarisation by the ionosphere, :math:`108^\circ / f_{GHz}^2`.

    References
    ----------
    3GPP TR 38.811 V15.1.0, 6.8.2, eq. (6.8-2): a fixed value for link simulations; the rotation of a path
    depends on its electron content (ITU-R P.531).
    """
    return 108.0 * DEGREES_TO_RADIANS / (np.asarray(frequency_hz, np.float64) / 1e9) ** 2


def faraday_loss_db(frequency_hz: float) -> float:
    r"""Loss between two linear antennas of one polarisation, :math:`-20 \log_{10} |\cos\psi|`, by Faraday rotation.

    1.0 dB at 2 GHz and 0.0001 dB at 20 GHz; none for circular polarisation. Where the rotation comes to a right angle
    (1.095 GHz) it is 60 dB, an upper bound: real antennas let as much of the other polarisation pass.

    References
    ----------
    3GPP TR 38.811 V15.1.0, 6.8.2, eq. (6.8-1), (6.8-2).
    """
    return float(-20.0 * math.log10(max(abs(math.cos(float(faraday_rotation_rad(frequency_hz)))), 1e-3)))
