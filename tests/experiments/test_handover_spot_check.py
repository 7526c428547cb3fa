"""The spot check of served rates by the coded chain, at the size that compiles least."""

import functools
import runpy
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "experiments" / "handover_spot_check.py"


@pytest.mark.slow
def test_blocks_at_sampled_instants_are_lost_as_often_as_the_table_foretells(monkeypatch, capsys):
    # chance 1e-3 of a false alarm by the script's own limit; an error of 0.3 dB moves 10 % to 25 % of lost blocks
    from ntn6g.services.handover import Simulation

    monkeypatch.setattr("ntn6g.study.build.handover.world.Simulation", functools.partial(Simulation, compiled=False))
    small = ["handover.terminals.count=8", "handover.duration_s=8", "sweep=null"]
    monkeypatch.setattr(sys, "argv", [str(SCRIPT), "--mcs", "1", *(f"--set={each}" for each in small)])

    assert runpy.run_path(str(SCRIPT))["main"]() == 0
    assert "standard deviations" in capsys.readouterr().out
