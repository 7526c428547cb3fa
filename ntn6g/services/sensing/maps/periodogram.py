"""From a received grid to a range-Doppler map, and from its peak to an estimate between the cells."""

from dataclasses import dataclass

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from ntn6g.orbit.state import TensorRecord
from ntn6g.services.sensing.frames.grid import SensingGrid

ESTIMATORS = ("zf", "matched", "lmmse")
WINDOWS = ("rectangular", "hamming", "hann")
_NEWTON_STEPS = 3  # from a twofold padded peak the second one already ends below 1e-3 of a cell


def estimate_channel(
    received: tf.Tensor,
    sent: tf.Tensor,
    kind: str = "zf",
    *,
    snr: tf.Tensor | float | None = None,
    known: NDArray[np.bool_] | None = None,
) -> tf.Tensor:
    r"""Channel of every known element from what was sent and received, 0 on the others.

    ``zf`` is :math:`Y/X`, ``matched`` :math:`Y X^*`, ``lmmse`` :math:`Y X^* / (|X|^2 + 1/\mathrm{SNR})`. Division
    raises noise by :math:`E[1/|X|^2]`, the matched filter has self-noise :math:`E|X|^4 - 1`; both are none for QPSK.

    Parameters
    ----------
    received : complex64 [batch, (antenna,) symbol, subcarrier]
        Echo with noise.
    sent : complex64 [batch, symbol, subcarrier]
        Transmitted elements, not 0 where known.
    kind : str
        One of ``ESTIMATORS``.
    snr : float or [batch]
        Echo over noise on an element of unit energy; only ``lmmse`` asks.
    known : bool [symbol, subcarrier] or None
        Elements known to the receiver; None takes all.

    Raises
    ------
    ValueError
        For an unknown kind, or ``lmmse`` without ``snr``.
    """
    if len(received.shape) > len(sent.shape):
        sent = sent[:, None]
    correlated = received * tf.math.conj(sent)
    if kind != "matched":
        energy = tf.square(tf.math.real(sent)) + tf.square(tf.math.imag(sent))
        if kind == "lmmse":
            if snr is None:
                raise ValueError("lmmse needs the signal-to-noise ratio")
            inverse = 1.0 / tf.cast(snr, tf.float32)
            energy += tf.reshape(inverse, [-1] + [1] * (len(energy.shape) - 1))
        elif kind != "zf":
            raise ValueError(f"{kind!r} is none of {', '.join(ESTIMATORS)}")
        correlated *= tf.cast(tf.math.divide_no_nan(1.0, energy), tf.complex64)
    if known is None:
        return correlated
    return correlated * tf.constant(known, tf.complex64)


def window(name: str, length: int) -> NDArray[np.float64]:
    """Window of unit mean power, float64 [length]; its sum over the length is the loss in peak amplitude.

    References
    ----------
    F. J. Harris, "On the use of windows for harmonic analysis with the discrete Fourier transform", Proc. IEEE 66(1),
    1978.
    """
    angle = 2.0 * np.pi * np.arange(length) / length  # periodic form, as for spectra
    shape = {
        "rectangular": np.ones(length),
        "hamming": 0.54 - 0.46 * np.cos(angle),
        "hann": 0.5 - 0.5 * np.cos(angle),
    }[name]
    return np.asarray(shape / np.sqrt(np.mean(shape**2)))


