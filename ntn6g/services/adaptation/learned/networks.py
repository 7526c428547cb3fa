"""Networks that turn reports into a distribution of the signal-to-noise ratio; Keras builds them, we call them pure."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, NamedTuple

import numpy as np
import tensorflow as tf

_SCALE_DB = 4.0  # of a report over what geometry predicts: inputs of the order of one
_LARGEST = 10.0  # of an input: what a report in another setting may be, without driving a unit out of its range
Weights = tuple[Any, ...]


class _Part(NamedTuple):
    """A Keras model, and those of its variables that are not trained: of generators that draw nothing here."""

    model: Any
    rest: list[Any]

    def __call__(self, weights: Weights, inputs: Any) -> Any:
        return self.model.stateless_call(list(weights), self.rest, inputs)[0]


class _Built(NamedTuple):
    """Both parts of a network, and how many weights the first has."""

    encoder: _Part
    head: _Part
    first: int


@dataclass(frozen=True, kw_only=True)
class PredictorNetwork:
    """An encoder of reports and a head with the age of the newest one: logits of cells of the level.

    Both kinds make a code of the reports that have arrived, and the head of code and age a softmax over cells of the
    signal-to-noise ratio of the slot to be sent, in decibels over what geometry predicts. ``gru`` carries the code on
    from report to report; ``transformer`` makes it from a window by one block of attention, with a linear way past it.

    Parameters
    ----------
    kind : str
        ``gru`` or ``transformer``.
    units : int
        Width of the memory, or of a token.
    reports, heads : int
        Of a transformer: reports in its window, and heads of its attention.
    ages : int
        How many ages of the newest report are told apart, from the youngest.
    lowest_db, step_db, cells : float, float, int
        Cells of the level: the middle of the first, their width, and their number.
    """

    kind: Literal["gru", "transformer"]
    units: int
    ages: int
    reports: int = 32
    heads: int = 2
    lowest_db: float = -24.0
    step_db: float = 0.5
    cells: int = 65

    @property
    def middles_db(self) -> np.ndarray[Any, Any]:
        """Middle of each cell over what geometry predicts, dB."""
        return self.lowest_db + self.step_db * np.arange(self.cells)

    def begin_weights(self, seed: int) -> Weights:
        """Weights before training."""
        built = _build(self, seed)
        parts = built.encoder, built.head
        return tuple(tf.constant(each.numpy()) for part in parts for each in part.model.trainable_variables)

    def begin(self, passes: int) -> tuple[Any, Any]:
        """Memory before the first report: the past (state or window) and its code, [pass, ...] each."""
        code = tf.zeros([passes, self.units])
        return (code if self.kind == "gru" else tf.zeros([passes, self.reports])), code

    def encode(self, weights: Weights, memory: tuple[Any, Any], over_db: Any) -> tuple[Any, Any]:
        """Memory after one more report, [pass], in decibels over what geometry predicts."""
        told = tf.clip_by_value(over_db / _SCALE_DB, -_LARGEST, _LARGEST)[:, None]
        if self.kind == "gru":
            code = self._encoded(weights, [told, memory[0]])
            return code, code
        past = tf.concat([memory[0][:, 1:], told], 1)
        return past, self._encoded(weights, past)

    def windows(self, weights: Weights, over_db: Any) -> Any:
        """Codes [sample, units] of whole windows of reports [sample, reports] of a transformer, newest last."""
        return self._encoded(weights, tf.clip_by_value(over_db / _SCALE_DB, -_LARGEST, _LARGEST))

    def logits(self, weights: Weights, code: Any, age: Any) -> Any:
        """Of every cell, [..., cells], from codes [..., units] and ages, int32 [...], counted from the youngest."""
        place = tf.one_hot(tf.clip_by_value(age, 0, self.ages - 1), self.ages)
        told = tf.concat([code, place], -1)
        built = _build(self, 0)
        found = built.head(weights[built.first :], tf.reshape(told, [-1, told.shape[-1]]))
        return tf.reshape(found, [*told.shape[:-1], self.cells])

    def _encoded(self, weights: Weights, inputs: Any) -> Any:
        built = _build(self, 0)
        return built.encoder(weights[: built.first], inputs)


@lru_cache(maxsize=32)
def _build(network: PredictorNetwork, seed: int) -> _Built:
    with tf.init_scope():  # also when first called inside a compiled function
        models = (_gru if network.kind == "gru" else _transformer)(network, seed), _head(network, seed)
        encoder, head = (_Part(each, [v.numpy() for v in each.non_trainable_variables]) for each in models)
    return _Built(encoder, head, len(encoder.model.trainable_variables))


def _gru(network: PredictorNetwork, seed: int) -> Any:
    keras = tf.keras
    told, state = keras.Input((1,)), keras.Input((network.units,))
    cell = keras.layers.GRUCell(
        network.units,
        kernel_initializer=keras.initializers.GlorotUniform(seed),
        recurrent_initializer=keras.initializers.Orthogonal(seed=seed + 1),
    )
    return keras.Model([told, state], cell(told, [state])[0])


def _transformer(network: PredictorNetwork, seed: int) -> Any:
    keras, units, reports = tf.keras, network.units, network.reports

    def glorot(number: int) -> Any:
        return keras.initializers.GlorotUniform(seed + number)

    window = keras.Input((reports,))
    tokens = keras.layers.Reshape((reports, 1))(window)
    # a line of its own for every place in the window: embedding and position in one
    tokens = keras.layers.EinsumDense(
        "brx,rxu->bru", (reports, units), bias_axes="ru", kernel_initializer=glorot(0), bias_initializer=glorot(1)
    )(tokens)
    seen = keras.layers.LayerNormalization()(tokens)
    attention = keras.layers.MultiHeadAttention(
        network.heads, units // network.heads, kernel_initializer=glorot(2), flash_attention=False
    )
    tokens = tokens + attention(seen, seen)
    inner = keras.layers.LayerNormalization()(tokens)
    inner = keras.layers.Dense(2 * units, activation="gelu", kernel_initializer=glorot(3))(inner)
    tokens = tokens + keras.layers.Dense(units, kernel_initializer=glorot(4))(inner)
    newest = keras.layers.Flatten()(keras.layers.Cropping1D((reports - 1, 0))(tokens))
    mean = keras.layers.GlobalAveragePooling1D()(tokens)
    code = keras.layers.Concatenate()([newest, mean, window])
    return keras.Model(window, keras.layers.Dense(units, kernel_initializer=glorot(5))(code))


def _head(network: PredictorNetwork, seed: int) -> Any:
    keras = tf.keras
    told = keras.Input((network.units + network.ages,))
    hidden = keras.layers.Dense(64, activation="gelu", kernel_initializer=keras.initializers.GlorotUniform(seed + 10))(
        told
    )
    return keras.Model(
        told,
        keras.layers.Dense(network.cells, kernel_initializer=keras.initializers.GlorotUniform(seed + 11))(hidden),
    )
