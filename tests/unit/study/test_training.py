"""Training: the descent, reinforcement learning where the answer is known, and a session that goes on where it was.

Authorities: Keras' own Adam; Bellman's equation of a chain of two states, solved by hand; a session that was never
interrupted.
"""

import csv
import json
import os
import shlex
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from ntn6g.core.errors import ScenarioError
from ntn6g.core.random import chunk_key, numbered, stream, uniform
from ntn6g.scenario import from_mapping, load, shipped_configs
from ntn6g.study import device
from ntn6g.study.build import training as builders
from ntn6g.study.models import read_model, shipped_models
from ntn6g.study.train import TrainHow, train_scenario
from ntn6g.study.training import Descent, Dqn, Ppo


def key_of(*words):
    return tf.constant([chunk_key(1, "|".join(map(str, words)), 0)], tf.uint32)


def test_the_descent_is_adam_with_a_cosine_and_a_norm_limit():
    keras = tf.keras
    goal = np.array([3.0, -2.0, 0.5], np.float32)
    ours, theirs = (tf.zeros([3]),), keras.Variable(np.zeros(3, np.float32))
    descent = Descent(0.05, 20)
    adam = keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(0.05, 20), epsilon=1e-8, global_clipnorm=1.0)
    moments = descent.begin(ours)
    for _ in range(15):
        ours, moments = descent(ours, moments, [2.0 * (ours[0] - goal)])
        adam.apply_gradients([(2.0 * (theirs.value - goal), theirs)])

    # both in float32, fifteen steps: roundings of 1e-7 of weights of the order of one
    assert ours[0].numpy() == pytest.approx(np.asarray(theirs), abs=5e-6)


class Chain:
    """Two states. Action 0 stays and pays 1 in state 0; action 1 goes to the other one and pays 3 out of state 1.

    With a discount of one half the best is to go to and fro: the optimal values solve V0 = max(1 + V0 / 2, V1 / 2) and
    V1 = max(V1 / 2, 3 + V0 / 2), so V0 = 2 and V1 = 4; Q0 = (2, 2) and Q1 = (2, 4).
    """

    features, actions, copies, steps = 2, 2, 32, 64

    def begin(self, given):
        del given
        place = tf.range(self.copies) % 2
        return place, tf.one_hot(place, 2)

    def go_on(self, given, state, action):
        del given
        reward = tf.where(action == 0, tf.where(state == 0, 1.0, 0.0), tf.where(state == 1, 3.0, 0.0))
        state = tf.where(action == 0, state, 1 - state)
        return state, tf.one_hot(state, 2), reward, tf.fill([self.copies], False)


class Bandit:
    """Four kinds of observation, of four actions the one of the same number pays 1 and all others 0.2."""

    features, actions, copies, steps = 4, 4, 32, 64

    def begin(self, given):
        return tf.constant(0), self._kinds(given, tf.constant(0))

    def go_on(self, given, state, action):
        kind = tf.argmax(self._kinds(given, state), 1, output_type=tf.int32)
        reward = tf.where(action == kind, 1.0, 0.2)
        return state + 1, self._kinds(given, state + 1), reward, tf.fill([self.copies], False)

    def _kinds(self, given, step):
        draw = uniform(numbered(stream(given, "kinds"), step), (self.copies,))[0]
        return tf.one_hot(tf.cast(4.0 * draw, tf.int32), 4)


def table(weights, observation):
    """A value for every observation and action: the network that cannot be too small."""
    return tf.matmul(observation, weights[0])


def trained(agent, outputs, episodes):
    state = agent.begin((tf.zeros([agent.environment.features, outputs]),))
    run = tf.function(agent.episode, autograph=False)  # tables: not worth XLA's ten seconds
    for episode in range(episodes):
        key = key_of("episode", episode)
        state, _ = run(state, key, key)
    return state["weights"][0].numpy()


def test_deep_q_learning_solves_bellmans_equation():
    steps = 30 * Chain.steps
    agent = Dqn(Chain(), table, Descent(0.2, steps, largest_norm=10.0), 0.5, 4_096, 128, steps)

    # a target that follows by 1 % a step contracts by half of that with this discount: 1920 steps leave 1e-4 of an
    # error; steps of the descent, which become nothing at the end, and chance of the batches leave some hundredths
    assert trained(agent, 2, 30) == pytest.approx(np.array([[2.0, 2.0], [2.0, 4.0]]), abs=0.1)


def right_choices(agent, outputs, episodes):
    """Share of the kinds of the bandit for which the largest output is that of the action that pays."""
    return (trained(agent, outputs, episodes)[:, :4].argmax(1) == np.arange(4)).mean()


