"""Transport blocks end to end: every MCS row round trip, CRC, and kernels for the GPU."""

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.framework.kernels import get_registered_kernels_for_op

from ntn6g.core.errors import ScenarioError
from ntn6g.phy.coding import TransportCode, mcs, mcs_table, transport_block_bits

ELEMENTS_PER_BLOCK = 132  # 12 symbols, 12 DM-RS elements
ROWS = sorted({(row.modulation_order, row.code_rate) for table in (1, 2, 3, 4) for row in mcs_table(table)})


def build(order: int, rate: float, resource_blocks: int) -> TransportCode:
    elements = resource_blocks * ELEMENTS_PER_BLOCK
    bits = transport_block_bits(resource_elements=elements, modulation_order=order, code_rate=rate)
    return TransportCode(block_bits=bits, coded_bits=order * elements, modulation_order=order, code_rate=rate)


@pytest.mark.parametrize("resource_blocks", [1, 6, 25])
def test_every_mcs_row_survives_a_noiseless_round_trip(payload, resource_blocks):
    refused = []
    for order, rate in ROWS:
        try:
            code = build(order, rate, resource_blocks)
        except ScenarioError:
            refused.append((order, rate))
            continue
        bits = payload(2, code.block_bits)
        decoded = code.decode(8 * (2 * code.encode(bits) - 1))  # LLR = log P(1)/P(0): positive is 1
        assert (decoded.bits.numpy() == bits.numpy()).all(), (order, rate, resource_blocks)
        assert decoded.crc_ok.numpy().all()
    # the CRC pushes only the highest rates past 0.95, and only where it is a large part of a small block
    assert all(rate > 0.88 for _, rate in refused)
    assert not refused or resource_blocks == 1


def test_a_batch_wider_than_base_graph_1_allows_is_sent_by_repetition(payload):
    # MCS 4 of table 1 (R = 0.30 > 1/4) above 3824 bits uses base graph 1, whose mother rate is 1/3: Sionna refuses
    code = build(2, mcs(1, 4).code_rate, 60)
    bits = payload(2, code.block_bits)

    assert code.segmentation.base_graph == 1
    decoded = code.decode(8 * (2 * code.encode(bits) - 1))
    np.testing.assert_array_equal(decoded.bits.numpy(), bits.numpy())


@pytest.mark.parametrize("level", [0.0, 1e-3])
def test_a_block_of_which_nothing_was_heard_is_not_acknowledged(level):
    # the decoder stays at the zero word, which is a codeword, and its CRC of TS 38.212 5.1 begins at zero
    code = build(2, mcs(1, 4).code_rate, 6)
    decoded = code.decode(tf.fill([2, code.coded_bits], level))

    assert not decoded.bits.numpy().any()
    assert not decoded.crc_ok.numpy().any()


# TS 38.212 V18 5.1: generator polynomials by the powers of D
GENERATORS = {
    "24A": (24, 23, 18, 17, 14, 11, 10, 7, 6, 5, 4, 3, 1, 0),
    "24B": (24, 23, 6, 5, 1, 0),
    "16": (16, 12, 5, 0),
}


def remainder(bits, generator) -> np.ndarray:
    """Remainder of the division of a polynomial over GF(2), its highest power first, by a generator."""
    divisor = np.zeros(generator[0] + 1, np.int8)
    divisor[generator[0] - np.array(generator)] = 1
    left = np.array(bits, np.int8)
    for place in range(len(left) - generator[0]):
        if left[place]:
            left[place : place + len(divisor)] ^= divisor
    return left[-generator[0] :]


@pytest.mark.parametrize(("resource_blocks", "transport_crc"), [(6, "16"), (25, "24A"), (200, "24A")])
def test_blocks_are_divisible_by_the_generator_polynomials(payload, resource_blocks, transport_crc):
    code = build(4, mcs(1, 14).code_rate, resource_blocks)
    parts = code.segmentation
    words = code.codeword(payload(1, code.block_bits)).numpy()
    blocks = words.reshape(-1, parts.code_blocks)[: parts.code_block_bits].T  # systematic bits come first
    assert (parts.code_blocks > 1) == (resource_blocks == 200)

    if parts.code_blocks > 1:
        for block in blocks:
            assert not remainder(block, GENERATORS["24B"]).any()
    whole = np.concatenate([block[: len(block) - parts.code_block_crc_bits] for block in blocks])
    assert not remainder(whole, GENERATORS[transport_crc]).any()


@pytest.mark.parametrize(("table", "index", "resource_blocks"), [(1, 4, 6), (1, 26, 25)])
def test_the_crc_catches_blocks_of_noise(table, index, resource_blocks):
    row = mcs(table, index)
    code = build(row.modulation_order, row.code_rate, resource_blocks)
    noise = tf.constant(np.random.default_rng(13).normal(size=(64, code.coded_bits)), tf.float32)

    decoded = code.decode(noise)
    assert not decoded.crc_ok.numpy().any()  # one of 64 passing CRC 16 by chance: 1e-3
    assert (decoded.iterations.numpy() > 0).all()


def test_the_crc_flag_of_one_block_says_nothing_about_its_neighbour(payload):
    code = build(6, mcs(1, 26).code_rate, 12)
    bits = payload(2, code.block_bits)
    llr = 8 * (2 * code.encode(bits).numpy() - 1)
    llr[1, ::3] *= -1  # a third of the second block inverted

    assert code.decode(tf.constant(llr)).crc_ok.numpy().tolist() == [True, False]


def test_every_operation_has_a_kernel_for_xla_on_the_gpu():
    code = build(6, mcs(1, 26).code_rate, 12)  # several code blocks

    @tf.function
    def there_and_back(bits: tf.Tensor) -> tuple[tf.Tensor, ...]:
        decoded = code.decode(code.encode(bits))
        return decoded.bits, decoded.crc_ok, decoded.iterations

    graph = there_and_back.get_concrete_function(tf.TensorSpec([64, code.block_bits])).graph.as_graph_def()
    names = {node.op for node in graph.node} | {node.op for f in graph.library.function for node in f.node_def}
    control_flow = {
        "Placeholder",
        "NoOp",
        "StatelessWhile",
        "While",
        "PartitionedCall",
        "StatefulPartitionedCall",
    }
    missing = [
        name
        for name in sorted(names - control_flow)
        if not any(k.device_type == "XLA_GPU_JIT" for k in get_registered_kernels_for_op(name).kernel)
    ]
    assert "TensorScatterUpdate" in names
    assert missing == []
