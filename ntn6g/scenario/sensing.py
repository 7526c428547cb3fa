"""What a sensing study asks: a frame, targets, how strong their echoes are, and how they are looked for."""

from typing import Literal, Self

from pydantic import Field, model_validator

from ntn6g.core.errors import ScenarioError
from ntn6g.scenario.fields import Name, Section, at_most_one


class SensedTarget(Section):
    """A point target."""

    range_m: float = Field(default=30.0, ge=0.0, le=1e8)
    """Distance of a monostatic radar, or by how much the path over the target is longer than the direct one, m."""
    velocity_m_s: float = Field(default=20.0, ge=-1e5, le=1e5)
    """Closing speed, or rate at which the path over the target shortens, m/s; negative for what recedes."""
    angle_deg: float = Field(default=0.0, gt=-90.0, lt=90.0)
    """Direction from the broadside of the receive array, degrees; only an `array` asks."""
    above_db: float = Field(default=0.0, ge=-100.0, le=100.0)
    """Mean echo over the one that the signal-to-noise ratio is about, dB; of a budget, what else it gains."""
    cross_section_dbsm: float | None = Field(default=None, ge=-60.0, le=100.0)
    """Mean radar cross section, dB over a square metre, 0 when absent; only a budget asks."""
    kind: Literal["uav-small", "uav-large", "human", "human-aspect", "vehicle", "agv"] | None = None
    """Class of TR 38.901 V19.4.0 clause 7.9.2.1: its mean cross section, for a budget, and its logarithmic-normal
    fluctuation from frame to frame; with swerling 0."""
    aspect_deg: float = Field(default=0.0, ge=-360.0, le=360.0)
    """Azimuth from which a target with a `kind` is seen, degrees, 0 from its front, 90 from its left."""
    aspect_zenith_deg: float = Field(default=90.0, ge=0.0, le=180.0)
    """Zenith angle from which it is seen, degrees, 0 from above, 90 from the side."""
    bistatic_deg: float = Field(default=0.0, ge=0.0, lt=180.0)
    """Angle at a target with a `kind` between transmitter and receiver, degrees; 0 is monostatic."""


class ReceiveArray(Section):
    """Receive antennas of the radar: targets are looked for in as many beams, and measured in angle too."""

    antennas: int = Field(default=8, ge=2, le=128)
    """Antennas in a line, half a wavelength apart, 2 to 128. Signal-to-noise ratios of echoes are those of one."""


class Detector(Section):
    """Constant false-alarm rate detection, or a trained network at thresholds of equal false-alarm rates."""

    kind: Literal["ca", "os", "go", "known-noise", "learned"] = "ca"
    """ca (mean of the training cells), os (order statistic), go (greater of the two sides), known-noise (a limit),
    learned (the network of `model`)."""
    model: str | None = None
    """Of a learned detector: a name of `ntn6g list detectors`, or a folder that `ntn6g train` wrote."""
    model_seed: int | None = Field(default=None, ge=0, le=2**63 - 1)
    """Which of its trainings; the one of the best validation when absent."""
    false_alarm: float = Field(default=1e-4, gt=0.0, lt=1.0)
    """Probability per cell of noise, above 0 to below 1; of a learned detector within what its training counted."""
    training: int = Field(default=12, ge=1, le=256)
    """Training cells on each side, 1 to 256."""
    guard: int = Field(default=2, ge=0, le=64)
    """Cells between, on each side, 0 to 64."""
    over: Literal["delay", "doppler"] = "delay"
    """Axis along which the training cells lie."""

    @model_validator(mode="after")
    def _named(self) -> Self:
        if self.kind == "learned" and self.model is None:
            raise ValueError("kind learned needs model; give a name of 'ntn6g list detectors' or a trained folder")
        return self


