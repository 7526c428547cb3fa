"""What a contact study asks: satellites, the terminals as their ground stations, and a window of time."""

from pydantic import Field

from ntn6g.scenario.fields import Section, UtcTime


class Contacts(Section):
    """Contacts of satellites with all terminals, each above its own min_elevation_deg."""

    platform: str | None = None
    """Name of the constellation, or of any single platform; needed only when several are defined."""
    start: UtcTime
    """Start of the window, UTC, such as 2026-04-25T12:00:00Z."""
    duration_h: float = Field(default=24.0, gt=0.0, le=24.0 * 31)
    """Length of the window, h, above 0 to 744."""
    min_contact_s: float = Field(default=0.0, ge=0.0, le=86_400.0)
    """Shortest contact that counts, s, 0 to 86400."""
