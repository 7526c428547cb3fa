"""What happens to the bits: code, grid, synchronisation, receiver, to a `LinkOutcome` per block."""

from ntn6g.phy.chain import LinkChain
from ntn6g.phy.grid import SlotGrid
from ntn6g.phy.link_values import LinkValues
from ntn6g.phy.modulation import BITS_PER_SYMBOL, Modulation
from ntn6g.phy.outcome import LinkOutcome

__all__ = ["BITS_PER_SYMBOL", "LinkChain", "LinkOutcome", "LinkValues", "Modulation", "SlotGrid"]
