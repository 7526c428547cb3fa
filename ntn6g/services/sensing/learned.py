"""A detector that was trained: a small convolutional network over a range-Doppler map."""

from typing import Any

import tensorflow as tf

_FLOOR = 1e-6  # of a power over the map's mean, before the logarithm


def detector_network(*, channels: int = 12, layers: int = 3, seed: int = 1) -> Any:
    """Network from maps to a logit per cell, built with Keras; any size of map.

    Convolutions of 3 x 5 cells over the logarithm of the map, which wraps as a periodogram does.

    Parameters
    ----------
    channels, layers : int
        Of the hidden convolutions.
    seed : int
        Of the initial weights.

    Returns
    -------
    tf.keras.Model
        Float32 [batch, Doppler, delay, 1] to the same.
    """
    keras = tf.keras
    inputs = hidden = keras.Input((None, None, 1))
    for layer in range(layers + 1):
        last = layer == layers
        hidden = keras.layers.Lambda(_wrap)(hidden)
        hidden = keras.layers.Conv2D(
            1 if last else channels,
            (3, 5),
            activation=None if last else "relu",
            kernel_initializer=keras.initializers.HeNormal(seed + layer),
            bias_initializer=keras.initializers.Constant(-4.0 if last else 0.0),
        )(hidden)
    return keras.Model(inputs, hidden)


def _wrap(x: tf.Tensor) -> tf.Tensor:
    x = tf.concat([x[:, -1:], x, x[:, :1]], axis=1)
    return tf.concat([x[:, :, -2:], x, x[:, :, :2]], axis=2)


def features(power: tf.Tensor) -> tf.Tensor:
    """Maps as the network sees them, whatever their level: log of power over the map's geometric mean.

    Parameters
    ----------
    power : float32 [batch, Doppler, delay]
        Maps.

    Returns
    -------
    float32 [batch, Doppler, delay, 1]
    """
    log = tf.math.log(power + _FLOOR * tf.reduce_mean(power, axis=[1, 2], keepdims=True))
    return (log - tf.reduce_mean(log, axis=[1, 2], keepdims=True))[..., None]
