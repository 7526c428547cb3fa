"""From outdoors into a building of a terrestrial cell: what the wall and the rooms behind it take."""

from typing import Literal

import tensorflow as tf

from ntn6g.core.units import db_to_linear, linear_to_db

Wall = Literal["low", "high"]
"""Old buildings of plain glass and concrete, or new ones of coated glass and concrete."""
DEEPEST_M = {"uma": 25.0, "umi": 25.0, "rma": 10.0}
"""Largest way inside, by kind of cell: TR 38.901 V16.1.0, 7.4.3.1."""
WALL_SIGMA_DB = {"low": 4.4, "high": 6.5}
"""Standard deviation of the loss, dB: Table 7.4.3-2."""


def wall_loss_db(carrier_hz: float, wall: Wall) -> float:
    r"""Mean loss through the outer wall, :math:`5 - 10 \log_{10} \sum_i p_i 10^{-L_i / 10}`.

    Parameters
    ----------
    carrier_hz : float
        0.5 to 100 GHz.
    wall : str
        ``low``: 0.3 of plain glass and 0.7 of concrete; ``high``: 0.7 of coated glass and 0.3 of concrete.

    References
    ----------
    3GPP TR 38.901 V16.1.0, 7.4.3.1, Tables 7.4.3-1 and 7.4.3-2.
    """
    carrier_ghz = carrier_hz / 1e9
    concrete_db = 5.0 + 4.0 * carrier_ghz
    share, glass_db = (0.3, 2.0 + 0.2 * carrier_ghz) if wall == "low" else (0.7, 23.0 + 0.3 * carrier_ghz)
    passes = share * db_to_linear(-glass_db) + (1.0 - share) * db_to_linear(-concrete_db)
    return float(5.0 - linear_to_db(passes))


def way_inside_m(draws: tf.Tensor, kind: str) -> tf.Tensor:
    """Way behind the wall: the smaller of two uniform ones, [B, 2] inside (0, 1) to [B] (7.4.3.1)."""
    return DEEPEST_M[kind] * tf.reduce_min(draws, 1)


_DB_PER_METRE = 0.5


def rooms_loss_db(inside_m: tf.Tensor) -> tf.Tensor:
    """Loss of the rooms behind the wall, half a decibel a metre: Table 7.4.3-2."""
    return _DB_PER_METRE * inside_m
