"""Training of agents that choose the MCS by reinforcement learning."""

from collections.abc import Iterator, Mapping
from typing import Any

import tensorflow as tf

from ntn6g.core import random
from ntn6g.scenario import DqnAgent, PpoAgent, Scenario, Training
from ntn6g.services.adaptation.learned import AgentNetwork, LinkWorld, Observation
from ntn6g.study.build.learned_policies import agent_arrays, learned_policy
from ntn6g.study.build.training.link_passes import LinkPasses, ages_of, passes_of
from ntn6g.study.training import Arrays, Descent, Dqn, Environment, Ppo, Tree

_REPORTS = 32  # that an agent is told
_MOST_STRETCH = 128  # slots between two times of learning of PPO


def agent_of(training: Training, environment: Environment, network: Any, *, shuffled: bool = False) -> Dqn | Ppo:
    """Deep Q-learning or proximal policy optimisation of a network in an environment, as long as a training lasts."""
    kind, steps, copies = training.model, environment.steps, environment.copies
    assert isinstance(kind, DqnAgent | PpoAgent)  # the registry says so
    episodes = training.rounds * training.steps
    common: dict[str, Any] = {"environment": environment, "network": network}
    common |= {"discount": kind.discount, "shuffled": shuffled}
    if isinstance(kind, DqnAgent):
        replay = max(kind.replay // copies, 1) * copies
        descent = Descent(training.learning_rate, episodes * steps)
        return Dqn(
            **common,
            descent=descent,
            replay=replay,
            batch=training.batch,
            steps=episodes * steps,
            explores=kind.explores,
            explores_at_last=kind.explores_at_last,
        )
    stretch = max(n for n in range(1, _MOST_STRETCH + 1) if steps % n == 0)
    batch = min(training.batch, stretch * copies)
    updates = episodes * (steps // stretch) * kind.epochs * (stretch * copies // batch)
    descent = Descent(training.learning_rate, updates)
    return Ppo(**common, descent=descent, stretch=stretch, epochs=kind.epochs, batch=batch)


class AgentLearner:
    """Deep Q-learning or proximal policy optimisation on the link; an episode is a set of training passes.

    Parameters
    ----------
    scenario, training
        What is trained on what.
    shuffled : bool
        Whether rewards are exchanged among passes: a control.
    """

    def __init__(self, scenario: Scenario, training: Training, *, shuffled: bool = False) -> None:
        kind = training.model
        assert isinstance(kind, DqnAgent | PpoAgent)  # the registry says so
        self.model, self._training = kind.kind, training
        self._passes: LinkPasses = passes_of(scenario, training)
        self._youngest, ages = ages_of(self._passes)
        link, copies = self._passes.programs.link, self._passes.asked.passes
        mcs = link.ladder.size
        self._observation = Observation(reports=_REPORTS, ages=ages, mcs=mcs)
        outputs = mcs + (self.model == "ppo")
        self._network = AgentNetwork(features=self._observation.features, units=kind.units, outputs=outputs)
        world = LinkWorld(link, self._observation, self._youngest, copies)
        self._agent: Any = agent_of(training, world, self._network, shuffled=shuffled)
        self.program = tf.function(self._agent.episode, jit_compile=True, autograph=False)

    def begin(self, seed: int) -> Tree:
        """Weights, moments and what else the method keeps."""
        return self._agent.begin(self._network.begin_weights(seed))

    def advance(self, state: Tree, seed: int, round_: int) -> tuple[Tree, Mapping[str, float]]:
        """So many episodes, each through the next set of training passes."""
        losses = []
        for step in range(self._training.steps):
            state, loss = self.program(*self.arguments(state, seed, round_ * self._training.steps + step))
            losses.append(float(loss))
        return state, {"loss": sum(losses) / len(losses)}

    def arguments(self, state: Tree, seed: int, episode: int) -> tuple[Any, ...]:
        """Of `program`: state, passes of an episode, key."""
        key = random.chunk_key(seed, f"training|{self.model}", episode)
        trace = self._passes.draw("train", (seed + episode) % self._passes.sets["train"])
        return state, trace, tf.constant([key], tf.uint32)

    def score(self, state: Tree) -> float:
        """Mean goodput of the greedy policy on the validation split, bits per data element."""
        policy, parameters = self._policy(self.weights(state))
        found = [self._passes.goodput(policy, parameters, each) for each in self._passes.every("validation")]
        return sum(found) / len(found)

    def weights(self, state: Tree) -> Arrays:
        """Weights, and the age that counts as the first."""
        return agent_arrays(state["weights"], self._youngest)

    def finished(self, weights: Arrays) -> Arrays:
        """Nothing is added."""
        return weights

    def figures(self, weights: Arrays) -> Mapping[str, float]:
        """Mean goodput on held-out passes and on shifted ones, bits per data element."""
        policy, parameters = self._policy(weights)
        found = {"test_goodput": self._passes.goodput(policy, parameters, self._passes.draw("test"))}
        if self._training.shifted:
            shifted = self._passes.draw("shifted")
            found["shifted_goodput"] = self._passes.goodput(policy, parameters, shifted, shifted=True)
        return found

    def facts(self) -> Mapping[str, Any]:
        """For the card."""
        network = {
            "kind": self.model,
            "units": self._network.units,
            "outputs": self._network.outputs,
            "reports": self._observation.reports,
            "ages": self._observation.ages,
            "mcs": self._observation.mcs,
        }
        score = "the mean goodput of the greedy policy, bits per data element"
        return {"network": network, "data": self._passes.facts(self._training), "score": score}

    def splits(self) -> Iterator[tuple[str, Arrays]]:
        """Every split as arrays."""
        return self._passes.exported()

    def _policy(self, weights: Arrays) -> tuple[Any, Any]:
        return learned_policy(self.facts()["network"], weights, self._passes.programs.link.ladder)
