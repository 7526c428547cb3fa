"""A transparent payload: noise of two hops, delay and Doppler of two hops, an amplifier that saturates."""

import tensorflow as tf

from ntn6g.core.constants import SPEED_OF_LIGHT_M_S


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
    return samples * tf.cast(bent * tf.minimum(1.0, tf.math.rsqrt(power)), samples.dtype)
