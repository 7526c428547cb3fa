"""The only conversions between units: decibels, degrees, speeds.

Each function is written with operators alone, so that it takes Python floats, NumPy arrays and, where no
logarithm is needed, TensorFlow tensors, keeping their dtype.
"""

from typing import Any

import numpy as np

METRES_PER_KILOMETRE = 1e3
DEGREES_TO_RADIANS = float(np.pi / 180.0)


def db_to_linear(value_db: Any) -> Any:
    """Power ratio of a level in decibels: ``10 ** (value_db / 10)``; any shape, tensors too."""
    return 10.0 ** (value_db / 10.0)


def linear_to_db(ratio: Any) -> Any:
    """Level in decibels of a positive power ratio; NumPy arrays or floats of any shape."""
    return 10.0 * np.log10(ratio)


def dbm_to_dbw(level_dbm: Any) -> Any:
    """Level above one watt of a level above one milliwatt."""
    return level_dbm - 30.0


def kmh_to_m_s(speed_kmh: Any) -> Any:
    """Speed in metres per second of a speed in kilometres per hour."""
    return speed_kmh / 3.6
