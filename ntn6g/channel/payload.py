"""A transparent payload: noise of two hops, delay and Doppler of two hops, a filter, an amplifier that saturates."""

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from scipy import signal, special

from ntn6g.core.constants import SPEED_OF_LIGHT_M_S
from ntn6g.orbit.trigonometry import sin_cos

_NODES = 160  # of Gauss-Laguerre quadrature over the power of a Gaussian envelope


def transparent_cnr(first: tf.Tensor, second: tf.Tensor, *, shares_power: bool = False) -> tf.Tensor:
    r"""Carrier-to-noise ratio behind two hops, linear: :math:`1/(1/a + 1/b)`.

    Parameters
    ----------
    first, second : [...], float
        Linear ratios of each hop on its own, broadcast.
    shares_power : bool
        True counts that the satellite's fixed power amplifies the first hop's noise too,
        :math:`a b / (1 + a + b)`, which is exact; the usual form leaves the 1 out.

    References
    ----------
    3GPP TR 38.821 V16.2.0, 6.1.3.1.
    """
    product, total = first * second, first + second
    return product / (total + 1.0 if shares_power else total)


def transparent_delay_s(service_range_m: tf.Tensor, feeder_range_m: tf.Tensor, *, payload_s: float = 0.0) -> tf.Tensor:
    """One-way delay over gateway, satellite and terminal: float64 [...], ranges broadcast."""
    return (service_range_m + feeder_range_m) / SPEED_OF_LIGHT_M_S + payload_s


def transparent_offset_hz(
    *,
    service_carrier_hz: tf.Tensor | float,
    feeder_carrier_hz: tf.Tensor | float,
    service_range_rate_m_s: tf.Tensor,
    feeder_range_rate_m_s: tf.Tensor,
) -> tf.Tensor:
    r"""Frequency offset at the end of two hops between which the payload translates by a fixed frequency.

    .. math:: f_1 \beta_1 (1 + \beta_2) + f_2 \beta_2, \quad \beta = -\dot r / c

    with the first hop's carrier :math:`f_1` and the second's :math:`f_2`, to first order in each hop's velocity over
    the speed of light. Downlink: the feeder link first; for an uplink exchange the two. The gateway, which knows the
    satellite, usually takes the feeder link's part out.

    Parameters
    ----------
    service_carrier_hz, feeder_carrier_hz : [...], float64
        Carriers, as each transmitter sends them.
    service_range_rate_m_s, feeder_range_rate_m_s : [...], float64
        Positive when receding.
    """
    feeder = -feeder_range_rate_m_s / SPEED_OF_LIGHT_M_S
    service = -service_range_rate_m_s / SPEED_OF_LIGHT_M_S
    return feeder_carrier_hz * feeder * (1.0 + service) + service_carrier_hz * service


def rapp(samples: tf.Tensor, *, saturation: float = 1.0, smoothness: float = 2.0) -> tf.Tensor:
    r"""Solid-state amplifier of unit gain: :math:`y = x / (1 + (|x| / A)^{2p})^{1 / 2p}`, phase untouched.

    Parameters
    ----------
    samples : [...], complex64
        Input.
    saturation : float
        Largest output amplitude A.
    smoothness : float
        p; towards infinity a limiter.

    References
    ----------
    C. Rapp, "Effects of HPA-nonlinearity on a 4-DPSK/OFDM-signal for a digital sound broadcasting system", ESA
    SP-332, 1991.
    """
    power = (tf.square(tf.math.real(samples)) + tf.square(tf.math.imag(samples))) / saturation**2
    power = tf.maximum(power, 1e-30)
    # with the smaller of the ratio and its inverse no power overflows
    bent = tf.pow(1.0 + tf.pow(tf.minimum(power, 1.0 / power), smoothness), -0.5 / smoothness)
    return samples * tf.cast(bent * tf.math.rsqrt(tf.maximum(power, 1.0)), samples.dtype)


def saleh(samples: tf.Tensor, *, gain: float, compression: float, turn: float, turn_compression: float) -> tf.Tensor:
    r"""Travelling-wave tube.

    .. math:: A(r) = \alpha_a r / (1 + \beta_a r^2), \quad \Phi(r) = \alpha_\phi r^2 / (1 + \beta_\phi r^2)

    Parameters
    ----------
    samples : [...], complex64
        Input.
    gain, compression, turn, turn_compression : float
        :math:`\alpha_a, \beta_a, \alpha_\phi, \beta_\phi`; the output saturates at an input of
        :math:`1 / \sqrt{\beta_a}`.

    References
    ----------
    A. A. M. Saleh, "Frequency-independent and frequency-dependent nonlinear models of TWT amplifiers", IEEE Trans.
    Commun. 29 (1981) 1715-1720.
    """
    power = tf.square(tf.math.real(samples)) + tf.square(tf.math.imag(samples))
    sine, cosine = sin_cos(tf.cast(turn * power / (1.0 + turn_compression * power), tf.float64))
    scale = gain / (1.0 + compression * power)
    turned = tf.complex(scale * tf.cast(cosine, scale.dtype), scale * tf.cast(sine, scale.dtype))
    return samples * tf.cast(turned, samples.dtype)


