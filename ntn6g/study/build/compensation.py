"""What is left of delay and Doppler when a terminal, or the network, compensates what it foretells."""

from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from ntn6g import orbit
from ntn6g.core.constants import SPEED_OF_LIGHT_M_S
from ntn6g.core.units import METRES_PER_KILOMETRE
from ntn6g.scenario import Compensation, Scenario
from ntn6g.study.build.geometry import Instant
from ntn6g.study.build.satellites import satellite, site


@dataclass(frozen=True, kw_only=True)
class Residual:
    """Errors of a compensation: true less foretold, as the receiver sees them."""

    doppler_ratio: float
    delay_s: float
    doppler_ratio_rate: float = 0.0
    """Change of the Doppler ratio within the slot, 1/s."""
    delay_rate: float = 0.0
    """Change of the delay within the slot, s/s."""

    def columns(self, carrier_hz: float) -> dict[str, float]:
        """What a results table says of it."""
        return {
            "residual_offset_hz": carrier_hz * self.doppler_ratio,
            "timing_error_us": 1e6 * self.delay_s,
            "offset_drift_hz_s": carrier_hz * self.doppler_ratio_rate,
            "timing_drift_us_s": 1e6 * self.delay_rate,
        }


NONE = Residual(doppler_ratio=0.0, delay_s=0.0)


def residual_of(point: Scenario, instant: Instant) -> Residual:
    """Residual Doppler over carrier and residual delay of a point at its instant.

    An uplink arrives by the error of the timing advance, two ways, a downlink by that of the foretold delay, one way.
    What is held since ``held_s`` was foretold then, from an ephemeris that was ``age_s`` old then. Both numbers are
    held to the end of the slot unless they are tracked within it, so that delay and Doppler change there as geometry
    has it: one way, since neither end changes its clock within a slot.
    """
    assert point.link is not None
    assert point.channel is not None
    given = point.link.compensation
    if given is None:
        return NONE
    name = point.platform_name()
    chosen = satellite(point.platforms[name], f"platforms.{name}", point.at.satellite if point.at else None)
    terminal = site(point.terminals[point.terminal_name()])
    now, then = (orbit.Times(instant.moment, np.array([-late_s])) for late_s in (0.0, given.held_s))
    true = orbit.uplink_timing(orbit.link_geometry(chosen.state(now), terminal.site(now).at_rest()))
    place = orbit.displaced(terminal.site(then).at_rest(), _off_m(given))
    foretold = orbit.uplink_timing(orbit.link_geometry(_believed(given, chosen, instant).state(then), place))
    error = true - foretold
    delay = error.timing_advance_s if point.link.direction == "uplink" else error.delay_s
    late_s = 0.0 if given.timing == "acquired" else float(delay.numpy()[0])
    ratio = float(error.doppler_ratio.numpy()[0])
    # on subcarriers nothing drifts within a slot
    if given.within_slot == "tracked" or point.channel.domain != "time":
        return Residual(doppler_ratio=ratio, delay_s=late_s)
    return Residual(
        doppler_ratio=ratio,
        delay_s=late_s,
        doppler_ratio_rate=-instant.range_acceleration_m_s2 / SPEED_OF_LIGHT_M_S,
        delay_rate=instant.range_rate_m_s / SPEED_OF_LIGHT_M_S,
    )


def _off_m(given: Compensation) -> np.ndarray:
    """Where the compensation is computed for, from the terminal's place, east, north and up."""
    if given.part == "common":
        return METRES_PER_KILOMETRE * np.array([given.reference_east_km, given.reference_north_km, 0.0])
    return np.array([given.east_error_m, given.north_error_m, given.up_error_m])


def _believed(given: Compensation, chosen: orbit.Platform, instant: Instant) -> orbit.Platform:
    if given.part == "common" or given.ephemeris == "exact":
        return chosen
    return orbit.BroadcastEphemeris(
        satellite=chosen,
        first_epoch=instant.moment - timedelta(seconds=given.held_s + given.age_s, microseconds=1),
        period_s=given.age_s + 1.0,  # the next message is not there yet; this one is, by a microsecond
        validity_s=900,
        form=given.ephemeris,
        oblateness=given.oblateness,
    )
