"""The circular two-body orbit of TR 38.821."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import tensorflow as tf

from ntn6g.core.constants import EARTH_MU_M3_S2, EARTH_RADIUS_M
from ntn6g.core.errors import ScenarioError
from ntn6g.orbit.frames import teme_to_ecef
from ntn6g.orbit.state import State, Times

_LOWEST_ORBIT_M = 100e3  # below, air ends the orbit within a revolution


def _f64(value: Any) -> tf.Tensor:
    return tf.convert_to_tensor(value, tf.float64)


@dataclass(frozen=True, kw_only=True, eq=False)
class CircularOrbit:
    r"""Two-body circular orbit above the mean sphere of TR 38.821.

    .. math::
        r(t) = a\,(P\cos u + Q\sin u), \quad u = u_0 + n (t - t_0), \quad n^2 a^3 = \mu, \quad a = R_E + h

    with P towards the ascending node and Q a quarter turn ahead. The inertial frame is taken as TEME; the
    plane does not precess. Differentiable in every number. Parameters of shape [...] give states
    [..., time, 3].

    Parameters
    ----------
    altitude_m : [...], float or float64
        Altitude h above the 6371 km sphere, at least 100 km.
    inclination_rad, raan_rad : [...], float or float64
        Inclination; right ascension of the ascending node at any time.
    argument_of_latitude_rad : [...], float or float64
        Angle u0 from the ascending node at the epoch.
    epoch : datetime
        When u equals u0; aware.

    Raises
    ------
    ScenarioError
        If the altitude is a plain number below 100 km, or the epoch has no time zone.

    References
    ----------
    3GPP TR 38.821 V16.2.0, clause 4.2 (circular orbits, R_E = 6371 km); two-body motion.
    """

    altitude_m: Any
    inclination_rad: Any
    raan_rad: Any
    argument_of_latitude_rad: Any
    epoch: datetime

    def __post_init__(self) -> None:
        if isinstance(self.altitude_m, int | float) and not self.altitude_m >= _LOWEST_ORBIT_M:
            raise ScenarioError(
                f"{self.altitude_m / 1e3:g}; an orbit lies at 100 km or above. Was it given in another unit?",
                key="altitude_km",
            )
        object.__setattr__(self, "epoch", Times(self.epoch, 0.0).epoch)

    def state(self, times: Times) -> State:
        """State at the instants: fields float64 [..., time, 3]."""
        radius_m = _f64(self.altitude_m)[..., None] + EARTH_RADIUS_M
        rate_rad_s = tf.sqrt(EARTH_MU_M3_S2 / radius_m**3)
        u_rad = _f64(self.argument_of_latitude_rad)[..., None] + rate_rad_s * times.seconds_since(self.epoch)
        inclination, raan = _f64(self.inclination_rad)[..., None], _f64(self.raan_rad)[..., None]
        ahead = tf.cos(inclination)
        zero = tf.zeros_like(raan + inclination)
        node = tf.stack([tf.cos(raan) + zero, tf.sin(raan) + zero, zero], -1)
        quarter = tf.stack([-tf.sin(raan) * ahead, tf.cos(raan) * ahead, tf.sin(inclination) + zero], -1)
        cosine, sine = tf.cos(u_rad)[..., None], tf.sin(u_rad)[..., None]
        position = radius_m[..., None] * (node * cosine + quarter * sine)
        velocity = (radius_m * rate_rad_s)[..., None] * (quarter * cosine - node * sine)
        return teme_to_ecef(position, velocity, -((rate_rad_s**2)[..., None]) * position, times)
