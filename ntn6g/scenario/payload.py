"""What a payload does to the signal: a feeder link behind it, a filter and an amplifier in it."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from ntn6g.core.errors import ScenarioError
from ntn6g.scenario.fields import Section


class Gateway(Section):
    """Where the feeder link ends."""

    latitude_deg: float = Field(ge=-90.0, le=90.0)
    """Geodetic latitude, degrees north, -90 to 90."""
    longitude_deg: float = Field(ge=-180.0, le=360.0)
    """Longitude, degrees east, -180 to 360."""
    altitude_m: float = Field(default=0.0, ge=-500.0, le=9_000.0)
    """Height above the ellipsoid, m, -500 to 9000."""
    min_elevation_deg: float = Field(default=5.0, ge=0.0, lt=90.0)
    """Lowest elevation at which the gateway serves, degrees, 0 to below 90."""
    rain_rate_001_mm_h: float | None = Field(default=None, ge=0.0, le=250.0)
    """Rain rate exceeded for 0.01 % of the year at the gateway, mm/h, 0 to 250, where rain counts; \
default: by ITU-R P.837."""
    rain_height_km: float | None = Field(default=None, ge=0.0, le=8.0)
    """Mean annual rain height over the gateway, km, 0 to 8; default: by ITU-R P.839."""
    liquid_kg_m2: float | None = Field(default=None, ge=0.0, le=20.0)
    """Cloud liquid water over the gateway, kg/m2, 0 to 20, where clouds count; default: by ITU-R P.840."""


class FeederLosses(Section):
    """Which losses count on the feeder link, as `channel.losses` says of the service link.

    Rain and clouds are those over the gateway, exceeded for the same `channel.weather.exceeded_percent`.
    """

    free_space: bool = True
    """Free-space path loss over the slant range."""
    gas: bool = True
    """Absorption by atmospheric gases over the gateway (ITU-R P.676)."""
    scintillation: bool = True
    """Ionospheric or tropospheric scintillation loss, by the table of TR 38.811."""
    rain: bool | None = None
    """Rain over the gateway (ITU-R P.618); default: as `channel.losses.rain`."""
    cloud: bool | None = None
    """Clouds over the gateway (ITU-R P.840); default: as `channel.losses.cloud`."""


class Feeder(Section):
    """The link between a transparent payload and its gateway, whose noise adds to that of the service link.

    In a downlink it fades with the signal; `power.ebno_db` and `power.esno_db` are those of the service link. The
    gateway takes delay and Doppler of its own link away, exactly and at every instant.
    """

    gateway: Gateway
    """Where it ends."""
    carrier_ghz: float = Field(ge=0.1, le=300.0)
    """Carrier of the feeder link, GHz, 0.1 to 300."""
    cnr_db: float | None = Field(default=None, ge=-50.0, le=100.0)
    """Carrier over noise of the feeder link in the occupied bandwidth, dB, -50 to 100; or give EIRP density and G/T."""
    eirp_density_dbw_mhz: float | None = Field(default=None, ge=-200.0, le=200.0)
    """EIRP per bandwidth of the end that sends on the feeder link, dBW/MHz, -200 to 200."""
    gt_dbk: float | None = Field(default=None, ge=-100.0, le=100.0)
    """G/T of its other end, dB/K, -100 to 100."""
    losses: FeederLosses = Field(default_factory=FeederLosses)
    """Which losses count in its budget."""
    additional_loss_db: float = Field(default=0.0, ge=-100.0, le=100.0)
    """Losses of the feeder link beyond these, dB, -100 to 100."""
    noise_shares_power: bool = False
    """Whether the satellite's power is shared between signal and the first link's noise, 1/(1/a + 1/b + 1/ab); by \
default 1/(1/a + 1/b) as in TR 38.821."""
    payload_us: float = Field(default=0.0, ge=0.0, le=1e6)
    """Delay inside the payload, us, 0 to 1e6."""

    @model_validator(mode="after")
    def _one_ratio(self) -> Self:
        budget = [key for key in ("eirp_density_dbw_mhz", "gt_dbk") if getattr(self, key) is not None]
        if self.losses != FeederLosses():
            budget.append("losses")
        if self.additional_loss_db:
            budget.append("additional_loss_db")
        if self.cnr_db is not None and budget:
            other = budget[0]
            raise ValueError(f"cnr_db and {other} are both given; give cnr_db, or eirp_density_dbw_mhz and gt_dbk")
        if self.cnr_db is None and None in (self.eirp_density_dbw_mhz, self.gt_dbk):
            raise ValueError("the ratio of the feeder link is missing; give cnr_db, or eirp_density_dbw_mhz and gt_dbk")
        return self


class Filter(Section):
    """The filter of a payload's channel."""

    passband_mhz: float = Field(gt=0.0, le=1e5)
    """Two-sided width between its -3 dB points, MHz, above 0 to 1e5."""
    order: int = Field(default=6, ge=1, le=12)
    """Order of its Butterworth low-pass equivalent, 1 to 12."""


class Rapp(Section):
    """Solid-state amplifier."""

    kind: Literal["rapp"]
    """Rapp's model: amplitude saturates, phase stays."""
    back_off_db: float = Field(ge=-10.0, le=40.0)
    """Input power at saturation over mean input power, dB, -10 to 40."""
    smoothness: float = Field(default=2.0, ge=0.5, le=20.0)
    """Smoothness p, 0.5 to 20: the larger, the sharper the knee."""


class Saleh(Section):
    """Travelling-wave tube."""

    kind: Literal["saleh"]
    """Saleh's model: amplitude saturates and the phase turns with it."""
    back_off_db: float = Field(ge=-10.0, le=40.0)
    """Input power at saturation over mean input power, dB, -10 to 40."""
    alpha_a: float = Field(gt=0.0, le=100.0)
    """Gain at small amplitudes, above 0 to 100, as fitted to a tube; the next three likewise."""
    beta_a: float = Field(gt=0.0, le=100.0)
    """Compression, above 0 to 100; saturation lies at an amplitude of its inverse root."""
    alpha_phi: float = Field(ge=-100.0, le=100.0)
    """Turn of the phase, rad per squared amplitude, -100 to 100."""
    beta_phi: float = Field(ge=0.0, le=100.0)
    """Compression of the turn, 0 to 100."""


Amplifier = Annotated[Rapp | Saleh, Field(discriminator="kind")]


class Payload(Section):
    """A payload: transparent where it has a feeder link, else regenerative with the decoder on board."""

    feeder: Feeder | None = None
    """The link to the gateway, which makes the payload transparent."""
    filter: Filter | None = None
    """The channel filter, in front of the amplifier."""
    amplifier: Amplifier | None = None
    """The amplifier; its EIRP is that of the budget, distortion included."""

    def check(self, *, uplink: bool, antennas: int) -> None:
        """Raise `ScenarioError` where feeder link, filter or amplifier meet a link that they cannot act on."""
        if self.feeder is not None and antennas > 1:
            raise ScenarioError("it carries one antenna's signal; take one antenna at each end", key="payload.feeder")
        for name in ("filter", "amplifier"):
            if getattr(self, name) is None:
                continue
            if antennas > 1:
                raise ScenarioError("it acts on one antenna at each end; take one layer", key=f"payload.{name}")
            if uplink and name == "amplifier":
                raise ScenarioError(
                    "it sends downwards; behind an uplink it would follow the fading, which is not modelled; "
                    "link.amplifier is that of the terminal",
                    key="payload.amplifier",
                )
