"""The table of block error rates: what was simulated comes back, what lies between is right, what lacks is refused."""

import math

import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from ntn6g.core.errors import ScenarioError
from ntn6g.phy.abstraction import BlerTable, CodeBlock, CodewordChain, MeasuredCurve, expected_esno_db
from ntn6g.phy.coding import TransportCode, mcs, mcs_table, transport_block_bits

TABLE = BlerTable.read()


def f32(values):
    return tf.constant(values, tf.float32)


def block(order=2, rate=526, bits=100):
    return CodeBlock.of_rate(order, rate, bits)


class TestShippedTable:
    def test_every_point_has_its_errors_and_every_curve_reaches_from_loss_to_a_thousandth(self):
        lowest = {run["lowest_bler"] for run in TABLE.provenance["runs"]}
        wanted = {run["block_errors"] for run in TABLE.provenance["runs"]}
        assert min(wanted) >= 100
        assert min(lowest) <= 1e-3
        assert TABLE.provenance["curves"] == len(TABLE.rows)
        assert TABLE.provenance["blocks"] == sum(int(row.blocks.sum()) for row in TABLE.rows)
        for row in TABLE.rows:
            assert (row.block_errors >= min(wanted)).all(), row.block
            assert row.bler[0] > 0.9, row.block
            assert row.lowest_bler < 0.2, row.block  # steep curves fall from there to the lowest rate in 0.25 dB
            steps_db = np.diff(row.esno_db)
            assert (steps_db == steps_db[0]).all(), row.block
            assert steps_db[0] <= 0.25, row.block

    def test_no_curve_beats_the_normal_approximation(self):
        # a floor of any code, good to 0.2 dB at 100 bits and rates far from 1 (Polyanskiy et al. 2010, fig. 12)
        for row in TABLE.rows:
            at_ten_db = float(TABLE.curves([row.block]).esno_db_at(0.1)[0])
            one = row.block
            floor_db = expected_esno_db(one.modulation_order, one.bits, one.coded_bits, 0.1)
            assert floor_db - 0.2 < at_ten_db < floor_db + 3.0, one

    def test_a_better_rate_costs_more_signal(self):
        sizes = {row.block.bits for row in TABLE.rows}
        for bits in sizes:
            for order in (2, 4, 6):
                same = [r.block for r in TABLE.rows if (r.block.bits, r.block.modulation_order) == (bits, order)]
                if len(same) > 1:
                    ordered = sorted(same, key=lambda each: each.rate)
                    assert (np.diff(TABLE.curves(ordered).esno_db_at(0.1)) > 0).all()

    def test_simulated_points_come_back_at_their_rates(self):
        for row in TABLE.rows[:: max(1, len(TABLE.rows) // 12)]:
            inside = (row.block_errors < row.blocks) & (row.bler < 0.98)
            found = TABLE.curves([row.block])(f32(row.esno_db[inside]), tf.zeros([int(inside.sum())], tf.int32)).numpy()
            # knots lie between points; a point out of order by chance is left out, which moves it by its own error
            np.testing.assert_allclose(found, row.bler[inside], rtol=0.15)

    def test_a_row_decodes_as_the_table_says(self, holm):
        # 2048 new blocks of one row at its 10 % point: false alarm 1e-3, notices rates beyond 0.077 to 0.125 (90 %)
        one = block(4, 378, 100)
        chain = CodewordChain(one)
        at_db = float(TABLE.curves([one]).esno_db_at(0.1)[0])
        errors = _block_errors(chain, at_db, 2048)
        p_value = stats.binomtest(errors, 2048, 0.1).pvalue
        assert holm([p_value]) == [], errors


def _block_errors(chain, esno_db, count):
    from ntn6g.core import random
    from ntn6g.phy import LinkValues

    zeros = {name: tf.zeros([512], dtype) for name, dtype in LinkValues.DTYPES.items()}
    values = LinkValues(**zeros | {"noise_variance": tf.fill([512], np.float32(10.0 ** (-esno_db / 10.0)))})

    @tf.function(jit_compile=True)
    def wrong(chunk_key):
        return tf.reduce_sum(tf.cast(chain(random.block_keys(chunk_key, 512), values).block_error, tf.int32))

    return sum(int(wrong(tf.constant([[77, number]], tf.uint32))) for number in range(count // 512))


class TestInterpolation:
    @pytest.mark.parametrize(("order", "rate", "bits"), [(2, 308, 100), (4, 490, 100), (6, 666, 100)])
    def test_a_row_left_out_is_found_between_its_neighbours(self, order, rate, bits):
        left_out = block(order, rate, bits)
        fewer = BlerTable(tuple(row for row in TABLE.rows if row.block != left_out))

        for bler in (0.5, 0.1, 0.01):
            true_db = float(TABLE.curves([left_out]).esno_db_at(bler)[0])
            found_db = float(fewer.curves([left_out]).esno_db_at(bler)[0])
            # 100 errors know a rate to 10 %, 0.05 dB at 0.6 decades a dB; the loss bends by less from row to row
            assert found_db == pytest.approx(true_db, abs=0.15)

    @pytest.mark.parametrize(("order", "rate"), [(2, 308), (2, 679), (4, 340), (4, 490), (4, 658)])
    def test_the_loss_of_the_largest_size_can_be_held_beyond_it(self, order, rate):
        one = block(order, rate, 2000)
        small = BlerTable(tuple(row for row in TABLE.rows if row.block.bits <= 500))

        held_db = float(small.curves([one], hold_size=True).esno_db_at(0.1)[0])
        true_db = float(TABLE.curves([one]).esno_db_at(0.1)[0])

        # the loss shrinks slowly with the size, so that holding it errs to the safe side; measured to 0.05 dB
        assert -0.05 < held_db - true_db < 0.2
        with pytest.raises(ScenarioError, match="lies beyond the simulated sizes"):
            small.curves([one])

    def test_what_lies_beyond_is_refused_in_one_line_that_tells_how_to_get_it(self):
        for beyond in (block(10, 948, 500), CodeBlock.of_rate(2, 526, 24)):
            fewer = BlerTable(tuple(row for row in TABLE.rows if row.block.bits > 24))
            with pytest.raises(ScenarioError, match=r"the row of .*ntn6g run bler_table") as caught:
                fewer.curves([beyond])
            assert "\n" not in str(caught.value)

    def test_a_row_that_was_not_simulated_is_not_measured(self):
        with pytest.raises(ScenarioError, match="was not simulated"):
            TABLE.measured(block(2, 526, 123))
        assert TABLE.measured(TABLE.rows[0].block) is TABLE.rows[0]
        assert TABLE.missing(1, 123) == [row.index for row in mcs_table(1)]


class TestCurves:
    curves = BlerTable(
        tuple(
            MeasuredCurve(
                block=block(2, rate, 100),
                esno_db=np.arange(-2.0, 2.1, 0.5),
                blocks=np.full(9, 1e5),
                block_errors=1e5 / (1 + 10.0 ** (1.2 * np.arange(-2.0, 2.1, 0.5))),
            )
            for rate in (308, 526)
        )
    ).curves([block(2, 308, 100), block(2, 526, 100)], per_transport=[1, 3])

    def test_straight_lines_of_the_log_odds_come_back_exactly_and_go_on_beyond(self):
        at_db = np.linspace(-6, 6, 49)
        expected = 1 / (1 + 10.0 ** (1.2 * at_db))

        found = self.curves(f32(at_db), tf.zeros([49], tf.int32)).numpy()

        np.testing.assert_allclose(found, expected, rtol=2e-5)  # float32 roundings of a log odds of 16 nepers

    def test_a_transport_block_needs_all_its_code_blocks(self):
        one, three = (self.curves(f32([-0.7, 2.0]), tf.fill([2], row)).numpy() for row in (0, 1))
        np.testing.assert_allclose(three, 1 - (1 - one) ** 3, rtol=1e-4)

    def test_the_inverse_is_the_inverse(self):
        for bler in (0.9, 0.1, 1e-3, 1e-5):
            at_db = self.curves.esno_db_at(bler)
            np.testing.assert_allclose(self.curves(at_db, tf.range(2)).numpy(), bler, rtol=2e-3)

    def test_the_gradient_is_that_of_a_logistic_curve_even_far_outside(self):
        at_db, row = f32([-5.0, -0.3, 1.0, 4.0]), tf.zeros([4], tf.int32)
        with tf.GradientTape() as tape:
            tape.watch(at_db)
            bler = self.curves(at_db, row)
        slope = tape.gradient(bler, at_db).numpy()

        expected = -1.2 * math.log(10) * bler.numpy() * (1 - bler.numpy())
        np.testing.assert_allclose(slope[1:], expected[1:], rtol=1e-3)
        # where all blocks fail, 1 - BLER has few digits in the closed form too
        np.testing.assert_allclose(slope[0], expected[0], rtol=0.05)

    def test_what_is_extrapolated_is_labelled(self):
        # the last simulated point, at 2 dB, has a rate of 0.004
        told = self.curves.extrapolated(f32([-6.0, 1.9, 2.1, 5.0]), tf.zeros([4], tf.int32))
        assert told.numpy().tolist() == [False, False, True, True]

    def test_it_runs_inside_a_compiled_step_with_the_same_answer(self):
        at_db, row = f32(np.linspace(-3, 3, 64)), tf.constant([0, 1] * 32)
        compiled = tf.function(self.curves.__call__, jit_compile=True)
        np.testing.assert_allclose(compiled(at_db, row), self.curves(at_db, row), rtol=1e-6)


def test_transport_curves_have_the_code_blocks_of_the_coding_chain():
    rows, elements = [mcs(1, index) for index in range(2, 8)], 2 * 156
    curves = TABLE.transport_curves_of(rows, resource_elements=elements, data_elements=elements)

    for place, row in enumerate(rows):
        order, rate = row.modulation_order, row.code_rate
        size = transport_block_bits(resource_elements=elements, modulation_order=order, code_rate=rate)
        parts = TransportCode(
            block_bits=size, coded_bits=elements * order, modulation_order=order, code_rate=rate
        ).segmentation
        assert parts.code_blocks == 1
        one = CodeBlock(
            modulation_order=order,
            bits=parts.code_block_bits,
            coded_bits=elements * order,
            base_graph=parts.base_graph,
        )
        np.testing.assert_allclose(curves.esno_db_at(0.1)[place], TABLE.curves([one]).esno_db_at(0.1)[0])
    assert (np.diff(curves.esno_db_at(0.1)) > 0.5).all()


def test_a_whole_mcs_table_is_refused_where_one_row_lacks():
    with pytest.raises(ScenarioError, match="8 bits a symbol lies beyond"):
        TABLE.transport_curves_of(mcs_table(2)[20:], resource_elements=312, data_elements=312)
