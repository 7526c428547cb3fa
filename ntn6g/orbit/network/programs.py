"""Compiled programs of `pair_geometry`: from elements or sampled positions to the geometry of a chunk of pairs."""

import math
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.polynomial import Polynomial

from ntn6g.orbit.frames import greenwich_mean_sidereal_time
from ntn6g.orbit.geometry import Horizon, LinkGeometry, Motion, geometry_of
from ntn6g.orbit.network.fleet import ElementSets, Fleet
from ntn6g.orbit.network.grid import (
    CircularElements,
    CircularTables,
    circular_elements,
    circular_motion,
    circular_tables,
)
from ntn6g.orbit.platforms.keplerian import ELEMENTS, KeplerianOrbit
from ntn6g.orbit.platforms.surface import FixedTerminal
from ntn6g.orbit.state import Terminal, Times
from ntn6g.orbit.trigonometry import sin_cos

FINE = 96  # instants per row of an even grid at most: 186 sines per satellite for the 8640 instants of a day at 10 s
_BLOCK = 1024  # satellites whose tables are made at once: 19 MB for the 8640 instants of a day at 10 s
_EVEN_S = 1e-9  # instants this close to an even grid lie on it: 1e-5 m of motion
# SGP4 is evaluated every minute at most and its positions are interpolated by polynomials through 8 of them, whose
# derivatives are the velocity and the acceleration: on low orbits h^8 x^(8) / 1000 = 3e-6 m are lost
_NODE_STEP_S, _NODES = 60.0, 8


def is_even(offset_s: np.ndarray) -> bool:
    """Whether the instants lie on an even, ascending grid."""
    if len(offset_s) < 2:
        return True
    grid = np.linspace(offset_s[0], offset_s[-1], len(offset_s))
    return bool(offset_s[-1] > offset_s[0] and np.abs(offset_s - grid).max() <= _EVEN_S)


class Sites:
    """What compiled programs take of terminals, chunk by chunk; those at rest are placed once, all together."""

    def __init__(self, terminals: Sequence[Terminal], times: Times) -> None:
        self._terminals = terminals
        self._resting: np.ndarray | None = None
        self._last: tuple[slice, tf.Tensor] | None = None
        if all(isinstance(terminal, FixedTerminal) for terminal in terminals):
            names = ("latitude_rad", "longitude_rad", "altitude_m")
            columns = [np.array([float(getattr(terminal, name)) for terminal in terminals]) for name in names]
            place = FixedTerminal(latitude_rad=columns[0], longitude_rad=columns[1], altitude_m=columns[2])
            self._resting = np.stack([part.numpy() for part in place.site(times).__tf_flatten__()[1][:6]])

    def chunk(self, members: slice, times: Times) -> tuple[tf.Tensor, bool]:
        """Places, rates, horizons: float64 [6, terminal, time or 1, 3]; and whether any terminal moves."""
        if self._resting is not None:
            if self._last is None or self._last[0] != members:
                self._last = members, tf.constant(self._resting[:, members])
            return self._last[1], False
        sites = [terminal.site(times).__tf_flatten__()[1][:6] for terminal in self._terminals[members]]
        length = len(times.offset_s)
        parts = [tf.stack([tf.broadcast_to(p, [length, 3]) for p in each]) for each in zip(*sites, strict=True)]
        return tf.stack(parts), True


