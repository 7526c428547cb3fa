"""What a handover study refuses, who may use which cells, and what rates it serves; nothing here is simulated."""

import math

import numpy as np
import pytest
import tensorflow as tf

from ntn6g.core.errors import ScenarioError
from ntn6g.scenario import from_mapping
from ntn6g.scenario.handover import ServedRate
from ntn6g.services.handover import gap_s
from ntn6g.study.build.handover.feeders import Feeders
from ntn6g.study.build.handover.numbers import timing_of
from ntn6g.study.build.handover.outcome import Way, joined, single
from ntn6g.study.build.handover.rates import chosen_mcs, grid_db, ladder_of, rate_per_hz
from ntn6g.study.build.handover.study import HandoverStudy
from ntn6g.study.build.handover.world import Stage, case_of
from ntn6g.study.resampling import quantile_interval

BEAMS = {"kind": "beams", "platform": "haps"}
PLATFORMS = {
    "haps": {"kind": "haps", "latitude_deg": 45, "longitude_deg": 10},
    "far": {"kind": "geo", "longitude_deg": 190},
}


def asked(**section):
    section = {"layers": {"sky": BEAMS}, "terminals": {"count": 4}, "duration_s": 1, **section}
    return from_mapping({"schema": 1, "study": "handover", "name": "h", "platforms": PLATFORMS, "handover": section})


CELLS = {"kind": "cells"}
FAR_AWAY = {"latitude_deg": -45, "longitude_deg": -170}


