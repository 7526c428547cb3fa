"""Which points are computed and when each has been computed well enough."""

import itertools
import math
from decimal import Decimal
from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator

from ntn6g.scenario.fields import Scalar, Section

MOST_POINTS = 100_000  # of one sweep: beyond it, the likely cause is a step of the wrong size
_ON_GRID = 1e-9  # in steps: `to` closer than this to the grid lies on it


def _rounded(value: Decimal | float) -> float | int:
    """To 12 significant digits, so that no sum of decimals shows its rounding; whole numbers as int."""
    number = float(f"{value:.12g}")
    return int(number) if number.is_integer() else number


class Range(Section):
    """Evenly spaced values from `from` to `to`, given their step or their number."""

    from_: float = Field(alias="from")
    """First value, in the unit of the swept key."""
    to: float
    """Last value, in the unit of the swept key; included where it falls on the grid."""
    step: float | None = None
    """Step, in the unit of the swept key, negative to descend; or give `points`."""
    points: int | None = Field(default=None, ge=2, le=MOST_POINTS)
    """Number of values, 2 to 100000; or give `step`."""
    spacing: Literal["linear", "log"] | None = None
    """Spacing of `points` values: linear (the default), or log for equal ratios."""

    @model_validator(mode="after")
    def _one_description(self) -> Self:
        if (self.step is None) == (self.points is None):
            raise ValueError("give exactly one of step, points")
        if self.step is not None:
            if self.spacing is not None:
                raise ValueError(f"spacing {self.spacing} goes with points, not with step")
            if self.step == 0.0 or (self.to - self.from_) / self.step < -_ON_GRID:
                raise ValueError(
                    f"the sweep is empty: no step of {self.step:g} leads from {self.from_:g} to {self.to:g}"
                )
            if (self.to - self.from_) / self.step >= MOST_POINTS:
                raise ValueError(f"step {self.step:g} makes more than {MOST_POINTS} values; is it too small?")
        elif self.from_ == self.to:
            raise ValueError(f"from and to are both {self.to:g}; {self.points} points need different ends")
        if self.spacing == "log" and min(self.from_, self.to) <= 0.0:
            raise ValueError(f"log spacing needs positive ends, not {self.from_:g} and {self.to:g}")
        return self

    def values(self) -> tuple[float | int, ...]:
        """The values in order, ``from + i * step`` in decimal arithmetic."""
        if self.points is not None and self.spacing == "log":
            ratio = self.to / self.from_
            inner = (self.from_ * ratio ** (i / (self.points - 1)) for i in range(1, self.points - 1))
            return tuple(_rounded(number) for number in (self.from_, *inner, self.to))
        first, last = Decimal(repr(self.from_)), Decimal(repr(self.to))
        if self.points is not None:
            return tuple(_rounded(first + (last - first) * i / (self.points - 1)) for i in range(self.points))
        step = Decimal(repr(self.step))
        steps = math.floor((last - first) / step + Decimal(_ON_GRID))
        inner_and_last = (first + i * step for i in range(steps + 1))
        return tuple(
            _rounded(last if abs(last - n) < abs(step) * Decimal(_ON_GRID) else n) for n in inner_and_last
        )


def _axis_form(given: Any) -> str:
    return "range" if isinstance(given, dict | Range) else "values"


Axis = Annotated[
    Annotated[tuple[Scalar, ...], Field(strict=False), Tag("values")] | Annotated[Range, Tag("range")],
    Discriminator(_axis_form),
]


def _expanded(axis: Any) -> tuple[Any, ...]:
    return axis.values() if isinstance(axis, Range) else tuple(axis)


