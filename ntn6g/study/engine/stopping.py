"""When a point has been measured well enough."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ntn6g.study.engine.tally import BLOCKS_PER_CHUNK, ChunkStack, Tally
from ntn6g.study.intervals import clopper_pearson

_NORMAL_SQUARED = 3.8415  # (97.5 % normal quantile)^2, for forecasts only


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
        chunks = np.array([tally.chunks])
        met = self._met(chunks, {name: np.array([count]) for name, count in tally.counts.items()})
        return next((name for name, holds in met.items() if holds[0]), None)

    def first_met(self, running: ChunkStack) -> tuple[int, str] | None:
        """Number of chunks after which the rule first holds, and its name; None when it does not yet."""
        length = running.length
        if not length:
            return None
        met = self._met(np.arange(1, length + 1), running.counts)
        stops = np.flatnonzero(np.any(list(met.values()), axis=0))
        if not stops.size:
            return None
        at = int(stops[0])
        return at + 1, next(name for name, holds in met.items() if holds[at])

    def _met(self, chunks: Any, counts: Mapping[str, Any]) -> dict[str, Any]:
        """Each target by name, whether it holds after each of several numbers of chunks; the first named wins."""
        nothing = np.zeros(len(chunks), np.int64)
        errors, blocks = counts.get("block_errors", nothing), counts.get("blocks", nothing)
        met = {}
        if self.block_errors is not None:
            met["block_errors"] = errors >= self.block_errors
        if self.bit_errors is not None:
            met["bit_errors"] = counts.get("bit_errors", nothing) >= self.bit_errors
        if self.relative_ci is not None:
            met["relative_ci"] = self._narrow(errors, blocks)
        met["max_blocks"] = chunks >= self.max_chunks
        return met

    def _narrow(self, errors: Any, blocks: Any) -> Any:
        """Whether the relative interval, or the upper bound where no error was seen, is as wanted."""
        wanted = self.relative_ci or 0.0
        # The exact interval costs a microsecond each, so it is asked only where the normal one comes near; the exact
        # one is never narrower than 0.8 of that.
        normal_squared = _NORMAL_SQUARED * (blocks - errors)  # (half width over rate)^2 times errors and blocks
        near = (0.64 * normal_squared <= wanted**2 * errors * blocks) & (blocks > 0)
        narrow = np.zeros(np.shape(errors), bool)
        low, high = clopper_pearson(errors[near], blocks[near])
        narrow[near] = (high - low) * blocks[near] <= 2.0 * wanted * errors[near]
        if self.bler_floor is not None:
            clean = (errors == 0) & (blocks > 0)
            narrow[clean] = clopper_pearson(0, blocks[clean])[1] < self.bler_floor
        return narrow

    def chunks_expected(self, tally: Tally) -> int:
        """Forecast of the chunks this point will need in all, at least one more than it has."""
        return max(tally.chunks + 1, math.ceil(self._blocks_expected(tally) / BLOCKS_PER_CHUNK))

    def blocks_expected(self, tally: Tally) -> int:
        """Forecast of the blocks this point will need, for a progress bar; never below what is counted."""
        return max(tally.blocks, BLOCKS_PER_CHUNK, math.ceil(self._blocks_expected(tally)))

    def _blocks_expected(self, tally: Tally) -> float:
        errors, blocks = tally.counts.get("block_errors", 0), tally.blocks
        wrong_bits = tally.counts.get("bit_errors", 0)
        guesses = [float(self.max_blocks)]
        if self.block_errors is not None and errors:
            guesses.append(blocks * self.block_errors / errors)
        if self.bit_errors is not None and wrong_bits:
            guesses.append(blocks * self.bit_errors / wrong_bits)
        if self.relative_ci is not None and errors:
            guesses.append(_NORMAL_SQUARED * (blocks / errors - 1.0) / self.relative_ci**2)
        if self.bler_floor is not None and not errors:
            guesses.append(math.log(0.05) / math.log1p(-self.bler_floor))
        return min(guesses)
