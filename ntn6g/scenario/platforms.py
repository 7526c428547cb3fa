"""Who is where and when: satellites, terminals and the instant of a link."""

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from ntn6g.core.errors import ScenarioError
from ntn6g.scenario.fields import Section, UtcTime, at_most_one

_MOMENTS = ("elevation_deg", "fraction", "from_culmination_s")


class Tle(Section):
    """A satellite given by a two-line element set."""

    kind: Literal["tle"]
    """A two-line element set, propagated with SGP4."""
    lines: Annotated[tuple[Annotated[str, StringConstraints(min_length=1)], ...], Field(strict=False)] = Field(
        min_length=2, max_length=3
    )
    """The two lines of the element set, or a name followed by the two lines."""


class Circular(Section):
    """A satellite on a circular Kepler orbit."""

    kind: Literal["circular"]
    """A circular orbit around a spherical Earth."""
    altitude_km: float = Field(ge=160.0, le=50_000.0)
    """Altitude above the mean sphere of 6371 km, km, 160 to 50000."""
    inclination_deg: float = Field(ge=0.0, le=180.0)
    """Inclination, degrees, 0 to 180; above 90 is retrograde."""
    raan_deg: float = Field(default=0.0, ge=-360.0, le=360.0)
    """Right ascension of the ascending node at the epoch, degrees, -360 to 360."""
    argument_of_latitude_deg: float = Field(default=0.0, ge=-360.0, le=360.0)
    """Angle from the ascending node to the satellite at the epoch, degrees, -360 to 360."""
    epoch: UtcTime
    """Instant of the elements, UTC, such as 2026-04-25T12:00:00Z."""


Platform = Annotated[Tle | Circular, Field(discriminator="kind")]


class Terminal(Section):
    """A terminal at a fixed place on the WGS 84 ellipsoid; its speed feeds the fading Doppler only."""

    latitude_deg: float = Field(ge=-90.0, le=90.0)
    """Geodetic latitude, degrees north, -90 to 90."""
    longitude_deg: float = Field(ge=-180.0, le=360.0)
    """Longitude, degrees east, -180 to 360."""
    altitude_m: float = Field(default=0.0, ge=-500.0, le=9_000.0)
    """Height above the ellipsoid, m, -500 to 9000."""
    speed_kmh: float = Field(default=0.0, ge=0.0, le=2_000.0)
    """Speed through the scatterers, km/h, 0 to 2000."""
    min_elevation_deg: float = Field(default=10.0, ge=0.0, le=90.0)
    """Lowest elevation at which the terminal is served, degrees, 0 to 90."""


class Pass(Section):
    """The first pass of the satellite over the terminal that meets a condition."""

    after: UtcTime
    """Search for a pass from this instant on, UTC, such as 2026-04-25T12:00:00Z."""
    min_culmination_deg: float = Field(default=0.0, ge=0.0, le=90.0)
    """Lowest culmination to accept, degrees, 0 to 90."""
    within_days: float = Field(default=3.0, ge=0.0, le=30.0)
    """Length of the search, days, 0 to 30."""


class At(Section):
    """The instant of the link: a moment of a pass, or a time."""

    platform: str | None = None
    """Name of the satellite; needed only when several platforms are defined."""
    terminal: str | None = None
    """Name of the terminal; needed only when several terminals are defined."""
    pass_: Pass | None = Field(default=None, alias="pass")
    """The pass that holds the instant (its culmination unless a moment is given); excludes `utc`."""
    elevation_deg: float | None = Field(default=None, ge=-90.0, le=90.0)
    """Moment of the pass at this elevation, degrees, -90 to 90 and at most the culmination."""
    side: Literal["rising", "setting"] = "rising"
    """Side of the culmination on which `elevation_deg` is met."""
    fraction: float | None = Field(default=None, ge=0.0, le=1.0)
    """Moment of the pass as a fraction of the time from rise to set, 0 to 1."""
    from_culmination_s: float | None = Field(default=None, ge=-86_400.0, le=86_400.0)
    """Moment of the pass counted from its culmination, s, negative before it."""
    utc: UtcTime | None = None
    """The instant itself, UTC, such as 2026-04-25T12:00:00Z; excludes `pass`."""

    @model_validator(mode="after")
    def _one_instant(self) -> Self:
        at_most_one(self, "pass_", "utc")
        at_most_one(self, *_MOMENTS)
        return self

    def check(self) -> None:
        """Raise `ScenarioError` unless an instant is described."""
        moments = [key for key in _MOMENTS if getattr(self, key) is not None]
        if self.pass_ is None and moments:
            raise ScenarioError(
                f"{getattr(self, moments[0]):g} is a moment of a pass, but at.pass is missing",
                key=f"at.{moments[0]}",
            )
        if self.pass_ is None and self.utc is None:
            raise ScenarioError("no instant is given; give exactly one of pass, utc", key="at")
        if self.side == "setting" and self.elevation_deg is None:
            raise ScenarioError("'setting' has no effect without at.elevation_deg", key="at.side")
