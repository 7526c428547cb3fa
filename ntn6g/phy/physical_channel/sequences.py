"""Pseudo-random sequences of NR, and the scrambling of coded bits."""

from functools import lru_cache
from typing import Any

import numpy as np

BoolArray = np.ndarray[Any, np.dtype[np.bool_]]

_SKIPPED = 1600  # N_c of TS 38.211 V18.4.0 5.2.1
_STRIDE = 28  # 31 - 3: so many bits of either register follow from earlier ones at once


@lru_cache(maxsize=256)
def gold_sequence(c_init: int, length: int) -> BoolArray:
    """Length-31 Gold sequence c(0 .. length - 1) for an initial value below 2^31.

    References
    ----------
    3GPP TS 38.211 V18.4.0, 5.2.1.
    """
    total = _SKIPPED + length
    first, second = (np.zeros(total + 31 + _STRIDE, np.uint8) for _ in range(2))
    first[0] = 1
    second[:31] = (c_init >> np.arange(31)) & 1
    for n in range(0, total, _STRIDE):
        here, there = slice(n, n + _STRIDE), slice(n + 31, n + 31 + _STRIDE)
        after = [slice(n + shift, n + shift + _STRIDE) for shift in (1, 2, 3)]
        first[there] = first[after[2]] ^ first[here]
        second[there] = second[after[2]] ^ second[after[1]] ^ second[after[0]] ^ second[here]
    sequence: BoolArray = (first ^ second)[_SKIPPED:total].astype(bool)
    return sequence


def scrambling_sequence(length: int, *, rnti: int, scrambling_id: int) -> BoolArray:
    """Bits added modulo 2 to the coded bits of codeword 0 of a PDSCH or a PUSCH.

    c_init = n_RNTI 2^15 + q 2^14 + n_ID, with q = 0 here; the PUSCH has no q, so that both are alike.

    Parameters
    ----------
    length : int
        Coded bits.
    rnti : int
        n_RNTI, 0 to 65535.
    scrambling_id : int
        n_ID, 0 to 1023; the cell identity unless configured.

    References
    ----------
    3GPP TS 38.211 V18.4.0, 7.3.1.1 (PDSCH) and 6.3.1.1 (PUSCH).
    """
    return gold_sequence((rnti << 15) + scrambling_id, length)
