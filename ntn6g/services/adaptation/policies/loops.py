"""Policies of the textbook: a fixed MCS, the inner loop, and outer loops around it."""

from dataclasses import dataclass
from typing import NamedTuple

import tensorflow as tf

from ntn6g.services.adaptation.policies.interface import Seen, Tree
from ntn6g.services.adaptation.rates import RateLadder

_LARGEST_OFFSET_DB = 40.0  # wider than the ladder: offsets are never clipped within it


@dataclass(frozen=True)
class Fixed:
    """One MCS for ever; parameter: int32 scalar or [pass]."""

    name: str = "fixed"
    is_genie: bool = False

    def initial(self, parameters: Tree, passes: int) -> Tree:
        """No memory."""
        del parameters, passes
        return ()

    def act(self, parameters: Tree, memory: Tree, seen: Seen) -> tuple[Tree, tf.Tensor]:
        """The MCS."""
        return memory, tf.zeros_like(seen.age_slots) + parameters


@dataclass(frozen=True)
class InnerLoop:
    """ILLA: the highest MCS whose error rate at the newest report is within the target.

    Parameters
    ----------
    ladder : RateLadder
        The MCS.
    follows_ephemeris : bool
        Whether the change of mean level that geometry predicts since the report is added to it.

    Tunable parameters: thresholds of the MCS in dB, float32 [MCS].
    """

    ladder: RateLadder
    follows_ephemeris: bool = False
    is_genie: bool = False

    @property
    def name(self) -> str:
        """Name in tables."""
        return "illa-ephemeris" if self.follows_ephemeris else "illa"

    def initial(self, parameters: Tree, passes: int) -> Tree:
        """No memory."""
        del parameters, passes
        return ()

    def act(self, parameters: Tree, memory: Tree, seen: Seen) -> tuple[Tree, tf.Tensor]:
        """Look the report up."""
        level_db = seen.report_db
        if self.follows_ephemeris:
            level_db = level_db + (seen.level_db - seen.report_level_db)
        return memory, self.ladder.highest(level_db, parameters)


class OuterLoopSteps(NamedTuple):
    """Tunable parameters of `OuterLoop`; scalars or [pass], float32."""

    thresholds_db: tf.Tensor
    """Of the inner loop, [MCS]."""
    up_db: tf.Tensor
    """Added to the offset on a NACK."""
    start_db: tf.Tensor
    """Offset at the beginning."""
    target: tf.Tensor
    """Block error rate to hold."""
    fast_up_db: tf.Tensor
    """In place of ``up_db`` until so much feedback has come; only a two-speed loop reads the last two."""
    settle: tf.Tensor
    """Number of answers that are taken fast."""


@dataclass(frozen=True)
class OuterLoop:
    r"""OLLA: the inner loop on the report less an offset that feedback moves.

    A NACK adds :math:`\Delta_\mathrm{up}`, an ACK takes off :math:`\Delta_\mathrm{up}\, p / (1 - p)`; at rest the
    block error rate is p whatever the delay. The two-speed loop begins with larger steps.

    Parameters
    ----------
    ladder : RateLadder
        The MCS.
    two_speeds : bool
        Whether the first answers move the offset by larger steps.
    """

    ladder: RateLadder
    two_speeds: bool = False
    is_genie: bool = False

    @property
    def name(self) -> str:
        """Name in tables."""
        return "olla-two-speed" if self.two_speeds else "olla"

    def initial(self, parameters: OuterLoopSteps, passes: int) -> Tree:
        """Offset in dB and number of answers, each [pass]."""
        return tf.zeros([passes]) + parameters.start_db, tf.zeros([passes])

    def act(self, parameters: OuterLoopSteps, memory: Tree, seen: Seen) -> tuple[Tree, tf.Tensor]:
        """Move the offset by what has arrived, then look up."""
        offset_db, answers = memory
        for each in seen.feedback:
            up_db = parameters.up_db
            if self.two_speeds:
                up_db = tf.where(answers < parameters.settle, parameters.fast_up_db, up_db)
            down_db = up_db * parameters.target / (1.0 - parameters.target)
            moved_db = tf.where(each.ack, -down_db, up_db)
            offset_db = offset_db + tf.where(each.known, moved_db, 0.0)
            answers = answers + tf.cast(each.known, tf.float32)
        offset_db = tf.clip_by_value(offset_db, -_LARGEST_OFFSET_DB, _LARGEST_OFFSET_DB)
        return (offset_db, answers), self.ladder.highest(seen.report_db - offset_db, parameters.thresholds_db)
