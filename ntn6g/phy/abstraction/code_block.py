"""What tells one code block from another on white noise: modulation, sizes, base graph."""

import math
from dataclasses import dataclass
from fractions import Fraction

from ntn6g.phy.coding import base_graph

LARGEST_ON_GRAPH_2 = 3840  # bits with CRC; TS 38.212 V18 5.2.2
_SHORT_CRC, _LONG_CRC = 16, 24  # TS 38.212 7.2.1: 16 bits up to a transport block of 3824


@dataclass(frozen=True, kw_only=True)
class CodeBlock:
    """A code block of ``bits`` (K, with its CRC) sent as ``coded_bits`` (E) on ``base_graph`` 1 or 2."""

    modulation_order: int
    bits: int
    coded_bits: int
    base_graph: int

    @property
    def rate(self) -> float:
        """Bits over coded bits, K / E."""
        return self.bits / self.coded_bits

    @staticmethod
    def of_rate(modulation_order: int, code_rate_x1024: float, bits: int) -> "CodeBlock":
        """The shortest block of whole symbols whose rate K / E does not exceed R, given times 1024 as in TS 38.214."""
        symbols = math.ceil(Fraction(bits * 1024) / (Fraction(code_rate_x1024) * modulation_order))
        return CodeBlock(
            modulation_order=modulation_order,
            bits=bits,
            coded_bits=symbols * modulation_order,
            base_graph=_graph(bits, code_rate_x1024),
        )

    @staticmethod
    def fits(code_rate_x1024: float, bits: int) -> bool:
        """Whether a transport block at this rate can have a single code block of so many bits."""
        return bits <= LARGEST_ON_GRAPH_2 or _graph(bits, code_rate_x1024) == 1


def _graph(bits: int, code_rate_x1024: float) -> int:
    """Base graph of the transport block that fills one code block (TS 38.212 7.2.2)."""
    crc_bits = _SHORT_CRC if bits <= LARGEST_ON_GRAPH_2 else _LONG_CRC
    return base_graph(bits - crc_bits, code_rate_x1024 / 1024)