class EchoBudget(Section):
    """Radar equation of a monostatic radar in free space."""

    eirp_dbw: float = Field(ge=-60.0, le=120.0)
    """Radiated power of the whole frame times antenna gain, dBW."""
    receive_gain_dbi: float = Field(default=0.0, ge=-20.0, le=80.0)
    """Gain of the receive antenna, dBi."""
    noise_figure_db: float = Field(default=7.0, ge=0.0, le=30.0)
    """Noise figure of the receiver, dB."""
    loss_db: float = Field(default=0.0, ge=0.0, le=100.0)
    """All other losses there and back, dB."""


class DirectPath(Section):
    """The direct path of a bistatic radar, or the own transmitter of a monostatic one."""

    over_noise_db: float = Field(ge=-50.0, le=200.0)
    """Its energy on an element over the noise density before cancellation, dB."""
    cancelled_db: float = Field(default=0.0, ge=0.0, le=200.0)
    """What antennas, analogue and digital cancellation take away before the map, dB."""
    distortion_db: float | None = Field(default=None, ge=-200.0, le=0.0)
    """Of what is left, noise and distortion of the transmitter that are no copy of what was sent, dB; absent: none."""
    range_m: float = Field(default=0.0, ge=0.0, le=1e8)
    """Range at which it appears, m."""


class Clutter(Section):
    """Random echoes of what is not looked for: point scatterers at uniform ranges with Rayleigh amplitudes."""

    over_noise_db: float = Field(ge=-50.0, le=150.0)
    """Mean energy of all of them on an element over the noise density, dB."""
    from_m: float = Field(default=0.0, ge=0.0, le=1e8)
    """Range of the nearest, m."""
    to_m: float = Field(ge=0.0, le=1e8)
    """Range of the farthest, m."""
    scatterers: int = Field(default=64, ge=1, le=4_096)
    """Their number, 1 to 4096."""
    spread_m_s: float = Field(default=0.0, ge=0.0, le=1_000.0)
    """Standard deviation of their velocities, m/s."""


class PlatformMotion(Section):
    """The radar's own motion towards the scene, which turns every echo."""

    velocity_m_s: float = Field(ge=-1e4, le=1e4)
    """Closing velocity, m/s."""
    compensated: bool = True
    """Whether the receiver takes it out, Doppler shift and range walk."""
    error_m_s: float = Field(default=0.0, ge=-1e3, le=1e3)
    """By how much the velocity that is taken out is too small, m/s."""


class BeamSplit(Section):
    """A transmit array that shares its power between the target and the user of the link."""

    antennas: int = Field(default=16, ge=1, le=1_024)
    """Antennas in a line, half a wavelength apart, 1 to 1024."""
    target_deg: float = Field(default=30.0, ge=-90.0, le=90.0)
    """Direction of the target from broadside, degrees."""
    user_deg: float = Field(default=-20.0, ge=-90.0, le=90.0)
    """Direction of the user from broadside, degrees."""
    split: float = Field(default=0.5, ge=0.0, le=1.0)
    """Share of the target's beam, 0 to 1. Signal-to-noise ratios of echo and link are those of a whole beam each."""


class Communication(Section):
    """The link that shares the frame: one transport block on its data, one antenna at each end."""

    snr_db: float | None = Field(default=None, ge=-50.0, le=100.0)
    """Received energy of the mean element over the noise density, dB, before fading; or give frame_snr_db."""
    frame_snr_db: float | None = Field(default=None, ge=-50.0, le=160.0)
    """Received energy of the whole frame over the noise density, dB, before fading: a wider frame then has no more of \
it."""
    code_rate: float = Field(default=0.5, ge=0.05, le=0.95)
    """Target rate of the code, 0.05 to 0.95."""
    profile: Literal["A", "B", "C", "D", "E"] = "A"
    """Tapped delay line of TR 38.901: A to C without line of sight, D and E with."""
    delay_spread_ns: float = Field(default=50.0, ge=0.0, le=1_000.0)
    """RMS delay spread, ns, 0 to 1000."""
    speed_kmh: float = Field(default=3.0, ge=0.0, le=1_200.0)
    """Speed of the terminal, km/h, 0 to 1200."""

    @model_validator(mode="after")
    def _powered(self) -> Self:
        if (self.snr_db is None) == (self.frame_snr_db is None):
            raise ValueError("communication needs exactly one of snr_db and frame_snr_db")
        return self


