"""Parts: what they inherit, what they replace, and that each is complete by itself."""

import pytest

from ntn6g.scenario.fields import merge

PARTS = """\
parts:
  plain: {}
  fading: {channel: {fading: {kind: awgn}}, description: no fading}
  power: {power: {esno_db: 3}, sweep: {grid: {link.mcs: [3, 4]}}}
  moment: {at: {fraction: 0.5}, sweep: {grid: {power.ebno_db: [1]}}}
  precise: {stop: {relative_ci: 0.1, bler_floor: 1.0e-3}}
  uncoded: {link: {modulation: bpsk, coding: none}}
  track: {study: pass, track: {step_s: 5}, sweep: {grid: {channel.carrier_ghz: [2, 20]}}}
"""


@pytest.fixture
def resolved(load_text, example):
    return load_text(example + PARTS).parts_resolved()


def test_each_part_is_a_complete_scenario_in_the_given_order(resolved):
    assert list(resolved) == ["plain", "fading", "power", "moment", "precise", "uncoded", "track"]
    assert all(not part.parts and part.channel and part.study for part in resolved.values())


def test_without_parts_the_scenario_stands_for_itself(load_text, example):
    scenario = load_text(example)

    assert scenario.parts_resolved() == {"": scenario}


def test_a_part_without_keys_inherits_everything(resolved, load_text, example):
    assert resolved["plain"] == load_text(example)


def test_sections_are_merged_and_a_new_kind_replaces_the_old_one(resolved):
    part = resolved["fading"]

    assert part.channel.fading.kind == "awgn"
    assert (part.channel.carrier_ghz, part.channel.environment) == (20.0, "urban")
    assert part.description == "no fading"


def test_another_kind_of_detector_keeps_its_false_alarm_rate():
    given = {"sensing": {"detector": {"kind": "ca", "false_alarm": 1e-3}}}

    found = merge(given, {"sensing": {"detector": {"kind": "os"}}})

    assert found == {"sensing": {"detector": {"kind": "os", "false_alarm": 1e-3}}}


def test_power_sweep_and_stop_are_replaced_wholly(resolved):
    assert (resolved["power"].power.ebno_db, resolved["power"].power.esno_db) == (None, 3.0)
    assert resolved["power"].sweep.paths() == ("link.mcs",)
    assert resolved["precise"].stop.block_errors is None


def test_choosing_a_moment_replaces_the_inherited_one_and_keeps_the_pass(resolved):
    at = resolved["moment"].at

    assert (at.elevation_deg, at.fraction, at.side) == (None, 0.5, "rising")
    assert at.pass_.min_culmination_deg == 60.0


def test_a_modulation_replaces_the_inherited_mcs(resolved):
    assert (resolved["uncoded"].link.mcs, resolved["uncoded"].link.modulation) == (None, "bpsk")


def test_a_pass_study_takes_its_track(resolved):
    assert (resolved["track"].study, resolved["track"].track.step_s) == ("pass", 5.0)


def test_study_may_come_from_the_parts_alone(load_text, changed):
    scenario = load_text(changed("study: link\n", "") + "parts: {a: {study: link}, b: {study: pass}}\n")

    assert [part.study for part in scenario.parts_resolved().values()] == ["link", "pass"]


def test_a_null_in_a_part_takes_the_inherited_key_away(load_text, example):
    scenario = load_text(
        example + "parts: {a: {at: {elevation_deg: null, side: null}, sweep: {grid: {link.mcs: [3]}}}}\n"
    )

    assert scenario.parts_resolved()["a"].at.elevation_deg is None


@pytest.mark.parametrize(
    ("part", "said"),
    [
        ("{power: {ebno_db: 1, esno_db: 2}}", ["power", "exactly one", "part 'a'"]),
        (
            "{at: {elevation_deg: -95}, sweep: {grid: {link.mcs: [1]}}}",
            ["at.elevation_deg", "-95", "-90", "part 'a'"],
        ),
        ("{channel: {carier_ghz: 3}}", ["'channel.carier_ghz'", "'channel.carrier_ghz'?", "part 'a'"]),
        ("{platforms: {}}", ["'parts.a.platforms'"]),
        ("{powr: {ebno_db: 1}}", ["'parts.a.powr'", "'parts.a.power'?"]),
        ("{link: {mcs: 29}}", ["link.mcs", "29", "table 1", "part 'a'"]),
        ("{sweep: {grid: {power.esno_db: [1]}}}", ["power", "exactly one", "power.esno_db=1", "part 'a'"]),
        ("3", ["parts.a", "3", "mapping"]),
    ],
)
def test_a_mistake_in_a_part_is_told_with_its_part(refusal, example, part, said):
    message = refusal(f"{example}parts: {{a: {part}}}\n")

    assert [words for words in said if words not in message] == []


def test_an_override_reaches_into_a_part(load_text, example):
    scenario = load_text(
        example + PARTS, "parts.moment.at.fraction=0.75", "parts.power.sweep.grid.link.mcs=[7]"
    )

    assert scenario.parts_resolved()["moment"].at.fraction == 0.75
    assert scenario.parts_resolved()["power"].sweep.rows() == [{"link.mcs": 7}]


def test_an_override_reaches_what_only_a_part_names(load_text):
    masts = "parts: {masts: {handover: {layers: {ground: {kind: cells}}}}}\n"
    text = "schema: 1\nname: h\nstudy: handover\nhandover: {layers: {sea: {kind: cells, sites: 1}}}\n" + masts

    scenario = load_text(text, "parts.masts.handover.layers.ground.sites=19")

    assert scenario.parts_resolved()["masts"].handover.layers["ground"].sites == 19
