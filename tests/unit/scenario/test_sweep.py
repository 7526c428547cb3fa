"""Points of a sweep: their values, their order, and what a point changes."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ntn6g.core.errors import ScenarioError
from ntn6g.scenario import Range, apply, flatten, sweep_points

GRID = "sweep: {grid: {power.ebno_db: {from: -2, to: 10, step: 1}, at.elevation_deg: [20, 40, 60]}}"


def expanded(**keys):
    return Range.model_validate(
        {"from" if key == "start" else key: value for key, value in keys.items()}
    ).values()


@pytest.mark.parametrize(
    ("keys", "values"),
    [
        ({"start": -2, "to": 1, "step": 1}, (-2, -1, 0, 1)),
        ({"start": -0.3, "to": 0.3, "step": 0.1}, (-0.3, -0.2, -0.1, 0, 0.1, 0.2, 0.3)),
        ({"start": 0, "to": 1, "step": 0.4}, (0, 0.4, 0.8)),
        ({"start": 3, "to": 1, "step": -1}, (3, 2, 1)),
        ({"start": 5, "to": 5, "step": 1}, (5,)),
        ({"start": 0, "to": 1, "step": 0.3333333333333333}, (0, 0.333333333333, 0.666666666667, 1)),
        ({"start": 0, "to": 1, "points": 5}, (0, 0.25, 0.5, 0.75, 1)),
        ({"start": 1, "to": 1000, "points": 4, "spacing": "log"}, (1, 10, 100, 1000)),
        ({"start": 1e-4, "to": 1e-2, "points": 3, "spacing": "log"}, (1e-4, 1e-3, 1e-2)),
    ],
)
def test_a_range_holds_the_decimal_values_one_would_write(keys, values):
    assert expanded(**keys) == values


@given(
    st.integers(-500, 500), st.integers(1, 400), st.sampled_from(["0.1", "0.05", "0.2", "0.3", "1", "2.5"])
)
def test_a_range_ends_at_to_where_that_is_on_the_grid(first_steps, steps, step):
    first = first_steps * Decimal(step)
    last = first + steps * Decimal(step)

    values = expanded(start=float(first), to=float(last), step=float(step))

    assert values == tuple(float(first + i * Decimal(step)) for i in range(steps + 1))


@pytest.mark.parametrize(
    "keys",
    [
        {"start": 0, "to": 1},
        {"start": 0, "to": 1, "step": 1, "points": 2},
        {"start": 0, "to": 1, "step": 0},
        {"start": 0, "to": 1, "step": -1},
        {"start": 0, "to": 1, "step": 1, "spacing": "log"},
        {"start": 0, "to": 1, "points": 3, "spacing": "log"},
        {"start": 1, "to": 1, "points": 3},
        {"start": 0, "to": 1, "points": 1},
        {"start": 0, "to": 1e9, "step": 1},
    ],
)
def test_a_range_that_has_no_one_meaning_is_refused(keys):
    with pytest.raises(ValueError, match="Range"):
        expanded(**keys)


def test_the_first_key_of_a_grid_varies_slowest(load_text, example):
    points = sweep_points(load_text(example))

    assert len(points) == 13 * 3
    assert points[:4] == [
        {"power.ebno_db": -2, "at.elevation_deg": 20},
        {"power.ebno_db": -2, "at.elevation_deg": 40},
        {"power.ebno_db": -2, "at.elevation_deg": 60},
        {"power.ebno_db": -1, "at.elevation_deg": 20},
    ]


@pytest.mark.parametrize(
    ("sweep", "points"),
    [
        (
            "{zip: {link.mcs: [3, 4], power.ebno_db: {from: 0, to: 2, points: 2}}}",
            [{"link.mcs": 3, "power.ebno_db": 0}, {"link.mcs": 4, "power.ebno_db": 2}],
        ),
        (
            "{points: [{link.mcs: 3}, {channel.fading.kind: awgn}]}",
            [{"link.mcs": 3}, {"channel.fading.kind": "awgn"}],
        ),
    ],
)
def test_zip_and_points_give_the_points_as_written(changed, load_text, sweep, points):
    assert sweep_points(load_text(changed(GRID, f"sweep: {sweep}"))) == points


def test_without_a_sweep_there_is_one_point_that_changes_nothing(changed, load_text):
    scenario = load_text(changed(GRID, ""))

    assert sweep_points(scenario) == [{}]
    assert flatten(apply(scenario, {})) | {"stop.block_errors": 200} == flatten(scenario)


def test_a_point_differs_from_the_scenario_in_the_swept_keys_alone(load_text, example):
    scenario = load_text(example)

    point = flatten(apply(scenario, {"power.ebno_db": 3, "at.elevation_deg": 40}))

    base = flatten(scenario)
    changed_keys = {key for key in point if point[key] != base[key]}
    assert changed_keys == {"power.ebno_db", "at.elevation_deg", "stop.block_errors"}
    assert {key.split(".")[0] for key in base if key not in point} == {"sweep"}


def test_a_point_is_the_same_whatever_the_rest_of_the_sweep_and_the_stop_rule(load_text, example):
    values = {"power.ebno_db": 3, "at.elevation_deg": 40}

    longer = load_text(example, "sweep.grid.power.ebno_db.from=-8", "stop.max_blocks=32")

    assert flatten(apply(longer, values)) == flatten(apply(load_text(example), values))


@pytest.mark.parametrize("section", ["power: {ebno_db: 6}\n", ", elevation_deg: 50"])
def test_a_swept_key_needs_no_base_value(changed, load_text, section):
    scenario = load_text(changed(section, ""))

    point = apply(scenario, {"power.ebno_db": 3, "at.elevation_deg": 40})

    assert (point.power.ebno_db, point.at.elevation_deg) == (3.0, 40.0)


@pytest.mark.parametrize(
    ("path", "value"),
    [("at.fraction", 0.25), ("at.from_culmination_s", -30.0), ("at.utc", "2026-04-25T12:00:00Z")],
)
def test_choosing_another_moment_replaces_the_given_one(load_text, example, path, value):
    at = {k: v for k, v in flatten(apply(load_text(example), {path: value})).items() if k.startswith("at.")}

    assert at[path] == value
    assert "at.elevation_deg" not in at
    assert at["at.side"] == "rising"


def test_a_point_out_of_limits_is_refused(load_text, example):
    with pytest.raises(
        ScenarioError, match=r"^at\.elevation_deg: -95 is too small; the limit is -90 degrees$"
    ):
        apply(load_text(example), {"at.elevation_deg": -95})
    with pytest.raises(
        ScenarioError, match=r"^unknown key 'at\.elevaton_deg'; did you mean 'at\.elevation_deg'\?"
    ):
        apply(load_text(example), {"at.elevaton_deg": 95})
