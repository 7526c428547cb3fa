"""Timing of a network that is far away: scheduling offset, steps of the timing advance, how long it holds."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ntn6g.core.errors import ScenarioError

BASIC_UNIT_S = 1.0 / (480e3 * 4096)  # T_c, TS 38.211 4.1
LARGEST_OFFSET = 1023  # cellSpecificKoffset, TS 38.331 V18.6.0 6.3.2


def common_offset_slots(longest_round_trip_s: float) -> int:
    """K_offset that covers a round trip, in slots of 15 kHz, that is, milliseconds.

    The scheduling offset of uplink grants and feedback has to be at least the timing advance of the farthest terminal:
    service link and common part together.

    Raises
    ------
    ScenarioError
        Beyond 1023, the largest value that can be signalled, or negative.

    References
    ----------
    3GPP TS 38.213 V18.6.0, clause 4.2; TS 38.331 V18.6.0, NTN-Config, cellSpecificKoffset.
    """
    slots = math.ceil(longest_round_trip_s / 1e-3 - 1e-9)
    if not 0 <= slots <= LARGEST_OFFSET:
        raise ScenarioError(
            f"a round trip of {1e3 * longest_round_trip_s:g} ms needs {slots} slots; cellSpecificKoffset reaches "
            f"{LARGEST_OFFSET}",
            key="k_offset",
        )
    return slots


def timing_step_s(subcarrier_spacing_hz: float) -> float:
    """Step of timing advance commands, 16 x 64 T_c / 2^mu, 0.52 us at 15 kHz (TS 38.213 V18.6.0, clause 4.2)."""
    return 16.0 * 64.0 * BASIC_UNIT_S * 15e3 / subcarrier_spacing_hz


def quantised_advance_s(correction_s: ArrayLike, subcarrier_spacing_hz: float) -> NDArray[np.float64]:
    """Correction that a command can give: whole steps from -31 to 32, N_TA,new = N_TA,old + (T_A - 31) 16 64 / 2^mu.

    3GPP TS 38.213 V18.6.0, clause 4.2; T_A is 0 to 63.
    """
    step_s = timing_step_s(subcarrier_spacing_hz)
    return np.asarray(step_s * np.clip(np.round(np.asarray(correction_s, np.float64) / step_s), -31, 32))


def compensation_lasts_s(tolerance: ArrayLike, drift_per_s: ArrayLike) -> NDArray[np.float64]:
    """How long a compensation that is held stays within a tolerance: tolerance over drift, seconds.

    Of timing (s, s/s) or of frequency (Hz, Hz/s). A low satellite's two-way delay drifts by up to 45 us/s.
    """
    return np.asarray(np.asarray(tolerance, np.float64) / np.maximum(np.abs(drift_per_s), np.finfo(np.float64).tiny))
