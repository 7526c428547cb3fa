"""Scripts of experiments/ at reduced size."""

import runpy
import sys
from pathlib import Path

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
