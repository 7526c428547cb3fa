"""Antennas as clusters and rays meet them: elements of both ends, and the pattern of a terminal's antenna."""

import math
from typing import TYPE_CHECKING, Any

import tensorflow as tf
from pydantic import TypeAdapter

from ntn6g import scenario
from ntn6g.channel.antennas import Axial
from ntn6g.channel.fading.rays import Elements
from ntn6g.channel.loss import faraday_rotation_rad
from ntn6g.core.errors import ScenarioError
from ntn6g.core.units import db_to_linear
from ntn6g.study.build.antennas import made

if TYPE_CHECKING:
    from ntn6g.study.build.link_step import LinkStructure

_ONE: tuple[tuple[float, ...], tuple[Any, ...]] = ((0.0,), ())  # a vertical element


def ends_structure(fading: Any, air: scenario.Channel, terminal: scenario.Antenna | None) -> dict[str, Any]:
    """Fields ``panels`` and ``terminal_antenna`` of a structure, where either end has elements or a pattern counts.

    Raises
    ------
    ScenarioError
        A pattern that is asked for and has no angle from the line of sight alone.
    """
    found: dict[str, Any] = {}
    if fading.pattern == "terminal":
        _check(terminal)
        assert terminal is not None  # checked
        found["terminal_antenna"] = (terminal.model_dump_json(), 1e9 * air.carrier_ghz)
        pattern_of(*found["terminal_antenna"])  # refuses a carrier that a preset does not have
    given = fading.terminal, fading.satellite
    if given != (None, None):
        shapes = [
            _ONE
            if panel is None
            else (tuple(math.radians(each) for each in panel.slant_deg), panel.position_wavelengths)
            for panel in given
        ]
        turn = float(faraday_rotation_rad(air.carrier_ghz * 1e9)) if air.losses.faraday else 0.0
        found["panels"] = (*shapes, turn)
    return found


def ends_of(structure: "LinkStructure") -> dict[str, Any]:
    """Elements of both ends, direction and rotation; nothing where all are alike and open to every direction."""
    if structure.panels is None and structure.terminal_antenna is None:
        return {}
    *panels, faraday_rad = structure.panels or (_ONE, _ONE, 0.0)
    beam = None if structure.terminal_antenna is None else pattern_of(*structure.terminal_antenna)
    (slant_rad, places), satellite = panels
    return {
        "terminal": Elements(slant_rad, places, beam=beam),
        "satellite": Elements(*satellite),
        "direction": structure.allocation.direction,
        "faraday_rad": faraday_rad,
    }


def pattern_of(antenna: str, carrier_hz: float) -> Any:
    """Power gain over that along boresight, by the angle from it in radians, of an antenna given as JSON."""
    given: Any = TypeAdapter(scenario.Antenna).validate_json(antenna)
    end = made(given, carrier_hz, "antennas.terminal").antenna
    assert isinstance(end, Axial)  # checked
    ahead_dbi = float(end.pattern_dbi(tf.constant(0.0, tf.float64)))

    def beam(angle_rad: tf.Tensor) -> tf.Tensor:
        gain_dbi = end.pattern_dbi(tf.cast(angle_rad, tf.float64))
        return tf.cast(db_to_linear(gain_dbi - ahead_dbi), angle_rad.dtype)

    return beam


def _check(terminal: Any) -> None:
    """Refuse what has no pattern by the angle from the line of sight."""
    key = "antennas.terminal"
    if terminal is None:
        raise ScenarioError("required key is missing; channel.fading.pattern: terminal needs it", key=key)
    if terminal.kind in ("array", "electronically-steered"):
        raise ScenarioError(
            f"{terminal.kind!r} has another pattern for every side that it looks to, which channel.fading.pattern: "
            "terminal does not follow; take an antenna that turns as a whole",
            key=f"{key}.kind",
        )
    if terminal.pointing.kind != "peer" or terminal.pointing_error_deg:
        name = "pointing.kind" if terminal.pointing.kind != "peer" else "pointing_error_deg"
        raise ScenarioError(
            "channel.fading.pattern: terminal weighs rays by their angle from the line of sight, so the antenna has to "
            "look along it; leave this key out",
            key=f"{key}.{name}",
        )
