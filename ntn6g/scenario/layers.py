"""Layers of cells of a handover study: terrestrial sites, and beams of satellites and high-altitude platforms."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from ntn6g.scenario.adaptation import SightBlockage
from ntn6g.scenario.fields import Name, Section


class Failure(Section):
    """Something that fails, and comes back."""

    from_s: float = Field(default=0.0, ge=0.0)
    """Since the start, s."""
    until_s: float = Field(default=1e6, ge=0.0)
    """When they are back, s."""

    @model_validator(mode="after")
    def _forward(self) -> Self:
        if self.from_s >= self.until_s:
            raise ValueError(f"from_s {self.from_s:g} is not before until_s {self.until_s:g}; exchanged?")
        return self


class Outage(Failure):
    """Cells of a layer that fall silent, and come back."""

    share: float = Field(default=1.0, gt=0.0, le=1.0)
    """Share of the layer's platforms or sites that fail, from the first on, above 0 to 1."""


class FeederGateway(Section):
    """A station on the ground through which platforms reach the network."""

    latitude_deg: float = Field(ge=-90.0, le=90.0)
    """Latitude, degrees north."""
    longitude_deg: float = Field(ge=-180.0, le=360.0)
    """Longitude, degrees east."""
    altitude_m: float = Field(default=0.0, ge=-500.0, le=9_000.0)
    """Height above the ellipsoid, m."""
    outage: Failure | None = None
    """When it fails, with every platform that feeds through it; never when absent."""


class _Layer(Section):
    """What all layers have."""

    carrier_ghz: float = Field(default=2.0, ge=0.5, le=100.0)
    """Carrier, GHz, 0.5 to 100."""
    band: str | None = None
    """Cells of layers with equal names share their frequencies and interfere; default: the layer's own name."""
    reuse: Literal[1, 3, 4] = 1
    """Colours that its cells share the band by; a cell has the bandwidth over it."""
    bandwidth_mhz: float = Field(default=30.0, gt=0.0, le=2_000.0)
    """Of the layer, MHz."""
    load: float = Field(default=0.0, ge=0.0, lt=1.0)
    """Largest load of its cells; each has one, drawn evenly from 0 to it, which takes so much of its bandwidth."""
    activity: float = Field(default=1.0, ge=0.0, le=1.0)
    """Share of its power with which a cell disturbs others."""
    terminal_gain_dbi: float = Field(default=0.0, ge=-20.0, le=60.0)
    """Antenna gain of terminals on this layer, dBi."""
    noise_figure_db: float = Field(default=7.0, ge=0.0, le=30.0)
    """Noise figure of terminals at 290 K, dB."""
    shadowing: bool = True
    """Log-normal shadow fading, one process for each terminal and platform."""
    correlation_m: float = Field(default=50.0, gt=0.0, le=10_000.0)
    """Way of a terminal over which shadowing falls to 1/e in correlation, m."""
    correlation_s: float = Field(default=20.0, gt=0.0, le=1e5)
    """Time over which it does so as the platform moves, s."""
    operator: str = "one"
    """Whose layer it is; without roaming a terminal uses its own operator's only."""
    outage: Outage | None = None
    """Cells that fail for a time; none when absent."""


class CellsLayer(_Layer):
    """Terrestrial cells of TR 38.901."""

    kind: Literal["cells"]
    """Terrestrial sites, a cell each."""
    cell: Literal["rma", "uma", "umi"] = "rma"
    """Rural macro, urban macro or urban micro cells."""
    layout: Literal["hexagon", "line"] = "hexagon"
    """Hexagonal lattice (1, 7, 19, 37, 61 or 91 sites) or a line along course_deg (any number)."""
    sites: int = Field(default=7, ge=1, le=500)
    """How many."""
    spacing_km: float = Field(default=1.732, gt=0.01, le=100.0)
    """Between neighbours, km."""
    course_deg: float = Field(default=90.0, ge=0.0, le=360.0)
    """Of the line, degrees from north through east; it begins at the middle."""
    east_km: float = Field(default=0.0, ge=-1_000.0, le=1_000.0)
    """Where the middle lies from that of the terminals, km to the east."""
    north_km: float = Field(default=0.0, ge=-1_000.0, le=1_000.0)
    """And to the north, km."""
    power_dbm: float = Field(default=46.0, ge=-30.0, le=80.0)
    """Transmit power over the bandwidth, dBm."""
    gain_dbi: float = Field(default=8.0, ge=-20.0, le=40.0)
    """Antenna gain of a site in all directions, dBi."""


class BeamsLayer(_Layer):
    """Beams of satellites or high-altitude platforms."""

    kind: Literal["beams"]
    """Beams of a platform: a constellation, satellites, geo or haps."""
    platform: str
    """Its name in the section platforms."""
    beams: int = Field(default=1, ge=1, le=397)
    """Of each satellite: whole hexagonal rings, 1, 7, 19, 37, 61 and so on."""
    steering: Literal["earth-moving", "earth-fixed"] = "earth-fixed"
    """Fixed to the satellite around nadir, or steered to a lattice around the middle of the terminals."""
    aperture_m: float = Field(default=2.0, gt=0.01, le=100.0)
    """Diameter of the circular aperture, m."""
    eirp_density_dbw_mhz: float = Field(default=34.0, ge=-40.0, le=90.0)
    """At the peak of a beam, dBW/MHz."""
    spacing_km: float | None = Field(default=None, gt=0.1, le=2_000.0)
    """Between middles of steered beams, km; default: as the beams of an earth-moving layout at nadir."""
    min_elevation_deg: float = Field(default=10.0, ge=0.0, lt=90.0)
    """Lowest elevation, degrees."""
    payload: Literal["regenerative", "transparent"] = "regenerative"
    """regenerative (the base station flies) or transparent (it stands at the gateway; without gateways the feeder link
    is taken as long as the service link)."""
    gateways: dict[Name, FeederGateway] = Field(default_factory=dict)
    """A platform feeds through the one that stands highest over its horizon, and is silent where it sees none; without
    any, platforms always reach the network."""
    gateway_elevation_deg: float = Field(default=5.0, ge=0.0, lt=90.0)
    """Lowest elevation of a platform over a gateway, degrees."""
    reroute_s: float | None = Field(default=None, ge=0.0)
    """From a gateway's failure until its platforms feed through another one that they see, s; default: never."""
    environment: Literal["dense-urban", "urban", "suburban", "rural"] = "rural"
    """Of the shadow fading of TR 38.811, with line of sight."""
    zenith_loss_db: float = Field(default=0.1, ge=0.0, le=30.0)
    """Loss of the air at the zenith, dB; it grows with the path through it."""
    other_platforms_db: float = Field(default=0.0, ge=0.0, le=60.0)
    """By how much a terminal's antenna, which looks at the serving platform, hears the layer's others less, dB."""
    blockage: SightBlockage | None = None
    """Blockage of paths to a platform; none when absent."""


Layer = Annotated[CellsLayer | BeamsLayer, Field(discriminator="kind")]
