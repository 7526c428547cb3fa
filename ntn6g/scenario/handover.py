"""What a handover study asks: terminals that move, layers of cells, and who decides about a handover."""

from datetime import UTC, datetime
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from ntn6g.core.errors import ScenarioError
from ntn6g.scenario.fields import Name, Section, UtcTime
from ntn6g.scenario.layers import BeamsLayer, CellsLayer, Layer
from ntn6g.scenario.messages import unknown_name

HandoverPolicy = Literal[
    "a3",
    "a4",
    "a5",
    "d1",
    "cho-a3",
    "cho-a4",
    "cho-a5",
    "cho-d1",
    "cho-d1-a3",
    "cho-d1-a4",
    "cho-d1-a5",
    "cho-t1",
    "cho-t1-a3",
    "cho-t1-a4",
    "cho-t1-a5",
    "elevation",
    "visibility",
    "satellite-switch",
    "antenna-gain",
    "load-aware",
    "duplication",
    "split",
    "best-sinr",
    "oracle",
]
_DEFAULT_POLICIES: tuple[HandoverPolicy, ...] = ("a3", "cho-a3", "cho-d1-a4", "cho-t1-a4", "best-sinr", "oracle")
_MOST_STEPS = 50_000_000  # of all terminals: 16 bytes of record each


class MovingTerminals(Section):
    """Terminals in an area, each on a great circle."""

    count: int = Field(default=32, ge=1, le=20_000)
    """How many, 1 to 20000."""
    motion: Literal["static", "pedestrian", "vehicle", "train", "ship", "aircraft"] = "static"
    """What carries them; sets speed and altitude where these are not given."""
    latitude_deg: float = Field(default=45.0, ge=-89.0, le=89.0)
    """Middle of the area at the start, degrees north, -89 to 89."""
    longitude_deg: float = Field(default=10.0, ge=-180.0, le=360.0)
    """Its longitude, degrees east."""
    radius_km: float = Field(default=10.0, ge=0.0, le=1_000.0)
    """Of the disc over which they are spread at the start, km."""
    course_deg: float | None = Field(default=None, ge=0.0, le=360.0)
    """Course of all, degrees from north through east; default: random ones."""
    speed_kmh: float | None = Field(default=None, ge=0.0, le=4_000.0)
    """Speed, km/h; default: 0, 3, 60, 300, 35, 900 in the order of the motions."""
    altitude_m: float | None = Field(default=None, ge=0.0, le=25_000.0)
    """Height above the ellipsoid, m; default 0, of an aircraft 10000."""

    @property
    def speed(self) -> float:
        """Speed, km/h."""
        usual = {"static": 0.0, "pedestrian": 3.0, "vehicle": 60.0, "train": 300.0, "ship": 35.0, "aircraft": 900.0}
        return usual[self.motion] if self.speed_kmh is None else self.speed_kmh

    @property
    def altitude(self) -> float:
        """Height above the ellipsoid, m."""
        usual = 10_000.0 if self.motion == "aircraft" else 0.0
        return usual if self.altitude_m is None else self.altitude_m


class Hidden(Section):
    """A time in which low paths are hidden: a valley, a tunnel."""

    from_s: float = Field(ge=0.0)
    """Since the start, s."""
    until_s: float = Field(ge=0.0)
    """End, s."""
    below_deg: float = Field(default=90.0, gt=0.0, le=90.0)
    """Paths below this elevation are hidden, degrees; 90 is a tunnel."""
    loss_db: float = Field(default=30.0, ge=0.0, le=200.0)
    """What they lose, dB."""


class Measurement(Section):
    """What a terminal measures."""

    quantity: Literal["rsrp", "sinr"] = "rsrp"
    """Power density in dBm/MHz, or ratio to interference and noise, which compares layers."""
    error_db: float = Field(default=1.0, ge=0.0, le=10.0)
    """Standard deviation of an L1 measurement, dB; one a step."""
    filter_k: float = Field(default=4.0, ge=0.0, le=19.0)
    """L3 filter coefficient k, for samples of 200 ms; it keeps its time constant at other steps."""


