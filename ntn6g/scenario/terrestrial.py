"""Fading between a terrestrial site and a terminal on the ground or in a building."""

from typing import Any, Literal

from pydantic import Field

from ntn6g.core.errors import ScenarioError
from ntn6g.scenario.fields import Section


class TerrestrialCell(Section):
    """Cells of TR 38.901: every block has its own large-scale parameters, clusters and rays.

    Line of sight is drawn for every block with the probability at the distance, unless `channel.line_of_sight` fixes
    it. With a link budget the path loss of the cell replaces free space, and a block without sight or in a building
    loses more.
    """

    kind: Literal["uma", "umi", "rma"]
    """Urban macro cell, urban micro cell in a street canyon, or rural macro cell (TR 38.901 7.4 and 7.5)."""
    distance_m: float | None = Field(default=None, ge=10.0, le=10_000.0)
    """Distance on the ground, m, 10 to 5000, and to 10000 for rma with line of sight; default: from platforms, \
terminals and at."""
    site_m: float | None = Field(default=None, ge=5.0, le=150.0)
    """Height of the site's antenna over the ground, m, 5 to 150; default 25, 10 and 35, for which the report holds."""
    terminal_m: float = Field(default=1.5, ge=1.0, le=22.5)
    """Height of the terminal over the ground, m, 1.5 to 22.5 (1 to 10 for rma)."""
    indoors: Literal["no", "low", "high"] = "no"
    """Terminal outdoors, or in a building whose walls lose little (old) or much (coated glass); rma has low only."""
    building_m: float = Field(default=5.0, ge=5.0, le=50.0)
    """Mean height of buildings, m, 5 to 50; rma only."""
    street_m: float = Field(default=20.0, ge=5.0, le=50.0)
    """Width of streets, m, 5 to 50; rma only."""

    def check(self, carrier_ghz: float, line_of_sight: bool | None) -> None:
        """Raise `ScenarioError` unless the report covers the cell."""
        site_m = self.site_m or {"uma": 25.0, "umi": 10.0, "rma": 35.0}[self.kind]
        rural = self.kind == "rma"
        limits = (
            ("channel.carrier_ghz", carrier_ghz, 0.5, 30.0 if rural else 100.0, "GHz"),
            ("channel.fading.terminal_m", self.terminal_m, 1.0 if rural else 1.5, 10.0 if rural else 22.5, "m"),
            ("channel.fading.distance_m", self.distance_m, 10.0, 10_000.0 if rural and line_of_sight else 5_000.0, "m"),
        )
        for key, value, low, high, unit in limits:
            if value is not None and not low <= value <= high:
                raise ScenarioError(
                    f"{value:g} {unit} lies outside the {low:g} to {high:g} {unit} of {self.kind} in TR 38.901", key=key
                )
        _check_heights(site_m, self.terminal_m)
        if rural and self.indoors == "high":
            raise ScenarioError("high is not a wall of rma; TR 38.901 has low there", key="channel.fading.indoors")


class SubTerahertz(Section):
    """Measured statistics of urban micro cells at 142 GHz: path loss, clusters and subpaths of NYUSIM.

    Outside its range nothing was measured: above 150 GHz the numbers of 140 GHz are held, and only if `extrapolate`
    says so.
    """

    kind: Literal["sub-thz"]
    """Urban micro cell at 100 to 150 GHz after measurements of New York University, to 300 GHz by extrapolation."""
    distance_m: float | None = Field(default=None, ge=10.0, le=500.0)
    """Distance on the ground, m, 10 to 500; default: from platforms, terminals and at."""
    site_m: float = Field(default=10.0, ge=2.0, le=50.0)
    """Height of the site's antenna over the ground, m, 2 to 50."""
    terminal_m: float = Field(default=1.5, ge=0.5, le=10.0)
    """Height of the terminal over the ground, m, 0.5 to 10."""
    extrapolate: bool = False
    """Whether carriers above 150 GHz, where nothing was measured, take the statistics of 140 GHz."""

    def check(self, carrier_ghz: float, line_of_sight: bool | None) -> None:
        """Raise `ScenarioError` outside what was measured, unless extrapolation is asked for."""
        del line_of_sight  # both were measured
        if not 100.0 <= carrier_ghz <= 300.0:
            raise ScenarioError(
                f"{carrier_ghz:g} GHz lies outside the 100 to 300 GHz of sub-thz; below, take umi",
                key="channel.carrier_ghz",
            )
        if carrier_ghz > 150.0 and not self.extrapolate:
            raise ScenarioError(
                f"{carrier_ghz:g} GHz lies above the 150 GHz up to which sub-thz rests on measurements; "
                "channel.fading.extrapolate: true holds their numbers beyond",
                key="channel.carrier_ghz",
            )
        _check_heights(self.site_m, self.terminal_m)


def check_ground_losses(kind: str, losses: Any) -> None:
    """Raise `ScenarioError` where a loss of the section `channel.losses` belongs to paths through the sky."""
    for name in ("rain", "cloud", "faraday", "cross_polar", "building"):
        if getattr(losses, name) not in (False, "none"):
            way_out = "; channel.fading.indoors has the walls of cells" if name == "building" else ""
            raise ScenarioError(
                f"it belongs to paths through the sky; {kind} stays near the ground{way_out}",
                key=f"channel.losses.{name}",
            )


def check_place(fading: Any, study: str, placed: bool, antennas: bool) -> None:
    """Raise `ScenarioError` unless a terrestrial fading is in a link study and has one place.

    ``placed`` says whether `at` places the link, ``antennas`` whether patterns look at each other, for which they need
    that place. Other kinds of fading pass.
    """
    if not isinstance(fading, TerrestrialCell | SubTerahertz):
        return
    if study != "link":
        raise ScenarioError(
            f"{fading.kind} is for link studies; a {study} study looks at the sky", key="channel.fading.kind"
        )
    if fading.distance_m is not None and antennas:
        raise ScenarioError(
            f"antennas look at each other by platforms, terminals and at; leave the {fading.distance_m:g} m out",
            key="channel.fading.distance_m",
        )
    if fading.distance_m is not None and placed:
        raise ScenarioError(
            f"{fading.distance_m:g} m beside at, which places the link too; leave one out",
            key="channel.fading.distance_m",
        )


def _check_heights(site_m: float, terminal_m: float) -> None:
    if abs(site_m - terminal_m) < 0.25:
        raise ScenarioError(
            f"{terminal_m:g} m is the height of the site ({site_m:g} m); a quarter of a metre must lie between them",
            key="channel.fading.terminal_m",
        )


class Cdl(Section):
    """The clustered delay lines of TR 38.901 7.7.1."""

    kind: Literal["cdl"]
    """Clustered delay line of TR 38.901 for a terrestrial link: taps of 20 rays with directions."""
    profile: Literal["A", "B", "C", "D", "E"]
    """CDL profile: A, B and C without, D and E with line of sight."""
    delay_spread_ns: float = Field(gt=0.0)
    """Root-mean-square delay spread, ns, positive."""
    k_factor_db: float | None = Field(default=None, ge=-50.0, le=100.0)
    """Ricean K-factor, dB, -50 to 100, profiles D and E only; default: the one of the profile."""
    azimuth_spread_deg: float | None = Field(default=None, gt=0.0, le=104.0)
    """Spread of azimuths of arrival, degrees, above 0 to 104; default: as printed."""
    zenith_spread_deg: float | None = Field(default=None, gt=0.0, le=52.0)
    """Spread of zeniths of arrival, degrees, above 0 to 52; default: as printed."""
