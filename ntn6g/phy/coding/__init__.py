"""Channel coding of NR: MCS tables, block sizes, LDPC transport blocks and their decoders."""

from ntn6g.phy.coding.block_size import (
    Segmentation,
    base_graph,
    resource_elements,
    segment,
    transport_block_bits,
)
from ntn6g.phy.coding.decoder import DECODERS
from ntn6g.phy.coding.mcs import Mcs, mcs, mcs_table
from ntn6g.phy.coding.rate_matching import REDUNDANCY_VERSIONS, LimitedBuffer
from ntn6g.phy.coding.transport import DEFAULT_DECODER, CodewordCode, Decoded, TransportCode

__all__ = [
    "DECODERS",
    "DEFAULT_DECODER",
    "REDUNDANCY_VERSIONS",
    "CodewordCode",
    "Decoded",
    "LimitedBuffer",
    "Mcs",
    "Segmentation",
    "TransportCode",
    "base_graph",
    "mcs",
    "mcs_table",
    "resource_elements",
    "segment",
    "transport_block_bits",
]
