"""Where a satellite stands over a stretch of its pass: range, and the slots that feedback takes."""

import math
from typing import Any, NamedTuple

import tensorflow as tf

from ntn6g.core import random
from ntn6g.core.constants import EARTH_MU_M3_S2, EARTH_RADIUS_M, SPEED_OF_LIGHT_M_S
from ntn6g.orbit.trigonometry import sin_cos

HIGHEST_AIRCRAFT_M, LOWEST_STATIONARY_M = 100e3, 35_000e3
_MARGIN_RAD = math.radians(1.0)  # of a culmination above the start
_ROUNDING = 1e-9  # slots; a delay of a whole number of slots stays one


class PassGeometry(NamedTuple):
    r"""Stretches of passes that begin at one elevation, on a circular orbit over a spherical Earth at rest.

    With the central angle :math:`\psi` between terminal and subsatellite point, :math:`\cos \psi = \cos \psi_c \cos
    \omega t` around the culmination :math:`\psi_c`, and :math:`R^2 = r^2 + R_E^2 - 2 r R_E \cos \psi`. The culmination
    is uniform between the start and the zenith; half of the passes rise, half set. Scalars, float64; `pass_geometry`
    makes them.
    """

    radius_m: Any
    """r, of the orbit."""
    elevation_rad: Any
    """At the start."""
    rate_rad_s: Any
    """Angular rate of the orbit; zero for what stands still."""
    delay_per_range_s_m: Any
    """Round trip over slant range."""
    fixed_delay_s: Any
    """Rest of the round trip, and processing."""

    @property
    def start_range_m(self) -> Any:
        """Slant range at the start."""
        down = EARTH_RADIUS_M * sin_cos(self.elevation_rad)[0]
        return tf.sqrt(down**2 + self.radius_m**2 - EARTH_RADIUS_M**2) - down

    def range_m(self, keys: tf.Tensor, slots: int, slot_s: float) -> tf.Tensor:
        """Slant range, float64 [slots, pass], of one pass per key, uint32 [pass, 2]."""
        draws = tf.cast(random.uniform(random.stream(keys, "pass"), (2,)), tf.float64)
        ratio = EARTH_RADIUS_M / self.radius_m
        lowest_rad = tf.minimum(self.elevation_rad + _MARGIN_RAD, math.pi / 2.0)
        culmination_rad = lowest_rad + (math.pi / 2.0 - lowest_rad) * draws[:, 0]
        closest_rad = tf.acos(ratio * sin_cos(culmination_rad)[1]) - culmination_rad
        start_rad = tf.acos(ratio * sin_cos(self.elevation_rad)[1]) - self.elevation_rad
        along_rad = tf.acos(tf.minimum(sin_cos(start_rad)[1] / sin_cos(closest_rad)[1], 1.0))
        along_rad = tf.where(draws[:, 1] < 0.5, -along_rad, along_rad)
        turned_rad = self.rate_rad_s * slot_s * tf.range(slots, dtype=tf.float64)
        cosine = sin_cos(closest_rad)[1] * sin_cos(along_rad + turned_rad[:, None])[1]
        return tf.sqrt(self.radius_m**2 + EARTH_RADIUS_M**2 - 2.0 * self.radius_m * EARTH_RADIUS_M * cosine)

    def delay_slots(self, range_m: tf.Tensor, slot_s: float) -> tf.Tensor:
        """Slots from a transmission to the use of its feedback, rounded up, at least one; int32."""
        waited = (self.delay_per_range_s_m * range_m + self.fixed_delay_s) / slot_s
        return tf.maximum(tf.cast(tf.math.ceil(waited - _ROUNDING), tf.int32), 1)


def pass_geometry(
    *,
    altitude_m: float,
    elevation_rad: float,
    transparent: bool = False,
    round_trip_s: float | None = None,
    processing_s: float = 0.0,
) -> PassGeometry:
    """Geometry of a platform: satellites move, platforms below 100 km or above 35000 km stand still.

    Parameters
    ----------
    altitude_m : float
        Above the sphere of 6371 km.
    elevation_rad : float
        At the start of a pass.
    transparent : bool
        Whether the signal goes on to a ground station, over a feeder link as long as the service link.
    round_trip_s : float, optional
        In place of the one that follows from the range.
    processing_s : float
        Added to the round trip before feedback can be used.
    """
    radius_m = EARTH_RADIUS_M + altitude_m
    moves = HIGHEST_AIRCRAFT_M < altitude_m < LOWEST_STATIONARY_M
    ways = 4.0 if transparent else 2.0
    numbers = (
        radius_m,
        elevation_rad,
        math.sqrt(EARTH_MU_M3_S2 / radius_m**3) if moves else 0.0,
        ways / SPEED_OF_LIGHT_M_S if round_trip_s is None else 0.0,
        processing_s + (round_trip_s or 0.0),
    )
    return PassGeometry(*(tf.constant(each, tf.float64) for each in numbers))
