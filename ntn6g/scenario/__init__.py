"""What a user may ask: frozen models of a scenario, loaded from YAML. No TensorFlow, no physics."""

from ntn6g.scenario.channel import Awgn, Channel, Fading, GasModel, Guard, Losses, NtnTdl, Tdl, Weather
from ntn6g.scenario.link import Budget, Decoder, Link, Power
from ntn6g.scenario.load import dump, load, shipped_configs
from ntn6g.scenario.platforms import At, Circular, Pass, Platform, Terminal, Tle
from ntn6g.scenario.scenario import (
    Part,
    Scenario,
    Track,
    apply,
    flatten,
    from_mapping,
    json_schema,
    sweep_points,
)
from ntn6g.scenario.sweep import Engine, Range, Stop, Sweep

__all__ = [
    "At",
    "Awgn",
    "Budget",
    "Channel",
    "Circular",
    "Decoder",
    "Engine",
    "Fading",
    "GasModel",
    "Guard",
    "Link",
    "Losses",
    "NtnTdl",
    "Part",
    "Pass",
    "Platform",
    "Power",
    "Range",
    "Scenario",
    "Stop",
    "Sweep",
    "Tdl",
    "Terminal",
    "Tle",
    "Track",
    "Weather",
    "apply",
    "dump",
    "flatten",
    "from_mapping",
    "json_schema",
    "load",
    "shipped_configs",
    "sweep_points",
]
