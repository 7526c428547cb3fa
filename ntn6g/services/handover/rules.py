r"""Rules of handover as numbers: every event is two half-spaces of what is seen of a candidate and of the serving cell.

With features f of the neighbour n and of the serving cell p, an inequality has the quantity
:math:`x = a \cdot f_n + b \cdot f_p`; an event is entered when :math:`x_k - \mathrm{Hys}_k > \theta_k` for both of its
inequalities and left when :math:`x_k + \mathrm{Hys}_k < \theta_k` for one of them. The events of TS 38.331 V18.6.0,
5.5.4 all have that form, hysteresis on the other side included; so one compiled program serves all rules, and a rule is
a tensor.
"""

import math
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import tensorflow as tf

FEATURES = ("measured_db", "beyond_km", "exit_s", "elevation_deg", "level_db", "rate_mbps")
"""Of a cell: filtered measurement, distance to its reference less its radius, predicted time to exit, elevation,
level predicted by geometry, rate that its measured ratio and its load promise."""
_NEVER = 1e9


@dataclass(frozen=True, kw_only=True)
class Inequality:
    """:math:`x - Hys > threshold` to enter, :math:`x + Hys < threshold` to leave; the default always holds."""

    neighbour: tuple[tuple[str, float], ...] = ()
    """Features of the neighbour and their weights."""
    serving: tuple[tuple[str, float], ...] = ()
    threshold: float = -1.0
    hysteresis: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Event:
    """Both inequalities, held for a time to trigger."""

    first: Inequality = field(default_factory=Inequality)
    second: Inequality = field(default_factory=Inequality)
    time_to_trigger_s: float = 0.0


def a3(*, offset_db: float, hysteresis_db: float = 0.0, time_to_trigger_s: float = 0.0) -> Event:
    """A3: Mn - Hys > Mp + Off."""
    pair = Inequality(
        neighbour=(("measured_db", 1.0),),
        serving=(("measured_db", -1.0),),
        threshold=offset_db,
        hysteresis=hysteresis_db,
    )
    return Event(first=pair, time_to_trigger_s=time_to_trigger_s)


def a4(*, threshold_db: float, hysteresis_db: float = 0.0, time_to_trigger_s: float = 0.0) -> Event:
    """A4: Mn - Hys > Thresh."""
    alone = Inequality(neighbour=(("measured_db", 1.0),), threshold=threshold_db, hysteresis=hysteresis_db)
    return Event(first=alone, time_to_trigger_s=time_to_trigger_s)


def a5(
    *, serving_below_db: float, neighbour_above_db: float, hysteresis_db: float = 0.0, time_to_trigger_s: float = 0.0
) -> Event:
    """A5: Mp + Hys < Thresh1 and Mn - Hys > Thresh2."""
    low = Inequality(serving=(("measured_db", -1.0),), threshold=-serving_below_db, hysteresis=hysteresis_db)
    high = Inequality(neighbour=(("measured_db", 1.0),), threshold=neighbour_above_db, hysteresis=hysteresis_db)
    return Event(first=low, second=high, time_to_trigger_s=time_to_trigger_s)


def d1(*, offset_km: float = 0.0, hysteresis_km: float = 0.0, time_to_trigger_s: float = 0.0) -> Event:
    """D1, and D2 where references move: Ml1 - Hys > Thresh1 and Ml2 + Hys < Thresh2, thresholds at radius + offset."""
    far = Inequality(serving=(("beyond_km", 1.0),), threshold=offset_km, hysteresis=hysteresis_km)
    near = Inequality(neighbour=(("beyond_km", -1.0),), threshold=-offset_km, hysteresis=hysteresis_km)
    return Event(first=far, second=near, time_to_trigger_s=time_to_trigger_s)


def t1(*, lead_s: float, duration_s: float) -> Event:
    """T1: from ``lead_s`` before the predicted exit from the serving cell on, for ``duration_s``; at once."""
    begun = Inequality(serving=(("exit_s", -1.0),), threshold=-lead_s)
    not_over = Inequality(serving=(("exit_s", 1.0),), threshold=lead_s - duration_s)
    return Event(first=begun, second=not_over)


def better(feature: str, *, margin: float, time_to_trigger_s: float = 0.0) -> Event:
    """A feature of the neighbour exceeds that of the serving cell by a margin."""
    pair = Inequality(neighbour=((feature, 1.0),), serving=((feature, -1.0),), threshold=margin)
    return Event(first=pair, time_to_trigger_s=time_to_trigger_s)


def leaving(*, before_s: float, at_least_s: float) -> Event:
    """The predicted exit from the serving cell is near, and the neighbour stays longer than a minimum."""
    soon = Inequality(serving=(("exit_s", -1.0),), threshold=-before_s)
    stays = Inequality(neighbour=(("exit_s", 1.0),), threshold=at_least_s)
    return Event(first=soon, second=stays)