class Satellites:
    """What compiled programs take of a fleet, chunk by chunk: the kind of its motion, and its numbers."""

    def __init__(self, fleet: Fleet, times: Times) -> None:
        self.fleet = fleet
        offset_s = np.asarray(times.offset_s, np.float64)
        self._instants, self._even = len(offset_s), is_even(offset_s)
        self._block: tuple[int, list[np.ndarray]] | None = None
        self._circular: list[np.ndarray] | None = None
        if isinstance(fleet, KeplerianOrbit) and fleet.circular:
            elements = circular_elements(fleet, times).__tf_flatten__()[1]
            self._circular = [part.numpy() for part in elements]

    def chunk(self, members: slice, times: Times) -> tuple[str, Any]:
        """Kind and inputs of some satellites at some instants; element sets are propagated here, on the host."""
        offset_s = np.asarray(times.offset_s, np.float64)
        if self._circular is not None:
            return "circular", self._tables(self._circular, members, offset_s)
        fleet = self.fleet.take(members)
        if isinstance(fleet, KeplerianOrbit):
            elements = {name: _f64(getattr(fleet, name)) for name in ELEMENTS}
            model = (fleet.oblateness, fleet.gravity)
            return "keplerian", (
                elements,
                times.seconds_since(fleet.epoch),
                *map(_f64, fleet.earth_rotation(times)),
                model,
            )
        step_s = (offset_s[-1] - offset_s[0]) / max(1, len(offset_s) - 1)
        if isinstance(fleet, ElementSets) and self._even and 0.0 < step_s <= _NODE_STEP_S:
            return "sampled", _samples(fleet, times, offset_s, step_s)
        return "states", (fleet.state(times),)

    def _tables(self, elements: list[np.ndarray], members: slice, offset_s: np.ndarray) -> tuple[Any, ...]:
        """Tables of some satellites; cut from those of a block where all instants are asked for at once."""
        count = members.stop - members.start
        if len(offset_s) != self._instants or count >= _BLOCK:
            some = CircularElements(*(part[members] for part in elements))
            return circular_tables(some, *_grid(offset_s, self._even)).__tf_flatten__()[1]
        length = _BLOCK // count * count
        first = members.start // length * length
        if self._block is None or self._block[0] != first:
            block = CircularElements(*(part[first : first + length] for part in elements))
            tables = circular_tables(block, *_grid(offset_s, self._even)).__tf_flatten__()[1]
            self._block = first, [part.numpy() for part in tables]
        here = slice(members.start - first, members.stop - first)
        return tuple(tf.constant(part[:, here]) for part in self._block[1])