class Tracking(Section):
    """Frame after frame of one target that moves, and a Kalman filter over what they measure."""

    frames: int = Field(default=16, ge=2, le=256)
    """Frames of a track, 2 to 256."""
    interval_ms: float = Field(default=50.0, gt=0.0, le=1e5)
    """From frame to frame, ms."""
    acceleration_density_m2_s3: float = Field(default=1.0, ge=0.0, le=1e6)
    """Spectral density q of the target's white acceleration, m^2/s^3: its velocity wanders by sqrt(q t) in a time t."""
    assumed_density_m2_s3: float | None = Field(default=None, ge=0.0, le=1e6)
    """What the filter takes it for, m^2/s^3; the same when absent."""
    crossing_m_s: float = Field(default=0.0, ge=0.0, le=1_000.0)
    """Standard deviation of the velocity across the line of sight with which tracks begin, m/s; an array follows it."""


class Sensing(Section):
    """A frame of the grid that carries data, and the targets that send it back."""

    geometry: Literal["monostatic", "bistatic"] = "monostatic"
    """monostatic (there and back) or bistatic (excess over the direct path)."""
    carrier_ghz: float = Field(default=28.0, gt=0.0, le=1_000.0)
    """Carrier, GHz, above 0 to 1000."""
    subcarrier_khz: float = Field(default=120.0, ge=1.0, le=1_000.0)
    """Subcarrier spacing, kHz, 1 to 1000."""
    resource_blocks: int = Field(default=8, ge=1, le=275)
    """Resource blocks of 12 subcarriers, 1 to 275."""
    symbols: int = Field(default=56, ge=2, le=4_096)
    """Symbols that are integrated coherently, 2 to 4096."""
    modulation: Literal["qpsk", "16qam", "64qam", "256qam"] = "qpsk"
    """Constellation of the data."""
    comb: int = Field(default=4, ge=1, le=64)
    """Pilots on every comb-th subcarrier, 1 to 64; matters with pilot_share or without knowledge of the data."""
    symbol_step: int = Field(default=1, ge=1, le=64)
    """Pilots in every so many symbols, 1 to 64."""
    pilot_share: float | None = Field(default=None, ge=0.0, le=1.0)
    """Share of the energy in pilots, 0 to 1; absent, every element has the same energy."""
    knows_data: bool = True
    """Whether the data are known to the sensing receiver, as to the sender of a monostatic radar."""
    swerling: Literal[0, 1, 2, 3, 4] = 0
    """Fluctuation of the cross sections: 0 steady, 1 and 3 from frame to frame, 2 and 4 from symbol to symbol."""
    estimator: Literal["zf", "matched", "lmmse"] = "zf"
    """Channel estimate: division, matched filter, or their mean-square compromise."""
    waveform: Literal["ofdm", "dft-s-ofdm", "otfs", "afdm"] = "ofdm"
    """How data become elements: each its own (ofdm), spread over a symbol (dft-s-ofdm), over the frame in delay and
    Doppler (otfs), or over chirps (afdm). Energies then vary as noise does, which matched and lmmse bear. Those three
    carry data on whole symbols: pilots of their own (pilot_share) then fill every symbol_step-th one, with comb 1."""
    array: ReceiveArray | None = None
    """Receive array; one antenna when absent."""
    direct: DirectPath | None = None
    """The direct path or the own transmitter; none when absent."""
    clutter: Clutter | None = None
    """Clutter; none when absent."""
    platform: PlatformMotion | None = None
    """Motion of the radar; it stands when absent."""
    cancel: Literal["none", "static"] = "none"
    """Whether what does not move is projected away before the map; velocities below half a cell are then not seen."""
    beam: BeamSplit | None = None
    """Transmit array between target and user; absent, each is met by all there is."""
    window: Literal["rectangular", "hamming", "hann"] = "rectangular"
    """Window over both axes."""
    padding: int = Field(default=2, ge=1, le=8)
    """Cells of the map per native cell on each axis, 1 to 8."""
    refine: Literal["none", "quadratic", "newton"] = "newton"
    """How a peak is placed between the cells."""
    method: Literal["peak", "clean", "omp", "music", "esprit"] = "peak"
    """How targets are measured: the strongest peak, of a single target (peak), or all of them, their number known, by
    successive cancellation (clean), matching pursuit over the map's cells (omp), or subspaces of windows of half the
    frame on each axis (music; esprit for up to two)."""
    image_snr_db: float | None = Field(default=None, ge=-100.0, le=200.0)
    """Echo energy over the whole frame over the noise density, dB; or give snr_db."""
    snr_db: float | None = Field(default=None, ge=-200.0, le=100.0)
    """Echo energy on the mean element over the noise density, dB; or give image_snr_db."""
    budget: EchoBudget | None = None
    """Strength of the echoes from the radar equation; in place of image_snr_db and snr_db."""
    opens_at_m: float = Field(default=0.0, ge=0.0, le=1e8)
    """Range at which the receiver's window opens, m: echoes from there on, as far as the cyclic prefix reaches."""
    targets: dict[Name, SensedTarget] = Field(default_factory=dict)
    """Targets by name; none is a scene of noise."""
    spread_cells: float = Field(default=1.0, ge=0.0, le=100.0)
    """Every frame has its targets anywhere within so many native cells about their places; 0 holds them there."""
    detector: Detector = Field(default_factory=Detector)
    """How targets are declared."""
    communication: Communication | None = None
    """The link over the same frame, for the trade between the two; needs pilot_share."""
    tracking: Tracking | None = None
    """A target followed over frames: a block is then a track; absent, every frame stands for itself."""
    picture: bool = False
    """Whether the map of each point's first frame is kept."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        at_most_one(self, "image_snr_db", "snr_db", "budget")
        if self.budget is not None and self.geometry != "monostatic":
            raise ValueError(f"budget is that of a monostatic radar, not {self.geometry}")
        for name, target in self.targets.items():
            self._fit_target(name, target)
        self._fit_surroundings()
        self._fit_tracking()
        self._fit_method()
        if self.pilot_share not in (None, 1.0) and self.comb == self.symbol_step == 1:
            raise ValueError(f"pilot_share {self.pilot_share:g} leaves energy to data, but every element is a pilot")
        if self.communication is not None and self.pilot_share is None:
            raise ValueError("communication needs pilots of its own; give pilot_share, such as 0.2")
        if self.communication is not None and self.comb == self.symbol_step == 1:
            raise ValueError("communication has no element for data: comb and symbol_step are both 1")
        if not self.knows_data and self.pilot_share == 0.0:
            raise ValueError("pilot_share 0 leaves nothing to sense with, since knows_data is false")
        return self

    def _fit_target(self, name: str, target: SensedTarget) -> None:
        if target.range_m < self.opens_at_m:
            raise ValueError(f"target {name} at {target.range_m:g} m is nearer than opens_at_m {self.opens_at_m:g}")
        if self.budget is not None and target.range_m == 0.0:
            raise ValueError(f"target {name} at 0 m has an echo without limit; move it, or give image_snr_db")
        if target.angle_deg and self.array is None:
            raise ValueError(f"target {name} has angle_deg {target.angle_deg:g}, but one antenna sees none; give array")
        if target.kind is None:
            if (target.aspect_deg, target.aspect_zenith_deg, target.bistatic_deg) != (0.0, 90.0, 0.0):
                raise ValueError(f"target {name} has an aspect but no kind, whose cross section could depend on it")
        elif target.cross_section_dbsm is not None:
            raise ValueError(f"target {name} has both a kind and cross_section_dbsm; take one of them away")
        elif self.swerling:
            raise ValueError(
                f"target {name} of kind {target.kind} fluctuates by its class, and by swerling {self.swerling} again; "
                "set swerling to 0"
            )
        elif self.geometry == "monostatic" and target.bistatic_deg:
            raise ValueError(f"target {name} has bistatic_deg {target.bistatic_deg:g}, but geometry is monostatic")

    def _fit_tracking(self) -> None:
        if self.tracking is None:
            return
        if self.array is None and self.tracking.crossing_m_s:
            raise ValueError("tracking.crossing_m_s is a velocity that only an array sees; give array")
        if self.array is not None and self.geometry != "monostatic":
            raise ValueError("tracking by an array follows places about the radar, and geometry is bistatic")
        if len(self.targets) > 1:
            raise ValueError(f"tracking follows one target, not {len(self.targets)}; take the others away")
        if self.pilot_share is not None or self.estimator == "lmmse":
            given = "pilot_share" if self.pilot_share is not None else "estimator lmmse"
            raise ValueError(f"tracking weighs by measured amplitudes, which {given} changes; take one of them away")

    def _fit_method(self) -> None:
        if self.method == "peak":
            return
        against = [name for name in ("array", "tracking") if getattr(self, name) is not None]
        against += ["cancel"] if self.cancel != "none" else []
        if against:
            raise ValueError(f"method {self.method} measures single frames of one antenna; take {against[0]} away")
        if not self.targets:
            raise ValueError(f"method {self.method} measures targets, of which there are none")

    def _fit_surroundings(self) -> None:
        direct, clutter = self.direct, self.clutter
        around = [name for name in ("direct", "clutter", "platform") if getattr(self, name) is not None]
        around += ["cancel"] if self.cancel != "none" else []
        if self.array is not None and around:
            raise ValueError(f"{around[0]} reaches one antenna only, which an array has more of; take one away")
        if direct is not None and direct.range_m < self.opens_at_m:
            raise ValueError(
                f"direct.range_m {direct.range_m:g} lies before opens_at_m {self.opens_at_m:g}, so that it is no copy "
                "of what was sent within the window; leave direct away and count its rest as noise (noise_figure_db)"
            )
        if clutter is not None and not self.opens_at_m <= clutter.from_m <= clutter.to_m:
            raise ValueError(
                f"clutter from {clutter.from_m:g} to {clutter.to_m:g} m; ranges must rise from opens_at_m "
                f"{self.opens_at_m:g} on"
            )
        if self.waveform != "ofdm" and self.pilot_share is not None and not (self.comb == 1 < self.symbol_step):
            raise ValueError(
                f"waveform {self.waveform} spreads data over whole symbols, beside which pilots need comb 1 and "
                f"symbol_step above 1, not {self.comb} and {self.symbol_step}"
            )
        divided = self.knows_data or self.pilot_share is None  # pilots apart have equal energies
        if self.waveform != "ofdm" and self.estimator == "zf" and divided:
            raise ValueError(
                f"estimator zf divides by elements of waveform {self.waveform} that may be nearly 0; choose matched or "
                "lmmse"
            )

    def check(self) -> None:
        """Raise `ScenarioError` unless echoes have a strength where there are targets, and only there."""
        given = any(each is not None for each in (self.image_snr_db, self.snr_db, self.budget))
        if self.targets and not given:
            raise ScenarioError(
                "required key is missing; give exactly one of image_snr_db, snr_db, budget", key="sensing"
            )
        if given and not self.targets:
            raise ScenarioError(
                "the strength of echoes is given, but no target; define one, such as {a: {range_m: 30}}",
                key="sensing.targets",
            )
