"""The study of code blocks on white noise: which curves, where they are looked for, when a point is seen enough."""

import csv
from pathlib import Path

import numpy as np
import pytest

from ntn6g.core.errors import ScenarioError
from ntn6g.phy.abstraction import CodeBlock, bit_information, expected_esno_db, normal_approximation
from ntn6g.phy.abstraction.information import GRID_DB
from ntn6g.scenario import from_mapping
from ntn6g.study.build.bler_table import BlerTableStudy, CurveRule
from ntn6g.study.cli import main
from ntn6g.study.engine import Chunk, Tally

BRACKETS = Path(__file__).parents[2] / "reference" / "data" / "ldpc_awgn_brackets.csv"


def study(**asked):
    return BlerTableStudy("", from_mapping({"schema": 1, "study": "bler_table", "name": "t", "bler_table": asked}))


def printed():
    lines = [line for line in BRACKETS.read_text().splitlines() if not line.startswith("#")]
    return {(int(r["modulation_order"]), int(r["code_rate_x1024"])): r for r in csv.DictReader(lines)}


class TestInformation:
    def test_capacity_and_normal_approximation_equal_the_printed_ones(self):
        # printed to 0.01 dB, by a quadrature of their own
        for (order, rate), row in printed().items():
            mean, _ = bit_information(order, GRID_DB)
            assert np.interp(rate / 1024, mean, GRID_DB) == pytest.approx(float(row["bicm_db"]), abs=0.02)
            coded = round(1000 * 1024 / rate)
            assert expected_esno_db(order, 1000, coded, 0.1) == pytest.approx(float(row["na_db"]), abs=0.02)

    def test_qpsk_is_two_binary_channels_and_everything_saturates(self):
        # the Shannon limit of rate 1/2 on the binary-input Gaussian channel is sigma = 0.97869 (S.-Y. Chung et al.,
        # "On the design of LDPC codes within 0.0045 dB of the Shannon limit", IEEE Commun. Lett. 5, 2001)
        sigma = 0.97869
        mean, _ = bit_information(2, 10 * np.log10(1 / sigma**2))
        assert mean == pytest.approx(0.5, abs=1e-4)
        for order in (2, 4, 6, 8, 10):
            high, spread = bit_information(order, 45.0)
            assert high == pytest.approx(1.0, abs=1e-9)
            assert spread == pytest.approx(0.0, abs=1e-9)

    def test_more_nodes_change_nothing(self):
        for order in (2, 6, 10):
            few, many = bit_information(order, GRID_DB[::10]), bit_information(order, GRID_DB[::10], nodes=96)
            np.testing.assert_allclose(few[0], many[0], atol=1e-4)
            np.testing.assert_allclose(few[1], many[1], atol=5e-4)

    def test_the_approximation_falls_with_signal(self):
        rate = normal_approximation(4, 500, 1000)
        assert (np.diff(rate) <= 0).all()
        assert rate[0] == pytest.approx(1.0)

    def test_a_rate_above_one_is_reached_nowhere(self):
        with pytest.raises(ValueError, match="nowhere"):
            expected_esno_db(2, 100, 90, 0.1)


class TestCodeBlocks:
    @pytest.mark.parametrize(
        ("bits", "rate_x1024", "graph"),
        # TS 38.212 7.2.2 for A = K - 16 (24 above 3840): A <= 292; A <= 3824 and R <= 0.67; R <= 0.25
        [(24, 948, 2), (308, 948, 2), (309, 948, 1), (3840, 686, 2), (3840, 687, 1), (8448, 257, 1), (3840, 256, 2)],
    )
    def test_base_graph_is_that_of_the_transport_block(self, bits, rate_x1024, graph):
        assert CodeBlock.of_rate(2, rate_x1024, bits).base_graph == graph

    def test_sizes_are_whole_symbols_and_the_rate_is_not_exceeded(self):
        for order, rate in ((2, 30), (6, 948), (8, 682.5)):
            block = CodeBlock.of_rate(order, rate, 500)
            assert block.coded_bits % order == 0
            assert block.rate <= rate / 1024 < 500 / (block.coded_bits - order)

    def test_large_blocks_exist_above_a_quarter_only(self):
        assert not CodeBlock.fits(256, 8448)
        assert CodeBlock.fits(257, 8448)
        assert CodeBlock.fits(30, 3840)


