"""Terrestrial profiles of TR 38.901, read from the tables that Sionna ships; imported explicitly."""

import json
from importlib.resources import files

import sionna

from ntn6g.channel.fading.profile import Profile
from ntn6g.core.errors import ScenarioError

_LETTERS = ("A", "B", "C", "D", "E")


def tdl_profile(letter: str) -> Profile:
    """TDL-A to -E of 3GPP TR 38.901 V16.1.0, Tables 7.7.2-1 to 7.7.2-5.

    Sionna uses the printed delays as they are; `Profile.taps` restores the wanted delay spread exactly, which
    moves the delays of D by 0.6 % and of the others by less than 0.03 %.

    Raises
    ------
    ScenarioError
        Another letter.
    """
    if letter not in _LETTERS:
        raise ScenarioError(
            f"{letter!r} is not a TDL profile of TR 38.901; there are {', '.join(_LETTERS)}",
            key="channel.fading.profile",
        )
    table = files(sionna) / "phy" / "channel" / "tr38901" / "models" / f"TDL-{letter}.json"
    row = json.loads(table.read_text(encoding="utf-8"))
    return Profile(f"TDL-{letter}", tuple(row["delays"]), tuple(row["powers"]), bool(row["los"]))
