"""What lies between the antennas: carrier, environment, fading, losses and the limits of the models."""

from typing import Annotated, Literal

from pydantic import Field

from ntn6g.core.errors import ScenarioError
from ntn6g.scenario.fields import Section

LINE_OF_SIGHT_PROFILES = {
    "ntn-tdl": ("C", "D"),  # TR 38.811 V15.4.0, tables 6.9.2-3 and 6.9.2-4
    "tdl": ("D", "E"),  # TR 38.901 V16.1.0, tables 7.7.2-4 and 7.7.2-5
}


class Awgn(Section):
    """No fading: one path of unit gain."""

    kind: Literal["awgn"]
    """White Gaussian noise only."""


class NtnTdl(Section):
    """The tapped delay lines of TR 38.811 6.9.2."""

    kind: Literal["ntn-tdl"]
    """Tapped delay line of TR 38.811 for a satellite link."""
    profile: Literal["A", "B", "C", "D"]
    """NTN-TDL profile: A and B without, C and D with line of sight."""
    delay_spread_ns: float | None = Field(default=None, gt=0.0)
    """Root-mean-square delay spread, ns, positive; default: median of TR 38.811 at the elevation."""
    k_factor_db: float | None = Field(default=None, ge=-50.0, le=100.0)
    """Ricean K-factor, dB, -50 to 100, profiles C and D only; default: TR 38.811 at the elevation."""
    los_doppler_ratio: float = Field(default=0.7, ge=0.0, le=1.0)
    """Doppler shift of the line of sight from the terminal's motion over the maximum one, 0 to 1."""


class Tdl(Section):
    """The tapped delay lines of TR 38.901 7.7.2."""

    kind: Literal["tdl"]
    """Tapped delay line of TR 38.901 for a terrestrial link."""
    profile: Literal["A", "B", "C", "D", "E"]
    """TDL profile: A, B and C without, D and E with line of sight."""
    delay_spread_ns: float = Field(gt=0.0)
    """Root-mean-square delay spread, ns, positive."""
    k_factor_db: float | None = Field(default=None, ge=-50.0, le=100.0)
    """Ricean K-factor, dB, -50 to 100, profiles D and E only; default: the one of the profile."""


class NtnRays(Section):
    """The ray model of TR 38.811 6.7.2, every block with its own large-scale parameters, clusters and rays."""

    kind: Literal["ntn-rays"]
    """Ray model of TR 38.811 at the elevation; line of sight as `channel.line_of_sight` says, by default with it."""


Fading = Annotated[Awgn | NtnTdl | NtnRays | Tdl, Field(discriminator="kind")]
GEOMETRIC_FADING = ("ntn-tdl", "ntn-rays")
"""Kinds that depend on the elevation of the satellite."""


class Losses(Section):
    """Which large-scale losses count."""

    free_space: bool = True
    """Free-space path loss over the slant range."""
    gas: bool = True
    """Absorption by atmospheric gases."""
    scintillation: bool = True
    """Ionospheric or tropospheric scintillation loss."""
    clutter: bool = True
    """Clutter loss where there is no line of sight."""
    rain: bool = False
    """Rain attenuation, exceeded for `weather.exceeded_percent` of the year (ITU-R P.618)."""
    cloud: bool = False
    """Attenuation by the liquid water of clouds (ITU-R P.840)."""
    building: Literal["none", "traditional", "thermally-efficient"] = "none"
    """Median loss into a building of this kind around the terminal (ITU-R P.2109), or none."""
    shadow_fading: Literal["none", "draw"] = "none"
    """Shadow fading: none, or one normal draw per block with the deviation of TR 38.811; counts in a link budget, and \
with ntn-rays it is the one that is correlated with the other large-scale parameters."""
    shadow_margin_db: float = Field(default=0.0, ge=0.0, le=100.0)
    """Fixed margin for shadow fading, dB, 0 to 100."""


