"""Training of handover: sets that share nothing, the best rule of a grid, a session that goes on where it was.

Authorities: a training that was not interrupted; every rule of a grid, run one by one; the calendar.
"""

import json
from datetime import timedelta
from functools import partial

import numpy as np
import pytest
import tensorflow as tf

from ntn6g.core.errors import ScenarioError
from ntn6g.scenario import from_mapping
from ntn6g.services.handover import Simulation, tensors_of
from ntn6g.study import device
from ntn6g.study.build import training as builders
from ntn6g.study.build.handover import world
from ntn6g.study.build.handover.study import HandoverStudy
from ntn6g.study.build.training import build_learner, handover_rules
from ntn6g.study.build.training.handover_courses import Courses
from ntn6g.study.train import TrainHow, train_scenario
from ntn6g.study.training.checkpoint import Progress, restore, save

SKY = {"kind": "beams", "platform": "haps", "beams": 7, "load": 0.8}
TINY = {
    "schema": 1,
    "study": "handover",
    "name": "tiny",
    "platforms": {"haps": {"kind": "haps", "latitude_deg": 45, "longitude_deg": 10}},
    "handover": {
        "layers": {"sky": SKY},
        "terminals": {"count": 4, "motion": "train", "radius_km": 5},
        "measurement": {"quantity": "sinr", "error_db": 2},
        "duration_s": 1,
        "policies": ["a3", "load-aware", "oracle"],
    },
    "training": {
        "model": {"kind": "dqn", "units": 4, "discount": 0.9, "replay": 64},
        "passes": {"train": 8, "validation": 4, "test": 8},
        "rounds": 2,
        "steps": 1,
        "batch": 8,
    },
}
GRIDS = {"a3": {"offset_db": (0.0, 1.0, 6.0)}, "load-aware": {"margin_mbps": (0.5, 3.0)}}


