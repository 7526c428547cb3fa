"""What a coverage study asks: a constellation, a grid of places, and the instants at which it is counted."""

from typing import Self

from pydantic import Field, model_validator

from ntn6g.scenario.fields import Section, UtcTime

_MOST_INSTANTS, _MOST_CELLS = 20_000, 65_160  # two weeks by the minute; cells of 1 x 1 degrees


class Coverage(Section):
    """A constellation seen from a latitude-longitude grid."""

    platform: str | None = None
    """Name of the constellation, or of any single platform; needed only when several are defined."""
    start: UtcTime
    """First instant, UTC, such as 2026-04-25T12:00:00Z."""
    duration_h: float = Field(default=24.0, gt=0.0, le=24.0 * 366)
    """Length of the window, h, above 0 to 8784."""
    step_s: float = Field(default=60.0, gt=0.0, le=3_600.0)
    """Time between instants, s, above 0 to 3600; gaps are multiples of it."""
    latitude_step_deg: float = Field(default=10.0, ge=1.0, le=180.0)
    """Height of a cell, degrees, 1 to 180, a divisor of the span of latitudes."""
    longitude_step_deg: float = Field(default=15.0, ge=1.0, le=360.0)
    """Width of a cell, degrees, 1 to 360, a divisor of 360."""
    south_deg: float = Field(default=-90.0, ge=-90.0, lt=90.0)
    """Southern edge of the grid, degrees north, -90 to below 90."""
    north_deg: float = Field(default=90.0, gt=-90.0, le=90.0)
    """Northern edge of the grid, degrees north, above -90 to 90."""
    min_elevation_deg: float = Field(default=10.0, ge=0.0, lt=90.0)
    """Elevation from which a satellite is in view, degrees, 0 to below 90."""
    at_least: int = Field(default=1, ge=1, le=1_000)
    """Satellites that must be in view at once for a place to count as covered, 1 to 1000."""

    @property
    def rows(self) -> int:
        """Cells from south to north."""
        return round((self.north_deg - self.south_deg) / self.latitude_step_deg)

    @property
    def columns(self) -> int:
        """Cells around a parallel."""
        return round(360.0 / self.longitude_step_deg)

    @property
    def instants(self) -> int:
        """Instants from ``start`` on, the end of the window not included."""
        return max(1, round(3_600.0 * self.duration_h / self.step_s))

    @model_validator(mode="after")
    def _whole_grid(self) -> Self:
        if self.south_deg >= self.north_deg:
            raise ValueError(f"south_deg {self.south_deg:g} is not below north_deg {self.north_deg:g}; exchanged?")
        for key, span in (("latitude_step_deg", self.north_deg - self.south_deg), ("longitude_step_deg", 360.0)):
            step = getattr(self, key)
            if round(span / step) < 1 or abs(span / step - round(span / step)) > 1e-9:
                raise ValueError(f"{key} {step:g} does not divide the grid's span of {span:g} degrees")
        if self.instants > _MOST_INSTANTS:
            raise ValueError(f"duration_h over step_s gives {self.instants} instants, more than {_MOST_INSTANTS}")
        if self.rows * self.columns > _MOST_CELLS:
            raise ValueError(f"the grid has {self.rows * self.columns} cells, more than {_MOST_CELLS}")
        return self
