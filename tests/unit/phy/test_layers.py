"""Several layers and antennas: equal to Sionna's transmitter and equaliser, and to linear algebra."""

import numpy as np
import pytest
import tensorflow as tf
from scipy import stats
from sionna.phy.mimo import lmmse_equalizer
from sionna.phy.nr import CarrierConfig, PUSCHConfig, PUSCHDMRSConfig, PUSCHTransmitter, TBConfig

from ntn6g.core.errors import ScenarioError
from ntn6g.phy import BITS_PER_SYMBOL, Modulation, SlotGrid
from ntn6g.phy.closed_form import bit_error_rate
from ntn6g.phy.coding import TransportCode, mcs, resource_elements, transport_block_bits
from ntn6g.phy.layered import Antennas
from ntn6g.phy.physical_channel import scrambling_sequence
from ntn6g.phy.physical_channel.precoding import (
    CODEBOOK_SIZES,
    codebook_matrix,
    eigenbeams,
    from_layers,
    gram_matrix,
    map_to_layers,
    type_one_matrix,
    type_one_sizes,
)
from ntn6g.phy.receiver import LeastSquaresEstimator, lmmse_detect

CELL, RNTI = 77, 4321
NAMES = {order: name for name, order in BITS_PER_SYMBOL.items()}


def complex_values(seed, *shape):
    rng = np.random.default_rng(seed)
    return ((rng.normal(size=shape) + 1j * rng.normal(size=shape)) / np.sqrt(2)).astype(np.complex64)


@pytest.mark.parametrize(
    ("layers", "ports", "tpmi", "blocks", "index"),
    [(2, 2, None, 8, 14), (2, 4, 11, 8, 7), (3, 4, 5, 24, 20), (4, 4, 3, 24, 27), (1, 2, 4, 6, 4)],
)
def test_layers_and_precoding_give_the_grids_of_sionnas_pusch_transmitter(layers, ports, tpmi, blocks, index):
    config = PUSCHConfig(
        carrier_config=CarrierConfig(n_size_grid=blocks, subcarrier_spacing=30, n_cell_id=CELL),
        pusch_dmrs_config=PUSCHDMRSConfig(
            n_id=[CELL, CELL],
            additional_position=1,
            num_cdm_groups_without_data=2,
            dmrs_port_set=list(range(layers)),
        ),
        tb_config=TBConfig(channel_type="PUSCH", mcs_index=index, mcs_table=1, n_id=CELL),
        n_rnti=RNTI,
        num_layers=layers,
        num_antenna_ports=ports,
        precoding="non-codebook" if tpmi is None else "codebook",
        tpmi=tpmi or 0,
    )
    peer = PUSCHTransmitter(config, return_bits=False)
    row = mcs(1, index)
    grid = SlotGrid(
        resource_blocks=blocks,
        subcarrier_spacing_hz=30e3,
        direction="uplink",
        layers=layers,
        cell_id=CELL,
        dmrs_cdm_groups_without_data=2,
    )
    size = transport_block_bits(
        resource_elements=resource_elements(
            resource_blocks=blocks, symbols=14, dmrs_per_block=grid.reserved_per_block
        ),
        modulation_order=row.modulation_order,
        code_rate=row.code_rate,
        layers=layers,
    )
    assert size == peer._tb_size
    code = TransportCode(
        block_bits=size,
        coded_bits=layers * grid.data_elements * row.modulation_order,
        modulation_order=row.modulation_order,
        code_rate=row.code_rate,
        layers=layers,
    )
    bits = tf.constant(np.random.default_rng(3).integers(0, 2, [2, size]), tf.float32)
    scrambling = scrambling_sequence(code.coded_bits, rnti=RNTI, scrambling_id=CELL)
    parts = map_to_layers(Modulation(NAMES[row.modulation_order], scrambling=scrambling).map(code.encode(bits)), layers)
    grids = np.stack([grid.fill(part, layer) for layer, part in enumerate(parts)], axis=1)
    matrix = np.eye(layers) if tpmi is None else codebook_matrix(ports=ports, layers=layers, tpmi=tpmi)

    ours = np.einsum("pv,bvsk->bpsk", matrix, grids)

    np.testing.assert_allclose(ours, peer(bits[:, None])[:, 0], atol=2e-6)  # float32 roundings


