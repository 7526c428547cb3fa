r"""Constant false-alarm rate detectors, and their probabilities in closed form.

A cell is declared a target when its power exceeds a multiple of the noise that the cells around it tell. In white
Gaussian noise powers are exponential; with the multiple z over the noise statistic, P(x > z) = E[e^{-z}], so that the
false-alarm rate is the Laplace transform of the statistic, and the probability of detection of a Swerling-1 target of
signal-to-noise ratio S the same with z / (1 + S).
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import tensorflow as tf
from scipy.optimize import brentq
from scipy.special import gammaln, logsumexp


def _cell_averaging(z: float, cells: int, rank: int) -> float:
    """E[e^{-z mean}] of ``cells`` exponentials: H. Rohling, IEEE Trans. AES 19(4), 1983, eq. (13)."""
    del rank
    return (1.0 + z / cells) ** -cells


def _order_statistic(z: float, cells: int, rank: int) -> float:
    """E[e^{-z x_(rank)}]: H. Rohling, IEEE Trans. AES 19(4), 1983, eq. (25)."""
    return math.exp(sum(math.log((cells - i) / (cells - i + z)) for i in range(rank)))


def _greatest_of(z: float, cells: int, rank: int) -> float:
    """E[e^{-z max(mean, mean)}] of two halves: V. G. Hansen and J. H. Sawyers, IEEE Trans. AES 16(1), 1980."""
    del rank
    n = cells // 2
    t = z / n
    terms = [gammaln(n + k) - gammaln(n) - gammaln(k + 1) - (n + k) * math.log(2.0 + t) for k in range(n)]
    # 2 (1 + t)^-n less a sum of nearly its size: the difference in logarithms keeps what cancels
    first, second = -n * math.log1p(t), float(logsumexp(terms))
    return 2.0 * math.exp(first) * -math.expm1(second - first)


def _known_noise(z: float, cells: int, rank: int) -> float:
    del cells, rank
    return math.exp(-z)


DETECTORS: Mapping[str, Callable[[float, int, int], float]] = {
    "ca": _cell_averaging,
    "os": _order_statistic,
    "go": _greatest_of,
    "known-noise": _known_noise,
}
"""Detectors by name: probability that noise exceeds z times the statistic, of (z, training cells, rank)."""


@dataclass(frozen=True, kw_only=True)
class Cfar:
    """Detector over one axis of a range-Doppler map, with training cells on both sides of the cell under test.

    The axis wraps, as a periodogram does, so that every cell has all its training cells.

    Parameters
    ----------
    kind : str
        'ca' (mean of the training cells), 'os' (one of them by rank), 'go' (the greater mean of the two sides), or
        'known-noise' (variance one; an upper limit of the others).
    false_alarm : float
        Probability per cell, above 0, below 1.
    training, guard : int
        Cells on each side that are averaged, and that are left out next to the cell.
    over : str
        'delay' or 'doppler'.
    padding : int
        That of the map: training cells are taken one native cell apart, because those between are correlated and
        would raise the false-alarm rate.
    rank : int or None
        Of the order statistic, from 1; by default three quarters of the training cells.

    Raises
    ------
    ValueError
        For an unknown kind or axis, or numbers out of range.
    """

    kind: str = "ca"
    false_alarm: float = 1e-4
    training: int = 12
    guard: int = 2
    over: str = "delay"
    padding: int = 1
    rank: int | None = None

    def __post_init__(self) -> None:
        if self.kind not in DETECTORS:
            raise ValueError(f"{self.kind!r} is none of {', '.join(DETECTORS)}")
        if self.over not in ("delay", "doppler"):
            raise ValueError(f"{self.over!r} is none of delay, doppler")
        if not 0.0 < self.false_alarm < 1.0:
            raise ValueError(f"false_alarm {self.false_alarm:g} lies outside 0 to 1")
        if self.training < 1 or self.guard < 0 or self.padding < 1:
            raise ValueError(f"training {self.training}, guard {self.guard} or padding {self.padding} is too small")
        if not 1 <= self.place <= self.cells:
            raise ValueError(f"rank {self.rank} lies outside 1 to {self.cells}")

    @property
    def cells(self) -> int:
        """Training cells on both sides together."""
        return 2 * self.training

    @property
    def place(self) -> int:
        """Rank of the order statistic."""
        return 3 * self.cells // 4 if self.rank is None else self.rank

    @cached_property
    def multiple(self) -> float:
        """Threshold over the noise statistic, alpha; for cell averaging Nt (Pfa^(-1/Nt) - 1)."""
        law, wanted = DETECTORS[self.kind], math.log(self.false_alarm)

        def excess(log_z: float) -> float:
            return math.log(max(law(math.exp(log_z), self.cells, self.place), 1e-300)) - wanted

        return math.exp(brentq(excess, math.log(1e-12), math.log(1e12), xtol=1e-13))

    def detection_probability(self, snr: float) -> float:
        """Closed form for a Swerling-1 target whose cell has this signal-to-noise ratio (linear, integrated)."""
        return DETECTORS[self.kind](self.multiple / (1.0 + snr), self.cells, self.place)

    @property
    def _reach(self) -> int:
        return (self.guard + self.training) * self.padding

    def check(self, shape: tuple[int, int], where: str = "on an axis") -> None:
        """Raise ``ValueError`` when the windows do not fit on a map of Doppler by delay cells."""
        length, wanted = shape[self.over == "delay"], 2 * self._reach + self.padding
        if self.kind != "known-noise" and wanted > length:
            raise ValueError(f"{wanted} cells of training and guard {where} of {length} cells of {self.over}")

    def __call__(self, power: tf.Tensor, multiple: tf.Tensor | None = None) -> tf.Tensor:
        """Which cells of a map hold a target.

        Parameters
        ----------
        power : float32 [..., M', N']
            Maps.
        multiple : float32 [...] or None
            Threshold over the noise statistic of each map; None takes ``self.multiple`` for all.

        Returns
        -------
        bool [..., M', N']

        Raises
        ------
        ValueError
            When the windows are longer than the axis.
        """
        self.check(tuple(power.shape[-2:]))
        alpha = self.multiple if multiple is None else multiple[..., None, None]
        if self.kind == "known-noise":
            return power > alpha
        axis = len(power.shape) - (1 if self.over == "delay" else 2)
        length, reach = power.shape[axis], self._reach
        wrapped = tf.concat([_part(power, axis, length - reach, reach), power, _part(power, axis, 0, reach)], axis)
        after = (2 * self.guard + self.training + 1) * self.padding  # where the later training cells of cell 0 begin
        if self.kind == "os":
            places = [first + k * self.padding for first in (0, after) for k in range(self.training)]
            return self._outranks(power / alpha, [_part(wrapped, axis, place, length) for place in places])
        sums = _run_sums(wrapped, axis, self.training, self.padding)
        before, later = _part(sums, axis, 0, length), _part(sums, axis, after, length)
        noise = tf.maximum(before, later) if self.kind == "go" else 0.5 * (before + later)
        return power > alpha / float(self.training) * noise

    def _outranks(self, level: tf.Tensor, training: list[tf.Tensor]) -> tf.Tensor:
        """Whether at least ``place`` training cells lie below the cell over alpha: no sorting is needed."""
        below = tf.add_n([tf.cast(cell < level, tf.float32) for cell in training])
        return below >= float(self.place)


def _part(values: tf.Tensor, axis: int, first: int, count: int) -> tf.Tensor:
    begin, size = [0] * len(values.shape), [-1] * len(values.shape)
    begin[axis], size[axis] = first, count
    return tf.slice(values, begin, size)


def _run_sums(values: tf.Tensor, axis: int, count: int, step: int) -> tf.Tensor:
    """Sum of ``count`` cells ``step`` apart, from each cell of an axis on; the axis gets shorter by what they span.

    Sums of 2^b cells by doubling, put together by the binary digits of ``count``. Additions alone, so that nothing of
    the noise is lost under a strong target, as it is in differences of running sums.
    """
    span = values.shape[axis] - (count - 1) * step
    total, covered, doubled = None, 0, values
    for digit in range(count.bit_length()):
        width = step << digit
        if count >> digit & 1:
            run = _part(doubled, axis, covered, span)
            total = run if total is None else total + run
            covered += width
        if (2 << digit) <= count:
            left = doubled.shape[axis] - width
            doubled = _part(doubled, axis, 0, left) + _part(doubled, axis, width, left)
    return total
