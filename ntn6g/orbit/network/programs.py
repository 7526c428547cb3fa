"""Compiled programs of `pair_geometry`: from elements or sampled positions to the geometry of a chunk of pairs."""

import math
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import numpy as np
import tensorflow as tf

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
from ntn6g.orbit.platforms.element_set import positions_teme_km
from ntn6g.orbit.platforms.keplerian import ELEMENTS, KeplerianOrbit
from ntn6g.orbit.platforms.surface import FixedTerminal
from ntn6g.orbit.state import Terminal, Times
from ntn6g.orbit.trigonometry import sin_cos

FINE = 96  # instants per row of an even grid: 186 sines per satellite for the 8640 instants of a day at 10 s
_BLOCK = 1024  # satellites whose tables are made at once: 19 MB for the 8640 instants of a day at 10 s
_EVEN_S = 1e-9  # instants this close to an even grid lie on it: 1e-5 m of motion
# Steps on which five-point differences of sampled positions are as good as those of `ElementSet` (at 4 s): at 10 s
# truncation is h^4 x^(5) / 30, 2e-6 m/s on low orbits
_SAMPLED_S = (2.0, 10.0)


def is_even(offset_s: np.ndarray) -> bool:
    """Whether the instants lie on an even, ascending grid."""
    if len(offset_s) < 2:
        return True
    grid = np.linspace(offset_s[0], offset_s[-1], len(offset_s))
    return bool(offset_s[-1] > offset_s[0] and np.abs(offset_s - grid).max() <= _EVEN_S)


def site_inputs(terminals: Sequence[Terminal], times: Times) -> tuple[list[tf.Tensor], bool]:
    """Places, rates and horizons of the terminals, float64 [terminal, time or 1, 3] each; and whether any moves."""
    sites = [terminal.site(times).__tf_flatten__()[1][:6] for terminal in terminals]
    moving = not all(isinstance(terminal, FixedTerminal) for terminal in terminals)
    length = len(times.offset_s) if moving else 1
    return [tf.stack([tf.broadcast_to(p, [length, 3]) for p in parts]) for parts in zip(*sites, strict=True)], moving


class Satellites:
    """What compiled programs take of a fleet, chunk by chunk: the kind of its motion, and its numbers."""

    def __init__(self, fleet: Fleet, times: Times) -> None:
        self.fleet = fleet
        self._instants = len(np.asarray(times.offset_s))
        self._block: tuple[int, list[list[np.ndarray]]] | None = None
        self._circular: list[np.ndarray] | None = None
        if isinstance(fleet, KeplerianOrbit) and fleet.circular:
            elements = circular_elements(fleet, times).__tf_flatten__()[1]
            self._circular = [part.numpy() for part in elements]

    def chunk(self, members: slice, times: Times) -> tuple[str, Any]:
        """Kind and inputs of some satellites at some instants; element sets are propagated here, on the host."""
        offset_s = np.asarray(times.offset_s, np.float64)
        if self._circular is not None:
            return "circular", (self._tables(self._circular, members, offset_s),)
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
        if isinstance(fleet, ElementSets) and is_even(offset_s) and _SAMPLED_S[0] <= step_s <= _SAMPLED_S[1]:
            return "sampled", _samples(fleet, times, offset_s, step_s)
        return "states", (fleet.state(times),)

    def _tables(self, elements: list[np.ndarray], members: slice, offset_s: np.ndarray) -> CircularTables:
        """Tables of some satellites; cut from those of a block where all instants are asked for at once."""
        count = members.stop - members.start
        if len(offset_s) != self._instants or count >= _BLOCK:
            return circular_tables(CircularElements(*(part[members] for part in elements)), *_grid(offset_s))
        length = _BLOCK // count * count
        first = members.start // length * length
        if self._block is None or self._block[0] != first:
            block = CircularElements(*(part[first : first + length] for part in elements))
            whole = circular_tables(block, *_grid(offset_s)).__tf_flatten__()[1]
            self._block = first, [[part.numpy() for part in table] for table in whole]
        here = slice(members.start - first, members.stop - first)
        return CircularTables(*(tuple(part[:, here] for part in table) for table in self._block[1]))


