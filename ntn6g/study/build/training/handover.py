"""Training of an agent that hands terminals over, by deep Q-learning."""

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

import numpy as np
import tensorflow as tf

from ntn6g.core import random
from ntn6g.core.errors import ScenarioError
from ntn6g.scenario import DqnAgent, Scenario, Training
from ntn6g.services.handover import Scene
from ntn6g.services.handover.learned import CandidateNetwork, Candidates, HandoverWorld
from ntn6g.study.build.handover.models import agent_of_network, weights_of
from ntn6g.study.build.training.agents import agent_of
from ntn6g.study.build.training.handover_courses import Array, Courses, served_bps, shifted_scenario
from ntn6g.study.build.training.handover_rules import TunedRule, best_rule
from ntn6g.study.resampling import paired_bootstrap
from ntn6g.study.training import Arrays, Dqn, Tree


class HandoverLearner:
    """Deep Q-learning in the simulation of a handover study; an episode is a block of its steps.

    Parameters
    ----------
    scenario, training
        What is trained on what.
    shuffled : bool
        Whether rewards are exchanged among terminals: a control.

    Raises
    ------
    ScenarioError
        Another kind of model, no section ``handover``, no satellite in view, a discount of zero.
    """

    model = "dqn"

    def __init__(self, scenario: Scenario, training: Training, *, shuffled: bool = False) -> None:
        kind = training.model
        if not isinstance(kind, DqnAgent):
            raise ScenarioError(
                f"{kind.kind} is a model of link adaptation; handover is learned by dqn", key="training.model.kind"
            )
        if not kind.discount:
            raise ScenarioError(
                "is 0: a handover costs at once and pays later; take one such as 0.97", key="training.model.discount"
            )
        self._training, self._shuffled = training, shuffled
        self._courses = Courses(scenario, training)
        self._shifted = shifted_scenario(scenario, training)
        self._candidates = Candidates()
        self.network = CandidateNetwork(candidates=self._candidates, units=kind.units)
        self._programs: dict[Scene, tuple[Dqn, Any]] = {}
        self._agent, self.program = self._program(self._courses.course("train", 0).stage.simulation)

    def _program(self, simulation: Any) -> tuple[Dqn, Any]:
        """Agent and compiled episode in a scene; sets whose scenes have one shape share them."""
        if simulation.scene not in self._programs:
            world = HandoverWorld(simulation, self._candidates)
            agent = agent_of(self._training, world, self.network, shuffled=self._shuffled)
            assert isinstance(agent, Dqn)  # the model is one
            program = tf.function(agent.episode, jit_compile=simulation.compiled, autograph=False)
            self._programs[simulation.scene] = agent, program
        return self._programs[simulation.scene]

    def begin(self, seed: int) -> Tree:
        """Weights, moments, target and replay."""
        return self._agent.begin(self.network.begin_weights(seed))

    def advance(self, state: Tree, seed: int, round_: int) -> tuple[Tree, Mapping[str, float]]:
        """So many episodes, each a block of the next training set with draws of its own."""
        losses = []
        for step in range(self._training.steps):
            program, arguments = self.arguments(state, seed, round_ * self._training.steps + step)
            state, loss = program(*arguments)
            losses.append(float(loss))
        return state, {"loss": sum(losses) / len(losses)}

    def arguments(self, state: Tree, seed: int, episode: int) -> tuple[Any, tuple[Any, ...]]:
        """Program of an episode, and its arguments: state, world and block, key."""
        sets = self._courses.sets["train"]
        course = self._courses.course("train", (seed + episode) % sets)
        key = random.chunk_key(seed, "training|handover", episode)
        given = course.given((episode // sets) % course.stage.blocks, key[0] << 31 ^ key[1])
        _, program = self._program(course.stage.simulation)
        return program, (state, given, tf.constant([key], tf.uint32))

    def score(self, state: Tree) -> float:
        """Mean rate of the greedy policy on the validation sets, Mbit/s."""
        return 1e-6 * float(np.mean(self._served(self.weights(state), self._courses, "validation")))

    def weights(self, state: Tree) -> Arrays:
        """Weights by name."""
        return {f"weight{number:03d}": np.asarray(each) for number, each in enumerate(state["weights"])}

    def finished(self, weights: Arrays) -> Arrays:
        """Nothing is added."""
        return weights

    @cached_property
    def _rule(self) -> TunedRule:
        """What is to be beaten, tuned on the training sets."""
        return best_rule(self._courses)

    def figures(self, weights: Arrays) -> Mapping[str, float]:
        """Mean rates on held-out sets, and gain over the best tuned rule with its interval over whole sets."""
        found = self._against(weights, self._courses)
        if self._training.shifted:
            shifted = self._against(weights, Courses(self._shifted, self._training))
            found |= {f"shifted_{name}": value for name, value in shifted.items()}
        return found

    def _against(self, weights: Arrays, courses: Courses) -> dict[str, float]:
        mine = self._served(weights, courses, "test").mean(1)
        rule = np.stack([self._rule.served_bps(course) for course in courses.every("test")]).mean(1)
        low, high = paired_bootstrap(
            {"mine": mine, "rule": rule}, lambda m: 100.0 * (m["mine"] / m["rule"] - 1.0), seed=courses.scenario.seed
        )
        return {
            "test_mbps": 1e-6 * float(mine.mean()),
            "rule_mbps": 1e-6 * float(rule.mean()),
            "gain_percent": 100.0 * (float(mine.mean()) / float(rule.mean()) - 1.0),
            "gain_percent_low": low,
            "gain_percent_high": high,
        }

    def _served(self, arrays: Arrays, courses: Courses, split: str) -> Array:
        """Mean rate of every terminal of every set of a split, [set, terminal]."""
        weights, found = weights_of(arrays), []
        for course in courses.every(split):
            agent = agent_of_network(course.stage.simulation, self.network)
            run = lambda world, carry, block, agent=agent: agent.run(world, weights, carry, block)  # noqa: E731
            found.append(served_bps(course, agent.start, run))
        return np.stack(found)

    def facts(self) -> Mapping[str, Any]:
        """For the card."""
        network = {"kind": "handover-dqn", "units": self.network.units, "neighbours": self._candidates.neighbours}
        data = self._courses.facts() | {"rule": f"{self._rule.words} (the best of a grid on the training sets)"}
        if self._training.shifted:
            data["shifted"] = "test with " + ", ".join(f"{k} = {v}" for k, v in self._training.shifted.items())
        return {"network": network, "data": data, "score": "the mean rate of the greedy policy, Mbit/s"}

    def splits(self) -> Iterator[tuple[str, Arrays]]:
        """Starts and seeds of all sets: the ways themselves follow from them."""
        for split, count in self._courses.sets.items():
            sets = [self._courses.scenario_of(split, number) for number in range(count)]
            starts = [each.handover.start.isoformat() for each in sets if each.handover is not None]
            yield split, {"start": np.array(starts), "seed": np.array([each.seed for each in sets])}
