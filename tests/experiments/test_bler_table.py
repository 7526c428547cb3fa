"""The script that condenses runs of the study bler_table, as a user calls it."""

import subprocess
import sys
from pathlib import Path

from ntn6g.phy.abstraction import BlerTable, CodeBlock
from ntn6g.study.cli import main

SCRIPT = Path(__file__).parents[2] / "experiments" / "bler_table.py"


def test_complete_curves_of_a_run_become_a_table(tmp_path):
    config = tmp_path / "t.yaml"
    config.write_text(
        "schema: 1\nstudy: bler_table\nname: t\nseed: 5\nengine: {batch: 256}\n"
        "bler_table: {mcs_tables: [1], mcs: [5, 7], code_block_bits: [24], block_errors: 20, lowest_bler: 0.05}\n"
    )
    run, table = tmp_path / "run", tmp_path / "table.csv"
    # the last points of the second curve are left to a later run
    assert main(["run", str(config), "--out", str(run), "--quiet", "--points", "0:60"]) == 0

    done = subprocess.run(
        [sys.executable, SCRIPT, run, "--out", table],
        capture_output=True,
        text=True,
        check=False,
        cwd=SCRIPT.parents[1],
    )

    assert done.returncode == 0, done.stderr
    assert "1 curves" in done.stdout
    assert "table 1 lacks MCS [0, 1" in done.stdout
    found = BlerTable.read(table)
    assert [row.block for row in found.rows] == [CodeBlock.of_rate(2, 379, 24)]
    assert [told["block_errors"] for told in found.provenance["runs"]] == [20]
    assert (found.rows[0].block_errors >= 20).all()
    assert found.rows[0].lowest_bler < 0.1


def test_a_run_without_a_complete_curve_gives_no_table(tmp_path):
    config = tmp_path / "t.yaml"
    config.write_text(
        "schema: 1\nstudy: bler_table\nname: t\nengine: {batch: 64}\n"
        "bler_table: {mcs_tables: [1], mcs: [7], code_block_bits: [24], block_errors: 2, lowest_bler: 0.2}\n"
    )
    assert main(["run", str(config), "--out", str(tmp_path / "run"), "--quiet", "--points", "0:3"]) == 0

    command = [sys.executable, SCRIPT, tmp_path / "run", "--out", tmp_path / "table.csv"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=SCRIPT.parents[1])

    assert done.returncode == 1
    assert "no curve is complete" in done.stderr
    assert not (tmp_path / "table.csv").exists()


def test_a_folder_without_results_is_refused_in_one_line(tmp_path):
    command = [sys.executable, SCRIPT, tmp_path / "none", "--out", tmp_path / "table.csv"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=SCRIPT.parents[1])

    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "no results.csv" in done.stderr
    assert not (tmp_path / "table.csv").exists()
