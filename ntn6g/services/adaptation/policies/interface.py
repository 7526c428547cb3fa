"""What a policy sees and what it answers, slot by slot."""

from typing import Any, NamedTuple, Protocol

import tensorflow as tf

Tree = Any
"""Nested tuples of tensors; a policy's parameters, or its memory."""


class Feedback(NamedTuple):
    """One HARQ answer that becomes known now, [pass]."""

    known: tf.Tensor
    """Whether there is one, bool; the other fields mean nothing without."""
    ack: tf.Tensor
    """Whether the block arrived, bool."""
    mcs: tf.Tensor
    """MCS that the block was sent with, int32."""


class Truth(NamedTuple):
    """What no transmitter knows, [pass]; for genies."""

    snr_db: tf.Tensor
    """Signal-to-noise ratio of the slot to be sent."""
    sight: tf.Tensor
    """Amplitude of its line of sight."""
    mean_db: tf.Tensor
    """Its mean level, rain included."""
    estimate_real: tf.Tensor
    """Multipath of the newest report that has arrived, as estimated."""
    estimate_imaginary: tf.Tensor


class Seen(NamedTuple):
    """What is known at the transmitter when the MCS of a slot is chosen, [pass]."""

    slot: tf.Tensor
    """Its number, int32 scalar."""
    report_db: tf.Tensor
    """Newest report that has arrived; the lowest level before the first."""
    report_level_db: tf.Tensor
    """Mean level that geometry predicted for the instant of that report."""
    level_db: tf.Tensor
    """Mean level that geometry predicts for the slot to be sent."""
    age_slots: tf.Tensor
    """Slots since that report was measured, int32."""
    is_fresh: tf.Tensor
    """Whether a report has arrived since the last slot, bool."""
    delay_slots: tf.Tensor
    """Slots that feedback takes now, int32."""
    feedback: tuple[Feedback, ...]
    """HARQ answers that arrive now: two, since at most one slot of delay is lost from slot to slot."""
    explore: tf.Tensor
    """A uniform number for policies that draw."""
    truth: Truth | None
    """None unless the policy is a genie."""


class Policy(Protocol):
    """Chooses an MCS per slot. Everything that can be tuned or learned is a tensor in ``parameters``.

    Equal policies compile to one program: they are frozen dataclasses of what shapes tensors.
    """

    @property
    def name(self) -> str:
        """Name in tables."""
        ...

    @property
    def is_genie(self) -> bool:
        """Whether it is told the truth."""
        ...

    def initial(self, parameters: Tree, passes: int) -> Tree:
        """Memory at the start of a pass."""
        ...

    def act(self, parameters: Tree, memory: Tree, seen: Seen) -> tuple[Tree, tf.Tensor]:
        """Memory afterwards and MCS, int32 [pass]."""
        ...