def test_several_code_blocks_get_whole_symbols_of_all_layers():
    # TS 38.212 5.4.2.1: E_r in units of N_L Q_m; the case of 4 layers above has several code blocks too
    code = TransportCode(
        block_bits=25104, coded_bits=4 * 6 * 1731, modulation_order=6, code_rate=616 / 1024, layers=4
    )
    assert code.segmentation.code_blocks == 3
    assert code.coded_bits == 4 * 6 * 1731


class TestPrecoding:
    def test_every_codebook_matrix_has_power_one_and_orthogonal_columns_of_equal_power(self):
        # TS 38.211 6.3.1.5: total power one; partially and fully coherent matrices are scaled unitary
        for (ports, layers), size in CODEBOOK_SIZES.items():
            for tpmi in range(size):
                matrix = codebook_matrix(ports=ports, layers=layers, tpmi=tpmi)
                gram = matrix.conj().T @ matrix
                np.testing.assert_allclose(gram, np.diag(np.diag(gram)), atol=1e-6)
                assert 0.2 < np.trace(gram).real <= 1.0 + 1e-6  # selection of some ports leaves the others' power

    def test_type_one_codebook_of_two_ports_is_table_5_2_2_2_1_1(self):
        # TS 38.214 V18.7.0, as printed: one layer (1, 1), (1, j), (1, -1), (1, -j); two layers (1 1; 1 -1), (1 1; j -j)
        for index, second in enumerate([1, 1j, -1, -1j]):
            expected = np.array([[1], [second]]) / np.sqrt(2)
            np.testing.assert_allclose(type_one_matrix(ports=2, layers=1, pmi=(0, 0, index)), expected, atol=1e-7)
        for index, second in enumerate([1, 1j]):
            expected = np.array([[1, 1], [second, -second]]) / 2
            np.testing.assert_allclose(type_one_matrix(ports=2, layers=2, pmi=(0, 0, index)), expected, atol=1e-7)

    @pytest.mark.parametrize(
        ("layers", "pmi", "scaled"),
        # TS 38.214 Tables 5.2.2.2.1-5 to -8 by hand: v_2 = (1, j), v_6 = (1, -j), v_4 = (1, -1), v_0 = (1, 1)
        [
            (1, (2, 0, 3), [[1], [1j], [-1j], [1]]),
            (2, (2, 0, 1), [[1, 1], [1j, 1j], [1j, -1j], [-1, 1]]),
            (2, (2, 1, 0), [[1, 1], [1j, -1j], [1, -1], [1j, 1j]]),
            (3, (0, 0, 0), [[1, 1, 1], [1, -1, 1], [1, 1, -1], [1, -1, -1]]),
            (4, (0, 0, 1), [[1, 1, 1, 1], [1, -1, 1, -1], [1j, 1j, -1j, -1j], [1j, -1j, -1j, 1j]]),
        ],
    )
    def test_type_one_codebook_of_four_ports(self, layers, pmi, scaled):
        expected = np.array(scaled) / np.sqrt(4 * layers)

        np.testing.assert_allclose(type_one_matrix(ports=4, layers=layers, pmi=pmi), expected, atol=1e-7)

    @pytest.mark.parametrize(("ports", "layers"), [(2, 1), (2, 2), (4, 1), (4, 2), (4, 3), (4, 4)])
    def test_every_type_one_matrix_is_different_scaled_unitary_and_ends_where_its_table_does(self, ports, layers):
        sizes = type_one_sizes(ports=ports, layers=layers)
        found = [type_one_matrix(ports=ports, layers=layers, pmi=pmi) for pmi in np.ndindex(*sizes)]

        for matrix in found:
            np.testing.assert_allclose(matrix.conj().T @ matrix, np.eye(layers) / layers, atol=1e-6)
        assert len({np.round(matrix, 5).tobytes() for matrix in found}) == len(found)
        for place, size in enumerate(sizes):
            beyond = tuple(size if number == place else 0 for number in range(3))
            with pytest.raises(ScenarioError, match=rf"link.pmi: .*ends at {size - 1}"):
                type_one_matrix(ports=ports, layers=layers, pmi=beyond)

    @pytest.mark.parametrize(("receive", "transmit"), [(2, 2), (2, 4), (4, 4), (3, 3), (1, 2)])
    def test_eigenbeams_are_the_right_singular_vectors(self, receive, transmit):
        channel = complex_values(5, 16, receive, transmit)
        layers = min(receive, transmit)
        grids = [[tf.constant(channel[:, r, t, None, None]) for t in range(transmit)] for r in range(receive)]

        weights = tf.function(lambda: eigenbeams(gram_matrix(grids), layers), jit_compile=True)().numpy()

        singular = np.linalg.svd(channel, compute_uv=False)[:, :layers]
        effective = channel @ weights * np.sqrt(layers)
        gram = np.conj(np.swapaxes(effective, 1, 2)) @ effective
        expected = np.einsum("bv,vw->bvw", singular**2, np.eye(layers))
        np.testing.assert_allclose(gram, expected, atol=2e-4)  # float32; singular values up to 3
        np.testing.assert_allclose(np.sum(np.abs(weights) ** 2, axis=(1, 2)), 1.0, rtol=1e-4)

    def test_layer_mapping_follows_table_7_3_1_3_1_and_back(self):
        symbols = tf.constant(np.arange(12)[None], tf.float32)
        parts = map_to_layers(symbols, 3)
        assert parts[1].numpy().tolist() == [[1, 4, 7, 10]]
        np.testing.assert_array_equal(from_layers(parts), symbols)


