"""What lies between the antennas: carrier, environment, fading, losses and the limits of the models."""

from typing import Annotated, Literal

from pydantic import Field

from ntn6g.core.errors import ScenarioError
from ntn6g.scenario.fields import Section
from ntn6g.scenario.losses import GasModel, Losses, ObstacleModel, ScintillationModel, Weather, check_losses
from ntn6g.scenario.terrestrial import Cdl, SubTerahertz, TerrestrialCell, check_ground_losses

LINE_OF_SIGHT_PROFILES = {
    "cdl": ("D", "E"),  # TR 38.901 V16.1.0, tables 7.7.1-4 and 7.7.1-5
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


class Panel(Section):
    """Antenna elements of one end as clusters and rays see them, isotropic and linearly polarised."""

    slant_deg: Annotated[
        tuple[Annotated[float, Field(ge=-90.0, le=90.0)], ...], Field(strict=False, min_length=1, max_length=16)
    ]
    """Polarisation of each element against the vertical, degrees, -90 to 90; as many as elements, 1 to 16."""
    position_wavelengths: Annotated[
        tuple[Annotated[tuple[float, float, float], Field(strict=False)], ...], Field(strict=False)
    ] = ()
    """Place of each in wavelengths: towards the satellite's azimuth, to its left, up; default: all at one point."""

    def check(self, key: str) -> None:
        """Raise `ScenarioError` unless positions fit the elements."""
        if self.position_wavelengths and len(self.position_wavelengths) != len(self.slant_deg):
            raise ScenarioError(
                f"{len(self.position_wavelengths)} positions for {len(self.slant_deg)} elements of slant_deg",
                key=f"{key}.position_wavelengths",
            )


class GroundPlace(Section):
    """Where the terminal stands on a ground over which large-scale parameters of `ntn-rays` are correlated.

    Every block has a ground of its own; places in one sweep are terminals on the same grounds, whose delay spreads,
    shadow fading and so on are alike within the correlation distances of TR 38.811.
    """

    east_m: float = Field(default=0.0, ge=-1e5, le=1e5)
    """East of the origin, m, -1e5 to 1e5."""
    north_m: float = Field(default=0.0, ge=-1e5, le=1e5)
    """North of the origin, m, -1e5 to 1e5."""


class NtnRays(Section):
    """The ray model of TR 38.811 6.7.2, every block with its own large-scale parameters, clusters and rays."""

    kind: Literal["ntn-rays"]
    """Ray model of TR 38.811 at the elevation."""
    sight: Literal["fixed", "drawn"] = "fixed"
    """Line of sight as `channel.line_of_sight` says, by default with it; or drawn for every block with the \
probability of TR 38.811, clutter then being a loss of the blocks without."""
    ground: GroundPlace | None = None
    """Place of the terminal, for large-scale parameters correlated over the ground; default: every block by itself."""
    departure: Literal["none", "tables"] = "none"
    """Spread of departure angles: none, as from a satellite; or that of the tables, as from a platform in the air, \
which several elements of `satellite` see."""
    terminal: Panel | None = None
    """Antenna elements of the terminal; default: one, vertical."""
    satellite: Panel | None = None
    """Antenna elements of the satellite; default: one, vertical."""
    pattern: Literal["open", "terminal"] = "open"
    """Antenna that scattered paths meet: open, as the tables hold; or `antennas.terminal`, whose gain over that along \
the line of sight weighs every ray by its angle from it. What it keeps out is missing from the Es/N0 of \
`power`, which counts all paths as if they came along the line of sight."""


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
    terminal: Panel | None = None
    """Antenna elements of the terminal; default: one, vertical."""
    satellite: Panel | None = None
    """Antenna elements of the satellite; default: one, vertical."""
    pattern: Literal["open", "terminal"] = "open"
    """Antenna that scattered paths meet: open, as the tables hold; or `antennas.terminal`, whose gain over that along \
the line of sight weighs every ray by its angle from it. What it keeps out is missing from the Es/N0 of \
`power`, which counts all paths as if they came along the line of sight."""


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


class LandMobile(Section):
    """Flat fading of a terminal that drives in and out of shadow (ITU-R P.681, two states), in `channel.environment`.

    Its level counts as that of `loo` does; carriers of 1.5 to 3 GHz, and of 10 to 20 GHz in suburban and rural places.
    """

    kind: Literal["land-mobile"]
    """One path: a line of sight that good and bad states of the way shadow, and a Rayleigh process."""
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
    Awgn
    | NtnTdl
    | NtnCdl
    | NtnRays
    | Conformance
    | Rician
    | Loo
    | LandMobile
    | ShadowedRician
    | Tdl
    | Cdl
    | TerrestrialCell
    | SubTerahertz,
    Field(discriminator="kind"),
]


def follows_elevation(fading: Section) -> bool:
    """Whether a kind of fading needs the elevation of the satellite."""
    if isinstance(fading, Rician):
        return fading.k_factor_db is None
    return isinstance(fading, NtnTdl | NtnCdl | NtnRays | LandMobile)


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
    obstacle_model: ObstacleModel = Field(default_factory=ObstacleModel)
    """How clutter, trees and buildings are found, and at which share of places."""
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
        check_losses(self.losses, self.gas_model, self.scintillation_model, self.weather)
        fading = self.fading
        if isinstance(fading, ShadowedRician):
            fading.check()
        for end in ("terminal", "satellite"):
            panel = getattr(fading, end, None)
            if panel is not None:
                panel.check(f"channel.fading.{end}")
        if isinstance(fading, TerrestrialCell | SubTerahertz):
            fading.check(self.carrier_ghz, self.line_of_sight)
            check_ground_losses(fading.kind, self.losses)
        if isinstance(fading, NtnRays) and fading.sight == "drawn" and self.line_of_sight is not None:
            raise ScenarioError(
                f"{str(self.line_of_sight).lower()} beside channel.fading.sight: drawn, which draws it; leave one out",
                key="channel.line_of_sight",
            )
        sees = isinstance(fading, Rician | LandMobile) or (
            isinstance(fading, NtnTdl | NtnCdl | Tdl | Cdl) and fading.profile in LINE_OF_SIGHT_PROFILES[fading.kind]
        )
        if sees and self.line_of_sight is False:
            raise ScenarioError(
                f"false contradicts fading {fading.kind}, which holds a line of sight; take a profile without one",
                key="channel.line_of_sight",
            )
        if not isinstance(fading, NtnTdl | NtnCdl | Tdl | Cdl) or fading.k_factor_db is None:
            return
        with_sight = LINE_OF_SIGHT_PROFILES[fading.kind]
        if fading.profile not in with_sight:
            raise ScenarioError(
                f"{fading.k_factor_db:g} dB does not apply to profile {fading.profile}, which has no line of "
                f"sight; use profile {' or '.join(with_sight)}, or leave the key out",
                key="channel.fading.k_factor_db",
            )
