"""Links along the ground: where the terminal stands in its cell, what the path loses, how likely sight is."""

import math
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import tensorflow as tf

from ntn6g.channel.loss.indoors import DEEPEST_M
from ntn6g.channel.loss.weather.absorption import LOWEST_GHZ, ground_absorption_db
from ntn6g.core.constants import SPEED_OF_LIGHT_M_S
from ntn6g.core.errors import ScenarioError
from ntn6g.scenario import Channel, Scenario, SubTerahertz, TerrestrialCell
from ntn6g.study.build.geometry import Instant

_SITE_M = {"uma": 25.0, "umi": 10.0, "rma": 35.0}


def stays_near_ground(air: Channel) -> bool:
    """Whether the fading is that of a terrestrial cell, whose loss it brings along."""
    return isinstance(air.fading, TerrestrialCell | SubTerahertz)


def placed_in_cell(asked: Scenario, instant: Instant | None) -> Instant | None:
    """The place of a terminal in its cell: by the fading's distance, else from the geometry; other links as they are.

    Heights are those of the fading, over the ground between both.

    Raises
    ------
    ScenarioError
        A distance outside the cell.
    """
    fading = asked.channel.fading if asked.channel else None
    if not isinstance(fading, TerrestrialCell | SubTerahertz):
        return instant
    ground_m = fading.distance_m
    if ground_m is None:
        assert instant is not None  # the scenario asks for one of both
        ground_m = instant.range_m * math.cos(instant.elevation_rad)
        farthest_m = {"sub-thz": 500.0, "rma": 10_000.0}.get(fading.kind, 5_000.0)
        if fading.kind == "rma" and not (asked.channel and asked.channel.line_of_sight):
            farthest_m = 5_000.0  # without sight, or where it is drawn: TR 38.901, Table 7.4.1-1
        if not 10.0 <= ground_m <= farthest_m:
            raise ScenarioError(
                f"the terminal stands {ground_m:.0f} m from the site, outside the 10 to {farthest_m:g} m of "
                f"{fading.kind}; move one of them",
                key="at",
            )
    site_m = _SITE_M[fading.kind] if fading.site_m is None else fading.site_m
    up_m = site_m - fading.terminal_m
    range_m = math.hypot(ground_m, up_m)
    still = {"range_rate_m_s": 0.0, "range_acceleration_m_s2": 0.0}
    place: dict[str, Any] = {"elevation_rad": math.atan2(up_m, ground_m), "range_m": range_m}
    place |= still | {"light_time_s": range_m / SPEED_OF_LIGHT_M_S}
    if instant is not None:
        return replace(instant, **place)
    return Instant(moment=datetime(2000, 1, 1, tzinfo=UTC), time_s=None, **place)


def ground_losses_db(air: Channel, fading: Any, elevation_rad: float, range_m: float) -> dict[str, float]:
    """Losses by name that every block of a terrestrial link has; ``fading`` is what draws it.

    Gases count from 1 GHz up, where the lines of ITU-R P.676 begin; below, they take less than 0.01 dB/km.
    """
    losses, found = air.losses, {}
    if losses.free_space:
        ground_m = fading.ground_m(tf.constant(elevation_rad, tf.float64))
        found["cell"] = float(fading.reference_loss_db(ground_m))
    if losses.gas and air.carrier_ghz >= LOWEST_GHZ:
        vapour = air.gas_model.vapour_density_g_m3
        found["gas"] = float(ground_absorption_db(range_m, air.carrier_ghz * 1e9, surface_vapour_g_m3=vapour))
    if losses.shadow_margin_db > 0.0:
        found["shadow"] = losses.shadow_margin_db
    return found


def sight_probability(air: Channel, fading: Any, elevation_rad: float) -> float:
    """Probability of line of sight outdoors; of a terminal in a building the mean over the way inside."""
    ground_m = float(fading.ground_m(tf.constant(elevation_rad, tf.float64)))
    law = fading.sight_probability if isinstance(air.fading, SubTerahertz) else fading.cell.sight_probability
    if getattr(air.fading, "indoors", "no") == "no":
        return float(law(tf.constant(ground_m, tf.float64)))
    shares = (np.arange(200) + 0.5) / 200  # the smaller of two uniform numbers exceeds u with (1 - u)^2
    inside_m = DEEPEST_M[air.fading.kind] * (1.0 - np.sqrt(1.0 - shares))
    return float(tf.reduce_mean(law(tf.constant(ground_m - inside_m))))
