"""What space does to a wave: losses, budgets and fading, up to a `ChannelRealization`.

`ntn6g.channel.terrestrial` needs Sionna and is therefore imported by its own name.
"""

from ntn6g.channel.budget import LinkBudget, absorbed_temperature_k, g_over_t_db_k, link_budget
from ntn6g.channel.fading import FlatChannel, Profile, TappedDelayLine, conformance_profile, ntn_tdl_profile
from ntn6g.channel.guard import check_frequency_domain, check_late_power, check_longest_delay, predicted_ici_db
from ntn6g.channel.path_loss import (
    LOSS_TERMS,
    LossOptions,
    Span,
    Weather,
    combination_db,
    path_loss_terms_db,
    span_of,
)
from ntn6g.channel.realization import ChannelRealization
from ntn6g.channel.response import frequency_response
from ntn6g.channel.tables import (
    ENVIRONMENTS,
    band_of,
    lookup,
    median_delay_spread_s,
    median_k_factor_db,
)
from ntn6g.channel.time_domain import following_error

__all__ = [
    "ENVIRONMENTS",
    "LOSS_TERMS",
    "ChannelRealization",
    "FlatChannel",
    "LinkBudget",
    "LossOptions",
    "Profile",
    "Span",
    "TappedDelayLine",
    "Weather",
    "absorbed_temperature_k",
    "band_of",
    "check_frequency_domain",
    "check_late_power",
    "check_longest_delay",
    "combination_db",
    "conformance_profile",
    "following_error",
    "frequency_response",
    "g_over_t_db_k",
    "link_budget",
    "lookup",
    "median_delay_spread_s",
    "median_k_factor_db",
    "ntn_tdl_profile",
    "path_loss_terms_db",
    "predicted_ici_db",
    "span_of",
]
