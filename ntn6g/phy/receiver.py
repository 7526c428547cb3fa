"""Channel estimation on the DM-RS and LMMSE equalisation.

Both are what Sionna's ``LSChannelEstimator`` (linear interpolation) and ``LMMSEEqualizer`` compute: interpolation is a
product with a constant matrix; the equaliser of one layer and one antenna is a division, that of several layers is
written out entry by entry, so that XLA runs them over the whole batch at once. The tests hold the pairs equal.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from ntn6g.phy.grid import SYMBOLS_PER_SLOT, SlotGrid


@dataclass(frozen=True, kw_only=True)
class Equalised:
    """Unbiased data symbols, complex64 [B, data_elements], and the variance left on each, float32 same shape.

    ``left`` is what the synchroniser left of offset and timing (`ntn6g.phy.air.Left`), None without one.
    """

    symbols: tf.Tensor
    noise_variance: tf.Tensor
    left: Any = None


def linear_weights(known: NDArray[Any], count: int) -> NDArray[np.float32]:
    """Matrix [len(known), count] that interpolates linearly between known positions and extrapolates outside.

    A single known position is held constant.
    """
    weights = np.zeros([len(known), count])
    if len(known) == 1:
        weights[0] = 1.0
        return weights.astype(np.float32)
    position = np.arange(count)
    right = np.clip(np.searchsorted(known, position, side="left"), 1, len(known) - 1)
    fraction = (position - known[right - 1]) / (known[right] - known[right - 1])
    weights[right, position] = fraction
    weights[right - 1, position] = 1.0 - fraction
    return weights.astype(np.float32)


class LeastSquaresEstimator:
    """Least-squares estimate on the DM-RS, then linear interpolation over frequency and over time.

    The two symbols of a double-symbol DM-RS are averaged, as the covers of its ports over time ask, and count as one
    in their middle.

    Parameters
    ----------
    grid : SlotGrid
        With pilots.
    port : int or None
        DM-RS port; that of the first layer unless given.
    despread : bool
        True averages each pair of elements that share a cover code over frequency (FD-CDM, TS 38.211 V18.4.0 table
        6.4.1.1.3-1), as a receiver of two ports must: half the noise, for a channel flat over the pair.
    """

    def __init__(self, grid: SlotGrid, *, despread: bool = False, port: int | None = None) -> None:
        port = grid.ports[0] if port is None else port
        self._grid, self._port, self._values = grid, port, grid.port_values(port)
        known = grid.port_subcarriers(port)
        self._frequency = linear_weights(known, grid.subcarriers)
        if despread:
            pairs = np.kron(np.eye(len(known) // 2), np.full([2, 2], 0.5))
            self._frequency = (pairs @ self._frequency).astype(np.float32)
        length = grid.dmrs_length
        self._time = np.repeat(linear_weights(grid.dmrs_centres, SYMBOLS_PER_SLOT), length, axis=0) / np.float32(length)
        # variance of the estimate over that of the noise: independent pilots, so squared weights add
        boost = float(np.mean(np.abs(self._values) ** 2))
        self._noise_gain = np.square(self._time).sum(0)[:, None] * np.square(self._frequency).sum(0)[None, :] / boost

    def __call__(self, received: tf.Tensor, noise_variance: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Estimate [B, 14, subcarriers] complex64 and its error variance, float32 same shape.

        ``received`` is the grid complex64 [B, 14, subcarriers], ``noise_variance`` float32 [B]. The error variance
        counts noise alone, not the interpolation error.
        """
        at_pilots = self._grid.dmrs_of(received, self._port) / self._values  # [B, dmrs symbols, dmrs subcarriers]
        over_frequency = _real_product(at_pilots, self._frequency)
        over_time = tf.transpose(_real_product(tf.transpose(over_frequency, [0, 2, 1]), self._time), [0, 2, 1])
        return over_time, noise_variance[:, None, None] * self._noise_gain.astype(np.float32)


class PhaseTracker:
    """Turns a channel estimate symbol by symbol by the common phase that the PT-RS shows.

    On each symbol with PT-RS the phase is that of the sum of received times conjugate expected values; symbols with
    DM-RS need none; between them the unit phasors are interpolated linearly.

    Parameters
    ----------
    grid : SlotGrid
        With PT-RS.
    """

    def __init__(self, grid: SlotGrid) -> None:
        self._symbols, self._subcarriers = grid.ptrs_symbols.astype(np.int32), grid.ptrs_subcarriers.astype(np.int32)
        self._values, self._dmrs = grid.ptrs_values, len(grid.dmrs_centres)
        known = np.concatenate([grid.ptrs_symbols, grid.dmrs_centres])
        self._order = np.argsort(known).astype(np.int32)
        self._time = linear_weights(np.sort(known), SYMBOLS_PER_SLOT)

    def __call__(self, received: tf.Tensor, known: tf.Tensor) -> tf.Tensor:
        """Estimate complex64 [B, 14, subcarriers], turned; ``received`` has the same shape."""
        return known * self.turn([received], [known])

    def turn(self, received: Sequence[tf.Tensor], known: Sequence[tf.Tensor]) -> tf.Tensor:
        """Unit phasors, complex64 [B, 14, 1], by which the estimates of all receive antennas have to be turned."""

        def at(grid: tf.Tensor) -> tf.Tensor:
            return tf.gather(tf.gather(grid, self._symbols, axis=1), self._subcarriers, axis=2)

        both = zip(received, known, strict=True)
        products = [at(signal) * tf.math.conj(at(estimate) * self._values) for signal, estimate in both]
        matched = tf.reduce_sum(tf.add_n(products), axis=2)
        phasors = tf.concat([_unit(matched), tf.ones([matched.shape[0], self._dmrs], tf.complex64)], axis=1)
        ordered = tf.gather(phasors, self._order, axis=1)
        return _unit(_real_product(ordered[:, None], self._time)[:, 0])[:, :, None]


