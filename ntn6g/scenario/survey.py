"""What a channel study looks at: the losses against elevation and frequency, and draws of the channel."""

from typing import Self

from pydantic import Field, model_validator

from ntn6g.scenario.fields import Section


class Survey(Section):
    """The place of the satellite, the axes and the number of draws of a channel study."""

    altitude_km: float = Field(default=600.0, ge=8.0, le=50_000.0)
    """Altitude of the satellite above the sphere of 6371 km, km, 8 to 50000."""
    elevation_deg: float = Field(default=50.0, ge=10.0, le=90.0)
    """Elevation of all but the elevation axis, degrees, 10 to 90."""
    speed_kmh: float = Field(default=3.0, ge=0.0, le=1_200.0)
    """Speed of the terminal for the Doppler spectrum, km/h, 0 to 1200."""
    lowest_ghz: float = Field(default=0.5, ge=0.1, le=300.0)
    """Start of the frequency axis, GHz, 0.1 to 300."""
    highest_ghz: float = Field(default=300.0, ge=0.1, le=300.0)
    """End of the frequency axis, GHz, 0.1 to 300."""
    frequencies: int = Field(default=120, ge=2, le=2_000)
    """Points of the frequency axis, 2 to 2000, evenly spaced on a logarithmic scale."""
    draws: int = Field(default=4_096, ge=64, le=100_000)
    """Links drawn for each environment and for each curve, 64 to 100000."""

    @model_validator(mode="after")
    def _rising(self) -> Self:
        if self.lowest_ghz >= self.highest_ghz:
            raise ValueError(
                f"lowest_ghz {self.lowest_ghz:g} is not below highest_ghz {self.highest_ghz:g}; exchanged?"
            )
        return self
