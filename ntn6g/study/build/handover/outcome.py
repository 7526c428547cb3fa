"""What a policy does on a stage: counts of every terminal, and what figures show."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import tensorflow as tf

from ntn6g.services.handover import PING_PONG_WINDOWS_S, SEARCHING, Block, Counts, Record, RuleTensors, tensors_of
from ntn6g.study.build.handover.models import agent_of_network, handover_model, network_of, weights_of
from ntn6g.study.build.handover.policies import BOUNDS, DUAL, rule_of
from ntn6g.study.build.handover.world import Case, Stage, stage_of

Array = np.ndarray[Any, np.dtype[np.float64]]

WINDOW_S = 1.0
"""Over which served throughput is averaged before its 5th percentile is taken."""


@dataclass(frozen=True)
class Outcome:
    """Of all terminals, float64 [terminal] unless told otherwise."""

    counts: dict[str, Array]
    """Fields of `Counts`; windows of ping-pong by their own names."""
    windows_bps: Array
    """Served throughput of every second, [window, terminal]; empty for bounds."""
    trace: dict[str, Array]
    """Of the first terminal, [step]: cell, ratio, rate."""
    places: dict[str, Array]
    """Where terminals came to another cell, and where they lost their link: degrees, [event] each."""


def minutes(stage: Stage) -> float:
    """Length of the simulation."""
    return stage.steps * stage.step_s / 60.0


@lru_cache(maxsize=64)
def outcome_of(case: Case, policy: str, tuning: str) -> Outcome:
    """What a policy does; ``tuning`` is the text of the section that it is tuned by, which tells points apart."""
    del tuning
    stage = stage_of(case)
    if policy in BOUNDS:
        return _bounded(stage, policy)
    if policy in case.asked.models:
        return _learned(stage, policy)
    if policy not in DUAL:
        return _ruled(stage, rule_of(policy, case.asked.tuning), None)
    dual = case.asked.dual
    assert dual is not None  # checked on loading
    rule = rule_of(dual.policy, case.asked.tuning)
    return _joined(stage, policy, [_ruled(stage, rule, layers) for layers in (dual.first, dual.second)])


def _ruled(stage: Stage, rule: Any, layers: tuple[str, ...] | None) -> Outcome:
    world = stage.world._replace(allowed=stage.allowed(layers))
    if rule.uses("exit_s"):
        stage.predict()
    numbers: RuleTensors = tensors_of(rule, stage.step_s)
    simulation = stage.simulation
    return _through(stage, simulation.start(world), lambda carry, block: simulation.run(world, numbers, carry, block))


def _learned(stage: Stage, name: str) -> Outcome:
    """The seed of a trained agent that was best on its validation split."""
    model = handover_model(name)
    weights = weights_of(model.weights[model.best_seed])
    agent = agent_of_network(stage.simulation, network_of(model))
    world = stage.world
    return _through(stage, agent.start(world), lambda carry, block: agent.run(world, weights, carry, block))


def _through(stage: Stage, carry: Any, run: Callable[[Any, Block], tuple[Any, Record]]) -> Outcome:
    """All blocks in turn, each from what the one before leaves."""
    rates, trace, before = [], [], None
    events: dict[str, list[Any]] = {"handover": [], "failure": []}
    for block in stage.every_block():
        carry, record = run(carry, block)
        serving, phase, sinr_db, rate = (each.numpy() for each in record)
        rates.append(rate)
        trace.append(np.stack([serving[:, 0], sinr_db[:, 0], rate[:, 0]]))
        before = _note_places(events, before, serving, phase, block.terminals.position_m)
    served = np.concatenate(rates)
    return Outcome(
        _counts(carry[1].counts),
        _windows(served, stage.step_s),
        dict(zip(("cell", "sinr_db", "rate_bps"), np.concatenate(trace, 1), strict=True)),
        {name: np.concatenate(found) if found else np.zeros((0, 2)) for name, found in events.items()},
    )


def _note_places(
    events: dict[str, list[Any]], before: Any, serving: Any, phase: Any, position: tf.Tensor
) -> tuple[Any, Any]:
    """Note where serving cells change and where links fail; the last cell and phase of the block go on to the next."""
    last = before or (serving[0], phase[0])
    cells = np.vstack([last[0], serving])
    held = cells.copy()
    for step in range(1, len(held)):  # the cell that served last, through the gap of a handover
        held[step] = np.where(held[step] < 0, held[step - 1], held[step])
    phases = np.vstack([last[1], phase])
    place = np.asarray(position.numpy())
    place = np.broadcast_to(place, (len(serving), *place.shape[1:]))
    changed = (held[1:] != held[:-1]) & (held[:-1] >= 0)
    failed = (phases[1:] == SEARCHING) & (phases[:-1] != SEARCHING)
    events["handover"].append(_degrees(place[changed]))
    events["failure"].append(_degrees(place[failed]))
    return held[-1], phases[-1]


def _degrees(place: Any) -> Array:
    """Longitude and geocentric latitude of places in ECEF, degrees [place, 2]: for maps."""
    x, y, z = np.moveaxis(place, -1, 0)
    return np.degrees(np.stack([np.arctan2(y, x), np.arctan2(z, np.hypot(x, y))], -1))


def _windows(rate: Any, step_s: float) -> Array:
    width = max(1, round(WINDOW_S / step_s))
    whole = len(rate) // width * width
    if not whole:
        return np.asarray(rate.mean(0, keepdims=True), np.float64)
    return np.asarray(rate[:whole].reshape(-1, width, rate.shape[1]).mean(1), np.float64)


def _counts(counts: Counts) -> dict[str, Array]:
    found = {name: np.asarray(value.numpy(), np.float64) for name, value in counts._asdict().items()}
    pongs = found.pop("ping_pongs")
    return found | {f"ping_pongs_{1e3 * window:g}ms": pongs[k] for k, window in enumerate(PING_PONG_WINDOWS_S)}


def _bounded(stage: Stage, policy: str) -> Outcome:
    """The bounds, which have no failures and no messages."""
    carry = (stage.simulation.start(stage.world)[0], stage.simulation.oracle.start())
    for block in stage.every_block():
        carry = stage.simulation.bound(stage.world, carry, block)
    bounds = carry[1]
    value = bounds.value.numpy()
    none = np.zeros(value.shape[1])
    oracle = policy == "oracle"
    switches = bounds.switches.numpy()[value.argmax(0), np.arange(value.shape[1])] if oracle else bounds.greedy_switches
    bits = value.max(0) if oracle else bounds.greedy_bits.numpy()
    counts = {name: none for name in Counts._fields if name != "ping_pongs"}
    counts |= {f"ping_pongs_{1e3 * window:g}ms": none for window in PING_PONG_WINDOWS_S}
    counts |= {
        "handovers": np.asarray(switches, np.float64),
        "served_bits": np.asarray(bits, np.float64),
        "outage_s": np.asarray(bounds.outage_s.numpy(), np.float64),
        "interrupted_s": np.full_like(none, np.nan),
    }
    return Outcome(counts, np.zeros((0, len(none))), {}, {})


def _joined(stage: Stage, policy: str, legs: list[Outcome]) -> Outcome:
    """Two connections at once: the better of both at every second (duplication), or both (split).

    Outage is counted where both are out, which is taken from whole seconds without a bit.
    """
    one, two = (leg.windows_bps for leg in legs)
    served = one + two if policy == "split" else np.maximum(one, two)
    counts = {name: legs[0].counts[name] + legs[1].counts[name] for name in legs[0].counts}
    counts["served_bits"] = served.mean(0) * stage.steps * stage.step_s
    counts["outage_s"] = (served <= 0.0).mean(0) * stage.steps * stage.step_s
    trace = {"cell": legs[0].trace["cell"], "second_cell": legs[1].trace["cell"]}
    trace |= {"sinr_db": np.fmax(legs[0].trace["sinr_db"], legs[1].trace["sinr_db"])}
    rates = legs[0].trace["rate_bps"], legs[1].trace["rate_bps"]
    trace["rate_bps"] = rates[0] + rates[1] if policy == "split" else np.maximum(*rates)
    places = {name: np.concatenate([leg.places[name] for leg in legs]) for name in legs[0].places}
    return Outcome(counts, served, trace, places)
