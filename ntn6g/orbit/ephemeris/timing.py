"""Delay, timing advance and Doppler that a terminal foretells, and how far they are off."""

from dataclasses import dataclass, replace

import tensorflow as tf

from ntn6g.core.constants import SPEED_OF_LIGHT_M_S
from ntn6g.orbit.ephemeris.message import CommonTimingMessage, common_timing_message
from ntn6g.orbit.geometry import LinkGeometry
from ntn6g.orbit.state import Site, TensorRecord


@dataclass(frozen=True, eq=False)
class UplinkTiming(TensorRecord):
    """What a terminal pre-compensates, or by how much it is off: float64 [..., link, time], no carrier in it."""

    delay_s: tf.Tensor
    """One way on the service link."""
    timing_advance_s: tf.Tensor
    """Two-way delay of service and feeder link: (N_TA,adj^UE + N_TA,adj^common) T_c."""
    doppler_ratio: tf.Tensor
    """Doppler shift over the carrier; positive while the satellite approaches."""
    doppler_ratio_per_s: tf.Tensor
    """Its rate."""

    def __sub__(self, other: "UplinkTiming") -> "UplinkTiming":
        pairs = zip(self.__tf_flatten__()[1], other.__tf_flatten__()[1], strict=True)
        return UplinkTiming(*(mine - theirs for mine, theirs in pairs))


def uplink_timing(geometry: LinkGeometry, common_s: tf.Tensor | float = 0.0) -> UplinkTiming:
    """Timing and frequency of a terminal's uplink.

    From the predicted state and the place that the terminal takes for its own these are what it applies; from the true
    ones, what it should. ``foretold - true`` is the error that the base station sees before any closed loop.

    The two-way service delay is twice the light time of the signal that arrives now: up and down link meet the
    satellite at the same instant. The terminal's own motion in between is left out, less than 2e-6 of the delay on the
    ground (20 ns at 10 ms) and the same on both sides of an error.

    Parameters
    ----------
    geometry : LinkGeometry
        Fields [..., time].
    common_s : [...], float64
        Two-way delay between the satellite and the uplink time reference point, `CommonTimingMessage.timing_advance_s`.

    References
    ----------
    3GPP TS 38.211 V18.7.0, clause 4.3.1; TS 38.213 V18.7.0, clause 4.2.
    """
    return UplinkTiming(
        delay_s=geometry.light_time_s,
        timing_advance_s=2.0 * geometry.light_time_s + common_s,
        doppler_ratio=-geometry.range_rate_m_s / SPEED_OF_LIGHT_M_S,
        doppler_ratio_per_s=-geometry.range_acceleration_m_s2 / SPEED_OF_LIGHT_M_S,
    )


def common_timing(feeder: LinkGeometry) -> CommonTimingMessage:
    """TA-Info of a feeder link at its instants, with the gateway as the uplink time reference point: fields [...]."""
    return common_timing_message(
        feeder.range_m / SPEED_OF_LIGHT_M_S,
        feeder.range_rate_m_s / SPEED_OF_LIGHT_M_S,
        feeder.range_acceleration_m_s2 / SPEED_OF_LIGHT_M_S,
    )


def displaced(site: Site, error_enu_m: tf.Tensor) -> Site:
    """The place a terminal takes for its own: off by [..., 3] m east, north and up, its horizon and motion unchanged.

    Parameters
    ----------
    site : Site
        The true place, ``terminal.site(times)``: fields [..., time, 3].
    error_enu_m : [..., 3] or [..., time, 3], float64
        Error of its satellite navigation; broadcast against the fields of the site.
    """
    east, north, up = (part[..., None] for part in tf.unstack(tf.convert_to_tensor(error_enu_m, tf.float64), axis=-1))
    return replace(site, position_ecef_m=site.position_ecef_m + east * site.east + north * site.north + up * site.up)
