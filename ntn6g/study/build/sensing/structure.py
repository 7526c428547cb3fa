"""What fixes the shapes of a sensing frame, and with them its program."""

from dataclasses import asdict, dataclass
from functools import cached_property

from ntn6g.services.sensing import Cfar, SensingGrid


@dataclass(frozen=True)
class ModelChoice:
    """Which trained weights detect."""

    name: str
    seed: int
    digest: str
    """SHA-256 of the model."""


@dataclass(frozen=True, kw_only=True)
class TrackStructure:
    """What shapes a track."""

    frames: int
    interval_s: float
    metres_per_s: float
    wavelength_m: float
    opens_at_m: float = 0.0
    crossing_m_s: float = 0.0
    """Standard deviation of the velocity across the line of sight; both matter to an array alone."""


@dataclass(frozen=True, kw_only=True)
class SensingStructure:
    """All that shapes the tensors of a frame; names as in `ntn6g.scenario.Sensing`, and whether pilots are apart."""

    subcarriers: int
    symbols: int
    subcarrier_spacing_hz: float
    modulation: str
    comb: int
    symbol_step: int
    pilots_apart: bool
    knows_data: bool
    swerling: int
    estimator: str
    window: str
    padding: int
    refine: str
    targets: int
    detector: str
    training: int
    guard: int
    over: str
    code_rate: float | None = None
    """Of the link over the same frame; None without one."""
    profile: str = "A"
    waveform: str = "ofdm"
    direct: bool = False
    scatterers: int = 0
    carrier_hz: float | None = None
    """Given where the platform moves."""
    cancel: bool = False
    antennas: int | None = None
    """Of the receive array; None without one."""
    tracking: TrackStructure | None = None
    method: str = "peak"
    """How targets are measured."""
    model: ModelChoice | None = None
    """Of a learned detector; None where another detects."""

    @property
    def channel_key(self) -> str:
        """What shapes the draw of places and reflections: frames that differ elsewhere meet the same targets."""
        return f"sensing|{self.swerling}|{self.targets}"

    @property
    def label(self) -> str:
        """Every field, for manifests."""
        return " ".join(f"{name}={value}" for name, value in asdict(self).items())

    @cached_property
    def grid(self) -> SensingGrid:
        """The frame, with half of the energy in pilots where they are apart: every block brings its own share."""
        return self.grid_at(0.5 if self.pilots_apart else None)

    def grid_at(self, pilot_share: float | None) -> SensingGrid:
        """The frame at a share of energy in pilots."""
        return SensingGrid(
            subcarriers=self.subcarriers,
            symbols=self.symbols,
            subcarrier_spacing_hz=self.subcarrier_spacing_hz,
            comb=self.comb,
            symbol_step=self.symbol_step,
            pilot_share=pilot_share,
            knows_data=self.knows_data,
        )

    def cfar(self, false_alarm: float) -> Cfar:
        """The detector of constant false-alarm rate at one; not that of a learned one."""
        return Cfar(
            kind=self.detector,
            false_alarm=false_alarm,
            training=self.training,
            guard=self.guard,
            over=self.over,
            padding=self.padding,
        )