@dataclass(frozen=True)
class Amplifier:
    r"""An amplifier at a back-off, scaled so that a complex Gaussian input of unit power gives unit output power.

    OFDM with many subcarriers is such an input. Its output is :math:`y = \alpha x + d` with a distortion that is not
    correlated with the input (Bussgang), and its autocorrelation follows from that of the input,

    .. math:: R_y(\tau) = \sum_k |c_k|^2 R_x(\tau) |R_x(\tau)|^{2k}, \quad
        c_k = \frac{1}{\sqrt{k + 1}} \int_0^\infty G(\sqrt u) u L_k^{(1)}(u) e^{-u} du

    with the complex gain :math:`G(r)` and :math:`\alpha = c_0`.

    Parameters
    ----------
    curve : callable
        Complex samples to complex samples of the same shape, memoryless.
    saturation : float
        Input amplitude at which the output saturates.
    largest : float
        Output amplitude at saturation.
    back_off_db : float
        Power of saturation over mean input power, both at the input.

    References
    ----------
    J. J. Bussgang, "Crosscorrelation functions of amplitude-distorted Gaussian signals", MIT RLE Report 216, 1952; the
    series is the expansion in Laguerre polynomials, which are orthogonal under the envelope of a Gaussian process.
    """

    curve: Callable[[tf.Tensor], tf.Tensor]
    saturation: float
    largest: float
    back_off_db: float

    @property
    def drive(self) -> float:
        """Factor that takes samples of unit power to the amplifier's input."""
        return float(self.saturation * 10.0 ** (-self.back_off_db / 20.0))

    def coefficients(self, count: int = 12) -> NDArray[np.complex128]:
        """The first c_k of the amplifier at its back-off, before scaling to unit output power."""
        nodes, weights = special.roots_laguerre(_NODES)
        amplitude = self.drive * np.sqrt(nodes)
        gain = np.asarray(self.curve(tf.constant(amplitude, tf.complex128))) / np.sqrt(nodes)
        orders = np.arange(count)[:, None]
        shares = weights * gain * nodes * special.eval_genlaguerre(orders, 1, nodes)
        return np.asarray(shares.sum(1) / np.sqrt(orders[:, 0] + 1.0))

    @property
    def scale(self) -> float:
        """Factor that takes its output to unit power."""
        return 1.0 / math.sqrt(self._output_power)

    @functools.cached_property
    def _output_power(self) -> float:
        nodes, weights = special.roots_laguerre(_NODES)
        out = np.asarray(self.curve(tf.constant(self.drive * np.sqrt(nodes), tf.complex128)))
        return float(np.sum(weights * np.abs(out) ** 2))

    @property
    def wanted_gain(self) -> complex:
        """Of the part of the unit-power output that is the input."""
        return complex(self.coefficients(1)[0]) * self.scale

    @property
    def error_vector_magnitude(self) -> float:
        """Distortion over wanted part, root of their powers' ratio, over all frequencies."""
        return math.sqrt(max(1.0 / abs(self.wanted_gain) ** 2 - 1.0, 0.0))

    @property
    def output_back_off_db(self) -> float:
        """Output power at saturation over the mean output power."""
        return 20.0 * math.log10(self.largest) - 10.0 * math.log10(self._output_power)

    def __call__(self, samples: tf.Tensor) -> tf.Tensor:
        """Samples of unit mean power to amplified samples of unit mean power."""
        return self.curve(samples * tf.constant(self.drive, samples.dtype)) * tf.constant(self.scale, samples.dtype)


def butterworth(frequency_hz: NDArray[np.float64], *, passband_hz: float, order: int) -> NDArray[np.complex128]:
    """Response of a Butterworth filter about the carrier, -3 dB at the edges of its passband: complex128 [...].

    Parameters
    ----------
    frequency_hz : [...]
        From the carrier.
    passband_hz : float
        Two-sided width between the -3 dB points.
    order : int
        Of the low-pass equivalent.
    """
    numerator, denominator = signal.butter(order, 0.5 * passband_hz, analog=True)
    _, response = signal.freqs(numerator, denominator, worN=np.asarray(frequency_hz, np.float64))
    return np.asarray(response)
