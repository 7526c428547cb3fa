"""Kepler orbits that drift as the Earth's oblateness demands (J2-secular), on tensors."""

import math
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple, Self

import tensorflow as tf

from ntn6g.core.constants import EARTH_MU_M3_S2, WGS84_SEMI_MAJOR_AXIS_M
from ntn6g.core.errors import ScenarioError
from ntn6g.orbit.frames import greenwich_mean_sidereal_time
from ntn6g.orbit.platforms.element_set import Sgp4Satellite
from ntn6g.orbit.state import State, Times
from ntn6g.orbit.trigonometry import sin_cos

_KEPLER_STEPS = 6  # quartic: from the starting value to rounding for every eccentricity below 0.99
_LOWEST_PERIGEE_M = 100e3  # above the equatorial radius; below, air ends the orbit within a revolution


ELEMENTS = (
    "semi_major_axis_m", "eccentricity", "inclination_rad", "raan_rad", "argument_of_perigee_rad", "mean_anomaly_rad",
)  # fmt: skip
"""Names of the elements of `KeplerianOrbit`: numbers, or tensors of one shape."""


class Gravity(NamedTuple):
    """Constants of the Earth's gravity field that belong together."""

    mu_m3_s2: float
    radius_m: float
    j2: float


WGS84 = Gravity(EARTH_MU_M3_S2, WGS84_SEMI_MAJOR_AXIS_M, 1.08262998905e-3)
"""J2 from the normalised C20 = -484.16685e-6 of WGS 84, as in AIAA 2006-6753 (getgravconst)."""
WGS72 = Gravity(3.986008e14, 6_378_135.0, 1.082616e-3)
"""The constants of SGP4, AIAA 2006-6753."""


def _f64(value: Any) -> tf.Tensor:
    return tf.convert_to_tensor(value, tf.float64)


class SecularRates(NamedTuple):
    """Constant rates of the angles, rad/s, float64 [...]."""

    mean_anomaly_rad_s: tf.Tensor
    argument_of_perigee_rad_s: tf.Tensor
    raan_rad_s: tf.Tensor


