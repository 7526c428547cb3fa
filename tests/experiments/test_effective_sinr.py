"""The script that holds effective-SINR mappings against the full chain, as a user calls it."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "experiments" / "effective_sinr.py"


@pytest.mark.parametrize(("arguments", "mcs"), [(["--mcs", "10"], 10), (["--fit", "--mcs", "4"], 4)])
def test_ten_per_cent_points_on_ntn_tdl_channels_are_foretold_within_0_3_db(arguments, mcs):
    # 1024 blocks on both sides: decoding noise alone moves the point by 0.1 dB at the least steep of these curves
    done = subprocess.run(
        [sys.executable, SCRIPT, *arguments, "--blocks", "1024"],
        capture_output=True,
        text=True,
        check=False,
        cwd=SCRIPT.parents[1],
    )

    assert done.returncode == 0, done.stdout + done.stderr
    found = re.search(rf"MCS {mcs}: .*eesm_off_db (\S+), information_off_db (\S+),", done.stdout)
    assert found
    assert max(abs(float(off)) for off in found.groups()) < 0.3