@pytest.mark.parametrize(("dmrs_type", "ports"), [(1, (0, 1, 4, 5)), (2, (6, 7, 9)), (1, (0, 4)), (2, (0, 3, 5, 11))])
def test_ports_of_double_symbol_dmrs_that_share_elements_are_told_apart(dmrs_type, ports):
    # a channel that is flat over a pair of elements and a pair of symbols is known exactly, whoever else sends there
    grid = SlotGrid(
        resource_blocks=2,
        subcarrier_spacing_hz=30e3,
        layers=len(ports),
        dmrs_length=2,
        dmrs_ports=ports,
        dmrs_type=dmrs_type,
        dmrs_cdm_groups_without_data=dmrs_type + 1,
    )
    channel = complex_values(7, 1, len(ports))
    received = tf.constant(np.einsum("bv,vsk->bsk", channel, grid.reference), tf.complex64)

    for layer, port in enumerate(ports):
        known, error = LeastSquaresEstimator(grid, despread=True, port=port)(received, tf.constant([0.1]))

        np.testing.assert_allclose(known, np.full(known.shape, channel[0, layer]), atol=1e-5)
        # on the pilots of the first pair: four elements of energy `groups` each, that is, a quarter of the noise
        assert float(error[0, 2, grid.port_subcarriers(port)[0]]) == pytest.approx(
            # half a symbol outside the pair's middle: weights 1 + 1/16 and -1/16 of two pairs 8 symbols apart
            0.1 / (4 * (dmrs_type + 1)) * ((17 / 16) ** 2 + (1 / 16) ** 2),
            rel=1e-3,
        )


@pytest.mark.parametrize(("receive", "layers"), [(1, 1), (2, 2), (4, 2), (4, 4), (8, 3)])
def test_joint_detection_equals_sionnas_lmmse_equaliser(receive, layers):
    channel, signal = complex_values(1, 3, 50, receive, layers), complex_values(2, 3, 50, receive)
    noise = 0.05

    found = lmmse_detect(
        [tf.constant(signal[..., r]) for r in range(receive)],
        [[tf.constant(channel[..., r, v]) for v in range(layers)] for r in range(receive)],
        tf.fill([3, 50], np.float32(noise)),
    )
    covariance = tf.eye(receive, batch_shape=[3, 50], dtype=tf.complex64) * noise
    symbols, variance = lmmse_equalizer(tf.constant(signal), tf.constant(channel), covariance)

    for v in range(layers):
        np.testing.assert_allclose(found[v].symbols, symbols[..., v], rtol=1e-3, atol=1e-3)
        np.testing.assert_allclose(found[v].noise_variance, variance[..., v], rtol=1e-3)


