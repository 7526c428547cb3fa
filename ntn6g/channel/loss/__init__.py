"""What takes power from a wave on its way: one file per term, each in decibels and never negative."""

from ntn6g.channel.loss.free_space import free_space_loss_db
from ntn6g.channel.loss.gas import gas_loss_db, zenith_gas_loss_db
from ntn6g.channel.loss.scintillation import ionospheric_scintillation_db, tropospheric_scintillation_db
from ntn6g.channel.loss.shadowing import clutter_loss_db, shadow_sigma_db

__all__ = [
    "clutter_loss_db",
    "free_space_loss_db",
    "gas_loss_db",
    "ionospheric_scintillation_db",
    "shadow_sigma_db",
    "tropospheric_scintillation_db",
    "zenith_gas_loss_db",
]
