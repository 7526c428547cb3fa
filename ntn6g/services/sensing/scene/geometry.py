"""Transmitter, target and receiver in motion: what delay and Doppler shift an echo has over the direct path."""

from dataclasses import dataclass

import tensorflow as tf

from ntn6g.core.constants import SPEED_OF_LIGHT_M_S
from ntn6g.orbit.state import State, TensorRecord


@dataclass(frozen=True, eq=False)
class EchoGeometry(TensorRecord):
    """Of each target over time, without any carrier: float64 [..., time].

    Positions of one instant: both paths leave the transmitter within the excess delay of each other, so that the
    light time of a satellite, some 15 m of path at 600 km, cancels in the excess to some 2e-5 of it.
    """

    transmit_range_m: tf.Tensor
    """Transmitter to target."""
    receive_range_m: tf.Tensor
    """Target to receiver."""
    baseline_m: tf.Tensor
    """Transmitter to receiver, the direct path; 0 where they are one."""
    path_rate_m_s: tf.Tensor
    """Time derivative of the whole path over the target; negative while it shortens."""
    baseline_rate_m_s: tf.Tensor
    """Time derivative of the direct path."""
    bistatic_angle_rad: tf.Tensor
    """At the target, between transmitter and receiver, 0 to pi."""

    @property
    def excess_m(self) -> tf.Tensor:
        """Path over the target less the direct one; twice the distance where transmitter and receiver are one."""
        return self.transmit_range_m + self.receive_range_m - self.baseline_m

    @property
    def excess_delay_s(self) -> tf.Tensor:
        """Delay of the echo behind the direct path."""
        return self.excess_m / SPEED_OF_LIGHT_M_S

    def doppler_hz(self, carrier_hz: float) -> tf.Tensor:
        """Doppler shift of the echo over that of the direct path, positive while the excess shortens."""
        return (self.baseline_rate_m_s - self.path_rate_m_s) * (carrier_hz / SPEED_OF_LIGHT_M_S)

    def range_resolution_m(self, bandwidth_hz: float) -> tf.Tensor:
        """Width of a cell along the bisector, c / (2 B cos(beta/2)); infinite on the baseline."""
        half = tf.cos(0.5 * self.bistatic_angle_rad)
        return SPEED_OF_LIGHT_M_S / (2.0 * bandwidth_hz * tf.maximum(half, 1e-300))


def echo_geometry(transmitter: State, target: State, receiver: State) -> EchoGeometry:
    r"""Geometry of an echo: :math:`R_t + R_r - L`, its rate and the angle at the target.

    Monostatic with transmitter and receiver the same, bistatic otherwise; several receivers or targets along leading
    axes. Distances do not depend on the frame, so that Earth-fixed states serve.

    Parameters
    ----------
    transmitter, target, receiver : State
        Fields float64 [..., time, 3] that broadcast against each other.

    Returns
    -------
    EchoGeometry
        Float64 [..., time].

    References
    ----------
    N. J. Willis, Bistatic Radar, 2nd ed., 2005, ch. 3 and 6.
    """
    outward = target.position_ecef_m - transmitter.position_ecef_m
    inward = target.position_ecef_m - receiver.position_ecef_m
    direct = receiver.position_ecef_m - transmitter.position_ecef_m
    there, there_rate, there_unit = _along(outward, target.velocity_ecef_m_s - transmitter.velocity_ecef_m_s)
    back, back_rate, back_unit = _along(inward, target.velocity_ecef_m_s - receiver.velocity_ecef_m_s)
    baseline, baseline_rate, _ = _along(direct, receiver.velocity_ecef_m_s - transmitter.velocity_ecef_m_s)
    # the half angle from chords: an arc cosine loses half its digits near 0 and pi
    apart, together = tf.norm(there_unit - back_unit, axis=-1), tf.norm(there_unit + back_unit, axis=-1)
    return EchoGeometry(
        transmit_range_m=there,
        receive_range_m=back,
        baseline_m=baseline,
        path_rate_m_s=there_rate + back_rate,
        baseline_rate_m_s=baseline_rate,
        bistatic_angle_rad=2.0 * tf.atan2(apart, together),
    )


def _along(offset_m: tf.Tensor, velocity_m_s: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Length, its rate, and unit vector; all zero for no offset."""
    length = tf.sqrt(tf.reduce_sum(tf.square(offset_m), axis=-1))
    unit = tf.math.divide_no_nan(offset_m, length[..., None])
    return length, tf.reduce_sum(unit * velocity_m_s, axis=-1), unit
