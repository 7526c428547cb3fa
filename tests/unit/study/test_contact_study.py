"""Contact studies: rows and tables say what the plan says, counted once more from a fine grid; what is refused."""

import json
from datetime import UTC, datetime

import numpy as np
import pytest

from ntn6g.core.errors import ScenarioError
from ntn6g.scenario import from_mapping

EPOCH = datetime(2026, 4, 25, 12, tzinfo=UTC).isoformat()
WALKER = {"kind": "walker", "altitude_km": 1200, "inclination_deg": 60, "satellites": 6, "planes": 3, "epoch": EPOCH}
STATIONS = {
    "north": {"latitude_deg": 55, "longitude_deg": 10, "min_elevation_deg": 10},
    "south": {"latitude_deg": -30, "longitude_deg": 140, "min_elevation_deg": 25},
    "pole": {"latitude_deg": 89, "longitude_deg": 0, "min_elevation_deg": 60},
}


def asked(**changes):
    contacts = {"start": EPOCH, "duration_h": 6} | changes.pop("contacts", {})
    base = {"schema": 1, "study": "contacts", "name": "test", "platforms": {"sat": WALKER}, "terminals": STATIONS}
    return from_mapping({**base, "contacts": contacts, **changes})


def study_of(scenario):
    from ntn6g.study.build import build

    study = build(scenario)[0]
    step = study.recipe("contacts")()
    chunk = step([(study.points[0].work, 0)])[0]
    assert step.compile_count in (0, 1, 2)  # one for each mask's number of stations, none where traced before
    return study, chunk.sums


def test_figures_are_those_of_a_grid_of_seconds():
    from ntn6g import orbit
    from ntn6g.study.build.satellites import fleet

    scenario = asked()
    study, row = study_of(scenario)
    table = study.series()[0]
    times = orbit.Times(datetime(2026, 4, 25, 12, tzinfo=UTC), np.arange(0.0, 6 * 3600.0, 1.0))
    state = fleet(scenario.platforms["sat"], "sat").state(times)
    gaps, covered, total = [], [], 0.0
    for name, asked_for in STATIONS.items():
        place = orbit.FixedTerminal(
            latitude_rad=np.radians(asked_for["latitude_deg"]), longitude_rad=np.radians(asked_for["longitude_deg"])
        )
        seen = orbit.link_geometry(state, place, mask_rad=np.radians(asked_for["min_elevation_deg"])).visible.numpy()
        bare = np.diff(np.flatnonzero(np.concatenate([[True], seen.any(0), [True]])))
        gaps.append(bare.max() - 1)
        covered.append(seen.any(0).mean())
        total += seen.sum() / 3600.0
        assert (table["station"] == name).sum() == (np.diff(seen.astype(int), axis=1) > 0).sum() + seen[:, 0].sum()

    assert row["longest_gap_s"] == pytest.approx(max(gaps), abs=2.0)
    assert row["visible_fraction"] == pytest.approx(np.mean(covered), abs=1e-3)
    assert row["contact_total_h"] == pytest.approx(total, rel=1e-3)
    assert row["contacts"] == len(table["rise_s"])
    assert (row["satellites"], row["stations"]) == (6, 3)
    assert row["contact_longest_s"] == (table["set_s"] - table["rise_s"]).max()
    assert json.loads(str(table["axes"])) == {}
    first = np.datetime64("2026-04-25T12:00:00") + np.timedelta64(round(1e3 * table["rise_s"][0]), "ms")
    assert np.datetime64(str(table["rise_utc"][0])) == first


def test_short_contacts_are_left_out_and_a_network_without_any_is_all_gap():
    whole = study_of(asked())[0].series()[0]
    study, row = study_of(asked(contacts={"min_contact_s": 600}))
    kept = study.series()[0]

    lengths = whole["set_s"] - whole["rise_s"]
    assert 0 < len(kept["rise_s"]) == (lengths >= 600).sum() < len(lengths)
    assert row["contact_mean_s"] == pytest.approx(lengths[lengths >= 600].mean())
    none, row = study_of(asked(contacts={"min_contact_s": 80_000}))
    assert len(none.series()[0]["station"]) == 0
    assert (row["contacts"], row["longest_gap_s"], row["visible_fraction"]) == (0, 6 * 3600.0, 0.0)


def test_plans_are_drawn_side_by_side(tmp_path):
    from ntn6g.study.plots import FIGURES
    from ntn6g.study.plots.tables import Part

    series = study_of(asked())[0].series()[0]
    part = Part(run="r", name="", study="contacts", description="", rows=None, series=series)
    figure = FIGURES["contacts"]([part, part])
    figure.savefig(tmp_path / "plan.png")

    bars, below = figure.axes[0], figure.axes[2]
    assert [label.get_text() for label in bars.get_yticklabels()] == list(STATIONS)
    heights = np.concatenate([line.get_ydata() for line in below.get_lines()])
    assert heights.min() == 0
    assert heights.max() >= 1


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"terminals": {}}, ["terminals", "contacts study"]),
        ({"contacts": {"platform": "star"}}, ["contacts.platform", "star"]),
        ({"contacts": {"duration_h": 0}}, ["contacts.duration_h", "0"]),
    ],
)
def test_what_is_no_contact_study_is_refused_in_one_line(changes, words):
    with pytest.raises(ScenarioError) as refused:
        asked(**changes)

    assert "\n" not in str(refused.value)
    assert [word for word in words if word not in str(refused.value)] == []
