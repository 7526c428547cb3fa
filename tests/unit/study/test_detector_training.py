"""Training of detectors on maps: what is to be declared, bits that an interruption does not change, what is refused.

Authorities: the map itself, whose strongest cell is that of the only target; a training that was not interrupted.
"""

import numpy as np
import pytest
import tensorflow as tf

from ntn6g.core import random
from ntn6g.core.errors import ScenarioError
from ntn6g.scenario import from_mapping
from ntn6g.study.build.sensing import SensingStudy
from ntn6g.study.build.sensing.detectors import learned_detector
from ntn6g.study.build.training import build_learner
from ntn6g.study.training.checkpoint import Progress, restore, save

SENSING = {"resource_blocks": 2, "symbols": 14, "padding": 1, "swerling": 0}
SENSING["detector"] = {"training": 4, "guard": 1, "false_alarm": 0.02}
MODEL = {"kind": "map-detector", "channels": 2, "layers": 1, "most_targets": 2, "lowest_db": 30, "highest_db": 30}
SMALL = {"validation": 64, "calibration": 64, "test": 64}


def learner(sensing=None, model=None, **training):
    asked = {"model": {**MODEL, **SMALL, **(model or {})}, "steps": 40, "batch": 16, "learning_rate": 0.03, "rounds": 2}
    asked |= training
    given = {**SENSING, **(sensing or {})}
    return build_learner(
        from_mapping({"schema": 1, "study": "sensing", "name": "t", "sensing": given, "training": asked})
    )


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A learner, its states after no, one and two rounds, and that of one that was kept and read in between."""
    learns, path = learner(), tmp_path_factory.mktemp("kept") / "seed-1.npz"
    begin = learns.begin(1)
    first, _ = learns.advance(begin, 1, 0)
    whole, _ = learns.advance(first, 1, 1)
    save(path, Progress(1, first, 1))
    resumed, _ = learns.advance(restore(path, Progress(1, learns.begin(1))).state, 1, 1)
    return learns, begin, whole, resumed


def test_an_interrupted_training_of_a_detector_ends_with_the_bits_of_one_that_was_not(trained):
    _, _, whole, resumed = trained

    for ours, theirs in zip(tf.nest.flatten(whole), tf.nest.flatten(resumed), strict=True):
        assert np.asarray(ours).tobytes() == np.asarray(theirs).tobytes()


def test_two_short_rounds_teach_it_strong_targets(trained):
    learns, begin, whole, _ = trained

    # 30 dB over the noise: nearly all could be found; of the untrained network's 64 frames some two in a hundred are
    assert learns.score(whole) > max(0.5, learns.score(begin))


def test_thresholds_of_the_file_rise_as_rates_fall_and_the_card_tells_the_test_split(trained):
    learns, _, whole, _ = trained

    arrays = learns.finished(learns.weights(whole))
    detector = learned_detector(learns.facts()["network"], arrays)
    assert np.all(np.diff(arrays["false_alarm"]) < 0)
    assert np.all(np.diff(arrays["threshold"]) >= 0)
    with pytest.raises(ValueError, match="thresholds were counted from"):
        detector.threshold(1e-6)
    figures = learns.figures(arrays)
    # 64 frames of 336 cells: 430 alarms, counted here and for the threshold; alarms of neighbours come together
    assert figures["test_false_alarm"] == pytest.approx(0.02, rel=0.5)
    assert figures["test_detection"] == pytest.approx(learns.score(whole), abs=0.2)


def test_the_cell_that_is_to_be_declared_is_that_of_the_target():
    frames = learner(model={"most_targets": 1, "lowest_db": 50, "highest_db": 50})._frames
    keys = random.block_keys(tf.constant([random.chunk_key(3, "labels", 0)], tf.uint32), 32)

    drawn = frames.scenes(keys)

    there = drawn.there.numpy()[:, 0]
    assert 5 < there.sum() < 27
    rows, columns = frames.rd_map.shape
    labels, weights = drawn.labels.numpy(), drawn.weights.numpy()
    assert (labels.sum(axis=(1, 2)) == there).all()
    assert (weights[~there] == 1.0).all()
    for power, label, weight in zip(drawn.power.numpy()[there], labels[there], weights[there], strict=True):
        strongest = np.array(np.unravel_index(power.argmax(), power.shape))
        off = np.abs(strongest - np.argwhere(label)[0])
        off = np.minimum(off, [rows, columns] - off)  # between two cells either may be the stronger
        assert (off <= 1).all()
        assert power[label > 0][0] >= 0.15 * power.max()  # half a cell on both axes: 0.405^2 of the peak
        assert (weight == 0.0).sum() == 8


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"sensing": {"array": {"antennas": 4}}}, "sensing.array: a map-detector learns from targets and noise"),
        ({"sensing": {"cancel": "static"}}, "take cancel away"),
        (
            {"sensing": {"detector": {"false_alarm": 1e-5, "training": 4}}},
            "lies outside 0.0047 to 0.5, between which 64 frames",
        ),
        (
            {"sensing": {"symbols": 10}, "model": {"layers": 4}},
            "symbols: 10 cells of the map, of which 4 layers look at 11",
        ),
        ({"model": {"lowest_db": 31.0}}, "lowest_db 31 lies above highest_db 30"),
        ({"shifted": {"sensing.swerling": 1}}, "training.shifted: a map-detector meets other frames in studies"),
    ],
)
def test_a_detector_that_cannot_be_trained_is_refused_in_one_line(changes, words):
    with pytest.raises(ScenarioError) as refused:
        learner(**changes)
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("detector", "sensing", "words"),
    [
        ({"model": None}, {}, "kind learned needs model"),
        ({"model": "nobody"}, {}, "sensing.detector.model: 'nobody' is neither a trained model"),
        ({"model_seed": 77}, {}, "'map-detector' has no seed 77"),
        ({}, {"padding": 2}, "was trained on maps with padding 1, sensing.padding is 2"),
        ({}, {"window": "hann"}, "was trained on maps with window rectangular"),
        ({"false_alarm": 1e-9}, {}, "sensing.detector: false_alarm 1e-09 of a learned detector"),
        (
            {},
            {"symbols": 6, "spread_cells": 0},
            "7 cells that a learned detector looks at on an axis of 6 cells of Doppler",
        ),
    ],
)
def test_a_learned_detector_that_does_not_fit_is_refused_in_one_line(detector, sensing, words):
    given = {"resource_blocks": 3, "symbols": 14, "padding": 1, "targets": {"car": {}}, "image_snr_db": 20} | sensing
    given["detector"] = {"kind": "learned", "model": "map-detector", "false_alarm": 1e-3, **detector}
    with pytest.raises(ScenarioError) as refused:
        SensingStudy("", from_mapping({"schema": 1, "study": "sensing", "name": "t", "sensing": given}))
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)
