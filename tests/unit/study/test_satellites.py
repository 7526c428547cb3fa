"""From the sections platforms and terminals to objects: every kind, files of element sets, what is refused."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
import yaml

from ntn6g import scenario
from ntn6g.core.errors import ScenarioError, ScenarioWarning
from ntn6g.scenario import from_mapping, load

EPOCH = datetime(2026, 4, 25, 12, tzinfo=UTC)
TLE = Path(__file__).parents[2] / "reference/data/orbit_element_sets.tle"
LINES = TLE.read_text().splitlines()
# the element set of HULIANWANG DIGUI-01 as a message: the same numbers under the keywords of CCSDS 502.0
MESSAGE = {
    "OBJECT_NAME": "HULIANWANG DIGUI-01",
    "EPOCH": "2026-04-25T11:48:46.482624",
    "MEAN_MOTION": 13.24413432,
    "ECCENTRICITY": 0.0001837,
    "INCLINATION": 86.504,
    "RA_OF_ASC_NODE": 1.015,
    "ARG_OF_PERICENTER": 72.4834,
    "MEAN_ANOMALY": 287.65,
    "BSTAR": 0.60880e-4,
    "MEAN_MOTION_DOT": 0.00000041,
    "MEAN_MOTION_DDOT": 0.0,
    "REF_FRAME": "TEME",
}
WALKER = {"altitude_km": 550, "inclination_deg": 53, "satellites": 24, "planes": 6, "epoch": EPOCH.isoformat()}
PLATFORMS = {
    "tle": ({"kind": "tle", "lines": LINES[1:3]}, 1),
    "tle with a name": ({"kind": "tle", "lines": LINES[:3]}, 1),
    "several tle": ({"kind": "tle", "lines": LINES}, 9),
    "omm": ({"kind": "omm", "messages": [MESSAGE, {**MESSAGE, "OBJECT_NAME": "TWIN"}]}, 2),
    "walker": ({"kind": "walker", **WALKER}, 24),
    "constellation": ({"kind": "constellation", "name": "oneweb-phase-1", "epoch": EPOCH.isoformat()}, 588),
    "half of one": (
        {"kind": "constellation", "name": "oneweb-phase-1", "epoch": EPOCH.isoformat(), "deployed": 0.5},
        294,
    ),
    "one shell": (
        {"kind": "constellation", "name": "kuiper", "epoch": EPOCH.isoformat(), "shells": ["K3"]},
        784,
    ),
    "flown": ({"kind": "constellation", "name": "guowang-flown"}, 3),
}
SINGLE = {
    "circular": {"kind": "circular", "altitude_km": 600, "inclination_deg": 53, "epoch": EPOCH.isoformat()},
    "keplerian": {
        "kind": "keplerian",
        "semi_major_axis_km": 26_600,
        "eccentricity": 0.7,
        "inclination_deg": 63.4,
        "epoch": EPOCH.isoformat(),
    },
    "geo": {"kind": "geo", "longitude_deg": 110.5},
    "haps": {"kind": "haps", "latitude_deg": 30, "longitude_deg": 110, "radius_km": 3},
    "site": {"kind": "site", "latitude_deg": 30, "longitude_deg": 110, "altitude_m": 30},
    "mobile": {
        "kind": "mobile",
        "latitude_deg": 30,
        "longitude_deg": 110,
        "altitude_m": 11_000,
        "speed_kmh": 900,
        "course_deg": 60,
        "epoch": EPOCH.isoformat(),
    },
    "resting haps": {"kind": "haps", "latitude_deg": 30, "longitude_deg": 110},
}


def sections(platform, **terminal):
    raw = {
        "schema": 1,
        "study": "pass",
        "name": "test",
        "platforms": {"sat": platform},
        "terminals": {"ue": {"latitude_deg": 39.9, "longitude_deg": 116.4, **terminal}},
        "at": {"pass": {"after": EPOCH.isoformat()}},
        "channel": {"carrier_ghz": 20, "fading": {"kind": "awgn"}},
    }
    found = from_mapping(raw)
    return found.platforms["sat"], found.terminals["ue"]


@pytest.mark.parametrize("kind", PLATFORMS)
def test_platforms_of_several_satellites(kind):
    from ntn6g import orbit
    from ntn6g.study.build.satellites import fleet, satellite

    section, size = PLATFORMS[kind]
    asked = sections(section)[0]
    times = orbit.Times(EPOCH, np.array([0.0, 60.0]))

    found = fleet(asked, "platforms.sat")
    assert found.size == size
    alone = satellite(asked, "platforms.sat", size - 1).state(times).position_ecef_m
    np.testing.assert_allclose(alone, found.state(times).position_ecef_m[-1], rtol=0, atol=1e-6)


@pytest.mark.parametrize("kind", SINGLE)
def test_platforms_of_one(kind):
    from ntn6g import orbit
    from ntn6g.study.build.satellites import satellite

    state = satellite(sections(SINGLE[kind])[0], "platforms.sat").state(orbit.Times(EPOCH, np.array([0.0, 60.0])))

    assert state.position_ecef_m.shape == (2, 3)
    radius_km = np.linalg.norm(state.position_ecef_m, axis=-1) / 1e3
    if kind == "geo":
        np.testing.assert_allclose(radius_km, 42_164.2, atol=0.1)
    if kind == "mobile":  # 15 km in a minute, along a chord
        assert np.linalg.norm(state.position_ecef_m[1] - state.position_ecef_m[0]) == pytest.approx(15_000, rel=0.005)
    if kind in ("site", "mobile"):
        np.testing.assert_allclose(radius_km, 6_372.8 + {"site": 0.03, "mobile": 11.0}[kind], atol=0.2)
    if "haps" in kind:
        np.testing.assert_allclose(radius_km, 6_392.8, atol=0.2)  # 6372.8 km below it at 30 degrees


def test_a_message_moves_as_its_element_set():
    from ntn6g import orbit
    from ntn6g.study.build.satellites import satellite

    times = orbit.Times(EPOCH, np.arange(0.0, 86_400.0, 3_600.0))
    tle, omm = (
        satellite(sections(section)[0], "platforms.sat").state(times).position_ecef_m
        for section in (PLATFORMS["tle"][0], {"kind": "omm", "messages": [MESSAGE]})
    )

    np.testing.assert_allclose(omm, tle, rtol=0, atol=10.0)  # epochs are printed to 1e-8 days, 7 m of motion


@pytest.mark.parametrize("changes", [{"REV_AT_EPOCH": "12.5", "MEAN_MOTION_DOT": "abc"}, {"CLASSIFICATION_TYPE": "?"}])
def test_what_sgp4_does_not_read_cannot_break_a_message(changes):
    from ntn6g import orbit
    from ntn6g.study.build.satellites import satellite

    times = orbit.Times(EPOCH, np.array([0.0, 3_600.0]))
    plain, odd = (
        satellite(sections({"kind": "omm", "messages": [message]})[0], "platforms.sat").state(times).position_ecef_m
        for message in (MESSAGE, {**MESSAGE, **changes})
    )

    np.testing.assert_array_equal(odd, plain)


def test_an_epoch_with_a_time_zone_is_that_instant():
    from datetime import timezone

    from ntn6g import orbit
    from ntn6g.study.build.satellites import satellite

    utc = datetime.fromisoformat(MESSAGE["EPOCH"])
    beijing = utc.replace(tzinfo=UTC).astimezone(timezone(timedelta(hours=8))).isoformat()
    times = orbit.Times(EPOCH, np.array([0.0]))
    plain, same = (
        satellite(sections({"kind": "omm", "messages": [message]})[0], "platforms.sat").state(times).position_ecef_m
        for message in (MESSAGE, {**MESSAGE, "EPOCH": beijing})
    )

    np.testing.assert_allclose(same, plain, rtol=0, atol=1e-3)


def test_east_of_a_mover_at_a_pole_is_that_of_longitude_zero():
    from ntn6g import orbit
    from ntn6g.study.build.satellites import site

    section = sections(SINGLE["geo"], latitude_deg=90, speed_kmh=0, course_deg=45, epoch=EPOCH.isoformat())[1]
    place = site(section).site(orbit.Times(EPOCH, np.array([0.0])))

    horizon = [np.asarray(each).reshape(3) for each in (place.east, place.north, place.up)]
    np.testing.assert_allclose(np.array(horizon) @ np.array(horizon).T, np.eye(3), atol=1e-9)


def test_files_take_the_place_of_their_names(tmp_path):
    (tmp_path / "sats.tle").write_text("\n".join(LINES) + "\n")
    (tmp_path / "sats.json").write_text(json.dumps([MESSAGE]))
    (tmp_path / "sats.csv").write_text(",".join(MESSAGE) + "\n" + ",".join(map(str, MESSAGE.values())) + "\n")
    raw = {
        "schema": 1, "study": "pass", "name": "test",
        "platforms": {
            "many": {"kind": "tle", "file": "sats.tle"},
            "json": {"kind": "omm", "file": "sats.json"},
            "csv": {"kind": "omm", "file": str(tmp_path / "sats.csv")},
        },
        "terminals": {"ue": {"latitude_deg": 40, "longitude_deg": 116}},
        "at": {"platform": "many", "pass": {"after": EPOCH.isoformat()}},
        "channel": {"carrier_ghz": 20, "fading": {"kind": "awgn"}},
    }  # fmt: skip
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(raw))

    found = load(tmp_path / "config.yaml")

    assert found.platforms["many"].lines == tuple(LINES)
    assert found.platforms["many"].file is None
    assert found.platforms["json"].messages[0]["MEAN_MOTION"] == 13.24413432
    assert float(found.platforms["csv"].messages[0]["MEAN_MOTION"]) == 13.24413432


def test_a_terminal_on_a_course_moves():
    from ntn6g import orbit
    from ntn6g.study.build.satellites import site

    moving = site(sections(SINGLE["geo"], speed_kmh=900, course_deg=90, epoch=EPOCH.isoformat())[1])
    place = moving.state(orbit.Times(EPOCH, np.array([0.0, 3_600.0]))).position_ecef_m.numpy()

    assert np.linalg.norm(place[1] - place[0]) / 1e3 == pytest.approx(900.0, rel=0.01)


REFUSED = {
    "planes that do not divide": ({"kind": "walker", **WALKER, "planes": 7}, ["7 planes", "24 satellites"]),
    "negative altitude": ({"kind": "walker", **WALKER, "altitude_km": -550}, ["altitude_km", "-550", "160"]),
    "eccentricity of a parabola": ({**SINGLE["keplerian"], "eccentricity": 1.0}, ["eccentricity", "0.99"]),
    "both lines and file": ({"kind": "tle", "lines": LINES[:3], "file": "x.tle"}, ["lines and file"]),
    "neither": ({"kind": "tle"}, ["exactly one of lines, file"]),
}


@pytest.mark.parametrize("case", REFUSED)
def test_impossible_platforms_are_refused_on_loading(case):
    section, words = REFUSED[case]

    with pytest.raises(ScenarioError) as refused:
        sections(section)

    assert "\n" not in str(refused.value)
    assert [word for word in ("platforms.sat", *words) if word not in str(refused.value)] == []


BUILT = {
    "perigee inside the Earth": (
        {**SINGLE["keplerian"], "semi_major_axis_km": 7_000},
        ["_axis_km", "perigee"],
    ),
    "unknown constellation": (
        {"kind": "constellation", "name": "starlink-gen9"},
        ["name", "did you mean"],
    ),
    "unknown shell": (
        {"kind": "constellation", "name": "kuiper", "shells": ["K9"], "epoch": EPOCH.isoformat()},
        ["shells", "K1, K2, K3"],
    ),
    "epoch missing": ({"kind": "constellation", "name": "kuiper"}, ["epoch", "required"]),
    "message of a parabola": ({"kind": "omm", "messages": [{**MESSAGE, "ECCENTRICITY": 1.2}]}, ["messages", "1.2"]),
    "message without a number": (
        {"kind": "omm", "messages": [{**MESSAGE, "INCLINATION": "inf"}]},
        ["messages", "INCLINATION is 'inf', not a number"],
    ),
    "a shell twice": (
        {"kind": "constellation", "name": "kuiper", "shells": ["K1", "K1"], "epoch": EPOCH.isoformat()},
        ["shells", "twice"],
    ),
    "message without epoch": (
        {"kind": "omm", "messages": [{k: v for k, v in MESSAGE.items() if k != "EPOCH"}]},
        ["messages", "EPOCH is missing"],
    ),
    "message in another frame": (
        {"kind": "omm", "messages": [{**MESSAGE, "REF_FRAME": "ITRF"}]},
        ["TEME"],
    ),
    "several satellites, none chosen": ({"kind": "walker", **WALKER}, ["at.satellite", "24 satellites", "0 to 23"]),
}


@pytest.mark.parametrize("case", BUILT)
def test_what_only_the_builder_can_refuse(case):
    from ntn6g.study.build.satellites import satellite

    section, words = BUILT[case]
    asked = sections(section)[0]

    with pytest.raises(ScenarioError) as refused:
        satellite(asked, "platforms.sat")

    assert "\n" not in str(refused.value)
    assert [word for word in words if word not in str(refused.value)] == []


def test_old_elements_are_warned_about_with_the_error_to_expect():
    from ntn6g.study.build.satellites import satellite, warn_of_age

    element_set = satellite(sections(PLATFORMS["tle"][0])[0], "platforms.sat")

    with pytest.warns(ScenarioWarning, match="40 days after its epoch; expect 40 to 120 km"):
        warn_of_age([element_set], element_set.epoch + timedelta(days=40))


def test_kinds_of_the_scenario_are_those_of_the_builder():
    from typing import get_args

    from ntn6g.study.build.satellites import FLEETS, SINGLE

    kinds = {get_args(each.model_fields["kind"].annotation)[0] for each in get_args(get_args(scenario.Platform)[0])}
    assert kinds == FLEETS.keys() | SINGLE.keys()


GROWING = {
    "kind": "constellation",
    "name": "kuiper",
    "epoch": EPOCH.isoformat(),
    "growth": {"first": "2024-01-01T00:00:00Z", "complete": "2028-01-01T00:00:00Z"},
}


# 34, 36 and 28 planes of as many satellites; 2025-01-01 is 366 of 1461 days after the first
@pytest.mark.parametrize(
    ("on", "order", "expected"),
    [
        ("2024-01-01", "together", 34 + 36 + 28),
        ("2025-01-01", "together", 9 * 34 + 9 * 36 + 7 * 28),
        ("2028-01-01", "together", 3236),
        ("2031-01-01", "by-shell", 3236),
        ("2024-01-01", "by-shell", 34),
        ("2025-01-01", "by-shell", 25 * 34),
        ("2026-01-01", "by-shell", 34 * 34 + 15 * 36),
    ],
)
def test_a_growing_constellation_has_the_planes_of_its_date(on, order, expected):
    from ntn6g.study.build.satellites import fleet

    section = {**GROWING, "date": f"{on}T00:00:00Z", "growth": {**GROWING["growth"], "order": order}}
    found = fleet(sections(section)[0], "platforms.sat")

    assert found.size == expected
    nodes = np.unique(np.round(found.raan_rad.numpy()[found.semi_major_axis_m.numpy() > 7.0e6], 9))
    if len(nodes) > 1:  # as evenly over the nodes as whole planes allow
        gaps = np.diff(np.append(nodes, nodes[0] + 2 * np.pi))
        assert gaps.max() - gaps.min() <= 2 * np.pi / 34 + 1e-8  # one plane


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({}, ["growth and date", "missing"]),
        ({"date": "2023-01-01T00:00:00Z"}, ["2023-01-01", "before growth.first 2024-01-01"]),
        ({"date": "2025-01-01T00:00:00Z", "deployed": 0.5}, ["deployed and growth"]),
        (
            {
                "date": "2025-01-01T00:00:00Z",
                "growth": {"first": "2028-01-01T00:00:00Z", "complete": "2024-01-01T00:00:00Z"},
            },
            ["exchanged?"],
        ),
    ],
)
def test_growth_that_cannot_be_is_refused(change, words):
    with pytest.raises(ScenarioError) as refused:
        sections({**GROWING, **change})

    assert [word for word in words if word not in str(refused.value)] == []


def test_the_motion_of_a_terminal_is_not_counted_in_a_link_once_more():
    from ntn6g.study.build.geometry import instants

    def seen(**terminal):
        raw = {
            "schema": 1,
            "study": "link",
            "name": "test",
            "platforms": {"sat": {"kind": "tle", "lines": LINES[1:3]}},
            "terminals": {"ue": {"latitude_deg": 39.9, "longitude_deg": 116.4, **terminal}},
            "at": {"utc": "2026-04-26T13:54:00Z"},
            "channel": {"carrier_ghz": 20, "environment": "urban", "fading": {"kind": "ntn-tdl", "profile": "C"}},
            "link": {"subcarrier_khz": 120, "resource_blocks": 4, "mcs": 5},
            "power": {"esno_db": 10},
        }
        return instants([from_mapping(raw)])[0]

    # a course through the same place at that instant: the rate of the range is the satellite's alone
    still = seen(speed_kmh=500)
    moving = seen(speed_kmh=500, course_deg=70, epoch="2026-04-26T13:54:00Z")
    assert moving.range_m == pytest.approx(still.range_m, abs=1e-5)
    assert moving.range_rate_m_s == pytest.approx(still.range_rate_m_s, abs=1e-6)
    assert moving.range_acceleration_m_s2 == pytest.approx(still.range_acceleration_m_s2, abs=1e-6)
    assert moving.elevation_rad == pytest.approx(still.elevation_rad, abs=1e-9)
