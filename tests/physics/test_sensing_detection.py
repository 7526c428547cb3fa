"""False alarms and detections of the detectors: counted on drawn frames, against their closed forms.

Cells of a map share training cells, so false alarms are counted frame by frame: frames are independent, and the mean
over many of them is normal. Seeds are fixed, the false-alarm probability of a test is 1e-3 over its points (Holm).
"""

import functools

import numpy as np
import pytest
import tensorflow as tf
from scipy.integrate import quad
from scipy.stats import binomtest, gamma, norm

from ntn6g.core import random
from ntn6g.services.sensing import DETECTORS, Cfar, RangeDopplerMap, SensingFrame, SensingGrid, Targets

WIDE = SensingGrid(subcarriers=612, symbols=56, subcarrier_spacing_hz=120e3)
NARROW = SensingGrid(subcarriers=64, symbols=4, subcarrier_spacing_hz=120e3)


def keys(count, seed):
    return tf.constant(np.random.default_rng(seed).integers(0, 2**32, (count, 2), np.uint32))


@functools.cache
def false_alarms(detectors, padding=1, windows="rectangular", frames=64, grid=WIDE):
    """Compiled count of detections of several detectors in frames of noise: keys to int [detector, frame]."""
    rd_map = RangeDopplerMap(grid=grid, padding=padding, windows=windows)

    def count(key):
        power = rd_map(random.complex_normal(key, (grid.symbols, grid.subcarriers)))
        return tf.stack([tf.reduce_sum(tf.cast(each(power), tf.int32), axis=[1, 2]) for each in detectors])

    return tf.function(count, jit_compile=True, autograph=False)


def counted(detectors, frames, seed, **options):
    key, compiled = keys(frames, seed), false_alarms(detectors, **options)
    return np.concatenate([compiled(key[first : first + 64]).numpy() for first in range(0, frames, 64)], axis=1)


def p_value(counts, cells, false_alarm):
    """Of the hypothesis that the mean of independent frames is what was designed."""
    error = counts.std(ddof=1) / np.sqrt(len(counts))
    return 2.0 * norm.sf(abs(counts.mean() - cells * false_alarm) / error)


def test_false_alarms_are_as_frequent_as_designed(holm):
    # 256 frames of 34,272 cells. With 90 % power a rate is found wrong by 2 % at 1e-2, 6 % at 1e-3, 18 % at 1e-4
    designs = [(kind, rate) for kind in DETECTORS for rate in (1e-2, 1e-3, 1e-4)]
    detectors = tuple(Cfar(kind=kind, false_alarm=rate) for kind, rate in designs)

    counts = counted(detectors, 256, 1)

    p_values = [p_value(each, 34_272, rate) for each, (_, rate) in zip(counts, designs, strict=True)]
    assert not holm(p_values), dict(zip(designs, counts.mean(1) / 34_272, strict=True))


def test_false_alarms_along_the_other_axis_are_as_frequent_as_designed(holm):
    detectors = tuple(Cfar(kind=kind, false_alarm=1e-2, over="doppler", training=9) for kind in ("ca", "os", "go"))

    p_values = [p_value(each, 34_272, 1e-2) for each in counted(detectors, 128, 2)]

    assert not holm(p_values)


def test_training_cells_between_the_native_ones_raise_false_alarms_and_native_ones_do_not(holm):
    # on a map padded fourfold, 12 correlated neighbours a side are worth 3: twice the alarms at 1e-2
    right, wrong = (Cfar(false_alarm=1e-2, guard=guard, padding=step) for guard, step in ((2, 4), (8, 1)))

    counts = counted((right, wrong), 64, 3, padding=4, grid=SensingGrid(
        subcarriers=128, symbols=14, subcarrier_spacing_hz=120e3))  # fmt: skip

    cells = 16 * 128 * 14
    # correlated cells leave 64 frames with 6 % at 90 % power
    assert not holm([p_value(counts[0], cells, 1e-2)])
    assert counts[1].mean() / (cells * 1e-2) > 1.8


