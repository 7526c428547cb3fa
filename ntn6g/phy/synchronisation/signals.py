"""Primary and secondary synchronisation signals."""

import numpy as np
from numpy.typing import NDArray

LENGTH = 127


def _register(taps: tuple[int, int], start: tuple[int, ...]) -> NDArray[np.int64]:
    """x(i + 7) = x(i + a) + x(i + b) modulo 2, [127], from x(0) ... x(6)."""
    x = list(start)
    for i in range(LENGTH - 7):
        x.append((x[i + taps[0]] + x[i + taps[1]]) % 2)
    return np.array(x)


def primary_signal(sector: int) -> NDArray[np.float64]:
    """PSS of N_ID^(2), 0 to 2: 127 values of plus and minus one, lowest subcarrier first.

    3GPP TS 38.211, clause 7.4.2.2.1.
    """
    x = _register((4, 0), (0, 1, 1, 0, 1, 1, 1))
    return np.asarray(1.0 - 2.0 * x[(np.arange(LENGTH) + 43 * sector) % LENGTH], np.float64)


def secondary_signal(group: int, sector: int) -> NDArray[np.float64]:
    """SSS of N_ID^(1), 0 to 335, and N_ID^(2): 127 values of plus and minus one.

    3GPP TS 38.211, clause 7.4.2.3.1.
    """
    first, second = _register((4, 0), (1, 0, 0, 0, 0, 0, 0)), _register((1, 0), (1, 0, 0, 0, 0, 0, 0))
    n, shift0, shift1 = np.arange(LENGTH), 15 * (group // 112) + 5 * sector, group % 112
    return np.asarray((1.0 - 2.0 * first[(n + shift0) % LENGTH]) * (1.0 - 2.0 * second[(n + shift1) % LENGTH]))
