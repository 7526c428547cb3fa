"""Bits to symbols and back to log-likelihood ratios, for BPSK, pi/2-BPSK and square Gray-coded QAM."""

import functools

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from sionna.phy.mapping import Constellation, Mapper

BITS_PER_SYMBOL = {"bpsk": 1, "pi/2-bpsk": 1, "qpsk": 2, "16qam": 4, "64qam": 6, "256qam": 8, "1024qam": 10}
MODULATION_OF_ORDER = {bits: name for name, bits in BITS_PER_SYMBOL.items() if name != "pi/2-bpsk"}
_REAL = ("bpsk", "pi/2-bpsk")


@functools.lru_cache
def _axis(bits_per_axis: int, axes: int) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Levels [points] of one axis of the constellation and their bit labels [points, bits_per_axis]."""
    levels = np.array(Constellation("pam", bits_per_axis, precision="single").points).real
    labels = (np.arange(2**bits_per_axis)[:, None] >> np.arange(bits_per_axis)[::-1]) & 1
    return (levels / np.sqrt(axes)).astype(np.float32), labels.astype(bool)


class Modulation:
    r"""Mapper and exact demapper of one constellation of unit mean energy.

    Labels are those of TS 38.211 5.1 (even bits on the in-phase axis, odd bits on the quadrature axis), except
    BPSK, which is real here instead of turned by 45 degrees; pi/2-BPSK is that BPSK with every second symbol turned by
    90 degrees. Because the axes of a square QAM are independent
    under circular Gaussian noise, the a-posteriori ratio of a bit needs the :math:`\sqrt M` levels of its own
    axis only,

    .. math:: L = \ln\sum_{p: b=1} e^{-(x-p)^2/N_0} - \ln\sum_{p: b=0} e^{-(x-p)^2/N_0},

    which is what Sionna's ``Demapper('app')`` computes over all :math:`M` points.

    Parameters
    ----------
    name : str
        A key of ``BITS_PER_SYMBOL``.
    scrambling : bool [coded bits] or None
        Bits added modulo 2 before mapping and taken away after demapping (`scrambling_sequence`).
    """

    def __init__(self, name: str, *, scrambling: NDArray[np.bool_] | None = None) -> None:
        self.name, self._scrambling = name, scrambling
        self.bits_per_symbol = BITS_PER_SYMBOL[name]
        self._axes = 1 if name in _REAL else 2
        kind = "pam" if name in _REAL else "qam"
        self._mapper = Mapper(kind, self.bits_per_symbol, precision="single")
        self._levels, self._labels = _axis(self.bits_per_symbol // self._axes, self._axes)

    def map(self, bits: tf.Tensor) -> tf.Tensor:
        """Float32 bits [B, symbols * bits_per_symbol] to complex64 symbols [B, symbols]."""
        return self._turned(self._mapper(self._scrambled(bits)), 1j)

    def decide(self, symbols: tf.Tensor) -> tf.Tensor:
        """Labels of the nearest points: complex64 [B, symbols] to float32 bits [B, symbols * bits_per_symbol].

        Symbol by symbol, as closed forms of the bit error rate assume; the sign of `llr` decides bit by bit, which
        differs a little at low signal-to-noise ratio.
        """
        per_axis = [self._nearest(part) for part in self._parts(symbols)]
        interleaved = tf.stack([bit for pair in zip(*per_axis, strict=True) for bit in pair], axis=-1)
        return self._scrambled(
            tf.reshape(interleaved, [symbols.shape[0], symbols.shape[1] * self.bits_per_symbol])
        )

    def _nearest(self, received: tf.Tensor) -> list[tf.Tensor]:
        """Bits of the nearest level of one axis, each float32 [B, symbols].

        Levels are nested (TS 38.211 5.1): a bit tells the side of a threshold, the next ones the distance from it.
        """
        bits = [tf.cast(received < 0.0, tf.float32)]
        folded, threshold = tf.abs(received), float(np.abs(self._levels).min()) * len(self._levels) / 2
        for _ in range(self._labels.shape[1] - 1):
            bits.append(tf.cast(folded > threshold, tf.float32))
            folded, threshold = tf.abs(folded - threshold), threshold / 2
        return bits

    def llr(self, symbols: tf.Tensor, noise_variance: tf.Tensor) -> tf.Tensor:
        """Log-likelihood ratios ln P(1)/P(0), float32 [B, symbols * bits_per_symbol].

        Parameters
        ----------
        symbols : complex64 [B, symbols]
            Equalised symbols, unbiased.
        noise_variance : float32 [B, symbols]
            Variance of the complex noise that remains on each symbol, positive.
        """
        ratios = [_axis_ratios(part, noise_variance, self._levels, self._labels) for part in self._parts(symbols)]
        # even bits belong to the first axis, odd bits to the second
        interleaved = [ratio for pair in zip(*ratios, strict=True) for ratio in pair]
        stacked = tf.stack(interleaved, axis=-1)
        llr = tf.reshape(stacked, [symbols.shape[0], symbols.shape[1] * self.bits_per_symbol])
        return llr if self._scrambling is None else llr * (1.0 - 2.0 * self._scrambling).astype(np.float32)

    def expect(self, symbols: tf.Tensor, noise_variance: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Mean and variance of what was sent given unbiased symbols, all points being equally likely before.

        Parameters as in `llr`; complex64 and float32 [B, symbols].
        """
        means, squares = zip(
            *(_moments(part, noise_variance, self._levels) for part in self._parts(symbols)), strict=True
        )
        variance = tf.add_n([square - tf.square(mean) for mean, square in zip(means, squares, strict=True)])
        mean = tf.complex(means[0], means[1] if self._axes == 2 else tf.zeros_like(means[0]))
        return self._turned(mean, 1j), tf.maximum(variance, 0.0)

    def _turned(self, symbols: tf.Tensor, quarter: complex) -> tf.Tensor:
        """Every second symbol of pi/2-BPSK times a quarter turn; other constellations stay."""
        if self.name != "pi/2-bpsk":
            return symbols
        return symbols * np.where(np.arange(symbols.shape[1]) % 2, quarter, 1.0).astype(np.complex64)

    def _scrambled(self, bits: tf.Tensor) -> tf.Tensor:
        """Add the sequence modulo 2, which also takes it away; bits are float32."""
        return bits if self._scrambling is None else tf.abs(bits - self._scrambling.astype(np.float32))

    def _parts(self, symbols: tf.Tensor) -> list[tf.Tensor]:
        straight = self._turned(symbols, -1j)
        return [tf.math.real(straight), tf.math.imag(straight)][: self._axes]


