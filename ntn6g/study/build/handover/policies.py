"""Policies of a handover study by name: rules with the scenario's tuning, and bounds."""

from collections.abc import Callable

from ntn6g.scenario.handover import Tuning
from ntn6g.services.handover import Event, Inequality, Rule, a3, a4, a5, better, d1, leaving, t1

BOUNDS = ("best-sinr", "oracle")
DUAL = ("duplication", "split")


def rule_of(name: str, tuning: Tuning) -> Rule:
    """A rule by its name in a scenario."""
    parts = _Parts(tuning)
    if name.startswith("cho-"):
        return _conditional(name, parts, tuning)
    wait_s = parts.wait_s
    makers: dict[str, Callable[[], Rule]] = {
        "a3": lambda: Rule(name=name, events=(parts.a3, parts.a5), by_layer=True),
        "a4": lambda: Rule(name=name, events=(parts.a4, _stronger(tuning))),
        "a5": lambda: Rule(name=name, events=(parts.a5,)),
        "d1": lambda: Rule(name=name, events=(parts.d1,), rank="level_db"),
        "elevation": lambda: Rule(
            name=name,
            events=(better("elevation_deg", margin=tuning.margin_deg, time_to_trigger_s=wait_s), parts.a4),
            rank="elevation_deg",
        ),
        "visibility": lambda: Rule(name=name, events=(parts.leaving, parts.a4), rank="exit_s"),
        "satellite-switch": lambda: Rule(name=name, events=(parts.leaving,), rank="exit_s", resync=True),
        "antenna-gain": lambda: Rule(
            name=name,
            events=(better("level_db", margin=tuning.offset_db, time_to_trigger_s=wait_s),),
            rank="level_db",
        ),
        "load-aware": lambda: Rule(
            name=name,
            events=(better("rate_mbps", margin=tuning.margin_mbps, time_to_trigger_s=wait_s),),
            rank="rate_mbps",
        ),
    }
    return makers[name]()


class _Parts:
    """Events with the scenario's tuning, of which rules are made."""

    def __init__(self, tuning: Tuning) -> None:
        self.wait_s = wait_s = 1e-3 * tuning.time_to_trigger_ms
        timed = {"hysteresis_db": tuning.hysteresis_db, "time_to_trigger_s": wait_s}
        self.a3 = a3(offset_db=tuning.offset_db, **timed)
        self.a4 = a4(threshold_db=tuning.threshold_db, **timed)
        self.a5 = a5(serving_below_db=tuning.serving_below_db, neighbour_above_db=tuning.threshold_db, **timed)
        self.d1 = d1(
            offset_km=tuning.distance_offset_km, hysteresis_km=tuning.distance_hysteresis_km, time_to_trigger_s=wait_s
        )
        self.t1 = t1(lead_s=tuning.lead_s, duration_s=tuning.window_s)
        self.leaving = leaving(before_s=tuning.lead_s, at_least_s=max(tuning.min_stay_s, tuning.lead_s))


def _conditional(name: str, parts: _Parts, tuning: Tuning) -> Rule:
    """Conditional handover on one or two conditions, both of which must hold (TS 38.331, condExecutionCond).

    By level alone candidates are prepared within a margin of the serving cell's level, by place or time those that stay
    longer. `cho-a3` and `cho-a4` are what `a3` and `a4` are.
    """
    conditions = name.removeprefix("cho-").split("-")
    events = tuple(getattr(parts, each) for each in conditions)
    if {"d1", "t1"} & {*conditions}:
        longer = Inequality(neighbour=(("exit_s", 1.0),), serving=(("exit_s", -1.0),), threshold=0.0)
        rank = "measured_db" if len(conditions) > 1 else "level_db"
        return Rule(name=name, events=events, rank=rank, conditional=True, prepare=longer)
    near = Inequality(neighbour=(("measured_db", 1.0),), serving=(("measured_db", -1.0),), threshold=tuning.prepare_db)
    if conditions == ["a3"]:
        return Rule(name=name, events=(parts.a3, parts.a5), by_layer=True, conditional=True, prepare=near)
    if conditions == ["a4"]:
        events = (parts.a4, _stronger(tuning))
    return Rule(name=name, events=events, conditional=True, prepare=near)


def _stronger(tuning: Tuning) -> Event:
    """A4 alone would hand over between any two good cells for ever: the neighbour must be stronger as well."""
    return a3(offset_db=0.0, hysteresis_db=tuning.hysteresis_db)