@pytest.mark.parametrize(
    ("section", "words"),
    [
        ({"layers": {"sky": BEAMS | {"platform": "hapz"}}}, ("handover.layers.sky.platform", "did you mean 'haps'")),
        ({"layers": {"sky": BEAMS | {"platform": "far"}}}, ("handover.layers.sky.platform", "no satellite of far")),
        ({"layers": {"sky": BEAMS | {"beams": 8}}}, ("handover.layers.sky.beams", "1, 7, 19")),
        ({"layers": {"g": CELLS | {"sites": 8}}}, ("handover.layers.g.sites", "1, 7, 19")),
        ({"layers": {"g": CELLS}, "terminals": {"motion": "aircraft"}}, ("handover.layers", "22.5 m")),
        ({"layers": {}}, ("handover.layers", "at least 1")),
        ({"layers": {"sky": BEAMS | {"spacing": 3}}}, ("did you mean 'handover.layers.sky.spacing_km'",)),
        ({"layers": {"sky": BEAMS | {"outage": {"from_s": 5, "until_s": 2}}}}, ("exchanged",)),
        ({"layers": {"sky": BEAMS | {"reroute_s": -1}}}, ("handover.layers.sky.reroute_s", "the limit is 0 s")),
        ({"layers": {"sky": BEAMS | {"gateways": {"g": FAR_AWAY}}}}, ("handover.layers.sky.gateways", "gateways g")),
        ({"policies": ["a3", "split"]}, ("handover", "dual")),
        ({"dual": {"first": ["sky"], "second": ["ground"]}}, ("'ground' is unknown",)),
        ({"policies": ["a3", "a3"]}, ("names one twice",)),
        ({"policies": ["a6"]}, ("handover.policies", "choose a3")),
        ({"procedure": {"in_sync_db": -9}}, ("out_of_sync_db -8 is above in_sync_db -9",)),
        ({"duration_s": 86400, "terminals": {"count": 1000}}, ("above 50000000",)),
        ({"rate": {"code_block_bits": 8448}}, ("handover.rate.code_block_bits",)),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(section, words):
    with pytest.raises(ScenarioError) as caught:
        HandoverStudy("", asked(**section))
    line = str(caught.value)
    assert "\n" not in line
    for word in words:
        assert word in line


def test_without_roaming_terminals_are_dealt_out_to_operators_and_keep_to_their_own():
    layers = {"sky": BEAMS | {"operator": "a", "beams": 7}, "ground": CELLS | {"operator": "b"}}
    own = Stage(case_of(asked(layers=layers, roaming="none")), predict=False).allowed().numpy()
    every = Stage(case_of(asked(layers=layers)), predict=False).allowed().numpy()
    assert every.all()
    assert own[:7].tolist() == [[True, False, True, False]] * 7
    assert own[7:].tolist() == [[False, True, False, True]] * 7


def test_platforms_fall_silent_with_their_gateway_and_come_back_over_another_one():
    # on the equator of WGS 84, radius 6378.137 km: gateways at 0 and 10 degrees east, platforms 600 km above 2 and 8
    # degrees and above 40, which neither sees. The first gateway fails from 5 to 20 s, and 10 s later platforms turn to
    # the second one. Range by the law of cosines
    def above(height_m, degrees):
        angle = np.radians(degrees)
        return (6378137.0 + height_m) * np.stack([np.cos(angle), np.sin(angle), 0.0 * angle], -1)

    degrees = np.array([2.0, 8.0, 40.0])
    up = above(0.0, np.array([0.0, 10.0])) / 6378137.0
    feeders = Feeders(6378137.0 * up, up, np.radians(5.0), np.array([[5.0, 20.0], [np.inf, np.inf]]), 10.0, True)
    length_m, fed = feeders.along(tf.constant(above(600e3, degrees)[None]), np.array([0.0, 5.0, 14.9, 15.0, 20.0]))

    assert fed.numpy().T.tolist() == [[1, 0, 0, 1, 1], [1, 1, 1, 1, 1], [0, 0, 0, 0, 0]]
    a, b = 6378137.0, 6978137.0
    near, far = (np.sqrt(a * a + b * b - 2 * a * b * np.cos(np.radians(angle))) for angle in (2.0, 8.0))
    assert length_m.numpy()[:, 0] == pytest.approx([near, near, near, far, near], abs=1e-3)
    assert length_m.numpy()[:, 1] == pytest.approx(near, abs=1e-3)


@pytest.mark.parametrize("adaptation", ["ideal", "target"])
def test_served_rates_stay_below_the_capacity_of_white_noise(adaptation):
    given = ServedRate(link_adaptation=adaptation, overhead=0.0)
    rate = rate_per_hz(given)
    assert (rate < np.log2(1.0 + 10.0 ** (grid_db() / 10.0))).all()
    # the top of table 1 has 5.55 coded bits an element, 84 of 100 are not CRC, 14 of 15 elements are no prefix; coded
    # bits fill whole elements, which takes a little more
    assert (rate[grid_db() > 30.0] > 0.93 * 5.55 * 0.84 * 14 / 15).all()
    assert rate.max() < 5.55 * 0.84 * 14 / 15
    assert (rate_per_hz(ServedRate(overhead=0.0)) >= rate - 1e-12).all()


def test_target_adaptation_keeps_its_error_rate_wherever_an_mcs_can():
    given = ServedRate(link_adaptation="target", bler_target=0.1)
    mcs = chosen_mcs(given)
    errors = ladder_of(given).every_bler(grid_db().astype(np.float32)).numpy()[np.arange(len(mcs)), mcs]
    assert (errors[mcs > 0] <= 0.1 * 1.02).all()  # thresholds and table are read to half a hundredth of a dB
    assert (np.diff(mcs) >= 0).all()


def test_of_two_connections_a_step_is_out_only_as_far_as_both_are():
    # steps of 0.5 s, Mbit/s. The first terminal's connections are out in turn, never at once: 4 + 3 + 4 + 3 of them are
    # 7 Mbit without any outage, though each alone is out for 1 s of the 2. The second's: the better of 4 2, 1.6 4, 0 1,
    # 0 0 are 4.5 Mbit, both together 6.3, out 0.2 + 0.5 + 1 of a step
    def way(*terminals):
        rate, out = (np.array([each[k] for each in terminals], np.float32).T for k in range(2))
        counts = {"handovers": np.ones(2), "outage_s": 0.5 * out.sum(0), "served_bits": 0.5 * rate.sum(0)}
        places = {"handover": np.zeros((1, 2)), "failure": np.zeros((0, 2))}
        return Way(counts, rate, out, {"cell": rate[:, 0], "sinr_db": rate[:, 0], "rate_bps": rate[:, 0]}, places)

    one = way(([4, 0, 4, 0], [0, 1, 0, 1]), ([4, 1.6, 0, 0], [0, 0.6, 1, 1]))
    two = way(([0, 3, 0, 3], [1, 0, 1, 0]), ([2, 4, 1, 0], [0, 0.2, 0.5, 1]))
    better, both = (joined(one, two, both=which, step_s=0.5) for which in (False, True))

    assert single(one, 0.5).counts["outage_s"][0] == single(two, 0.5).counts["outage_s"][0] == 1.0
    for each, bits in ((better, [7.0, 4.5]), (both, [7.0, 6.3])):
        assert each.counts["outage_s"] == pytest.approx([0.0, 0.85], abs=1e-6)
        assert each.counts["served_bits"] == pytest.approx(bits, abs=1e-6)
        assert each.counts["handovers"].tolist() == [2.0, 2.0]
        assert each.windows_bps[:, 0].tolist() == [3.5, 3.5]
    assert better.windows_bps[:, 1] == pytest.approx([4.0, 0.5])
    assert both.windows_bps[:, 1] == pytest.approx([5.8, 0.5])


def test_without_random_access_a_handover_costs_search_and_half_a_round_trip():
    # the terminal sends in a slot that it was given with a timing advance that it knows, and is heard half a round trip
    # later. Over 26 ms: search 40, access 20 and twice 26 ms with random access, 40 + 13 ms without
    for rach_less, expected_s in ((False, 0.112), (True, 0.053)):
        timing = timing_of(asked(procedure={"rach_less": rach_less, "execute_ms": 40, "access_ms": 20}).handover)
        assert float(gap_s(timing, tf.constant(0.026))) == pytest.approx(expected_s, abs=1e-6)


def test_a_fifth_percentile_has_the_interval_of_its_terminals():
    # exponential rates of mean 1: the quantile is -log(0.95), its standard error sqrt(0.05 0.95 / n) / 0.95 for n
    # values that are independent, and 10 times that where the 100 seconds of a terminal are all alike
    rates = np.random.default_rng(3).exponential(size=(100, 400))
    expected = -math.log(0.95)
    for values, number in ((rates, 40_000), (np.repeat(rates[:1], 100, 0), 400)):
        found, low, high = quantile_interval(values, 0.05, seed=1)
        error = math.sqrt(0.05 * 0.95 / number) / 0.95
        assert abs(found - expected) < 4.0 * error
        assert low < found < high
        assert high - low == pytest.approx(2.0 * 1.96 * error, rel=0.3)