@dataclass(frozen=True, kw_only=True)
class RangeDopplerMap:
    r"""Periodogram of a channel estimate over delay and Doppler.

    .. math:: P_{l,k} = \frac{1}{Q} \Big| \sum_{m,n} H_{m,n} e^{+2\pi j n k / N'} e^{-2\pi j m l / M'} \Big|^2

    with Q the number of known elements, so that white noise of unit variance has mean one in every cell and a target of
    signal-to-noise ratio S a peak of Q S over it. Axis l starts at Doppler 0 and wraps, as ``doppler_hz`` says.

    Parameters
    ----------
    grid : SensingGrid
        The frame.
    padding : int
        N'/N = M'/M, at least 1.
    windows : str
        One of ``WINDOWS``, on both axes.
    """

    grid: SensingGrid
    padding: int = 1
    windows: str = "rectangular"

    @property
    def shape(self) -> tuple[int, int]:
        """Doppler and delay cells M', N'."""
        return self.padding * self.grid.symbols, self.padding * self.grid.subcarriers

    @property
    def doppler_hz(self) -> NDArray[np.float64]:
        """Doppler shift of each row, float64 [M']; from half the unambiguous span on they are negative."""
        return np.asarray(-np.fft.fftfreq(self.shape[0], self.grid.period_s), np.float64)  # as `__call__` turns it

    @property
    def delay_s(self) -> NDArray[np.float64]:
        """Delay of each column, float64 [N']."""
        return np.arange(self.shape[1]) / (self.shape[1] * self.grid.subcarrier_spacing_hz)

    def _weights(self) -> NDArray[np.float64]:
        rows, columns = (window(self.windows, length) for length in (self.grid.symbols, self.grid.subcarriers))
        known = self.grid.sensed_energy > 0.0
        taper = np.outer(rows, columns) * known
        return np.asarray(taper / np.sqrt(np.sum(taper**2)))

    def __call__(self, channel: tf.Tensor) -> tf.Tensor:
        """Map of a channel estimate: complex64 [..., symbol, subcarrier] to float32 [..., M', N']."""
        # one inverse transform of both axes gives e^{+j} over both: the order of the Doppler axis is turned round
        if self.windows == "rectangular" and (self.grid.sensed_energy > 0.0).all():
            tapered, scale = channel, 1.0 / self.grid.energy.size
        else:
            tapered, scale = channel * tf.constant(self._weights(), tf.complex64), 1.0
        if self.padding > 1:
            more = [(self.padding - 1) * length for length in (self.grid.symbols, self.grid.subcarriers)]
            tapered = tf.pad(tapered, [[0, 0]] * (len(channel.shape) - 2) + [[0, m] for m in more])
        spectrum = tf.signal.ifft2d(tapered)  # which divides by the number of cells
        power = tf.square(tf.math.real(spectrum)) + tf.square(tf.math.imag(spectrum))
        return power * (scale * float(self.shape[0] * self.shape[1]) ** 2)


@dataclass(frozen=True, eq=False)
class Peak(TensorRecord):
    """The strongest reflection of each frame."""

    delay_s: tf.Tensor
    """Float64 [batch], over the unambiguous delay of the known elements from a native cell below 0 on: noise may push
    a target at 0 below it."""
    doppler_hz: tf.Tensor
    """Float64 [batch], within half the unambiguous Doppler shift of the known elements."""
    amplitude: tf.Tensor
    """Complex64 [batch]: mean of the channel estimate over the known elements, turned back by delay and Doppler; its
    phase is that at the middle of the grid."""


def strongest(rd_map: RangeDopplerMap, power: tf.Tensor, channel: tf.Tensor, *, refine: str = "newton") -> Peak:
    r"""Peak of a map, refined between its cells.

    ``quadratic`` lays a parabola through three cells of each axis. ``newton`` goes on from there to the maximum of
    :math:`|\sum H_{m,n} e^{j(n x - m y)}|^2` itself, which for one target in white noise is the maximum-likelihood
    estimate (D. C. Rife and R. R. Boorstyn, IEEE Trans. Inf. Theory 20(5), 1974).

    Parameters
    ----------
    rd_map : RangeDopplerMap
        How the map was made.
    power : float32 [batch, M', N']
        The map; with several antennas the sum of theirs.
    channel : complex64 [batch, symbol, subcarrier]
        The channel estimate it was made of.
    refine : str
        'none', 'quadratic' or 'newton'.

    Raises
    ------
    ValueError
        For an unknown refinement.
    """
    if refine not in ("none", "quadratic", "newton"):
        raise ValueError(f"{refine!r} is none of none, quadratic, newton")
    rows, columns = rd_map.shape
    place = tf.argmax(tf.reshape(power, [-1, rows * columns]), axis=1, output_type=tf.int32)
    row, column = place // columns, place % columns
    row_shift, column_shift = 0.0, 0.0
    if refine != "none":
        row_shift = _parabola(power, row, column, axis=0)
        column_shift = _parabola(power, row, column, axis=1)
    # radians per symbol and per subcarrier, of what has to be turned back
    y = -2.0 * np.pi / rows * (tf.cast(row, tf.float64) + tf.cast(row_shift, tf.float64))
    x = 2.0 * np.pi / columns * (tf.cast(column, tf.float64) + tf.cast(column_shift, tf.float64))
    for _ in range(_NEWTON_STEPS if refine == "newton" else 0):
        x, y = _newton(rd_map.grid, channel, x, y)
    grid = rd_map.grid
    delay, doppler = folded(grid, x / (2.0 * np.pi * grid.subcarrier_spacing_hz), y / (2.0 * np.pi * grid.period_s))
    # of the folded place: a whole turn more per symbol is half a turn at the middle between two symbols
    angles = 2.0 * np.pi * grid.subcarrier_spacing_hz * delay, 2.0 * np.pi * grid.period_s * doppler
    total = _moments(channel, *angles, (0,))[:, 0, 0]
    count = int((grid.sensed_energy > 0.0).sum())
    return Peak(delay, doppler, tf.cast(total, tf.complex64) / count)


