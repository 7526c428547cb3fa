"""Policies that know what none can: bounds that others are measured against."""

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from ntn6g.services.adaptation.fading import RAYS, ray_correlation
from ntn6g.services.adaptation.policies.beliefs import choose, remembered
from ntn6g.services.adaptation.policies.interface import Seen, Tree
from ntn6g.services.adaptation.rates import RateLadder, best

Array = np.ndarray[Any, np.dtype[np.float64]]

WINDOW = 64  # reports that the informed genie remembers
_RADIAL, _TANGENTIAL = 10, 4  # nodes of the quadrature; those across come in pairs of equal magnitude


@dataclass(frozen=True)
class Clairvoyant:
    """Knows the slot's signal-to-noise ratio: the most any policy can deliver.

    Parameters
    ----------
    ladder : RateLadder
        The MCS.
    at_target : bool
        Whether it takes the highest MCS within the target error rate instead of the best one.

    Parameters at run time: thresholds in dB [MCS].
    """

    ladder: RateLadder
    at_target: bool = False
    is_genie: bool = True

    @property
    def name(self) -> str:
        """Name in tables."""
        return "clairvoyant-at-target" if self.at_target else "clairvoyant"

    def initial(self, parameters: Tree, passes: int) -> Tree:
        """No memory."""
        del parameters, passes
        return ()

    def act(self, parameters: Tree, memory: Tree, seen: Seen) -> tuple[Tree, tf.Tensor]:
        """Look the truth up."""
        assert seen.truth is not None
        if self.at_target:
            return memory, self.ladder.highest(seen.truth.snr_db, parameters)
        return memory, best(self.ladder.every_goodput(seen.truth.snr_db))


class Prediction(NamedTuple):
    """Parameters of `Informed` by age of the newest report: weights [age, report], newest last, and variance [age]."""

    weights: tf.Tensor
    variance: tf.Tensor
    youngest_slots: tf.Tensor
    """Age of the first row, int32."""


@dataclass(frozen=True)
class Informed:
    r"""The ceiling of what delayed reports allow: the distribution of the gain given the last complex estimates.

    The multipath is a Gaussian process g of known autocorrelation r, reports give :math:`g + e` with the estimation
    error e of the reports themselves, unquantised. Given the last 64 of them, g at the slot to be sent is normal with
    mean :math:`w^T (g + e)`, :math:`w = (R + \sigma_e^2 I)^{-1} r`, and variance :math:`r(0) - w^T r` (Gauss-Markov).
    The MCS maximises the goodput expected over :math:`|s + g|^2`, by Gauss-Hermite quadrature along and across the
    mean. Line of sight s and rain are told.

    Parameters
    ----------
    ladder : RateLadder
        The MCS.
    limit : float
        Largest expected block error rate; 1 leaves the choice to the goodput.
    """

    ladder: RateLadder
    limit: float = 1.0
    is_genie: bool = True

    @property
    def name(self) -> str:
        """Name in tables."""
        return "informed" if self.limit == 1.0 else "informed-at-target"

    def initial(self, parameters: Tree, passes: int) -> Tree:
        """Windows of real and imaginary parts, [pass, 64] each."""
        del parameters
        return tf.zeros([passes, WINDOW]), tf.zeros([passes, WINDOW])

    def act(self, parameters: Prediction, memory: Tree, seen: Seen) -> tuple[Tree, tf.Tensor]:
        """Predict the gain, then integrate."""
        truth = seen.truth
        assert truth is not None
        memory = (
            remembered(memory[0], truth.estimate_real, seen.is_fresh),
            remembered(memory[1], truth.estimate_imaginary, seen.is_fresh),
        )
        age = tf.clip_by_value(seen.age_slots - parameters.youngest_slots, 0, parameters.variance.shape[0] - 1)
        weights = tf.gather(parameters.weights, age)
        real = truth.sight + tf.reduce_sum(weights * memory[0], 1)
        imaginary = tf.reduce_sum(weights * memory[1], 1)
        along, across, share = _quadrature()
        spread = tf.sqrt(0.5 * tf.gather(parameters.variance, age))[:, None]
        length = tf.sqrt(real**2 + imaginary**2)[:, None] + spread * along
        power = tf.maximum(length**2 + (spread * across) ** 2, 1e-12)
        level_db = truth.mean_db[:, None] + 10.0 / math.log(10.0) * tf.math.log(power)
        return memory, choose(self.ladder, level_db, tf.zeros_like(level_db) + share, self.limit)


def prediction(
    *,
    spectrum: str,
    cycles_per_slot: float,
    scattered: float,
    error: float,
    period_slots: int,
    ages: Any,
    rays: int = RAYS,
) -> Prediction:
    """Exact predictor of `Informed`, for every age of the newest report in slots.

    Parameters
    ----------
    spectrum, cycles_per_slot, rays
        Of the multipath: Doppler spectrum, largest shift times slot, and rays of the sum.
    scattered, error : float
        Power of the multipath, and variance of the estimation error.
    period_slots : int
        Between reports.
    ages : [age]
        In slots.
    """
    before = period_slots * np.arange(WINDOW)[::-1]
    lags = np.abs(before[:, None] - before)
    covariance = scattered * ray_correlation(spectrum, cycles_per_slot * lags, rays)
    covariance += max(error, 1e-10 * scattered) * np.eye(WINDOW)
    towards = scattered * ray_correlation(spectrum, cycles_per_slot * (ages[:, None] + before), rays)
    weights = np.linalg.solve(covariance, towards.T).T
    variance = np.maximum(scattered - (weights * towards).sum(1), 1e-12)
    youngest = tf.constant(int(ages[0]), tf.int32)
    return Prediction(tf.constant(weights, tf.float32), tf.constant(variance, tf.float32), youngest)


def _quadrature() -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Nodes along and across the mean, in standard deviations, and their weights, each [nodes]."""
    along, first = np.polynomial.hermite_e.hermegauss(_RADIAL)
    across, second = np.polynomial.hermite_e.hermegauss(_TANGENTIAL)
    across, second = across[across > 0], second[across > 0]
    share = np.outer(first / first.sum(), second / second.sum())
    grid = np.meshgrid(along, across, indexing="ij")
    nodes = [*grid, share]
    return tuple(tf.constant(each.reshape(-1), tf.float32) for each in nodes)
