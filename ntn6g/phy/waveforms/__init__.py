"""Waveforms on one slot: each a unitary spreading of the data over the elements of the resource grid.

Every waveform is sent through the same modulator with the same cyclic prefixes, reference signals and occupied
subcarriers. Bandwidth, frame length, pilots, guard and energy are then equal by construction, and what differs between
two of them is what spreading does.
"""

from collections.abc import Callable, Mapping

from ntn6g.phy.grid import SlotGrid
from ntn6g.phy.waveforms.afdm import Afdm
from ntn6g.phy.waveforms.dft_spread import DftSpreadOfdm
from ntn6g.phy.waveforms.measures import ccdf, occupied_bandwidth_hz, papr_db
from ntn6g.phy.waveforms.modem import Modem
from ntn6g.phy.waveforms.otfs import Otfs
from ntn6g.phy.waveforms.spreading import CpOfdm, Waveform

WAVEFORMS: Mapping[str, Callable[[SlotGrid], Waveform]] = {
    "cp-ofdm": CpOfdm,
    "dft-s-ofdm": DftSpreadOfdm,
    "otfs": Otfs,
    "afdm": Afdm,
}
"""By the name that a scenario gives them."""

__all__ = [
    "WAVEFORMS",
    "Afdm",
    "CpOfdm",
    "DftSpreadOfdm",
    "Modem",
    "Otfs",
    "Waveform",
    "ccdf",
    "occupied_bandwidth_hz",
    "papr_db",
]
