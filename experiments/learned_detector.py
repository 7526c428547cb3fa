"""A trained network against cell averaging on range-Doppler maps, at equal false alarms.

    python experiments/learned_detector.py [--steps N] [--frames N]

A convolutional network (services/sensing/learned.py) is trained on frames of noise with up to six Swerling-1 targets,
its threshold set on frames of noise so that one cell in a thousand is declared, and both detectors are counted on
frames that neither has seen. A target alone is found as often by either, since cell averaging is nearly the best there
is; 6 cells beside one that is 12 dB stronger, the average takes the neighbour for noise. Expect with the defaults (two
minutes of a processor; standard errors 0.015)

    image SNR    alone: averaging    closed form    network    beside: averaging    network
         8 dB               0.357          0.343      0.329                0.069      0.280
        14 dB               0.750          0.737      0.729                0.111      0.674
        20 dB               0.905          0.924      0.897                0.137      0.916
"""

import argparse
import os
import sys
from pathlib import Path

import numpy as np

FALSE_ALARM = 1e-3
SUBCARRIERS, SYMBOLS, SPACING_HZ = 96, 28, 120e3
MOST_TARGETS, LEAST_DB, MOST_DB = 6, 8.0, 25.0
TESTED_DB = (8.0, 11.0, 14.0, 17.0, 20.0)
BATCH, SEED = 32, 7
NEIGHBOUR_CELLS, NEIGHBOUR_DB = 6, 12.0  # a stronger target within the training cells of another


def pieces():
    """Map of frames with targets, as a compiled function, and the grid."""
    import tensorflow as tf

    from ntn6g.services.sensing import RangeDopplerMap, SensingFrame, SensingGrid, Targets

    grid = SensingGrid(subcarriers=SUBCARRIERS, symbols=SYMBOLS, subcarrier_spacing_hz=SPACING_HZ)
    frame, rd_map = SensingFrame(grid, swerling=1), RangeDopplerMap(grid=grid)

    @tf.function(jit_compile=True, autograph=False)
    def maps(keys, places, image_snr):
        """Cells [batch, target, 2] of Doppler and delay and image SNR [batch, target] to maps."""
        targets = Targets(
            places[..., 1] * grid.delay_cell_s,
            -places[..., 0] * grid.doppler_cell_hz,
            tf.zeros_like(places[..., 0]),
            image_snr / (SUBCARRIERS * SYMBOLS),
        )
        return rd_map(frame(keys, targets))

    return maps


class Draws:
    """Frames one after the other from one seed."""

    def __init__(self, maps, seed):
        self.maps, self.rng = maps, np.random.default_rng(seed)

    def keys(self, count):
        """Keys of the next frames."""
        import tensorflow as tf

        return tf.constant(self.rng.integers(0, 2**32, (count, 2), np.uint32))

    def scene(self, count):
        """Maps, labels and weights of frames with up to six targets anywhere between the cells."""
        rng, size = self.rng, (SYMBOLS, SUBCARRIERS)
        places = rng.uniform(size=(count, MOST_TARGETS, 2)) * size
        there = rng.uniform(size=(count, MOST_TARGETS)) < 0.5
        snr = there * 10.0 ** (rng.uniform(LEAST_DB, MOST_DB, (count, MOST_TARGETS)) / 10.0)
        labels, weights = np.zeros((count, *size), np.float32), np.ones((count, *size), np.float32)
        nearest = np.rint(places).astype(int) % size
        for b, k in np.argwhere(there):
            row, column = nearest[b, k]
            around = np.ix_([b], (row + np.arange(-1, 2)) % SYMBOLS, (column + np.arange(-1, 2)) % SUBCARRIERS)
            weights[around] = 0.0  # a target between cells shows in several
        for b, k in np.argwhere(there):
            row, column = nearest[b, k]
            labels[b, row, column], weights[b, row, column] = 1.0, 20.0
        return self.maps(self.keys(count), places, snr.astype(np.float32)), labels, weights

    def placed(self, count, image_snr_db, neighbour):
        """Maps with a target in the middle of cell (14, 40), and a stronger one beside it or none."""
        places = np.zeros((count, MOST_TARGETS, 2))
        places[:, 0], places[:, 1] = (14, 40), (14, 40 + NEIGHBOUR_CELLS)
        snr = np.zeros((count, MOST_TARGETS), np.float32)
        snr[:, 0] = 10.0 ** (image_snr_db / 10.0)
        snr[:, 1] = snr[:, 0] * 10.0 ** (NEIGHBOUR_DB / 10.0) if neighbour else 0.0
        return self.maps(self.keys(count), places, snr)


