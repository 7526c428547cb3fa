"""What SIB19 says of a satellite: integers of stated width and step, from states and back.

3GPP TS 38.331 V18.6.0, clause 6.3.2, information elements EphemerisInfo and NTN-Config (TA-Info).
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import tensorflow as tf

from ntn6g.core.constants import EARTH_ROTATION_RAD_S
from ntn6g.orbit.ephemeris.elements import OrbitalElements, elements_of_state, state_of_elements
from ntn6g.orbit.frames import cross_earth_rotation
from ntn6g.orbit.state import TensorRecord

VALIDITY_S = (5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 55, 60, 120, 180, 240, 900)
"""Values of ntn-UlSyncValidityDuration, s."""


class Field(NamedTuple):
    """An integer of a message: the value is ``offset + step * integer``, lowest and highest integer included."""

    step: float
    lowest: int
    highest: int
    offset: float = 0.0

    @property
    def bits(self) -> int:
        """Width in unaligned packed encoding: the bits that count the integers from the lowest on."""
        return (self.highest - self.lowest).bit_length()

    def encode(self, value: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Nearest integer, int64, at the end of the range where the value is beyond; and whether it is within."""
        nearest = tf.round((value - self.offset) / self.step)
        within = (nearest >= self.lowest) & (nearest <= self.highest)
        return tf.cast(tf.clip_by_value(nearest, self.lowest, self.highest), tf.int64), within

    def decode(self, integer: tf.Tensor) -> tf.Tensor:
        """Value, float64."""
        return self.offset + self.step * tf.cast(integer, tf.float64)


_ANGLE = Field(2.341e-8, 0, 268_435_455)
POSITION_M = Field(1.3, -33_554_432, 33_554_431)
"""positionX, positionY, positionZ."""
VELOCITY_M_S = Field(0.06, -131_072, 131_071)
"""velocityVX, velocityVY, velocityVZ."""
ORBITAL = {
    "semi_major_axis_m": Field(4.249e-3, 0, 8_589_934_591, 6_500_000.0),
    "eccentricity": Field(1.431e-8, 0, 1_048_575),
    "periapsis_rad": _ANGLE,
    "longitude_rad": _ANGLE,
    "inclination_rad": Field(2.341e-8, -67_108_864, 67_108_863),
    "mean_anomaly_rad": _ANGLE,
}
"""Fields of Orbital-r17, in their order; a negative inclination counts down from pi."""
TA_COMMON_S = Field(4.072e-9, 0, 66_485_757)
"""ta-Common."""
TA_COMMON_DRIFT = Field(0.2e-9, -257_303, 257_303)
"""ta-CommonDrift, s/s."""
TA_COMMON_DRIFT_VARIANT_PER_S = Field(0.2e-10, 0, 28_949)
"""ta-CommonDriftVariant, s/s^2."""


@dataclass(frozen=True, eq=False)
class StateVectorMessage(TensorRecord):
    """PositionVelocity-r17: int64 [..., 3] each; ``fits`` bool [...], false where a value was beyond its range."""

    position: tf.Tensor
    velocity: tf.Tensor
    fits: tf.Tensor

    bits = 3 * (POSITION_M.bits + VELOCITY_M_S.bits)


@dataclass(frozen=True, eq=False)
class OrbitalMessage(TensorRecord):
    """Orbital-r17: int64 [...] each; ``fits`` bool [...], false where a value was beyond its range."""

    semi_major_axis: tf.Tensor
    eccentricity: tf.Tensor
    periapsis: tf.Tensor
    longitude: tf.Tensor
    inclination: tf.Tensor
    mean_anomaly: tf.Tensor
    fits: tf.Tensor

    bits = sum(field.bits for field in ORBITAL.values())


