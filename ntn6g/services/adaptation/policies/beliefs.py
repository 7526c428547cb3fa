"""Policies that keep a belief about the signal-to-noise ratio and choose by expected goodput."""

import math
from dataclasses import dataclass
from typing import NamedTuple

import tensorflow as tf

from ntn6g.services.adaptation.policies.interface import Seen, Tree
from ntn6g.services.adaptation.rates import RateLadder, best

_SPAN_DB, _CELL_DB = 12.0, 0.25  # of the grid around a prediction; cells are narrower than any waterfall


class ReportTable(NamedTuple):
    """Parameters of `LastReport`: what every MCS delivered, and how often it failed, by age and report."""

    goodput: tf.Tensor
    """[age, level, MCS]."""
    bler: tf.Tensor
    youngest_slots: tf.Tensor
    """Age of the first row, int32."""


@dataclass(frozen=True)
class LastReport:
    """Bayes on the last report: the best MCS given its level and its age, as counted on training passes.

    Parameters
    ----------
    lowest_db, step_db : float
        Level of the first column of its table, and from one to the next.
    limit : float
        Largest expected block error rate; 1 leaves the choice to the goodput.
    """

    lowest_db: float
    step_db: float
    limit: float = 1.0
    is_genie: bool = False

    @property
    def name(self) -> str:
        """Name in tables."""
        return "bayes" if self.limit == 1.0 else "bayes-at-target"

    def initial(self, parameters: Tree, passes: int) -> Tree:
        """No memory."""
        del parameters, passes
        return ()

    def act(self, parameters: ReportTable, memory: Tree, seen: Seen) -> tuple[Tree, tf.Tensor]:
        """Look up age and level, moved by what geometry predicts."""
        ages, levels, _ = parameters.goodput.shape
        age = tf.clip_by_value(seen.age_slots - parameters.youngest_slots, 0, ages - 1)
        level_db = seen.report_db + seen.level_db - seen.report_level_db
        level = tf.cast(tf.round((level_db - self.lowest_db) / self.step_db), tf.int32)
        place = age * levels + tf.clip_by_value(level, 0, levels - 1)
        goodput, bler = (tf.gather(tf.reshape(each, [ages * levels, -1]), place) for each in parameters[:2])
        return memory, best(goodput, bler, self.limit)


class Predictor(NamedTuple):
    """Parameters of `LinearPredictor` by age of the newest report: weights [age, reports], offset and spread [age]."""

    weights: tf.Tensor
    offset_db: tf.Tensor
    sigma_db: tf.Tensor
    youngest_slots: tf.Tensor
    """Age of the first row, int32."""


@dataclass(frozen=True)
class LinearPredictor:
    """Ridge regression on the last reports, with a normal error; chooses by expected goodput.

    Fitted on training passes it is the linear predictor of least mean-square error, which a Kalman filter of the same
    reports would reach with the right model.

    Parameters
    ----------
    ladder : RateLadder
        The MCS.
    reports : int
        How many it looks at.
    limit : float
        Largest expected block error rate; 1 leaves the choice to the goodput.
    """

    ladder: RateLadder
    reports: int
    limit: float = 1.0
    is_genie: bool = False

    @property
    def name(self) -> str:
        """Name in tables."""
        return "ridge" if self.limit == 1.0 else "ridge-at-target"

    def initial(self, parameters: Tree, passes: int) -> Tree:
        """The last reports over what geometry predicts, dB [pass, reports], newest last."""
        del parameters
        return tf.zeros([passes, self.reports])

    def act(self, parameters: Predictor, memory: Tree, seen: Seen) -> tuple[Tree, tf.Tensor]:
        """Predict the level of the slot, and its spread."""
        memory = remembered(memory, seen.report_db - seen.report_level_db, seen.is_fresh)
        age = tf.clip_by_value(seen.age_slots - parameters.youngest_slots, 0, parameters.sigma_db.shape[0] - 1)
        predicted_db = tf.reduce_sum(tf.gather(parameters.weights, age) * memory, 1)
        mean_db = seen.level_db + predicted_db + tf.gather(parameters.offset_db, age)
        sigma_db = tf.gather(parameters.sigma_db, age)
        level_db, share = normal_cells(mean_db, sigma_db)
        return memory, choose(self.ladder, level_db, share, self.limit)


