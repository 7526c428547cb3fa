"""From the sections power and channel to Es/N0: given as such, per bit, or by a link budget."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from ntn6g import channel
from ntn6g.channel.loss import cross_polar_discrimination_db
from ntn6g.channel.loss.shadowing import shadow_sigma_db
from ntn6g.core.units import db_to_linear, dbm_to_dbw, linear_to_db
from ntn6g.phy.grid import SYMBOLS_PER_SLOT
from ntn6g.scenario import (
    Budget,
    Channel,
    LandMobile,
    Loo,
    NtnRays,
    Power,
    ShadowedRician,
    Terminal,
)
from ntn6g.study.build.antennas import Gains
from ntn6g.study.build.cells import ground_losses_db, stays_near_ground
from ntn6g.study.build.fading import make_fading
from ntn6g.study.build.geometry import Instant
from ntn6g.study.build.link_step import LinkStructure
from ntn6g.study.build.loss_terms import line_of_sight, loss_options
from ntn6g.study.build.payload import FeederLink


def received_power(
    power: Power,
    air: Channel,
    structure: LinkStructure,
    instant: Instant | None,
    *,
    count_cyclic_prefix: bool,
    terminal: Terminal | None = None,
    gains: Gains | None = None,
    feeder: FeederLink | None = None,
) -> dict[str, float]:
    """Es/N0 per resource element and Eb/N0 per transport-block bit in dB; path loss where a budget decides them.

    Eb counts the energy of all elements of the slot, DM-RS included, and that of the cyclic prefix where asked.
    """
    grid = structure.grid
    elements_per_bit = grid.allocated_elements / structure.block_bits
    if count_cyclic_prefix:
        elements_per_bit *= grid.slot_duration_s * grid.subcarrier_spacing_hz / SYMBOLS_PER_SLOT
    ebno_over_esno_db = float(linear_to_db(elements_per_bit))
    found: dict[str, float] = {}
    if power.ebno_db is not None:
        esno_db = power.ebno_db - ebno_over_esno_db
    elif power.esno_db is not None:
        esno_db = power.esno_db
    else:
        esno_db, found = _from_budget(power, air, structure, instant, terminal=terminal, gains=gains)
    if feeder is not None:
        found["service_esno_db"] = esno_db
        found["feeder_esno_db"] = float(feeder.cnr_db(structure.bandwidth_hz, air))
        found |= {f"feeder_{name}_loss_db": float(loss_db) for name, loss_db in feeder.losses_db(air).items()}
        esno_db = float(feeder.combined_db(esno_db, structure.bandwidth_hz, air))
    return {**found, "ebno_db": esno_db + ebno_over_esno_db, "esno_db": esno_db}


@dataclass(frozen=True)
class Way:
    """The path that a budget is about, through the sky unless told otherwise; range and elevation of any shape.

    Nothing ionospheric counts on one that ends below the ionosphere; ``losses_db``, where given, are those of a path
    near the ground.
    """

    range_m: Any
    elevation_rad: Any
    below_ionosphere: bool = False
    losses_db: Mapping[str, Any] | None = None


def budget_of(
    asked: Budget,
    air: Channel,
    way: Way,
    *,
    bandwidth_hz: float,
    terminal: Terminal | None = None,
    gains: Gains | None = None,
) -> channel.LinkBudget:
    """Link budget of a scenario over a bandwidth; gains of the shape of range and elevation.

    ``cross_polar`` among its losses is what interference from the other polarisation takes from the ratio.
    """
    options = loss_options(air, terminal, below_ionosphere=way.below_ionosphere)
    losses = way.losses_db
    if losses is None:
        carrier_hz, sight = air.carrier_ghz * 1e9, line_of_sight(air)
        place = way.range_m, way.elevation_rad
        losses = channel.path_loss_terms_db(*place, carrier_hz, air.environment, sight, options)
    further = {"additional": asked.additional_loss_db}
    if gains is not None and gains.polarisation_loss_db is not None:
        further["polarisation"] = gains.polarisation_loss_db
    opaque_db = losses.get("gas", 0.0) if air.losses.absorption_noise else 0.0
    warmed = partial(channel.absorbed_temperature_k, absorption_db=opaque_db, near_ground=way.losses_db is not None)
    found = channel.link_budget(
        g_over_t_db_k=_figure_of_merit(asked, gains, warmed),
        bandwidth_hz=bandwidth_hz,
        losses_db={**losses, **further},
        eirp_dbw=_eirp_dbw(asked, bandwidth_hz, gains),
    )
    if not air.losses.cross_polar:
        return found
    over_interference_db = found.cnr_db - discrimination_db(air, losses["rain"], way.elevation_rad)
    worse_db = linear_to_db(1.0 + db_to_linear(over_interference_db))
    return replace(found, losses_db={**found.losses_db, "cross_polar": worse_db})


def _eirp_dbw(asked: Budget, bandwidth_hz: float, gains: Gains | None) -> Any:
    """Radiated towards the other end over the bandwidth: given, or power and gain of the antenna that sends."""
    end, gain_dbi = (None, 0.0) if gains is None else gains.end(sends=True)
    spread_db = float(linear_to_db(bandwidth_hz / 1e6))
    if end is None:
        if asked.eirp_dbm is not None:
            return dbm_to_dbw(asked.eirp_dbm)
        return float(asked.eirp_density_dbw_mhz or 0.0) + spread_db  # one of the two is given
    if asked.power_dbm is not None:
        return dbm_to_dbw(asked.power_dbm) + gain_dbi
    density_dbw_mhz = asked.power_density_dbw_mhz
    if density_dbw_mhz is None and end.power_dbw is not None:
        return end.power_dbw + gain_dbi
    if density_dbw_mhz is None:
        density_dbw_mhz = end.power_density_dbw_mhz
    assert density_dbw_mhz is not None  # checked on loading
    return density_dbw_mhz + spread_db + gain_dbi


def _figure_of_merit(asked: Budget, gains: Gains | None, warmed: Callable[[float], Any]) -> Any:
    """G/T in the direction of the other end: given, or from the gain of the antenna that receives.

    ``warmed`` is the temperature of an antenna, in K, behind the air that counts.
    """
    end, gain_dbi = (None, asked.antenna_gain_dbi or 0.0) if gains is None else gains.end(sends=False)
    if end is None and asked.gt_dbk is not None:
        return asked.gt_dbk
    noise = (asked.noise_figure_db, asked.antenna_temperature_k)
    if end is None:
        gain_dbi = asked.antenna_gain_dbi or 0.0
    elif None in noise and end.g_over_t_db_k is not None:
        return end.g_over_t_db_k + (gain_dbi - end.antenna.peak_dbi)
    elif None in noise:
        noise = (end.noise_figure_db, end.antenna_temperature_k)
    figure_db, behind_k = (float(value or 0.0) for value in noise)
    return gain_dbi + channel.g_over_t_db_k(0.0, figure_db, warmed(behind_k))


def discrimination_db(air: Channel, rain_db: Any, elevation_rad: Any, carrier_ghz: float | None = None) -> Any:
    """Cross-polar discrimination through rain and ice at the share of the year of a scenario; its carrier by default.

    Raises
    ------
    ScenarioError
        A carrier outside ITU-R P.618, 4.1.
    """
    return cross_polar_discrimination_db(
        np.maximum(rain_db, 1e-6),  # without rain it is as good as perfect
        (air.carrier_ghz if carrier_ghz is None else carrier_ghz) * 1e9,
        elevation_rad,
        exceeded_percent=air.weather.exceeded_percent,
        tilt_rad=math.radians(air.weather.polarisation_tilt_deg),
    )


def _from_budget(
    power: Power,
    air: Channel,
    structure: LinkStructure,
    instant: Instant | None,
    *,
    terminal: Terminal | None,
    gains: Gains | None,
) -> tuple[float, dict[str, float]]:
    if power.budget is None or instant is None:
        raise ValueError("a link budget without its geometry passed the checks of the scenario")
    ground_db = None
    if stays_near_ground(air):
        ground_db = ground_losses_db(air, make_fading(structure), instant.elevation_rad, instant.range_m)
    budget = budget_of(
        power.budget,
        air,
        Way(instant.range_m, instant.elevation_rad, instant.below_ionosphere, ground_db),
        bandwidth_hz=structure.bandwidth_hz,
        terminal=terminal,
        gains=gains,
    )
    lost_db = {name: float(loss_db) for name, loss_db in budget.losses_db.items()}
    interference_db = lost_db.pop("cross_polar", None)
    found = {"path_loss_db": sum(lost_db.values()), **{f"{name}_loss_db": loss for name, loss in lost_db.items()}}
    if gains is not None:
        found |= {"eirp_dbw": float(budget.eirp_dbw), "g_over_t_db_k": float(budget.g_over_t_db_k)}
    if interference_db is not None:
        found["xpd_db"] = float(discrimination_db(air, lost_db["rain"], instant.elevation_rad))
    return float(budget.cnr_db), found


def draws_shadowing(power: Power, air: Channel) -> bool:
    """Whether shadow fading is drawn for every block: it is a loss of the link budget."""
    return power.budget is not None and air.losses.shadow_fading == "draw"


def drawn_shadow_sigma_db(power: Power, air: Channel, instant: Instant | None) -> float:
    """Standard deviation of shadow fading drawn beside the fading; 0 where none is, or the fading holds it."""
    of_fading = isinstance(air.fading, NtnRays | Loo | LandMobile | ShadowedRician) or stays_near_ground(air)
    if not draws_shadowing(power, air) or of_fading or instant is None:
        return 0.0
    reading = (air.table_interpolation, air.below_table)
    sigma_db = shadow_sigma_db(
        instant.elevation_rad, air.carrier_ghz * 1e9, air.environment, line_of_sight(air), *reading
    )
    return float(sigma_db)