def folded(grid: SensingGrid, delay_s: tf.Tensor, doppler_hz: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Delays and Doppler shifts within what is unambiguous, as `Peak` has them."""
    cell = grid.delay_cell_s
    delay_s = tf.math.floormod(delay_s + cell, grid.unambiguous_delay_s) - cell
    spans = doppler_hz / grid.unambiguous_doppler_hz  # a comb shows a target once in each
    return delay_s, (spans - tf.round(spans)) * grid.unambiguous_doppler_hz


def _parabola(power: tf.Tensor, row: tf.Tensor, column: tf.Tensor, *, axis: int) -> tf.Tensor:
    """Where the parabola through a peak and its two neighbours on an axis has its top, in cells, -1/2 to 1/2."""
    rows, columns = power.shape[1:]
    flat = tf.reshape(power, [-1, rows * columns])

    def at(step: int) -> tf.Tensor:
        moved = (row + step * (1 - axis)) % rows * columns + (column + step * axis) % columns
        return tf.gather(flat, moved, axis=1, batch_dims=1)

    before, here, after = at(-1), at(0), at(1)
    return tf.clip_by_value(tf.math.divide_no_nan(0.5 * (before - after), before - 2.0 * here + after), -0.5, 0.5)


def _moments(channel: tf.Tensor, x: tf.Tensor, y: tf.Tensor, powers: tuple[int, ...]) -> tf.Tensor:
    """Sums of H n^i m^j e^{j(n x - m y)} about the middle of the grid, complex128 [batch, i, j]."""
    symbols, subcarriers = channel.shape[-2:]
    n, m = (np.arange(length) - (length - 1) / 2 for length in (subcarriers, symbols))

    def basis(positions: NDArray[np.float64], angle: tf.Tensor, turn: float) -> tf.Tensor:
        cycles = angle[:, None] / (2.0 * np.pi) * positions
        phase = tf.cast(2.0 * np.pi * turn * (cycles - tf.round(cycles)), tf.float32)
        phasor = tf.complex(tf.cos(phase), tf.sin(phase))
        scaled = np.stack([(2.0 * positions / len(positions)) ** p for p in powers], axis=-1)
        return phasor[:, :, None] * tf.constant(scaled, tf.complex64)

    over_n = tf.matmul(channel, basis(n, x, 1.0))  # [batch, symbol, i]
    return tf.cast(tf.matmul(over_n, basis(m, y, -1.0), transpose_a=True), tf.complex128)


def _newton(grid: SensingGrid, channel: tf.Tensor, x: tf.Tensor, y: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """One step of Newton's method towards the maximum of the periodogram, at most half a cell on each axis."""
    s = _moments(channel, x, y, (0, 1, 2))
    step_x, step_y = grid.subcarriers / 2.0, grid.symbols / 2.0  # a moment's unit over a subcarrier, a symbol

    def cross(first: tf.Tensor, second: tf.Tensor) -> tf.Tensor:
        return tf.math.real(tf.math.conj(first) * second)

    total, dx, dy = s[:, 0, 0], 1j * s[:, 1, 0], -1j * s[:, 0, 1]
    gx, gy = cross(total, dx), cross(total, dy)
    hxx = cross(dx, dx) - cross(total, s[:, 2, 0])
    hyy = cross(dy, dy) - cross(total, s[:, 0, 2])
    hxy = cross(dx, dy) + cross(total, s[:, 1, 1])
    det = hxx * hyy - hxy * hxy
    concave = (hxx < 0.0) & (det > 0.0)
    safe = tf.where(concave, det, tf.ones_like(det))
    move_x = tf.where(concave, -(hyy * gx - hxy * gy) / safe, tf.zeros_like(gx)) / step_x
    move_y = tf.where(concave, -(hxx * gy - hxy * gx) / safe, tf.zeros_like(gy)) / step_y
    half_x, half_y = np.pi / grid.subcarriers, np.pi / grid.symbols
    return x + tf.clip_by_value(move_x, -half_x, half_x), y + tf.clip_by_value(move_y, -half_y, half_y)
