"""Block error rate of a code block from Es/N0, looked up in what was simulated, inside compiled steps."""

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import ndtri

from ntn6g.core.errors import ScenarioError
from ntn6g.phy.abstraction.code_block import CodeBlock
from ntn6g.phy.abstraction.curves import BlerCurves
from ntn6g.phy.abstraction.information import GRID_DB, information_table
from ntn6g.phy.coding import Mcs, mcs_table, segment, transport_block_bits

Array = np.ndarray[Any, np.dtype[np.float64]]

TABLE = "bler_awgn.csv"
COMMAND = "ntn6g run bler_table --out DIR, then python experiments/bler_table.py DIR"
# log10 of the odds of an error at which curves are compared: from 0.997 down to 1e-7
_LEVELS: Array = np.linspace(2.5, -7.0, 191)
_RATE_MARGIN = 0.06  # how far beyond the rates of a modulation a curve may be sought


@dataclass(frozen=True, kw_only=True)
class MeasuredCurve:
    """Simulated points of a code block by rising Es/N0, every one with its blocks and their errors, each [points]."""

    block: CodeBlock
    esno_db: Array
    blocks: Array
    block_errors: Array

    @property
    def bler(self) -> Array:
        """Share of wrong blocks."""
        rate: Array = self.block_errors / self.blocks
        return rate

    def at_levels(self) -> Array:
        """Es/N0 in dB at `_LEVELS`: linear in the log odds between points, and straight on beyond them.

        Below a rate of 0.1 the log odds are the logarithm of the rate. The line beyond the last point has the slope of
        the last two decades seen, or of its last two points; since curves steepen downwards until an error floor, it
        lies above them.
        """
        inside = (self.block_errors > 0) & (self.block_errors < self.blocks)
        level = np.log10(self.block_errors[inside] / (self.blocks - self.block_errors)[inside])
        esno_db = self.esno_db[inside]
        falling = np.minimum.accumulate(level)
        # a point that chance lifted above its neighbour is left out
        keep = np.concatenate([[True], np.diff(falling) < 0])
        level, esno_db = level[keep], esno_db[keep]
        first = (esno_db[1] - esno_db[0]) / (level[1] - level[0])
        near = np.flatnonzero(level <= level[-1] + 1.0)
        since = min(int(near[0]), len(level) - 2)
        last = (esno_db[-1] - esno_db[since]) / (level[-1] - level[since])
        found = np.interp(-_LEVELS, -level, esno_db)
        above, below = level[0] < _LEVELS, level[-1] > _LEVELS
        found[above] = esno_db[0] + first * (_LEVELS[above] - level[0])
        found[below] = esno_db[-1] + last * (_LEVELS[below] - level[-1])
        return np.asarray(found, np.float64)

    @property
    def lowest_bler(self) -> float:
        """Rate of the last point, below which the curve is extrapolated."""
        return float(self.bler[-1])


