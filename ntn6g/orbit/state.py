"""When and where: the instants asked for, the states answered, and what every platform promises."""

from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol, Self

import tensorflow as tf

from ntn6g.core.errors import ScenarioError


class TensorRecord:
    """Base of records whose fields are all tensors: they pass through `tf.function` and `tf.nest` whole."""

    def __tf_flatten__(self) -> tuple[tuple[()], tuple[tf.Tensor, ...]]:
        """Fields in their order, nothing static."""
        return (), tuple(getattr(self, field.name) for field in fields(self))  # type: ignore[arg-type]

    @classmethod
    def __tf_unflatten__(cls, metadata: tuple[()], components: tuple[tf.Tensor, ...]) -> Self:
        """Inverse of `__tf_flatten__`."""
        del metadata
        return cls(*components)


@dataclass(frozen=True, eq=False)
class Times:
    """Instants as an epoch and seconds since then, so that no digit is lost to a large number.

    UTC days are taken as 86 400 s long; no leap second has been inserted since 2017-01-01.

    Parameters
    ----------
    epoch : datetime
        Aware date and time; kept in UTC.
    offset_s : [time], float64
        Seconds since ``epoch``; array or tensor.
    ut1_minus_utc_s : float
        UT1 - UTC of the epoch (IERS Bulletin A), at most 0.9 s in magnitude. The default 0 displaces a site
        along its parallel by up to 465 m per second of UT1 - UTC that is left out.

    Raises
    ------
    ScenarioError
        If ``epoch`` has no time zone.
    """

    epoch: datetime
    offset_s: Any
    ut1_minus_utc_s: float = 0.0

    def __post_init__(self) -> None:
        if self.epoch.tzinfo is None:
            raise ScenarioError(
                f"{self.epoch.isoformat()} has no time zone; it must be UTC. Was the Z left out?",
                key="at.utc",
            )
        object.__setattr__(self, "epoch", self.epoch.astimezone(UTC))

    def seconds_since(self, moment: datetime) -> tf.Tensor:
        """Seconds from ``moment`` to each instant: float64 [time]."""
        lead_s = (self.epoch - moment) / timedelta(seconds=1)
        return tf.convert_to_tensor(self.offset_s, tf.float64) + lead_s


@dataclass(frozen=True, eq=False)
class State(TensorRecord):
    """Position, velocity and acceleration in the rotating Earth-fixed frame, each float64 [..., time, 3]."""

    position_ecef_m: tf.Tensor
    velocity_ecef_m_s: tf.Tensor
    acceleration_ecef_m_s2: tf.Tensor


@dataclass(frozen=True, eq=False)
class Site(TensorRecord):
    """A terminal and its horizon at the instants, float64 [..., time, 3], where time is 1 for one at rest."""

    position_ecef_m: tf.Tensor
    velocity_ecef_m_s: tf.Tensor
    acceleration_ecef_m_s2: tf.Tensor
    east: tf.Tensor
    """Unit vectors of the ellipsoidal horizon."""
    north: tf.Tensor
    up: tf.Tensor
    up_rate_rad_s: tf.Tensor
    """Time derivative of ``up``."""

    def at_rest(self) -> "Site":
        """The same places without the terminal's own motion: what is left in a link is the satellite's."""
        still = tf.zeros_like(self.position_ecef_m)
        return replace(self, velocity_ecef_m_s=still, acceleration_ecef_m_s2=still, up_rate_rad_s=still)


class Platform(Protocol):
    """Anything that knows where it is."""

    def state(self, times: Times) -> State:
        """State at the instants: fields float64 [..., time, 3]."""


class Terminal(Platform, Protocol):
    """A platform on or above the Earth that has a horizon."""

    def site(self, times: Times) -> Site:
        """Place and horizon at the instants: fields float64 [..., time, 3]."""


def stack_states(states: list[State]) -> State:
    """Join states of equal shape [..., time, 3] along a new link axis before time: [..., link, time, 3]."""
    return State(
        tf.stack([state.position_ecef_m for state in states], -3),
        tf.stack([state.velocity_ecef_m_s for state in states], -3),
        tf.stack([state.acceleration_ecef_m_s2 for state in states], -3),
    )