class Procedure(Section):
    """How long things take, and when a link has failed."""

    prepare_ms: float = Field(default=50.0, ge=0.0, le=10_000.0)
    """Network's part from a report to its command, ms; the round trip is added."""
    execute_ms: float = Field(default=40.0, ge=0.0, le=10_000.0)
    """Terminal's processing and search at the target, ms."""
    rach_less: bool = False
    """Whether access needs no random access: half a round trip instead of access_round_trips, and no access_ms."""
    access_ms: float = Field(default=20.0, ge=0.0, le=10_000.0)
    """What random access takes beside its round trips, ms."""
    access_round_trips: float = Field(default=2.0, ge=0.0, le=10.0)
    """Round trips of random access."""
    soft_switch: bool = False
    """Satellite switch with re-sync: the next satellite's downlink is acquired before (t-ServiceStart), so that
    execute_ms is not lost; else it is."""
    uplink_grant: Literal["configured", "requested"] = "configured"
    """Whether reports are sent at once, or ask for a grant first, after which they arrive K_offset later."""
    report_again_ms: float = Field(default=240.0, ge=0.0, le=10_000.0)
    """From a failed handover to the next report, ms."""
    in_sync_db: float = Field(default=-6.0, ge=-20.0, le=20.0)
    """Qin as a ratio to interference and noise, dB."""
    out_of_sync_db: float = Field(default=-8.0, ge=-20.0, le=20.0)
    """Qout, dB, below Qin."""
    n310: int = Field(default=10, ge=1, le=100)
    """Indications out of sync that start T310."""
    n311: int = Field(default=3, ge=1, le=100)
    """Indications in sync that stop it."""
    indication_ms: float = Field(default=10.0, gt=0.0, le=1_000.0)
    """Between two indications, ms."""
    t310_ms: float = Field(default=1_000.0, ge=0.0, le=10_000.0)
    """T310, ms."""
    re_establish_ms: float = Field(default=200.0, ge=0.0, le=10_000.0)
    """Re-establishment after a failure, ms; two round trips are added."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.out_of_sync_db > self.in_sync_db:
            raise ValueError(
                f"out_of_sync_db {self.out_of_sync_db:g} is above in_sync_db {self.in_sync_db:g}; exchanged?"
            )
        return self


class Tuning(Section):
    """Parameters of the events; each policy takes those that it has."""

    offset_db: float = Field(default=2.0, ge=-15.0, le=15.0)
    """A3 offset, and margin of the antenna gain's policy, dB."""
    hysteresis_db: float = Field(default=1.0, ge=0.0, le=15.0)
    """Of A3, A4 and A5, dB."""
    time_to_trigger_ms: float = Field(default=100.0, ge=0.0, le=5_120.0)
    """Of all events but T1, ms; rounded up to whole steps."""
    threshold_db: float = Field(default=-110.0, ge=-160.0, le=40.0)
    """A4 of candidates, and A5's of the neighbour, dB or dBm/MHz, in the quantity that is measured."""
    serving_below_db: float = Field(default=-105.0, ge=-160.0, le=40.0)
    """A5's of the serving cell, dB or dBm/MHz; between layers 'a3' is an A5 too, since their levels do not compare."""
    distance_offset_km: float = Field(default=0.0, ge=-1_000.0, le=1_000.0)
    """D1, D2: added to a cell's radius, km; negative lets go earlier."""
    distance_hysteresis_km: float = Field(default=0.0, ge=0.0, le=100.0)
    """D1, D2, km."""
    lead_s: float = Field(default=1.0, ge=-60.0, le=60.0)
    """T1, visibility, satellite switch (t-Service): how long before the predicted exit from the serving cell, s."""
    window_s: float = Field(default=5.0, gt=0.0, le=600.0)
    """T1: duration, s."""
    min_stay_s: float = Field(default=2.0, ge=0.0, le=600.0)
    """Visibility, satellite switch: least remaining time in a candidate, s."""
    margin_deg: float = Field(default=2.0, ge=0.0, le=60.0)
    """Elevation's policy, degrees."""
    margin_mbps: float = Field(default=1.0, ge=0.0, le=1_000.0)
    """Load-aware: gain in promised rate, Mbit/s."""
    prepare_db: float = Field(default=-4.0, ge=-60.0, le=30.0)
    """Conditional handover: level of a candidate over the serving cell from which it is prepared, dB."""


class Knowledge(Section):
    """What network and terminal believe about places."""

    ephemeris_error_m: float = Field(default=0.0, ge=0.0, le=100_000.0)
    """Standard deviation of a satellite's place along its orbit, m."""
    position_error_m: float = Field(default=0.0, ge=0.0, le=10_000.0)
    """Standard deviation of a terminal's own position in each coordinate, m."""


class ServedRate(Section):
    """From a ratio to served bits, by simulated block error rates."""

    link_adaptation: Literal["ideal", "target"] = "ideal"
    """Most goodput of all MCS at the slot's ratio, or the highest MCS within the target less a margin."""
    bler_target: float = Field(default=0.1, ge=1e-4, le=0.5)
    """Of 'target'."""
    margin_db: float = Field(default=0.0, ge=0.0, le=20.0)
    """Of 'target', dB."""
    mcs_table: Literal[1, 3] = 1
    """MCS table of TS 38.214."""
    code_block_bits: int = Field(default=100, ge=24, le=8_448)
    """Bits of a code block, as far as error rates were simulated."""
    overhead: float = Field(default=0.14, ge=0.0, lt=1.0)
    """Share of resource elements that carry no data."""


