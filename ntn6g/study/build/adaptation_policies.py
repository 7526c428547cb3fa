"""Policies of a link adaptation study by name: each tuned on training passes, with what the tuning chose."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

import tensorflow as tf

from ntn6g.scenario import Adaptation
from ntn6g.services.adaptation import Trace, error_of_gain, fitting
from ntn6g.services.adaptation.policies import (
    Clairvoyant,
    Fixed,
    Informed,
    InnerLoop,
    LastReport,
    LinearPredictor,
    OuterLoop,
    OuterLoopSteps,
    Policy,
    ThompsonSampling,
    Tree,
    level_grid,
    prediction,
)
from ntn6g.study.build.adaptation_link import Programs, doppler_hz

BASELINES = ("fixed", "illa", "illa-ephemeris", "olla", "olla-two-speed", "bayes")
"""The best of these is what others have to beat."""
BOUNDS = ("informed", "informed-at-target", "clairvoyant", "clairvoyant-at-target")

_UP_DB, _START_DB = (0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0), (0.0, 3.0)
_FAST_UP_DB, _SETTLE = (0.5, 1.0), (30.0, 120.0)
_SLOW_UP_DB = (0.02, 0.05, 0.1, 0.25)
_WALK_DB = (0.05, 0.1, 0.2, 0.4)
_REPORTS = (4, 16, 32, 64)  # that the linear predictor may look at
_RIDGE = (1e-4, 1e-3, 1e-2)


@dataclass(frozen=True)
class Tuned:
    """A policy, its parameters, and the numbers that tuning chose, by name."""

    policy: Policy
    parameters: Tree
    chosen: Mapping[str, float]


@dataclass(frozen=True)
class Tuner:
    """Tunes policies of a point on its training passes.

    Parameters
    ----------
    asked : Adaptation
        The point.
    programs : Programs
        Of its structure.
    training : Trace
        Passes for tuning; none of them is tested on.
    """

    asked: Adaptation
    programs: Programs
    training: Trace

    def __call__(self, name: str) -> Tuned:
        """A policy by its name in a scenario."""
        limit = self.asked.bler_target if name.endswith("-at-target") else 1.0
        makers: dict[str, Callable[[], Tuned]] = {
            "fixed": self._fixed,
            "illa": lambda: Tuned(InnerLoop(self._ladder), self._thresholds, {}),
            "illa-ephemeris": lambda: Tuned(InnerLoop(self._ladder, True), self._thresholds, {}),
            "olla": self._outer_loop,
            "olla-two-speed": self._two_speeds,
            "bayes": lambda: self._last_report(limit),
            "ridge": lambda: self._linear(limit),
            "thompson": self._thompson,
            "informed": lambda: self._informed(limit),
            "clairvoyant": lambda: Tuned(Clairvoyant(self._ladder, limit < 1.0), self._thresholds, {}),
        }
        return makers[name.removesuffix("-at-target")]()

    @property
    def _ladder(self) -> Any:
        return self.programs.link.ladder

    @property
    def _maker(self) -> Any:
        return self.programs.structure.maker

    @property
    def _thresholds(self) -> tf.Tensor:
        return self._ladder.thresholds_db(self.asked.bler_target)

    def _fixed(self) -> Tuned:
        mcs = fitting.best_fixed(self._ladder, self.training)
        return Tuned(Fixed(), mcs, {"mcs": float(mcs)})

    def _steps(self, **numbers: float) -> OuterLoopSteps:
        known = {"up_db": 0.1, "start_db": 0.0, "fast_up_db": 0.0, "settle": 0.0, "target": self.asked.bler_target}
        return OuterLoopSteps(self._thresholds, **{k: tf.constant(v) for k, v in (known | numbers).items()})

    def _best(self, policy: Policy, grid: list[dict[str, float]], make: Callable[..., Tree]) -> Tuned:
        chosen = fitting.best_of(grid, lambda each: self.programs.goodput(policy, make(**each), self.training))
        return Tuned(policy, make(**chosen), chosen)

    def _outer_loop(self) -> Tuned:
        grid = [{"up_db": up, "start_db": start} for up, start in product(_UP_DB, _START_DB)]
        return self._best(OuterLoop(self._ladder), grid, self._steps)

    def _two_speeds(self) -> Tuned:
        axes = product(_SLOW_UP_DB, _FAST_UP_DB, _SETTLE)
        grid = [{"up_db": up, "fast_up_db": fast, "settle": settle} for up, fast, settle in axes]
        return self._best(OuterLoop(self._ladder, True), grid, self._steps)

    def _last_report(self, limit: float) -> Tuned:
        policy = LastReport(lowest_db=self._maker.lowest_db, step_db=self._maker.step_db or 0.5, limit=limit)
        return Tuned(policy, fitting.report_table(policy, self._ladder, self.training, self._maker), {})

    def _linear(self, limit: float) -> Tuned:
        """Half of the passes fit weights, the other half chooses reports and stiffness; then all fit the weights."""
        half = self.programs.structure.passes // 2
        first, second = (_passes(self.training, part) for part in (slice(0, half), slice(half, None)))
        most = self._maker.reports // 2
        grid = product([n for n in _REPORTS if n <= most] or [1], _RIDGE)
        errors = {(n, ridge): fitting.prediction_error_db(n, first, second, self._maker, ridge) for n, ridge in grid}
        reports, ridge = min(errors, key=errors.__getitem__)
        parameters = fitting.linear_predictor(reports, self.training, self._maker, ridge)
        sigma_db = float(tf.reduce_mean(parameters.sigma_db))
        policy = LinearPredictor(self._ladder, reports, limit=limit)
        return Tuned(policy, parameters, {"reports": float(reports), "ridge": ridge, "sigma_db": sigma_db})

    def _thompson(self) -> Tuned:
        grid = [{"step_db": step} for step in _WALK_DB]
        return self._best(ThompsonSampling(), grid, lambda step_db: level_grid(self._ladder, step_db))

    def _informed(self, limit: float) -> Tuned:
        parameters = prediction(
            spectrum=self.asked.spectrum,
            cycles_per_slot=doppler_hz(self.asked) * self._maker.slot_s,
            scattered=1.0 / (1.0 + 10.0 ** (self.asked.k_factor_db / 10.0)),
            error=error_of_gain(self.asked.reports.error_db),
            period_slots=self._maker.period_slots,
            ages=fitting.ages_of(self.training, self._maker),
            rays=self._maker.rays,
        )
        return Tuned(Informed(self._ladder, limit=limit), parameters, {})


def _passes(trace: Trace, part: slice) -> Trace:
    return Trace(*(each[:, part] for each in trace))
