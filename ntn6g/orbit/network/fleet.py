"""Many satellites as one: synthetic orbits on tensors, or element sets through SGP4's C++ arrays."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol, Self

import numpy as np
import tensorflow as tf

from ntn6g.orbit.platforms.element_set import Sgp4Satellite, constellation_state, positions_teme_km
from ntn6g.orbit.state import Platform, State, Times


class Fleet(Protocol):
    """Satellites along one axis; `KeplerianOrbit` with elements [satellite] is one."""

    @property
    def size(self) -> int:
        """Number of satellites."""

    def take(self, satellites: slice) -> Self:
        """Some of them, in order."""

    def member(self, place: int) -> Platform:
        """One of them, as a platform by itself."""

    def state(self, times: Times) -> State:
        """States at the instants: fields float64 [satellite, time, 3]."""


class Alone:
    """One platform of any kind as a fleet of one."""

    size = 1

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    def take(self, satellites: slice) -> "Alone":
        """Itself: there is nothing to choose from."""
        del satellites
        return self

    def member(self, place: int) -> Platform:
        """The platform."""
        del place
        return self._platform

    def state(self, times: Times) -> State:
        """States at the instants: fields float64 [1, time, 3]."""
        length = len(times.offset_s)
        fields = self._platform.state(times).__tf_flatten__()[1]
        return State(*(tf.broadcast_to(field, [1, length, 3]) for field in fields))


class ElementSets:
    """Satellites given by element sets."""

    def __init__(self, members: Sequence[Sgp4Satellite]) -> None:
        self.members = tuple(members)

    @property
    def size(self) -> int:
        """Number of satellites."""
        return len(self.members)

    def member(self, place: int) -> Sgp4Satellite:
        """One of them, as a platform by itself."""
        return self.members[place]

    def take(self, satellites: slice) -> "ElementSets":
        """Some of them, in order."""
        return ElementSets(self.members[satellites])

    def state(self, times: Times) -> State:
        """States at the instants: fields float64 [satellite, time, 3]."""
        return constellation_state(self.members, times)

    def positions_teme_km(self, epoch: datetime, offset_s: np.ndarray) -> np.ndarray:
        """SGP4's positions at instants counted from ``epoch``: float64 [satellite, time, 3]."""
        return positions_teme_km(self.members, epoch, offset_s)