@dataclass(frozen=True)
class BlerTable:
    """Curves of block error rate on white noise, from the study ``bler_table``.

    Between simulated rows a curve is interpolated: not its Es/N0, but what the decoder loses against the normal
    approximation of the same code block, linearly in the code rate and in the logarithm of the size. Base graphs are
    not told apart in that. A row that was not simulated and lies beyond its neighbours is an error, unless the loss of
    the nearest size is to be held beyond it (``hold_size``: seen to be 0.15 dB off from 500 to 2000 bits).

    Parameters
    ----------
    rows : tuple of MeasuredCurve
        What was simulated.
    provenance : mapping
        Settings, seed, versions and command behind it.
    """

    rows: tuple[MeasuredCurve, ...]
    provenance: Mapping[str, Any] = field(default_factory=dict)

    @staticmethod
    def read(path: Path | None = None) -> "BlerTable":
        """The table of the package, or of a file that ``experiments/bler_table.py`` wrote."""
        return _shipped() if path is None else _parse(path.read_text(encoding="utf-8"))

    def measured(self, block: CodeBlock) -> MeasuredCurve:
        """The curve that was simulated for just this code block.

        Raises
        ------
        ScenarioError
            There is none.
        """
        for row in self.rows:
            if row.block == block:
                return row
        raise _missing(block, "was not simulated")

    def missing(self, table: int, bits: int) -> list[int]:
        """MCS indices of a table whose row at a code-block size was not simulated, though it could be."""
        known = {row.block for row in self.rows}
        return [
            row.index
            for row in mcs_table(table)
            if CodeBlock.fits(1024 * row.code_rate, bits)
            and CodeBlock.of_rate(row.modulation_order, 1024 * row.code_rate, bits) not in known
        ]

    def curves(
        self, blocks: Sequence[CodeBlock], *, per_transport: Sequence[int] | None = None, hold_size: bool = False
    ) -> BlerCurves:
        """Curves of several code blocks as tensors, interpolated where they were not simulated.

        Parameters
        ----------
        blocks : sequence of CodeBlock
            The rows of the result.
        per_transport : sequence of int, optional
            Code blocks of each transport block, all of which have to be right; 1 by default.
        hold_size : bool
            Whether the loss at the smallest and largest simulated size holds beyond them, instead of an error.

        Raises
        ------
        ScenarioError
            A code block that lies beyond what was simulated.
        """
        found = [self._esno_db(block, hold_size) for block in blocks]
        lowest = [self._lowest_bler(block, hold_size) for block in blocks]
        return BlerCurves.of_levels(_LEVELS, np.array(found), per_transport or [1] * len(blocks), lowest)

    def transport_curves(
        self, *, table: int, resource_elements: int, data_elements: int, layers: int = 1, hold_size: bool = False
    ) -> BlerCurves:
        """Curves of the transport blocks of a whole MCS table in one allocation; row i is MCS index i.

        Parameters
        ----------
        table : int
            MCS table, 1 to 4.
        resource_elements : int
            N_RE that count for the block size (`ntn6g.phy.coding.resource_elements`).
        data_elements : int
            Elements of a layer that carry data.
        layers : int
            Layers, of equal quality.
        hold_size : bool
            As in `curves`.

        Raises
        ------
        ScenarioError
            A row that lies beyond what was simulated.
        """
        return self.transport_curves_of(
            mcs_table(table),
            resource_elements=resource_elements,
            data_elements=data_elements,
            layers=layers,
            hold_size=hold_size,
        )

    def transport_curves_of(
        self,
        rows: Sequence[Mcs],
        *,
        resource_elements: int,
        data_elements: int,
        layers: int = 1,
        hold_size: bool = False,
    ) -> BlerCurves:
        """`transport_curves` of some rows only; row i of the result is the i-th of them."""
        blocks, counts = [], []
        for row in rows:
            order, rate = row.modulation_order, row.code_rate
            size = transport_block_bits(
                resource_elements=resource_elements, modulation_order=order, code_rate=rate, layers=layers
            )
            parts = segment(size, rate)
            symbols = data_elements * layers // parts.code_blocks
            blocks.append(
                CodeBlock(
                    modulation_order=order,
                    bits=parts.code_block_bits,
                    coded_bits=symbols * order,
                    base_graph=parts.base_graph,
                )
            )
            counts.append(parts.code_blocks)
        return self.curves(blocks, per_transport=counts, hold_size=hold_size)

    def _esno_db(self, block: CodeBlock, hold_size: bool) -> Array:
        for row in self.rows:
            if row.block == block:
                return row.at_levels()
        loss_db = self._between(block, hold_size, lambda row: row.at_levels() - _approximate_db(row.block))
        return _approximate_db(block) + loss_db

    def _lowest_bler(self, block: CodeBlock, hold_size: bool) -> float:
        if any(row.block == block for row in self.rows):
            return self.measured(block).lowest_bler
        return float(np.max(self._between(block, hold_size, lambda row: np.array(row.lowest_bler))))

    def _between(self, block: CodeBlock, hold_size: bool, value: Any) -> Any:
        """Linear in log2 of the size between the nearest sizes that hold the rate, and in the rate within them."""
        same = [row for row in self.rows if row.block.modulation_order == block.modulation_order]
        found = {}
        for bits in sorted({row.block.bits for row in same}):
            of_size = sorted((row for row in same if row.block.bits == bits), key=lambda row: row.block.rate)
            rates = np.array([row.block.rate for row in of_size])
            if len(rates) > 1 and rates[0] - _RATE_MARGIN <= block.rate <= rates[-1] + _RATE_MARGIN:
                right = int(np.clip(np.searchsorted(rates, block.rate), 1, len(rates) - 1))
                share = np.clip((block.rate - rates[right - 1]) / (rates[right] - rates[right - 1]), -1.0, 2.0)
                found[bits] = (1.0 - share) * value(of_size[right - 1]) + share * value(of_size[right])
        below = [bits for bits in found if bits <= block.bits]
        above = [bits for bits in found if bits >= block.bits]
        if hold_size and found and not (below and above):
            return found[max(below) if below else min(above)]
        if not below or not above:
            raise _missing(block, f"lies beyond the simulated sizes of its modulation and rate, {_listed(found)}")
        low, high = max(below), min(above)
        if low == high:
            return found[low]
        share = np.log2(block.bits / low) / np.log2(high / low)
        return (1.0 - share) * found[low] + share * found[high]


def _listed(sizes: Mapping[int, Any]) -> str:
    return ", ".join(map(str, sizes)) or "of which there are none"


def _missing(block: CodeBlock, why: str) -> ScenarioError:
    return ScenarioError(
        f"the row of {block.bits} bits sent as {block.coded_bits} with {block.modulation_order} bits a symbol {why}; "
        f"'{COMMAND}' simulates it",
        key=TABLE,
    )


def _approximate_db(block: CodeBlock) -> Array:
    """Es/N0 at which the normal approximation reaches each of the levels."""
    mean, variance = information_table(block.modulation_order)
    excess = block.coded_bits * mean - block.bits + 0.5 * np.log2(block.coded_bits)
    spread = np.sqrt(block.coded_bits * np.maximum(variance, 1e-12))
    bler = 1.0 / (1.0 + 10.0**-_LEVELS)
    found = [np.interp(0.0, np.maximum.accumulate(excess + ndtri(rate) * spread), GRID_DB) for rate in bler]
    return np.array(found)


@lru_cache(maxsize=1)
def _shipped() -> BlerTable:
    return _parse((files(__package__) / TABLE).read_text(encoding="utf-8"))


def _parse(text: str) -> BlerTable:
    lines = text.splitlines()
    provenance = json.loads(" ".join(line[1:] for line in lines if line.startswith("#")))
    curves: dict[CodeBlock, list[tuple[float, int, int]]] = {}
    for row in csv.DictReader(line for line in lines if not line.startswith("#")):
        block = CodeBlock(
            modulation_order=int(row["modulation_order"]),
            bits=int(row["code_block_bits"]),
            coded_bits=int(row["coded_bits"]),
            base_graph=int(row["base_graph"]),
        )
        curves.setdefault(block, []).append((float(row["esno_db"]), int(row["blocks"]), int(row["block_errors"])))
    rows = []
    for block, points in curves.items():
        esno_db, blocks, errors = np.array(sorted(points), np.float64).T
        rows.append(MeasuredCurve(block=block, esno_db=esno_db, blocks=blocks, block_errors=errors))
    return BlerTable(tuple(rows), provenance)
