"""Element sets: what is refused, and in which words; ages; many at once."""

from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from ntn6g.core.errors import ScenarioError
from ntn6g.orbit import ElementSet, Times, constellation_state

LINES = (Path(__file__).parents[2] / "reference/data/orbit_element_sets.tle").read_text().splitlines()
SETS = [(LINES[i + 1], LINES[i + 2], LINES[i]) for i in range(0, len(LINES), 3)]
LINE1, LINE2, NAME = SETS[0]


def replaced(line, first, text):
    """Columns from `first` (counted from 1) replaced, with a checksum that fits."""
    changed = f"{line[: first - 1]}{text}{line[first - 1 + len(text) :]}"[:68]
    return f"{changed}{sum(int(c) if c.isdigit() else c == '-' for c in changed) % 10}"


BAD = {
    "checksum": (LINE1[:68] + "7", LINE2, "line 1 ends with checksum 7, its digits give 6"),
    "checksum of line 2": (LINE1, LINE2[:68] + "4", "line 2 ends with checksum 4, its digits give 3"),
    "one digit changed": (
        LINE1,
        LINE2.replace("86.5040", "86.5041"),
        "line 2 ends with checksum 3, its digits",
    ),
    "too short": (LINE1[:60], LINE2, "line 1 has 60 characters instead of 69"),
    "empty": ("", LINE2, "line 1 has 0 characters"),
    "swapped": (LINE2, LINE1, "line 1 begins with '2 '"),
    "two satellites": (LINE1, SETS[1][1], "line 1 is of satellite 62323, line 2 of 62324"),
    "letters in a number": (LINE1, replaced(LINE2, 9, " 86.5x40"), "line 2 columns 9-16, inclination"),
    "shifted": (LINE1, replaced(LINE2, 53, "1324413432."), None),
    "no motion": (LINE1, replaced(LINE2, 53, " 0.00000000"), None),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_element_sets_are_refused_in_one_line(case):
    line1, line2, words = BAD[case]

    with pytest.raises(ScenarioError) as refused:
        ElementSet(line1, line2, NAME)

    message = str(refused.value)
    assert "\n" not in message
    assert message.startswith(f"lines: element set {NAME}: ")
    assert words is None or words in message


def test_white_space_around_lines_is_dropped():
    assert ElementSet(f"  {LINE1}\r\n", f"{LINE2}  ", NAME) == ElementSet(LINE1, LINE2, NAME)


def test_age_counts_days_from_the_epoch():
    elements = ElementSet(LINE1, LINE2, NAME)

    assert f"{elements.epoch:%Y-%m-%dT%H:%M:%S}" == "2026-04-25T11:48:46"  # day 115.49220466 of 2026
    assert elements.element_set_age_days(elements.epoch + timedelta(hours=36)) == pytest.approx(1.5)


def test_a_constellation_moves_as_its_satellites_do():
    sets = [ElementSet(*lines) for lines in SETS[:3]]
    times = Times(sets[0].epoch, np.arange(0.0, 600.0, 60.0))

    together = constellation_state(sets, times)

    assert together.position_ecef_m.shape == (3, 10, 3)
    for index, each in enumerate(sets):
        alone = each.state(times)
        np.testing.assert_array_equal(together.position_ecef_m[index], alone.position_ecef_m)
        np.testing.assert_array_equal(together.acceleration_ecef_m_s2[index], alone.acceleration_ecef_m_s2)
