"""Files, YAML and overrides: what is read as what, and what is refused."""

import importlib
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from ntn6g.core.errors import ScenarioError
from ntn6g.scenario import load, shipped_configs


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("seed: 1", "seed: [1", "line 5", "expected"),
        ("seed: 1", "seed: 1\nseed: 2", "line 5, column 1", "'seed' is given twice"),
        ("mcs: 14", "mcs: 14, mcs: 14", "line 13", "'mcs' is given twice"),
        ("seed: 1", "on: 1", "line 4, column 1", "'on' is not text"),
        ("seed: 1", "seed: !!python/object:os.system 1", "line 4", "tag"),
        ("seed: 1", "seed: &a [*a]", "line 4", "recursive"),
    ],
)
def test_a_syntax_error_names_file_line_and_column(changed, refusal, old, new, line, said):
    message = refusal(changed(old, new))

    assert "scenario.yaml" in message
    assert line in message
    assert said in message


@pytest.mark.parametrize(
    ("text", "said"), [("", "is empty"), ("- 1\n", "holds a list"), ("\0", "not readable")]
)
def test_a_file_that_is_no_mapping_is_refused(refusal, text, said):
    assert said in refusal(text)


def test_a_file_that_is_not_text_is_refused(tmp_path):
    path = tmp_path / "binary.yaml"
    path.write_bytes(b"\xff\xfe\xfa")

    with pytest.raises(ScenarioError, match="not readable"):
        load(path)


def test_a_missing_file_is_refused_with_the_nearest_shipped_config(monkeypatch):
    names = {"quickstart": Path("q"), "ntn-over-beijing": Path("n")}
    monkeypatch.setattr(importlib.import_module("ntn6g.scenario.load"), "shipped_configs", lambda: names)

    with pytest.raises(ScenarioError) as caught:
        load("quikstart")

    assert str(caught.value) == (
        "config: 'quikstart' is neither a file nor a shipped config; did you mean 'quickstart'? "
        "known: quickstart, ntn-over-beijing"
    )


@pytest.mark.parametrize("name", shipped_configs())
def test_a_shipped_config_loads_by_its_name(name):
    assert load(name).name == name


@pytest.mark.parametrize(
    ("written", "read"),
    [("1e0", 1.0), ("+2.5E-1", 0.25), (".5", 0.5), ("1_0.0", 10.0), ("007", 7.0), ("3.", 3.0), ("-4", -4.0)],
)
def test_decimal_numbers_are_numbers(changed, load_text, written, read):
    assert load_text(changed("ebno_db: 6", f"ebno_db: {written}")).power.ebno_db == read


def test_a_whole_number_may_be_written_with_an_exponent(changed, load_text):
    assert load_text(changed("max_blocks: 20000", "max_blocks: 1e5")).stop.max_blocks == 100_000


def test_overrides_come_before_validation_and_use_the_same_paths(example, load_text):
    scenario = load_text(
        example,
        "channel.fading={kind: tdl, profile: D, delay_spread_ns: 30}",
        "link.mcs=3",
        "at.fraction=0.25",
        "sweep.grid.power.ebno_db.to=0",
        "sweep.grid.link.mcs=[3, 4]",
        "sweep.grid.at.elevation_deg=null",
    )

    assert scenario.channel.fading.kind == "tdl"
    assert scenario.link.mcs == 3
    assert (scenario.at.fraction, scenario.at.elevation_deg, scenario.at.side) == (0.25, None, "rising")
    assert scenario.sweep.paths() == ("power.ebno_db", "link.mcs")
    assert len(scenario.sweep.rows()) == 3 * 2


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("channel.carrier_ghz", "'channel.carrier_ghz' is not of the form key.path=value"),
        ("=3", "'=3' is not of the form key.path=value"),
        ("chanel.carrier_ghz=3", "unknown key 'chanel.carrier_ghz'; did you mean 'channel.carrier_ghz'?"),
        ("carrier_ghz=3", "unknown key 'carrier_ghz'; did you mean 'channel.carrier_ghz'?"),
        ("link.mcs.x=3", "unknown key 'link.mcs.x'"),
        ("channel.carrier_ghz=[3", "--set channel.carrier_ghz=[3: line 1"),
        ("channel.carrier_ghz=400", "channel.carrier_ghz: 400 is too large; the limit is 300 GHz"),
        ("engine.batch=65", "engine.batch: 65 is not a multiple of 64"),
    ],
)
def test_a_bad_override_is_refused_in_one_line(example, refusal, override, said):
    assert said in refusal(example, override)


def test_loading_a_scenario_imports_no_heavy_library(tmp_path, example):
    path = tmp_path / "scenario.yaml"
    path.write_text(example, encoding="utf-8")
    code = (
        "import sys, ntn6g.scenario as s; s.dump(s.load(sys.argv[1])); "
        "print([m for m in ('tensorflow', 'sionna', 'numpy', 'pandas', 'matplotlib') if m in sys.modules])"
    )

    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


def test_the_example_is_plain_yaml_that_any_reader_takes(example):
    assert yaml.safe_load(example)["link"]["mcs"] == 14
