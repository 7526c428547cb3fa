"""Parameters of the exponential effective-SINR mapping, fitted to the full chain on NTN-TDL-A channels."""

import numpy as np

from ntn6g.core.errors import ScenarioError

# By bits per symbol: code rate and beta, from experiments/effective_sinr.py --profile A --fit (100 ns, two resource
# blocks of 120 kHz, channel estimated by least squares, layered offset min-sum, 10 % point of the block error rate,
# 1024 blocks a point, 4096 of 16-QAM)
_BETA = {
    2: ((0.301, 1.64), (0.588, 1.50)),
    4: ((0.332, 4.11), (0.424, 4.08), (0.540, 5.29)),
    6: ((0.428, 9.43), (0.505, 13.30)),
}


def eesm_beta(modulation_order: int, code_rate: float) -> float:
    """Parameter beta of `ExponentialMapping`, linear in the rate between those fitted and held beyond them.

    Parameters
    ----------
    modulation_order : int
        Bits per symbol: 2, 4 or 6.
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