class TestPoints:
    def test_rows_of_equal_modulation_and_rate_are_one_curve(self):
        both, first = study(mcs_tables=[1, 3], code_block_bits=[500]), study(mcs_tables=[1], code_block_bits=[500])

        # table 3 adds 30, 40, 50, 64, 78, 99 to the 29 rows of table 1 (TS 38.214)
        assert len({p.structure for p in first.points}) == 29
        assert len({p.structure for p in both.points}) == 35

    def test_points_are_a_step_apart_and_reach_from_the_floor_to_beyond_what_the_decoder_loses(self):
        for bits, step_db in ((500, 0.25), (2000, 0.125)):
            found = study(mcs_tables=[1], code_block_bits=[bits])
            for structure in {p.structure for p in found.points}:
                at_db = [p.esno_db for p in found.points if p.structure == structure]
                block = structure.block
                floor_db = expected_esno_db(block.modulation_order, bits, block.coded_bits, 0.95)
                np.testing.assert_allclose(np.diff(at_db), step_db)
                np.testing.assert_allclose(np.array(at_db) / step_db % 1, 0)
                assert at_db[0] <= floor_db + 0.3 < floor_db + 2 < at_db[-1]

    def test_what_fits_no_base_graph_is_refused(self):
        with pytest.raises(ScenarioError, match=r"bler_table.mcs: no row 2 .* 0\.25"):
            study(mcs_tables=[1], mcs=[2], code_block_bits=[8448])

    def test_a_sweep_is_refused(self):
        with pytest.raises(ScenarioError, match="sweep: a bler_table study finds its own points"):
            from_mapping(
                {
                    "schema": 1,
                    "study": "bler_table",
                    "name": "t",
                    "bler_table": {},
                    "sweep": {"grid": {"seed": [1, 2]}},
                }
            )


class TestRule:
    rule = CurveRule(max_blocks=125_000, block_errors=100, lowest_bler=1e-3)

    def tally(self, errors, blocks):
        tally = Tally()
        tally.add(Chunk({"blocks": blocks, "block_errors": errors}, {}))
        return tally

    def test_a_hundred_errors_suffice(self):
        assert self.rule.reason(self.tally(99, 9_900)) is None
        assert self.rule.reason(self.tally(100, 10_000)) == "block_errors"

    def test_a_point_below_the_lowest_rate_stops_when_that_is_sure(self):
        # upper end of the 95 % Clopper-Pearson interval without error: 1 - 0.05^(1/n) < 1e-3 from n = 2995 on
        assert self.rule.reason(self.tally(0, 2_900)) is None
        assert self.rule.reason(self.tally(0, 3_000)) == "lowest_bler"
        assert self.rule.reason(self.tally(1, 3_000)) is None  # up to 1.9e-3

    def test_the_cap_is_a_quarter_above_what_the_errors_need(self):
        assert study(code_block_bits=[100]).rule.max_blocks == 125_000


def test_a_run_collects_errors_down_to_the_lowest_rate_and_continues(tmp_path):
    config = tmp_path / "t.yaml"
    config.write_text(
        "schema: 1\nstudy: bler_table\nname: t\nseed: 5\n"
        "bler_table: {mcs_tables: [1], mcs: [7], code_block_bits: [100], block_errors: 20, lowest_bler: 0.05}\n"
        "engine: {batch: 256}\n"
    )
    out = tmp_path / "run"
    curve = study(mcs_tables=[1], mcs=[7], code_block_bits=[100], block_errors=20, lowest_bler=0.05).points
    asked = ["run", str(config), "--out", str(out), "--quiet"]

    assert main(asked) == 0
    first = (out / "results.csv").read_text()
    assert main(asked) == 0

    assert (out / "results.csv").read_text() == first
    rows = list(csv.DictReader(first.splitlines()))
    assert len(rows) == len(curve)
    rates = [float(row["bler"]) for row in rows]
    assert rates[0] > 0.8
    assert rates[-1] < 0.05
    assert all(int(row["block_errors"]) >= 20 for row in rows if float(row["bler"]) > 0.05)
    assert {row["stopped_by"] for row in rows} <= {"block_errors", "lowest_bler", "max_blocks"}