@dataclass(frozen=True, eq=False)
class CommonTimingMessage(TensorRecord):
    """TA-Info-r17: int64 [...] each; ``fits`` bool [...], false where a value was beyond its range."""

    ta_common: tf.Tensor
    ta_common_drift: tf.Tensor
    ta_common_drift_variant: tf.Tensor
    fits: tf.Tensor

    bits = TA_COMMON_S.bits + TA_COMMON_DRIFT.bits + TA_COMMON_DRIFT_VARIANT_PER_S.bits

    def timing_advance_s(self, age_s: tf.Tensor) -> tf.Tensor:
        r"""Two-way delay between satellite and reference point, :math:`2\,\mathrm{Delay}_{common}`: float64 [...].

        TS 38.213 V18.6.0, clause 4.2, with ``age_s`` for t - t_epoch.
        """
        drift = TA_COMMON_DRIFT.decode(self.ta_common_drift)
        variant = TA_COMMON_DRIFT_VARIANT_PER_S.decode(self.ta_common_drift_variant)
        return TA_COMMON_S.decode(self.ta_common) + age_s * (drift + age_s * variant)


Message = StateVectorMessage | OrbitalMessage


def state_vector_message(position_ecef_m: tf.Tensor, velocity_ecef_m_s: tf.Tensor) -> StateVectorMessage:
    """Position and velocity (the derivative of the Earth-fixed position) [..., 3] as SIB19 rounds them."""
    position, near = POSITION_M.encode(position_ecef_m)
    velocity, slow = VELOCITY_M_S.encode(velocity_ecef_m_s)
    return StateVectorMessage(position, velocity, tf.reduce_all(near & slow, -1))


def orbital_message(position_ecef_m: tf.Tensor, velocity_ecef_m_s: tf.Tensor) -> OrbitalMessage:
    """Osculating elements of a state [..., 3], in the inertial axes that coincide with ECEF at the epoch."""
    inertial = velocity_ecef_m_s + cross_earth_rotation(position_ecef_m, EARTH_ROTATION_RAD_S)
    elements = elements_of_state(position_ecef_m, inertial)
    steep = elements.inclination_rad > 0.5 * math.pi
    values = elements._replace(
        inclination_rad=tf.where(steep, elements.inclination_rad - math.pi, elements.inclination_rad)
    )
    encoded = [field.encode(value) for field, value in zip(ORBITAL.values(), values, strict=True)]
    fits = encoded[0][1]
    for _, within in encoded[1:]:
        fits = fits & within
    return OrbitalMessage(*[integer for integer, _ in encoded] + [fits])


def common_timing_message(
    delay_s: tf.Tensor, delay_rate: tf.Tensor, delay_acceleration_per_s: tf.Tensor
) -> CommonTimingMessage:
    """TA-Info for a one-way delay [...] between satellite and reference point, its rate and second derivative."""
    encoded = [
        TA_COMMON_S.encode(2.0 * delay_s),
        TA_COMMON_DRIFT.encode(2.0 * delay_rate),
        TA_COMMON_DRIFT_VARIANT_PER_S.encode(delay_acceleration_per_s),
    ]
    fits = encoded[0][1] & encoded[1][1] & encoded[2][1]
    return CommonTimingMessage(*[integer for integer, _ in encoded] + [fits])


def epoch_state(message: Message) -> tuple[tf.Tensor, tf.Tensor]:
    """Position and inertial velocity at the epoch, in axes that coincide with ECEF then: float64 [..., 3] each."""
    if isinstance(message, StateVectorMessage):
        position = POSITION_M.decode(message.position)
        velocity = VELOCITY_M_S.decode(message.velocity)
        return position, velocity + cross_earth_rotation(position, EARTH_ROTATION_RAD_S)
    integers = message.__tf_flatten__()[1][:6]
    values = [field.decode(integer) for field, integer in zip(ORBITAL.values(), integers, strict=True)]
    elements = OrbitalElements(*values)
    turned = tf.where(message.inclination < 0, elements.inclination_rad + math.pi, elements.inclination_rad)
    return state_of_elements(elements._replace(inclination_rad=turned))
