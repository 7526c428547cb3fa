"""Study `bler_table`: block error rate of single code blocks on white noise, for a table that others look up."""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np

from ntn6g.core.errors import ScenarioError
from ntn6g.core.units import db_to_linear
from ntn6g.phy import LinkValues
from ntn6g.phy.abstraction import CodeBlock, CodewordChain, expected_esno_db
from ntn6g.phy.coding import mcs_table
from ntn6g.scenario import BlerTable, Scenario
from ntn6g.study.build.link_step import LinkStep, LinkWork
from ntn6g.study.engine import Recipe, StopRule, Tally
from ntn6g.study.intervals import clopper_pearson

_STEEP_BITS = 1000  # code blocks above it are given half the step
# Where a curve is looked for: from the normal approximation at these rates on, by what the decoder was seen to lose
# against it, least and most in dB up to a size. Points in vain are cheap: some 4000 blocks below the lowest rate.
_LOSSES_DB = ((100, 0.3, 4.5), (1000, 0.3, 2.6), (8448, 0.3, 2.2))
_HIGHEST_BLER = 0.95
_BATCH_BYTES, _BYTES_PER_BIT, _BYTES_PER_SYMBOL = 64 * 2**20, 40, 64
_FEWEST_ROWS, _MOST_ROWS = 64, 2048


@dataclass(frozen=True, kw_only=True)
class CurveStructure:
    """All that shapes the tensors of a curve."""

    block: CodeBlock
    decoder: str
    decoder_iterations: int | None

    @property
    def channel_key(self) -> str:
        """Every curve has draws of its own; its points share them, which keeps a curve monotonic."""
        return f"codeword|{self.block.modulation_order}|{self.block.bits}|{self.block.coded_bits}"

    @property
    def label(self) -> str:
        """Every field, for manifests."""
        fields = {**asdict(self.block), "decoder": self.decoder, "decoder_iterations": self.decoder_iterations}
        return " ".join(f"{name}={value}" for name, value in fields.items())


@dataclass(frozen=True)
class CurvePoint:
    """One Es/N0 of one curve."""

    structure: CurveStructure
    esno_db: float
    identity: str
    seed: int

    @property
    def axes(self) -> Mapping[str, Any]:
        """The curve and the place on it."""
        block = self.structure.block
        return {
            "modulation_order": block.modulation_order,
            "code_block_bits": block.bits,
            "coded_bits": block.coded_bits,
            "base_graph": block.base_graph,
            "esno_db": self.esno_db,
        }

    @property
    def work(self) -> LinkWork:
        """What a step needs of it."""
        values = dict.fromkeys(LinkValues.DTYPES, 0.0) | {"noise_variance": float(db_to_linear(-self.esno_db))}
        return LinkWork(self.structure.channel_key, values, self.seed)


@dataclass(frozen=True, kw_only=True)
class CurveRule(StopRule):
    """Enough errors, or a rate that is surely below the lowest wanted: its 95 % interval ends there."""

    lowest_bler: float

    def _met(self, chunks: Any, counts: Mapping[str, Any]) -> dict[str, Any]:
        met = super()._met(chunks, counts)
        cap = met.pop("max_blocks")
        errors, blocks = counts["block_errors"], counts["blocks"]
        few = (errors < 0.5 * self.lowest_bler * blocks) & (blocks > 0)
        below = np.zeros(np.shape(errors), bool)
        below[few] = clopper_pearson(errors[few], blocks[few])[1] < self.lowest_bler
        return {**met, "lowest_bler": below, "max_blocks": cap}

    def _blocks_expected(self, tally: Tally) -> float:
        if not tally.counts.get("block_errors", 0):
            return min(-math.log(0.025) / self.lowest_bler, float(self.max_blocks))
        return super()._blocks_expected(tally)


