"""Removal of the satellite's delay and Doppler, and what an imperfect removal does to the grid."""

import dataclasses
import math

import numpy as np
import tensorflow as tf

from ntn6g.channel import ChannelRealization
from ntn6g.phy.grid import SlotGrid


def precompensate(
    realization: ChannelRealization,
    *,
    residual_offset_hz: tf.Tensor,
    residual_delay_s: tf.Tensor | None = None,
    residual_doppler_rate_hz_s: tf.Tensor | None = None,
    residual_delay_rate: tf.Tensor | None = None,
) -> ChannelRealization:
    """Bulk terms after compensation from ephemeris: only a residual frequency offset and delay stay, and their rates.

    The bulk delay and Doppler of the line of sight are known from geometry and taken out before the grid. What the
    compensation leaves is given, not estimated.

    Parameters
    ----------
    realization : ChannelRealization
        With bulk terms of shape [B].
    residual_offset_hz : float [B]
        Frequency offset that remains, common to all paths.
    residual_delay_s : float64 [B], optional
        Delay that remains, negative for a signal that comes early; none by default.
    residual_doppler_rate_hz_s, residual_delay_rate : float64 [B], optional
        How both change within the block, in Hz/s and s/s; by default they are tracked and do not.
    """
    nothing = tf.zeros_like(realization.bulk_delay_s)

    def left(given: tf.Tensor | None) -> tf.Tensor:
        return nothing if given is None else tf.cast(given, tf.float64)

    return dataclasses.replace(
        realization,
        bulk_delay_s=left(residual_delay_s),
        bulk_delay_rate=left(residual_delay_rate),
        bulk_doppler_hz=tf.cast(residual_offset_hz, tf.float64),
        bulk_doppler_rate_hz_s=left(residual_doppler_rate_hz_s),
    )


def common_phase(
    offset_hz: tf.Tensor, grid: SlotGrid, *, earlier_s: float = 0.0, rate_hz_s: tf.Tensor | None = None
) -> tf.Tensor:
    """Rotation of each symbol by a frequency offset, exp(j 2 pi (offset t + rate t^2 / 2)): [B] to complex64 [B, 14].

    The instant of a symbol is the middle of its useful part, or ``earlier_s`` before it.
    """
    time_s = grid.symbol_times_s - earlier_s
    cycles = tf.cast(offset_hz, tf.float64)[:, None] * time_s
    if rate_hz_s is not None:
        cycles += 0.5 * rate_hz_s[:, None] * time_s**2
    angle = tf.cast(2.0 * math.pi * (cycles - tf.round(cycles)), tf.float32)
    return tf.complex(tf.cos(angle), tf.sin(angle))


def offset_within_symbol(grid_values: tf.Tensor, offset_hz: tf.Tensor, grid: SlotGrid) -> tf.Tensor:
    """Inter-carrier interference of a frequency offset, exact for a channel that fits the cyclic prefix.

    A rotation common to all paths multiplies the samples after the channel, so the spectrum of each symbol is
    taken to samples, turned by exp(j 2 pi e n / N) with n counted from the middle of the symbol and
    e = offset / subcarrier spacing, and taken back. The wanted part shrinks by sin(pi e) / (N sin(pi e / N)); the rest
    leaks onto the other subcarriers. N is the power of two above the occupied subcarriers.

    Parameters
    ----------
    grid_values : complex64 [B, 14, subcarriers]
        What would be received without offset and without noise.
    offset_hz : float [B]
        Frequency offset.
    """
    size = 1 << (grid.subcarriers - 1).bit_length()
    padded = tf.pad(grid_values, [[0, 0], [0, 0], [0, size - grid.subcarriers]])
    position = (np.arange(size) - (size - 1) / 2) / size
    angle = tf.cast(offset_hz, tf.float32)[:, None] * (2.0 * math.pi / grid.subcarrier_spacing_hz * position)
    turn = tf.complex(tf.cos(angle), tf.sin(angle))[:, None, :]
    return tf.signal.fft(tf.signal.ifft(padded) * turn)[:, :, : grid.subcarriers]


def wanted_gain(offset_hz: tf.Tensor, grid: SlotGrid) -> tf.Tensor:
    """Factor by which an offset shrinks the wanted part of each element, float32 [B]; 1 without offset."""
    size = 1 << (grid.subcarriers - 1).bit_length()
    e = tf.cast(offset_hz, tf.float32) / grid.subcarrier_spacing_hz
    return tf.where(e == 0.0, 1.0, tf.sin(math.pi * e) / (size * tf.sin(math.pi * e / size)))