@pytest.mark.parametrize("shuffled", [False, True])
def test_an_agent_learns_from_its_rewards_and_nothing_from_those_of_others(shuffled):
    """Rewards of other copies tell nothing of an action: the best ones are then any, all four right once in 256."""
    descent = Descent(0.05, 6 * 2 * 4 * 8)
    right = right_choices(Ppo(Bandit(), table, descent, 0.0, 32, 4, 128, shuffled=shuffled), 5, 6)

    assert right < 1.0 if shuffled else right == 1.0


def test_deep_q_learning_learns_nothing_from_rewards_of_others():
    steps = 4 * Bandit.steps
    agent = Dqn(Bandit(), table, Descent(0.05, steps), 0.0, 4_096, 256, steps, shuffled=True)

    assert right_choices(agent, 4, 4) < 1.0


class Line:
    """Fits a slope to noisy points; the draws of a round from its key alone."""

    model = "line"

    def __init__(self, stop_at=None, worse_after=None):
        self.stop_at, self.worse_after = stop_at, worse_after
        self._descent = Descent(0.1, 50)

    def begin(self, seed):
        weights = (tf.constant([float(seed)]),)
        return {"weights": weights, "moments": self._descent.begin(weights)}

    def advance(self, state, seed, round_):
        if round_ == self.stop_at:
            self.stop_at = None
            raise KeyboardInterrupt
        x = uniform(tf.constant([chunk_key(seed, "line", round_)], tf.uint32), (16,))[0]
        error = state["weights"][0] * x - 2.0 * x
        weights, moments = self._descent(state["weights"], state["moments"], [tf.reduce_mean(2.0 * error * x)[None]])
        return {"weights": weights, "moments": moments}, {"loss": float(tf.reduce_mean(error**2))}

    def score(self, state):
        off = abs(float(state["weights"][0][0]) - 2.0)
        return -off if self.worse_after is None or float(state["moments"][2]) <= self.worse_after else -100.0

    def weights(self, state):
        return {"slope": state["weights"][0].numpy()}

    def finished(self, weights):
        return {**weights, "checked": np.array(1)}

    def figures(self, weights):
        return {"off": float(abs(weights["slope"][0] - 2.0))}

    def facts(self):
        return {"network": {"kind": "line"}, "data": {"train": "as many as it likes"}, "score": "minus the error"}

    def splits(self):
        yield "train", {"x": np.arange(3.0)}


ASKED = {
    "schema": 1,
    "study": "adaptation",
    "name": "lines",
    "adaptation": {},
    "training": {"model": {"kind": "gru"}, "seeds": 2, "rounds": 8, "steps": 1},
}


HOW = TrainHow(quiet=True, command="ntn6g train lines")


@pytest.fixture
def session(monkeypatch, tmp_path):
    """Trains a line instead of a network, into a folder of the test."""
    monkeypatch.setattr(device, "start", lambda threads=None: None)

    def train(folder, learner=None, *, how=HOW, **changes):
        monkeypatch.setattr(builders, "build_learner", lambda scenario: learner or Line())
        asked = {**ASKED, "training": {**ASKED["training"], **changes}}
        return train_scenario(from_mapping(asked), tmp_path / folder, how)

    return train


