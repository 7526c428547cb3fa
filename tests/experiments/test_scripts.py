"""Scripts of experiments/ at reduced size."""

import re
import runpy
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[2] / "experiments"


def test_decoder_rules_prints_every_rule_against_the_peer(monkeypatch, capsys):
    script = runpy.run_path(str(SCRIPTS / "decoder_rules.py"))
    script["CODES"].clear()
    script["CODES"][0.5] = (100, 200, -3.0)
    monkeypatch.setattr(sys, "argv", ["decoder_rules.py", "--blocks", "128"])

    assert script["main"]() == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].startswith("R = 0.500, K = 100")
    columns = [line.split() for line in printed[1:]]
    found = {name: float(loss) for name, _, loss in columns}
    assert set(found) == set(script["RULES"])
    assert found["sionna"] == 0.0
    assert all(abs(loss) < 1.0 for loss in found.values())


def test_beams_and_spectrum_draw_and_print_what_their_heads_say(monkeypatch, capsys, tmp_path):
    for name, expected in (
        ("beams.py", ["reuse 1: median C/I 1.", "reuse 3: median C/I 13."]),
        ("spectrum.py", ["error vector 13.", "neighbouring channel -25."]),
    ):
        script = runpy.run_path(str(SCRIPTS / name))
        monkeypatch.setattr(sys, "argv", [name, "--out", str(tmp_path / f"{name}.png")])
        script["main"]()
        printed = capsys.readouterr().out
        assert all(text in printed for text in expected), printed
        assert (tmp_path / f"{name}.png").stat().st_size > 10_000


def test_synchronisation_prints_what_it_measures_beside_the_closed_form(monkeypatch, capsys):
    script = runpy.run_path(str(SCRIPTS / "synchronisation.py"))
    monkeypatch.setattr(sys, "argv", ["synchronisation.py", "--trials", "256"])

    assert script["main"]() == 0
    printed = capsys.readouterr().out
    pairs = [(float(found), float(law)) for found, law in re.findall(r"([\d.]+) \(\s*([\d.]+)\)", printed)]
    assert len(pairs) == 2 * 4 + 3 * 3
    for found, law in pairs[:8]:  # acquisition
        assert abs(found - law) < 0.12, printed  # four standard errors of 256 searches
    for found, law in (*pairs[9:11], *pairs[12:14], *pairs[15:]):  # 10 and 20 dB
        assert 0.75 < found / law < 1.35, printed


@pytest.mark.slow
def test_blocks_at_sampled_instants_of_a_handover_run_are_lost_as_the_table_foretells(monkeypatch, capsys):
    # chance 1e-3 of a false alarm by the script's own interval, which is 0.1 dB and the table's 0.1 dB wide
    script = runpy.run_path(str(SCRIPTS / "handover_spot_check.py"))
    small = ["parts.orbit.handover.terminals.count=8", "parts.orbit.handover.duration_s=20"]
    words = ["handover_spot_check.py", "--mcs", "1", *(f"--set={each}" for each in small)]
    monkeypatch.setattr(sys, "argv", words)

    assert script["main"]() == 0
    assert " foretold: " in capsys.readouterr().out
