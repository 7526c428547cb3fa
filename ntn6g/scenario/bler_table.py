"""What a study of block error rates on white noise asks: which codes, how finely, how surely."""

from typing import Annotated, Literal

from pydantic import Field

from ntn6g.scenario.fields import Section
from ntn6g.scenario.link import Decoder

_FEWEST_BITS, _MOST_BITS = 24, 8_448  # smallest transport block; largest code block, TS 38.212 V18 5.2.2


class BlerTable(Section):
    """Curves of block error rate against Es/N0, one per modulation order, code rate and code-block size."""

    mcs_tables: Annotated[tuple[Literal[1, 2, 3, 4], ...], Field(strict=False, min_length=1)] = (1, 3)
    """MCS tables of TS 38.214 whose rows are simulated; rows of equal modulation and rate once."""
    mcs: Annotated[tuple[Annotated[int, Field(ge=0, le=31)], ...], Field(strict=False, min_length=1)] | None = None
    """Indices of the rows in each of these tables; all unless given."""
    code_block_bits: Annotated[
        tuple[Annotated[int, Field(ge=_FEWEST_BITS, le=_MOST_BITS)], ...], Field(strict=False, min_length=1)
    ] = (24, 100, 500, 2000, 3840, 8448)
    """Code-block sizes K with their CRC, 24 to 8448 bits; above 3840 where base graph 1 is chosen."""
    step_db: float = Field(default=0.25, gt=0.0, le=1.0)
    """Distance of the points, dB, above 0 to 1; half of it above 1000 bits, where curves are steeper."""
    block_errors: int = Field(default=100, ge=1)
    """Errors that suffice at a point, at least 1."""
    lowest_bler: float = Field(default=1e-3, gt=0.0, lt=0.5)
    """Block error rate down to which the errors are collected, above 0 to 0.5."""
    decoder: Decoder = Field(default_factory=Decoder)
    """The LDPC decoder."""

    @property
    def max_blocks(self) -> int:
        """Blocks after which a point has shown that it lies below ``lowest_bler``, or nearly."""
        return round(1.25 * self.block_errors / self.lowest_bler)