def _samples(fleet: ElementSets, times: Times, offset_s: np.ndarray, step_s: float) -> tuple[tf.Tensor, ...]:
    """Positions at nodes, weights of interpolation, the Earth's turn at every instant (padded to whole nodes)."""
    each = max(1, min(int(_NODE_STEP_S / step_s + 1e-9), len(offset_s)))
    spans = -(-len(offset_s) // each)
    node_s = offset_s[0] + each * step_s * (np.arange(spans + _NODES - 1) - (_NODES // 2 - 1))
    turn_rad, turn_rad_s = greenwich_mean_sidereal_time(times.epoch, times.ut1_minus_utc_s)
    instant_s = offset_s[0] + step_s * np.arange(spans * each)
    position_km = fleet.positions_teme_km(times.epoch, node_s)
    angle = (turn_rad + turn_rad_s * instant_s).reshape(spans, each)
    weights = _weights(each) / (each * step_s) ** np.arange(3.0)[:, None, None]
    return tf.constant(position_km), tf.constant(weights), tf.constant(angle), _f64(turn_rad_s)


@lru_cache(maxsize=64)
def _weights(each: int) -> np.ndarray:
    """Values and two derivatives, per node step, of the polynomials of Lagrange: [derivative, node, fraction]."""
    nodes = np.arange(_NODES) - (_NODES // 2 - 1.0)
    fraction = np.arange(each) / each
    found = np.empty((3, _NODES, each))
    for place, node in enumerate(nodes):
        others = np.delete(nodes, place)
        basis = Polynomial.fromroots(others) / np.prod(node - others)
        for order in range(3):
            found[order, place] = (basis.deriv(order) if order else basis)(fraction)
    return found


def _grid(offset_s: np.ndarray, even: bool) -> tuple[tf.Tensor, tf.Tensor]:
    """Instants as sums of a coarse and a fine one, up to whole rows of an even grid; else all of them are fine."""
    if even and len(offset_s) > FINE:
        step_s = (offset_s[-1] - offset_s[0]) / (len(offset_s) - 1)
        rows = -(-len(offset_s) // FINE)
        each = -(-len(offset_s) // rows)
        return _f64(offset_s[0] + step_s * each * np.arange(rows)), _f64(step_s * np.arange(each))
    return _f64(offset_s[:1]), _f64(offset_s - offset_s[0])


def _f64(value: Any) -> tf.Tensor:
    return tf.convert_to_tensor(value, tf.float64)


@lru_cache(maxsize=64)
def program(reduce: Callable[..., Any] | None) -> Callable[..., Any]:
    """The compiled function from what `Satellites` and `Sites` give to a `LinkGeometry`, or its reduction."""

    def compute(
        kind: str, satellites: Any, site: Any, moving: bool, instants: int, mask_rad: tf.Tensor, operands: Any
    ) -> Any:
        # one rank throughout: where ranks mix, XLA evaluates shared operands once per rank
        motion = _MOTIONS[kind](*satellites)
        _, members, *grid = motion.position_m[0].shape
        spread = grid if moving else [1] * len(grid)
        padding = [[0, 0], [0, math.prod(grid) - instants if moving else 0], [0, 0]]
        parts = [tf.reshape(tf.pad(site[k], padding), [site.shape[1], 1, *spread, 3]) for k in range(6)]
        place, velocity, acceleration, east, north, up = (tf.unstack(part, axis=-1) for part in parts)
        horizon = Horizon(Motion(place, velocity, acceleration), east, north, up, moving)
        seen = geometry_of(motion, horizon, mask_rad)
        whole = [site.shape[1], members, math.prod(grid)]
        geometry = LinkGeometry(*(tf.reshape(field, whole)[..., :instants] for field in seen.__tf_flatten__()[1]))
        return geometry if reduce is None else reduce(geometry, *operands)

    compiled = tf.function(compute, jit_compile=True, autograph=False)
    _MADE.append(compiled)
    return compiled


_MADE: list[Any] = []


def programs_traced() -> int:
    """How many programs of pairs this process has traced so far: one for each reduction, kind of motion and shape."""
    return sum(each.experimental_get_tracing_count() for each in _MADE)


def _keplerian(
    elements: dict[str, tf.Tensor], elapsed_s: tf.Tensor, turn: tf.Tensor, turn_rate: tf.Tensor, shape: Any
) -> Motion:
    oblateness, gravity = shape
    orbit = KeplerianOrbit(**elements, epoch=_UNUSED, oblateness=oblateness, gravity=gravity)
    return _states(*orbit.state_after(elapsed_s, turn, turn_rate).__tf_flatten__()[1])


def _states(*vectors: tf.Tensor) -> Motion:
    return Motion(*(tf.unstack(vector[None], axis=-1) for vector in vectors))


def _sampled(position_km: tf.Tensor, weights: tf.Tensor, angle_rad: tf.Tensor, turn_rate: tf.Tensor) -> Motion:
    """Inertial motion between nodes on an even grid, turned to the Earth: components [1, satellite, node, fraction]."""
    spans = angle_rad.shape[0]
    nodes = 1e3 * position_km
    # differences from a node in the middle: subtracting first keeps the digits that weights of derivatives cancel
    middle = nodes[:, _NODES // 2 - 1 : _NODES // 2 - 1 + spans]
    apart = [nodes[:, k : k + spans] - middle for k in range(_NODES)]
    one = tf.exp(0.0 * angle_rad[:1, :1])  # XLA repeats sums in whatever reads them, quotients it keeps

    def interpolated(axis: int, order: int) -> tf.Tensor:
        total = sum(apart[k][None, :, :, axis, None] * weights[order, k] for k in range(_NODES))
        return (total if order else total + middle[None, :, :, axis, None]) / one

    (x, vx, ax), (y, vy, ay), (z, vz, az) = ([interpolated(axis, order) for order in range(3)] for axis in range(3))
    sine, cosine = (part / one for part in sin_cos(angle_rad))
    inertial = ((x, y, z), (vx, vy, vz), (ax, ay, az))
    (x, y, z), (vx, vy, vz), (ax, ay, az) = ([cosine * p + sine * q, cosine * q - sine * p, r] for p, q, r in inertial)
    ux, uy = vx + turn_rate * y, vy - turn_rate * x
    bx = ax + 2.0 * turn_rate * vy - turn_rate**2 * x
    by = ay - 2.0 * turn_rate * vx - turn_rate**2 * y
    return Motion((x, y, z), (ux, uy, vz), (bx, by, az))


_MOTIONS: dict[str, Callable[..., Motion]] = {
    "circular": lambda *parts: circular_motion(CircularTables(*parts)),
    "keplerian": _keplerian,
    "sampled": _sampled,
    "states": lambda state: _states(*state.__tf_flatten__()[1]),
}
_UNUSED = datetime(2000, 1, 1, tzinfo=UTC)
