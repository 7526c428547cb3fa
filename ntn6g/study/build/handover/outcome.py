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
class Way:
    """A connection on its way through all steps."""

    counts: dict[str, Array]
    """Fields of `Counts`, float64 [terminal]; windows of ping-pong by their own names."""
    rate_bps: Any
    """Float32 [step, terminal]."""
    out_share: Any
    """Of each step, without service, from its beginning on: float32 [step, terminal]."""
    trace: dict[str, Array]
    """Of the first terminal, [step]: cell, ratio, rate."""
    places: dict[str, Array]
    """Where terminals came to another cell, and where they lost their link: degrees, [event] each."""


@dataclass(frozen=True)
class Outcome:
    """Of all terminals, float64 [terminal] unless told otherwise."""

    counts: dict[str, Array]
    """Fields of `Counts`; windows of ping-pong by their own names."""
    windows_bps: Array
    """Served throughput of every second, [window, terminal]; empty for bounds."""
    trace: dict[str, Array]
    """As `Way`; of two connections the cells of both."""
    places: dict[str, Array]
    """As `Way`."""


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
        return single(_learned(stage, policy), stage.step_s)
    if policy not in DUAL:
        return single(_ruled(stage, rule_of(policy, case.asked.tuning), None), stage.step_s)
    dual = case.asked.dual
    assert dual is not None  # checked on loading
    rule = rule_of(dual.policy, case.asked.tuning)
    one, two = (_ruled(stage, rule, layers) for layers in (dual.first, dual.second))
    return joined(one, two, both=policy == "split", step_s=stage.step_s)


def _ruled(stage: Stage, rule: Any, layers: tuple[str, ...] | None) -> Way:
    world = stage.world._replace(allowed=stage.allowed(layers))
    if rule.uses("exit_s"):
        stage.predict()
    numbers: RuleTensors = tensors_of(rule, stage.step_s)
    simulation = stage.simulation
    return _through(stage, simulation.start(world), lambda carry, block: simulation.run(world, numbers, carry, block))


def _learned(stage: Stage, name: str) -> Way:
    """The seed of a trained agent that was best on its validation split."""
    model = handover_model(name)
    weights = weights_of(model.weights[model.best_seed])
    agent = agent_of_network(stage.simulation, network_of(model))
    world = stage.world
    return _through(stage, agent.start(world), lambda carry, block: agent.run(world, weights, carry, block))


def _through(stage: Stage, carry: Any, run: Callable[[Any, Block], tuple[Any, Record]]) -> Way:
    """All blocks in turn, each from what the one before leaves."""
    rates, outs, trace, before = [], [], [], None
    events: dict[str, list[Any]] = {"handover": [], "failure": []}
    for block in stage.every_block():
        carry, record = run(carry, block)
        serving, phase, sinr_db, rate, out = (each.numpy() for each in record)
        rates.append(rate)
        outs.append(out)
        trace.append(np.stack([serving[:, 0], sinr_db[:, 0], rate[:, 0]]))
        before = _note_places(events, before, serving, phase, block.terminals.position_m)
    return Way(
        _counts(carry[1].counts),
        np.concatenate(rates),
        np.concatenate(outs),
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


def single(way: Way, step_s: float) -> Outcome:
    """What one connection makes of its way."""
    return Outcome(way.counts, _windows(way.rate_bps, step_s), way.trace, way.places)


def joined(one: Way, two: Way, *, both: bool, step_s: float) -> Outcome:
    """Two connections at once: both serve (split), or the better of them at every step (duplication).

    A step is out only as far as both connections are: what either is without lies at its beginning, so that they have
    the shorter of both in common. What else is counted is the sum of both.
    """
    rate_bps = one.rate_bps + two.rate_bps if both else np.maximum(one.rate_bps, two.rate_bps)
    counts = {name: one.counts[name] + two.counts[name] for name in one.counts}
    counts["served_bits"] = step_s * rate_bps.sum(0, dtype=np.float64)
    counts["outage_s"] = step_s * np.minimum(one.out_share, two.out_share).sum(0, dtype=np.float64)
    trace = {"cell": one.trace["cell"], "second_cell": two.trace["cell"], "rate_bps": rate_bps[:, 0]}
    trace |= {"sinr_db": np.fmax(one.trace["sinr_db"], two.trace["sinr_db"])}
    places = {name: np.concatenate([one.places[name], two.places[name]]) for name in one.places}
    return Outcome(counts, _windows(rate_bps, step_s), trace, places)
