"""How blocks are sent again, and what the receiver can keep of them."""

from typing import Literal, Self

from pydantic import Field, model_validator

from ntn6g.core.errors import ScenarioError
from ntn6g.scenario.fields import Section, at_most_one

# Successive redundancy versions of incremental redundancy, TS 38.214 V18.7.0 Table 5.1.2.1-2 for version 0 first
_INCREMENTAL, _CHASE = (0, 2, 3, 1), (0,)


class Harq(Section):
    """Hybrid ARQ over the round trip of the link."""

    processes: int = Field(default=16, ge=1, le=32)
    """HARQ processes, 1 to 32."""
    feedback_disabled: int = Field(default=0, ge=0, le=32)
    """How many of the processes have feedback disabled and repeat blindly, 0 to `processes`."""
    max_transmissions: int = Field(default=4, ge=1, le=16)
    """Most transmissions of a block with feedback, the first included, 1 to 16."""
    repetitions: int = Field(default=1, ge=1, le=32)
    """Consecutive slots in which a block without feedback is sent (slot aggregation), 1 to 32."""
    combining: Literal["incremental", "chase"] | None = None
    """incremental sends redundancy versions 0, 2, 3, 1 in turn (default), chase sends version 0 each time."""
    redundancy_versions: list[Literal[0, 1, 2, 3]] | None = Field(default=None, min_length=1, max_length=16)
    """Redundancy versions in turn, in place of `combining`."""
    processing_slots: int = Field(default=4, ge=0, le=1_000)
    """Slots beyond the round trip until a block can be sent again: decoding, feedback, scheduling; 0 to 1000."""
    k_offset_slots: int | None = Field(default=None, ge=0, le=100_000)
    """K_offset in slots of this link; default: the shortest that the round trip allows."""
    feeder_delay_ms: float = Field(default=0.0, ge=0.0, le=1_000.0)
    """One-way delay of the feeder link, ms, 0 (base station on board) to 1000; added to that of the geometry."""
    round_trip_ms: float | None = Field(default=None, ge=0.0, le=10_000.0)
    """Round trip in place of that of geometry and feeder link, ms, 0 to 10000; required where there is no geometry."""

    @model_validator(mode="after")
    def _no_rivals(self) -> Self:
        at_most_one(self, "combining", "redundancy_versions")
        return self

    @property
    def versions(self) -> tuple[int, ...]:
        """Redundancy versions of successive transmissions, in turn."""
        if self.redundancy_versions is not None:
            return tuple(self.redundancy_versions)
        return _CHASE if self.combining == "chase" else _INCREMENTAL

    def check(self) -> None:
        """Raise `ScenarioError` where the keys do not fit together."""
        if self.feedback_disabled > self.processes:
            raise ScenarioError(
                f"{self.feedback_disabled} processes without feedback are more than the {self.processes} there are",
                key="link.harq.feedback_disabled",
            )
        if self.round_trip_ms is not None and self.feeder_delay_ms:
            raise ScenarioError(
                f"{self.feeder_delay_ms:g} ms is part of round_trip_ms already; give only one of the two",
                key="link.harq.feeder_delay_ms",
            )


class LimitedBuffer(Section):
    """The receiver's soft buffer, dimensioned as TS 38.212 5.4.2.1 has it (limited-buffer rate matching)."""

    resource_blocks: int = Field(ge=1, le=275)
    """Most resource blocks of any bandwidth part of the carrier, 1 to 275."""
    layers: int = Field(default=1, ge=1, le=8)
    """Most layers, 1 to 8; at most 4 count."""
    modulation_order: Literal[6, 8, 10] = 6
    """Largest modulation order that is configured: 6 (64-QAM), 8 (256-QAM) or 10 (1024-QAM)."""
