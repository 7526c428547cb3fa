"""Contact plans: the passes of each pair by another search, short ones included, gaps by hand and by a fine grid."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from ntn6g.core.errors import ScenarioError
from ntn6g.orbit import (
    ContactPlan,
    CruisingTerminal,
    ElementSet,
    ElementSets,
    FixedTerminal,
    KeplerianOrbit,
    Times,
    WalkerShell,
    contact_plan,
    find_passes,
    link_geometry,
    walker_orbits,
)
from ntn6g.orbit.network.sightlines import sign_changes

LINES = (Path(__file__).parents[2] / "reference/data/orbit_element_sets.tle").read_text().splitlines()
SETS = [ElementSet(LINES[i + 1], LINES[i + 2], LINES[i]) for i in range(0, 12, 3)]
DRAGGED = ElementSet(LINES[19], LINES[20], LINES[18])  # STARLINK-1017, large drag term
EPOCH = SETS[0].epoch.replace(microsecond=0)
STATIONS = [
    FixedTerminal(latitude_rad=np.radians(39.9), longitude_rad=np.radians(116.4), altitude_m=50.0),
    FixedTerminal(latitude_rad=np.radians(-0.2), longitude_rad=np.radians(-78.5), altitude_m=2850.0),
    CruisingTerminal(
        latitude_rad=0.7, longitude_rad=2.0, altitude_m=11e3, course_rad=1.0, speed_m_s=250.0, epoch=EPOCH
    ),
]
WALKER = walker_orbits([WalkerShell(altitude_m=550e3, inclination_rad=0.95, satellites=4, planes=4)], EPOCH)
# two inclined geosynchronous orbits, whose elevation has maxima and minima far apart, and an ellipse
SLOW = KeplerianOrbit(
    semi_major_axis_m=tf.constant([42_164e3, 42_164e3, 26_560e3], tf.float64),
    eccentricity=tf.constant([0.0, 0.1, 0.6], tf.float64),
    inclination_rad=tf.constant([1.0, 0.9, 1.1], tf.float64),
    raan_rad=tf.constant([0.3, 2.0, 4.0], tf.float64),
    mean_anomaly_rad=tf.constant([1.0, 0.2, 3.0], tf.float64),
    epoch=EPOCH,
)
FLEETS = {"element sets": ElementSets(SETS), "walker": WALKER, "slow": SLOW}
DAY_S = 86_400.0
PROMISED_S = 0.010


@pytest.mark.parametrize(("kind", "mask_deg"), [("element sets", 5.0), ("walker", 40.0), ("slow", 5.0)])
def test_the_plan_is_that_of_passes_searched_pair_by_pair(kind, mask_deg):
    fleet, mask = FLEETS[kind], np.radians(mask_deg)

    plan = contact_plan(fleet, STATIONS, EPOCH, DAY_S, mask)
    total = 0
    for station, terminal in enumerate(STATIONS):
        for satellite in range(fleet.size):
            passes = [p for p in find_passes(fleet.member(satellite), terminal, EPOCH, DAY_S, mask) if p.set_s <= DAY_S]
            chosen = (plan.station == station) & (plan.satellite == satellite) & ~plan.cut
            for name in ("rise_s", "culmination_s", "set_s"):
                expected = [getattr(each, name) for each in passes]
                assert getattr(plan, name)[chosen] == pytest.approx(expected, abs=PROMISED_S)
            heights = [each.culmination_elevation_rad for each in passes]
            assert plan.culmination_elevation_rad[chosen] == pytest.approx(heights, abs=1e-6)
            total += len(passes)
    assert total == (~plan.cut).sum()
    assert total > 3
    assert (np.diff(plan.station) >= 0).all()


@pytest.mark.parametrize("kind", FLEETS)
def test_exactly_the_visible_instants_of_a_fine_grid_are_covered(kind):
    fleet, mask = FLEETS[kind], np.radians(15.0)
    start = EPOCH + timedelta(minutes=7)
    plan = contact_plan(fleet, STATIONS, start, DAY_S, mask)
    grid_s = np.arange(0.0, DAY_S, 17.0)

    inside = np.zeros((len(STATIONS), fleet.size, grid_s.size), bool)
    for row in range(len(plan)):
        span = (grid_s >= plan.rise_s[row] - 1e-3) & (grid_s <= plan.set_s[row] + 1e-3)
        inside[plan.station[row], plan.satellite[row]] |= span
    times = Times(start, grid_s)
    state = fleet.state(times)
    for number, terminal in enumerate(STATIONS):
        seen = link_geometry(state, terminal.site(times), mask_rad=mask)
        np.testing.assert_array_equal(inside[number], seen.visible.numpy())


def test_a_contact_of_two_seconds_between_instants_is_found():
    satellite, terminal = ElementSets(SETS[:1]), STATIONS[0]
    highest = max(find_passes(SETS[0], terminal, EPOCH, DAY_S, 0.2), key=lambda p: p.culmination_elevation_rad)
    mask = highest.culmination_elevation_rad - 2e-6

    for shift_s in (0.0, 3.0, 7.0, 11.0, 17.0):  # wherever the instants of the search fall
        plan = contact_plan(satellite, [terminal], EPOCH + timedelta(seconds=shift_s), DAY_S, mask)
        assert len(plan) == 1
        assert plan.culmination_s[0] + shift_s == pytest.approx(highest.culmination_s, abs=PROMISED_S)
        assert 0.0 < plan.set_s[0] - plan.rise_s[0] < 3.0


def test_a_dip_of_seconds_parts_two_contacts():
    one, terminal = SLOW.take(slice(0, 1)), STATIONS[0]
    always = contact_plan(one, [terminal], EPOCH, DAY_S, np.radians(-89.0))
    assert always.cut.tolist() == [True]  # one contact, cut at both ends
    times = Times(EPOCH, np.arange(0.0, DAY_S, 30.0))
    elevation = link_geometry(one.state(times), terminal).elevation_rad.numpy()[0]
    low = np.flatnonzero((elevation[1:-1] < elevation[:-2]) & (elevation[1:-1] < elevation[2:])) + 1
    mask = elevation[low[0]] + 1e-9  # the minimum dips below for some seconds around an instant

    parted = contact_plan(one, [terminal], EPOCH, DAY_S, mask)
    gaps = parted.rise_s[1:] - parted.set_s[:-1]
    assert 0.0 < gaps.min() < 60.0


def test_stations_with_masks_of_their_own_have_the_plans_of_each_alone():
    masks = [0.1, 0.3, 0.1]
    together = contact_plan(WALKER, STATIONS, EPOCH, DAY_S, masks)

    for number, (terminal, mask) in enumerate(zip(STATIONS, masks, strict=True)):
        alone = contact_plan(WALKER, [terminal], EPOCH, DAY_S, mask)
        chosen = together.station == number
        np.testing.assert_array_equal(together.satellite[chosen], alone.satellite)
        np.testing.assert_allclose(together.rise_s[chosen], alone.rise_s, rtol=0, atol=1e-3)
        assert together.gaps_s(number) == pytest.approx(alone.gaps_s(0), abs=2e-3)


def by_hand(spans, duration_s=1000.0):
    start, stop = (np.array(each, float) for each in zip(*spans, strict=True))
    number = np.zeros(len(spans), np.int64)
    middle = 0.5 * (start + stop)
    return ContactPlan(EPOCH, duration_s, 2, number, number, start, middle, stop, middle, number > 0)


def test_gaps_are_the_times_without_any_contact():
    plan = by_hand([(100.0, 200.0), (150.0, 180.0), (190.0, 300.0), (300.0, 400.0), (700.0, 1000.0)])

    assert plan.gaps_s(0).tolist() == [100.0, 300.0]
    assert plan.covered_fraction(0) == pytest.approx(0.6)
    assert plan.gaps_s(1).tolist() == [1000.0]  # no contact at all
    assert plan.utc(plan.rise_s[0]) == EPOCH + timedelta(seconds=100)


def test_sign_changes_are_found_to_the_tolerance_where_slopes_differ_widely():
    roots = np.array([3.0, 10.5, 29.999, 0.001, 15.0])
    powers = np.array([1, 3, 5, 1, 7])

    found = sign_changes(
        lambda rows, t: np.sign(t - roots[rows]) * np.abs(t - roots[rows]) ** powers[rows] * 10.0 ** powers[rows],
        np.zeros(5),
        np.full(5, 30.0),
        1e-3,
    )
    np.testing.assert_allclose(found[[0, 3]], roots[[0, 3]], rtol=0, atol=1e-3)
    np.testing.assert_allclose(found, roots, rtol=0, atol=0.05)  # flat roots, which elevations have not
    assert sign_changes(lambda rows, t: t + 1.0, np.zeros(1), np.ones(1), 1e-3)[0] == 0.0  # no change: the nearer end


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"duration_s": 0.0}, ["duration_s: 0", "positive"]),
        ({"mask_rad": [0.1, 0.2]}, ["mask_rad: 2 masks for 3 stations"]),
        ({"start": datetime(2026, 1, 1)}, ["time zone"]),
        ({"start": datetime(2040, 1, 1, tzinfo=UTC)}, ["element set", "too old?"]),
    ],
)
def test_what_is_no_plan_is_refused(change, words):
    asked = {"start": EPOCH, "duration_s": DAY_S, "mask_rad": 0.1} | change
    fleet = ElementSets([DRAGGED]) if "start" in change else WALKER
    with pytest.raises(ScenarioError) as refused:
        contact_plan(fleet, STATIONS, asked["start"], asked["duration_s"], asked["mask_rad"])

    assert [word for word in words if word not in str(refused.value)] == []
