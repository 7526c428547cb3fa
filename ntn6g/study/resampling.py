"""Intervals of figures that are compared on the same passes: paired bootstrap over passes and over training seeds."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

RESAMPLES = 4_000


def paired_bootstrap(
    values: Mapping[str, Array], statistic: Callable[[Mapping[str, Array]], Array], *, seed: int
) -> tuple[float, float]:
    """95 % percentile interval of a statistic of means over passes, all of which are resampled together.

    Slots within a pass are correlated, so that whole passes are drawn, with replacement; what is compared keeps its
    pass, which takes the common chance out of differences. Training seeds are drawn likewise, each learner's own.

    Parameters
    ----------
    values
        By name [pass], or [seed, pass] of what was trained several times.
    statistic
        From means by name, each [resample], to a figure [resample].
    seed
        Of the resampling.
    """
    chance = np.random.default_rng(seed)
    passes = np.shape(next(iter(values.values())))[-1]
    drawn = chance.multinomial(passes, np.full(passes, 1.0 / passes), RESAMPLES) / passes
    means = {}
    for name, value in values.items():
        of_seeds = np.atleast_2d(value)
        seeds = len(of_seeds)
        share = chance.multinomial(seeds, np.full(seeds, 1.0 / seeds), RESAMPLES) / seeds
        means[name] = np.einsum("rp,sp,rs->r", drawn, of_seeds, share, optimize=True)
    low, high = np.percentile(statistic(means), [2.5, 97.5])
    return float(low), float(high)


def quantile_interval(values: Array, share: float, *, seed: int) -> tuple[float, float, float]:
    """Quantile of pooled values and its 95 % interval over passes, which are resampled whole.

    The interval of the share below the quantile, over passes, is carried over to values.

    Parameters
    ----------
    values
        [sample, pass].
    share
        Of the quantile, 0 to 1.
    seed
        Of the resampling.

    References
    ----------
    R. S. Woodruff, "Confidence intervals for medians and other position measures", J. Am. Stat. Assoc. 47, 1952.
    """
    found = float(np.quantile(values, share))
    below = (values <= found).mean(0)
    reach = np.array(mean_interval(below, seed=seed)) - below.mean()
    low, high = np.quantile(values, np.clip(share + reach, 0.0, 1.0))
    return found, float(low), float(high)


def mean_interval(value: Any, *, seed: int) -> tuple[float, float]:
    """95 % interval of the mean over passes."""
    return paired_bootstrap({"value": value}, lambda means: means["value"], seed=seed)
