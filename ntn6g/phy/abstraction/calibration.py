"""Parameters of the exponential effective-SINR mapping, fitted to the full chain on NTN-TDL-A channels."""

import numpy as np

from ntn6g.core.errors import ScenarioError

# By bits per symbol: code rate and beta, from experiments/effective_sinr.py --fit (200 ns, one resource block of 120
# kHz, perfect channel knowledge, layered min-sum, 10 % point of the block error rate, 2048 blocks a point)
_BETA = {2: ((0.30, 1.71), (0.59, 1.51)), 4: ((0.33, 4.03), (0.54, 5.46))}


def eesm_beta(modulation_order: int, code_rate: float) -> float:
    """Parameter beta of `ExponentialMapping`, linear in the rate between those fitted and held beyond them.

    Parameters
    ----------
    modulation_order : int
        Bits per symbol: 2 or 4.
    code_rate : float
        Target rate R of the MCS row.

    Raises
    ------
    ScenarioError
        A modulation that was not fitted; `InformationMapping` needs no parameter.
    """
    if modulation_order not in _BETA:
        raise ScenarioError(
            f"beta of {modulation_order} bits a symbol was not fitted, only of {', '.join(map(str, _BETA))}; "
            "'python experiments/effective_sinr.py --fit' fits it, and mapping by mutual information needs none"
        )
    rate, beta = zip(*_BETA[modulation_order], strict=True)
    return float(np.interp(code_rate, rate, beta))