class TestChain:
    @pytest.mark.parametrize("layers", [2, 4])
    def test_layers_on_white_noise_share_the_energy(self, links, holm, layers):
        # identity channel: every layer is a link of its own with 1 / layers of the energy. Bits are independent, so the
        # count is binomial; 1.6 million bits notice a change of 0.02 dB with 90 % power
        structure = links.structure(
            mcs=None,
            modulation="qpsk",
            pilots=False,
            perfect_csi=True,
            dmrs_additional_positions=0,
            antennas=Antennas(layers=layers, transmit=layers, receive=layers),
        )
        total = links.total(structure, {"esno_db": 6.0}, 4)

        rate = float(bit_error_rate("qpsk", 10**0.6 / layers))
        assert total["bits"] == 128 * structure.block_bits == 128 * layers * 4 * 168 * 2
        assert holm([stats.binomtest(total["bit_errors"], total["bits"], rate).pvalue]) == []

    def test_one_antenna_at_each_end_is_the_plain_link(self, links):
        from ntn6g.phy.layered import LayeredChain

        structure = links.structure(mcs=7, fading="ntn-tdl", profile="A", resource_blocks=2)
        values = {"esno_db": 9.0, "delay_spread_s": 100e-9}
        plain = links.step(structure, rows=64).chain
        layered = LayeredChain(
            antennas=Antennas(),
            perfect_csi=False,
            grid=plain.grid,
            modulation=plain.modulation,
            code=plain.code,
            fading=plain.fading,
            air=plain._air,
        )
        step = links.step(structure, rows=64)
        keys, arguments = step.arguments([(links.work(structure, **values), number) for number in (0, 1)])
        from ntn6g.core import random

        keys = random.block_keys(keys, 32)
        bits = random.bits(random.stream(keys, "bits"), plain.block_bits)
        coded = plain.code.encode(bits)
        (one, _), (other, _) = (chain.transfer(keys, arguments, coded) for chain in (plain, layered))

        # the LMMSE of one layer without its bias is y / h; where |h|^2 is far below the noise it loses digits
        good = one.noise_variance.numpy() < 10.0
        assert good.mean() > 0.9
        np.testing.assert_allclose(other.symbols.numpy()[good], one.symbols.numpy()[good], atol=2e-3)
        np.testing.assert_allclose(other.noise_variance.numpy()[good], one.noise_variance.numpy()[good], rtol=2e-3)

    @pytest.mark.slow
    def test_estimated_layers_decode_on_a_fading_channel(self, links):
        structure = links.structure(
            mcs=5,
            fading="ntn-tdl",
            profile="A",
            dmrs_cdm_groups_without_data=2,
            antennas=Antennas(layers=2, transmit=2, receive=3, precoding="codebook", tpmi=1),
        )
        total = links.total(structure, {"esno_db": 16.0, "delay_spread_s": 30e-9}, 2)

        # two layers and three antennas: twofold diversity, 12 dB above the threshold of a layer
        assert total["block_errors"] <= 2
        assert total["undetected_errors"] == 0

    def test_beams_along_the_channel_beat_a_fixed_matrix(self, links):
        uncoded = {"mcs": None, "modulation": "qpsk", "pilots": False, "fading": "ntn-tdl", "profile": "A"}
        values = {"esno_db": 8.0, "delay_spread_s": 10e-9}
        fixed = Antennas(transmit=2, precoding="codebook", tpmi=2)
        beams = Antennas(transmit=2, precoding="svd")

        rates = []
        for antennas in (fixed, beams):
            total = links.total(links.structure(**uncoded, perfect_csi=True, antennas=antennas), values, 8)
            rates.append(total["bit_errors"] / total["bits"])

        # Rayleigh fading of one gain and of the sum of two (Proakis, Digital Communications, 14.4-15): 6.4 and 1.2 %.
        # Over 256 blocks of a gain each the mean spreads by 8 and 16 % of itself.
        one = 0.5 * (1.0 - np.sqrt(10**0.5 / (1.0 + 10**0.5)))
        np.testing.assert_allclose(rates, [one, one**2 * (3.0 - 2.0 * one)], rtol=0.5)


REFUSED = {
    "more layers than receive antennas": ({"layers": 2, "transmit": 2, "receive": 1}, "link.layers", "2 layers"),
    "more layers than ports": ({"layers": 3, "transmit": 2, "receive": 4}, "link.layers", "3 layers"),
    "antennas without precoding": ({"layers": 1, "transmit": 4, "receive": 1}, "link.precoding", "single-panel or svd"),
    "a codebook of three": (
        {"layers": 2, "transmit": 3, "receive": 3, "precoding": "codebook"},
        "link.precoding",
        "none for 2 layers on 3",
    ),
    "an index beyond the codebook": (
        {"layers": 2, "transmit": 2, "receive": 2, "precoding": "codebook", "tpmi": 3},
        "link.tpmi",
        "ends at 2",
    ),
}


@pytest.mark.parametrize(("asked", "key", "told"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_sent_is_refused_in_one_line(asked, key, told):
    with pytest.raises(ScenarioError) as caught:
        Antennas(**asked)

    assert str(caught.value).startswith(key)
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)
