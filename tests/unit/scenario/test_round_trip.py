"""What is written can be read again: YAML, flat keys and the JSON Schema."""

import json
import re

import pytest
import yaml

from ntn6g.scenario import Scenario, dump, flatten, json_schema, load, shipped_configs

DIFFICULT = """\
description: '1e-3'
parts:
  a: {at: {utc: 2026-04-25T20:00:00+08:00}, sweep: {grid: {power.ebno_db: [1e-1, 2]}}}
  b: {at: {elevation_deg: null, side: null}, sweep: {points: [{at.utc: 2026-04-25T12:00:00Z}]}}
  c: {description: 'yes', stop: {bit_errors: 5}, sweep: {zip: {link.mcs: {from: 1, to: 9, points: 3}}}}
"""


@pytest.mark.parametrize("more", ["", DIFFICULT, "parts: {a: {}}\n"])
def test_a_dumped_scenario_loads_as_the_same_one(load_text, example, more):
    scenario = load_text(example + more)

    again = load_text(dump(scenario))

    assert again == scenario
    assert dump(again) == dump(scenario)
    assert again.parts_resolved() == scenario.parts_resolved()


@pytest.mark.parametrize("name", shipped_configs())
def test_a_shipped_config_survives_the_round_trip(load_text, name):
    scenario = load(name)

    assert load_text(dump(scenario)) == scenario


def test_a_dump_is_plain_yaml_with_the_sections_in_order(load_text, example):
    dumped = yaml.safe_load(dump(load_text(example)))

    order = [
        "schema",
        "study",
        "name",
        "seed",
        "platforms",
        "terminals",
        "at",
        "channel",
        "link",
        "power",
        "track",
    ]
    assert list(dumped)[: len(order)] == order
    assert dumped["channel"]["losses"]["gas"] is True  # defaults are written out


def test_flat_keys_hold_plain_values_that_json_keeps(load_text, example):
    flat = flatten(load_text(example))

    assert flat["at.pass.after"] == "2026-04-25T12:00:00Z"
    assert flat["channel.fading.profile"] == "C"
    assert json.loads(json.dumps(flat)) == flat


def objects(schema):
    return [schema, *schema["$defs"].values()]


def test_the_schema_describes_every_key():
    defs = json_schema()["$defs"]

    silent = [
        f"{thing.get('title')}.{key}"
        for thing in objects(json_schema())
        for key, entry in thing.get("properties", {}).items()
        if not (entry.get("description") or defs[entry["$ref"].rpartition("/")[2]]["description"])
    ]

    assert silent == []


def test_the_schema_names_the_unit_of_every_key_that_has_one():
    words = {
        "_km": "km",
        "_ghz": "GHz",
        "_khz": "kHz",
        "_db": "dB",
        "_ns": "ns",
        "_deg": "degrees",
        "_m": "m",
    }

    unnamed = [
        key
        for thing in objects(json_schema())
        for key, entry in thing.get("properties", {}).items()
        for suffix, word in words.items()
        if key.endswith(suffix) and not re.search(rf"\b{word}\b", entry["description"])
    ]

    assert unnamed == []


def test_the_schema_has_the_documented_keys_kinds_and_limits():
    schema = json_schema()
    defs = schema["$defs"]

    documented = {
        "schema",
        "study",
        "name",
        "seed",
        "platforms",
        "terminals",
        "at",
        "channel",
        "link",
        "power",
    }
    assert documented | {"sweep", "stop", "parts", "engine"} <= schema["properties"].keys()
    assert {"schema", "name"} == set(schema["required"])
    assert all(thing["additionalProperties"] is False for thing in objects(schema) if "properties" in thing)
    assert "pass" in defs["At"]["properties"]
    assert {"from", "to", "step"} <= defs["Range"]["properties"].keys()
    assert set(defs["Channel"]["properties"]["fading"]["discriminator"]["mapping"]) >= {
        "awgn",
        "ntn-tdl",
        "tdl",
    }
    carrier = defs["Channel"]["properties"]["carrier_ghz"]
    assert (carrier["minimum"], carrier["maximum"]) == (0.1, 300.0)


def test_a_scenario_cannot_be_changed(load_text, example):
    scenario = load_text(example)

    with pytest.raises(ValueError, match="frozen"):
        scenario.seed = 2
    assert isinstance(scenario, Scenario)