@pytest.mark.parametrize("kind", DETECTORS)
def test_closed_forms_are_the_transform_of_the_noise_statistic(kind):
    # E[exp(-z statistic)] by quadrature over the density of the statistic, from gamma and beta laws
    z, cells, rank = 5.0, 16, 12
    if kind == "known-noise":
        expected = np.exp(-z)
    elif kind == "ca":
        expected = quad(lambda s: np.exp(-z * s / cells) * gamma.pdf(s, cells), 0, 200)[0]
    elif kind == "go":
        density = lambda s: 2.0 * gamma.pdf(s, 8) * gamma.cdf(s, 8)  # noqa: E731
        expected = quad(lambda s: np.exp(-z * s / 8) * density(s), 0, 200)[0]
    else:
        from scipy.stats import beta

        # the rank-th smallest of uniform variables is beta; exponentials are -log of them
        expected = quad(lambda u: (1 - u) ** z * beta.pdf(u, rank, cells - rank + 1), 0, 1)[0]

    assert DETECTORS[kind](z, cells, rank) == pytest.approx(expected, rel=1e-7)


def test_cell_averaging_has_the_textbook_threshold_and_probability():
    detector = Cfar(false_alarm=1e-3)

    assert detector.multiple == pytest.approx(24 * (1e-3 ** (-1 / 24) - 1), rel=1e-9)
    # post-integration signal-to-noise ratio of 12 dB, 24 training cells: to the three digits of the reference
    assert Cfar(false_alarm=1e-2).detection_probability(10**1.2) == pytest.approx(0.741, abs=5e-4)
    assert detector.detection_probability(10**1.2) == pytest.approx(0.625, abs=5e-4)


def test_swerling_1_targets_are_found_as_often_as_the_closed_form_says(holm):
    # 49,152 frames: 90 % power for an error of 0.010 of the probability
    levels, detectors = (6.0, 12.0, 18.0), tuple(Cfar(kind=k, false_alarm=r) for k in DETECTORS for r in (1e-2, 1e-3))
    frame, rd_map = SensingFrame(NARROW, swerling=1), RangeDopplerMap(grid=NARROW)

    @tf.function(jit_compile=True, autograph=False)
    def hits(key, snr):
        place = [tf.fill([key.shape[0], 1], tf.constant(x, tf.float64)) for x in (
            20 * NARROW.delay_cell_s, NARROW.doppler_cell_hz, 0.0)]  # fmt: skip
        power = rd_map(frame(key, Targets(*place, tf.fill([key.shape[0], 1], snr))))
        return tf.stack([tf.reduce_sum(tf.cast(each(power)[:, 3, 20], tf.int32)) for each in detectors])

    p_values, frames, batch = [], 49_152, 8192
    for seed, db in enumerate(levels):
        snr, key = 10.0 ** (db / 10.0), keys(frames, 10 + seed)
        parts = [hits(key[i : i + batch], tf.constant(snr / NARROW.energy.size, tf.float32)).numpy()
                 for i in range(0, frames, batch)]  # fmt: skip
        for count, detector in zip(np.sum(parts, axis=0), detectors, strict=True):
            p_values.append(binomtest(int(count), frames, detector.detection_probability(snr)).pvalue)

    assert not holm(p_values)


def test_detectors_lose_little_to_known_noise_and_in_this_order():
    lost = {kind: Cfar(kind=kind, false_alarm=1e-4).detection_probability(100.0) for kind in DETECTORS}

    assert lost["known-noise"] > lost["ca"] > lost["go"] > lost["os"] > lost["known-noise"] - 0.1


def test_a_strong_target_does_not_disturb_the_noise_level_of_cells_far_from_it():
    # 100 dB above the noise: running sums in single precision would have lost the noise behind it
    power = np.ones((1, 4, 128), np.float32)
    power[0, :, 10] = 1e10
    detector = Cfar(false_alarm=1e-2)
    power[0, 0, 60] = 1.01 * detector.multiple
    power[0, 1, 60] = 0.99 * detector.multiple

    found = detector(tf.constant(power)).numpy()

    assert found[0, :, 60].tolist() == [True, False, False, False]
    assert found[0, :, 10].all()
    assert found.sum() == 5


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"kind": "so"}, "ca, os, go, known-noise"),
        ({"over": "angle"}, "delay, doppler"),
        ({"false_alarm": 0.0}, "outside 0 to 1"),
        ({"training": 0, "rank": 1}, "too small"),
        ({"rank": 25}, "outside 1 to 24"),
    ],
)
def test_detectors_that_cannot_be_are_refused(changes, words):
    with pytest.raises(ValueError, match=words):
        Cfar(**changes)


def test_windows_longer_than_the_axis_are_refused():
    with pytest.raises(ValueError, match="29 cells of training and guard on an axis of 28 cells of delay"):
        Cfar()(tf.zeros([1, 4, 28]))