@dataclass(frozen=True, kw_only=True)
class Rule:
    """Who hands over when.

    Parameters
    ----------
    name : str
        In tables.
    events : tuple of Event
        One or two, all of which must hold; or, ``by_layer``, one within a layer and one between layers.
    by_layer : bool
        The first event serves candidates of the serving cell's layer, the second those of other layers.
    conditional : bool
        Prepared beforehand and executed by the terminal (CHO); else reported, prepared and commanded.
    resync : bool
        Satellite switch with re-sync: another satellite takes over the same cell; nothing is prepared or signalled.
    rank : str
        Feature that chooses among candidates.
    prepare : Inequality
        When a candidate of a conditional handover is prepared.
    """

    name: str
    events: tuple[Event, ...]
    by_layer: bool = False
    conditional: bool = False
    resync: bool = False
    rank: str = "measured_db"
    prepare: Inequality = field(default_factory=Inequality)

    def uses(self, feature: str) -> bool:
        """Whether anything of it looks at a feature."""
        parts = [part for event in self.events for part in (event.first, event.second)]
        named = [pair[0] for part in (*parts, self.prepare) for pair in (*part.neighbour, *part.serving)]
        return feature in (*named, self.rank)


class RuleTensors(NamedTuple):
    """A rule for the compiled program; float32 unless told otherwise."""

    neighbour: tf.Tensor
    """Weights of a candidate's features, [6, feature]: two inequalities of either event, preparation, rank."""
    serving: tf.Tensor
    """Weights of the serving cell's features, [6, feature]."""
    threshold: tf.Tensor
    """[2 events, 2 inequalities]."""
    hysteresis: tf.Tensor
    steps: tf.Tensor
    """Time to trigger in steps, rounded up: int32 [2]."""
    by_layer: tf.Tensor
    """Bool scalar, as ``conditional``."""
    conditional: tf.Tensor
    resync: tf.Tensor
    prepare_threshold: tf.Tensor
    """Scalar."""


def _weights(pairs: tuple[tuple[str, float], ...]) -> list[float]:
    found = dict(pairs)
    return [found.get(name, 0.0) for name in FEATURES]


def tensors_of(rule: Rule, step_s: float) -> RuleTensors:
    """Numbers of a rule at a sampling period; a time to trigger of less than a period is one period or none."""
    events = (*rule.events, Event())[:2]
    four = [part for event in events for part in (event.first, event.second)]
    rows = [*four, rule.prepare, Inequality(neighbour=((rule.rank, 1.0),))]
    steps = [math.ceil(event.time_to_trigger_s / step_s - 1e-6) for event in events]

    def square(values: list[float]) -> tf.Tensor:
        return tf.constant(np.reshape(values, (2, 2)), tf.float32)

    return RuleTensors(
        tf.constant([_weights(row.neighbour) for row in rows]),
        tf.constant([_weights(row.serving) for row in rows]),
        square([part.threshold for part in four]),
        square([part.hysteresis for part in four]),
        tf.constant(steps, tf.int32),
        tf.constant(rule.by_layer),
        tf.constant(rule.conditional or rule.resync),
        tf.constant(rule.resync),
        tf.constant(rule.prepare.threshold, tf.float32),
    )


class Watch(NamedTuple):
    """Events under way, [2 events, cell, terminal]."""

    holds: tf.Tensor
    """Entered and not left, bool."""
    count: tf.Tensor
    """Samples in a row that would change that, int32."""


def watch_nothing(cells: int, terminals: int) -> Watch:
    """No event has been entered."""
    shape = [2, cells, terminals]
    return Watch(tf.zeros(shape, tf.bool), tf.zeros(shape, tf.int32))


def quantities(rule: RuleTensors, neighbour: list[tf.Tensor], serving: list[tf.Tensor]) -> tf.Tensor:
    """What inequalities, preparation and rank compare: [6, cell, terminal], in the order of `RuleTensors.neighbour`.

    Parameters
    ----------
    neighbour, serving
        Finite features in the order of `FEATURES`: [cell, terminal] and [terminal] each.
    """
    own = tf.tensordot(rule.serving, tf.stack(serving), 1)
    return tf.tensordot(rule.neighbour, tf.stack(neighbour), 1) + own[:, None]


def watched(rule: RuleTensors, watch: Watch, x: tf.Tensor) -> Watch:
    """One more sample of `quantities`: a change holds once it was seen at every sample of the time to trigger."""
    x = tf.reshape(x[:4], [2, 2, *x.shape[1:]])
    threshold, hysteresis = rule.threshold[:, :, None, None], rule.hysteresis[:, :, None, None]
    enter = tf.reduce_all(x - hysteresis > threshold, 1)
    leave = tf.reduce_any(x + hysteresis < threshold, 1)
    wants = tf.where(watch.holds, leave, enter)
    count = tf.where(wants, watch.count + 1, 0)
    turns = wants & (count > rule.steps[:, None, None])
    return Watch(watch.holds ^ turns, tf.where(turns, 0, count))


def met(rule: RuleTensors, watch: Watch, same_layer: tf.Tensor) -> tf.Tensor:
    """Candidates whose conditions hold: bool [cell, terminal]."""
    return tf.where(
        rule.by_layer, tf.where(same_layer, watch.holds[0], watch.holds[1]), watch.holds[0] & watch.holds[1]
    )
