"""The script that holds effective-SINR mappings against the full chain, as a user calls it."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "experiments" / "effective_sinr.py"


# held out: profiles and rows that calibration has not seen, and one row of its profile
CASES = [
    ("A", 11),
    pytest.param("B", 18, marks=pytest.mark.slow),
    pytest.param("C", 8, marks=pytest.mark.slow),
    ("D", 10),
]


@pytest.mark.parametrize(("profile", "mcs"), CASES)
def test_ten_per_cent_points_behind_an_estimated_channel_are_foretold_within_0_3_db(profile, mcs):
    # 1024 blocks on both sides: decoding noise alone moves the point by 0.1 dB at the least steep of these curves
    done = subprocess.run(
        [sys.executable, SCRIPT, "--profile", profile, "--mcs", str(mcs), "--blocks", "1024"],
        capture_output=True,
        text=True,
        check=False,
        cwd=SCRIPT.parents[1],
    )

    assert done.returncode == 0, done.stdout + done.stderr
    found = re.search(rf"MCS {mcs}: .*information_off_db (\S+), eesm_off_db (\S+)", done.stdout)
    assert found
    assert max(abs(float(off)) for off in found.groups()) < 0.3
