"""What lies between the antennas: carrier, environment, fading, losses and the limits of the models."""

from typing import Annotated, Literal

from pydantic import Field

from ntn6g.core.errors import ScenarioError
from ntn6g.scenario.fields import Section

LINE_OF_SIGHT_PROFILES = {
    "ntn-cdl": ("C", "D"),  # tables 6.9.1-3 and 6.9.1-4
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


class NtnRays(Section):
    """The ray model of TR 38.811 6.7.2, every block with its own large-scale parameters, clusters and rays."""

    kind: Literal["ntn-rays"]
    """Ray model of TR 38.811 at the elevation."""
    sight: Literal["fixed", "drawn"] = "fixed"
    """Line of sight as `channel.line_of_sight` says, by default with it; or drawn for every block with the \
probability of TR 38.811, clutter then being a loss of the blocks without."""


class NtnCdl(Section):
    """The clustered delay lines of TR 38.811 6.9.1, scaled to the elevation in delay, K-factor and angles."""

    kind: Literal["ntn-cdl"]
    """Clustered delay line of TR 38.811 for a satellite link."""
    profile: Literal["A", "B", "C", "D"]
    """NTN-CDL profile: A and B without, C and D with line of sight."""
    delay_spread_ns: float | None = Field(default=None, gt=0.0)
    """Root-mean-square delay spread, ns, positive; default: median of TR 38.811 at the elevation."""
    k_factor_db: float | None = Field(default=None, ge=-50.0, le=100.0)
    """Ricean K-factor, dB, -50 to 100, profiles C and D only; default: TR 38.811 at the elevation."""
    azimuth_spread_deg: float | None = Field(default=None, gt=0.0, le=104.0)
    """Spread of azimuths of arrival, degrees, above 0 to 104; default: median of TR 38.811 at the elevation."""
    zenith_spread_deg: float | None = Field(default=None, gt=0.0, le=52.0)
    """Spread of zeniths of arrival, degrees, above 0 to 52; default: median of TR 38.811 at the elevation."""


class Conformance(Section):
    """The propagation profiles of the conformance tests of TS 38.101-5 and TS 38.108."""

    kind: Literal["ntn-conformance"]
    """Profile of a conformance test: fixed delays and powers."""
    profile: Literal["TDLA100", "TDLC5"]
    """NTN-TDLA100 without, NTN-TDLC5 with line of sight."""
    max_doppler_hz: float = Field(default=200.0, ge=0.0, le=1e5)
    """Maximum Doppler shift of the fading, Hz, 0 to 1e5, in place of the terminal's speed; tests use 200 and 1200."""
    los_doppler_ratio: float = Field(default=0.7, ge=0.0, le=1.0)
    """Doppler shift of the line of sight over the maximum one, 0 to 1."""


class Rician(Section):
    """Flat Rician fading."""

    kind: Literal["rician"]
    """One path: a line of sight and a Rayleigh process."""
    k_factor_db: float | None = Field(default=None, ge=-50.0, le=100.0)
    """Ricean K-factor, dB, -50 to 100; default: median of TR 38.811 at the elevation."""
    los_doppler_ratio: float = Field(default=0.7, ge=0.0, le=1.0)
    """Doppler shift of the line of sight from the terminal's motion over the maximum one, 0 to 1."""


class Loo(Section):
    """Flat fading of Loo: a log-normal line of sight, decibels relative to an unobstructed one.

    With a link budget the mean level of the fading counts; with a given Eb/N0 or Es/N0 that is the mean one.
    """

    kind: Literal["loo"]
    """One path: a log-normal line of sight, constant over a block, and a Rayleigh process."""
    direct_mean_db: float = Field(ge=-60.0, le=20.0)
    """Mean of the direct signal, dB, -60 to 20."""
    direct_sigma_db: float = Field(ge=0.0, le=30.0)
    """Standard deviation of the direct signal, dB, 0 to 30."""
    multipath_db: float = Field(ge=-100.0, le=20.0)
    """Mean power of the multipath, dB, -100 to 20."""
    los_doppler_ratio: float = Field(default=0.7, ge=0.0, le=1.0)
    """Doppler shift of the line of sight from the terminal's motion over the maximum one, 0 to 1."""


class ShadowedRician(Section):
    """Flat fading of Abdi et al. 2003: a Nakagami line of sight; its level counts as that of `loo` does."""

    kind: Literal["shadowed-rician"]
    """One path: a Nakagami line of sight, constant over a block, and a Rayleigh process."""
    shadowing: Literal["light", "average", "heavy"] | None = None
    """Infrequent light, average or frequent heavy shadowing as published; or give `b0`, `m` and `omega`."""
    b0: float | None = Field(default=None, gt=0.0, le=100.0)
    """Half the mean power of the multipath, relative to an unobstructed line of sight, above 0 to 100."""
    m: float | None = Field(default=None, ge=0.1, le=1_000.0)
    """Severity of the shadowing, 0.1 to 1000: the larger, the steadier the line of sight."""
    omega: float | None = Field(default=None, gt=0.0, le=100.0)
    """Mean power of the line of sight, relative to an unobstructed one, above 0 to 100."""
    los_doppler_ratio: float = Field(default=0.7, ge=0.0, le=1.0)
    """Doppler shift of the line of sight from the terminal's motion over the maximum one, 0 to 1."""

    def check(self) -> None:
        """Raise `ScenarioError` unless the shadowing is named or given whole."""
        given = [key for key in ("b0", "m", "omega") if getattr(self, key) is not None]
        if self.shadowing is not None and given:
            raise ScenarioError(
                f"shadowing and {given[0]} are both given; name the shadowing or give b0, m and omega",
                key="channel.fading",
            )
        if self.shadowing is None and len(given) < 3:
            raise ScenarioError(
                "required key is missing; name the shadowing (light, average, heavy) or give all of b0, m, omega",
                key="channel.fading.shadowing",
            )


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


Fading = Annotated[
    Awgn | NtnTdl | NtnCdl | NtnRays | Conformance | Rician | Loo | ShadowedRician | Tdl, Field(discriminator="kind")
]


def follows_elevation(fading: Section) -> bool:
    """Whether a kind of fading needs the elevation of the satellite."""
    if isinstance(fading, Rician):
        return fading.k_factor_db is None
    return isinstance(fading, NtnTdl | NtnCdl | NtnRays)


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
    faraday: bool = False
    """Loss between linear antennas, as the ionosphere turns polarisation by 108 degrees over the squared GHz."""
    cross_polar: bool = False
    """Interference from the other polarisation, in use at equal power, through rain and ice (ITU-R P.618, 4.1); needs \
rain, and counts in a link budget."""
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


class ScintillationModel(Section):
    """How scintillation is found."""

    method: Literal["table", "p618"] = "table"
    """Tropospheric, from 6 GHz up: the 1 % values of TR 38.811 at 20 GHz, or ITU-R P.618 2.4.1."""
    wet_refractivity: float | None = Field(default=None, ge=0.0, le=200.0)
    """Median wet refractivity for p618, N-units, 0 to 200; default: ITU-R P.453 map (extra climate)."""
    antenna_diameter_m: float | None = Field(default=None, gt=0.0, le=100.0)
    """Diameter of the ground antenna, whose aperture averages, m, above 0 to 100; required by p618."""
    antenna_efficiency: float = Field(default=0.5, gt=0.0, le=1.0)
    """Efficiency of that antenna, above 0 to 1."""
    fluctuation_4ghz_db: float = Field(default=1.1, ge=0.0, le=30.0)
    """Ionospheric, below 6 GHz: peak-to-peak fluctuation at 4 GHz, dB, 0 to 30; 0 at latitudes of 20 to 60 degrees."""


class Weather(Section):
    """The climate of the terminal for rain and cloud losses: given, or read from maps by location."""

    exceeded_percent: float = Field(default=0.1, ge=0.001, le=5.0)
    """Share of the year for which losses by rain, cloud and p618 are exceeded, percent, 0.001 to 5."""
    rain_rate_001_mm_h: float | None = Field(default=None, ge=0.0, le=250.0)
    """Rain rate exceeded 0.01 % of the year, mm/h, 0 to 250; default: ITU-R P.837 map (extra climate)."""
    rain_height_km: float | None = Field(default=None, ge=0.0, le=10.0)
    """Mean rain height above sea level, km, 0 to 10; default: ITU-R P.839 map (extra climate)."""
    liquid_kg_m2: float | None = Field(default=None, ge=0.0, le=20.0)
    """Cloud liquid water exceeded for that share, kg/m2, 0 to 20; default: ITU-R P.840 map (extra climate)."""
    rain_probability_percent: float | None = Field(default=None, gt=0.0, lt=100.0)
    """Share of the year with rain, percent, between 0 and 100, for rain series; default: ITU-R P.837 map."""
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
    domain: Literal["frequency", "time"] = "frequency"
    """Whether it acts per subcarrier, constant over a symbol and guarded, or on samples, with all interference."""
    normalise: bool = False
    """Whether every fading draw is scaled to unit mean gain over its slot, which removes flat fading."""
    losses: Losses = Field(default_factory=Losses)
    """Which large-scale losses count."""
    gas_model: GasModel = Field(default_factory=GasModel)
    """How gas absorption is found."""
    scintillation_model: ScintillationModel = Field(default_factory=ScintillationModel)
    """How scintillation is found."""
    weather: Weather = Field(default_factory=Weather)
    """Climate of the terminal, for the losses by rain and cloud."""
    table_interpolation: Literal["linear", "nearest"] = "linear"
    """Between the elevations of the TR 38.811 tables: linear, or the nearest row."""
    below_table: Literal["error", "clamp"] = "error"
    """Below the tables' lowest elevation of 10 degrees: refuse, or use the row at 10 degrees."""
    guard: Guard = Field(default_factory=Guard)
    """When the frequency-domain path refuses a channel."""

    def check(self) -> None:
        """Raise `ScenarioError` where the parameters of the fading do not fit together."""
        self._check_losses()
        fading = self.fading
        if isinstance(fading, ShadowedRician):
            fading.check()
        if isinstance(fading, NtnRays) and fading.sight == "drawn" and self.line_of_sight is not None:
            raise ScenarioError(
                f"{str(self.line_of_sight).lower()} beside channel.fading.sight: drawn, which draws it; leave one out",
                key="channel.line_of_sight",
            )
        sees = isinstance(fading, Rician) or (
            isinstance(fading, NtnTdl | NtnCdl | Tdl) and fading.profile in LINE_OF_SIGHT_PROFILES[fading.kind]
        )
        if sees and self.line_of_sight is False:
            raise ScenarioError(
                f"false contradicts fading {fading.kind}, which holds a line of sight; take a profile without one",
                key="channel.line_of_sight",
            )
        if not isinstance(fading, NtnTdl | NtnCdl | Tdl) or fading.k_factor_db is None:
            return
        with_sight = LINE_OF_SIGHT_PROFILES[fading.kind]
        if fading.profile not in with_sight:
            raise ScenarioError(
                f"{fading.k_factor_db:g} dB does not apply to profile {fading.profile}, which has no line of "
                f"sight; use profile {' or '.join(with_sight)}, or leave the key out",
                key="channel.fading.k_factor_db",
            )

    def _check_losses(self) -> None:
        percent = self.weather.exceeded_percent
        if self.scintillation_model.method == "p618":
            if self.scintillation_model.antenna_diameter_m is None:
                raise ScenarioError(
                    "required key is missing; scintillation by p618 depends on the antenna",
                    key="channel.scintillation_model.antenna_diameter_m",
                )
            if percent < 0.01:
                raise ScenarioError(
                    f"{percent:g} % is below the 0.01 % of scintillation by ITU-R P.618, 2.4.1",
                    key="channel.weather.exceeded_percent",
                )
        if self.losses.cross_polar and not self.losses.rain:
            raise ScenarioError(
                "true needs channel.losses.rain: true, whose attenuation decides the discrimination",
                key="channel.losses.cross_polar",
            )
        if self.losses.cross_polar and percent > 1.0:
            raise ScenarioError(
                f"{percent:g} % is above the 1 % of cross-polar discrimination by ITU-R P.618, 4.1",
                key="channel.weather.exceeded_percent",
            )