def _samples(fleet: ElementSets, times: Times, offset_s: np.ndarray, step_s: float) -> tuple[tf.Tensor, ...]:
    longer_s = np.concatenate([offset_s[0] - [2 * step_s, step_s], offset_s, offset_s[-1] + [step_s, 2 * step_s]])
    turn_rad, turn_rad_s = greenwich_mean_sidereal_time(times.epoch, times.ut1_minus_utc_s)
    position_km = positions_teme_km(fleet.members, times.epoch, longer_s)
    return tf.constant(position_km), _f64(step_s), _f64(turn_rad + turn_rad_s * offset_s), _f64(turn_rad_s)


def _grid(offset_s: np.ndarray) -> tuple[tf.Tensor, tf.Tensor]:
    """Instants as sums of a coarse and a fine one; without the even grid that needs, all of them are fine."""
    if len(offset_s) % FINE == 0 and is_even(offset_s):
        return _f64(offset_s[::FINE]), _f64(offset_s[:FINE] - offset_s[0])
    return _f64(offset_s[:1]), _f64(offset_s - offset_s[0])


def _f64(value: Any) -> tf.Tensor:
    return tf.convert_to_tensor(value, tf.float64)


@lru_cache(maxsize=64)
def program(reduce: Callable[..., Any] | None) -> Callable[..., Any]:
    """The compiled function from what `Satellites` and `site_inputs` give to a `LinkGeometry`, or its reduction."""

    def compute(kind: str, satellites: Any, site: Any, moving: bool, mask_rad: tf.Tensor, operands: Any) -> Any:
        # one rank throughout: where ranks mix, XLA evaluates shared operands once per rank
        motion = _MOTIONS[kind](*satellites)
        _, members, *grid = motion.position_m[0].shape
        spread = grid if moving else [1] * len(grid)
        parts = [tf.reshape(part, [part.shape[0], 1, *spread, 3]) for part in site]
        place, velocity, acceleration, east, north, up = (tf.unstack(part, axis=-1) for part in parts)
        horizon = Horizon(Motion(place, velocity, acceleration), east, north, up, moving)
        seen = geometry_of(motion, horizon, mask_rad)
        whole = [site[0].shape[0], members, math.prod(grid)]
        geometry = LinkGeometry(*(tf.reshape(field, whole) for field in seen.__tf_flatten__()[1]))
        return geometry if reduce is None else reduce(geometry, *operands)

    return tf.function(compute, jit_compile=True, autograph=False)


def _keplerian(
    elements: dict[str, tf.Tensor], elapsed_s: tf.Tensor, turn: tf.Tensor, turn_rate: tf.Tensor, shape: Any
) -> Motion:
    oblateness, gravity = shape
    orbit = KeplerianOrbit(**elements, epoch=_UNUSED, oblateness=oblateness, gravity=gravity)
    return _states(*orbit.state_after(elapsed_s, turn, turn_rate).__tf_flatten__()[1])


def _states(*vectors: tf.Tensor) -> Motion:
    return Motion(*(tf.unstack(vector[None], axis=-1) for vector in vectors))


def _sampled(position_km: tf.Tensor, step_s: tf.Tensor, angle_rad: tf.Tensor, turn_rate: tf.Tensor) -> Motion:
    """Differences of inertial positions on an even grid with two further instants at each end, turned to the Earth."""
    at = [1e3 * position_km[None, :, k : position_km.shape[1] - 4 + k] for k in range(5)]
    velocity = (at[0] - 8.0 * at[1] + 8.0 * at[3] - at[4]) / (12.0 * step_s)
    # subtracting the middle first keeps the digits that the weights would cancel
    bend = [each - at[2] for each in at]
    acceleration = (16.0 * (bend[1] + bend[3]) - bend[0] - bend[4]) / (12.0 * step_s**2)
    inertial = [tf.unstack(vector, axis=-1) for vector in (at[2], velocity, acceleration)]
    sine, cosine = sin_cos(angle_rad)
    (x, y, z), (vx, vy, vz), (ax, ay, az) = ([cosine * p + sine * q, cosine * q - sine * p, r] for p, q, r in inertial)
    ux, uy = vx + turn_rate * y, vy - turn_rate * x
    bx = ax + 2.0 * turn_rate * vy - turn_rate**2 * x
    by = ay - 2.0 * turn_rate * vx - turn_rate**2 * y
    return Motion((x, y, z), (ux, uy, vz), (bx, by, az))


_MOTIONS: dict[str, Callable[..., Motion]] = {
    "circular": circular_motion,
    "keplerian": _keplerian,
    "sampled": _sampled,
    "states": lambda state: _states(*state.__tf_flatten__()[1]),
}
_UNUSED = datetime(2000, 1, 1, tzinfo=UTC)
