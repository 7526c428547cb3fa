"""Who is where and when: satellites, terminals and the instant of a link."""

from datetime import UTC, datetime
from typing import Annotated, Literal, Self, TypeVar

from pydantic import Field, StringConstraints, model_validator

from ntn6g.core.errors import ScenarioError
from ntn6g.scenario.fields import Scalar, Section, UtcTime, at_most_one

S = TypeVar("S", bound=Section)
Lines = Annotated[tuple[Annotated[str, StringConstraints(min_length=1)], ...], Field(strict=False)]
_MOMENTS = ("elevation_deg", "fraction", "from_culmination_s")


def _exactly_one(section: S, *keys: str) -> S:
    at_most_one(section, *keys)
    if all(getattr(section, key) is None for key in keys):
        raise ValueError(f"give exactly one of {', '.join(keys)}")
    return section


class Tle(Section):
    """Satellites given by two-line element sets."""

    kind: Literal["tle"]
    """Two-line element sets, propagated with SGP4; several make a constellation."""
    lines: Lines | None = Field(default=None, min_length=2)
    """The two lines of an element set, or a name followed by the two lines; several sets one after another."""
    file: str | None = None
    """A file of element sets instead, beside the config or by its path; its lines take its place."""

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        return _exactly_one(self, "lines", "file")


class Omm(Section):
    """Satellites given by orbit mean-elements messages."""

    kind: Literal["omm"]
    """Orbit mean-elements messages (CCSDS 502.0), propagated with SGP4; several make a constellation."""
    messages: Annotated[tuple[dict[str, Scalar], ...], Field(strict=False)] | None = Field(default=None, min_length=1)
    """The messages, each with its keywords as published: OBJECT_NAME, EPOCH, MEAN_MOTION and so on."""
    file: str | None = None
    """A file of messages instead, JSON or CSV, beside the config or by its path; they take its place."""

    def __hash__(self) -> int:
        return hash((self.kind, repr(self.messages), self.file))

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        return _exactly_one(self, "messages", "file")


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


class Keplerian(Section):
    """A satellite on an ellipse that drifts as the Earth's oblateness demands."""

    kind: Literal["keplerian"]
    """Kepler orbit with the secular rates of J2."""
    semi_major_axis_km: float = Field(ge=6_478.0, le=500_000.0)
    """Semi-major axis, km, 6478 to 500000."""
    eccentricity: float = Field(default=0.0, ge=0.0, lt=0.99)
    """Eccentricity, 0 to below 0.99."""
    inclination_deg: float = Field(ge=0.0, le=180.0)
    """Inclination, degrees, 0 to 180; above 90 is retrograde."""
    raan_deg: float = Field(default=0.0, ge=-360.0, le=360.0)
    """Right ascension of the ascending node at the epoch, degrees, -360 to 360."""
    argument_of_perigee_deg: float = Field(default=0.0, ge=-360.0, le=360.0)
    """Angle from the ascending node to the perigee at the epoch, degrees, -360 to 360."""
    mean_anomaly_deg: float = Field(default=0.0, ge=-360.0, le=360.0)
    """Mean anomaly at the epoch, degrees, -360 to 360."""
    oblateness: bool = True
    """Whether node, perigee and mean anomaly drift by J2."""
    epoch: UtcTime
    """Instant of the elements, UTC, such as 2026-04-25T12:00:00Z."""


