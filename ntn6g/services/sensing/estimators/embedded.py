r"""Delay and Doppler from a pilot that stands alone among data: OTFS and AFDM.

In the domain of the waveform's own symbols a target shifts what was sent by whole cells, if it lies on the grid:
:math:`y[k, l] = \sum_p h_p x[(k - k_p)_M, (l - l_p)_N] + z`. A pilot with an empty surround that is as wide as the
largest shifts shows every target as a copy of itself, and data beyond stay clear of them (P. Raviteja, K. T. Phan and
Y. Hong, "Embedded pilot-aided channel estimation for OTFS in delay-Doppler channels", IEEE Trans. Veh. Technol. 68(5),
2019). A target between cells leaks into its neighbours, as there.
"""

from collections.abc import Callable

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from ntn6g.services.sensing.frames.grid import SensingGrid
from ntn6g.services.sensing.frames.waveforms import despread, spread

_KINDS = ("otfs", "afdm")


class EmbeddedPilot:
    """Frames of a pilot, its surround and data, and the targets that they show.

    Symbols lie over Doppler and delay: of OTFS as they are sent. AFDM spreads no symbol over time, so that its symbols
    are taken through a Fourier transform over the frame first; a delay of l samples turns its chirps by ``chirp`` l
    places, which are then as wide apart, and by a phase that is taken out again.

    Parameters
    ----------
    grid : SensingGrid
        The frame; all elements are sent.
    kind : str
        'otfs' or 'afdm'.
    delay_cells, doppler_cells : int
        Largest delay, and largest Doppler shift on either side, in native cells.
    pilot_energy : float
        Of the pilot over that of a data symbol; the surround has none.
    chirp : int
        Of AFDM, 2 N c1.

    Raises
    ------
    ValueError
        For another waveform, or a surround that does not fit on the frame.
    """

    def __init__(
        self,
        grid: SensingGrid,
        kind: str,
        *,
        delay_cells: int,
        doppler_cells: int,
        pilot_energy: float,
        chirp: int = 1,
    ) -> None:
        if kind not in _KINDS:
            raise ValueError(f"{kind!r} is none of {', '.join(_KINDS)}")
        self.grid, self.kind, self.pilot_energy = grid, kind, pilot_energy
        self.delay_cells, self.doppler_cells, self._chirp = delay_cells, doppler_cells, chirp
        self._step = chirp if kind == "afdm" else 1  # places per cell of delay
        wide, high = 2 * self._step * delay_cells + 1, 4 * doppler_cells + 1
        if wide > grid.subcarriers or high > grid.symbols:
            raise ValueError(f"a surround of {high} x {wide} cells does not fit on {grid.symbols} x {grid.subcarriers}")
        self._row, self._column = grid.symbols // 2, grid.subcarriers // 2
        rows = self._row + np.arange(-2 * doppler_cells, 2 * doppler_cells + 1)
        columns = self._column + np.arange(-self._step * delay_cells, self._step * delay_cells + 1)
        self.data_mask: NDArray[np.bool_] = np.ones((grid.symbols, grid.subcarriers), bool)
        """Cells that carry data, bool [Doppler, delay]."""
        self.data_mask[np.ix_(rows % grid.symbols, columns % grid.subcarriers)] = False

    def sent(self, data: tf.Tensor) -> tf.Tensor:
        """Elements of a frame.

        Parameters
        ----------
        data : complex64 [batch, Doppler, delay]
            Symbols of unit energy; those within the surround are left out.

        Returns
        -------
        complex64 [batch, symbol, subcarrier]
            Of as much energy in all as data and pilot have.
        """
        cells = np.zeros(self.data_mask.shape, np.complex64)
        cells[self._row, self._column] = np.sqrt(self.pilot_energy)
        laid = data * tf.constant(self.data_mask, tf.complex64) + tf.constant(cells)
        if self.kind == "otfs":
            return spread(laid, "otfs")
        return spread(_over_symbols(laid, tf.signal.ifft, np.sqrt(self.grid.symbols)), "afdm", chirp=self._chirp)

    def response(self, received: tf.Tensor) -> tf.Tensor:
        """What surrounds the pilot, over its amplitude.

        Parameters
        ----------
        received : complex64 [batch, symbol, subcarrier]
            Elements as received, with noise of variance v.

        Returns
        -------
        complex64 [batch, 2 doppler_cells + 1, delay_cells + 1]
            Reflection at every shift of Doppler, from the lowest on, and delay; noise of variance v / pilot_energy, as
            far as all symbols of data stay away.
        """
        grid = self.grid
        if self.kind == "otfs":
            cells = despread(received, "otfs")
        else:
            chirped = despread(received, "afdm", chirp=self._chirp)
            cells = _over_symbols(chirped, tf.signal.fft, 1.0 / np.sqrt(grid.symbols))
        shifts, delays = np.arange(-self.doppler_cells, self.doppler_cells + 1), np.arange(self.delay_cells + 1)
        rows = (self._row + shifts) % grid.symbols
        columns = (self._column + self._turned(delays)) % grid.subcarriers
        seen = tf.gather(tf.gather(cells, rows, axis=1), columns, axis=2)
        return seen * tf.constant(np.conj(self._phase(delays)) / np.sqrt(self.pilot_energy), tf.complex64)

    def targets(self, response: tf.Tensor, noise: float, *, threshold: float = 3.0) -> tf.Tensor:
        """Which shifts hold a target: those whose amplitude is above so many deviations of the noise.

        Parameters
        ----------
        response : complex64 [batch, Doppler, delay]
            From `response`.
        noise : float
            Variance of the noise on a received element.
        threshold : float
            In deviations; 3 as in the reference, where a cell without target passes with probability exp(-9).

        Returns
        -------
        bool [batch, Doppler, delay]
        """
        return tf.abs(response) >= threshold * float(np.sqrt(noise / self.pilot_energy))

    @property
    def doppler_hz(self) -> NDArray[np.float64]:
        """Of each row of a response."""
        return np.asarray(np.arange(-self.doppler_cells, self.doppler_cells + 1) * self.grid.doppler_cell_hz)

    @property
    def delay_s(self) -> NDArray[np.float64]:
        """Of each column of a response."""
        return np.asarray(np.arange(self.delay_cells + 1) * self.grid.delay_cell_s)

    def _turned(self, delays: NDArray[np.int64]) -> NDArray[np.int64]:
        return -self._step * delays if self.kind == "afdm" else delays

    def _phase(self, delays: NDArray[np.int64]) -> NDArray[np.complex128]:
        """That a delay l gives AFDM's pilot k, whose chirp is late: exp(j pi chirp l^2 / N - 2 pi j k l / N)."""
        if self.kind == "otfs":
            return np.ones(len(delays), complex)
        count = self.grid.subcarriers
        turns = 0.5 * self._chirp * delays.astype(float) ** 2 - self._column * delays
        return np.asarray(np.exp(2j * np.pi * turns / count))


def _over_symbols(grid: tf.Tensor, transform: Callable[[tf.Tensor], tf.Tensor], scale: float) -> tf.Tensor:
    return tf.transpose(transform(tf.transpose(grid, [0, 2, 1])) * scale, [0, 2, 1])
