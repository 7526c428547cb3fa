"""Layers and antennas as a scenario asks for them."""

import numpy as np
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


def test_ports_and_the_matrix_of_a_pdsch_reach_the_link():
    asked = {"layers": 2, "transmit_antennas": 4, "precoding": "type1-single-panel", "pmi": [2, 1, 0]}
    dmrs = {"dmrs_length": 2, "dmrs_ports": [4, 5], "dmrs_cdm_groups_without_data": 2}
    structure = study(**asked, **dmrs).structures[0]

    assert structure.grid.dmrs_symbols.tolist() == [2, 3, 10, 11]  # TS 38.211 Table 7.4.1.1.2-4, 14 symbols
    assert structure.grid.ports == (4, 5)
    assert structure.grid.reserved_per_block == 48
    # v_2 = (1, j) and v_6 = (1, -j), TS 38.214 Table 5.2.2.2.1-6
    assert [complex(entry) for entry in np.round(structure.antennas.matrix[1] * 8**0.5, 6)] == [1j, -1j]


REFUSED = {
    "a matrix beyond the codebook": (
        {"layers": 2, "dmrs_cdm_groups_without_data": 2, "precoding": "type1-single-panel", "pmi": [1, 0, 0]},
        "link.pmi: i_1,1 = 1, but with 2 layers on 2 antennas it ends at 0",
    ),
    "the codebook of the PDSCH on a PUSCH": (
        {"direction": "uplink", "precoding": "type1-single-panel"},
        "link.precoding: type1-single-panel is the codebook of the PDSCH",
    ),
    "three antennas in the codebook of the PDSCH": (
        {"transmit_antennas": 3, "precoding": "type1-single-panel"},
        "link.precoding: type1-single-panel, but it is there for 1 or 2 layers on 2",
    ),
    "fewer ports than layers": ({"layers": 2, "dmrs_ports": [0]}, "link.dmrs_ports: 1 ports for 2 layers"),
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