class Sweep(Section):
    """The points of a run: a product of axes, axes side by side, or a list."""

    grid: dict[str, Axis] | None = None
    """Every combination of the values of each key; the first key varies slowest."""
    zip: dict[str, Axis] | None = None
    """Keys that vary together: the i-th point takes the i-th value of each."""
    points: Annotated[tuple[dict[str, Scalar], ...], Field(strict=False)] | None = None
    """The points themselves, each a mapping of keys to values."""

    @model_validator(mode="after")
    def _some_points(self) -> Self:
        given = [key for key in ("grid", "zip", "points") if getattr(self, key) is not None]
        if len(given) != 1:
            raise ValueError("give exactly one of grid, zip, points")
        axes = {**(self.grid or {}), **(self.zip or {})}
        empty = [path for path, axis in axes.items() if not _expanded(axis)]
        if empty or not (axes or (self.points and all(self.points))):
            raise ValueError(f"the sweep is empty: {empty[0] if empty else given[0]} has no values")
        lengths = {path: len(_expanded(axis)) for path, axis in axes.items()}
        if self.zip and len(set(lengths.values())) > 1:
            listed = ", ".join(f"{path} has {length}" for path, length in lengths.items())
            raise ValueError(f"keys that vary together need equally many values: {listed}")
        if self.grid and math.prod(lengths.values()) > MOST_POINTS:
            raise ValueError(f"{math.prod(lengths.values())} points are more than {MOST_POINTS}")
        self._check_distinct()
        return self

    def _check_distinct(self) -> None:
        seen: set[tuple[Any, ...]] = set()
        for row in self.rows():
            point = tuple(sorted(row.items()))
            if point in seen:
                listed = ", ".join(f"{path}={value}" for path, value in row.items())
                raise ValueError(f"a point appears twice: {listed}")
            seen.add(point)

    def paths(self) -> tuple[str, ...]:
        """The swept keys, in the order of their first appearance."""
        return tuple(
            dict.fromkeys(path for row in (self.grid, self.zip, *(self.points or ())) for path in row or ())
        )

    def rows(self) -> list[dict[str, Any]]:
        """Every point as a mapping from swept key to value; in a grid the first key varies slowest."""
        if self.points is not None:
            return [dict(row) for row in self.points]
        axes = self.grid or self.zip or {}
        values = [_expanded(axis) for axis in axes.values()]
        combined = itertools.product(*values) if self.grid else zip(*values, strict=True)
        return [dict(zip(axes, row, strict=True)) for row in combined]

    def samples(self) -> list[dict[str, Any]]:
        """Points that together show every value: all of them, but for a grid one axis varied at a time."""
        if self.grid is None:
            return self.rows()
        values = {path: _expanded(axis) for path, axis in self.grid.items()}
        first = {path: axis[0] for path, axis in values.items()}
        return [first, *({**first, path: value} for path, axis in values.items() for value in axis[1:])]


class Stop(Section):
    """When a point of a link study has been simulated long enough: where the first of these is met.

    100 block errors unless told otherwise.
    """

    block_errors: int | None = Field(default=None, ge=1)
    """Stop after this many block errors, at least 1."""
    bit_errors: int | None = Field(default=None, ge=1)
    """Stop after this many bit errors, at least 1."""
    relative_ci: float | None = Field(default=None, gt=0.0, lt=1.0)
    """Stop once the half-width of the BLER's 95 % interval is this fraction of the BLER, 0 to 1."""
    bler_floor: float | None = Field(default=None, gt=0.0, lt=1.0)
    """With `relative_ci`: stop a point without error once its upper bound is below this BLER, 0 to 1."""
    max_blocks: int = Field(default=20_000, ge=32)
    """Most blocks of a point, at least 32."""

    @model_validator(mode="before")
    @classmethod
    def _default_rule(cls, given: Any) -> Any:
        rules = ("block_errors", "bit_errors", "relative_ci", "bler_floor")
        if isinstance(given, dict) and all(given.get(rule) is None for rule in rules):
            return {**given, "block_errors": 100}
        return given

    @model_validator(mode="after")
    def _whole_rule(self) -> Self:
        if self.bler_floor is not None and self.relative_ci is None:
            raise ValueError(f"bler_floor {self.bler_floor:g} goes with relative_ci, which is missing")
        return self


class Engine(Section):
    """How the work is cut; changes no result beyond the last bit."""

    batch: int | None = Field(default=None, ge=64, multiple_of=64)
    """Blocks computed at a time, a multiple of 64; default: sized from a memory estimate."""
    gpus_per_worker: float = Field(default=0.0, ge=0.0, le=16.0)
    """Share of a GPU that each worker of a cluster takes, 0 to 16."""
