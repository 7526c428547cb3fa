"""When a block is sent again, how many slots a sender can fill, how long delivery takes: closed forms in slots."""

import math
from dataclasses import dataclass

from ntn6g.core.errors import ScenarioError

_ROUNDING = 1e-9  # slots; a delay of a whole number of slots stays one


@dataclass(frozen=True, kw_only=True)
class HarqTiming:
    r"""Stop-and-wait processes over a round trip of many slots.

    A process that waits for feedback sends one slot of every

    .. math::
        S = \lceil (\max(T_\mathrm{RTT}, K_\mathrm{offset} T_\mathrm{slot}) + T_\mathrm{proc}) / T_\mathrm{slot} \rceil,

    so N of them fill :math:`\min(1, N / S)` of the slots. What they leave, processes without feedback may fill: each
    sends A slots in a row and is free again after the processing time, since TS 38.214 V18.7.0 5.1 lets such a process
    be scheduled again as soon as the terminal has processed what it received. Their share is the most they can have:
    where few of them meet runs of slots with feedback, they lose a little more by waiting.

    Parameters
    ----------
    slot_s : float
        Duration of a slot.
    round_trip_s : float
        Twice the one-way delay between terminal and base station, feeder link included.
    processing_slots : int
        T_proc in slots: decoding, feedback and scheduling at both ends.
    processes, blind_processes : int
        N in all, and how many of them have feedback disabled.
    repetitions : int
        A, slots of a block without feedback.
    k_offset_slots : int or None
        K_offset, here in slots of the link: feedback is due that much later; None is the shortest that works.

    Raises
    ------
    ScenarioError
        A K_offset shorter than the round trip.
    """

    slot_s: float
    round_trip_s: float
    processing_slots: int
    processes: int
    blind_processes: int = 0
    repetitions: int = 1
    k_offset_slots: int | None = None

    def __post_init__(self) -> None:
        if self.k_offset_slots is not None and self.k_offset_slots < self.round_trip_slots:
            raise ScenarioError(
                f"{self.k_offset_slots} slots ({1e3 * self.k_offset_slots * self.slot_s:g} ms) are shorter than the "
                f"round trip of {1e3 * self.round_trip_s:.3f} ms; feedback would be due before the block arrives, take "
                f"at least {self.round_trip_slots}",
                key="link.harq.k_offset_slots",
            )

    @property
    def round_trip_slots(self) -> int:
        """Slots that the round trip takes, rounded up."""
        return math.ceil(self.round_trip_s / self.slot_s - _ROUNDING)

    @property
    def cycle_slots(self) -> int:
        """S: slots from one transmission of a block to the next, at least one."""
        waited = max(self.round_trip_s / self.slot_s, float(self.k_offset_slots or 0))
        return max(1, math.ceil(waited + self.processing_slots - _ROUNDING))

    @property
    def interval_s(self) -> float:
        """Time from one transmission of a block with feedback to the next."""
        return self.cycle_slots * self.slot_s

    @property
    def feedback_share(self) -> float:
        """Share of the slots that processes with feedback fill."""
        return min(1.0, (self.processes - self.blind_processes) / self.cycle_slots)

    @property
    def blind_share(self) -> float:
        """Share of the slots that processes without feedback fill."""
        period = self.repetitions + self.processing_slots
        return min(1.0 - self.feedback_share, self.blind_processes * self.repetitions / period)

    @property
    def utilisation(self) -> float:
        """Share of the slots in which something is sent."""
        return self.feedback_share + self.blind_share

    def delivery_s(self, transmission: int, *, blind: bool) -> float:
        """From the start of a block's first slot to the end of the slot, as received, that completes it.

        Decoding itself is not counted.
        """
        apart_s = self.slot_s if blind else self.interval_s
        return self.round_trip_s / 2.0 + self.slot_s + (transmission - 1) * apart_s
