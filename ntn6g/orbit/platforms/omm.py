"""Satellites as published in orbit mean-elements messages, propagated by SGP4."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from sgp4 import omm
from sgp4.api import SGP4_ERRORS, Satrec

from ntn6g.core.errors import ScenarioError
from ntn6g.orbit.platforms.element_set import Sgp4Satellite

_NUMBERS = (
    "MEAN_MOTION",
    "ECCENTRICITY",
    "INCLINATION",
    "RA_OF_ASC_NODE",
    "ARG_OF_PERICENTER",
    "MEAN_ANOMALY",
    "BSTAR",
)
# what SGP4 does not read, with values that change nothing
_UNREAD = {
    "CLASSIFICATION_TYPE": "U",
    "OBJECT_ID": "",
    "EPHEMERIS_TYPE": 0,
    "ELEMENT_SET_NO": 0,
    "REV_AT_EPOCH": 0,
    "NORAD_CAT_ID": 0,
    "MEAN_MOTION_DOT": 0.0,
    "MEAN_MOTION_DDOT": 0.0,
}
_EXPECTED = {"MEAN_ELEMENT_THEORY": "SGP4", "REF_FRAME": "TEME", "TIME_SYSTEM": "UTC", "CENTER_NAME": "EARTH"}


@dataclass(frozen=True)
class MeanElementsMessage(Sgp4Satellite):
    """An orbit mean-elements message and its SGP4 motion.

    Parameters
    ----------
    fields : tuple of (str, str)
        Keywords of the message and their values as text.
    name : str
        For messages and tables.

    Raises
    ------
    ScenarioError
        In one line, with key ``messages``: a keyword that is missing or no number, another theory, frame or time system
        than SGP4's, or elements that SGP4 refuses.

    References
    ----------
    CCSDS 502.0-B-3, Orbit Data Messages, clause 4 (keywords and units).
    """

    fields: tuple[tuple[str, str], ...]
    name: str = ""

    def __post_init__(self) -> None:
        given = dict(self.fields)
        for keyword, value in _EXPECTED.items():
            if given.get(keyword, value).upper() != value:
                raise _refusal(self.name, f"{keyword} is {given[keyword]!r}; SGP4 needs {value}")
        for keyword in _NUMBERS:
            _number(given, keyword, self.name)
        eccentricity = _number(given, "ECCENTRICITY", self.name)
        if not 0.0 <= eccentricity < 1.0:
            raise _refusal(self.name, f"ECCENTRICITY is {eccentricity:g}; a closed orbit has 0 to below 1")
        if "EPOCH" not in given:
            raise _refusal(self.name, "EPOCH is missing")
        try:
            datetime.fromisoformat(given["EPOCH"])
        except ValueError:
            raise _refusal(self.name, f"EPOCH {given['EPOCH']!r} is no instant such as 2026-04-25T11:48:46.5") from None
        if self.satrec.error:
            error = self.satrec.error
            raise _refusal(self.name, f"SGP4 error {error} at the epoch ({SGP4_ERRORS[error]})")

    @property
    def satrec(self) -> Satrec:
        """The initialised propagator of the ``sgp4`` library."""
        return _satrec(self.fields)


def mean_elements(message: Mapping[str, Any]) -> MeanElementsMessage:
    """The satellite of a message given as keywords and values; keywords in either case."""
    fields = {str(keyword).upper(): str(value) for keyword, value in message.items()}
    return MeanElementsMessage(tuple(fields.items()), fields.get("OBJECT_NAME", ""))


@lru_cache(maxsize=65_536)
def _satrec(fields: tuple[tuple[str, str], ...]) -> Satrec:
    given: dict[str, Any] = {**dict(fields), **_UNREAD}
    epoch = datetime.fromisoformat(str(given["EPOCH"]))
    if epoch.tzinfo is not None:
        epoch = epoch.astimezone(UTC)
    satrec = Satrec()
    omm.initialize(satrec, {**given, "EPOCH": epoch.strftime("%Y-%m-%dT%H:%M:%S.%f")})
    return satrec


def _number(given: Mapping[str, str], keyword: str, name: str) -> float:
    if keyword not in given:
        raise _refusal(name, f"{keyword} is missing")
    try:
        number = float(given[keyword])
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise _refusal(name, f"{keyword} is {given[keyword]!r}, not a number")
    return number


def _refusal(name: str, complaint: str) -> ScenarioError:
    return ScenarioError(f"message of {name}: {complaint}" if name else f"message: {complaint}", key="messages")