@dataclass(frozen=True, kw_only=True, eq=False)
class KeplerianOrbit:
    r"""Ellipse whose node, perigee and mean anomaly drift at the secular rates of J2.

    With :math:`p = a(1-e^2)`, :math:`n = \sqrt{\mu/a^3}` and :math:`\kappa = \frac{3}{2} J_2 (R/p)^2 n`,

    .. math::
        \dot\Omega = -\kappa\cos i, \quad \dot\omega = \kappa\,(2 - \tfrac52\sin^2 i), \quad
        \dot M = n + \kappa\sqrt{1-e^2}\,(1 - \tfrac32\sin^2 i) .

    Against SGP4 from the same mean elements (`from_element_set`) the position of low, near-circular satellites with
    little drag stays within 20 km over a day, most of it the short-period terms that come and go with every
    revolution; the orbit-averaged drift is below 2 km/day. Half-day orbits of high eccentricity, which resonate with
    the Earth's field, are 100 km off after a day. Velocity and acceleration are the derivatives of the
    position. Differentiable in every number; runs under XLA. Parameters of shape [...] give states [..., time, 3].

    Parameters
    ----------
    semi_major_axis_m, eccentricity : [...], float or float64
        Mean elements; eccentricity in [0, 0.99).
    inclination_rad, raan_rad, argument_of_perigee_rad, mean_anomaly_rad : [...], float or float64
        Angles at the epoch, in the frame of SGP4 (TEME, taken as inertial).
    epoch : datetime
        Aware.
    oblateness : bool
        False: two-body motion.
    gravity : Gravity
        Constants, WGS 84 by default.

    Raises
    ------
    ScenarioError
        If plain numbers describe no ellipse, or one whose perigee is below 100 km; if the epoch has no time zone.

    References
    ----------
    D. Brouwer, "Solution of the problem of artificial satellite theory without drag", Astron. J. 64 (1959), secular
    terms of first order, as in AIAA 2006-6753 (sgp4init).
    """

    semi_major_axis_m: Any
    eccentricity: Any = 0.0
    inclination_rad: Any
    raan_rad: Any
    argument_of_perigee_rad: Any = 0.0
    mean_anomaly_rad: Any
    epoch: datetime
    oblateness: bool = True
    gravity: Gravity = WGS84

    def __post_init__(self) -> None:
        if isinstance(self.eccentricity, int | float):
            if not 0.0 <= self.eccentricity < 0.99:
                raise ScenarioError(
                    f"{self.eccentricity:g}; a closed orbit has an eccentricity from 0 to below 0.99. "
                    "Was the decimal point lost?",
                    key="eccentricity",
                )
            if isinstance(self.semi_major_axis_m, int | float):
                self._check_perigee(float(self.semi_major_axis_m), float(self.eccentricity))
        object.__setattr__(self, "epoch", Times(self.epoch, 0.0).epoch)

    def _check_perigee(self, axis_m: float, eccentricity: float) -> None:
        perigee_m = axis_m * (1.0 - eccentricity) - self.gravity.radius_m
        if not perigee_m >= _LOWEST_PERIGEE_M:
            raise ScenarioError(
                f"{axis_m / 1e3:g} with eccentricity {eccentricity:g} puts the perigee at {perigee_m / 1e3:.0f} km; an "
                "orbit lies at 100 km or above. Was an altitude given, or another unit?",
                key="semi_major_axis_km",
            )

    @classmethod
    def from_element_set(cls, elements: Sgp4Satellite) -> Self:
        """The orbit with the mean elements of an element set (Brouwer's, recovered as SGP4 does); drag is left out."""
        satrec = elements.satrec
        return cls(
            semi_major_axis_m=satrec.a * WGS72.radius_m,
            eccentricity=satrec.ecco,
            inclination_rad=satrec.inclo,
            raan_rad=satrec.nodeo,
            argument_of_perigee_rad=satrec.argpo,
            mean_anomaly_rad=satrec.mo,
            epoch=elements.epoch,
            gravity=WGS72,
        )

    @property
    def circular(self) -> bool:
        """Whether the eccentricity is the plain number 0, which spares Kepler's equation."""
        return isinstance(self.eccentricity, int | float) and self.eccentricity == 0

    @property
    def size(self) -> int:
        """Number of satellites along the last axis of the elements."""
        return max((_f64(getattr(self, name)).shape.as_list() or [1])[-1] for name in ELEMENTS)

    def take(self, satellites: Any) -> Self:
        """The satellites at these places of the last axis: a slice, or whole numbers."""

        def chosen(value: Any) -> Any:
            tensor = _f64(value)
            if not tensor.shape.rank:
                return value
            return tensor[..., satellites] if isinstance(satellites, slice) else tf.gather(tensor, satellites, axis=-1)

        return replace(self, **{name: chosen(getattr(self, name)) for name in ELEMENTS})

    def member(self, place: int) -> Self:
        """One satellite, as a platform by itself: states [time, 3]."""
        numbers = {name: _f64(getattr(self, name)) for name in ELEMENTS if name != "eccentricity" or not self.circular}
        return replace(self, **{name: value[place] if value.shape.rank else value for name, value in numbers.items()})

    def rates(self) -> SecularRates:
        """Rates of mean anomaly, argument of perigee and node: rad/s, float64 [...]."""
        axis_m, e, inclination = (_f64(v) for v in (self.semi_major_axis_m, self.eccentricity, self.inclination_rad))
        motion = tf.sqrt(self.gravity.mu_m3_s2 / axis_m**3)
        if not self.oblateness:
            still = tf.zeros_like(motion + e + inclination)
            return SecularRates(motion + still, still, still)
        squeeze = 1.0 - e**2
        kappa = 1.5 * self.gravity.j2 * (self.gravity.radius_m / (axis_m * squeeze)) ** 2 * motion
        sine, cosine = sin_cos(inclination)
        return SecularRates(
            motion + kappa * tf.sqrt(squeeze) * (1.0 - 1.5 * sine**2),
            kappa * (2.0 - 2.5 * sine**2),
            -kappa * cosine,
        )

    def state(self, times: Times) -> State:
        """State at the instants: fields float64 [..., time, 3]."""
        return self.state_after(times.seconds_since(self.epoch), *self.earth_rotation(times))

    def earth_rotation(self, times: Times) -> tuple[float, float]:
        """Sidereal time at the epoch of the elements, in (-2 pi, 2 pi), and its rate, linear about ``times.epoch``."""
        epoch_rad, rate_rad_s = greenwich_mean_sidereal_time(times.epoch, times.ut1_minus_utc_s)
        lead_s = (self.epoch - times.epoch).total_seconds()
        return math.fmod(epoch_rad + math.fmod(rate_rad_s * lead_s, 2.0 * math.pi), 2.0 * math.pi), rate_rad_s

    def state_after(self, elapsed_s: tf.Tensor, turn: Any, turn_rate: Any) -> State:
        """State after float64 [..., time] seconds from the epoch, given its `earth_rotation`: fields [..., time, 3]."""
        rates = self.rates()
        mean = _f64(self.mean_anomaly_rad)[..., None] + rates.mean_anomaly_rad_s[..., None] * elapsed_s
        perigee_rate = rates.argument_of_perigee_rad_s[..., None]
        perigee = _f64(self.argument_of_perigee_rad)[..., None] + perigee_rate * elapsed_s
        node_rate = rates.raan_rad_s[..., None] - turn_rate
        node = _f64(self.raan_rad)[..., None] - turn + node_rate * elapsed_s
        in_plane = self._in_plane(mean, rates.mean_anomaly_rad_s[..., None])
        along, across = _turned(in_plane, perigee, perigee_rate)
        sin_i, cos_i = (part[..., None] for part in sin_cos(_f64(self.inclination_rad)))
        x, y = _turned((along, [cos_i * part for part in across]), node, node_rate)
        return State(*(tf.stack([x[k], y[k], sin_i * across[k]], -1) for k in range(3)))

    def _in_plane(self, mean: tf.Tensor, rate: tf.Tensor) -> tuple[list[tf.Tensor], list[tf.Tensor]]:
        """Coordinates along and across the line of apsides, each with its two derivatives."""
        e = _f64(self.eccentricity)[..., None]
        sine, cosine = sin_cos(mean) if self.circular else eccentric_anomaly(mean, e)
        axis_m = _f64(self.semi_major_axis_m)[..., None]
        minor_m = axis_m * tf.sqrt(1.0 - e**2)
        stretch = 1.0 - e * cosine  # r / a
        turning = rate / stretch
        bending = -(turning**2) * e * sine / stretch
        x = [axis_m * (cosine - e), -axis_m * sine * turning, -axis_m * (cosine * turning**2 + sine * bending)]
        y = [minor_m * sine, minor_m * cosine * turning, minor_m * (cosine * bending - sine * turning**2)]
        return x, y


