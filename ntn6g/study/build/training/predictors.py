"""Training of predictors: the likelihood of the level of a slot, given the reports that have arrived by then."""

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

import numpy as np
import tensorflow as tf

from ntn6g.core import random
from ntn6g.scenario import GruPredictor, Scenario, Training, TransformerPredictor
from ntn6g.services.adaptation import Trace
from ntn6g.services.adaptation.learned import LearnedParameters, PredictorNetwork, cell_shares
from ntn6g.study.build.learned_policies import guarded_limits, learned_policy, predictor_arrays
from ntn6g.study.build.training.link_passes import LinkPasses, ages_of, passes_of
from ntn6g.study.training import Arrays, Descent, Tree

_SEGMENT, _SETTLES = 64, 16  # reports that a recurrent network goes through, of which the first do not count
_JUDGED = 4_096  # samples of the validation split


class PredictorLearner:
    """Learns cells of the signal-to-noise ratio by cross-entropy, with Adam, from segments or windows of reports.

    Every sample is a report k and an age: what had arrived by then, and the level of the slot that is so much later.
    All ages that the newest report can have on the training passes are as likely.

    Parameters
    ----------
    scenario, training
        What is trained on what.
    """

    def __init__(self, scenario: Scenario, training: Training) -> None:
        self._training = training
        self._passes: LinkPasses = passes_of(scenario, training)
        kind = training.model
        assert isinstance(kind, GruPredictor | TransformerPredictor)  # the registry says so
        self.model = kind.kind
        self._youngest, ages = ages_of(self._passes)
        sizes: dict[str, Any] = {"units": kind.units, "ages": ages}
        if isinstance(kind, TransformerPredictor):
            sizes |= {"reports": kind.reports, "heads": kind.heads}
        self._network = PredictorNetwork(kind=kind.kind, **sizes)
        self._descent = Descent(training.learning_rate, training.rounds * training.steps)
        self.program = tf.function(self._learn, jit_compile=True, autograph=False)
        self._judged = tf.function(self._judge, jit_compile=True, autograph=False)

    def begin(self, seed: int) -> Tree:
        """Weights and moments."""
        weights = self._network.begin_weights(seed)
        return {"weights": weights, "moments": self._descent.begin(weights)}

    def advance(self, state: Tree, seed: int, round_: int) -> tuple[Tree, Mapping[str, float]]:
        """So many steps."""
        state, loss = self.program(*self.arguments(state, seed, round_))
        return state, {"loss": float(loss)}

    def arguments(self, state: Tree, seed: int, round_: int) -> tuple[Any, ...]:
        """Of `program`: state, key, reports and levels of all training passes."""
        key = random.chunk_key(seed, f"training|{self.model}", round_)
        return state, tf.constant([key], tf.uint32), *self._training_data

    def score(self, state: Tree) -> float:
        """Mean log-likelihood of samples of the validation split, nats."""
        key = random.chunk_key(0, f"validation|{self.model}", 0)
        return -float(self._judged(state["weights"], tf.constant([key], tf.uint32), *self._validation_data))

    def weights(self, state: Tree) -> Arrays:
        """Weights, and the age that counts as the first."""
        return predictor_arrays(LearnedParameters(state["weights"], self._youngest))

    def finished(self, weights: Arrays) -> Arrays:
        """With the limits of the detector, from the validation split."""
        limits = guarded_limits(
            self.facts()["network"], weights, self._passes.programs, self._passes.draw("validation")
        )
        return {**weights, **limits}

    def figures(self, weights: Arrays) -> Mapping[str, float]:
        """Mean goodput of the policy on held-out passes and on shifted ones, bits per data element."""
        policy, parameters = learned_policy(self.facts()["network"], weights, self._passes.programs.link.ladder)
        found = {"test_goodput": self._passes.goodput(policy, parameters, self._passes.draw("test"))}
        if self._training.shifted:
            shifted = self._passes.draw("shifted")
            found["shifted_goodput"] = self._passes.goodput(policy, parameters, shifted, shifted=True)
        return found

    def facts(self) -> Mapping[str, Any]:
        """For the card."""
        network = {"kind": self.model, "units": self._network.units, "ages": self._network.ages}
        if self.model == "transformer":
            network |= {"reports": self._network.reports, "heads": self._network.heads}
        score = "the mean log-likelihood of samples, nats (the cell of the level of a slot given what has arrived)"
        return {"network": network, "data": self._passes.facts(self._training), "score": score}

    def splits(self) -> Iterator[tuple[str, Arrays]]:
        """Every split as arrays."""
        return self._passes.exported()

    @cached_property
    def _training_data(self) -> tuple[Any, Any]:
        return self._arrays(self._passes.every("train"))

    @cached_property
    def _validation_data(self) -> tuple[Any, Any]:
        return self._arrays(self._passes.every("validation"))

    def _arrays(self, traces: list[Trace]) -> tuple[Any, Any]:
        """Reports [pass, report] and levels of slots [pass, slot], over what geometry predicts, dB."""
        period = self._passes.programs.structure.maker.period_slots
        reports = np.concatenate([(t.report_db - t.level_db[::period]).numpy() for t in traces], 1).T
        levels = np.concatenate([(t.snr_db - t.level_db).numpy() for t in traces], 1).T
        return tf.constant(reports), tf.constant(levels)

    def _learn(self, state: Tree, key: Any, reports: Any, levels: Any) -> tuple[Tree, Any]:
        return self._descent.round(
            lambda weights, drawn: self._loss(weights, drawn, reports, levels), state, key, self._training.steps
        )

    def _loss(self, weights: Any, key: Any, reports: Any, levels: Any) -> Any:
        count = self._training.batch
        return self._likelihood(weights, key, reports, levels, count)

    def _judge(self, weights: Any, key: Any, reports: Any, levels: Any) -> Any:
        return self._likelihood(weights, key, reports, levels, self._judged_count)

    @property
    def _judged_count(self) -> int:
        return _JUDGED // (_SEGMENT - _SETTLES) if self.model == "gru" else _JUDGED

    def _likelihood(self, weights: Any, key: Any, reports: Any, levels: Any, count: int) -> Any:
        """Cross-entropy of drawn samples: segments of a recurrent network, windows of a transformer."""
        draws = random.uniform(random.stream(key, "samples"), (3, count))[0]
        who = tf.cast(draws[0] * reports.shape[0], tf.int32)
        last = self._last_report(reports, levels)
        length = min(_SEGMENT, last + 1) if self.model == "gru" else self._network.reports
        first = tf.cast(draws[1] * (last - length + 2), tf.int32)
        place = first[:, None] + tf.range(length)
        told = tf.gather(tf.gather(reports, who), place, batch_dims=1)
        if self.model == "gru":
            settles = min(_SETTLES, length // 2)
            code, place = self._codes(weights, told)[:, settles:], place[:, settles:]
            aged = random.uniform(random.stream(key, "ages"), (count, length - settles))[0]
        else:
            code, place, aged = self._network.windows(weights, told)[:, None], place[:, -1:], draws[2][:, None]
        age = tf.cast(aged * self._network.ages, tf.int32)
        slot = place * self._passes.programs.structure.maker.period_slots + self._youngest + age
        wanted = cell_shares(self._network, tf.gather(tf.gather(levels, who), slot, batch_dims=1))
        log = tf.nn.log_softmax(self._network.logits(weights, code, age))
        return -tf.reduce_mean(tf.reduce_sum(wanted * log, -1))

    def _last_report(self, reports: Any, levels: Any) -> int:
        """The last report whose slots lie within a pass at every age."""
        period = self._passes.programs.structure.maker.period_slots
        last = (levels.shape[1] - 1 - self._youngest - self._network.ages + 1) // period
        return min(int(last), reports.shape[1] - 1)

    def _codes(self, weights: Any, told: Any) -> Any:
        """Code after every report of segments [sample, report]: [sample, report, units]."""

        def go_on(memory: Any, report: Any) -> Any:
            return self._network.encode(weights, memory, report)

        found = tf.scan(go_on, tf.transpose(told), self._network.begin(told.shape[0]))
        return tf.transpose(found[1], [1, 0, 2])