@pytest.fixture(scope="module", autouse=True)
def one_by_one():
    """Operations run in a graph that is not compiled, rules come from a small grid, TensorFlow is as it is."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(world, "Simulation", partial(Simulation, compiled=False))
        patch.setattr(handover_rules, "_GRIDS", GRIDS)
        patch.setattr(device, "start", lambda threads=None: None)
        yield


def asked(**changes):
    return from_mapping({**TINY, **changes})


@pytest.fixture(scope="module")
def learner():
    return build_learner(asked())


@pytest.fixture(scope="module")
def folder(learner, tmp_path_factory):
    out = tmp_path_factory.mktemp("agents") / "agent"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(builders, "build_learner", lambda scenario: learner)  # programs are traced once
        assert train_scenario(asked(), out, TrainHow(quiet=True, command="ntn6g train tiny")) == 0
    return out


@pytest.mark.slow
def test_a_state_that_was_kept_goes_on_to_the_bits_of_a_training_that_was_not_interrupted(folder, learner, tmp_path):
    state, _ = learner.advance(learner.begin(1), 1, 0)
    save(tmp_path / "kept.npz", Progress(1, state, 1))
    read = restore(tmp_path / "kept.npz", Progress(1, learner.begin(6)))
    again, _ = learner.advance(read.state, 1, 1)
    with np.load(folder / "checkpoints" / "seed-1.npz") as whole:
        kept = [whole[name] for name in sorted(whole.files) if name.startswith("state")]

    assert len(kept) == len(tf.nest.flatten(again))
    for one, two in zip(kept, tf.nest.flatten(again), strict=True):
        assert (one == two.numpy()).all()
    begun = learner.weights(learner.begin(1))
    assert any((value != begun[name]).any() for name, value in learner.weights(again).items())


@pytest.mark.slow
def test_a_card_says_what_the_best_rule_serves_and_what_the_gain_is(folder):
    card = json.loads((folder / "card.json").read_text())
    figures = card["seeds"]["1"]["figures"]

    assert card["network"] == {"kind": "handover-dqn", "units": 4, "neighbours": 8}
    assert card["data"]["rule"].partition(",")[0] in GRIDS
    assert figures["gain_percent"] == pytest.approx(100.0 * (figures["test_mbps"] / figures["rule_mbps"] - 1.0))
    assert figures["gain_percent_low"] <= figures["gain_percent"] <= figures["gain_percent_high"]
    word = "gain" if figures["gain_percent_low"] > 0.0 else "loss" if figures["gain_percent_high"] < 0.0 else "inconcl"
    assert f"Seed 1 against {card['data']['rule']}: {word}" in (folder / "card.md").read_text()


@pytest.mark.slow
def test_a_study_says_of_an_agent_what_it_gains_over_the_best_rule(folder):
    study = HandoverStudy("", asked(handover={**TINY["handover"], "models": [str(folder)]}))
    figures = {point.work[1]: study.recipe("handover")()([(point.work, 0)])[0].sums for point in study.points}
    rows = {name: study.row(p, TallyOf(figures[name]), None) for p in study.points for name in [p.work[1]]}
    served = {name: row["throughput_bps"] for name, row in rows.items()}
    best = max(("a3", "load-aware"), key=served.__getitem__)
    mine = rows[str(folder)]

    assert mine["kind"] == "learned"
    assert mine["best_rule"] == best
    assert mine["gain_percent"] == pytest.approx(100.0 * (served[str(folder)] / served[best] - 1.0))
    assert mine["verdict"] in ("gain", "loss", "inconclusive")
    assert (mine["verdict"] == "loss") == (mine["gain_percent_high"] < 0.0)
    assert rows[best]["verdict"] == "best rule"
    assert rows["oracle"]["verdict"] == "bound"
    assert served[str(folder)] <= served["oracle"] * (1.0 + 1e-5)


class TallyOf:
    """Figures of a chunk, as the engine hands them over."""

    def __init__(self, sums):
        self.sums = sums


def test_sets_of_terminals_share_no_instant_no_draw_and_no_place():
    courses = Courses(asked(), asked().training)
    sets = [courses.scenario_of(split, number) for split, count in courses.sets.items() for number in range(count)]
    starts = sorted(each.handover.start for each in sets)

    assert courses.sets == {"test": 2, "validation": 1, "train": 2}
    assert courses.scenario_of("test", 0) == asked()
    assert min(np.diff(starts)) >= timedelta(seconds=600)
    assert len({each.seed for each in sets}) == len(sets)
    one, two = (courses.course("train", number).stage for number in range(2))
    assert (one.terminals.latitude_rad != two.terminals.latitude_rad).numpy().all()
    assert (one.world.service.bandwidth_hz != two.world.service.bandwidth_hz).numpy().any()


@pytest.mark.slow
def test_the_rule_to_be_beaten_is_the_best_of_the_grid_on_the_training_sets():
    courses = Courses(asked(), asked().training)
    total = {}
    for each in handover_rules.rules(asked().handover.tuning):
        for course in courses.every("train"):
            stage = course.stage
            carry = stage.simulation.start(stage.world)
            (_, state), _ = stage.simulation.run(
                stage.world, tensors_of(each.rule, stage.step_s), carry, course.block(0)
            )
            total[each.words] = total.get(each.words, 0.0) + state.counts.served_bits.numpy().sum()

    assert len(total) == 5
    assert handover_rules.best_rule(courses).words == max(total, key=total.__getitem__)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"model": {"kind": "ppo", "discount": 0.9}}, "training.model.kind: ppo is a model of link adaptation"),
        ({"model": {"kind": "dqn"}}, "training.model.discount: is 0"),
        ({"shifted": {"seed": 2}}, "training.shifted: seed is no key of handover"),
    ],
)
def test_what_cannot_be_learned_is_refused_in_one_line(changes, words):
    with pytest.raises(ScenarioError, match=words):
        build_learner(asked(training={**TINY["training"], **changes}))


@pytest.mark.slow
def test_models_are_found_and_have_a_rule_to_be_compared_with(folder):
    with pytest.raises(ScenarioError, match=r"handover\.models: 'nobody' is neither"):
        HandoverStudy("", asked(handover={**TINY["handover"], "models": ["nobody"]}))
    with pytest.raises(ScenarioError, match="best rule of one connection"):
        asked(handover={**TINY["handover"], "models": [str(folder)], "policies": ["oracle"]})
