"""What a run folder holds, read back for drawing: rows and series of each part, cut into curves."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ntn6g.core.errors import ScenarioError
from ntn6g.study.plots.style import legend_text, value_text

TIME_AXES = ("at.fraction", "at.from_culmination_s", "at.utc")
RATES = ("bler", "ber", "ber_uncoded", "throughput_bps")


@dataclass(frozen=True)
class Part:
    """Rows (a pandas frame) and time series of one part of a run; a run without parts is one, named ''."""

    run: str
    name: str
    study: str
    description: str
    rows: Any
    series: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    more_series: Sequence[Mapping[str, NDArray[Any]]] = ()
    """Those of the other points of a sweep."""
    told: Mapping[str, str] = field(default_factory=dict)
    """What tells its curves from those of other runs on the figure, in words, by config path (or "run", "part")."""

    @property
    def label(self) -> str:
        """What tells it from the others, on one line."""
        return ", ".join(self.told.values())

    @property
    def title(self) -> str:
        """Run and part in words."""
        return f"{self.run}: {self.description or self.name}".removesuffix(": ")

    def axes(self) -> list[str]:
        """Sweep axes of this part, in the order of the table: the columns named by a config path."""
        return [c for c in self.rows.columns if ("." in c or c == "seed") and self.rows[c].notna().any()]

    def varying(self) -> list[str]:
        """Sweep axes that take more than one value."""
        return [c for c in self.axes() if self.rows[c].nunique() > 1]

    def has(self, column: str) -> bool:
        """Whether the column exists and holds at least one number."""
        return column in self.rows.columns and bool(self.rows[column].notna().any())

    def fixed(self) -> str:
        """The sweep axes with one value, in words."""
        constant = [c for c in self.axes() if self.rows[c].nunique() == 1]
        return ", ".join(legend_text(c, plain(self.rows[c].dropna().iloc[0])) for c in constant)


@dataclass(frozen=True)
class View:
    """What a reader asks of a figure beyond its kind; empty fields leave the choice to the figure."""

    x: str = ""
    y: tuple[str, ...] = ()
    hue: str = ""
    """Column that chooses the colour; the other axes choose the stroke."""
    bands: bool = False
    """Intervals as bands along the curve rather than as bars at its points."""


USUAL, PUBLISHED = View(), View(bands=True)
"""Of the figures in a run folder, and of those drawn for a paper."""


@dataclass(frozen=True)
class Curve:
    """Rows of one line of a figure, ordered by ``x``."""

    told: Mapping[str, str]
    """What tells it from the other curves, in words, by column: run or part, and the value of each other axis."""
    x: NDArray[np.float64]
    rows: Any

    @property
    def label(self) -> str:
        """Its words in the legend."""
        return ", ".join(self.told.values())

    def column(self, name: str) -> NDArray[np.float64]:
        """Values of a column along the curve; NaN where the table has none."""
        import pandas as pd

        if name not in self.rows.columns:
            return np.full(self.x.shape, np.nan)
        return np.asarray(pd.to_numeric(self.rows[name], errors="coerce"), np.float64)


def plain(value: Any) -> Any:
    """A Python number or text for a cell of a table; whole numbers without a fraction."""
    value = value.item() if isinstance(value, np.generic) else value
    return int(value) if isinstance(value, float) and value.is_integer() else value


def read_run(folder: Path) -> list[Part]:
    """Parts of a finished or stopped run, in the order of its manifest.

    Raises
    ------
    ScenarioError
        If the folder holds neither ``results.csv`` nor series, or one of its files cannot be read.
    """
    import pandas as pd

    table, series = folder / "results.csv", sorted((folder / "series").glob("*.npz"))
    if not table.is_file() and not series:
        raise ScenarioError(f"{folder} holds no results.csv: not a run folder, or nothing has finished yet", key="DIR")
    try:
        manifest = json.loads((folder / "manifest.json").read_text()) if (folder / "manifest.json").is_file() else {}
        if not isinstance(manifest, dict):
            raise ValueError("manifest.json is no object")
        rows = pd.read_csv(table) if table.is_file() and table.stat().st_size else pd.DataFrame()
        recorded = _by_part(series)
    except (ValueError, OSError) as error:
        reason = str(error).splitlines()[0]
        raise ScenarioError(f"{folder} cannot be read ({reason}): was a file cut short?", key="DIR") from error

    run = str(manifest.get("name") or folder.resolve().name)
    described = manifest.get("parts") or {}
    if not described and "part" in rows.columns:
        described = {str(name): {} for name in rows["part"].dropna().unique()}
    if not described:
        study = str(manifest.get("study") or ("link" if "pass" not in recorded else "pass"))
        return [Part(run, "", study, str(manifest.get("description") or ""), rows, *recorded.get(study, ({}, ())))]
    return [
        Part(
            run,
            name,
            str(facts.get("study") or ("pass" if name in recorded else "link")),
            str(facts.get("description") or ""),
            rows[rows["part"].astype(str) == name] if "part" in rows.columns else rows.iloc[:0],
            *recorded.get(name, ({}, ())),
        )
        for name, facts in described.items()
    ]


def _by_part(files: Sequence[Path]) -> dict[str, tuple[dict[str, NDArray[Any]], list[dict[str, NDArray[Any]]]]]:
    """First series of each part, and those of its further points (``name.0001.npz`` and on)."""
    found: dict[str, tuple[dict[str, NDArray[Any]], list[dict[str, NDArray[Any]]]]] = {}
    for path in files:
        name = path.stem.partition(".")[0]
        if name in found:
            found[name][1].append(_arrays(path))
        else:
            found[name] = _arrays(path), []
    return found


def _arrays(path: Path) -> dict[str, NDArray[Any]]:
    with np.load(path, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def x_axis(part: Part) -> str:
    """Column that a part is drawn over.

    The varying time axis of a pass where it has more values than the power axis, else power, else the first
    varying number, else the first varying axis of any type. Where nothing varies, the first number there is.
    """
    varying = part.varying()
    numeric = [c for c in varying if is_numeric(part.rows[c])]
    power = [c for c in numeric if c.startswith("power.")]
    time = [c for c in varying if c in TIME_AXES]
    most_power = part.rows[power[0]].nunique() if power else 0
    if time and part.rows[time[0]].nunique() > most_power:
        return time[0]
    for candidates in (power, numeric, varying):
        if candidates:
            return candidates[0]
    known = [c for c in (*part.axes(), "ebno_db", "esno_db", "elevation_deg") if part.has(c)]
    return next((c for c in known if is_numeric(part.rows[c])), "")


def intervals(part: Part) -> list[str]:
    """Measured columns: those with the ends of a 95 % interval beside them."""
    found = part.rows.columns
    return [c for c in found if f"{c}_low" in found and f"{c}_high" in found and part.has(c)]


def curves(parts: Sequence[Part], axis: str, over: str = "") -> tuple[list[Curve], list[str]]:
    """One curve per combination of the axes other than ``axis``, and the names of x where it is no number.

    Parameters
    ----------
    parts
        Parts drawn on one figure.
    axis
        Sweep axis along which the points of a curve differ.
    over
        Column to draw over instead, a quantity that follows from ``axis`` (time for a fraction of the pass).
    """
    column = over if over and all(part.has(over) for part in parts) else axis
    numeric = all(column not in part.rows or is_numeric(part.rows[column]) for part in parts)
    words: list[str] = []
    if not numeric:
        words = list(dict.fromkeys(value_text(v) for part in parts for v in part.rows[column]))
    found = []
    telling = telling_axes(parts)
    for part in parts:
        others = [c for c in telling if c != axis and part.has(c)]
        groups = part.rows.groupby(others, sort=False, dropna=False) if others else [((), part.rows)]
        for values, rows in groups:
            named = zip(others, values, strict=True)
            told = {c: legend_text(c, plain(v)) for c, v in named if not is_missing(v)}
            x = _positions(rows, column, words)
            order = np.argsort(x, kind="stable")
            found.append(Curve({**part.told, **told}, x[order], rows.iloc[order]))
    return found, words


def telling_axes(parts: Sequence[Part]) -> list[str]:
    """Sweep axes that take more than one value over all these parts."""
    values: dict[str, set[Any]] = {}
    for part in parts:
        for column in part.axes():
            values.setdefault(column, set()).update(part.rows[column].dropna())
    return [column for column, seen in values.items() if len(seen) > 1]


def axis_of(parts: Sequence[Part], column: str) -> str:
    """Sweep axis that a column follows: itself, or the first along which it varies while the others stay."""
    usual = x_axis(parts[0])
    varying = parts[0].varying()
    if column in varying or column not in parts[0].rows:
        return column
    for axis in sorted(varying, key=lambda each: each != usual):
        others = [c for c in varying if c != axis]
        groups = parts[0].rows.groupby(others, dropna=False)[column] if others else parts[0].rows[column]
        if np.max(groups.nunique()) > 1:
            return axis
    return usual


def is_missing(value: Any) -> bool:
    """Whether a cell of a frame is empty."""
    return isinstance(value, float) and math.isnan(value)


def is_numeric(column: Any) -> bool:
    """Whether a column of a frame holds numbers."""
    return column.dtype.kind in "iuf"


def _positions(rows: Any, column: str, words: list[str]) -> NDArray[np.float64]:
    if column not in rows.columns:
        return np.zeros(len(rows))
    if words:
        return np.asarray([words.index(value_text(v)) for v in rows[column]], np.float64)
    return np.asarray(rows[column], np.float64)
