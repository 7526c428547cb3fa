"""What a link adaptation study asks: a link over a satellite's delay, its reports, and who chooses the MCS."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from ntn6g.scenario.fields import Section

PolicyName = Literal[
    "fixed",
    "illa",
    "illa-ephemeris",
    "olla",
    "olla-two-speed",
    "bayes",
    "bayes-at-target",
    "ridge",
    "ridge-at-target",
    "thompson",
    "informed",
    "informed-at-target",
    "clairvoyant",
    "clairvoyant-at-target",
]
ALL_POLICIES: tuple[PolicyName, ...] = PolicyName.__args__  # type: ignore[attr-defined]
_MOST_TERMINAL_SLOTS = 4_000_000  # of a set of passes: 60 MB for each of a dozen series


class Reports(Section):
    """Channel quality reports."""

    period_ms: float = Field(default=5.0, gt=0.0, le=1_000.0)
    """From one report to the next, ms; rounded to whole slots."""
    step_db: float = Field(default=1.0, ge=0.0, le=6.0)
    """Quantisation, dB; 0 is none."""
    error_db: float = Field(default=0.5, ge=0.0, le=6.0)
    """Standard deviation of the measurement at the mean gain, dB; in a fade it is larger, as noise stays."""
    lowest_db: float = Field(default=-15.0, ge=-30.0, le=30.0)
    """Lowest level that can be reported, dB."""
    highest_db: float = Field(default=35.0, ge=-30.0, le=50.0)
    """Highest level that can be reported, dB."""

    @model_validator(mode="after")
    def _rising(self) -> Self:
        if self.lowest_db >= self.highest_db:
            raise ValueError(f"lowest_db {self.lowest_db:g} is not below highest_db {self.highest_db:g}; exchanged?")
        return self


class HarqOfAdaptation(Section):
    """Processes that wait for feedback; lost blocks are sent again as new ones, nothing is combined."""

    processes: int = Field(default=32, ge=1, le=32)
    """HARQ processes, 1 to 32."""
    feedback_disabled: int = Field(default=0, ge=0, le=32)
    """How many of them have feedback disabled."""
    processing_slots: int = Field(default=0, ge=0, le=100)
    """Added to the round trip before feedback can be used, slots."""

    @model_validator(mode="after")
    def _some(self) -> Self:
        if self.feedback_disabled > self.processes:
            raise ValueError(
                f"feedback_disabled {self.feedback_disabled} is more than there are processes, {self.processes}"
            )
        return self


class SightBlockage(Section):
    """A line of sight that comes and goes."""

    clear_s: float = Field(default=4.0, ge=0.01, le=1e4)
    """Mean time in sight, s."""
    blocked_s: float = Field(default=0.5, ge=0.01, le=1e4)
    """Mean time out of sight, s."""
    loss_db: float = Field(default=15.0, ge=0.0, le=60.0)
    """What the line of sight loses meanwhile, dB."""


class RainFade(Section):
    """Log-normal rain attenuation of ITU-R P.1853."""

    median_db: float = Field(default=1.0, gt=0.0, le=100.0)
    """Attenuation of the underlying log-normal process that is exceeded half of the time, dB."""
    sigma: float = Field(default=1.0, gt=0.0, le=3.0)
    """Standard deviation of its natural logarithm."""
    probability_percent: float = Field(default=10.0, gt=0.0, lt=100.0)
    """Share of the time with rain, %."""


class Adaptation(Section):
    """A terminal under a satellite, and the policies that are compared on it."""

    carrier_ghz: float = Field(default=2.0, gt=0.0, le=1_000.0)
    """Carrier, GHz, above 0 to 1000."""
    subcarrier_khz: Literal[15, 30, 60, 120, 240] = 15
    """Subcarrier spacing, kHz: slots of 1, 0.5, 0.25, 0.125 or 0.0625 ms."""
    altitude_km: float = Field(default=600.0, ge=8.0, le=50_000.0)
    """Altitude above the sphere of 6371 km, km, 8 to 50000; below 100 and above 35000 the platform stands still."""
    elevation_deg: float = Field(default=10.0, ge=5.0, le=90.0)
    """Elevation at the start of every pass, degrees, 5 to 90; half of the passes rise from there, half set."""
    payload: Literal["regenerative", "transparent"] = "regenerative"
    """regenerative (the base station flies) or transparent (a feeder link as long as the service link)."""
    round_trip_ms: float | None = Field(default=None, ge=0.0, le=1_000.0)
    """Round trip in place of the one that follows from the range, ms."""
    mean_snr_db: float = Field(default=8.0, ge=-20.0, le=40.0)
    """Mean signal-to-noise ratio at the start of a pass, dB."""
    k_factor_db: float = Field(default=10.0, ge=-40.0, le=60.0)
    """Rice factor, dB; -40 is Rayleigh fading."""
    speed_kmh: float = Field(default=3.0, ge=0.0, le=1_200.0)
    """Speed of the terminal, km/h: its Doppler spread."""
    spectrum: Literal["jakes", "flat"] = "jakes"
    """Doppler spectrum of the multipath: jakes (rays in a plane) or flat (from all of space)."""
    reports: Reports = Field(default_factory=Reports)
    """Channel quality reports."""
    harq: HarqOfAdaptation = Field(default_factory=HarqOfAdaptation)
    """Processes and their feedback."""
    blockage: SightBlockage | None = None
    """Blockage of the line of sight; none when absent."""
    rain: RainFade | None = None
    """Rain attenuation; none when absent."""
    mcs_table: Literal[1, 2, 3, 4] = 1
    """MCS table of TS 38.214."""
    code_block_bits: int = Field(default=100, ge=24, le=8_448)
    """Bits of a code block with its CRC, which is a transport block here; as far as error rates were simulated."""
    bler_target: float = Field(default=0.1, ge=1e-5, le=0.5)
    """Target block error rate of the loops and of the policies '-at-target'."""
    passes: int = Field(default=64, ge=8, le=4_096)
    """Passes that are held out, and as many for tuning, 8 to 4096."""
    slots: int = Field(default=2_000, ge=100, le=1_000_000)
    """Slots of a pass that count."""
    warm_up_slots: int | None = Field(default=None, ge=0, le=100_000)
    """Slots before them, which do not count; default: until the 64 reports that the informed genie remembers are in."""
    per_pass: bool = False
    """Whether goodput and error rate of every pass are kept in series/; computed again at the end."""
    policies: Annotated[tuple[PolicyName, ...], Field(strict=False)] = ALL_POLICIES
    """Those that are compared; the bounds 'informed' and 'clairvoyant' and all baselines are computed anyway."""

    models: Annotated[tuple[str, ...], Field(strict=False)] = ()
    """Trained models that are compared too: shipped ones by name, or folders that `ntn6g train` wrote. With '-guarded'
    at the end of its name a predictor gives way to the tuned loop where its predictions do not come true."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        names = (*self.policies, *self.models)
        if not self.policies or len(set(names)) < len(names):
            raise ValueError("policies is empty, or policies and models name one twice")
        whole = self.passes * (self.slots + (self.warm_up_slots or 0))
        if whole > _MOST_TERMINAL_SLOTS:
            raise ValueError(
                f"passes x (slots + warm_up_slots) makes {whole} terminal slots, above {_MOST_TERMINAL_SLOTS}; "
                "shorten the passes or take fewer"
            )
        return self
