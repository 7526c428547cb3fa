"""Encoder and rate matching: Sionna bit for bit where it can, the standard's own loops where it cannot."""

import numpy as np
import pytest
from sionna.phy.fec.ldpc import LDPC5GEncoder
from sionna.phy.nr import TBEncoder

from ntn6g.core.errors import ScenarioError
from ntn6g.phy.coding import CodewordCode, TransportCode
from ntn6g.phy.coding.ldpc import LdpcCode

# (A, G, Q_m, R x 1024): CRC 16 and 24, one and several code blocks, unequal E_r, both base graphs
TRANSPORT_BLOCKS = [
    (184, 576, 4, 340),
    (2152, 7200, 2, 308),
    (9992, 29952, 4, 340),
    (18432, 21600, 6, 873),
    (42016, 52 * 144 * 6, 6, 948),
    (26632, 25 * 144 * 8, 8, 948),
]
# (k, n): every K_b of base graph 2, then base graph 1; the lifting sets 0 to 7 all occur
CODEWORDS = [(96, 300), (144, 500), (240, 600), (576, 1500), (640, 1600), (1000, 2400), (3000, 6000)]
CODEWORDS += [
    (300, 360),
    (1100, 1500),
    (2000, 2500),
    (5280, 9000),
    (7040, 9000),
    (7900, 12000),
    (8448, 10000),
]


@pytest.mark.parametrize(("bits", "coded", "order", "rate_x1024"), TRANSPORT_BLOCKS)
def test_a_transport_block_equals_sionnas_tb_encoder(payload, bits, coded, order, rate_x1024):
    code = TransportCode(block_bits=bits, coded_bits=coded, modulation_order=order, code_rate=rate_x1024 / 1024)
    reference = TBEncoder(bits, coded, rate_x1024 / 1024, order, use_scrambler=False)
    sent = payload(3, bits)

    np.testing.assert_array_equal(code.encode(sent).numpy(), reference(sent).numpy())


@pytest.mark.parametrize(("k", "n"), CODEWORDS)
def test_a_codeword_equals_sionnas_ldpc_encoder(payload, k, n):
    code = CodewordCode(information_bits=k, coded_bits=n, modulation_order=2)
    sent = payload(3, k)

    reference = LDPC5GEncoder(k, n, num_bits_per_symbol=2)
    np.testing.assert_array_equal(code.encode(sent).numpy(), reference(sent).numpy())


def standard_rate_matching(code: LdpcCode, length: int, order: int, start: int = 0, limit: int = 10**9) -> list[int]:
    """TS 38.212 5.4.2.1 and 5.4.2.2, transcribed loop by loop; indices of d_k, filler marked None."""
    z = code.lifting_size
    columns = {1: 66, 2: 50}[code.base_graph]
    d: list[int | None] = [k for k in range(columns * z)]
    for k in range(code.information_bits - 2 * z, code.systematic_columns * z - 2 * z):
        d[k] = None
    e: list[int] = []
    size = min(len(d), limit)
    j = 0
    while len(e) < length:
        picked = d[(start + j) % size]
        if picked is not None:
            e.append(picked)
        j += 1
    f = [0] * length
    for j in range(length // order):
        for i in range(order):
            f[i + j * order] = e[i * length // order + j]
    return f


@pytest.mark.parametrize(
    ("graph", "k", "length", "order"),
    [(2, 40, 288, 2), (2, 168, 1440, 2), (1, 4504, 14976, 2), (1, 4504, 6000, 6)],
)
def test_bit_selection_and_interleaving_follow_the_standards_loops(graph, k, length, order):
    code = LdpcCode(base_graph=graph, information_bits=k, sent_bits=length)

    positions = code.sent_positions(length, order) - 2 * code.lifting_size
    assert positions.tolist() == standard_rate_matching(code, length, order)


@pytest.mark.parametrize(
    ("bits", "coded", "complaint"), [(808, 810, "exceed the rate 0.95"), (184, 577, "no multiple")]
)
def test_impossible_sizes_are_refused_in_one_line(bits, coded, complaint):
    with pytest.raises(ScenarioError, match=complaint) as caught:
        TransportCode(block_bits=bits, coded_bits=coded, modulation_order=6, code_rate=0.9)
    assert "\n" not in str(caught.value)


def test_a_block_that_does_not_divide_is_refused():
    with pytest.raises(ScenarioError, match="does not divide into 2 equal code blocks"):
        TransportCode(block_bits=10001, coded_bits=20000, modulation_order=2, code_rate=0.5)
