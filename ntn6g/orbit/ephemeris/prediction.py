"""From an ephemeris message and its age to where the terminal believes the satellite to be."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import tensorflow as tf

from ntn6g.core.constants import EARTH_ROTATION_RAD_S
from ntn6g.core.errors import ScenarioError
from ntn6g.orbit.ephemeris.message import (
    VALIDITY_S,
    Message,
    OrbitalMessage,
    StateVectorMessage,
    epoch_state,
    orbital_message,
    state_vector_message,
)
from ntn6g.orbit.frames import cross_earth_rotation
from ntn6g.orbit.platforms.keplerian import WGS84
from ntn6g.orbit.state import Platform, State, Times
from ntn6g.orbit.trigonometry import sin_cos

_STEP_S = 20.0  # of the integration: below 1 mm a minute on the lowest orbits
_FORMATS: dict[str, Callable[..., Message]] = {"state-vector": state_vector_message, "orbital": orbital_message}


def gravity_m_s2(position_m: tf.Tensor, *, oblateness: bool = True) -> tf.Tensor:
    r"""Acceleration in the Earth's field of degree 2, order 0: float64 [..., 3].

    .. math::
        a = -\frac{\mu}{r^3}\left(x\,(1 + k(1-5s)),\; y\,(1 + k(1-5s)),\; z\,(1 + k(3-5s))\right), \quad
        k = \tfrac32 J_2 \frac{R^2}{r^2},\; s = \frac{z^2}{r^2}

    References
    ----------
    AIAA 2006-6753, J2 of the point mass field; constants of WGS 84.
    """
    squared = tf.reduce_sum(position_m**2, -1, keepdims=True)
    pull = -WGS84.mu_m3_s2 / (squared * tf.sqrt(squared)) * position_m
    if not oblateness:
        return pull
    bulge = 1.5 * WGS84.j2 * WGS84.radius_m**2 / squared
    height = 5.0 * position_m[..., 2:] ** 2 / squared
    axes = tf.constant([1.0, 1.0, 3.0], tf.float64)
    return pull * (1.0 + bulge * (axes - height))


def predicted_state(message: Message, age_s: tf.Tensor, *, steps: int = 1, oblateness: bool = True) -> State:
    r"""State that follows from a message, by the Runge-Kutta method of fourth order in inertial axes.

    The axes coincide with ECEF at the epoch (TS 38.331, EphemerisInfo) and the Earth turns from there at the rate of
    WGS 84. Differentiable in the age; runs under XLA.

    Parameters
    ----------
    message : Message
        Integers [...] or, of state vectors, [..., 3].
    age_s : [...], float64
        Time since the epoch of the message, of either sign; its shape is that of the message.
    steps : int
        Equal steps from the epoch to the age; 20 s each leave less than 1 mm a minute on low orbits.
    oblateness : bool
        Whether the terminal knows of J2. Without it a low satellite is 0.8 m off after 10 s, 30 m after a minute.

    Returns
    -------
    State
        Fields [..., 3] in ECEF.
    """
    position, velocity = epoch_state(message)
    step_s = age_s[..., None] / steps

    def pull(place: tf.Tensor) -> tf.Tensor:
        return gravity_m_s2(place, oblateness=oblateness)

    for _ in range(steps):
        v1, a1 = velocity, pull(position)
        v2, a2 = velocity + 0.5 * step_s * a1, pull(position + 0.5 * step_s * v1)
        v3, a3 = velocity + 0.5 * step_s * a2, pull(position + 0.5 * step_s * v2)
        v4, a4 = velocity + step_s * a3, pull(position + step_s * v3)
        position = position + step_s / 6.0 * (v1 + 2.0 * (v2 + v3) + v4)
        velocity = velocity + step_s / 6.0 * (a1 + 2.0 * (a2 + a3) + a4)
    return _fixed(position, velocity, pull(position), EARTH_ROTATION_RAD_S * age_s)


def _fixed(position: tf.Tensor, velocity: tf.Tensor, acceleration: tf.Tensor, angle_rad: tf.Tensor) -> State:
    """Inertial vectors in axes that have turned by an angle and go on turning."""
    sine, cosine = sin_cos(angle_rad)
    turned = []
    for vector in (position, velocity, acceleration):
        x, y, z = tf.unstack(vector, axis=-1)
        turned.append(tf.stack([cosine * x + sine * y, cosine * y - sine * x, z], -1))
    place, speed, pull = turned
    speed = speed - cross_earth_rotation(place, EARTH_ROTATION_RAD_S)
    swept = cross_earth_rotation(place, EARTH_ROTATION_RAD_S)
    pull = pull - cross_earth_rotation(2.0 * speed + swept, EARTH_ROTATION_RAD_S)
    return State(place, speed, pull)


@dataclass(frozen=True, kw_only=True, eq=False)
class BroadcastEphemeris:
    """A satellite as its terminals know it: from the last message, by its age. A platform like the true one.

    Every ``period_s`` the network forms a message of the true state; a terminal has it ``latency_s`` after its epoch
    and uses it until the next. Give its ``state`` and that of the satellite to `link_geometry` and compare the two with
    `uplink_timing`. Against SGP4, rounding leaves 1.1 m (state vector) or 0.25 m (orbital) at the epoch; age makes of
    it 1.4 and 0.25 m after 10 s, 3.5 and 0.3 m after a minute, 62 and 25 m after 15 minutes, mostly from the rounding
    of velocity and from the terms of SGP4 beyond J2.

    Parameters
    ----------
    satellite : Platform
        The true motion; a fleet will do, states then are [satellite, time, 3].
    first_epoch : datetime
        Epoch of one of the messages; aware.
    period_s : float
        Between epochs, positive.
    latency_s : float
        From the epoch of a message until the terminal uses it, not negative: broadcast, reception, a scan for SIB19.
    validity_s : int
        ntn-UlSyncValidityDuration: one of `VALIDITY_S`.
    form : str
        ``state-vector`` or ``orbital``.
    oblateness : bool
        Whether the terminal's propagation knows of J2.

    Raises
    ------
    ScenarioError
        For a validity that cannot be signalled, another form, a period or latency out of range.
    """

    satellite: Platform
    first_epoch: datetime
    period_s: float = 10.0
    latency_s: float = 0.0
    validity_s: int = 30
    form: str = "state-vector"
    oblateness: bool = True

    def __post_init__(self) -> None:
        if self.validity_s not in VALIDITY_S:
            raise ScenarioError(
                f"{self.validity_s:g}; ntn-UlSyncValidityDuration is one of {', '.join(map(str, VALIDITY_S))} s",
                key="validity_s",
            )
        if self.form not in _FORMATS:
            raise ScenarioError(f"{self.form!r}; ephemeris is sent as {' or '.join(_FORMATS)}", key="form")
        if not self.period_s > 0.0:
            raise ScenarioError(f"{self.period_s:g} s; messages have a positive period", key="period_s")
        if not self.latency_s >= 0.0:
            raise ScenarioError(
                f"{self.latency_s:g} s; a message cannot be used before it is sent. Was the sign lost?", key="latency_s"
            )
        object.__setattr__(self, "first_epoch", Times(self.first_epoch, 0.0).epoch)

    def age_s(self, times: Times) -> np.ndarray:
        """Age of the message in use at each instant: float64 [time], from the latency to latency plus period."""
        return self._since_first_s(times) - self.period_s * self._numbers(times)

    def message(self, times: Times) -> Message:
        """The message in use at each instant: fields [..., time] or [..., time, 3]."""
        numbers, place = np.unique(self._numbers(times), return_inverse=True)
        state = self.satellite.state(Times(self.first_epoch, self.period_s * numbers, times.ut1_minus_utc_s))
        sent = _FORMATS[self.form](state.position_ecef_m, state.velocity_ecef_m_s)
        fits = tf.gather(sent.fits, place, axis=-1)
        if isinstance(sent, StateVectorMessage):
            vectors = (tf.gather(part, place, axis=-2) for part in (sent.position, sent.velocity))
            return StateVectorMessage(*[*vectors, fits])
        return OrbitalMessage(*[*(tf.gather(part, place, axis=-1) for part in sent.__tf_flatten__()[1][:6]), fits])

    def state(self, times: Times) -> State:
        """Where the terminal believes the satellite to be at the instants: fields float64 [..., time, 3]."""
        message, age_s = self.message(times), tf.constant(self.age_s(times))
        steps = max(1, math.ceil(float(np.max(self.age_s(times))) / _STEP_S))
        return predicted_state(
            message, tf.broadcast_to(age_s, message.fits.shape), steps=steps, oblateness=self.oblateness
        )

    def valid(self, times: Times) -> tf.Tensor:
        """Whether the message can be used: not older than its validity, all its values in range: bool [..., time]."""
        return self.message(times).fits & tf.constant(self.age_s(times) <= self.validity_s)

    def _since_first_s(self, times: Times) -> np.ndarray:
        lead_s = (times.epoch - self.first_epoch) / timedelta(seconds=1)
        return np.asarray(times.offset_s, np.float64) + lead_s

    def _numbers(self, times: Times) -> np.ndarray:
        return np.floor((self._since_first_s(times) - self.latency_s) / self.period_s)
