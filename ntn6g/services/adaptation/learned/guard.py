"""A detector of settings that a predictor was not trained in, and the loop that takes over there."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import tensorflow as tf

from ntn6g.services.adaptation.environment import LinkEnvironment, State
from ntn6g.services.adaptation.learned.predictor import LearnedParameters, LearnedPredictor
from ntn6g.services.adaptation.policies.interface import Seen, Tree
from ntn6g.services.adaptation.policies.loops import OuterLoop, OuterLoopSteps
from ntn6g.services.adaptation.traces import Trace

_LARGEST = 25.0  # that one report may count: a deep fade alone is no other setting
_FORGETS = 1.0 / 32.0  # of the mean, by each report
_REPORT_DB = 0.5  # of error and rounding of a report, added to the spread of what was foretold


class Limits(NamedTuple):
    """Between which the mean surprise lies on passes like those of the training; scalars."""

    lowest: Any
    highest: Any


class GuardedParameters(NamedTuple):
    """Parameters of `Guarded`."""

    predictor: LearnedParameters
    loop: OuterLoopSteps
    limits: Limits


class GuardMemory(NamedTuple):
    """Memory of `Guarded`, [pass, ...]."""

    predictor: Tree
    loop: Tree
    mean_db: Any
    """What was foretold of the last slots with a report, over geometry, [pass, kept]."""
    variance_db2: Any
    surprise: Any
    """Mean over reports of their squared error over the variance foretold."""
    fallen_slots: Any
    """Slots since the loop took over; 0 while the predictor is trusted."""


@dataclass(frozen=True)
class Guarded:
    r"""A learned predictor as long as its own predictions come true, else the tuned outer loop.

    When a report arrives, it is compared with what was foretold for its slot when that slot was sent:
    :math:`z^2 = (r - \mu)^2 / (\sigma^2 + \sigma_r^2)`. While the mean of :math:`z^2` over some 32 reports lies within
    the limits that it kept to on validation passes, the predictor chooses. Beyond either, over-confident or too
    careful, the loop does, moved by the answers to its own blocks only.

    Parameters
    ----------
    predictor : LearnedPredictor
        Who is watched.
    loop : OuterLoop
        Who takes over.
    period_slots, kept : int
        Slots between reports, and how many slots with a report are remembered until their reports arrive.
    """

    predictor: LearnedPredictor
    loop: OuterLoop
    period_slots: int
    kept: int
    is_genie: bool = False

    @property
    def name(self) -> str:
        """Name in tables."""
        return f"{self.predictor.name}-guarded"

    def initial(self, parameters: GuardedParameters, passes: int) -> GuardMemory:
        """Trusted until proven otherwise."""
        return GuardMemory(
            self.predictor.initial(parameters.predictor, passes),
            self.loop.initial(parameters.loop, passes),
            tf.zeros([passes, self.kept]),
            tf.ones([passes, self.kept]),
            tf.fill([passes], tf.sqrt(parameters.limits.lowest * parameters.limits.highest)),
            tf.zeros([passes], tf.int32),
        )

    def act(self, parameters: GuardedParameters, memory: GuardMemory, seen: Seen) -> tuple[GuardMemory, tf.Tensor]:
        """Judge what was foretold, foretell, let the one or the other choose."""
        surprise = self._judged(memory, seen)
        read, foretold = self.predictor.act(parameters.predictor, memory.predictor, seen)
        mean_db, variance_db2 = self._foretold(parameters, memory, read, seen)
        own = memory.fallen_slots >= seen.delay_slots  # answers to blocks that the loop has sent
        answers = tuple(each._replace(known=each.known & own) for each in seen.feedback)
        moved, looped = self.loop.act(parameters.loop, memory.loop, seen._replace(feedback=answers))
        fallen = (surprise < parameters.limits.lowest) | (surprise > parameters.limits.highest)
        memory = GuardMemory(read, moved, mean_db, variance_db2, surprise, tf.where(fallen, memory.fallen_slots + 1, 0))
        return memory, tf.where(fallen, looped, foretold)

    def _judged(self, memory: GuardMemory, seen: Seen) -> tf.Tensor:
        place = tf.math.floormod((seen.slot - seen.age_slots) // self.period_slots, self.kept)
        mean_db, variance_db2 = (tf.gather(each, place, batch_dims=1) for each in (memory.mean_db, memory.variance_db2))
        error_db = seen.report_db - seen.report_level_db - mean_db
        squared = tf.minimum(error_db**2 / (variance_db2 + _REPORT_DB**2), _LARGEST)
        counts = seen.is_fresh & (seen.slot > seen.age_slots)  # slot 0 was foretold by nobody
        return memory.surprise + tf.where(counts, _FORGETS * (squared - memory.surprise), 0.0)

    def _foretold(
        self, parameters: GuardedParameters, memory: GuardMemory, read: Tree, seen: Seen
    ) -> tuple[tf.Tensor, tf.Tensor]:
        share = self.predictor.share(parameters.predictor, read, seen)
        middles_db = tf.constant(self.predictor.network.middles_db, tf.float32)
        mean_db = tf.linalg.matvec(share, middles_db)
        variance_db2 = tf.linalg.matvec(share, middles_db**2) - mean_db**2
        here = tf.one_hot((seen.slot // self.period_slots) % self.kept, self.kept, on_value=True, off_value=False)
        here = here & (seen.slot % self.period_slots == 0)
        return (
            tf.where(here, mean_db[:, None], memory.mean_db),
            tf.where(here, variance_db2[:, None], memory.variance_db2),
        )


def surprises(link: LinkEnvironment, guarded: Guarded, parameters: GuardedParameters, trace: Trace) -> tf.Tensor:
    """Mean surprise after every slot of whole passes, float32 [slots, pass]; from its quantiles limits are taken."""
    passes, slots = trace.snr_db.shape[1], link.maker.slots

    def body(state: State, memory: GuardMemory, kept: tf.Tensor) -> tuple[State, GuardMemory, tf.Tensor]:
        heard, seen = link.observe(trace, state)
        memory, mcs = guarded.act(parameters, memory, seen)
        kept = tf.tensor_scatter_nd_update(kept, [[state.slot]], memory.surprise[None])
        return link.transmit(trace, heard, mcs), memory, kept

    begin = link.start(passes), guarded.initial(parameters, passes), tf.zeros([slots, passes])
    return tf.while_loop(lambda state, *_: state.slot < slots, body, begin, maximum_iterations=slots)[2]
