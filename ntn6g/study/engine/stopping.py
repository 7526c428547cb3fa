"""When a point has been measured well enough."""

from dataclasses import dataclass

from ntn6g.study.engine.tally import BLOCKS_PER_CHUNK, Tally
from ntn6g.study.intervals import clopper_pearson


@dataclass(frozen=True, kw_only=True)
class StopRule:
    """Stops at the smallest chunk where any given target is met, or at the cap.

    Parameters
    ----------
    max_blocks : int
        Cap on blocks; rounded up to whole chunks.
    block_errors, bit_errors : int or None
        Number of errors that suffices.
    relative_ci : float or None
        Half width of the 95 % interval of the block error rate over the rate.
    bler_floor : float or None
        With ``relative_ci``: a point without error stops once its upper bound is below.
    """

    max_blocks: int
    block_errors: int | None = None
    bit_errors: int | None = None
    relative_ci: float | None = None
    bler_floor: float | None = None

    @property
    def max_chunks(self) -> int:
        """Chunks that the cap allows."""
        return -(-self.max_blocks // BLOCKS_PER_CHUNK)

    def reason(self, tally: Tally) -> str | None:
        """Why the point may stop now: the name of the rule, or None."""
        errors = tally.counts.get("block_errors", 0)
        if self.block_errors is not None and errors >= self.block_errors:
            return "block_errors"
        if self.bit_errors is not None and tally.counts.get("bit_errors", 0) >= self.bit_errors:
            return "bit_errors"
        if self.relative_ci is not None and self._narrow(errors, tally.blocks):
            return "relative_ci"
        return "max_blocks" if tally.chunks >= self.max_chunks else None

    def _narrow(self, errors: int, blocks: int) -> bool:
        if not blocks:
            return False
        low, high = clopper_pearson(errors, blocks)
        if errors == 0:
            return self.bler_floor is not None and float(high) < self.bler_floor
        return float(high - low) / 2.0 <= (self.relative_ci or 0.0) * errors / blocks

    def blocks_expected(self, tally: Tally) -> int:
        """Rough total of blocks this point will need, for a progress bar; never below what is counted."""
        targets = [
            (self.block_errors, tally.counts.get("block_errors", 0)),
            (self.bit_errors, tally.counts.get("bit_errors", 0)),
        ]
        if self.relative_ci:
            targets.append((int(3.84 / self.relative_ci**2) + 1, tally.counts.get("block_errors", 0)))
        guesses = [tally.blocks * wanted // seen for wanted, seen in targets if wanted and seen]
        return max(tally.blocks, BLOCKS_PER_CHUNK, min([self.max_blocks, *guesses]))
