"""What a handover study refuses, who may use which cells, and what rates it serves; nothing here is simulated."""

import numpy as np
import pytest

from ntn6g.core.errors import ScenarioError
from ntn6g.scenario import from_mapping
from ntn6g.scenario.handover import ServedRate
from ntn6g.study.build.handover.rates import chosen_mcs, grid_db, ladder_of, rate_per_hz
from ntn6g.study.build.handover.study import HandoverStudy
from ntn6g.study.build.handover.world import Stage, case_of

BEAMS = {"kind": "beams", "platform": "haps"}
PLATFORMS = {
    "haps": {"kind": "haps", "latitude_deg": 45, "longitude_deg": 10},
    "far": {"kind": "geo", "longitude_deg": 190},
}


def asked(**section):
    section = {"layers": {"sky": BEAMS}, "terminals": {"count": 4}, "duration_s": 1, **section}
    return from_mapping({"schema": 1, "study": "handover", "name": "h", "platforms": PLATFORMS, "handover": section})


CELLS = {"kind": "cells"}


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
