"""Redundancy versions, limited buffer and soft combining: the standard's tables worked out by hand, and sums."""

import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from ntn6g.core import random
from ntn6g.core.errors import ScenarioError
from ntn6g.phy import Modulation
from ntn6g.phy.coding import LimitedBuffer, TransportCode, mcs, transport_block_bits
from ntn6g.phy.coding.ldpc import LdpcCode, start_position

# TS 38.212 Table 5.4.2.1-2, worked out on paper. Whole buffers: 17, 33, 56 of 66 columns and 13, 25, 43 of 50.
# Limited: 17 x 20000 / (66 x 384) = 13.4, 33 x ... = 26.04, 56 x ... = 44.2; 13 x 5000 / (50 x 176) = 7.4, 14.2, 24.4
STARTS = [
    (1, 384, 66 * 384, (0, 6528, 12672, 21504)),
    (1, 208, 66 * 208, (0, 3536, 6864, 11648)),
    (1, 2, 66 * 2, (0, 34, 66, 112)),
    (2, 176, 50 * 176, (0, 2288, 4400, 7568)),
    (2, 15, 50 * 15, (0, 195, 375, 645)),
    (1, 384, 20000, (0, 13 * 384, 26 * 384, 44 * 384)),
    (2, 176, 5000, (0, 7 * 176, 14 * 176, 24 * 176)),
]


@pytest.mark.parametrize(("graph", "z", "buffer_bits", "starts"), STARTS)
def test_redundancy_versions_start_where_the_table_says(graph, z, buffer_bits, starts):
    found = [
        start_position(base_graph=graph, lifting_size=z, buffer_bits=buffer_bits, version=version)
        for version in range(4)
    ]
    assert tuple(found) == starts


def standard_selection(code, length, start):
    """TS 38.212 5.4.2.1, bit selection loop by loop: indices of d_k, filler skipped."""
    z, size = code.lifting_size, code.buffer_bits
    filler = range(code.information_bits - 2 * z, code.systematic_columns * z - 2 * z)
    picked, j = [], 0
    while len(picked) < length:
        if (start + j) % size not in filler:
            picked.append((start + j) % size)
        j += 1
    return picked


# by hand: K' = 4504 on base graph 1 takes Z = 208 (22 x 208 = 4576), K' = 1000 on base graph 2 takes Z = 104; a buffer
# of 7000: 17 x 7000 / 13728 = 8.7, 16.8, 28.6; of 2600 (25 columns): 13 x 2600 / 5200 = 6.5, 12.5, 21.5
@pytest.mark.parametrize(
    ("graph", "k", "buffer_bits", "length", "columns"),
    [
        (1, 4504, None, 6000, (0, 17, 33, 56)),
        (1, 4504, 7000, 6000, (0, 8, 16, 28)),
        (2, 1000, None, 7200, (0, 13, 25, 43)),
        (2, 1000, 2600, 1500, (0, 6, 12, 21)),
    ],
)
def test_bit_selection_follows_the_standards_loop_from_every_start(graph, k, buffer_bits, length, columns):
    for version, column in enumerate(columns):
        code = LdpcCode(
            base_graph=graph, information_bits=k, sent_bits=length, versions=(version,), buffer_bits=buffer_bits
        )
        expected = standard_selection(code, length, column * code.lifting_size)
        positions = code.sent_positions(length, 1, version) - 2 * code.lifting_size
        assert positions.tolist() == expected


