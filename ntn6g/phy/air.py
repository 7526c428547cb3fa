"""From the grid that is sent to the grid that arrives, without noise: per subcarrier, or as samples."""

from dataclasses import dataclass, replace

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from ntn6g.channel import ChannelRealization, frequency_response
from ntn6g.channel.response import phasor
from ntn6g.channel.time_domain import TimeDomainChannel
from ntn6g.core import random
from ntn6g.phy.grid import SYMBOLS_PER_SLOT, SlotGrid
from ntn6g.phy.ofdm import Ofdm
from ntn6g.phy.synchronisation import common_phase, offset_of_pairs, offset_of_prefixes, offset_within_symbol
from ntn6g.phy.synchronisation.compensation import wanted_gain
from ntn6g.phy.synchronisation.estimation import delay_of_pilots, offset_turn


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
    degree : int
        Of the polynomials by which gains move between the instants at which they are drawn, see `TimeDomainChannel`.
    """

    def __init__(self, grid: SlotGrid, *, normalise: bool, degree: int = 2) -> None:
        self._grid, self._normalise = grid, normalise
        self._ofdm = Ofdm(grid)
        bandwidth_hz = grid.subcarriers * grid.subcarrier_spacing_hz
        self._channel = TimeDomainChannel(self._ofdm.samples, self._ofdm.sample_rate_hz, bandwidth_hz, degree=degree)

    @property
    def times_s(self) -> NDArray[np.float64]:
        """Instants at which the realization must give its gains: the receiver's windows, then those of the samples."""
        return np.concatenate([self._grid.symbol_times_s - self._ofdm.advance_s, self._channel.times_s])

    @property
    def advance_s(self) -> float:
        """By how much the receiver's windows begin before the useful parts."""
        return self._ofdm.advance_s

    @property
    def max_delay_s(self) -> float:
        """Longest delay of a path that the samples can hold."""
        return self._channel.max_delay_s

    @property
    def earliest_s(self) -> float:
        """Least delay that the samples can hold, negative."""
        return self._channel.earliest_s

    @property
    def segment_s(self) -> float:
        """How long one polynomial of time holds."""
        return self._channel.segment_s

    def __call__(self, realization: ChannelRealization, sent: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """What arrives, and the true channel of every element: complex64 [B, 14, subcarriers] each."""
        samples, channel = self._through(realization, sent)
        turned = self._turned(channel, realization.bulk_doppler_hz, realization.bulk_doppler_rate_hz_s)
        return self._ofdm.demodulate(samples), turned

    def _through(self, realization: ChannelRealization, sent: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Samples that arrive, and the channel of every element without the offset."""
        at_symbols = replace(realization, gain=realization.gain[..., :SYMBOLS_PER_SLOT])
        channel = frequency_response(at_symbols, self._grid.frequencies_hz)
        moving = replace(realization, gain=realization.gain[..., SYMBOLS_PER_SLOT:])
        samples = self._channel(moving, self._ofdm.modulate(sent))
        if self._normalise:
            scale = _root_mean_power(channel)
            channel, samples = channel / scale, samples / scale[:, 0]
        window_s = self._grid.symbol_times_s - self._ofdm.advance_s
        drifting_s = realization.bulk_delay_s[:, None] + realization.bulk_delay_rate[:, None] * window_s
        late = tf.cast(drifting_s, tf.float32)[:, :, None]
        return samples, channel * tf.complex(*phasor(-late * self._grid.frequencies_hz.astype("float32")))

    def _turned(self, channel: tf.Tensor, offset_hz: tf.Tensor, rate_hz_s: tf.Tensor) -> tf.Tensor:
        early_s = self._ofdm.advance_s
        turn = common_phase(offset_hz, self._grid, earlier_s=early_s, rate_hz_s=rate_hz_s)[:, :, None]
        return channel * turn * _shrunk(offset_hz, self._grid)


@dataclass(frozen=True, kw_only=True)
class Left:
    """What a synchroniser leaves of each block, float32 [B].

    ``offset_hz`` is the bulk frequency offset less the one taken away, in the middle of the slot: a Doppler shift of
    the terminal's own, which is taken away with it, counts as an error. ``timing_s`` is the mean delay that the DM-RS
    show less that of the line of sight, so that echoes count (None without DM-RS): the error of a timing advance
    corrected by it.
    """

    offset_hz: tf.Tensor
    timing_s: tf.Tensor | None


class SynchronisedPath(SamplePath):
    """A sample path whose receiver finds the frequency offset from what it hears, noise included, and takes it away.

    Cyclic prefixes show any offset within half the subcarrier spacing, roughly; the DM-RS, further apart and known,
    show what is left of it finely. Both are estimated slot by slot.

    Parameters
    ----------
    grid : SlotGrid
        The slot; with two DM-RS symbols or more if they are used.
    normalise : bool
        As in `SubcarrierPath`.
    prefixes, pilots : bool
        What the receiver uses, prefixes first.
    degree : int
        As in `SamplePath`.
    """

    def __init__(self, grid: SlotGrid, *, normalise: bool, prefixes: bool, pilots: bool, degree: int = 2) -> None:
        super().__init__(grid, normalise=normalise, degree=degree)
        self._prefixes, self._pilots = prefixes, pilots

    def hear(
        self, realization: ChannelRealization, sent: tf.Tensor, noise_keys: tf.Tensor, noise_variance: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, Left]:
        """What arrives with noise, uint32 [B, 2] and float32 [B], the true channel after correction, what is left."""
        samples, channel = self._through(realization, sent)
        noise = random.complex_normal(noise_keys, (samples.shape[1],))
        samples += tf.cast(tf.sqrt(noise_variance), tf.complex64)[:, None] * noise
        left_hz = realization.bulk_doppler_hz
        if self._prefixes:
            found_hz = offset_of_prefixes(samples, self._ofdm)
            samples, left_hz = self._corrected(samples, found_hz), left_hz - tf.cast(found_hz, tf.float64)
        received = self._ofdm.demodulate(samples)
        if self._pilots:
            found_hz = offset_of_pairs(self._grid, received)
            received = self._ofdm.demodulate(self._corrected(samples, found_hz))
            left_hz -= tf.cast(found_hz, tf.float64)
        rate_hz_s = realization.bulk_doppler_rate_hz_s
        middle_s = 0.5 * self._grid.slot_duration_s
        late_s = realization.bulk_delay_s + realization.bulk_delay_rate * middle_s
        timing_s = None
        if len(self._grid.dmrs_symbols):
            timing_s = delay_of_pilots(self._grid, received) - tf.cast(late_s, tf.float32)
        left = Left(offset_hz=tf.cast(left_hz + rate_hz_s * middle_s, tf.float32), timing_s=timing_s)
        return received, self._turned(channel, left_hz, rate_hz_s), left

    def _corrected(self, samples: tf.Tensor, offset_hz: tf.Tensor) -> tf.Tensor:
        return samples * offset_turn(offset_hz, self._ofdm, self._ofdm.samples)


def _shrunk(offset_hz: tf.Tensor, grid: SlotGrid) -> tf.Tensor:
    return tf.cast(wanted_gain(offset_hz, grid), tf.complex64)[:, None, None]


def _root_mean_power(channel: tf.Tensor) -> tf.Tensor:
    power = tf.square(tf.math.real(channel)) + tf.square(tf.math.imag(channel))
    return tf.cast(tf.sqrt(tf.reduce_mean(power, axis=[1, 2], keepdims=True)), tf.complex64)
