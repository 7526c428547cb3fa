"""Time and frequency: what is compensated beforehand, found by search, estimated and tracked.

compensation   the satellite's delay and Doppler taken out, and what remains on the grid
signals        primary and secondary synchronisation signals
acquisition    search over cells, delays and Doppler shifts, and its probabilities in closed form
estimation     frequency and timing from cyclic prefixes and from pairs of pilots
tracking       frequency loop from slot to slot
schedule       K_offset, steps of the timing advance, how long a compensation holds
"""

from ntn6g.phy.synchronisation.acquisition import (
    Acquired,
    Acquisition,
    detection_probability,
    mismatch_loss,
    threshold_of,
)
from ntn6g.phy.synchronisation.compensation import (
    common_phase,
    offset_within_symbol,
    precompensate,
    wanted_gain,
)
from ntn6g.phy.synchronisation.estimation import (
    delay_of_pilots,
    offset_of_pairs,
    offset_of_prefixes,
    phase_error_variance,
    timing_of_prefixes,
)
from ntn6g.phy.synchronisation.schedule import (
    common_offset_slots,
    compensation_lasts_s,
    quantised_advance_s,
    timing_step_s,
)
from ntn6g.phy.synchronisation.signals import primary_signal, secondary_signal
from ntn6g.phy.synchronisation.tracking import FrequencyLoop

__all__ = [
    "Acquired",
    "Acquisition",
    "FrequencyLoop",
    "common_offset_slots",
    "common_phase",
    "compensation_lasts_s",
    "delay_of_pilots",
    "detection_probability",
    "mismatch_loss",
    "offset_of_pairs",
    "offset_of_prefixes",
    "offset_within_symbol",
    "phase_error_variance",
    "precompensate",
    "primary_signal",
    "quantised_advance_s",
    "secondary_signal",
    "threshold_of",
    "timing_of_prefixes",
    "timing_step_s",
    "wanted_gain",
]
