"""White noise alone: error rates against their closed forms, from BPSK to 1024-QAM, down to 1e-5."""

import math

import numpy as np
import pytest
from scipy import optimize, special, stats

from ntn6g.phy.abstraction import expected_esno_db
from ntn6g.phy.closed_form import bit_error_rate

MODULATIONS = ["bpsk", "qpsk", "16qam", "64qam", "256qam", "1024qam"]
RATES = [1e-1, 1e-2, 1e-3, 1e-4, 1e-5]
ENOUGH_ERRORS = 400


def q(x):
    return 0.5 * special.erfc(np.asarray(x) / math.sqrt(2))


def cho_yoon(points, esno):
    """K. Cho and D. Yoon, IEEE Trans. Commun. 50 (2002) 1074, eq. (9), (10) and (14): square M-QAM, Gray labels."""
    side, bits = math.isqrt(points), int(math.log2(math.isqrt(points)))
    total = 0.0
    for k in range(1, bits + 1):
        for i in range(int((1 - 2.0**-k) * side)):
            sign = (-1) ** math.floor(i * 2 ** (k - 1) / side)
            weight = 2 ** (k - 1) - math.floor(i * 2 ** (k - 1) / side + 0.5)
            total += sign * weight * math.erfc((2 * i + 1) * math.sqrt(1.5 * esno / (points - 1))) / side
    return total / bits


@pytest.mark.parametrize("esno_db", [-3.0, 5.0, 14.0, 22.0])
@pytest.mark.parametrize(
    ("name", "points"), [("qpsk", 4), ("16qam", 16), ("64qam", 64), ("256qam", 256), ("1024qam", 1024)]
)
def test_closed_form_equals_cho_and_yoon(name, points, esno_db):
    esno = 10 ** (esno_db / 10)

    assert bit_error_rate(name, esno) == pytest.approx(cho_yoon(points, esno), rel=1e-9)  # double-precision sums


def test_closed_form_of_bpsk_and_qpsk_is_the_q_function():
    ebno = 10 ** (np.arange(-5, 13) / 10)

    np.testing.assert_allclose(bit_error_rate("bpsk", ebno), q(np.sqrt(2 * ebno)), rtol=1e-12)
    np.testing.assert_allclose(bit_error_rate("qpsk", 2 * ebno), q(np.sqrt(2 * ebno)), rtol=1e-12)


def esno_db_at(modulation, rate):
    def excess(esno_db):
        return math.log(max(float(bit_error_rate(modulation, 10 ** (esno_db / 10))), 1e-300) / rate)

    return optimize.brentq(excess, -20, 45)


def p_value(links, modulation, rate):
    """Two-sided p-value of the measured count under the closed form.

    Many errors: normal with the variance seen between chunks (bits of one symbol are not independent). Few: Poisson,
    since Gray labels then err in single bits.
    """
    structure = links.structure(
        mcs=None, modulation=modulation, resource_blocks=25, pilots=False, perfect_csi=True
    )
    bits_per_chunk = links.step(structure, rows=64).chain.coded_bits * 32
    count = max(8, 2 * math.ceil(ENOUGH_ERRORS / (rate * bits_per_chunk) / 2))
    chunks = links.chunks(structure, {"esno_db": esno_db_at(modulation, rate)}, count, rows=64)
    errors = np.array([chunk.counts["bit_errors"] for chunk in chunks])
    expected = rate * bits_per_chunk
    if expected >= 1000:
        squares = sum(chunk.counts["bit_errors_squared"] for chunk in chunks)
        per_block = errors.sum() / (32 * count)
        variance = (squares / (32 * count) - per_block**2) * 32 * count
        return 2 * stats.norm.sf(abs(errors.sum() - expected * count) / math.sqrt(variance))
    both = stats.poisson.cdf(errors.sum(), expected * count), stats.poisson.sf(errors.sum() - 1, expected * count)
    return min(1.0, 2 * min(both))


@pytest.mark.parametrize("modulation", MODULATIONS)
def test_uncoded_bit_error_rate_follows_the_closed_form_down_to_1e_5(links, holm, modulation):
    # False alarm 1e-3 over the five points (Holm). With 400 errors at the least, an error of 26 % of the rate at 1e-5
    # (0.11 dB of 16-QAM) is caught with 90 % power, of 2 % at 1e-1.
    p_values = [p_value(links, modulation, rate) for rate in RATES]

    assert holm(p_values) == [], dict(zip(RATES, p_values, strict=True))


def test_a_tenth_of_a_decibel_too_much_noise_is_noticed(links, holm):
    # the power that the test above claims, shown at the most populated point
    structure = links.structure(mcs=None, modulation="qpsk", resource_blocks=25, pilots=False, perfect_csi=True)
    total = links.total(structure, {"esno_db": esno_db_at("qpsk", 1e-2) - 0.1}, 32, rows=64)

    expected = 1e-2 * total["bits"]
    assert holm([2 * stats.norm.sf(abs(total["bit_errors"] - expected) / math.sqrt(expected))]) == [0]


def test_sinr_of_white_noise_is_esno(links):
    structure = links.structure(mcs=None, modulation="qpsk", resource_blocks=25, pilots=False, perfect_csi=True)
    chunks = links.chunks(structure, {"esno_db": 13.0}, 8, rows=64)

    sinr = sum(chunk.sums["sinr"] for chunk in chunks) / sum(chunk.counts["blocks"] for chunk in chunks)
    # ratio of sums over 4,200 elements: bias 1/4200 and standard error 1.6 % / sqrt(256) = 0.1 %
    assert 10 * math.log10(sinr) == pytest.approx(13.0, abs=0.02)  # dB


@pytest.mark.slow
def test_coded_1024_qam_fails_at_the_normal_approximation_and_works_a_decibel_and_a_half_above(links):
    # MCS 24 of table 4 (R = 853/1024), one code block. No code beats the approximation by more than its own error, some
    # hundredths of a dB at 6720 bits, in which its rate moves by less than 0.2; the 64-QAM rows of 2000 bits in our
    # table lose 0.7 to 0.9 dB at 10 %, a waterfall is 0.4 dB wide. 128 blocks: 0.5 less than 5 sigma is 0.28, and 0.1
    # at a true rate of 0.02 or less has a false alarm below 1e-4
    structure = links.structure(mcs=24, mcs_table=4, pilots=False, perfect_csi=True)
    assert structure.modulation_name == "1024qam"
    bits, coded = structure.block_bits + 24, 10 * structure.grid.data_elements
    at_half_db = expected_esno_db(10, bits, coded, 0.5)

    below, above = (links.total(structure, {"esno_db": at_half_db + more_db}, 4) for more_db in (0.0, 1.5))

    assert below["block_errors"] > 0.28 * below["blocks"]
    assert above["block_errors"] < 0.1 * above["blocks"]
