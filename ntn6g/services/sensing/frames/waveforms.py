r"""Waveforms as unitary transforms of the data before they are laid on subcarriers and symbols.

What a receiver of echoes correlates with is always the grid of subcarriers and symbols that was sent; the waveform
decides which grid that is. With a cyclic prefix per symbol, correlating an OTFS or AFDM frame over delay and Doppler is
the matched channel estimate of that grid followed by the map, so that one chain serves all. Data of constant modulus
on subcarriers have the lowest mean sidelobes (F. Liu et al., arXiv:2407.06691).
"""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from ntn6g.services.sensing.frames.grid import SensingGrid

WAVEFORMS = ("ofdm", "dft-s-ofdm", "otfs", "afdm")


def spread(symbols: tf.Tensor, kind: str, *, chirp: int = 1) -> tf.Tensor:
    r"""Grid of subcarriers and symbols of data.

    ``ofdm`` leaves them; ``dft-s-ofdm`` transforms every symbol over its subcarriers; ``otfs`` is the inverse
    symplectic transform :math:`X_{m,n} = \frac{1}{\sqrt{MN}} \sum_{k,l} x_{k,l} e^{2\pi j (mk/M - nl/N)}` (R. Hadani
    et al., "Orthogonal time frequency space modulation", IEEE WCNC 2017); ``afdm`` is per symbol the spectrum of
    :math:`s_t = e^{2\pi j c_1 t^2} \frac{1}{\sqrt{N}} \sum_k x_k e^{2\pi j t k / N}` with
    :math:`c_1 = \mathrm{chirp}/(2N)` and :math:`c_2 = 0` (A. Bemani, N. Ksairi and M. Kountouris, "Affine frequency
    division multiplexing for next generation wireless communications", IEEE Trans. Wireless Commun. 22(11), 2023).

    Parameters
    ----------
    symbols : complex64 [batch, symbol, subcarrier]
        Constellation points.
    kind : str
        One of ``WAVEFORMS``.
    chirp : int
        Of AFDM, 2 N c1.

    Raises
    ------
    ValueError
        For an unknown waveform; for AFDM on an odd number of subcarriers, where the chirp of an odd ``chirp`` is not
        periodic and a cyclic prefix does not serve.
    """
    _check(kind, symbols, chirp)
    count = symbols.shape[-1]
    root = 1.0 / np.sqrt(count)
    if kind == "dft-s-ofdm":
        return tf.signal.fft(symbols) * root
    if kind == "otfs":
        rows = symbols.shape[-2]
        over_n = tf.signal.fft(symbols) * root
        turned = tf.signal.ifft(tf.transpose(over_n, [0, 2, 1])) * np.sqrt(rows)
        return tf.transpose(turned, [0, 2, 1])
    if kind == "afdm":
        return tf.signal.fft(tf.signal.ifft(symbols) * _chirp(count, chirp))
    return symbols


def despread(grid: tf.Tensor, kind: str, *, chirp: int = 1) -> tf.Tensor:
    """The inverse of `spread`: complex64 [batch, symbol, subcarrier] to the same; parameters and errors as there."""
    _check(kind, grid, chirp)
    count = grid.shape[-1]
    if kind == "dft-s-ofdm":
        return tf.signal.ifft(grid) * np.sqrt(count)
    if kind == "otfs":
        over_n = tf.signal.ifft(grid) * np.sqrt(count)
        turned = tf.signal.fft(tf.transpose(over_n, [0, 2, 1])) / np.sqrt(grid.shape[-2])
        return tf.transpose(turned, [0, 2, 1])
    if kind == "afdm":
        return tf.signal.fft(tf.signal.ifft(grid) * tf.math.conj(_chirp(count, chirp)))
    return grid


def _check(kind: str, symbols: tf.Tensor, chirp: int) -> None:
    if kind not in WAVEFORMS:
        raise ValueError(f"{kind!r} is none of {', '.join(WAVEFORMS)}")
    count = symbols.shape[-1]
    if kind == "afdm" and count % 2 and chirp % 2:
        raise ValueError(f"afdm with chirp {chirp} needs an even number of subcarriers, not {count}")


def _chirp(count: int, chirp: int) -> tf.Tensor:
    t = np.arange(count)
    return tf.constant(np.exp(2j * np.pi * ((chirp * t * t) % (2 * count)) / (2 * count)), tf.complex64)


class DataRows:
    """Data on the elements beside pilots, spread by a waveform (a `ntn6g.phy.waveforms.Waveform`).

    Parameters
    ----------
    grid : SensingGrid
        With pilots apart; in whole symbols for all waveforms but 'ofdm', which spread over all subcarriers.
    kind : str
        One of ``WAVEFORMS``.

    Raises
    ------
    ValueError
        For a comb of pilots under a waveform that spreads.
    """

    def __init__(self, grid: SensingGrid, kind: str) -> None:
        if kind != "ofdm" and not pilots_in_whole_symbols(grid):
            raise ValueError(
                f"{kind} spreads data over whole symbols, which a comb of pilots leaves none of; set comb to 1 and "
                "symbol_step above 1, or take pilot_share away"
            )
        self.kind, self._grid = kind, grid
        self.index = np.flatnonzero(~grid.pilot_mask).astype(np.int32)
        """Places of the data elements in the grid, row by row."""
        self.block_elements = {"ofdm": 1, "otfs": self.index.size}.get(kind, grid.subcarriers)
        """Elements over which each symbol is spread."""

    def spread(self, symbols: tf.Tensor) -> tf.Tensor:
        """Data symbols to data elements, complex64 [batch, data element]."""
        return self._rows(symbols, spread)

    def despread(self, elements: tf.Tensor) -> tf.Tensor:
        """The inverse of `spread`."""
        return self._rows(elements, despread)

    def _rows(self, flat: tf.Tensor, turn: Callable[[tf.Tensor, str], tf.Tensor]) -> tf.Tensor:
        if self.kind == "ofdm":
            return flat
        return tf.reshape(turn(tf.reshape(flat, [flat.shape[0], -1, self._grid.subcarriers]), self.kind), flat.shape)

    def laid(self, symbols: tf.Tensor, pilots: tf.Tensor | float) -> tf.Tensor:
        """Grid of spread data symbols [batch, data element] and pilots, complex64 [batch, symbol, subcarrier]."""
        order = np.zeros(self._grid.pilot_mask.size, np.int32)
        order[self.index] = np.arange(self.index.size)
        laid = tf.gather(self.spread(symbols), order, axis=1)
        laid = tf.reshape(laid, [symbols.shape[0], *self._grid.pilot_mask.shape])
        return tf.where(tf.constant(self._grid.pilot_mask), tf.cast(pilots, laid.dtype), laid)

    def data_of(self, grid: tf.Tensor) -> tf.Tensor:
        """Data elements of a grid, [batch, data element]."""
        return tf.gather(tf.reshape(grid, [grid.shape[0], -1]), self.index, axis=1)


def pilots_in_whole_symbols(grid: SensingGrid) -> bool:
    """Whether pilots leave whole symbols to data."""
    return grid.comb == 1 and grid.symbol_step > 1
