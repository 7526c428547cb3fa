"""What takes power from a wave on its way: one file per term, each in decibels."""

from ntn6g.channel.loss.free_space import free_space_loss_db
from ntn6g.channel.loss.gas import gas_loss_db, zenith_gas_loss_db
from ntn6g.channel.loss.obstacles import (
    building_entry_loss_db,
    roadside_tree_fade_db,
    slant_clutter_loss_db,
    tree_fade_duration_share,
    tree_gap_share,
)
from ntn6g.channel.loss.polarisation import cross_polar_discrimination_db, faraday_loss_db, faraday_rotation_rad
from ntn6g.channel.loss.scintillation import (
    ionospheric_fluctuation_db,
    ionospheric_scale_db,
    ionospheric_scintillation_db,
    scintillation_fade_db,
    tropospheric_scintillation_db,
)
from ntn6g.channel.loss.shadowing import clutter_loss_db, shadow_sigma_db
from ntn6g.channel.loss.weather import (
    RainSeries,
    cloud_loss_db,
    combined_loss_db,
    rain_loss_db,
    slant_absorption_db,
)

__all__ = [
    "RainSeries",
    "building_entry_loss_db",
    "cloud_loss_db",
    "clutter_loss_db",
    "combined_loss_db",
    "cross_polar_discrimination_db",
    "faraday_loss_db",
    "faraday_rotation_rad",
    "free_space_loss_db",
    "gas_loss_db",
    "ionospheric_fluctuation_db",
    "ionospheric_scale_db",
    "ionospheric_scintillation_db",
    "rain_loss_db",
    "roadside_tree_fade_db",
    "scintillation_fade_db",
    "shadow_sigma_db",
    "slant_absorption_db",
    "slant_clutter_loss_db",
    "tree_fade_duration_share",
    "tree_gap_share",
    "tropospheric_scintillation_db",
    "zenith_gas_loss_db",
]
