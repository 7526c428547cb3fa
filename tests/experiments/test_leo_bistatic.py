"""The script on bistatic detection under a satellite, run as a user runs it."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from scipy.stats import binomtest

SCRIPT = Path(__file__).parents[2] / "experiments" / "leo_bistatic.py"


@pytest.fixture(scope="module")
def printed():
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "--frames", "2048"], capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_ranges_follow_the_radar_equation(printed):
    lines = [line for line in printed.splitlines() if " dB" in line]
    rows = [[float(x) for x in re.findall(r"[\d.]+(?= (?:dB|km))", line)] for line in lines]

    assert [row[0] for row in rows] == [0, 20, 40, 60, 80]
    for _, aircraft, ship, _ in rows:
        assert ship == pytest.approx(10 * aircraft, rel=0.02)  # 20 dB of cross section, the range to the second power
    ranges = [row[2] for row in rows]
    assert ranges == sorted(ranges)
    # the direct path stands 17.5 dB above the noise: cancelling nothing costs a factor of sqrt(1 + 55) = 7.5 or less
    assert ranges[-1] / ranges[0] == pytest.approx(7.2, abs=0.5)


def test_simulated_frames_agree_with_the_closed_form(printed):
    found, theory = map(float, re.search(r"([\d.]+) of 2048 frames, closed form ([\d.]+)", printed).groups())

    assert theory == pytest.approx(0.9, abs=5e-4)
    # 90 % power for an error of 0.03
    assert binomtest(round(found * 2048), 2048, theory).pvalue > 1e-3
