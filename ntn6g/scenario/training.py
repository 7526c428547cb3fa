"""What `ntn6g train` asks: a model, what it learns from, and how long."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from ntn6g.scenario.fields import Scalar, Section


class GruPredictor(Section):
    """A gated recurrent unit that reads the reports one by one and foretells the signal-to-noise ratio."""

    kind: Literal["gru"]
    """gru."""
    units: int = Field(default=32, ge=1, le=512)
    """Width of its memory."""


class TransformerPredictor(Section):
    """A transformer over the last reports that foretells the signal-to-noise ratio."""

    kind: Literal["transformer"]
    """transformer."""
    units: int = Field(default=16, ge=2, le=256)
    """Width of a token; a multiple of the heads."""
    heads: int = Field(default=2, ge=1, le=16)
    """Heads of its attention."""
    reports: int = Field(default=32, ge=1, le=256)
    """Reports that it looks at."""

    @model_validator(mode="after")
    def _divides(self) -> Self:
        if self.units % self.heads:
            raise ValueError(f"units {self.units} is not a multiple of heads {self.heads}")
        return self


class DqnAgent(Section):
    """Deep Q-learning, double, with a target network and replay: of the MCS, or of the cell of a handover."""

    kind: Literal["dqn"]
    """dqn."""
    units: int = Field(default=64, ge=1, le=512)
    """Width of its hidden layers."""
    discount: float = Field(default=0.0, ge=0.0, lt=1.0)
    """Of later rewards; 0 since the choice of an MCS does not change the channel. A handover needs one near 1."""
    replay: int = Field(default=32_768, ge=64, le=1_000_000)
    """Transitions that are remembered."""
    explores: float = Field(default=1.0, ge=0.0, le=1.0)
    """Share of random actions at the beginning."""
    explores_at_last: float = Field(default=0.05, ge=0.0, le=1.0)
    """Share of random actions from half of the training on."""


class PpoAgent(Section):
    """Proximal policy optimisation of the MCS."""

    kind: Literal["ppo"]
    """ppo."""
    units: int = Field(default=64, ge=1, le=512)
    """Width of its two hidden layers."""
    discount: float = Field(default=0.0, ge=0.0, lt=1.0)
    """Of later rewards; 0 since the choice of an MCS does not change the channel."""
    epochs: int = Field(default=4, ge=1, le=64)
    """How often each stretch is learned from."""


class MapDetector(Section):
    """A convolutional network that finds targets on the range-Doppler maps of the section `sensing`."""

    kind: Literal["map-detector"]
    """map-detector."""
    channels: int = Field(default=8, ge=1, le=32)
    """Channels of its hidden layers."""
    layers: int = Field(default=2, ge=1, le=8)
    """Hidden layers."""
    most_targets: int = Field(default=6, ge=1, le=64)
    """Targets on a map at most, each there or not as a coin falls."""
    lowest_db: float = Field(default=8.0, ge=-20.0, le=60.0)
    """Least energy of an echo over the noise, integrated over the frame, dB."""
    highest_db: float = Field(default=25.0, ge=-20.0, le=60.0)
    """Largest, dB; all between are as likely."""
    validation: int = Field(default=256, ge=32, le=65_536)
    """Frames with targets, and as many of noise, to stop by and to choose among seeds."""
    calibration: int = Field(default=1_024, ge=32, le=1_000_000)
    """Frames of noise on which thresholds are counted: down to a hundred false alarms."""
    test: int = Field(default=512, ge=32, le=65_536)
    """Frames with targets, and as many of noise, for the figures of the card."""

    @model_validator(mode="after")
    def _rises(self) -> Self:
        if self.lowest_db > self.highest_db:
            raise ValueError(f"lowest_db {self.lowest_db:g} lies above highest_db {self.highest_db:g}")
        return self


Model = Annotated[GruPredictor | TransformerPredictor | DqnAgent | PpoAgent | MapDetector, Field(discriminator="kind")]


class TrainingPasses(Section):
    """Passes of each split, drawn from streams of their own; no pass is in two of them.

    Of a handover they are ways of terminals, in sets of `handover.terminals.count` with a start and loads of their own.
    """

    train: int = Field(default=512, ge=1, le=65_536)
    """To learn from; rounded up to whole sets of `adaptation.passes`, as the next one."""
    validation: int = Field(default=64, ge=1, le=4_096)
    """To stop by and to choose among seeds."""
    test: int = Field(default=256, ge=1, le=4_096)
    """Of a handover, to compare with the best rule on; link adaptation is tested on the passes of its study."""


class Training(Section):
    """One training: the same command with the same numbers continues it and ends with the same weights."""

    model: Model
    """What is trained."""
    seeds: int = Field(default=1, ge=1, le=100)
    """Trainings from the scenario's seed on, each with its own draws and initial weights."""
    passes: TrainingPasses = Field(default_factory=TrainingPasses)
    """What predictors and agents learn from."""
    shifted: dict[str, Scalar] = Field(default_factory=dict)
    """Keys of the study's section (`adaptation`, `handover`), with values that training never saw, of the passes that
    show what a shift costs."""
    rounds: int = Field(default=40, ge=1, le=100_000)
    """Validations at most; after each everything is kept."""
    steps: int = Field(default=25, ge=1, le=100_000)
    """Steps of learning before each."""
    batch: int = Field(default=64, ge=1, le=65_536)
    """Passes, windows, transitions or frames of a step."""
    learning_rate: float = Field(default=3e-3, gt=0.0, le=1.0)
    """Of Adam; falls to zero as a cosine over all rounds."""
    patience: int = Field(default=10, ge=1, le=100_000)
    """Rounds without a better validation after which training stops early."""
