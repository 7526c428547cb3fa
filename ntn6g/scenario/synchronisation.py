"""What removes the satellite's delay and Doppler before a slot is sent, and what it rests on."""

from typing import Literal

from pydantic import Field

from ntn6g.core.errors import ScenarioError
from ntn6g.scenario.fields import Section


class Compensation(Section):
    """Delay and Doppler foretold from ephemeris and navigation; their errors stay on the link."""

    part: Literal["both", "common"] = "both"
    """What is compensated: everything a terminal can foretell, or the part common to a beam alone, by the network."""
    ephemeris: Literal["exact", "state-vector", "orbital"] = "state-vector"
    """The satellite as it is, or as SIB19 rounds it, in either form of TS 38.331."""
    age_s: float = Field(default=0.0, ge=0.0, le=900.0)
    """Age of the ephemeris when it is used, s, 0 to 900."""
    oblateness: bool = True
    """Whether the terminal's propagation knows of J2."""
    held_s: float = Field(default=0.0, ge=0.0, le=100.0)
    """Time since the compensation was last computed; it is held meanwhile, s, 0 to 100."""
    east_error_m: float = Field(default=0.0, ge=-1e5, le=1e5)
    """Error of the terminal's own position to the east, m, -100000 to 100000."""
    north_error_m: float = Field(default=0.0, ge=-1e5, le=1e5)
    """Error of the terminal's own position to the north, m, -100000 to 100000."""
    up_error_m: float = Field(default=0.0, ge=-1e5, le=1e5)
    """Error of the terminal's own position upwards, m, -100000 to 100000."""
    reference_east_km: float = Field(default=0.0, ge=-1e3, le=1e3)
    """Reference point of the common part, east of the terminal, km, -1000 to 1000."""
    reference_north_km: float = Field(default=0.0, ge=-1e3, le=1e3)
    """Reference point of the common part, north of the terminal, km, -1000 to 1000."""
    timing: Literal["foretold", "acquired"] = "foretold"
    """Timing from the same prediction, with its error, or found by the receiver without one."""
    within_slot: Literal["held", "tracked"] = "held"
    """Whether delay and Doppler go on drifting within a slot, where the channel acts on samples, or are followed \
there sample by sample."""

    def check(self, domain: str) -> None:
        """Raise `ScenarioError` where keys of the one part are given for the other, or the channel hides the timing."""
        where = ("reference_east_km", "reference_north_km")
        own = ("age_s", "east_error_m", "north_error_m", "up_error_m")
        idle = where if self.part == "both" else own
        given = next((key for key in idle if getattr(self, key)), None)
        if given is not None:
            raise ScenarioError(
                f"{getattr(self, given):g} has no effect with part: {self.part}; take the key away or choose part: "
                f"{'common' if self.part == 'both' else 'both'}",
                key=f"link.compensation.{given}",
            )
        if self.timing == "foretold" and domain != "time":
            raise ScenarioError(
                "foretold timing has an error, which a channel per subcarrier hides; set channel.domain: time, or "
                "timing: acquired",
                key="link.compensation.timing",
            )
        if self.ephemeris == "exact" and self.age_s:
            raise ScenarioError(
                f"{self.age_s:g} s has no effect on the exact ephemeris; choose state-vector or orbital",
                key="link.compensation.age_s",
            )
