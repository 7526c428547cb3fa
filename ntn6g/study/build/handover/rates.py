"""From a ratio to bits: tables of served rate by simulated block error rates, under a choice of MCS."""

from functools import lru_cache
from typing import Any

import numpy as np
import tensorflow as tf

from ntn6g.scenario.handover import ServedRate
from ntn6g.services.adaptation import RateLadder, rate_ladder
from ntn6g.services.handover import ENTRIES, LOWEST_DB, STEP_DB

Array = np.ndarray[Any, np.dtype[np.float64]]

ELEMENTS_PER_HZ = 14.0 / 15.0
"""Resource elements a second and Hz: 14 symbols in 1 ms of 15 kHz, the normal cyclic prefix taken off."""


def grid_db() -> Array:
    """Ratios of the table, dB."""
    return np.asarray(LOWEST_DB + STEP_DB * np.arange(ENTRIES), np.float64)


def ladder_of(asked: ServedRate) -> RateLadder:
    """Error rates of the MCS of a table; raises `ScenarioError` where they were not simulated."""
    return rate_ladder(asked.mcs_table, asked.code_block_bits)


def chosen_mcs(asked: ServedRate) -> Array:
    """MCS that link adaptation takes at each ratio of the grid, int64 [entries]."""
    ladder, ratios = ladder_of(asked), tf.constant(grid_db(), tf.float32)
    if asked.link_adaptation == "ideal":
        return np.asarray(tf.argmax(ladder.every_goodput(ratios), -1).numpy(), np.int64)
    thresholds = ladder.thresholds_db(asked.bler_target)
    return np.asarray(ladder.highest(ratios - asked.margin_db, thresholds).numpy(), np.int64)


@lru_cache(maxsize=32)
def rate_per_hz(asked: ServedRate) -> Array:
    """Delivered bit/s per Hz at each ratio of the grid, float64 [entries]: goodput of the chosen MCS.

    The ratio is that of a slot and holds for its whole code block; what is lost is sent again as a new block.
    """
    ladder, ratios = ladder_of(asked), tf.constant(grid_db(), tf.float32)
    mcs = chosen_mcs(asked)
    goodput = ladder.every_goodput(ratios).numpy()[np.arange(ENTRIES), mcs]
    return np.asarray(ELEMENTS_PER_HZ * (1.0 - asked.overhead) * goodput, np.float64)
