"""What else a sensing receiver hears: the direct path or its own transmitter, clutter, its platform's motion."""

from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from ntn6g.core import random
from ntn6g.core.constants import SPEED_OF_LIGHT_M_S
from ntn6g.orbit.state import TensorRecord
from ntn6g.services.sensing.frames.echo import steering, turns
from ntn6g.services.sensing.frames.grid import SensingGrid


@dataclass(frozen=True, eq=False)
class Surroundings(TensorRecord):
    """Of every frame of a batch; energies on an element of unit energy over the noise density, linear."""

    direct: tf.Tensor
    """Float32 [batch]: direct path of a bistatic radar or own transmitter of a monostatic one, after cancellation."""
    direct_delay_s: tf.Tensor
    """Float64 [batch]: where it lies, as delays of targets."""
    distortion: tf.Tensor
    """Float32 [batch]: share of its energy that is not a copy of what was sent (noise and distortion of the
    transmitter): white, and no cancellation by what was sent reaches it."""
    clutter: tf.Tensor
    """Float32 [batch]: mean of all scatterers of clutter together."""
    clutter_from_s: tf.Tensor
    """Float64 [batch]: delay of the nearest clutter."""
    clutter_extent_s: tf.Tensor
    """Float64 [batch]: clutter lies within so much delay from there on, uniformly."""
    clutter_spread_hz: tf.Tensor
    """Float64 [batch]: standard deviation of the Doppler shift of a scatterer, normal about 0."""
    platform_m_s: tf.Tensor
    """Float64 [batch]: rate at which the platform's motion shortens every echo's path."""
    compensated_m_s: tf.Tensor
    """Float64 [batch]: the part of it that the receiver knows and takes out."""


def clutter_response(grid: SensingGrid, around: Surroundings, keys: tf.Tensor, scatterers: int) -> tf.Tensor:
    """Echo of random clutter: point scatterers at uniform delays, with complex normal reflections.

    With many scatterers in a cell its envelope is Rayleigh; its Doppler spectrum is Gaussian. The mean energy of a cell
    of delay is that of all over the cells of the extent.

    Parameters
    ----------
    grid : SensingGrid
        The frame.
    around : Surroundings
        Of each frame.
    keys : uint32 [batch, 2]
        The streams 'clutter', 'clutter place' and 'clutter speed' are used.
    scatterers : int
        Their number; some tens in every cell of delay make its echo normal.

    Returns
    -------
    complex64 [batch, symbol, subcarrier]
    """
    place = tf.cast(random.uniform(random.stream(keys, "clutter place"), (scatterers,)), tf.float64)
    speed = tf.cast(random.normal(random.stream(keys, "clutter speed"), (scatterers,)), tf.float64)
    delay_s = around.clutter_from_s[:, None] + place * around.clutter_extent_s[:, None]
    over_subcarriers, over_symbols = steering(grid, delay_s, speed * around.clutter_spread_hz[:, None])
    gain = random.complex_normal(random.stream(keys, "clutter"), (scatterers,))
    amplitude = tf.cast(tf.sqrt(around.clutter / scatterers), tf.complex64)[:, None] * gain
    return tf.matmul(over_symbols * amplitude[:, :, None], over_subcarriers, transpose_a=True)


def direct_response(grid: SensingGrid, around: Surroundings, keys: tf.Tensor) -> tf.Tensor:
    """What is left of the direct path, at a uniform phase: complex64 [batch, symbol, subcarrier].

    The stream 'direct' is used.
    """
    phase = 2.0 * np.pi * random.uniform(random.stream(keys, "direct"), (1,))
    over_subcarriers, over_symbols = steering(grid, around.direct_delay_s, tf.zeros_like(around.direct_delay_s))
    gain = tf.cast(tf.sqrt(around.direct), tf.complex64)[:, None] * tf.complex(tf.cos(phase), tf.sin(phase))
    return (gain * over_symbols)[:, :, None] * over_subcarriers[:, None, :]


def distortion_noise(around: Surroundings, keys: tf.Tensor, shape: tuple[int, int]) -> tf.Tensor:
    """White noise of the transmitter through the direct path: complex64 [batch, symbol, subcarrier].

    The stream 'distortion' is used.
    """
    noise = random.complex_normal(random.stream(keys, "distortion"), shape)
    return tf.cast(tf.sqrt(around.direct * around.distortion), tf.complex64)[:, None, None] * noise


def motion(grid: SensingGrid, carrier_hz: float, speed_m_s: tf.Tensor) -> tf.Tensor:
    r"""Phasor of a path that shortens at a constant rate: Doppler shift and range walk.

    .. math:: e^{2\pi j (f_c + n \Delta f) m T v / c}

    Parameters
    ----------
    grid : SensingGrid
        The frame.
    carrier_hz : float
        :math:`f_c`, that of subcarrier 0.
    speed_m_s : float64 [batch]
        :math:`v`; the whole path of a monostatic radar shortens twice as fast as its platform comes nearer.

    Returns
    -------
    complex64 [batch, symbol, subcarrier]
    """
    frequency_hz = carrier_hz + np.arange(grid.subcarriers) * grid.subcarrier_spacing_hz
    cycles = np.outer(np.arange(grid.symbols) * grid.period_s / SPEED_OF_LIGHT_M_S, frequency_hz).ravel()
    shape = [-1, grid.symbols, grid.subcarriers]
    return tf.reshape(turns(cycles, tf.convert_to_tensor(speed_m_s, tf.float64)), shape)
