"""Layers and antennas as a scenario asks for them."""

import pytest

from ntn6g.core.errors import ScenarioError
from ntn6g.scenario import from_mapping
from ntn6g.study.build.link import LinkStudy

BASE = {
    "schema": 1,
    "study": "link",
    "name": "t",
    "channel": {"carrier_ghz": 20, "fading": {"kind": "tdl", "profile": "A", "delay_spread_ns": 30}},
    "power": {"esno_db": 10},
}


def study(fading=None, **link):
    channel = BASE["channel"] | ({"fading": fading} if fading else {})
    return LinkStudy("", from_mapping({**BASE, "channel": channel, "link": {"mcs": 14, "resource_blocks": 8, **link}}))


def test_layers_multiply_the_transport_block_and_have_draws_of_their_own():
    one, two = study(dmrs_cdm_groups_without_data=2), study(layers=2, dmrs_cdm_groups_without_data=2)

    # TS 38.214 5.1.3.2, 8 x 144 elements, 16-QAM, R = 553/1024: N_info = 2488.5 and 4977, both by hand
    assert one.structures[0].block_bits == 2472
    assert two.structures[0].block_bits == 4992
    assert one.structures[0].channel_key.endswith("1x1")
    assert two.structures[0].channel_key.endswith("2x2")


def test_closed_forms_of_one_layer_are_not_printed_beside_two():
    one = study(fading={"kind": "awgn"}, csi="perfect", dmrs_cdm_groups_without_data=2)
    two = study(fading={"kind": "awgn"}, csi="perfect", dmrs_cdm_groups_without_data=2, layers=2)

    assert {"ber_theory", "capacity_bps"} <= set(one.points[0].facts)
    assert not {"ber_theory", "capacity_bps"} & set(two.points[0].facts)


REFUSED = {
    "more layers than ports": ({"layers": 4, "transmit_antennas": 2}, "link.layers: 4 layers are more than the ports"),
    "more layers than receive antennas": ({"layers": 2, "receive_antennas": 1}, "link.layers: 2 layers"),
    "layers on each other's DM-RS": ({"layers": 3, "dmrs_cdm_groups_without_data": 1}, "link.dmrs_cdm_groups"),
    "antennas of a fading that has one": (
        {"layers": 2, "dmrs_cdm_groups_without_data": 2, "fading": {"kind": "shadowed-rician", "shadowing": "light"}},
        "channel.fading.kind: shadowed-rician has one antenna",
    ),
}


@pytest.mark.parametrize(("asked", "told"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_sent_is_refused_in_one_line(asked, told):
    with pytest.raises(ScenarioError) as caught:
        study(**asked)

    assert str(caught.value).startswith(told)
    assert "\n" not in str(caught.value)
