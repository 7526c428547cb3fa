"""What a beams study asks: the layout of a satellite's beams, the instant, and the map on which they are compared."""

import math
from typing import Literal

from pydantic import Field

from ntn6g.core.errors import ScenarioError
from ntn6g.scenario.antennas import Antennas
from ntn6g.scenario.fields import Section, UtcTime
from ntn6g.scenario.power import Power


class Beams(Section):
    """A hexagonal layout of beams (TR 38.821, 6.1.1.1) and the terminals around it."""

    platform: str | None = None
    """Name of the satellite or constellation; needed only when several platforms are defined."""
    satellite: int | None = Field(default=None, ge=0)
    """Place of the satellite in a platform that holds several, from 0."""
    start: UtcTime
    """Instant at which the layout is laid around nadir, UTC, such as 2026-04-25T12:00:00Z."""
    offset_s: float = Field(default=0.0, ge=0.0, le=86_400.0)
    """Time from `start` to the instant looked at, s, 0 to 86400; an axis to sweep."""
    motion: Literal["earth-moving", "earth-fixed"] = "earth-moving"
    """Beams that move over the Earth with the satellite, or are steered to the places they had at `start`."""
    count: Literal[1, 7, 19, 37, 61, 91, 127, 169, 217] = 19
    """Beams of the layout that are counted, whole rings: 1, 7, 19, 37, 61, 91, 127, 169 or 217."""
    tiers_around: int | None = Field(default=None, ge=0, le=4)
    """Rings of beams around them that interfere without being counted, 0 to 4; default: as in TR 38.821, 6.1.1.1, 2 \
with one colour and 4 with several, none beside `other_satellites`."""
    off_nadir_deg: float = Field(default=0.0, ge=0.0, lt=90.0)
    """Where the middle of the layout looks, degrees from nadir, 0 to below 90; all beams move with it in u and v."""
    from_track_deg: float = Field(default=0.0, ge=-360.0, le=360.0)
    """Side to which it is moved, degrees from the motion over the ground through the right, -360 to 360."""
    reuse: Literal[1, 3, 4] = 3
    """Colours that the beams share: 1, 3 or 4."""
    polarisations: Literal[1, 2] = 1
    """Polarisations that make the colours: with 2, for `reuse: 4`, each of two frequencies is used in both circular \
senses (option 3 of TR 38.821, Table 6.1.1.1-5)."""
    cross_polar_db: float | None = Field(default=None, ge=0.0, le=100.0)
    """By how much a terminal hears a beam of the other polarisation weakened, dB, 0 to 100: the cross-polar \
discrimination of path and both antennas; required with `polarisations: 2`, 0 for a linear terminal, such as the \
handheld of TR 38.821 unless its polarisation is given."""
    spacing_uv: float | None = Field(default=None, gt=0.0, lt=1.0)
    """Between neighbours in u and v, above 0 to 1; default: neighbours overlap at -3 dB."""
    activity: float = Field(default=1.0, ge=0.0, le=1.0)
    """Share of the time in which an interfering beam sends, 0 to 1."""
    pointing_sigma_deg: float = Field(default=0.0, ge=0.0, le=5.0)
    """Standard deviation of the satellite's pointing along each axis, common to its beams, degrees, 0 to 5."""
    other_satellites: bool = False
    """Whether the other satellites of the constellation that stand above `min_elevation_deg` of the layout's centre \
interfere, each with an equal layout around its nadir."""
    min_elevation_deg: float = Field(default=10.0, ge=10.0, lt=90.0)
    """Lowest elevation of a place looked at, and from which other satellites count, degrees, 10 to below 90."""
    pixels: int = Field(default=81, ge=11, le=301)
    """Places along each side of the map, 11 to 301."""

    @property
    def all_beams(self) -> int:
        """Beams of the layout with those around."""
        tiers = self.tiers_around
        if tiers is None:
            tiers = 0 if self.other_satellites else 2 if self.reuse == 1 else 4
        rings = round(((4 * self.count - 1) / 3) ** 0.5 / 2 - 0.5) + tiers
        return 1 + 3 * rings * (rings + 1)

    @property
    def frequencies(self) -> int:
        """Parts into which the beams cut the band."""
        return self.reuse // self.polarisations

    def check_polarisations(self, antennas: Antennas, *, counts_rain: bool) -> None:
        """Raise `ScenarioError` where the polarisations of beams fit neither their colours nor the terminals."""
        if counts_rain:
            raise ScenarioError(
                "true has no effect on a map of beams; give beams.polarisations and beams.cross_polar_db",
                key="channel.losses.cross_polar",
            )
        if self.polarisations == 1:
            if self.cross_polar_db is not None:
                raise ScenarioError(
                    f"{self.cross_polar_db:g} dB has no effect on beams of one polarisation; set beams.polarisations: "
                    "2, or leave it out",
                    key="beams.cross_polar_db",
                )
            return
        if self.reuse != 4:
            raise ScenarioError(
                f"2 makes four colours of two frequencies, not {self.reuse}; set beams.reuse to 4",
                key="beams.polarisations",
            )
        if self.cross_polar_db is None:
            raise ScenarioError(
                "required key is missing; beams of two polarisations need it", key="beams.cross_polar_db"
            )
        for end in ("satellite", "terminal"):
            given = getattr(antennas, end)
            if self.cross_polar_db and given and (given.polarisation or given.own_polarisation) == "linear":
                raise ScenarioError(
                    f"{self.cross_polar_db:g} dB, but a linear antennas.{end} has as much of either sense; set it to "
                    "0, or the antenna to right or left",
                    key="beams.cross_polar_db",
                )

    @property
    def centre_uv(self) -> tuple[float, float]:
        """Where the middle looks: u ahead and v to the right, sines of the angle from nadir."""
        sine, side = math.sin(math.radians(self.off_nadir_deg)), math.radians(self.from_track_deg)
        return sine * math.cos(side), sine * math.sin(side)


def check_beams(antennas: Antennas, power: Power | None, *, draws_shadowing: bool = False) -> None:
    """Raise `ScenarioError` unless antennas, power and losses suit a layout of beams."""
    for end in ("satellite", "terminal"):
        given = getattr(antennas, end)
        if given is None:
            raise ScenarioError("required key is missing; a beams study needs it", key=f"antennas.{end}")
        if given.pointing.kind != "peer" or given.pointing_error_deg:
            raise ScenarioError(
                "a beams study lays the beams and lets terminals look at their satellite; leave pointing out "
                "(beams.pointing_sigma_deg misses)",
                key=f"antennas.{end}.pointing",
            )
    if draws_shadowing:
        raise ScenarioError(
            "draw has no effect on maps, which show means; set channel.losses.shadow_margin_db instead",
            key="channel.losses.shadow_fading",
        )
    sends = antennas.satellite is not None and antennas.satellite.own_power
    hears = antennas.terminal is not None and antennas.terminal.own_noise
    if power is not None and power.budget is None:
        raise ScenarioError("a beams study finds the ratios itself; give power.budget, or no power", key="power")
    if power is None and not (sends and hears):
        raise ScenarioError("required key is missing; these antennas do not bring power and noise", key="power.budget")
    if power is not None and power.budget is not None and power.budget.power_dbm is not None:
        raise ScenarioError(
            "a layout shares no one bandwidth; give power_density_dbw_mhz instead", key="power.budget.power_dbm"
        )
