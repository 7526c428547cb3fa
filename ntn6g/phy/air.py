"""From the grid that is sent to the grid that arrives, without noise: per subcarrier, or as samples."""

from dataclasses import replace

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from ntn6g.channel import ChannelRealization, frequency_response
from ntn6g.channel.time_domain import TimeDomainChannel
from ntn6g.phy.grid import SYMBOLS_PER_SLOT, SlotGrid
from ntn6g.phy.ofdm import Ofdm
from ntn6g.phy.synchronisation import common_phase, offset_within_symbol, wanted_gain


class SubcarrierPath:
    """The channel as a factor on every element, constant over a symbol; an offset leaks exactly if asked for.

    Parameters
    ----------
    grid : SlotGrid
        The slot.
    frequency_offset : bool
        True applies the bulk Doppler as common phase and inter-carrier interference.
    normalise : bool
        True scales every draw to unit mean gain over the slot's elements.
    """

    def __init__(self, grid: SlotGrid, *, frequency_offset: bool, normalise: bool) -> None:
        self._grid, self._offset, self._normalise = grid, frequency_offset, normalise

    @property
    def times_s(self) -> NDArray[np.float64]:
        """Instants at which the realization must give its gains."""
        return self._grid.symbol_times_s

    def __call__(self, realization: ChannelRealization, sent: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """What arrives, and the true channel of every element: complex64 [B, 14, subcarriers] each."""
        channel = frequency_response(realization, self._grid.frequencies_hz)
        if self._normalise:
            channel /= _root_mean_power(channel)
        received = channel * sent
        if self._offset:
            offset_hz = realization.bulk_doppler_hz
            turn = common_phase(offset_hz, self._grid)[:, :, None]
            received = turn * offset_within_symbol(received, offset_hz, self._grid)
            channel = channel * turn * _shrunk(offset_hz, self._grid)
        return received, channel


class SamplePath:
    """The slot modulated to samples, sent through the channel sample by sample, and demodulated.

    Delays beyond the cyclic prefix, gains that change within a symbol and offsets interfere as they do in nature. The
    true channel that it gives is that of each symbol's middle.

    Parameters
    ----------
    grid : SlotGrid
        The slot.
    normalise : bool
        As in `SubcarrierPath`.
    """

    def __init__(self, grid: SlotGrid, *, normalise: bool) -> None:
        self._grid, self._normalise = grid, normalise
        self._ofdm = Ofdm(grid)
        self._channel = TimeDomainChannel(
            self._ofdm.samples, self._ofdm.sample_rate_hz, grid.subcarriers * grid.subcarrier_spacing_hz
        )

    @property
    def times_s(self) -> NDArray[np.float64]:
        """Instants at which the realization must give its gains: the receiver's windows, then those of the samples."""
        return np.concatenate([self._grid.symbol_times_s - self._ofdm.advance_s, self._channel.times_s])

    @property
    def max_delay_s(self) -> float:
        """Longest delay of a path that the samples can hold."""
        return self._channel.max_delay_s

    def __call__(self, realization: ChannelRealization, sent: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """What arrives, and the true channel of every element: complex64 [B, 14, subcarriers] each."""
        at_symbols = replace(realization, gain=realization.gain[..., :SYMBOLS_PER_SLOT])
        channel = frequency_response(at_symbols, self._grid.frequencies_hz)
        moving = replace(realization, gain=realization.gain[..., SYMBOLS_PER_SLOT:])
        received = self._ofdm.demodulate(self._channel(moving, self._ofdm.modulate(sent)))
        if self._normalise:
            scale = _root_mean_power(channel)
            channel, received = channel / scale, received / scale
        offset_hz = realization.bulk_doppler_hz
        turn = common_phase(offset_hz, self._grid, earlier_s=self._ofdm.advance_s)[:, :, None]
        return received, channel * turn * _shrunk(offset_hz, self._grid)


def _shrunk(offset_hz: tf.Tensor, grid: SlotGrid) -> tf.Tensor:
    return tf.cast(wanted_gain(offset_hz, grid), tf.complex64)[:, None, None]


def _root_mean_power(channel: tf.Tensor) -> tf.Tensor:
    power = tf.square(tf.math.real(channel)) + tf.square(tf.math.imag(channel))
    return tf.cast(tf.sqrt(tf.reduce_mean(power, axis=[1, 2], keepdims=True)), tf.complex64)
