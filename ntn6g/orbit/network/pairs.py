"""Geometry of all pairs terminals x satellites x instants, chunk by chunk, so that memory stays bounded."""

import math
import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from ntn6g.orbit.network.fleet import Fleet
from ntn6g.orbit.network.programs import FINE, Satellites, Sites, program
from ntn6g.orbit.state import Terminal, Times

Reduction = Callable[..., Any]
_MOST_WORKERS = 4  # chunks computed at once, each on a core; each holds memory of its own


@dataclass(frozen=True)
class PairChunk:
    """Some pairs: which ones, and their geometry or what a reduction made of it."""

    terminals: slice
    satellites: slice
    times: slice
    result: Any


def pair_geometry(
    fleet: Fleet,
    terminals: Sequence[Terminal],
    times: Times,
    *,
    mask_rad: float = 0.0,
    reduce: Reduction | None = None,
    operands: Sequence[tf.Tensor] = (),
    pairs_per_chunk: int = 2**18,
) -> Iterator[PairChunk]:
    """Geometry of every terminal with every satellite at every instant.

    Chunks come in order of terminals, then satellites, then time, and cover every pair once. Circular orbits
    (`KeplerianOrbit` with eccentricity 0) on an even grid of instants are fastest; element sets are propagated on the
    host while the device computes the chunks before, on even grids of up to 60 s at every minute only: positions
    between are interpolated to 1e-5 m on near-circular orbits (4 mm at low perigees of large eccentricity), velocity
    and acceleration being the derivatives. Some chunks are computed at once, each on a core.

    Parameters
    ----------
    fleet : Fleet
        `KeplerianOrbit` with elements [satellite], `ElementSets`, or `Alone` for one platform of any kind.
    terminals : sequence of Terminal
        At least one; they need not be of one kind.
    times : Times
        Instants in ascending order.
    mask_rad : float
        Elevation from which ``visible`` is true.
    reduce : callable, optional
        From a `LinkGeometry` with fields [terminal, satellite, time] to tensors in any nest. It is compiled together
        with the geometry, so that what it does not return is never stored. Give a function of a module, not a new one
        per call: compiled programs are kept by it.
    operands : sequence of tensors
        Further arguments of ``reduce``, after the geometry: what changes from call to call.
    pairs_per_chunk : int
        Most pairs of a chunk (57 bytes each where nothing is reduced).

    Yields
    ------
    PairChunk
        ``result`` is the `LinkGeometry` [terminal, satellite, time], or what ``reduce`` returned.

    Raises
    ------
    ScenarioError
        Where SGP4 fails (decay, mostly).
    """
    offset_s = np.asarray(times.offset_s, np.float64)
    jobs = _jobs(len(terminals), fleet.size, len(offset_s), pairs_per_chunk)
    compiled, satellites, sites = program(reduce), Satellites(fleet, times), Sites(terminals, times)
    mask, further = tf.constant(mask_rad, tf.float64), tuple(operands)

    def prepare(job: tuple[slice, slice, slice]) -> tuple[Any, ...]:
        instants = Times(times.epoch, offset_s[job[2]], times.ut1_minus_utc_s)
        return *satellites.chunk(job[1], instants), *sites.chunk(job[0], instants), len(instants.offset_s)

    def compute(job: tuple[slice, slice, slice], ready: "Future[tuple[Any, ...]]") -> PairChunk:
        return PairChunk(*job, compiled(*ready.result(), mask, further))

    workers = min(_MOST_WORKERS, os.cpu_count() or 1)
    with ThreadPoolExecutor(1) as host, ThreadPoolExecutor(workers) as device:
        under_way: deque[Future[PairChunk]] = deque()
        try:
            for job in jobs:
                under_way.append(device.submit(compute, job, host.submit(prepare, job)))
                if len(under_way) > workers:
                    yield under_way.popleft().result()
            while under_way:
                yield under_way.popleft().result()
        finally:
            for chunk in under_way:
                chunk.cancel()


def _jobs(terminals: int, satellites: int, instants: int, most: int) -> list[tuple[slice, slice, slice]]:
    """Slices of the three axes, time innermost; few different sizes, since each is compiled."""
    longest = min(instants, most)
    if longest < instants:
        longest -= longest % FINE  # whole rows of the grid of instants
    time_spans = _spans(instants, max(1, longest), whole=False)
    satellite_spans = _spans(satellites, max(1, most // longest))
    terminal_spans = _spans(terminals, max(1, most // (longest * satellite_spans[0].stop)))
    return [(q, s, t) for q in terminal_spans for s in satellite_spans for t in time_spans]


def _spans(count: int, most: int, *, whole: bool = True) -> list[slice]:
    """Cut a count into pieces of at most ``most``: equal ones where a divisor allows, else with a shorter last one."""
    length = min(count, most)
    if whole:
        even = math.ceil(count / math.ceil(count / length))
        length = next((divisor for divisor in range(length, length // 2, -1) if count % divisor == 0), even)
    return [slice(first, min(first + length, count)) for first in range(0, count, length)]