class GasModel(Section):
    """How the attenuation by gases is found."""

    method: Literal["table", "p676"] | None = None
    """Zenith values that TR 38.821 uses (1 to 40 GHz), or ITU-R P.676 line by line (1 to 1000 GHz); default: table \
within its range, else p676."""
    vapour_density_g_m3: float = Field(default=7.5, ge=0.0, le=50.0)
    """Water vapour density at sea level for p676, g/m3, 0 to 50."""
    frequency: Literal["nearest", "interpolate"] = "interpolate"
    """Between the table's frequencies: the nearest row or interpolation."""
    below_10_ghz: bool = True
    """Whether gases count below 10 GHz, where TR 38.811 lets them be neglected under conditions."""


class Weather(Section):
    """The climate of the terminal for rain and cloud losses: given, or read from maps by location."""

    exceeded_percent: float = Field(default=0.1, ge=0.001, le=5.0)
    """Share of the year for which rain and cloud losses are exceeded, percent, 0.001 to 5."""
    rain_rate_001_mm_h: float | None = Field(default=None, ge=0.0, le=250.0)
    """Rain rate exceeded 0.01 % of the year, mm/h, 0 to 250; default: ITU-R P.837 map (extra climate)."""
    rain_height_km: float | None = Field(default=None, ge=0.0, le=10.0)
    """Mean rain height above sea level, km, 0 to 10; default: ITU-R P.839 map (extra climate)."""
    liquid_kg_m2: float | None = Field(default=None, ge=0.0, le=20.0)
    """Cloud liquid water exceeded for that share, kg/m2, 0 to 20; default: ITU-R P.840 map (extra climate)."""
    polarisation_tilt_deg: float = Field(default=45.0, ge=0.0, le=90.0)
    """Tilt of the polarisation to the horizontal, degrees, 0 to 90; 45 for circular."""


class Guard(Section):
    """When the frequency-domain path refuses a channel."""

    max_ici_db: float = Field(default=-35.0, ge=-200.0, le=0.0)
    """Largest predicted inter-carrier interference over the signal, dB, -200 to 0."""
    tap_floor_db: float = Field(default=-40.0, ge=-200.0, le=0.0)
    """Taps above this level over the total must lie inside the cyclic prefix, dB, -200 to 0."""


class Channel(Section):
    """What space does to the wave."""

    carrier_ghz: float = Field(ge=0.1, le=300.0)
    """Carrier frequency, GHz, 0.1 to 300."""
    environment: Literal["dense-urban", "urban", "suburban", "rural"] = "urban"
    """Surroundings of the terminal, as in the tables of TR 38.811."""
    line_of_sight: bool | None = None
    """Whether the terminal sees the satellite; default: as the fading profile has it, true for awgn."""
    fading: Fading
    """Small-scale fading; its parameters live inside it."""
    normalise: bool = False
    """Whether every fading draw is scaled to unit mean gain over its slot, which removes flat fading."""
    losses: Losses = Field(default_factory=Losses)
    """Which large-scale losses count."""
    gas_model: GasModel = Field(default_factory=GasModel)
    """How gas absorption is found."""
    weather: Weather = Field(default_factory=Weather)
    """Climate of the terminal, for the losses by rain and cloud."""
    table_interpolation: Literal["linear", "nearest"] = "linear"
    """Between the elevations of the TR 38.811 tables: linear, or the nearest row."""
    below_table: Literal["error", "clamp"] = "error"
    """Below the tables' lowest elevation of 10 degrees: refuse, or use the row at 10 degrees."""
    guard: Guard = Field(default_factory=Guard)
    """When the frequency-domain path refuses a channel."""

    def check(self) -> None:
        """Raise `ScenarioError` for a K-factor on a profile without line of sight."""
        fading = self.fading
        if not isinstance(fading, NtnTdl | Tdl) or fading.k_factor_db is None:
            return
        with_sight = LINE_OF_SIGHT_PROFILES[fading.kind]
        if fading.profile not in with_sight:
            raise ScenarioError(
                f"{fading.k_factor_db:g} dB does not apply to profile {fading.profile}, which has no line of "
                f"sight; use profile {' or '.join(with_sight)}, or leave the key out",
                key="channel.fading.k_factor_db",
            )