class Walker(Section):
    """A Walker pattern of circular orbits."""

    kind: Literal["walker"]
    """Equal circular orbits, evenly spread over planes and along each plane (i: T/P/F)."""
    pattern: Literal["delta", "star"] = "delta"
    """Nodes of the planes over 360 degrees (delta) or 180 degrees (star)."""
    altitude_km: float = Field(ge=160.0, le=50_000.0)
    """Semi-major axis less 6378.137 km, km, 160 to 50000."""
    inclination_deg: float = Field(ge=0.0, le=180.0)
    """Inclination, degrees, 0 to 180; above 90 is retrograde."""
    satellites: int = Field(ge=1, le=100_000)
    """Satellites in all planes together, T, 1 to 100000."""
    planes: int = Field(ge=1, le=100_000)
    """Planes, P, a divisor of the satellites."""
    phasing: float = Field(default=1.0, ge=0.0, le=100_000.0)
    """Phasing F: neighbouring planes are shifted by F times 360 degrees over T."""
    raan_deg: float = Field(default=0.0, ge=-360.0, le=360.0)
    """Right ascension of the first plane's ascending node at the epoch, degrees, -360 to 360."""
    argument_of_latitude_deg: float = Field(default=0.0, ge=-360.0, le=360.0)
    """Angle from the node to the first satellite at the epoch, degrees, -360 to 360."""
    epoch: UtcTime
    """Instant of the angles, UTC, such as 2026-04-25T12:00:00Z."""

    @model_validator(mode="after")
    def _whole_planes(self) -> Self:
        if self.satellites % self.planes:
            raise ValueError(
                f"{self.planes} planes do not divide {self.satellites} satellites; every plane of a Walker pattern "
                "holds equally many (satellites counts those of all planes)"
            )
        return self


class Growth(Section):
    """When a constellation is launched: evenly from its first to its last plane. Nothing of it is published."""

    first: UtcTime
    """When the first plane is in orbit, UTC."""
    complete: UtcTime
    """When the last one is, UTC, after the first."""
    order: Literal["together", "by-shell"] = "together"
    """Planes of all shells in equal shares, or one shell after the other in the order of the table."""

    @model_validator(mode="after")
    def _forward(self) -> Self:
        if not self.first < self.complete:
            raise ValueError(f"first {self.first:%Y-%m-%d} is not before complete {self.complete:%Y-%m-%d}; exchanged?")
        return self


class Constellation(Section):
    """A constellation by name, with its published shells."""

    kind: Literal["constellation"]
    """A published constellation; ntn6g list constellations names them."""
    name: str
    """Its name, such as starlink-gen1."""
    shells: Annotated[tuple[str, ...], Field(strict=False)] | None = Field(default=None, min_length=1)
    """Names of the shells taken; default: all."""
    deployed: float = Field(default=1.0, gt=0.0, le=1.0)
    """Share of the planes of each shell that are in orbit, above 0 to 1."""
    epoch: UtcTime | None = None
    """Instant of the filed angles, UTC; not needed where the constellation is given by element sets."""
    growth: Growth | None = None
    """When it is launched; what is in orbit at the key date is taken. Excludes `deployed`."""
    date: UtcTime | None = None
    """The day at which a growing constellation is looked at, UTC; an axis to sweep. Required with `growth`."""

    @model_validator(mode="after")
    def _growing(self) -> Self:
        if (self.growth is None) != (self.date is None):
            raise ValueError("a constellation that grows needs both growth and date; one of them is missing")
        if self.growth is not None and self.deployed != 1.0:
            raise ValueError("deployed and growth are both given; give exactly one")
        if self.growth is not None and self.date is not None and self.date < self.growth.first:
            raise ValueError(
                f"date {self.date:%Y-%m-%d} lies before growth.first {self.growth.first:%Y-%m-%d}; no plane is up"
            )
        return self


class Geo(Section):
    """An ideal geostationary satellite."""

    kind: Literal["geo"]
    """At rest above the equator, 35786 km up."""
    longitude_deg: float = Field(ge=-180.0, le=360.0)
    """Longitude of its slot, degrees east, -180 to 360."""


class Haps(Section):
    """A high-altitude platform that keeps its station on a circle."""

    kind: Literal["haps"]
    """Level circle around a point of the stratosphere; at rest when the radius is 0."""
    latitude_deg: float = Field(ge=-90.0, le=90.0)
    """Geodetic latitude of the centre, degrees north, -90 to 90."""
    longitude_deg: float = Field(ge=-180.0, le=360.0)
    """Longitude of the centre, degrees east, -180 to 360."""
    altitude_km: float = Field(default=20.0, ge=8.0, le=50.0)
    """Height above the ellipsoid, km, 8 to 50."""
    radius_km: float = Field(default=0.0, ge=0.0, le=100.0)
    """Radius of the circle, km, 0 to 100."""
    speed_kmh: float = Field(default=100.0, gt=0.0, le=1_000.0)
    """Speed along the circle, km/h, above 0 to 1000."""
    epoch: UtcTime = datetime(2000, 1, 1, tzinfo=UTC)
    """When it is north of the centre, UTC."""


