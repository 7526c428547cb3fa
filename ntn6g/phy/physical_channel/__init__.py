"""What makes a PDSCH or a PUSCH of bits: sequences and scrambling, reference signals, layers and precoding."""

from ntn6g.phy.physical_channel.dmrs import Dmrs, dmrs_symbols
from ntn6g.phy.physical_channel.ptrs import Ptrs
from ntn6g.phy.physical_channel.sequences import gold_sequence, scrambling_sequence

__all__ = ["Dmrs", "Ptrs", "dmrs_symbols", "gold_sequence", "scrambling_sequence"]