def _moments(
    received: tf.Tensor, noise_variance: tf.Tensor, levels: NDArray[np.float32]
) -> tuple[tf.Tensor, tf.Tensor]:
    """Mean and mean square of the level of one axis, level by level."""
    metrics = [-tf.square(received - level) / noise_variance for level in levels]
    largest = functools.reduce(tf.maximum, metrics)
    weights = [tf.exp(metric - largest) for metric in metrics]
    total = tf.add_n(weights)
    mean = tf.add_n([weight * float(level) for weight, level in zip(weights, levels, strict=True)])
    square = tf.add_n([weight * float(level) ** 2 for weight, level in zip(weights, levels, strict=True)])
    return mean / total, square / total


def _axis_ratios(
    received: tf.Tensor,
    noise_variance: tf.Tensor,
    levels: NDArray[np.float32],
    labels: NDArray[np.bool_],
) -> list[tf.Tensor]:
    """Ratios of the bits of one axis, each [B, symbols]: written out level by level, which XLA vectorises."""
    metrics = [-tf.square(received - level) / noise_variance for level in levels]
    return [
        _log_sum_exp([m for m, one in zip(metrics, label, strict=True) if one])
        - _log_sum_exp([m for m, one in zip(metrics, label, strict=True) if not one])
        for label in labels.T
    ]


def _log_sum_exp(metrics: list[tf.Tensor]) -> tf.Tensor:
    if len(metrics) == 1:
        return metrics[0]
    largest = functools.reduce(tf.maximum, metrics)
    return largest + tf.math.log(tf.add_n([tf.exp(metric - largest) for metric in metrics]))
