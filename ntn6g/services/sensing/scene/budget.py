"""How strong an echo is: the radar equation, and what integration, noise and cancellation make of it."""

import math
from typing import Any

import numpy as np

from ntn6g.core.constants import BOLTZMANN_DBW_K_HZ, REFERENCE_TEMPERATURE_K, SPEED_OF_LIGHT_M_S


def echo_power_dbw(
    *,
    eirp_dbw: Any,
    receive_gain_dbi: Any,
    carrier_hz: float,
    cross_section_dbsm: Any,
    transmit_range_m: Any,
    receive_range_m: Any,
    loss_db: Any = 0.0,
) -> Any:
    r"""Received power of an echo, dBW.

    .. math:: P_r = \frac{P_t G_t G_r \lambda^2 \sigma}{(4\pi)^3 R_t^2 R_r^2}

    Monostatic with equal ranges. Arguments broadcast.

    References
    ----------
    N. J. Willis, Bistatic Radar, 2nd ed., 2005, eq. (4.1).
    """
    wavelength_m = SPEED_OF_LIGHT_M_S / carrier_hz
    spread_db = 20.0 * np.log10(np.asarray(transmit_range_m, float) * np.asarray(receive_range_m, float))
    constant_db = 20.0 * math.log10(wavelength_m) - 30.0 * math.log10(4.0 * math.pi)
    return eirp_dbw + receive_gain_dbi + cross_section_dbsm + constant_db - spread_db - loss_db


def direct_power_dbw(*, eirp_dbw: Any, receive_gain_dbi: Any, carrier_hz: float, baseline_m: Any) -> Any:
    """Received power of the direct path in free space, dBW."""
    wavelength_m = SPEED_OF_LIGHT_M_S / carrier_hz
    spread_db = 20.0 * np.log10(4.0 * math.pi * np.asarray(baseline_m, float) / wavelength_m)
    return eirp_dbw + receive_gain_dbi - spread_db


def noise_power_dbw(bandwidth_hz: float, noise_figure_db: float) -> float:
    """Thermal noise of a receiver, k 290 K B F, dBW."""
    thermal_db = BOLTZMANN_DBW_K_HZ + 10.0 * math.log10(REFERENCE_TEMPERATURE_K * bandwidth_hz)
    return thermal_db + noise_figure_db


def image_snr_db(
    echo_dbw: Any, *, bandwidth_hz: float, noise_figure_db: float, integration_s: float, residual_dbw: Any = -np.inf
) -> Any:
    """Signal-to-noise ratio of the peak of a map: echo over noise and interference, times bandwidth and time, dB.

    Parameters
    ----------
    echo_dbw : [...]
        Received power of the echo.
    bandwidth_hz, noise_figure_db : float
        Receiver.
    integration_s : float
        Coherent interval.
    residual_dbw : [...]
        What is left of the direct path or of the own transmitter after cancellation. It is counted as noise, which
        holds for a residual that the cancellation leaves without structure.
    """
    noise_w = 10.0 ** (noise_power_dbw(bandwidth_hz, noise_figure_db) / 10.0) + 10.0 ** (
        np.asarray(residual_dbw, float) / 10.0
    )
    return echo_dbw - 10.0 * np.log10(noise_w) + 10.0 * math.log10(bandwidth_hz * integration_s)
