"""What a pass study follows: its time axis, and what a terminal knows of the satellite."""

from typing import Literal

from pydantic import Field

from ntn6g.scenario.fields import Section


class Ephemeris(Section):
    """What the terminal knows: the satellite by the last SIB19 (TS 38.331, NTN-Config), itself by navigation."""

    form: Literal["state-vector", "orbital"] = "state-vector"
    """PositionVelocity (132 bits) or Orbital (164 bits), rounded as the standard says."""
    period_s: float = Field(default=10.0, gt=0.0, le=86_400.0)
    """Time between the epochs of messages, s, above 0 to 86400."""
    latency_s: float = Field(default=0.0, ge=0.0, le=86_400.0)
    """From the epoch of a message until it is used, s, 0 to 86400."""
    validity_s: Literal[5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 55, 60, 120, 180, 240, 900] = 30
    """ntn-UlSyncValidityDuration, s; older messages are marked unusable."""
    oblateness: bool = True
    """Whether the terminal's propagation knows of J2."""
    east_error_m: float = Field(default=0.0, ge=-1e5, le=1e5)
    """Error of the terminal's own position to the east, m, -100000 to 100000."""
    north_error_m: float = Field(default=0.0, ge=-1e5, le=1e5)
    """Error of the terminal's own position to the north, m, -100000 to 100000."""
    up_error_m: float = Field(default=0.0, ge=-1e5, le=1e5)
    """Error of the terminal's own position upwards, m, -100000 to 100000."""


class Track(Section):
    """The time axis of a pass study, and what the terminal foretells along it."""

    step_s: float = Field(default=1.0, gt=0.0, le=3_600.0)
    """Time between samples, s, above 0 to 3600."""
    rain: Literal["none", "drawn"] = "none"
    """Rain over the pass: none, or one draw of the series of ITU-R P.1853 in which it rains at the highest elevation; \
the SNR of a budget loses it."""
    ephemeris: Ephemeris | None = None
    """Adds the errors of timing advance and Doppler that the terminal's knowledge leaves; none unless given, `{}` for
    its defaults."""
