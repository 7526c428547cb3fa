"""Confidence intervals of ratios counted block by block: exact for blocks, burst-aware for bits.

Every interval is two-sided at the stated confidence except one: where no error was seen the low limit is 0 by
nature, and the whole error probability goes to the high limit, 1 - alpha^(1/n). The other end, no success,
keeps the two-sided limit: points at BLER near 1 stop after one chunk of 32 blocks, where the one-sided
mirror, added to the loss on the other side, would cover only 92.6 % (measured at an error probability of
0.91).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

Limits = tuple[NDArray[np.float64], NDArray[np.float64]]


def clopper_pearson(errors: ArrayLike, trials: ArrayLike, confidence: float = 0.95) -> Limits:
    r"""Exact interval of a probability from independent trials.

    .. math::
        p_\mathrm{low} = B(\alpha/2;\, k,\, n-k+1), \qquad p_\mathrm{high} = B(1-\alpha/2;\, k+1,\, n-k)

    with :math:`B` the quantile of the beta distribution and :math:`\alpha` = 1 - ``confidence``. For
    :math:`k=0` the interval is one-sided, :math:`[0,\, 1-\alpha^{1/n}]`; for :math:`k=n` it is
    :math:`[(\alpha/2)^{1/n},\, 1]`; without trials it is [0, 1].

    A point that stops after a given number of errors keeps the coverage: the exact limits of inverse
    sampling are the same low and :math:`B(1-\alpha/2;\, k,\, n-k)`, which lies below the high used here.

    Parameters
    ----------
    errors, trials : [...], broadcast against each other
        Number of errors :math:`k` and of trials :math:`n`, 0 <= k <= n.
    confidence : float
        Between 0 and 1.

    Returns
    -------
    (low, high) : [...], float64
        Dimensionless, 0 <= low <= k/n <= high <= 1.

    Raises
    ------
    ValueError
        If a count is negative or errors exceed trials.

    References
    ----------
    C. J. Clopper and E. S. Pearson, "The use of confidence or fiducial limits illustrated in the case of the
    binomial", Biometrika 26 (1934), 404-413.
    """
    k, n = np.broadcast_arrays(np.asarray(errors, np.float64), np.asarray(trials, np.float64))
    _require_counts(k, n)
    return _beta_limits(k, n, 1.0 - confidence)


def clustered_ratio(
    total: ArrayLike,
    total_of_squares: ArrayLike,
    units_per_block: ArrayLike,
    blocks: ArrayLike,
    confidence: float = 0.95,
) -> Limits:
    r"""Interval of a ratio (such as bit errors over bits) whose events come in bursts, one burst per block.

    Blocks are independent, the units inside one are not. The variance of the ratio :math:`p = \sum
    e_i/(nK)` is therefore taken from the scatter between blocks and turned into the number of independent
    units that would scatter as much, which replaces the number of trials in the beta limits of Clopper and
    Pearson:

    .. math::
        n_\mathrm{eff} = \min\!\left(nK,\; \frac{p(1-p)}{\operatorname{var}(p)}
        \left(\frac{z_{1-\alpha/2}}{t_{n-1,1-\alpha/2}}\right)^2\right), \qquad
        \operatorname{var}(p) = \frac{\sum e_i^2 - (\sum e_i)^2/n}{n(n-1)K^2}

    The beta quantiles are the suitable scale: they stay in [0, 1], keep the skewness of small counts, and for
    blocks that are wrong as a whole the interval becomes that of the block error rate. Since :math:`e_i \le
    K`, :math:`n_\mathrm{eff}` never falls much below the number of blocks; where no error was seen nothing
    is known about bursts and this worst case, one independent unit per block, is assumed: high = 1 -
    alpha^(1/blocks); likewise where nothing but events was seen, and for a single block.

    Parameters
    ----------
    total, total_of_squares : [...]
        Sum over blocks of the events per block :math:`e_i`, and of their squares.
    units_per_block : [...]
        Units :math:`K` (bits) in each block, the same for all blocks of a point.
    blocks : [...]
        Number of blocks :math:`n`. All four broadcast against each other.
    confidence : float
        Between 0 and 1.

    Returns
    -------
    (low, high) : [...], float64
        Limits of the ratio, dimensionless; [0, 1] without blocks.

    Raises
    ------
    ValueError
        If a count is negative or events exceed units.

    References
    ----------
    E. L. Korn and B. I. Graubard, "Confidence intervals for proportions with small expected number of
    positive counts estimated from survey data", Survey Methodology 24 (1998), 193-201.
    """
    from scipy.special import ndtri, stdtrit

    e, squares, k, n = np.broadcast_arrays(
        *(np.asarray(a, np.float64) for a in (total, total_of_squares, units_per_block, blocks))
    )
    units = np.asarray(n * k)  # of a scalar, NumPy would make a number
    _require_counts(e, units)
    alpha = 1.0 - confidence
    p = np.divide(e, units, out=np.zeros(e.shape), where=units > 0)
    scatter = squares - np.divide(e**2, n, out=np.zeros(e.shape), where=n > 0)
    variance = np.divide(scatter, n * (n - 1) * k**2, out=np.zeros(e.shape), where=(n > 1) & (k > 0))
    student = stdtrit(np.maximum(n - 1, 1), 1 - alpha / 2)
    spread = p * (1 - p) * (ndtri(1 - alpha / 2) / student) ** 2
    effective = np.minimum(units, np.divide(spread, variance, out=units.copy(), where=variance > 0))
    # One block, no event, or nothing but events: no scatter to learn the bursts from, so the worst case.
    effective = np.where((n <= 1) | (e == 0) | (e == units), n, effective)
    return _beta_limits(p * effective, effective, alpha)


def throughput_interval(
    block_errors: ArrayLike, blocks: ArrayLike, peak: ArrayLike, confidence: float = 0.95
) -> Limits:
    r"""Interval of a rate proportional to delivered blocks, :math:`R = R_\mathrm{peak}(1-\mathrm{BLER})`.

    All blocks of a point carry the same number of bits and are delivered or lost as a whole, so the rate is
    a linear map of the block error rate and inherits its exact interval, mirrored.

    Parameters
    ----------
    block_errors, blocks : [...]
        Lost blocks, and all blocks.
    peak : [...]
        The rate if every block were delivered, in any unit (bit/s, bit/s/Hz).
    confidence : float
        Between 0 and 1.

    Returns
    -------
    (low, high) : [...], float64
        In the unit of ``peak``.

    Raises
    ------
    ValueError
        If a count is negative or errors exceed blocks.
    """
    low, high = clopper_pearson(block_errors, blocks, confidence)
    peak = np.asarray(peak, np.float64)
    return peak * (1.0 - high), peak * (1.0 - low)


def renewal_ratio(
    outcomes: Sequence[tuple[float, float, int]], confidence: float = 0.95
) -> tuple[float, float]:
    r"""Limits of a gain per cost, such as blocks delivered per transmission, over independent rounds.

    With gains :math:`g_i` of 0 or 1 and costs :math:`c_i \ge 1`, the ratio :math:`r = \sum g_i / \sum c_i` scatters by

    .. math:: \operatorname{var}(r) = \frac{\sum (g_i - r c_i)^2}{n(n-1) \bar c^2},

    normal for many rounds. What n rounds cannot have shown, an outcome of probability up to
    :math:`1 - \alpha^{1/n}`, is added at both ends, so that rounds that all went alike leave an interval too.

    Parameters
    ----------
    outcomes : sequence of (gain, cost, count)
        Every kind of round and how often it occurred.
    confidence : float
        Between 0 and 1.

    Returns
    -------
    (low, high) : float
        0 <= low <= r <= high <= 1.
    """
    from scipy.special import stdtrit

    gain, cost, count = (np.array(column, np.float64) for column in zip(*outcomes, strict=True))
    n, spent = count.sum(), (count * cost).sum()
    ratio = (count * gain).sum() / spent
    unseen = -np.expm1(np.log1p(-confidence) / n)
    half = 0.0
    if n > 1:
        scatter = (count * np.square(gain - ratio * cost)).sum() * n / (n - 1.0)
        half = stdtrit(n - 1.0, (1.0 + confidence) / 2) * np.sqrt(scatter) / spent
    low, high = min(ratio - half, ratio * (1.0 - unseen)), max(ratio + half, ratio + (1.0 - ratio) * unseen)
    return max(0.0, float(low)), min(1.0, float(high))


def relative_half_width(errors: ArrayLike, trials: ArrayLike, confidence: float = 0.95) -> NDArray[np.float64]:
    """Half the width of the Clopper-Pearson interval over errors/trials; infinite without an error.

    Parameters
    ----------
    errors, trials : [...], broadcast against each other
    confidence : float
        Between 0 and 1.

    Returns
    -------
    [...], float64
        Dimensionless: 0.1 means that the estimate is known to about 10 %.

    Raises
    ------
    ValueError
        If a count is negative or errors exceed trials.
    """
    k, n = np.broadcast_arrays(np.asarray(errors, np.float64), np.asarray(trials, np.float64))
    low, high = clopper_pearson(k, n, confidence)
    return np.divide((high - low) * n, 2 * k, out=np.full(k.shape, np.inf), where=k > 0)


def _require_counts(events: NDArray[np.float64], trials: NDArray[np.float64]) -> None:
    if np.any(events < 0) or np.any(events > trials):
        raise ValueError("counts must satisfy 0 <= events <= trials")


def _beta_limits(k: NDArray[np.float64], n: NDArray[np.float64], alpha: float) -> Limits:
    """Clopper-Pearson limits for real-valued counts; one-sided where k = 0, [0, 1] where n = 0."""
    from scipy.special import betaincinv

    none, every = k <= 0, k >= n
    # The beta shapes must be positive; where they are not, the value is replaced.
    low = betaincinv(np.where(none, 1.0, k), n - k + 1.0, alpha / 2)
    high = betaincinv(k + 1.0, np.where(every, 1.0, n - k), 1.0 - alpha / 2)
    one_sided = -np.expm1(np.log(alpha) / np.where(n > 0, n, 1.0))
    high = np.where(none, one_sided, high)
    return np.where(none, 0.0, low), np.where(every, 1.0, high)
