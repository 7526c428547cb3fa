"""What a user may ask: frozen models of a scenario, loaded from YAML. No TensorFlow, no physics."""

from ntn6g.scenario.channel import Awgn, Channel, Fading, GasModel, Guard, Losses, NtnRays, NtnTdl, Tdl, Weather
from ntn6g.scenario.coverage import Coverage
from ntn6g.scenario.harq import Harq, LimitedBuffer
from ntn6g.scenario.link import Budget, Decoder, Link, Power
from ntn6g.scenario.load import dump, load, shipped_configs
from ntn6g.scenario.platforms import (
    At,
    Circular,
    Constellation,
    Geo,
    Haps,
    Keplerian,
    Omm,
    Pass,
    Platform,
    Terminal,
    Tle,
    Walker,
)
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
    "Constellation",
    "Coverage",
    "Decoder",
    "Engine",
    "Fading",
    "GasModel",
    "Geo",
    "Guard",
    "Haps",
    "Harq",
    "Keplerian",
    "LimitedBuffer",
    "Link",
    "Losses",
    "NtnRays",
    "NtnTdl",
    "Omm",
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
    "Walker",
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
