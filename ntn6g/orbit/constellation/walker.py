"""Walker patterns: equal circular orbits, evenly spread over planes and along each plane."""

import math
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import tensorflow as tf

from ntn6g.core.constants import WGS84_SEMI_MAJOR_AXIS_M
from ntn6g.core.errors import ScenarioError
from ntn6g.orbit.platforms.keplerian import KeplerianOrbit

_SPREAD_RAD = {"delta": 2.0 * math.pi, "star": math.pi}  # over which the nodes of the planes are spread


@dataclass(frozen=True, kw_only=True)
class WalkerShell:
    r"""A Walker pattern i: T/P/F, delta (nodes over 360 degrees) or star (nodes over 180 degrees).

    Satellite k of plane p, with S = T/P satellites a plane, has

    .. math::
        \Omega = \Omega_0 + \frac{p}{P}\,2\pi \;(\text{star: } \pi), \quad
        u = u_0 + 2\pi \frac{k}{S} + 2\pi \frac{F p}{T} .

    Parameters
    ----------
    altitude_m : float
        Semi-major axis less the equatorial radius 6378.137 km, the convention of filings and of tracked elements.
    inclination_rad : float
        Of every plane.
    satellites, planes : int
        T and P; P divides T.
    phasing : float
        F: 0 to P - 1 for whole numbers; P / 2 staggers neighbouring planes by half a spacing.
    pattern : str
        ``delta`` or ``star``.
    raan_rad, argument_of_latitude_rad : float
        Of the first satellite of the first plane at the epoch.
    name : str
        For tables.

    Raises
    ------
    ScenarioError
        If the planes do not divide the satellites, or the orbit lies below 100 km.

    References
    ----------
    J. G. Walker, "Satellite constellations", J. British Interplanetary Society 37 (1984).
    """

    altitude_m: float
    inclination_rad: float
    satellites: int
    planes: int
    phasing: float = 1.0
    pattern: str = "delta"
    raan_rad: float = 0.0
    argument_of_latitude_rad: float = 0.0
    name: str = ""

    def __post_init__(self) -> None:
        if self.planes < 1 or self.satellites < 1 or self.satellites % self.planes:
            raise ScenarioError(
                f"{self.planes} planes do not divide {self.satellites} satellites; every plane of a Walker pattern "
                "holds equally many. Was the number in one plane given for the total?",
                key="planes",
            )
        if not self.altitude_m >= 100e3:
            raise ScenarioError(
                f"{self.altitude_m / 1e3:g}; an orbit lies at 100 km or above. Was it given in another unit?",
                key="altitude_km",
            )

    def angles(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Node and argument of latitude in rad, and number of the plane, of every satellite: [satellite] each."""
        each = self.satellites // self.planes
        plane, place = np.divmod(np.arange(self.satellites), each)
        node = self.raan_rad + _SPREAD_RAD[self.pattern] * plane / self.planes
        turns = place / each + self.phasing * plane / self.satellites
        return node, self.argument_of_latitude_rad + 2.0 * np.pi * turns, plane


def walker_orbits(
    shells: list[WalkerShell], epoch: datetime, *, deployed: float = 1.0, in_turn: bool = False
) -> KeplerianOrbit:
    """All satellites of some shells as circular J2-secular orbits: elements [satellite], shell by shell.

    Parameters
    ----------
    shells : list of WalkerShell
        At least one.
    epoch : datetime
        When the angles hold; aware.
    deployed : float
        Share of the planes that are in orbit, 0 to 1: spread as evenly over the nodes of each shell as whole planes
        allow; at least one.
    in_turn : bool
        Shells are filled one after the other, a shell without a plane left out; else each has the same share of its
        planes, at least one.
    """
    columns: list[list[np.ndarray]] = [[], [], [], []]
    for shell, planes in zip(shells, _deployed_planes(shells, deployed, in_turn), strict=True):
        node, latitude, plane = shell.angles()
        kept = plane_is_deployed(shell.planes, planes)[plane]
        axis_m = np.full(kept.sum(), WGS84_SEMI_MAJOR_AXIS_M + shell.altitude_m)
        tilt = np.full(kept.sum(), shell.inclination_rad)
        for column, values in zip(columns, (axis_m, tilt, node[kept], latitude[kept]), strict=True):
            column.append(values)
    axis_m, tilt, node, latitude = (tf.constant(np.concatenate(column)) for column in columns)
    return KeplerianOrbit(
        semi_major_axis_m=axis_m, inclination_rad=tilt, raan_rad=node, mean_anomaly_rad=latitude, epoch=epoch
    )


def _deployed_planes(shells: list[WalkerShell], deployed: float, in_turn: bool) -> list[int]:
    """Planes of each shell that are in orbit."""
    if not in_turn:
        return [max(1, round(deployed * shell.planes)) for shell in shells]
    left = max(1, round(deployed * sum(shell.planes for shell in shells)))
    counts = []
    for shell in shells:
        counts.append(min(left, shell.planes))
        left -= counts[-1]
    return counts


def plane_is_deployed(planes: int, count: int) -> np.ndarray:
    """Which planes of a shell are in orbit when some of them are: bool [plane], evenly spread."""
    chosen = np.zeros(planes, bool)
    chosen[np.arange(count) * planes // max(count, 1)] = True
    return chosen
