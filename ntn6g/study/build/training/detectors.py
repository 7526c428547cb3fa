"""Training of detectors on range-Doppler maps: cross-entropy of cells, then thresholds counted on noise."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from ntn6g.core import random
from ntn6g.core.errors import ScenarioError
from ntn6g.scenario import MapDetector, Scenario, Sensing, Training
from ntn6g.scenario.sensing import Detector
from ntn6g.services.sensing import Cfar, DetectorNetwork
from ntn6g.study.build.sensing.detectors import KIND, learned_detector, weights_of
from ntn6g.study.build.sensing.point import structure_of
from ntn6g.study.build.sensing.step import make_frame, make_map
from ntn6g.study.build.training.detector_frames import DetectorFrames, in_batches
from ntn6g.study.training import Arrays, Descent, Tree

_BATCH = 64  # frames of a call outside the steps of learning
_FEWEST_ALARMS = 100  # of the calibration at the least rate that has a threshold: a tenth of standard error
_MOST_FREQUENT, _PER_DECADE = 0.5, 8  # thresholds that are kept: the largest rate, and how many in a decade
_PEERS = ("ca", "os")  # whose share of found targets stands beside the network's on the card
# What would change the frames, and a training leaves out; pilots apart and unknown data are looked at by themselves.
_LEFT_OUT = ("array", "direct", "clutter", "platform", "beam", "communication", "tracking")


class DetectorLearner:
    """Learns which cells hold a target from frames of noise with some, drawn anew for every step.

    Frames have grid, constellation, fluctuation, estimate, window and padding of the section ``sensing``; its targets
    and their strength are drawn instead.

    Parameters
    ----------
    scenario, training
        What is trained on what.
    """

    model = KIND

    def __init__(self, scenario: Scenario, training: Training) -> None:
        asked = training.model
        assert isinstance(asked, MapDetector)  # the registry says so
        self._training, self._asked = training, asked
        self._given = given = _given(scenario, training)
        structure = structure_of(given)
        try:
            frame, rd_map = make_frame(structure), make_map(structure)
            self._peers = [
                Cfar(
                    kind=kind,
                    false_alarm=given.detector.false_alarm,
                    training=structure.training,
                    guard=structure.guard,
                    over=structure.over,
                    padding=structure.padding,
                )
                for kind in _PEERS
            ]
            for peer in self._peers:
                peer.check(rd_map.shape)
        except ValueError as error:
            raise ScenarioError(str(error), key="sensing") from None
        least = _FEWEST_ALARMS / (asked.calibration * rd_map.shape[0] * rd_map.shape[1])
        if not least <= given.detector.false_alarm <= _MOST_FREQUENT:
            raise ScenarioError(
                f"{given.detector.false_alarm:g} lies outside {least:.2g} to {_MOST_FREQUENT:g}, between which "
                f"{asked.calibration} frames of calibration tell thresholds",
                key="sensing.detector.false_alarm",
            )
        self._network = DetectorNetwork(channels=asked.channels, layers=asked.layers)
        for length, reach, key in zip(rd_map.shape, self._network.reach, ("symbols", "resource_blocks"), strict=True):
            if length < 2 * reach + 1:
                raise ScenarioError(
                    f"{length} cells of the map, of which {asked.layers} layers look at {2 * reach + 1}; take fewer "
                    "layers or a larger frame",
                    key=f"sensing.{key}",
                )
        self._frames = DetectorFrames(
            frame=frame,
            rd_map=rd_map,
            most_targets=asked.most_targets,
            lowest_db=asked.lowest_db,
            highest_db=asked.highest_db,
        )
        self._descent = Descent(training.learning_rate, training.rounds * training.steps)
        self.program = tf.function(self._learn, jit_compile=True, autograph=False)
        self._judgement = tf.function(self._judge, jit_compile=True, autograph=False)

    def begin(self, seed: int) -> Tree:
        """Weights and moments."""
        weights = self._network.begin_weights(seed)
        return {"weights": weights, "moments": self._descent.begin(weights)}

    def advance(self, state: Tree, seed: int, round_: int) -> tuple[Tree, Mapping[str, float]]:
        """So many steps."""
        state, loss = self.program(*self.arguments(state, seed, round_))
        return state, {"loss": float(loss)}

    def arguments(self, state: Tree, seed: int, round_: int) -> tuple[Any, ...]:
        """Of `program`: state and key."""
        return state, tf.constant([random.chunk_key(seed, f"training|{KIND}", round_)], tf.uint32)

    def score(self, state: Tree) -> float:
        """Share of the targets of the validation split that are found at the false-alarm rate of its own noise."""
        found = self._judged(state["weights"], "validation", self._asked.validation)
        limit = np.quantile(found.noise, 1.0 - self._given.detector.false_alarm)
        return float(np.mean(found.logits[found.there] > limit))

    def weights(self, state: Tree) -> Arrays:
        """Weights in their order."""
        return {f"weight{number:03d}": np.asarray(each) for number, each in enumerate(state["weights"])}

    def finished(self, weights: Arrays) -> Arrays:
        """With thresholds, counted on frames of noise of their own."""
        logits = np.sort(self._judged(weights_of(weights), "calibration", self._asked.calibration).noise)
        least = _FEWEST_ALARMS / logits.size
        rates = np.geomspace(_MOST_FREQUENT, least, 2 + round(_PER_DECADE * np.log10(_MOST_FREQUENT / least)))
        # halfway between the last logit that is declared and the first that is not
        place = logits.size - np.rint(rates * logits.size).astype(int)
        thresholds = 0.5 * (logits[place - 1].astype(np.float64) + logits[place].astype(np.float64))
        return {**weights, "false_alarm": rates, "threshold": thresholds}

    def figures(self, weights: Arrays) -> Mapping[str, float]:
        """On the test split, at the scenario's false-alarm rate: false alarms, and targets found, by peers too."""
        detector = learned_detector(self.facts()["network"], weights)
        limit = detector.threshold(self._given.detector.false_alarm)
        found = self._judged(detector.weights, "test", self._asked.test)
        return {
            "test_false_alarm": float(np.mean(found.noise > limit)),
            "test_detection": float(np.mean(found.logits[found.there] > limit)),
            **{
                f"test_detection_{kind}": float(np.mean(hits[found.there]))
                for kind, hits in zip(_PEERS, np.moveaxis(found.of_peers, 1, 0), strict=True)
            },
        }

    def facts(self) -> Mapping[str, Any]:
        """For the card."""
        asked, given = self._asked, self._given
        network = {
            "kind": KIND,
            "channels": asked.channels,
            "layers": asked.layers,
            "padding": given.padding,
            "window": given.window,
        }
        rows, columns = self._frames.rd_map.shape
        maps = f"maps of {rows} x {columns} cells of Doppler and delay"
        targets = (
            f"up to {asked.most_targets} Swerling-{given.swerling} targets of {asked.lowest_db:g} to "
            f"{asked.highest_db:g} dB anywhere between the cells"
        )
        data = {
            "train": f"{self._training.batch} new {maps} a step, with {targets}",
            "validation": f"{asked.validation} like them, and as many of noise",
            "calibration": f"{asked.calibration} of noise, for thresholds",
            "test": f"{asked.test} with targets, and as many of noise; `test_detection_ca` and `_os` are those of "
            "cell averaging and order statistics on the same maps, at the same designed false-alarm rate of "
            f"{given.detector.false_alarm:g} a cell",
        }
        score = (
            f"the share of targets found with {given.detector.false_alarm:g} false alarms a cell, on maps of that split"
        )
        return {"network": network, "data": data, "score": score}

    def splits(self) -> Iterator[tuple[str, Arrays]]:
        """Validation and test split, and as much of what is learned from, as arrays."""
        draw = tf.function(self._frames.scenes, jit_compile=True, autograph=False)
        for split, count in (("train", "validation"), ("validation", "validation"), ("test", "test")):
            drawn = in_batches(getattr(self._asked, count), _BATCH, _stream(split), lambda keys: vars(draw(keys)))
            names = ("power", "labels", "weights")
            yield split, {name: np.concatenate([each[name].numpy() for each in drawn]) for name in names}

    def _learn(self, state: Tree, key: tf.Tensor) -> tuple[Tree, tf.Tensor]:
        return self._descent.round(self._loss, state, key, self._training.steps)

    def _loss(self, weights: Any, key: tf.Tensor) -> tf.Tensor:
        """Cross-entropy of the cells of new frames, those of targets weighing more."""
        drawn = self._frames.scenes(random.block_keys(key, self._training.batch))
        each = tf.nn.sigmoid_cross_entropy_with_logits(drawn.labels, self._network.logits(weights, drawn.power))
        return tf.reduce_sum(drawn.weights * each) / tf.reduce_sum(drawn.weights)

    def _judge(self, weights: Any, keys: tf.Tensor) -> tuple[tf.Tensor, ...]:
        """Of frames of noise and frames with targets, what `Judged` has."""
        noise = self._network.logits(weights, self._frames.noise(random.stream(keys, "noise alone")))
        drawn = self._frames.scenes(keys)
        maps = self._network.logits(weights, drawn.power), *(peer(drawn.power) for peer in self._peers)
        logits, *hits = (
            tf.gather(tf.reshape(each, [keys.shape[0], -1]), drawn.cell, axis=1, batch_dims=1) for each in maps
        )
        return tf.reshape(noise, [keys.shape[0], -1]), logits, drawn.there, tf.stack(hits, axis=1)

    def _judged(self, weights: Any, split: str, count: int) -> "Judged":
        """So many frames of a split, rounded up to whole batches."""
        tensors = tuple(tf.constant(each) for each in weights)
        drawn = in_batches(count, _BATCH, _stream(split), lambda keys: self._judgement(tensors, keys))
        noise, *of_targets = (np.concatenate([each[k].numpy() for each in drawn]) for k in range(4))
        return Judged(noise.ravel(), *of_targets)


