"""Attenuation by atmospheric gases."""

from typing import Any, Literal

import numpy as np
import tensorflow as tf

from ntn6g.core.errors import ScenarioError

# Zenith attenuation at sea level, mean annual reference atmosphere (TR 38.811 V15.1.0, 6.6.4: 288.15 K,
# 1013.25 hPa, 7.5 g/m3). 20 GHz follows from case SC6 of TR 38.821 V16.2.0, Table 6.1.3.3-1 (0.5 dB at 30
# degrees). 2 and 30 GHz rest on one source, the tables of ns-3; 20 and 30 GHz are within 0.03 dB
# of ITU-R P.676.
_ZENITH_GHZ = np.array([2.0, 20.0, 30.0])
_ZENITH_DB = np.array([0.035, 0.25, 0.25])
_LOWEST_SINE = float(np.sin(np.deg2rad(5.0)))  # ITU-R P.676-12, annex 2: cosecant law from 5 to 90 degrees

GasRule = Literal["cosecant", "tr38811"]


def zenith_gas_loss_db(carrier_hz: float, frequencies: Literal["linear", "nearest"] = "linear") -> float:
    """Attenuation by gases straight up, from the values at 2, 20 and 30 GHz.

    Parameters
    ----------
    carrier_hz : float
        Carrier frequency, 1 to 40 GHz; outside 2 to 30 GHz the end value holds.
    frequencies : str
        ``linear`` between the tabulated frequencies or ``nearest`` of them. Neither follows the water vapour
        line at 22.2 GHz.

    Raises
    ------
    ScenarioError
        Carrier outside 1 to 40 GHz.
    """
    carrier_ghz = carrier_hz / 1e9
    if not 1.0 <= carrier_ghz <= 40.0:
        raise ScenarioError(
            f"{carrier_ghz:g} GHz is outside the 1 to 40 GHz of the tabulated gas attenuation; use "
            "channel.gas_model.method: p676 (1 to 1000 GHz), or switch the term gas off",
            key="channel.carrier_ghz",
        )
    if frequencies == "nearest":
        return float(_ZENITH_DB[np.argmin(np.abs(_ZENITH_GHZ - carrier_ghz))])
    return float(np.interp(carrier_ghz, _ZENITH_GHZ, _ZENITH_DB))


def gas_loss_db(
    elevation_rad: Any,
    carrier_hz: float,
    *,
    rule: GasRule = "cosecant",
    frequencies: Literal["linear", "nearest"] = "linear",
) -> Any:
    r"""Attenuation by gases along the slant path, :math:`A_{zenith}(f) / \sin(elevation)`.

    Parameters
    ----------
    elevation_rad : [...]
        Elevation. A TensorFlow tensor gives a tensor, differentiable; anything else float64 NumPy. Below
        5 degrees, where the law ends, its value there holds.
    carrier_hz : float
        Carrier frequency, 1 to 40 GHz.
    rule : str
        ``cosecant``: at every frequency and elevation, as the published rows of TR 38.821 do at 2 GHz too.
        ``tr38811``: only above 10 GHz or below 10 degrees of elevation, zero elsewhere.
    frequencies : str
        See `zenith_gas_loss_db`.

    Returns
    -------
    [...]
        Loss in decibels.

    Raises
    ------
    ScenarioError
        Carrier outside 1 to 40 GHz.

    References
    ----------
    3GPP TR 38.811 V15.1.0, 6.6.4; TR 38.821 V16.2.0, Table 6.1.3.3-1.
    """
    zenith_db = zenith_gas_loss_db(carrier_hz, frequencies)
    if tf.is_tensor(elevation_rad):
        loss_db = zenith_db / tf.maximum(tf.sin(elevation_rad), _LOWEST_SINE)
    else:
        elevation_rad = np.asarray(elevation_rad, np.float64)
        loss_db = zenith_db / np.maximum(np.sin(elevation_rad), _LOWEST_SINE)
    return where_gas_counts(loss_db, elevation_rad, carrier_hz, rule)


def where_gas_counts(loss_db: Any, elevation_rad: Any, carrier_hz: float, rule: GasRule) -> Any:
    """A loss by gases where a rule has it count, 0 elsewhere: see `gas_loss_db`."""
    if rule == "cosecant" or carrier_hz > 10e9:
        return loss_db
    low = elevation_rad < np.deg2rad(10.0) - 1e-12  # ten degrees itself is not below ten degrees
    return tf.where(low, loss_db, tf.zeros_like(loss_db)) if tf.is_tensor(loss_db) else np.where(low, loss_db, 0.0)