class Ground(Section):
    """A terrestrial site: a mast, a roof, a gateway."""

    kind: Literal["site"]
    """At rest on the Earth."""
    latitude_deg: float = Field(ge=-90.0, le=90.0)
    """Geodetic latitude, degrees north, -90 to 90."""
    longitude_deg: float = Field(ge=-180.0, le=360.0)
    """Longitude, degrees east, -180 to 360."""
    altitude_m: float = Field(default=0.0, ge=-500.0, le=9_000.0)
    """Height of its antenna above the ellipsoid, m, -500 to 9000."""


class Mobile(Section):
    """An aircraft, ship, train or vehicle that keeps its course."""

    kind: Literal["mobile"]
    """Moves on a great circle of the ellipsoid's normals at a constant speed."""
    latitude_deg: float = Field(ge=-90.0, le=90.0)
    """Geodetic latitude at the epoch, degrees north, -90 to 90."""
    longitude_deg: float = Field(ge=-180.0, le=360.0)
    """Longitude at the epoch, degrees east, -180 to 360."""
    altitude_m: float = Field(default=0.0, ge=-500.0, le=25_000.0)
    """Height above the ellipsoid, m, -500 to 25000."""
    speed_kmh: float = Field(ge=0.0, le=4_000.0)
    """Speed along its path, km/h, 0 to 4000."""
    course_deg: float = Field(ge=0.0, le=360.0)
    """Course at the epoch, degrees from north through east."""
    epoch: UtcTime
    """When it is at its latitude and longitude, UTC, such as 2026-04-25T12:00:00Z."""


Platform = Annotated[
    Tle | Omm | Circular | Keplerian | Walker | Constellation | Geo | Haps | Ground | Mobile,
    Field(discriminator="kind"),
]


class Terminal(Section):
    """A terminal on or above the WGS 84 ellipsoid: at rest, or on a course at its speed."""

    latitude_deg: float = Field(ge=-90.0, le=90.0)
    """Geodetic latitude, degrees north, -90 to 90."""
    longitude_deg: float = Field(ge=-180.0, le=360.0)
    """Longitude, degrees east, -180 to 360."""
    altitude_m: float = Field(default=0.0, ge=-500.0, le=25_000.0)
    """Height above the ellipsoid, m, -500 to 25000."""
    speed_kmh: float = Field(default=0.0, ge=0.0, le=2_000.0)
    """Speed through the scatterers, and over the ground where a course is given, km/h, 0 to 2000. In a link it makes
    the fading Doppler only; the Doppler of a pass study includes it."""
    course_deg: float | None = Field(default=None, ge=0.0, le=360.0)
    """Course at the epoch, degrees from north through east; default: the terminal stays where it is."""
    epoch: UtcTime | None = None
    """When a terminal on a course is at its latitude and longitude, UTC; required with course_deg."""
    min_elevation_deg: float = Field(default=10.0, ge=0.0, le=90.0)
    """Lowest elevation at which the terminal is served, degrees, 0 to 90."""

    @model_validator(mode="after")
    def _course_and_epoch(self) -> Self:
        if (self.course_deg is None) != (self.epoch is None):
            raise ValueError("a terminal that moves needs both course_deg and epoch; one of them is missing")
        return self


class Pass(Section):
    """The first pass of the satellite over the terminal that meets a condition."""

    after: UtcTime
    """Search for a pass from this instant on, UTC, such as 2026-04-25T12:00:00Z."""
    min_culmination_deg: float = Field(default=0.0, ge=0.0, le=90.0)
    """Lowest culmination to accept, degrees, 0 to 90."""
    within_days: float = Field(default=3.0, gt=0.0, le=30.0)
    """Length of the search, days, 0 to 30."""


class At(Section):
    """The instant of the link: a moment of a pass, or a time."""

    platform: str | None = None
    """Name of the satellite; needed only when several platforms are defined."""
    terminal: str | None = None
    """Name of the terminal; needed only when several terminals are defined."""
    satellite: int | None = Field(default=None, ge=0)
    """Place of the satellite in a platform that holds several, from 0."""
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