def test_columns_that_no_version_reaches_are_left_out_with_their_checks():
    # K' = 22 x 64 = 1408 bits without filler, E = 1536: 24 columns, d columns 0 to 23 (rv 0) and 33 to 56 (rv 2)
    code = LdpcCode(base_graph=1, information_bits=1408, sent_bits=1536, versions=(0, 2))
    bits = tf.constant(np.random.default_rng(2).integers(0, 2, (1408, 3)), tf.int8)
    word = code.encode(bits)

    sent = np.concatenate([code.sent_positions(1536, 1, version) // 64 for version in (0, 2)])
    assert set(sent) == set(range(2, 26)) | set(range(35, 59))
    assert len(code.layers) == 4 + 24  # the core and one check of each reached extension column
    assert all((code.parity(word, layer).numpy() == 0).all() for layer in code.layers)
    whole = LdpcCode(base_graph=1, information_bits=1408, sent_bits=66 * 64)
    columns = sorted(set(sent))
    full = whole.encode(bits).numpy().reshape(-1, 64, 3)
    np.testing.assert_array_equal(word.numpy().reshape(-1, 64, 3)[columns], full[columns])


def test_the_limited_buffer_is_that_of_the_largest_block_of_the_carrier():
    # 273 blocks, 4 layers, 256-QAM: N_info = 42588 x 948/1024 x 8 x 4 = 1261669.5, n = 15, 2^15 x 39 = 1277952,
    # C = ceil(1277976 / 8424) = 152, 8 C ceil(1277976 / (8 C)) - 24 = 1277992; N_ref = floor(1277992 / (152 x 2/3))
    largest = LimitedBuffer(resource_blocks=273, layers=8, modulation_order=8)
    assert largest.block_bits == 1277992
    assert largest.bits_of(1277992, 152) == 12611
    # Table 5.4.2.1-1: 33 to 66 blocks count as 66
    assert LimitedBuffer(resource_blocks=33).block_bits == LimitedBuffer(resource_blocks=66).block_bits
    assert LimitedBuffer(resource_blocks=32).block_bits < LimitedBuffer(resource_blocks=33).block_bits


def build(index=27, blocks=6, **knobs):
    """MCS of table 1 on resource blocks of 144 elements."""
    row, elements = mcs(1, index), 144 * blocks
    bits = transport_block_bits(
        resource_elements=elements, modulation_order=row.modulation_order, code_rate=row.code_rate
    )
    return TransportCode(
        block_bits=bits,
        coded_bits=elements * row.modulation_order,
        modulation_order=row.modulation_order,
        code_rate=row.code_rate,
        **knobs,
    )


@pytest.mark.parametrize(("index", "blocks"), [(5, 3), (13, 21), (19, 30)])
def test_versions_0_and_3_decode_by_themselves_and_all_together(payload, index, blocks):
    code = build(index, blocks, versions=(0, 1, 2, 3))
    parts = code.segmentation
    assert (parts.base_graph, parts.code_blocks) == {5: (2, 1), 13: (1, 1), 19: (1, 2)}[index]
    bits = payload(2, code.block_bits)
    codeword = code.codeword(bits)
    soft = [code.collect(8 * (2 * code.send(codeword, attempt) - 1), attempt) for attempt in range(4)]

    for received in (soft[0], soft[3], soft[0] + soft[1] + soft[2] + soft[3]):
        decoded = code.decide(received)
        np.testing.assert_array_equal(decoded.bits.numpy(), bits.numpy())
        assert decoded.crc_ok.numpy().all()


def test_the_number_of_a_transmission_may_be_a_tensor(payload):
    code = build(16, 6, versions=(0, 2, 3, 1))
    codeword = code.codeword(payload(3, code.block_bits))
    llr = tf.random.stateless_normal([3, code.coded_bits], [1, 2])

    for attempt in range(4):
        number = tf.constant(attempt)
        np.testing.assert_array_equal(code.send(codeword, number).numpy(), code.send(codeword, attempt).numpy())
        np.testing.assert_array_equal(code.collect(llr, number).numpy(), code.collect(llr, attempt).numpy())


def test_chase_combining_is_reception_with_the_summed_ratios(payload):
    code = build(16, 6, versions=(0, 0))
    codeword = code.codeword(payload(4, code.block_bits))
    once, again = (tf.random.stateless_normal([4, code.coded_bits], [3, seed]) for seed in (1, 2))

    np.testing.assert_array_equal(code.send(codeword, 1).numpy(), code.send(codeword, 0).numpy())
    # exact: each place holds at most one ratio of each transmission
    np.testing.assert_array_equal((code.collect(once, 0) + code.collect(again, 1)).numpy(), code.collect(once + again))


ROWS, SEED = 128, 27
IR_DB = 10.25  # 2 % of the blocks fail at 10 dB, all at 9


def failures(code, esno_db):
    """Blocks of 128 that two transmissions on white noise do not deliver."""
    modulation, variance = Modulation("64qam"), 10 ** (-esno_db / 10)

    @tf.function(jit_compile=True, autograph=False)
    def wrong(keys):
        bits = random.bits(random.stream(keys, "bits"), code.block_bits)
        codeword, soft = code.codeword(bits), 0.0
        for attempt, name in enumerate(("first", "second")):
            symbols = modulation.map(code.send(codeword, attempt))
            noise = random.complex_normal(random.stream(keys, name), (symbols.shape[1],))
            received = symbols + tf.cast(tf.sqrt(variance), tf.complex64) * noise
            llr = modulation.llr(received, tf.fill(received.shape, tf.cast(variance, tf.float32)))
            soft += code.collect(llr, attempt)
        return tf.reduce_sum(tf.cast(tf.reduce_any(code.decide(soft).bits != bits, axis=1), tf.int32))

    chunk = tf.constant([random.chunk_key(SEED, "combining", 0)], tf.uint32)
    return int(wrong(random.block_keys(chunk, ROWS)))


def test_incremental_redundancy_gains_four_decibels_over_chase_at_high_rate():
    # MCS 27 of table 1 (64-QAM, R = 910/1024): IR halves the rate, chase doubles the energy. At IR_DB incremental
    # redundancy must fail less than one block in ten, and 4 dB above it chase combining more. False alarm below 5e-4
    # each; with 128 blocks a rate of 0.008 or of 0.25 is told from 0.1 with 90 % power.
    incremental, chase = (build(27, 6, versions=versions) for versions in ((0, 2), (0, 0)))

    better, worse = failures(incremental, IR_DB), failures(chase, IR_DB + 4.0)
    assert stats.binom.cdf(better, ROWS, 0.1) < 5e-4, better
    assert stats.binom.sf(worse - 1, ROWS, 0.1) < 5e-4, worse


@pytest.mark.parametrize(
    ("knobs", "complaint"),
    [
        ({"versions": (0, 4)}, "link.harq.redundancy_versions: 4 is not a redundancy version"),
        ({"limited_buffer": LimitedBuffer(resource_blocks=20)}, "link.limited_buffer: a transport block of .* larger"),
    ],
)
def test_impossible_retransmissions_are_refused_in_one_line(knobs, complaint):
    with pytest.raises(ScenarioError, match=complaint) as caught:
        build(27, 100, **knobs)
    assert "\n" not in str(caught.value)
