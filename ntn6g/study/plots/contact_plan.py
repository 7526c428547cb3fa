"""Contacts of a network of ground stations: when each has a satellite, and how many at once."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ntn6g.study.plots.style import PALETTE, add_title, new_figure
from ntn6g.study.plots.tables import Part

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def contact_plan(parts: Sequence[Part]) -> "Figure":
    """Bars of covered time per station, and below them the number of satellites in view; one column per constellation.

    Parameters
    ----------
    parts
        Parts with the series ``rise_s`` and ``set_s`` [contact].
    """
    stations = max(len(part.series["stations"]) for part in parts)
    figure = new_figure(max(6.4, 4.4 * len(parts) + 0.6), 2.6 + 0.34 * stations + 1.6)
    grid = figure.subplots(
        2, len(parts), sharex="col", squeeze=False, height_ratios=[0.4 + 0.34 * stations, 2.2]
    )
    for (bars, below), part in zip(grid.T, parts, strict=True):
        names = [str(name) for name in part.series["stations"]]
        stop_h = float(part.series["duration_s"]) / 3_600.0
        for place, name in enumerate(names):
            chosen = part.series["station"] == name
            begin_h, end_h = part.series["rise_s"][chosen] / 3_600.0, part.series["set_s"][chosen] / 3_600.0
            color = PALETTE[place % len(PALETTE)]
            spans = [(a, b - a) for a, b in _merged(begin_h, end_h)]
            bars.broken_barh(spans, (place - 0.35, 0.7), color=color, linewidth=0.0)
            below.step(*_in_view(begin_h, end_h[end_h < stop_h]), where="post", color=color, label=name, linewidth=1.0)
        bars.set_yticks(range(len(names)), names)
        bars.set_ylim(len(names) - 0.5, -0.5)
        bars.grid(axis="y", visible=False)
        bars.set_title(str(part.series["platform"]) if len(parts) > 1 else "")
        below.set_xlim(0.0, stop_h)
        below.set_ylim(bottom=0.0)
        below.yaxis.get_major_locator().set_params(integer=True)
        below.set_xlabel(f"Time since {str(part.series['start_utc']).replace('T', ' ').removesuffix('Z')} UTC (h)")
    grid[1, 0].set_ylabel("Satellites in view")
    add_title(figure, "Contacts", _summary(parts[0].series) if len(parts) == 1 else "")
    return figure


def _merged(begin: NDArray[Any], end: NDArray[Any]) -> list[tuple[float, float]]:
    """Union of spans given in order of their begin."""
    found: list[tuple[float, float]] = []
    for a, b in zip(begin.tolist(), end.tolist(), strict=True):
        if found and a <= found[-1][1]:
            found[-1] = found[-1][0], max(found[-1][1], b)
        else:
            found.append((a, b))
    return found


def _in_view(begin: NDArray[Any], end: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Number of spans that hold each instant, as steps."""
    at = np.concatenate([[0.0], begin, end])
    change = np.concatenate([[0], np.ones(len(begin), int), -np.ones(len(end), int)])
    order = np.argsort(at, kind="stable")
    return at[order], np.cumsum(change[order])


def _summary(series: Mapping[str, NDArray[Any]]) -> str:
    contacts, stations = len(series["rise_s"]), len(series["stations"])
    return f"{series['platform']}: {contacts} contacts of {stations} station{'s' if stations > 1 else ''}"
