"""Data symbols of a slot to samples and back, for any waveform."""

import tensorflow as tf

from ntn6g.phy.grid import SlotGrid
from ntn6g.phy.ofdm import Ofdm
from ntn6g.phy.waveforms.spreading import Waveform


class Modem:
    """A waveform with the modulator that all share; unitary on the data when the grid has no reference signals.

    Parameters
    ----------
    grid : SlotGrid
        The slot.
    waveform : Waveform
        How its data is spread.
    oversampling : float
        Least samples per second over the occupied bandwidth.
    advance : float
        As in `Ofdm`.
    """

    def __init__(
        self, grid: SlotGrid, waveform: Waveform, *, oversampling: float = 1.25, advance: float = 0.25
    ) -> None:
        self._grid, self._waveform = grid, waveform
        self.ofdm = Ofdm(grid, advance=advance, oversampling=oversampling)

    def modulate(self, symbols: tf.Tensor) -> tf.Tensor:
        """Data symbols, complex64 or complex128 [B, data_elements], to samples [B, samples] of the same type."""
        return self.ofdm.modulate(self._grid.fill(self._waveform.spread(symbols)))

    def demodulate(self, samples: tf.Tensor) -> tf.Tensor:
        """Samples [B, samples] to data symbols [B, data_elements]; what the channel did is still in them."""
        return self._waveform.despread(self._grid.data_of(self.ofdm.demodulate(samples)))