class BlerTableStudy:
    """Curves of a scenario as points, one compiled step per curve, and rows.

    Parameters as `ntn6g.study.build.link.LinkStudy`.

    Raises
    ------
    ScenarioError
        Rows that no table has, or no code block of these sizes.
    """

    kind = "bler_table"

    def __init__(self, part: str, scenario: Scenario) -> None:
        assert scenario.bler_table is not None  # checked on loading
        self.part, self.scenario, asked = part, scenario, scenario.bler_table
        self.rule = CurveRule(
            max_blocks=asked.max_blocks, block_errors=asked.block_errors, lowest_bler=asked.lowest_bler
        )
        self.points = [
            _point(scenario.seed, structure, esno_db)
            for structure in _structures(asked)
            for esno_db in _window_db(structure.block, asked)
        ]
        if not self.points:
            raise ScenarioError(
                f"no row {', '.join(map(str, asked.mcs or ()))} of these tables carries code blocks of these sizes; "
                "above 3840 bits the rate has to exceed 0.25",
                key="bler_table.mcs",
            )

    def rows(self, structure: CurveStructure) -> int:
        """Blocks of a batch, a multiple of 64."""
        return self.scenario.engine.batch or _batch_rows(structure.block)

    def recipe(self, structure: CurveStructure) -> Recipe:
        """How a worker builds the compiled step of a curve."""
        return partial(curve_step, structure, rows=self.rows(structure))

    def row(self, point: CurvePoint, tally: Tally, stopped_by: str | None) -> dict[str, Any]:
        """Columns of the results table for one point."""
        del point
        blocks, errors = tally.blocks, tally.counts["block_errors"]
        low, high = clopper_pearson(errors, blocks)
        return {
            "blocks": blocks,
            "block_errors": errors,
            "bler": errors / blocks,
            "bler_low": float(low),
            "bler_high": float(high),
            "iterations": tally.counts["iterations"] / blocks,
            "stopped_by": stopped_by or "",
        }

    def series(self) -> list[dict[str, Any]]:
        """No time series."""
        return []


def _structures(asked: BlerTable) -> list[CurveStructure]:
    """Every curve once, by size in the order given, modulation and rate."""
    blocks = {
        CodeBlock.of_rate(row.modulation_order, 1024 * row.code_rate, bits)
        for bits in asked.code_block_bits
        for table in asked.mcs_tables
        for row in mcs_table(table)
        if CodeBlock.fits(1024 * row.code_rate, bits) and (asked.mcs is None or row.index in asked.mcs)
    }
    order = asked.code_block_bits.index
    ordered = sorted(blocks, key=lambda b: (order(b.bits), b.modulation_order, b.rate))
    decoder = asked.decoder
    return [
        CurveStructure(block=block, decoder=decoder.kind, decoder_iterations=decoder.iterations) for block in ordered
    ]


def _window_db(block: CodeBlock, asked: BlerTable) -> list[float]:
    """Es/N0 of the points: multiples of the step from where nearly all is lost to below the lowest rate."""
    step_db = asked.step_db if block.bits <= _STEEP_BITS else asked.step_db / 2.0
    low_db, high_db = (
        expected_esno_db(block.modulation_order, block.bits, block.coded_bits, bler)
        for bler in (_HIGHEST_BLER, asked.lowest_bler)
    )
    least_db, most_db = next((least, most) for bits, least, most in _LOSSES_DB if block.bits <= bits)
    first, last = math.floor((low_db + least_db) / step_db), math.ceil((high_db + most_db) / step_db)
    return [number * step_db for number in range(first, last + 1)]


def _point(seed: int, structure: CurveStructure, esno_db: float) -> CurvePoint:
    text = json.dumps(["bler_table", seed, asdict(structure), esno_db], sort_keys=True)
    return CurvePoint(structure, esno_db, hashlib.sha256(text.encode()).hexdigest(), seed)


def _batch_rows(block: CodeBlock) -> int:
    symbols = block.coded_bits // block.modulation_order
    per_block = _BYTES_PER_BIT * (block.coded_bits + block.bits) + _BYTES_PER_SYMBOL * symbols
    return min(max(_BATCH_BYTES // per_block // 64 * 64, _FEWEST_ROWS), _MOST_ROWS)


def curve_step(structure: CurveStructure, *, rows: int) -> LinkStep:
    """Step of a curve, built wherever it is to run."""
    chain = CodewordChain(
        structure.block, decoder=structure.decoder, iterations=structure.decoder_iterations
    )
    return LinkStep(chain, rows=rows)