def test_an_interrupted_training_ends_with_the_bits_of_one_that_was_not(session, tmp_path):
    assert session("whole") == 0
    assert session("cut", Line(stop_at=3)) == 130
    assert not (tmp_path / "cut" / "card.json").exists()
    assert session("cut", Line(stop_at=6)) == 130
    assert session("cut") == 0

    for name in ("seed-1.npz", "seed-2.npz", "history.csv"):
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "cut" / name).read_bytes(), name
    with (tmp_path / "cut" / "history.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["seed"], row["round"]) for row in rows] == [(s, str(r)) for s in "12" for r in range(1, 9)]
    manifest = json.loads((tmp_path / "cut" / "manifest.json").read_text())
    assert manifest["complete"]
    assert manifest["purpose"] == "training"


def test_curves_are_written_for_tensorboard_and_the_splits_for_others(session, tmp_path):
    session("run", how=TrainHow(quiet=True, data=True), seeds=1)
    (events,) = (tmp_path / "run" / "tensorboard" / "seed-1").iterdir()
    found = {}
    for record in tf.data.TFRecordDataset(str(events)):
        event = tf.compat.v1.Event.FromString(record.numpy())
        for value in event.summary.value:
            assert value.metadata.plugin_data.plugin_name == "scalars"
            found.setdefault(value.tag, []).append((event.step, float(tf.make_ndarray(value.tensor))))

    with (tmp_path / "run" / "history.csv").open() as file:
        rows = list(csv.DictReader(file))
    for name in ("loss", "score"):
        assert [step for step, _ in found[name]] == list(range(1, 9))
        assert [value for _, value in found[name]] == pytest.approx([float(row[name]) for row in rows], rel=1e-6)
    assert np.load(tmp_path / "run" / "data" / "train.npz")["x"].tolist() == [0.0, 1.0, 2.0]


def test_a_training_that_gets_no_better_stops_and_keeps_its_best(session, tmp_path):
    assert session("early", Line(worse_after=3), patience=2, seeds=1) == 0

    card = json.loads((tmp_path / "early" / "card.json").read_text())
    assert (card["seeds"]["1"]["rounds"], card["seeds"]["1"]["best_round"]) == (5, 3)
    session("short", rounds=3, seeds=1)
    model = read_model(str(tmp_path / "early"))
    assert model.weights[1]["slope"] == read_model(str(tmp_path / "short")).weights[1]["slope"]
    text = (tmp_path / "early" / "card.md").read_text()
    for word in ("ntn6g train lines", "as many as it likes", "minus the error", "kind: line", "| 1 | 5, 3 |"):
        assert word in text


def test_more_seeds_may_follow_and_nothing_else_may_change(session, tmp_path):
    session("run", seeds=1)
    first = (tmp_path / "run" / "seed-1.npz").read_bytes()
    assert session("run", seeds=3) == 0
    assert (tmp_path / "run" / "seed-1.npz").read_bytes() == first
    assert sorted(read_model(str(tmp_path / "run")).weights) == [1, 2, 3]

    with pytest.raises(ScenarioError, match=r"rounds was 8, is 9"):
        session("run", rounds=9)
    assert session("run", rounds=2, seeds=1, how=TrainHow(quiet=True, fresh=True)) == 0
    assert not (tmp_path / "run" / "seed-3.npz").exists()


def test_what_cannot_be_trained_or_read_is_one_line(session, tmp_path):
    with pytest.raises(ScenarioError, match="training: required key is missing"):
        train_scenario(from_mapping({k: v for k, v in ASKED.items() if k != "training"}), tmp_path / "x", TrainHow())
    with pytest.raises(ScenarioError, match="units 7 is not a multiple of heads 2"):
        from_mapping({**ASKED, "training": {"model": {"kind": "transformer", "units": 7}}})
    with pytest.raises(ScenarioError, match="neither a trained model"):
        read_model("nobody")
    session("run", seeds=1)
    weights = tmp_path / "run" / "seed-1.npz"
    os.replace(weights, tmp_path / "kept.npz")
    np.savez(weights, slope=np.zeros(1))
    with pytest.raises(ScenarioError, match="is not the file that its card speaks of"):
        read_model(str(tmp_path / "run"))
    assert not (tmp_path / "x").exists()


def test_the_models_of_the_package_are_the_files_their_cards_speak_of_and_were_made_by_a_command_of_this_package():
    shipped = {name: read_model(name) for name in shipped_models()}

    assert {"gru-leo600", "dqn-leo600"} <= set(shipped)
    for name, model in shipped.items():
        words = shlex.split(model.card["command"])
        assert words[:2] == ["ntn6g", "train"]
        assert words[2] in shipped_configs()
        assert Path(words[words.index("--out") + 1]).name == name
        assert len(model.weights) >= 3


@pytest.mark.parametrize("config", [name for name in shipped_configs() if load(name).training is not None])
def test_every_shipped_training_finds_what_it_learns_from(config):
    scenario = load(config)

    assert builders.build_learner(scenario).model == scenario.training.model.kind


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        (
                {"adaptation": None, "study": "channel", "channel": {"carrier_ghz": 2, "fading": {"kind": "awgn"}}},
                "training of a gru needs it",
            ),
        ({"training": {"model": {"kind": "gru"}, "shifted": {"seed": 2}}}, "seed is no key of adaptation"),
        ({"training": {"model": {"kind": "gru"}, "shifted": {"adaptation.speed": 2}}}, "adaptation.speed"),
    ],
)
def test_a_training_of_a_link_that_is_not_described_is_refused(changes, line):
    asked = {key: value for key, value in {**ASKED, **changes}.items() if value is not None}

    with pytest.raises(ScenarioError, match=line):
        builders.build_learner(from_mapping(asked))
