"""Scintillation: ionospheric below 6 GHz, tropospheric above."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ntn6g.channel.tables import BelowTable, Interpolation, lookup


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
    elevation_rad: ArrayLike,
    carrier_hz: float,
    interpolation: Interpolation = "linear",
    below_table: BelowTable = "error",
) -> NDArray[np.float64]:
    """Tropospheric scintillation exceeded 1 % of the time, at any carrier from 6 GHz up.

    The table is for 20 GHz; TR 38.821 uses it at 30 GHz too. Below 6 GHz the term is zero.
    Other arguments and errors as `ntn6g.channel.tables.lookup`.

    References
    ----------
    3GPP TR 38.811 V15.1.0, Table 6.6.6.2.1-1; TR 38.821 V16.2.0, 6.1.3.1.
    """
    if carrier_hz < 6e9:
        return np.zeros(np.shape(elevation_rad))
    # The table knows neither environment nor band; any will do.
    return lookup("urban", "Ka", True, "tropospheric_scintillation_db", elevation_rad, interpolation, below_table)
