"""The trained detector that comes with the package: false alarms as counted, and what theory lets it find.

Authorities: the normal law of counted false alarms, on frames that nothing has learned from and a grid of another size;
the Neyman-Pearson bound of a Swerling-1 target in known noise; the closed form of cell averaging beside another target.
"""

import functools

import numpy as np
import pytest
import tensorflow as tf
from scipy.stats import binomtest, norm

from ntn6g.core import random
from ntn6g.services.sensing import Cfar, RangeDopplerMap, SensingFrame, SensingGrid, Targets
from ntn6g.study.build.sensing.detectors import learned_detector
from ntn6g.study.models import read_model

TRAINED_ON = SensingGrid(subcarriers=96, symbols=28, subcarrier_spacing_hz=120e3)
OTHER = SensingGrid(subcarriers=72, symbols=40, subcarrier_spacing_hz=120e3)
BATCH = 64


def keys(count, seed):
    return tf.constant(np.random.default_rng(seed).integers(0, 2**32, (count, 2), np.uint32))


@functools.cache
def shipped():
    model = read_model("map-detector")
    return learned_detector(model.card["network"], model.weights[model.best_seed])


def test_false_alarms_are_as_frequent_as_thresholds_say_on_frames_of_another_size(holm):
    detector, rates = shipped(), (1e-2, 1e-3, 1e-4)
    rd_map, frames = RangeDopplerMap(grid=OTHER), 512
    limits = tf.constant([[detector.threshold(rate)] for rate in rates], tf.float32)

    @tf.function(jit_compile=True, autograph=False)
    def alarms(key):
        power = rd_map(random.complex_normal(key, (OTHER.symbols, OTHER.subcarriers)))
        declared = detector(power[None], limits)
        return tf.reduce_sum(tf.cast(declared, tf.int32), axis=[2, 3])

    key = keys(frames, 31)
    counts = np.concatenate([alarms(key[first : first + BATCH]).numpy() for first in range(0, frames, BATCH)], axis=1)

    # 512 frames of 2880 cells, thresholds from about twice as many: with 90 % power a rate is found wrong by 6 % at
    # 1e-2, 17 % at 1e-3, 50 % at 1e-4, where alarms come alone
    p_values = []
    for each, rate in zip(counts, rates, strict=True):
        error = each.std(ddof=1) / np.sqrt(frames) * np.sqrt(1.0 + 1.0 / 2.0)
        p_values.append(2.0 * norm.sf(abs(each.mean() - rate * OTHER.energy.size) / error))
    assert not holm(p_values), counts.mean(axis=1) / OTHER.energy.size


@functools.cache
def found(neighbour_db):
    """Detections of the network and of cell averaging at 1e-3 of a target at 14 dB, four cells beside another."""
    detector, averaging = shipped(), Cfar(false_alarm=1e-3)
    limit = tf.constant(detector.threshold(1e-3), tf.float32)
    frame, rd_map = SensingFrame(TRAINED_ON, swerling=1), RangeDopplerMap(grid=TRAINED_ON)

    @tf.function(jit_compile=True, autograph=False)
    def hits(key, levels):
        columns = tf.constant([[20.0, 24.0]], tf.float64) * TRAINED_ON.delay_cell_s
        place = tf.broadcast_to(columns, [BATCH, 2])
        still = tf.zeros_like(place)
        power = rd_map(frame(key, Targets(place, still, still, tf.broadcast_to(levels, [BATCH, 2]))))
        both = detector(power, tf.fill([BATCH], limit)), averaging(power)
        return tf.stack([tf.reduce_sum(tf.cast(each[:, 0, 20], tf.int32)) for each in both])

    levels = 10.0 ** (np.array([14.0, 14.0 + neighbour_db], np.float32) / 10.0) / TRAINED_ON.energy.size
    key = keys(FRAMES, 41)
    parts = [hits(key[i : i + BATCH], tf.constant(levels, tf.float32)).numpy() for i in range(0, FRAMES, BATCH)]
    return np.sum(parts, axis=0)


FRAMES, SNR = 4096, 10.0**1.4


def test_alone_it_finds_no_more_than_the_bound_of_known_noise_and_a_tenth_less_than_averaging_at_most():
    network, _ = found(-60.0)

    bound = 1e-3 ** (1.0 / (1.0 + SNR))  # of exponential powers of means 1 and 1 + S
    averaging = Cfar(false_alarm=1e-3).detection_probability(SNR)
    # 4096 frames: 0.023 are 3.3 standard errors; thresholds are counted to 2 % of the rate, 4e-4 of this probability
    assert binomtest(int(network), FRAMES, bound, alternative="greater").pvalue > 1e-3
    assert network / FRAMES > averaging - 0.1 - 0.023


def test_beside_a_stronger_target_averaging_is_masked_as_in_closed_form_and_the_network_is_not():
    network, averaging = found(12.0)

    # 23 training cells of noise and one of mean 1 + I (P. P. Gandhi and S. A. Kassam, IEEE Trans. AES 24(4), 1988)
    z = Cfar(false_alarm=1e-3).multiple / (1.0 + SNR) / 24
    masked = (1.0 + z) ** -23 / (1.0 + z * (1.0 + SNR * 10.0**1.2))
    assert binomtest(int(averaging), FRAMES, masked).pvalue > 1e-3  # 0.02 of the probability with 90 % power
    assert network > 2.0 * averaging


def test_the_level_of_a_map_does_not_matter():
    detector = shipped()
    power = RangeDopplerMap(grid=OTHER)(random.complex_normal(keys(2, 51), (OTHER.symbols, OTHER.subcarriers)))
    weights = [tf.constant(each) for each in detector.weights]

    here, louder, quieter = (detector.network.logits(weights, scale * power).numpy() for scale in (1.0, 1e4, 1e-10))

    # a logarithm of 10 to 23 loses its last bits in single precision: 1e-5 of logits of some units
    assert louder == pytest.approx(here, abs=2e-4)
    assert quieter == pytest.approx(here, abs=2e-4)
