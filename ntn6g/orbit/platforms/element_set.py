"""Satellites as published: two-line element sets, propagated by SGP4 (WGS 72) on the host."""

import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache

import numpy as np
import tensorflow as tf
from sgp4.api import SGP4_ERRORS, Satrec, SatrecArray

from ntn6g.core.errors import ScenarioError
from ntn6g.orbit.frames import split_julian_date, teme_to_ecef
from ntn6g.orbit.state import State, Times

_LINE_LENGTH = 69
_DECIMAL = re.compile(r" *[+-]?\d*\.\d+ *")
_EXPONENT = re.compile(r"[ +-][ \d]{5}[ +-]\d")  # decimal point assumed before the digits
# Columns (first, last, both counted from 1) of the two-line format: F. R. Hoots and R. L. Roehrich,
# Spacetrack Report No. 3 (1980), in today's layout as read by the code of AIAA 2006-6753.
_COLUMNS: tuple[tuple[tuple[str, int, int, re.Pattern[str]], ...], ...] = (
    (
        ("epoch", 19, 32, re.compile(r"[ \d]\d[ \d]{2}\d\.\d+ *")),
        ("first derivative of mean motion", 34, 43, _DECIMAL),
        ("second derivative of mean motion", 45, 52, _EXPONENT),
        ("drag term", 54, 61, _EXPONENT),
    ),
    (
        ("inclination", 9, 16, _DECIMAL),
        ("right ascension of the node", 18, 25, _DECIMAL),
        ("eccentricity", 27, 33, re.compile(r"\d{7}")),
        ("argument of perigee", 35, 42, _DECIMAL),
        ("mean anomaly", 44, 51, _DECIMAL),
        ("mean motion", 53, 63, _DECIMAL),
    ),
)
# SGP4's own velocity is not the derivative of its position (0.02 m/s off on low orbits, 1.2 m/s on Molniya
# orbits), so both derivatives are five-point differences of position. At 4 s, truncation and rounding stay
# below 1e-5 m/s and 5e-6 m/s2; gravity with J2 would be 4e-5 (low orbits) to 5e-3 m/s2 (Molniya) off.
_STEP_S = 4.0
_NODES = np.array([-2.0, -1.0, 0.0, 1.0, 2.0])
_FIRST_DERIVATIVE = np.array([1.0, -8.0, 0.0, 8.0, -1.0]) / (12.0 * _STEP_S)
_SECOND_DERIVATIVE = np.array([-1.0, 16.0, -30.0, 16.0, -1.0]) / (12.0 * _STEP_S**2)


