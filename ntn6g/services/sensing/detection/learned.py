"""A detector that was trained: a small convolutional network over a range-Doppler map, with thresholds of its own.

The network turns a map into a logit for every cell, from the cell's surroundings alone. A cell is declared a target
where its logit exceeds a threshold, which belongs to a false-alarm rate as counted on maps of noise: the network has no
closed form. The level of a map does not matter to it, since it sees ratios to the map's geometric mean.
"""

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from ntn6g.core import random

_KERNEL = 3, 5  # cells of Doppler and delay that a layer looks at
_FLOOR = 1e-6  # of a power over the map's mean, before the logarithm
_RARE = -4.0  # logit of a target before training: one cell in fifty
_SMALLEST_POWER = 1e-30  # of a map without any


@dataclass(frozen=True, kw_only=True)
class DetectorNetwork:
    """Layers of convolutions of 3 x 5 cells with rectified outputs, and one that makes the logit.

    The map is continued round its ends, as a periodogram is, so that maps of any size do.

    Parameters
    ----------
    channels, layers : int
        Of the hidden convolutions.
    """

    channels: int
    layers: int

    @property
    def reach(self) -> tuple[int, int]:
        """Cells of Doppler and of delay on each side that a logit depends on, besides the level of the map."""
        rows, columns = ((self.layers + 1) * (width // 2) for width in _KERNEL)
        return rows, columns

    def begin_weights(self, seed: int) -> tuple[tf.Tensor, ...]:
        """Weights before training."""
        return tuple(tf.constant(each.numpy()) for each in _build(self, seed).trainable_variables)

    def logits(self, weights: Any, power: tf.Tensor) -> tf.Tensor:
        """Logit of a target in every cell: maps float32 [map, Doppler, delay] to the same."""
        rows, columns = self.reach
        seen = features(power)
        seen = tf.concat([seen[:, -rows:], seen, seen[:, :rows]], axis=1)
        seen = tf.concat([seen[:, :, -columns:], seen, seen[:, :, :columns]], axis=2)
        return _build(self, 0).stateless_call(list(weights), [], seen[..., None])[0][..., 0]


@lru_cache(maxsize=32)
def _build(network: DetectorNetwork, seed: int) -> Any:
    keras = tf.keras
    with tf.init_scope():  # also when first called inside a compiled function
        inputs = hidden = keras.Input((None, None, 1))
        for layer in range(network.layers + 1):
            last = layer == network.layers
            hidden = keras.layers.Conv2D(
                1 if last else network.channels,
                _KERNEL,
                activation=None if last else "relu",
                kernel_initializer=keras.initializers.HeNormal(random.chunk_key(seed, "map detector", layer)[0] >> 1),
                bias_initializer=keras.initializers.Constant(_RARE if last else 0.0),
            )(hidden)
        return keras.Model(inputs, hidden)


def features(power: tf.Tensor) -> tf.Tensor:
    """Maps as the network sees them, whatever their level: log of power over the map's geometric mean.

    Parameters
    ----------
    power : float32 [map, Doppler, delay]
        Maps.

    Returns
    -------
    float32 [map, Doppler, delay]
    """
    floor = _FLOOR * tf.reduce_mean(power, axis=[1, 2], keepdims=True)
    log = tf.math.log(power + tf.maximum(floor, _SMALLEST_POWER))
    return log - tf.reduce_mean(log, axis=[1, 2], keepdims=True)


@dataclass(frozen=True, kw_only=True, eq=False)
class LearnedDetector:
    """A trained network with what its thresholds were counted to be.

    Parameters
    ----------
    network : DetectorNetwork
        The network.
    weights : tuple of arrays
        Its weights.
    false_alarms : float64 [threshold]
        False-alarm rates per cell, falling, at which ``thresholds`` were counted.
    thresholds : float64 [threshold]
        Of the logit.
    padding : int
        Of the maps that it was trained and counted on: cells between the native ones are correlated.
    """

    network: DetectorNetwork
    weights: tuple[Any, ...]
    false_alarms: NDArray[np.float64]
    thresholds: NDArray[np.float64]
    padding: int = 1

    def threshold(self, false_alarm: float) -> float:
        """Of a false-alarm rate per cell, between counted ones by the logarithm of the rate.

        Raises
        ------
        ValueError
            For a rate that was not counted.
        """
        most, least = self.false_alarms[0], self.false_alarms[-1]
        if not least <= false_alarm <= most:
            raise ValueError(
                f"false_alarm {false_alarm:g} of a learned detector, whose thresholds were counted from {least:g} to "
                f"{most:g}"
            )
        log = np.log(self.false_alarms[::-1])
        return float(np.interp(math.log(false_alarm), log, self.thresholds[::-1]))

    def check(self, shape: tuple[int, int], where: str = "on an axis") -> None:
        """Raise ``ValueError`` when a map of Doppler by delay cells is smaller than what a logit depends on."""
        for length, reach, axis in zip(shape, self.network.reach, ("Doppler", "delay"), strict=True):
            if length < 2 * reach + 1:
                raise ValueError(
                    f"{2 * reach + 1} cells that a learned detector looks at {where} of {length} cells of {axis}"
                )

    def __call__(self, power: tf.Tensor, multiple: tf.Tensor | None = None) -> tf.Tensor:
        """Which cells of maps hold a target: float32 [..., M', N'] and thresholds [...] of logits to bool.

        Raises
        ------
        ValueError
            For maps that are too small, or without thresholds.
        """
        if multiple is None:
            raise ValueError("a learned detector needs the thresholds of its logits")
        self.check((int(power.shape[-2]), int(power.shape[-1])))
        flat = tf.reshape(power, [-1, *power.shape[-2:]])
        logits = self.network.logits([tf.constant(each) for each in self.weights], flat)
        return tf.reshape(logits, power.shape) > multiple[..., None, None]
