"""The documented example of a scenario, and a way to load text."""

from collections.abc import Callable
from pathlib import Path

import pytest

from ntn6g.core.errors import ScenarioError
from ntn6g.scenario import Scenario, load

EXAMPLE = """\
schema: 1
study: link
name: guowang-over-beijing
seed: 1
platforms:
  sat: {kind: circular, altitude_km: 600, inclination_deg: 60, epoch: 2026-04-25T12:00:00Z}
  twin: {kind: tle, lines: ["1 25544U 98067A   08264.51782528", "2 25544  51.6416 247.4627 0006703"]}
terminals:
  ue: {latitude_deg: 39.9, longitude_deg: 116.4, altitude_m: 50, speed_kmh: 3}
at: {platform: sat, elevation_deg: 50, side: setting,
     pass: {after: 2026-04-25T12:00:00Z, min_culmination_deg: 60}}
channel: {carrier_ghz: 20, environment: urban, fading: {kind: ntn-tdl, profile: C}}
link: {direction: downlink, subcarrier_khz: 120, resource_blocks: 25, mcs: 14, mcs_table: 1, receiver: lmmse}
power: {ebno_db: 6}
sweep: {grid: {power.ebno_db: {from: -2, to: 10, step: 1}, at.elevation_deg: [20, 40, 60]}}
stop: {block_errors: 200, max_blocks: 20000}
"""


@pytest.fixture
def example() -> str:
    return EXAMPLE


@pytest.fixture
def load_text(tmp_path: Path) -> Callable[..., Scenario]:
    """Loads a text with overrides, as a file."""

    def load_it(text: str, *overrides: str) -> Scenario:
        path = tmp_path / "scenario.yaml"
        path.write_text(text, encoding="utf-8")
        return load(path, overrides)

    return load_it


@pytest.fixture
def refusal(load_text: Callable[..., Scenario]) -> Callable[..., str]:
    """The one line with which a text and its overrides are refused."""

    def refuse(text: str, *overrides: str) -> str:
        with pytest.raises(ScenarioError) as caught:
            load_text(text, *overrides)
        message = str(caught.value)
        assert "\n" not in message
        assert "pydantic" not in message
        assert caught.value.exit_code == 2
        return message

    return refuse


@pytest.fixture
def changed(example: str) -> Callable[[str, str], str]:
    """The example with one piece of text replaced, which must be there."""

    def change(old: str, new: str) -> str:
        assert old in example
        return example.replace(old, new, 1)

    return change