def remembered(window: tf.Tensor, value: tf.Tensor, is_fresh: tf.Tensor) -> tf.Tensor:
    """A window [pass, reports] with a value [pass] put at its end where there is a fresh one."""
    return tf.where(is_fresh[:, None], tf.concat([window[:, 1:], value[:, None]], 1), window)


def normal_cells(mean_db: tf.Tensor, sigma_db: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Levels [pass, cell] around a mean and the shares of a normal distribution in their cells."""
    reach = math.ceil(_SPAN_DB / _CELL_DB)
    step_db = tf.maximum(_CELL_DB, sigma_db * (5.0 / reach))[:, None]
    away_db = tf.range(-reach, reach + 1, dtype=tf.float32) * step_db
    share = tf.exp(-0.5 * (away_db / sigma_db[:, None]) ** 2)
    return mean_db[:, None] + away_db, share / tf.reduce_sum(share, 1, keepdims=True)


def choose(ladder: RateLadder, level_db: tf.Tensor, share: tf.Tensor, limit: float) -> tf.Tensor:
    """MCS of largest expected goodput over weighted levels [pass, node], int32 [pass]."""
    goodput = tf.einsum("pn,pnm->pm", share, ladder.every_goodput(level_db))
    if limit == 1.0:
        return best(goodput)
    return best(goodput, tf.einsum("pn,pnm->pm", share, ladder.every_bler(level_db)), limit)


class LevelGrid(NamedTuple):
    """Parameters of `ThompsonSampling`."""

    spread: tf.Tensor
    """Share of a belief that moves to each neighbouring level per slot, at most one half."""
    lost: tf.Tensor
    """Error rates [MCS, level]."""
    best: tf.Tensor
    """Best MCS of each level, int32."""


@dataclass(frozen=True)
class ThompsonSampling:
    """Thompson sampling on ACK and NACK alone: a belief over levels on a grid, from the error rates of the ladder.

    Between slots the belief spreads as a random walk; an answer about a block multiplies it by the probability of that
    answer at each level. A level is drawn from it, and the best MCS there is sent.
    """

    name: str = "thompson"
    is_genie: bool = False

    def initial(self, parameters: LevelGrid, passes: int) -> Tree:
        """Every level is as likely."""
        levels = parameters.best.shape[0]
        return tf.fill([passes, levels], 1.0 / levels)

    def act(self, parameters: LevelGrid, memory: Tree, seen: Seen) -> tuple[Tree, tf.Tensor]:
        """Take in the answers, spread, draw."""
        belief = memory
        for each in seen.feedback:
            bler = tf.gather(parameters.lost, each.mcs)
            likely = tf.where(each.ack[:, None], 1.0 - bler, bler)
            belief = belief * tf.where(each.known[:, None], likely, 1.0)
        below = tf.concat([belief[:, :1], belief[:, :-1]], 1)
        above = tf.concat([belief[:, 1:], belief[:, -1:]], 1)
        belief = (1.0 - 2.0 * parameters.spread) * belief + parameters.spread * (below + above)
        belief = belief / tf.reduce_sum(belief, 1, keepdims=True)
        levels = parameters.best.shape[0]
        passed = tf.matmul(belief, tf.linalg.band_part(tf.ones([levels, levels]), 0, -1)) < seen.explore[:, None]
        drawn = tf.minimum(tf.reduce_sum(tf.cast(passed, tf.int32), 1), levels - 1)
        return belief, tf.gather(parameters.best, drawn)


def level_grid(ladder: RateLadder, step_db: float) -> LevelGrid:
    """Grid from -12 to 30 dB in steps of 0.5 dB, and a random walk of ``step_db`` per slot.

    Error rates count as 0.02 to 0.98, so that no answer can rule a level out for ever.
    """
    cell_db = 0.5
    level_db = tf.range(-12.0, 30.0, cell_db)
    return LevelGrid(
        tf.constant(0.5 * min((step_db / cell_db) ** 2, 1.0), tf.float32),
        tf.clip_by_value(tf.transpose(ladder.every_bler(level_db)), 0.02, 0.98),
        best(ladder.every_goodput(level_db)),
    )
