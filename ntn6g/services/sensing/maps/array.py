"""A line of receive antennas: beams that do not overlap, and the direction of the strongest reflection."""

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from ntn6g.services.sensing.frames.echo import steering
from ntn6g.services.sensing.maps.periodogram import Peak, RangeDopplerMap, strongest

_SCAN = 8  # places per beam at which a peak over directions is looked for: the next one is 0.06 dB below it
_ROUNDS = 2  # of delay and Doppler, then direction; about the middle of the grid they are not coupled
_NEWTON_STEPS = 3


def beam_sines(antennas: int) -> NDArray[np.float64]:
    """Sines to which the beams of `form_beams` look, float64 [antenna]: 2 k / L, above one half wrapped round."""
    return np.asarray(2.0 * np.fft.fftfreq(antennas), np.float64)


def form_beams(channel: tf.Tensor) -> tf.Tensor:
    r"""Orthogonal beams of antennas half a wavelength apart.

    .. math:: B_k = \frac{1}{\sqrt{L}} \sum_l H_l e^{-2\pi j k l / L}

    Unitary, so that white noise keeps its variance and is independent from beam to beam, and a target in the middle of
    a beam has L times the signal-to-noise ratio there that it has on one antenna.

    Parameters
    ----------
    channel : complex64 [batch, antenna, symbol, subcarrier]
        Channel estimates.

    Returns
    -------
    complex64 [batch, beam, symbol, subcarrier]
    """
    antennas = channel.shape[1]
    place = np.arange(antennas)
    turn = np.exp(-2j * np.pi * (np.outer(place, place) % antennas) / antennas) / np.sqrt(antennas)
    flat = tf.reshape(channel, [channel.shape[0], antennas, -1])
    return tf.reshape(tf.matmul(tf.constant(turn, tf.complex64), flat), channel.shape)


def strongest_of_beams(
    rd_map: RangeDopplerMap, power: tf.Tensor, channel: tf.Tensor, *, refine: str = "newton"
) -> tuple[Peak, tf.Tensor]:
    r"""Peak over beams, delay and Doppler, refined between the cells of all three.

    From the highest cell on, delay and Doppler shift are refined in the sum of all antennas towards the direction, and
    the direction in the sums of every antenna's elements, turned back by delay and Doppler shift. With ``newton`` this
    ends at the maximum of :math:`|\sum H_{l,m,n} e^{j(n x - m y - \pi l u)}|^2`, the maximum-likelihood estimate of one
    target in white noise.

    Parameters
    ----------
    rd_map : RangeDopplerMap
        How the maps were made.
    power : float32 [batch, beam, M', N']
        Maps of the beams of `form_beams`.
    channel : complex64 [batch, antenna, symbol, subcarrier]
        Channel estimates of the antennas.
    refine : str
        As `strongest`; directions of 'none' are eighths of a beam.

    Returns
    -------
    (peak, sine) : Peak, float64 [batch]
        Its amplitude is the mean over antennas too; the sine of the direction from broadside, -1 to 1.
    """
    antennas, cells = channel.shape[1], power.shape[2] * power.shape[3]
    beam = tf.argmax(tf.reshape(power, [power.shape[0], -1]), axis=1, output_type=tf.int32) // cells
    looked_at = tf.gather(power, beam, axis=1, batch_dims=1)
    sine = tf.gather(tf.constant(beam_sines(antennas)), beam)
    flat = tf.reshape(channel, [channel.shape[0], antennas, -1])
    for _ in range(_ROUNDS):
        towards = tf.matmul(_line(antennas, sine)[:, None], flat) / antennas
        peak = strongest(rd_map, looked_at, tf.reshape(towards, [-1, *channel.shape[2:]]), refine=refine)
        over_n, over_m = steering(rd_map.grid, -peak.delay_s, -peak.doppler_hz)
        sums = tf.matmul(channel, over_n[:, None, :, None])[..., 0]  # [batch, antenna, symbol]
        sine = _direction(tf.linalg.matvec(sums, over_m), refine)
    return peak, sine


def _line(antennas: int, sine: tf.Tensor) -> tf.Tensor:
    """Weights that turn a direction back, complex64 [batch, antenna]."""
    cycles = 0.5 * sine[:, None] * np.arange(antennas)
    angle = tf.cast(-2.0 * np.pi * (cycles - tf.round(cycles)), tf.float32)
    return tf.complex(tf.cos(angle), tf.sin(angle))


def _direction(snapshot: tf.Tensor, refine: str) -> tf.Tensor:
    """Sine at which the antennas add up best: complex64 [batch, antenna] to float64 [batch]."""
    antennas = snapshot.shape[1]
    places = _SCAN * antennas
    power = tf.square(tf.abs(tf.signal.fft(tf.pad(snapshot, [[0, 0], [0, places - antennas]]))))
    top = tf.argmax(power, axis=1, output_type=tf.int32)
    cell = tf.cast(top, tf.float64)
    if refine != "none":
        before, here, after = (
            tf.cast(tf.gather(power, (top + k) % places, axis=1, batch_dims=1), tf.float64) for k in (-1, 0, 1)
        )
        bend = before - 2.0 * here + after
        cell += tf.clip_by_value(tf.math.divide_no_nan(0.5 * (before - after), bend), -0.5, 0.5)
    sine = 2.0 * cell / places
    for _ in range(_NEWTON_STEPS if refine == "newton" else 0):
        sine = _newton(tf.cast(snapshot, tf.complex128), sine)
    return sine - 2.0 * tf.round(0.5 * sine)


def _newton(snapshot: tf.Tensor, sine: tf.Tensor) -> tf.Tensor:
    """One step towards the maximum of the power over directions, at most an eighth of a beam."""
    antennas = snapshot.shape[1]
    turn = np.pi * (np.arange(antennas) - (antennas - 1) / 2)  # about the middle, where phase and direction part
    phase = -sine[:, None] * turn
    turned = snapshot * tf.complex(tf.cos(phase), tf.sin(phase))
    zeroth, first, second = (tf.reduce_sum(turned * tf.constant((-1j * turn) ** k), axis=1) for k in range(3))
    slope = tf.math.real(tf.math.conj(zeroth) * first)
    bend = tf.square(tf.abs(first)) + tf.math.real(tf.math.conj(zeroth) * second)
    step = tf.where(bend < 0.0, -slope / tf.where(bend < 0.0, bend, -tf.ones_like(bend)), tf.zeros_like(slope))
    return sine + tf.clip_by_value(step, -0.25 / antennas, 0.25 / antennas)
