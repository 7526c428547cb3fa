"""The benchmark script: every name leads to figures in the agreed form; the smallest one really runs."""

import importlib
import json
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "experiments" / "speed.py"
SUFFIXES = ("_ratio", "_per_s", "_ms", "_mib")


@pytest.fixture
def speed(monkeypatch):
    monkeypatch.syspath_prepend(SCRIPT.parent)
    return runpy.run_path(str(SCRIPT))


def test_every_benchmark_can_be_asked_for_figures(speed):
    for module in speed["BENCHMARKS"].values():
        assert callable(importlib.import_module(module).run)


def test_an_unknown_benchmark_is_refused_with_the_known_ones():
    command = [sys.executable, str(SCRIPT), "--only", "light"]
    asked = subprocess.run(command, capture_output=True, text=True, check=False)

    assert asked.returncode == 2
    assert "'decoder'" in asked.stderr


def test_figures_are_one_flat_object_with_units_in_their_names(speed, monkeypatch, capsys):
    engine = importlib.import_module("benchmarks.engine")
    monkeypatch.setattr(engine, "POINTS", 10)
    monkeypatch.setattr(engine, "CHUNKS", 200)
    for name in ("_workers", "_memory"):  # processes of their own: too long for a test
        monkeypatch.setattr(engine, name, lambda folder: {})
    monkeypatch.setattr(sys, "argv", ["speed.py", "--only", "engine", "--json"])

    assert speed["main"]() == 0
    figures = json.loads(capsys.readouterr().out)
    assert set(figures) == {"engine_overhead_ms", "ledger_per_point_ms", "ledger_open_ms"}
    assert all(key.endswith(SUFFIXES) and value > 0 for key, value in figures.items())