def _unit(values: tf.Tensor) -> tf.Tensor:
    return values / tf.cast(tf.maximum(tf.abs(values), 1e-20), tf.complex64)


def _real_product(values: tf.Tensor, weights: NDArray[np.float32]) -> tf.Tensor:
    """Complex [B, n, k] times real [k, m], as one real product with the batch folded in."""
    batch, rows, columns = values.shape
    flat = tf.reshape(values, [batch * rows, columns])
    both = tf.concat([tf.math.real(flat), tf.math.imag(flat)], axis=0) @ weights
    real, imaginary = tf.split(both, 2, axis=0)
    return tf.reshape(tf.complex(real, imaginary), [batch, rows, weights.shape[1]])


def lmmse_equalise(
    received: tf.Tensor, channel: tf.Tensor, noise_variance: tf.Tensor, *, floor: float = 1e-12
) -> Equalised:
    """One-tap LMMSE equaliser with its bias removed: y / h, variance (N0 + estimation error) / |h|^2.

    Parameters
    ----------
    received, channel : complex64 [B, elements]
        Received symbols and what is known of the channel there.
    noise_variance : float32 [B, elements]
        Noise plus channel-estimation error.
    floor : float
        Least |h|^2, so that an element in a perfect null gives finite, worthless symbols.
    """
    power = tf.maximum(tf.square(tf.math.real(channel)) + tf.square(tf.math.imag(channel)), floor)
    symbols = received * tf.math.conj(channel) / tf.cast(power, tf.complex64)
    return Equalised(symbols=symbols, noise_variance=noise_variance / power)


def lmmse_detect(
    received: Sequence[tf.Tensor], channel: Sequence[Sequence[tf.Tensor]], noise_variance: tf.Tensor
) -> list[Equalised]:
    r"""Joint LMMSE equaliser of several layers with its bias removed.

    With :math:`M = (H^H H + N_0 I)^{-1}`, layer v is :math:`(M H^H y)_v` over :math:`1 - N_0 M_{vv}`, and what is left
    on it has the variance :math:`N_0 M_{vv} / (1 - N_0 M_{vv})`; every layer sends unit energy.

    Parameters
    ----------
    received : complex64 [B, elements] by receive antenna
        Received symbols.
    channel : complex64 [B, elements] by receive antenna and layer
        What is known of the channel there, precoding included.
    noise_variance : float32 [B, elements]
        Noise plus channel-estimation error, alike at all antennas.

    References
    ----------
    S. Verdu, "Multiuser Detection", Cambridge, 1998, eqs. 6.32 and 6.47.
    """
    layers = range(len(channel[0]))

    def inner(p: int, q: int) -> tf.Tensor:
        return tf.add_n([tf.math.conj(row[p]) * row[q] for row in channel])

    noise = tf.cast(noise_variance, tf.complex64)
    loaded = [[inner(p, q) + noise if p == q else inner(p, q) for q in layers] for p in layers]
    matched = [tf.add_n([tf.math.conj(row[p]) * y for row, y in zip(channel, received, strict=True)]) for p in layers]
    inverse = _inverse(loaded)
    found = []
    for v in layers:
        left = tf.clip_by_value(noise_variance * tf.math.real(inverse[v][v]), 1e-9, 1.0 - 1e-6)
        estimate = tf.add_n([inverse[v][q] * matched[q] for q in layers])
        found.append(
            Equalised(symbols=estimate / tf.cast(1.0 - left, tf.complex64), noise_variance=left / (1.0 - left))
        )
    return found


def _inverse(matrix: list[list[tf.Tensor]]) -> list[list[tf.Tensor]]:
    """Inverse of positive definite matrices entry by entry (Gauss-Jordan; no pivoting is needed).

    Every entry ends in a division by a real pivot, which XLA keeps instead of repeating it in all that uses the entry.
    """
    size = len(matrix)
    one, zero = tf.ones_like(matrix[0][0]), tf.zeros_like(matrix[0][0])
    rows = [[*matrix[p], *(one if p == q else zero for q in range(size))] for p in range(size)]
    for k in range(size):
        pivot, base = tf.math.real(rows[k][k]), rows[k]
        for p in (p for p in range(size) if p != k):
            factor, weight = rows[p][k], tf.cast(pivot, tf.complex64)
            rows[p] = [
                zero if j == k else _over(entry * weight - factor * base[j], pivot) for j, entry in enumerate(rows[p])
            ]
    return [[_over(entry, tf.math.real(row[p])) for entry in row[size:]] for p, row in enumerate(rows)]


def _over(values: tf.Tensor, divisor: tf.Tensor) -> tf.Tensor:
    return tf.complex(tf.math.real(values) / divisor, tf.math.imag(values) / divisor)