class Judged(NamedTuple):
    """What a network and its peers say of frames."""

    noise: np.ndarray[Any, Any]
    """Logits of all cells of frames of noise, [cell]."""
    logits: np.ndarray[Any, Any]
    """In the cells of targets, [frame, target]."""
    there: np.ndarray[Any, Any]
    """Which of the targets are there, [frame, target]."""
    of_peers: np.ndarray[Any, Any]
    """Whether each peer declares the cell, [frame, peer, target]."""


def _stream(split: str) -> str:
    return f"{KIND} {split}"


def _given(scenario: Scenario, training: Training) -> Sensing:
    """The section that describes the frames, with a detector that needs no model.

    Raises
    ------
    ScenarioError
        None, or one with more than targets and noise; a shift.
    """
    given = scenario.sensing
    if given is None:
        raise ScenarioError(f"required key is missing; training of a {KIND} needs it", key="sensing")
    if training.shifted:
        raise ScenarioError(f"a {KIND} meets other frames in studies, not here; take it away", key="training.shifted")
    present = [name for name in _LEFT_OUT if getattr(given, name) is not None]
    present += ["cancel"] if given.cancel != "none" else []
    present += ["pilot_share"] if given.pilot_share is not None else []
    present += ["knows_data"] if not given.knows_data else []
    if present:
        raise ScenarioError(
            f"a {KIND} learns from targets and noise on whole grids of one antenna; take {present[0]} away",
            key=f"sensing.{present[0]}",
        )
    detector = given.detector.model_dump(exclude={"kind", "model", "model_seed"})
    return given.model_copy(update={"detector": Detector(kind="ca", **detector)})
