"""Coverage: statistics worked out by hand, the mean number in view by the area of a cap, what is refused.

A satellite at altitude h is above elevation e within the central angle acos(R cos e / (R + h)) - e, a cap that holds
(1 - cos) / 2 of a sphere. Averaged by area over the whole sphere, N satellites are therefore seen N times that often,
wherever they are.
"""

import math
from datetime import UTC, datetime

import numpy as np
import pytest

from ntn6g.core.errors import ScenarioError
from ntn6g.scenario import from_mapping

EPOCH = datetime(2026, 4, 25, 12, tzinfo=UTC).isoformat()
WALKER = {"kind": "walker", "altitude_km": 1200, "inclination_deg": 40, "satellites": 24, "planes": 6, "epoch": EPOCH}


def asked(platforms=None, **coverage):
    window = {"start": EPOCH, "duration_h": 1.6, "latitude_step_deg": 6, "longitude_step_deg": 20, **coverage}
    platforms = platforms or {"sat": WALKER}
    return from_mapping({"schema": 1, "study": "coverage", "name": "test", "platforms": platforms, "coverage": window})


def cap_rad(altitude_km, elevation_deg):
    elevation = math.radians(elevation_deg)
    return math.acos(6371.0 * math.cos(elevation) / (6371.0 + altitude_km)) - elevation


def test_statistics_of_a_short_row_by_hand():
    from ntn6g.study.build.coverage import statistics

    counts = np.array([[0, 2, 0, 0, 0, 1, 1, 0], [3, 1, 1, 1, 1, 1, 1, 1], [0] * 8])

    found = statistics(counts, 10.0)
    assert found["in_view_mean"].tolist() == [0.5, 1.25, 0.0]
    assert found["in_view_max"].tolist() == [2, 3, 0]
    assert found["visible_fraction"].tolist() == [3 / 8, 1.0, 0.0]
    assert found["longest_gap_s"].tolist() == [30.0, 0.0, 80.0]
    assert found["revisit_s"].tolist() == pytest.approx([50.0 / 3.0, 0.0, 80.0])
    assert found["revisit_p95_s"].tolist() == [30.0, 0.0, 80.0]
    assert statistics(counts, 10.0, at_least=2)["longest_gap_s"].tolist() == [60.0, 70.0, 80.0]


def test_mean_in_view_is_the_area_of_the_cap_and_nothing_is_seen_beyond_it():
    from ntn6g.study.build import build

    study = build(asked(min_elevation_deg=20))[0]
    chunk = study.recipe("coverage")()([(study.points[0].work, 0)])[0]
    maps = study.series()[0]

    cap = cap_rad(1200, 20)
    # 2 %: the ellipsoid's radii differ by 0.3 %, which moves the cap's area by 1 %; cells are 6 x 20 degrees
    assert chunk.sums["in_view_mean"] == pytest.approx(24 * (1 - math.cos(cap)) / 2, rel=0.02)
    middle = 0.5 * (maps["latitude_edge_deg"][1:] + maps["latitude_edge_deg"][:-1])
    beyond = np.abs(middle) > 40 + math.degrees(cap) + 1
    assert beyond.any()
    assert not maps["in_view_max"][beyond].any()
    assert (maps["longest_gap_s"][beyond] == 1.6 * 3600).all()
    assert (maps["in_view_max"][np.abs(middle) < 40] > 0).all()


REFUSED = {
    "grid that does not divide": ({"latitude_step_deg": 7}, ["coverage", "latitude_step_deg 7", "180"]),
    "edges exchanged": ({"south_deg": 10, "north_deg": -10}, ["south_deg 10", "exchanged?"]),
    "too many instants": ({"duration_h": 8000, "step_s": 1}, ["instants", "20000"]),
    "no such platform": ({"platform": "star"}, ["coverage.platform", "star"]),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_mapped_is_refused_in_one_line(case):
    given, words = REFUSED[case]

    with pytest.raises(ScenarioError) as refused:
        asked(**given)

    assert "\n" not in str(refused.value)
    assert [word for word in words if word not in str(refused.value)] == []


def test_quantiles_of_gaps_are_those_of_sorted_lists():
    from ntn6g.study.build.coverage import statistics

    counts = (np.random.default_rng(3).random((5, 4000)) < 0.3).astype(int)
    found = statistics(counts, 2.0)["revisit_p95_s"]

    for row, ours in zip(counts, found, strict=True):
        gaps = sorted(2.0 * len(run) for run in "".join(map(str, row)).split("1") if run)
        assert ours == gaps[math.ceil(0.95 * len(gaps)) - 1]


def test_a_geostationary_satellite_is_a_constellation_of_one():
    from ntn6g.study.build import build

    study = build(asked({"geo": {"kind": "geo", "longitude_deg": 110}}, min_elevation_deg=10))[0]
    chunk = study.recipe("coverage")()([(study.points[0].work, 0)])[0]
    maps = study.series()[0]

    assert chunk.sums["satellites"] == 1
    # within the 71.4 degrees of the cap, and for ever
    assert chunk.sums["in_view_mean"] == pytest.approx((1 - math.cos(cap_rad(35786, 10))) / 2, rel=0.03)
    assert set(np.unique(maps["visible_fraction"])) == {0.0, 1.0}


def test_an_element_set_that_decays_within_the_window_is_refused_before_anything_runs():
    from ntn6g.study.build import build

    # satellite 28872 of the AIAA 2006-6753 verification set, which decays within an hour of its epoch
    decaying = [
        "1 28872U 05037B   05333.02012661  .25992681  00000-0  24476-3 0  1534",
        "2 28872  96.4736 157.9986 0303955 244.0492 110.6523 16.46015938 10708",
    ]
    window = {"start": "2005-11-29T00:30:00Z", "duration_h": 24}
    with pytest.raises(ScenarioError) as refused:
        build(asked({"old": {"kind": "tle", "lines": decaying}}, **window))

    words = ["platforms.old.lines", "SGP4 error", "2005-11-30T00:35:00Z", "1.0 days", "too old?"]
    assert [word for word in words if word not in str(refused.value)] == []
