"""What a multistatic study asks: a target, the paths over it between transmitters and receivers, and an instant."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from ntn6g.core.errors import ScenarioError
from ntn6g.scenario.fields import Name, Section, UtcTime

_MOST_PATHS = 12


class EchoPath(Section):
    """From a transmitter over the target to a receiver; a monostatic radar where both are one."""

    transmitter: Name
    """Name of a platform or terminal."""
    receiver: Name
    """Name of a platform or terminal."""
    eirp_dbw: float = Field(ge=-60.0, le=120.0)
    """Radiated power towards the target within the bandwidth, times antenna gain, dBW."""
    receive_gain_dbi: float = Field(default=0.0, ge=-20.0, le=80.0)
    """Gain of the receive antenna towards the target, dBi."""
    direct_gain_dbi: float | None = Field(default=None, ge=-80.0, le=80.0)
    """Its gain towards the transmitter, dBi; absent, that towards the target."""
    noise_figure_db: float = Field(default=7.0, ge=0.0, le=30.0)
    """Noise figure of the receiver, dB."""
    loss_db: float = Field(default=0.0, ge=0.0, le=100.0)
    """All other losses, dB."""
    cancelled_db: float | None = Field(default=None, ge=0.0, le=200.0)
    """What is taken away of the direct path, dB; the rest counts as noise. Needed where transmitter and receiver are
    two."""
    leakage_dbw: float | None = Field(default=None, ge=-300.0, le=30.0)
    """What is left of the own transmitter in a monostatic receiver, dBW; it counts as noise. Absent: nothing."""


class Multistatic(Section):
    """Echoes of one target over several paths, and the position they tell together."""

    target: Name
    """Name of the platform or terminal that is looked for."""
    start: UtcTime
    """UTC, such as 2026-04-25T12:00:00Z."""
    at_s: float = Field(default=0.0, ge=-86_400.0, le=86_400.0)
    """Instant after start, s; sweep it to follow a pass."""
    carrier_ghz: float = Field(gt=0.0, le=1_000.0)
    """Carrier, GHz, above 0 to 1000."""
    bandwidth_mhz: float = Field(gt=0.0, le=10_000.0)
    """Bandwidth that is used for sensing, MHz."""
    integration_ms: float = Field(gt=0.0, le=10_000.0)
    """Coherent integration, ms."""
    cross_section_dbsm: float = Field(default=0.0, ge=-60.0, le=100.0)
    """Mean cross section of the target on every path, dB over a square metre."""
    swerling: Literal[0, 1, 3] = 1
    """Fluctuation, from frame to frame and path to path; 0 is steady."""
    false_alarm: float = Field(default=1e-4, gt=0.0, lt=1.0)
    """Of the detector, per cell."""
    delay_cells: int = Field(default=48, ge=24, le=1_024)
    """Cells of delay around the predicted place that are looked at, 24 to 1024."""
    doppler_cells: int = Field(default=16, ge=8, le=1_024)
    """Cells of Doppler around it, 8 to 1024."""
    known_altitude: bool = True
    """Whether the position is looked for in the target's horizontal plane only, as of a ship."""
    paths: dict[Name, EchoPath] = Field(min_length=1, max_length=_MOST_PATHS)
    """Paths by name, 1 to 12."""
    sets: dict[Name, Annotated[tuple[Name, ...], Field(strict=False)]] = Field(default_factory=dict)
    """Which paths a position is made of, by name; absent, one set 'all' of all paths, where they suffice."""

    @property
    def dimensions(self) -> int:
        """Of the position."""
        return 2 if self.known_altitude else 3

    def path_sets(self) -> dict[str, tuple[str, ...]]:
        """Sets of paths that make positions."""
        if self.sets or len(self.paths) < self.dimensions:
            return dict(self.sets)
        return {"all": tuple(self.paths)}

    @model_validator(mode="after")
    def _fits(self) -> Self:
        for name, path in self.paths.items():
            one = path.transmitter == path.receiver
            if self.target in (path.transmitter, path.receiver):
                raise ValueError(f"path {name} ends at the target {self.target}")
            if one and path.cancelled_db is not None:
                raise ValueError(
                    f"path {name} is monostatic and has no direct path; give leakage_dbw, not cancelled_db"
                )
            if not one and path.cancelled_db is None:
                raise ValueError(f"path {name} needs cancelled_db, what is taken away of the direct path, such as 60")
            if not one and path.leakage_dbw is not None:
                raise ValueError(f"path {name} has two ends; leakage_dbw is that of a monostatic radar")
        for name, members in self.sets.items():
            for member in members:
                if member not in self.paths:
                    raise ValueError(f"set {name} names a path {member!r}; known: {', '.join(self.paths)}")
            if len(set(members)) < self.dimensions:
                raise ValueError(
                    f"set {name} has {len(set(members))} path{'s' * (len(set(members)) != 1)}; a position in "
                    f"{self.dimensions} dimensions needs {self.dimensions}"
                )
        return self

    def check(self, known: dict[str, object]) -> None:
        """Raise `ScenarioError` unless target and ends of paths are among platforms and terminals."""
        named = {"multistatic.target": self.target}
        for name, path in self.paths.items():
            named |= {
                f"multistatic.paths.{name}.transmitter": path.transmitter,
                f"multistatic.paths.{name}.receiver": path.receiver,
            }
        for key, each in named.items():
            if each not in known:
                raise ScenarioError(
                    f"{each!r} is no platform or terminal; known: {', '.join(known) or 'none'}", key=key
                )
