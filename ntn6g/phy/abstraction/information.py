"""What bit-interleaved coded modulation can carry: mutual information, its dispersion, and the normal approximation."""

import math
from functools import cache
from typing import Any

import numpy as np
from scipy.special import ndtr, ndtri

from ntn6g.phy.closed_form import gray_labels

Array = np.ndarray[Any, np.dtype[np.float64]]

_NODES = 48  # Gauss-Hermite nodes a level; 96 change no information by more than 1e-4 bit (a test holds it)
GRID_DB: Array = np.arange(-30.0, 45.01, 0.2)
"""Es/N0 at which `information_table` holds its values."""


def bit_information(modulation_order: int, esno_db: Any, *, nodes: int = _NODES) -> tuple[Array, Array]:
    r"""Mean and variance of the information that one coded bit carries over white Gaussian noise, in bits.

    With exact ratios L of a Gray-labelled square QAM and s = +1 for a bit 1, -1 for a bit 0,

    .. math:: i = 1 - \log_2(1 + e^{-s L}),

    averaged over noise (Gauss-Hermite), levels and the bits of a symbol. The mean times the order is the capacity of
    bit-interleaved coded modulation (G. Caire, G. Taricco, E. Biglieri, "Bit-interleaved coded modulation", IEEE
    Trans. Inf. Theory 44, 1998, eq. 15). The variance is that within the bit channels, averaged over them.

    Parameters
    ----------
    modulation_order : int
        Bits per symbol Q_m: 2, 4, 6, 8 or 10.
    esno_db : float or array
        Energy per symbol over noise density, dB, any shape.
    nodes : int
        Nodes of the quadrature.
    """
    per_axis = modulation_order // 2
    levels = np.arange(1 - 2**per_axis, 2**per_axis, 2.0)
    levels /= math.sqrt(2.0 * float(np.mean(levels**2)))
    labels = gray_labels(per_axis)
    node, weight = np.polynomial.hermite.hermgauss(nodes)
    weight = weight / math.sqrt(math.pi)
    noise = 10.0 ** (-np.asarray(esno_db, np.float64) / 10.0)[..., None, None, None]  # N0; N0/2 on an axis
    distance = levels[:, None, None] + np.sqrt(noise) * node[:, None] - levels  # [..., sent, node, candidate]
    metric = -(distance**2) / noise
    means, variances = [], []
    for bit in labels.T:
        ones = np.logaddexp.reduce(metric[..., bit], axis=-1)
        zeros = np.logaddexp.reduce(metric[..., ~bit], axis=-1)
        sign = np.where(bit, 1.0, -1.0)[:, None]
        carried = 1.0 - np.logaddexp(0.0, -sign * (ones - zeros)) / math.log(2.0)
        mean = (carried * weight).sum(-1).mean(-1)
        means.append(mean)
        variances.append((carried**2 * weight).sum(-1).mean(-1) - mean**2)
    return np.mean(means, axis=0), np.maximum(np.mean(variances, axis=0), 0.0)


@cache
def information_table(modulation_order: int) -> tuple[Array, Array]:
    """`bit_information` at the points of `GRID_DB`."""
    return bit_information(modulation_order, GRID_DB)


def normal_approximation(modulation_order: int, information_bits: int, coded_bits: int) -> Array:
    r"""Block error rate to be expected of the best code at the points of `GRID_DB`; a floor for any real one.

    .. math:: \epsilon = Q\!\left(\frac{n I - k + \frac12 \log_2 n}{\sqrt{n V}}\right)

    (Y. Polyanskiy, H. V. Poor, S. Verdu, "Channel coding rate in the finite blocklength regime", IEEE Trans. Inf.
    Theory 56, 2010, eq. 296, with the bit channels of the modulation). n is ``coded_bits``, k ``information_bits``.
    """
    mean, variance = information_table(modulation_order)
    excess = coded_bits * mean - information_bits + 0.5 * math.log2(coded_bits)
    rate: Array = ndtr(-excess / np.sqrt(coded_bits * np.maximum(variance, 1e-12)))
    return rate


def expected_esno_db(modulation_order: int, information_bits: int, coded_bits: int, bler: float) -> float:
    """Es/N0 in dB at which `normal_approximation` gives this block error rate.

    Raises
    ------
    ValueError
        It is not reached between the ends of `GRID_DB`, as with a rate above 1.
    """
    mean, variance = information_table(modulation_order)
    excess = coded_bits * mean - information_bits + 0.5 * math.log2(coded_bits)
    margin = excess + float(ndtri(bler)) * np.sqrt(coded_bits * np.maximum(variance, 1e-12))
    above = np.flatnonzero(margin >= 0.0)
    if not above.size or above[0] == 0:
        raise ValueError(f"{information_bits} bits in {coded_bits} reach {bler:g} nowhere on the grid of Es/N0")
    right = int(above[0])
    share = -margin[right - 1] / (margin[right] - margin[right - 1])
    return float(GRID_DB[right - 1] + share * (GRID_DB[right] - GRID_DB[right - 1]))
