"""Policies of a handover study by name: rules with the scenario's tuning, and bounds."""

from collections.abc import Callable

from ntn6g.scenario.handover import Tuning
from ntn6g.services.handover import Event, Inequality, Rule, a3, a4, a5, better, d1, leaving, t1

BOUNDS = ("best-sinr", "oracle")
DUAL = ("duplication", "split")


def rule_of(name: str, tuning: Tuning) -> Rule:
    """A rule by its name in a scenario."""
    wait_s = 1e-3 * tuning.time_to_trigger_ms
    timed = {"hysteresis_db": tuning.hysteresis_db, "time_to_trigger_s": wait_s}
    within = a3(offset_db=tuning.offset_db, **timed)
    between = a5(serving_below_db=tuning.serving_below_db, neighbour_above_db=tuning.threshold_db, **timed)
    good = a4(threshold_db=tuning.threshold_db, **timed)
    far = d1(offset_km=tuning.distance_offset_km, hysteresis_km=tuning.distance_hysteresis_km, time_to_trigger_s=wait_s)
    window = t1(lead_s=tuning.lead_s, duration_s=tuning.window_s)
    near_db = Inequality(
        neighbour=(("measured_db", 1.0),), serving=(("measured_db", -1.0),), threshold=tuning.prepare_db
    )
    longer = Inequality(neighbour=(("exit_s", 1.0),), serving=(("exit_s", -1.0),), threshold=0.0)
    soon = leaving(before_s=tuning.lead_s, at_least_s=max(tuning.min_stay_s, tuning.lead_s))
    makers: dict[str, Callable[[], Rule]] = {
        "a3": lambda: Rule(name=name, events=(within, between), by_layer=True),
        "a4": lambda: Rule(name=name, events=(good, _stronger(tuning))),
        "a5": lambda: Rule(name=name, events=(between,)),
        "d1": lambda: Rule(name=name, events=(far,), rank="level_db"),
        "cho-a3": lambda: Rule(name=name, events=(within, between), by_layer=True, conditional=True, prepare=near_db),
        "cho-d1": lambda: Rule(name=name, events=(far,), rank="level_db", conditional=True, prepare=longer),
        "cho-d1-a4": lambda: Rule(name=name, events=(far, good), conditional=True, prepare=longer),
        "cho-t1-a4": lambda: Rule(name=name, events=(window, good), conditional=True, prepare=longer),
        "elevation": lambda: Rule(
            name=name,
            events=(better("elevation_deg", margin=tuning.margin_deg, time_to_trigger_s=wait_s), good),
            rank="elevation_deg",
        ),
        "visibility": lambda: Rule(
            name=name,
            events=(soon, good),
            rank="exit_s",
        ),
        "satellite-switch": lambda: Rule(name=name, events=(soon,), rank="exit_s", resync=True),
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


def _stronger(tuning: Tuning) -> Event:
    """A4 alone would hand over between any two good cells for ever: the neighbour must be stronger as well."""
    return a3(offset_db=0.0, hysteresis_db=tuning.hysteresis_db)
