"""The link as a world for agents: many passes side by side, an action a slot, the expected goodput as reward."""

from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from ntn6g.services.adaptation.environment import LinkEnvironment, State
from ntn6g.services.adaptation.learned.agents import Observation, Watch
from ntn6g.services.adaptation.traces import Trace

Place = tuple[State, Watch]


@dataclass(frozen=True, eq=False)
class LinkWorld:
    """Passes of a trace, an episode as long as they are; nothing of the trace is observed before it has arrived.

    Parameters
    ----------
    link : LinkEnvironment
        The link.
    observation : Observation
        What an agent is told.
    youngest_slots : int
        Age that counts as the first.
    copies : int
        Passes side by side.
    """

    link: LinkEnvironment
    observation: Observation
    youngest_slots: int
    copies: int

    @property
    def features(self) -> int:
        """Length of an observation."""
        return self.observation.features

    @property
    def actions(self) -> int:
        """Number of MCS."""
        return self.link.ladder.size

    @property
    def steps(self) -> int:
        """Slots of a pass."""
        return self.link.maker.slots

    def begin(self, given: Trace) -> tuple[Place, Any]:
        """First slot of the passes of a trace."""
        return self._look(given, self.link.start(self.copies), self.observation.begin(self.copies))

    def go_on(self, given: Trace, state: Place, action: Any) -> tuple[Place, Any, Any, Any]:
        """Send a slot; after the last one the observation is that of the last slot again, and nothing follows."""
        heard, watch = state
        slot = heard.slot
        sent = self.link.transmit(given, heard, action)
        reward = self.link.goodput(given.snr_db[slot], sent.records[slot])
        over = tf.fill([self.copies], sent.slot >= self.steps)
        ahead = sent._replace(slot=tf.minimum(sent.slot, self.steps - 1))
        after, observation = self._look(given, ahead, self.observation.noted(watch, action))
        return after, observation, reward, over

    def _look(self, trace: Trace, state: State, watch: Watch) -> tuple[Place, Any]:
        heard, seen = self.link.observe(trace, state)
        watch, observation = self.observation.take(watch, seen, self.youngest_slots)
        return (heard, watch), observation
