"""What comes back from point targets: an echo per resource element, drawn from keys."""

from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from ntn6g.core import random
from ntn6g.orbit.state import TensorRecord
from ntn6g.services.sensing.frames.grid import SensingGrid

SWERLING = (0, 1, 2, 3, 4)
_PER_SYMBOL = (2, 4)  # cases whose cross section is drawn anew for every symbol, else once for the frame
_NEPERS_PER_DB = float(np.log(10.0)) / 10.0  # of power
_DEGREES_OF_FREEDOM = {1: 2, 2: 2, 3: 4, 4: 4}


@dataclass(frozen=True, eq=False)
class Targets(TensorRecord):
    """Point targets of every frame of a batch."""

    delay_s: tf.Tensor
    """Delay of the echo, float64 [batch, target]: there and back, or relative to the direct path."""
    doppler_hz: tf.Tensor
    """Doppler shift, float64 [batch, target]; positive while the path shortens."""
    sine: tf.Tensor
    """Sine of the direction of arrival from the broadside of a linear array, float64 [batch, target]."""
    snr: tf.Tensor
    """Mean echo energy on an element of unit energy over the noise density, float [batch, target]."""


def swerling_gain(keys: tf.Tensor, case: int, targets: int, symbols: int) -> tf.Tensor:
    r"""Complex reflection of unit mean power, complex64 [batch, target, symbol].

    The power is constant in case 0, exponential in cases 1 and 2, chi-squared with four degrees of freedom in cases 3
    and 4. Cases 0, 1 and 3 hold it over the frame, 2 and 4 draw it per symbol, as from pulse to pulse. The phase is
    uniform and is drawn with the power.

    Parameters
    ----------
    keys : uint32 [batch, 2]
        Keys of the frames; the streams 'target' and 'target phase' are used.
    case : int
        0 to 4.
    targets, symbols : int
        Sizes.

    References
    ----------
    P. Swerling, "Probability of detection for fluctuating targets", IRE Trans. Inf. Theory 6(2), 1960.
    """
    draws = symbols if case in _PER_SYMBOL else 1
    phase = 2.0 * np.pi * random.uniform(random.stream(keys, "target phase"), (targets, draws))
    unit = tf.complex(tf.cos(phase), tf.sin(phase))
    if case:
        pairs = _DEGREES_OF_FREEDOM[case] // 2
        drawn = random.uniform(random.stream(keys, "target"), (pairs, targets, draws))
        power = tf.reduce_sum(-tf.math.log(drawn), axis=1) / pairs  # a sum of exponentials is chi-squared
        unit *= tf.cast(tf.sqrt(power), tf.complex64)
    return tf.broadcast_to(unit, [keys.shape[0], targets, symbols])


def log_normal_factor(keys: tf.Tensor, sigma_db: tf.Tensor) -> tf.Tensor:
    r"""Factor of mean one on a cross section, :math:`10^{x/10}` with x normal of mean :math:`-\ln(10)\sigma^2/20`.

    Parameters
    ----------
    keys : uint32 [batch, 2]
        The stream 'cross section' is used.
    sigma_db : float32 [batch, target]
        Standard deviation of x.

    Returns
    -------
    float32 [batch, target]

    References
    ----------
    3GPP TR 38.901 V19.4.0 eq. (7.9.2-1).
    """
    nepers = _NEPERS_PER_DB * sigma_db
    drawn = random.normal(random.stream(keys, "cross section"), (sigma_db.shape[1],))
    return tf.exp(nepers * drawn - 0.5 * tf.square(nepers))


def turns(positions: np.ndarray, per_step: tf.Tensor) -> tf.Tensor:
    """Exponential of 2 pi j times positions x float64 cycles per step: whole cycles go in float64, then complex64."""
    cycles = per_step[..., None] * tf.constant(positions, tf.float64)
    angle = tf.cast(2.0 * np.pi * (cycles - tf.round(cycles)), tf.float32)
    return tf.complex(tf.cos(angle), tf.sin(angle))


def steering(grid: SensingGrid, delay_s: tf.Tensor, doppler_hz: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    r"""Phasors of delays and Doppler shifts over subcarriers and symbols.

    .. math:: e^{-2\pi j n \Delta f \tau}, \qquad e^{+2\pi j m T f_D}

    Parameters
    ----------
    grid : SensingGrid
        The frame.
    delay_s, doppler_hz : float64 [...]
        Of each target.

    Returns
    -------
    (over_subcarriers, over_symbols) : complex64 [..., subcarriers], complex64 [..., symbols]
    """
    over_subcarriers = turns(-np.arange(grid.subcarriers), delay_s * grid.subcarrier_spacing_hz)
    return over_subcarriers, turns(np.arange(grid.symbols), doppler_hz * grid.period_s)


def echo_response(grid: SensingGrid, targets: Targets, gain: tf.Tensor, *, antennas: int | None = None) -> tf.Tensor:
    r"""Frequency response of the targets, without noise.

    .. math:: H_{m,n} = \sum_p \sqrt{\mathrm{SNR}_p}\, g_{p,m}\, e^{-2\pi j n \Delta f \tau_p} e^{2\pi j m T f_{D,p}}

    and with ``antennas`` half a wavelength apart :math:`e^{\pi j l u_p}` for antenna l. The shift within a symbol,
    which makes inter-carrier interference, and delays beyond the cyclic prefix are outside this model.

    Parameters
    ----------
    grid : SensingGrid
        The frame.
    targets : Targets
        [batch, target].
    gain : complex64 [batch, target, symbol]
        Reflection, from `swerling_gain`.
    antennas : int or None
        Receive antennas; None leaves their axis out.

    Returns
    -------
    complex64 [batch, (antenna,) symbol, subcarrier]
        In units in which noise has variance one.
    """
    over_subcarriers, over_symbols = steering(grid, targets.delay_s, targets.doppler_hz)
    amplitude = tf.cast(tf.sqrt(tf.cast(targets.snr, tf.float32)), tf.complex64)
    rows = over_symbols * gain * amplitude[..., None]  # [batch, target, symbol]
    if antennas is None:
        return tf.einsum("bpm,bpn->bmn", rows, over_subcarriers)
    over_antennas = turns(np.arange(antennas), 0.5 * targets.sine)
    return tf.einsum("bpl,bpm,bpn->blmn", over_antennas, rows, over_subcarriers)


def receive(sent: tf.Tensor, response: tf.Tensor, keys: tf.Tensor) -> tf.Tensor:
    """Echo of a sent grid with white noise of variance one.

    Parameters
    ----------
    sent : complex64 [batch, symbol, subcarrier]
        What was transmitted.
    response : complex64 [batch, (antenna,) symbol, subcarrier]
        From `echo_response`.
    keys : uint32 [batch, 2]
        The stream 'noise' is used.

    Returns
    -------
    complex64, the shape of ``response``
    """
    noise = random.complex_normal(random.stream(keys, "noise"), tuple(response.shape[1:]))
    if len(response.shape) > len(sent.shape):
        sent = sent[:, None]
    return sent * response + noise
