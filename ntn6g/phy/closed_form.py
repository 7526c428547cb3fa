"""What theory says of uncoded modulation on the additive white Gaussian noise channel."""

from typing import Any

import numpy as np
from scipy.special import ndtr

from ntn6g.phy.modulation import BITS_PER_SYMBOL


def gray_labels(bits: int) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Binary-reflected Gray labels of 2^bits levels in ascending order, [levels, bits]; those of TS 38.211 5.1."""
    index = np.arange(2**bits)
    return (((index ^ (index >> 1))[:, None] >> np.arange(bits)[::-1]) & 1).astype(bool)


def bit_error_rate(modulation: str, esno: Any) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Exact bit error rate of Gray-labelled BPSK or square QAM with nearest-point decisions.

    The axes are independent, so the rate is that of one axis: for each level sent, the probability to fall into the
    decision intervals whose label differs, averaged over bits and levels. K. Cho and D. Yoon, "On the general BER
    expression of one- and two-dimensional amplitude modulations", IEEE Trans. Commun. 50 (2002) 1074, sum the same
    terms in another order; for BPSK and QPSK it is Q(sqrt(2 Eb/N0)).

    Parameters
    ----------
    modulation : str
        "bpsk", "pi/2-bpsk" or a square QAM of ``BITS_PER_SYMBOL``.
    esno : float or array
        Linear ratio of symbol energy to noise density, any shape.
    """
    axes = 1 if modulation in ("bpsk", "pi/2-bpsk") else 2
    bits = BITS_PER_SYMBOL[modulation] // axes
    levels = np.arange(1 - 2**bits, 2**bits, 2.0)
    levels /= np.sqrt(axes * np.mean(levels**2))  # unit energy per symbol
    edges = np.concatenate([[-np.inf], (levels[:-1] + levels[1:]) / 2, [np.inf]])
    deviation = 1.0 / np.sqrt(2.0 * np.asarray(esno, np.float64))[..., None, None]
    # distances on the side of the nearer tail, so that rates far below 1e-16 keep their digits
    lower, upper = (edges[:-1] - levels[:, None]) / deviation, (edges[1:] - levels[:, None]) / deviation
    beyond = lower > 0
    fall = np.where(beyond, ndtr(-lower) - ndtr(-upper), ndtr(upper) - ndtr(lower))
    labels = gray_labels(bits)
    differing = (labels[:, None, :] != labels[None, :, :]).sum(-1)  # [sent, decided]
    rate: np.ndarray[Any, np.dtype[np.float64]] = (fall * differing).sum((-2, -1)) / (bits * 2**bits)
    return rate