def train(draws, steps):
    """The network after so many steps of Adam on new frames each."""
    import tensorflow as tf

    from ntn6g.services.sensing.learned import detector_network, features

    network, optimizer = (
        detector_network(seed=SEED),
        tf.keras.optimizers.Adam(tf.keras.optimizers.schedules.CosineDecay(1e-2, steps)),
    )
    optimizer.build(network.trainable_variables)

    @tf.function(jit_compile=True, autograph=False)
    def step(power, labels, weights):
        with tf.GradientTape() as tape:
            logits = network(features(power), training=True)[..., 0]
            losses = tf.nn.sigmoid_cross_entropy_with_logits(labels, logits) * weights
            loss = tf.reduce_sum(losses) / tf.reduce_sum(weights)
        optimizer.apply(tape.gradient(loss, network.trainable_variables), network.trainable_variables)
        return loss

    for _ in range(steps):
        step(*map(tf.convert_to_tensor, draws.scene(BATCH)))
    scores = tf.function(lambda power: network(features(power))[..., 0], jit_compile=True, autograph=False)
    return lambda power: scores(power).numpy()


def in_batches(count, call):
    """Results of frames in batches of one size, joined."""
    return np.concatenate([call(BATCH) for _ in range(0, count, BATCH)])


def main() -> int:
    """Train, set thresholds, count, print."""
    parser = argparse.ArgumentParser(description="A trained detector against cell averaging at equal false alarms.")
    parser.add_argument("--steps", type=int, default=300, help="steps of training, 32 frames each")
    parser.add_argument("--frames", type=int, default=1024, help="frames per tested point")
    asked = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from ntn6g.services.sensing import Cfar

    maps = pieces()
    scores = train(Draws(maps, SEED), asked.steps)
    detector = Cfar(false_alarm=FALSE_ALARM)
    quiet, fresh, tested = (Draws(maps, SEED + k) for k in (1, 2, 3))
    none = lambda draws: lambda count: draws.placed(count, -200.0, False)  # noqa: E731
    threshold = np.quantile(in_batches(asked.frames, lambda n: scores(none(quiet)(n))), 1.0 - FALSE_ALARM)

    def both(power):
        return np.stack([detector(power).numpy(), scores(power) > threshold], axis=1)

    alarms = in_batches(asked.frames, lambda n: both(none(fresh)(n))).mean(axis=(0, 2, 3))
    print(f"false alarms per cell, counted: cell averaging {alarms[0]:.2e}, network {alarms[1]:.2e}")
    print(f"{'image SNR':>10s}{'alone: averaging':>18s}{'closed form':>13s}{'network':>9s}"
          f"{f'{NEIGHBOUR_DB:g} dB beside: averaging':>27s}{'network':>9s}")  # fmt: skip
    for image_snr_db in TESTED_DB:
        rates = [
            in_batches(asked.frames, lambda n, db=image_snr_db, x=beside: both(tested.placed(n, db, x))[:, :, 14, 40])
            for beside in (False, True)
        ]
        alone, beside = (each.mean(axis=0) for each in rates)
        theory = detector.detection_probability(10.0 ** (image_snr_db / 10.0))
        columns = (alone[0], 18), (theory, 13), (alone[1], 9), (beside[0], 27), (beside[1], 9)
        print(f"{image_snr_db:>7.0f} dB" + "".join(f"{value:>{width}.3f}" for value, width in columns))
    return 0


if __name__ == "__main__":
    sys.exit(main())