class Sgp4Satellite(ABC):
    """A satellite given by mean elements and its SGP4 motion.

    Position is SGP4's; velocity and acceleration are its derivatives by five-point differences (errors below
    1e-5 m/s and 5e-6 m/s2), so that range rate is the rate of the range. Runs on the host, outside
    `tf.function`.
    """

    name: str

    @property
    @abstractmethod
    def satrec(self) -> Satrec:
        """The initialised propagator of the ``sgp4`` library."""

    @property
    def epoch(self) -> datetime:
        """Epoch of the elements, UTC to the microsecond."""
        satrec = self.satrec
        year = satrec.epochyr + (1900 if satrec.epochyr >= 57 else 2000)
        return datetime(year, 1, 1, tzinfo=UTC) + timedelta(days=satrec.epochdays - 1.0)

    def element_set_age_days(self, moment: datetime) -> float:
        """Days from the epoch of the elements to ``moment``; SGP4 drifts by 1 to 3 km in each."""
        return (moment - self.epoch) / timedelta(days=1)

    def state_teme(self, times: Times) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Inertial position, velocity and acceleration: three float64 [time, 3] in m, m/s, m/s2."""
        position, velocity, acceleration = _states_teme([self], times)
        return position[0], velocity[0], acceleration[0]

    def state(self, times: Times) -> State:
        """State at the instants: fields float64 [time, 3]; ScenarioError where SGP4 fails (decay, mostly)."""
        position, velocity, acceleration = (tf.constant(vector) for vector in self.state_teme(times))
        return teme_to_ecef(position, velocity, acceleration, times)


@dataclass(frozen=True)
class ElementSet(Sgp4Satellite):
    """A two-line element set and its SGP4 motion.

    Parameters
    ----------
    line1, line2 : str
        The two lines, 69 characters each; white space around them is dropped.
    name : str
        For messages and tables.

    Raises
    ------
    ScenarioError
        In one line, with key ``lines``: wrong length, line number, checksum (expected and given digit),
        field, satellite numbers that differ, or elements that SGP4 refuses.

    References
    ----------
    D. A. Vallado et al., "Revisiting Spacetrack Report #3", AIAA 2006-6753; improved mode, WGS 72 constants.
    """

    line1: str
    line2: str
    name: str = ""

    def __post_init__(self) -> None:
        for number, attribute in ((1, "line1"), (2, "line2")):
            line = getattr(self, attribute).strip()
            object.__setattr__(self, attribute, line)
            _check_line(line, number, self.name)
        if self.line1[2:7] != self.line2[2:7]:
            raise _refusal(
                self.name,
                f"line 1 is of satellite {self.line1[2:7].strip()}, line 2 of {self.line2[2:7].strip()}; "
                "are they from two element sets?",
            )
        error = _satrec(self.line1, self.line2).error
        if error:
            raise _refusal(self.name, f"SGP4 error {error} at the epoch ({SGP4_ERRORS[error]})")

    @property
    def satrec(self) -> Satrec:
        """The initialised propagator of the ``sgp4`` library."""
        return _satrec(self.line1, self.line2)


def constellation_state(element_sets: Sequence[Sgp4Satellite], times: Times) -> State:
    """States of many element sets at once: fields float64 [satellite, time, 3].

    Same motion and errors as `ElementSet.state`; one call of SGP4 for all.
    """
    position, velocity, acceleration = (tf.constant(vector) for vector in _states_teme(element_sets, times))
    return teme_to_ecef(position, velocity, acceleration, times)


@lru_cache(maxsize=65_536)
def _satrec(line1: str, line2: str) -> Satrec:
    return Satrec.twoline2rv(line1, line2)


def _states_teme(element_sets: Sequence[Sgp4Satellite], times: Times) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    offset_s = np.asarray(times.offset_s, np.float64)[:, None] + _STEP_S * _NODES
    position = 1e3 * positions_teme_km(element_sets, times.epoch, offset_s.ravel())
    position = position.reshape(len(element_sets), *offset_s.shape, 3)
    velocity = np.einsum("stnx,n->stx", position, _FIRST_DERIVATIVE)
    # differences from the middle node: subtracting first keeps the digits that the weights would cancel
    bend = position - position[:, :, 2:3]
    acceleration = np.einsum("stnx,n->stx", bend, _SECOND_DERIVATIVE)
    return position[:, :, 2], velocity, acceleration


def positions_teme_km(element_sets: Sequence[Sgp4Satellite], epoch: datetime, offset_s: np.ndarray) -> np.ndarray:
    """Positions of SGP4 at instants counted from ``epoch``: float64 [satellite, time, 3].

    Raises
    ------
    ScenarioError
        Where SGP4 fails: names the satellite, the instant and its distance from the epoch of the elements.
    """
    whole_jd, fraction = split_julian_date(epoch)
    fraction_days = fraction + offset_s / 86_400.0
    satellites = SatrecArray([each.satrec for each in element_sets])
    errors, position_km, _ = satellites.sgp4(np.full_like(fraction_days, whole_jd), fraction_days)
    if errors.any():
        satellite, instant = (int(index) for index in np.argwhere(errors)[0])
        error, chosen = int(errors[satellite, instant]), element_sets[satellite]
        moment = epoch + timedelta(seconds=float(offset_s[instant]))
        raise _refusal(
            chosen.name,
            f"SGP4 error {error} ({SGP4_ERRORS[error]}) at {moment:%Y-%m-%dT%H:%M:%SZ}, "
            f"{chosen.element_set_age_days(moment):.1f} days from the epoch of the elements; too old?",
        )
    return np.asarray(position_km)


def _refusal(name: str, complaint: str) -> ScenarioError:
    return ScenarioError(f"element set {name}: {complaint}" if name else f"element set: {complaint}", key="lines")


def _check_line(line: str, number: int, name: str) -> None:
    if len(line) != _LINE_LENGTH or not line.isascii():
        raise _refusal(
            name,
            f"line {number} has {len(line)} characters instead of {_LINE_LENGTH}; was it cut or wrapped?",
        )
    if not line.startswith(f"{number} "):
        raise _refusal(name, f"line {number} begins with {line[:2]!r} instead of '{number} '; are the lines in order?")
    expected = sum(int(letter) if letter.isdigit() else letter == "-" for letter in line[:-1]) % 10
    if line[-1] != str(expected):
        raise _refusal(
            name, f"line {number} ends with checksum {line[-1]}, its digits give {expected}; was it retyped?"
        )
    for field, first, last, pattern in _COLUMNS[number - 1]:
        text = line[first - 1 : last]
        if not pattern.fullmatch(text):
            raise _refusal(name, f"line {number} columns {first}-{last}, {field}, are {text!r}: not such a number")