class Dual(Section):
    """Two connections at once, each with its layers and the same policy."""

    first: Annotated[tuple[Name, ...], Field(strict=False)] = Field(min_length=1)
    """Layers of the first."""
    second: Annotated[tuple[Name, ...], Field(strict=False)] = Field(min_length=1)
    """Layers of the second, none of the first."""
    policy: HandoverPolicy = "a3"
    """What each hands over by."""

    @model_validator(mode="after")
    def _single(self) -> Self:
        if self.policy in ("duplication", "split", "oracle", "best-sinr"):
            raise ValueError(f"policy {self.policy!r} is none of one connection; take a rule such as a3")
        if shared := sorted(set(self.first) & set(self.second)):
            raise ValueError(
                f"layer {shared[0]!r} serves both connections, whose bits would count twice; give it to one"
            )
        return self


class Handover(Section):
    """Terminals that move through layers of cells, and the policies that are compared on them."""

    start: UtcTime = datetime(2026, 4, 25, 12, tzinfo=UTC)
    """First instant, UTC."""
    duration_s: float = Field(default=120.0, ge=1.0, le=86_400.0)
    """Length, s; rounded up to whole blocks of steps."""
    step_ms: float = Field(default=40.0, ge=5.0, le=1_000.0)
    """Between two measurements, ms."""
    terminals: MovingTerminals = Field(default_factory=MovingTerminals)
    """Who moves."""
    layers: dict[Name, Layer] = Field(min_length=1)
    """Layers of cells by name."""
    hidden: Annotated[tuple[Hidden, ...], Field(strict=False)] = ()
    """Valleys and tunnels."""
    measurement: Measurement = Field(default_factory=Measurement)
    """What is measured."""
    procedure: Procedure = Field(default_factory=Procedure)
    """Delays and timers."""
    tuning: Tuning = Field(default_factory=Tuning)
    """Parameters of events."""
    knowledge: Knowledge = Field(default_factory=Knowledge)
    """Errors of predicted places."""
    rate: ServedRate = Field(default_factory=ServedRate)
    """From ratios to bits."""
    roaming: Literal["none", "full"] = "full"
    """Whether terminals, dealt out to the operators in turn, may use the layers of others."""
    dual: Dual | None = None
    """For the policies duplication and split."""
    policies: Annotated[tuple[HandoverPolicy, ...], Field(strict=False)] = _DEFAULT_POLICIES
    """Those that are compared."""
    models: Annotated[tuple[str, ...], Field(strict=False)] = ()
    """Trained agents that are compared with the best of the rules: shipped ones by name, or folders that `ntn6g train`
    wrote."""

    @property
    def steps(self) -> int:
        """Steps of the simulation."""
        return max(1, round(1e3 * self.duration_s / self.step_ms))

    def check(self, platforms: dict[str, object]) -> None:
        """Raise `ScenarioError` for layers of platforms that are not there, and what else needs other sections."""
        for name, layer in self.layers.items():
            if isinstance(layer, BeamsLayer) and layer.platform not in platforms:
                raise ScenarioError(unknown_name(layer.platform, platforms), key=f"handover.layers.{name}.platform")
            if isinstance(layer, CellsLayer) and self.terminals.altitude > _HIGHEST_M:
                raise ScenarioError(
                    f"{name} has terrestrial path loss, which TR 38.901 gives up to {_HIGHEST_M:g} m above the ground; "
                    f"terminals fly at {self.terminals.altitude:g} m",
                    key="handover.layers",
                )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        names = (*self.policies, *self.models)
        if not self.policies or len(set(names)) < len(names):
            raise ValueError("policies is empty or names one twice, models included")
        alone = {"duplication", "split", "best-sinr", "oracle"}
        if self.models and not {*self.policies} - alone:
            raise ValueError("models are compared with the best rule of one connection; policies names none")
        if self.terminals.count * self.steps > _MOST_STEPS:
            raise ValueError(
                f"terminals.count x steps makes {self.terminals.count * self.steps} terminal steps, above "
                f"{_MOST_STEPS}; take fewer terminals, a shorter time or a longer step"
            )
        named = [*self.dual.first, *self.dual.second] if self.dual else []
        for name in named:
            if name not in self.layers:
                raise ValueError(f"dual: {unknown_name(name, self.layers)}")
        if self.dual is None and {"duplication", "split"} & {*self.policies}:
            raise ValueError("duplication and split need the key dual, which says what each connection may use")
        return self


_HIGHEST_M = 22.5  # of terminals in TR 38.901