def eccentric_anomaly(mean_anomaly_rad: tf.Tensor, eccentricity: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    r"""Sine and cosine of the solution of Kepler's equation :math:`M = E - e\sin E`.

    Danby's fourth-order iteration from :math:`M + 0.85 e\,\mathrm{sgn}\sin M`, a fixed number of times; the last step
    is Newton's and carries the gradient, exact for the equation itself.

    Parameters
    ----------
    mean_anomaly_rad, eccentricity : [...], float64
        Mean anomaly; eccentricity in [0, 0.99), broadcast.

    References
    ----------
    J. M. A. Danby, "The solution of Kepler's equation, III", Celestial Mechanics 40 (1987).
    """
    mean, e = tf.stop_gradient(mean_anomaly_rad), tf.stop_gradient(eccentricity)
    anomaly = mean + 0.85 * e * tf.sign(sin_cos(mean)[0])
    for _ in range(_KEPLER_STEPS):
        sine, cosine = sin_cos(anomaly)
        f, f1, f2, f3 = anomaly - e * sine - mean, 1.0 - e * cosine, e * sine, e * cosine
        step = -f / f1
        step = -f / (f1 + 0.5 * step * f2)
        step = -f / (f1 + 0.5 * step * f2 + step**2 * f3 / 6.0)
        anomaly = anomaly + step
    anomaly = tf.stop_gradient(anomaly)
    sine, cosine = sin_cos(anomaly)
    residual = anomaly - eccentricity * sine - mean_anomaly_rad
    return sin_cos(anomaly - residual / (1.0 - e * cosine))


def _turned(
    vector: tuple[list[tf.Tensor], list[tf.Tensor]], angle_rad: tf.Tensor, rate_rad_s: tf.Tensor
) -> tuple[list[tf.Tensor], list[tf.Tensor]]:
    """A plane vector and its two derivatives, seen after a turn by an angle that grows at a constant rate."""
    (x, x1, x2), (y, y1, y2) = vector
    u1, v1 = x1 - rate_rad_s * y, y1 + rate_rad_s * x
    u2 = x2 - 2.0 * rate_rad_s * y1 - rate_rad_s**2 * x
    v2 = y2 + 2.0 * rate_rad_s * x1 - rate_rad_s**2 * y
    sine, cosine = sin_cos(angle_rad)
    pairs = [(x, y), (u1, v1), (u2, v2)]
    return [cosine * p - sine * q for p, q in pairs], [sine * p + cosine * q for p, q in pairs]
