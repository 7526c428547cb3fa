"""Elevations of chosen pairs, each at an instant of its own, and the instants at which a function changes sign."""

from collections.abc import Callable, Sequence
from datetime import datetime

import numpy as np
import tensorflow as tf

from ntn6g.orbit.network.fleet import Fleet
from ntn6g.orbit.platforms.keplerian import KeplerianOrbit
from ntn6g.orbit.state import Terminal, Times

_BLOCK = 2**15  # pairs evaluated at once
_MOST_STEPS = 60


class SightLines:
    """Satellites of a fleet seen from stations.

    Parameters
    ----------
    fleet : Fleet
        Satellites.
    stations : sequence of Terminal
        At rest or moving.
    epoch : datetime
        From which seconds are counted; aware.
    ut1_minus_utc_s : float
        UT1 - UTC.
    """

    def __init__(
        self, fleet: Fleet, stations: Sequence[Terminal], epoch: datetime, ut1_minus_utc_s: float = 0.0
    ) -> None:
        self.fleet, self.stations = fleet, tuple(stations)
        self._epoch, self._ut1_minus_utc_s = epoch, ut1_minus_utc_s

    @property
    def satellites(self) -> int:
        """Number of satellites."""
        return self.fleet.size

    def sin_elevation(self, pairs: np.ndarray, offset_s: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Sine of the elevation and its rate in 1/s: float64 [n] each, of pairs int [n, 2] (station, satellite)."""
        sine, rate = np.empty(len(pairs)), np.empty(len(pairs))
        for first in range(0, len(pairs), _BLOCK):
            some = slice(first, first + _BLOCK)
            sine[some], rate[some] = self._block(pairs[some], offset_s[some])
        return sine, rate

    def _block(self, pairs: np.ndarray, offset_s: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        position, velocity = self._satellites(pairs[:, 1], offset_s)
        place, speed, up, up_rate = np.zeros((4, len(pairs), 3))
        for station in np.unique(pairs[:, 0]):
            rows = np.flatnonzero(pairs[:, 0] == station)
            site = self.stations[station].site(self._times(offset_s[rows]))
            place[rows], speed[rows] = site.position_ecef_m.numpy(), site.velocity_ecef_m_s.numpy()
            up[rows], up_rate[rows] = site.up.numpy(), site.up_rate_rad_s.numpy()
        line, motion = position - place, velocity - speed
        range_m = np.linalg.norm(line, axis=-1)
        sine = (line * up).sum(-1) / range_m
        range_rate = (line * motion).sum(-1) / range_m
        climb = (motion * up).sum(-1) + (line * up_rate).sum(-1)
        return sine, (climb - sine * range_rate) / range_m

    def _satellites(self, members: np.ndarray, offset_s: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Position and velocity [n, 3] of a satellite each, at an instant each."""
        fleet = self.fleet
        if isinstance(fleet, KeplerianOrbit):
            times = self._times(offset_s[:, None])
            state = fleet.take(members).state_after(times.seconds_since(fleet.epoch), *fleet.earth_rotation(times))
            return state.position_ecef_m.numpy()[:, 0], state.velocity_ecef_m_s.numpy()[:, 0]
        position, velocity = np.empty((2, len(members), 3))
        for member in np.unique(members):
            rows = np.flatnonzero(members == member)
            state = fleet.member(int(member)).state(self._times(offset_s[rows]))
            position[rows], velocity[rows] = tf.stack([state.position_ecef_m, state.velocity_ecef_m_s]).numpy()
        return position, velocity

    def _times(self, offset_s: np.ndarray) -> Times:
        return Times(self._epoch, offset_s, self._ut1_minus_utc_s)


def sign_changes(
    function: Callable[[np.ndarray, np.ndarray], np.ndarray],
    left_s: np.ndarray,
    right_s: np.ndarray,
    tolerance_s: float,
) -> np.ndarray:
    """Where functions climb through zero within brackets, all at once: float64 [n].

    The Illinois form of the false position, which keeps the bracket. Where a bracket holds no change of sign (an
    extremum at its end, to rounding), the end nearer to zero is the answer.

    Parameters
    ----------
    function : callable
        From places int [m] in the list of brackets and instants [m] to values [m].
    left_s, right_s : [n], float64
        Ends of the brackets.
    tolerance_s : float
        Of the answer.

    References
    ----------
    M. Dowell, P. Jarratt, "A modified regula falsi method for computing the root of an equation", BIT 11 (1971).
    """
    count = len(left_s)
    a, b = left_s.astype(np.float64), right_s.astype(np.float64)
    everything = np.arange(count)
    fa, fb = function(everything, a), function(everything, b)
    found = np.where(np.abs(fa) <= np.abs(fb), a, b)
    rows = np.flatnonzero((fa < 0.0) & (fb > 0.0))
    moved, last = np.zeros(count, np.int8), np.full(count, np.inf)  # the end moved last: 1 left, -1 right
    for _ in range(_MOST_STEPS):
        if not rows.size:
            break
        middle = b[rows] - fb[rows] * (b[rows] - a[rows]) / (fb[rows] - fa[rows])
        value = function(rows, middle)
        below = value < 0.0
        down, up = rows[below], rows[~below]
        fb[down] *= np.where(moved[down] == 1, 0.5, 1.0)
        fa[up] *= np.where(moved[up] == -1, 0.5, 1.0)
        a[down], fa[down], moved[down] = middle[below], value[below], 1
        b[up], fb[up], moved[up] = middle[~below], value[~below], -1
        step = np.abs(middle - found[rows])
        found[rows] = middle
        done = (step < 0.1 * tolerance_s) & (last[rows] < tolerance_s) | (b[rows] - a[rows] < tolerance_s)
        last[rows] = step
        rows = rows[~done & (value != 0.0)]
    return found
