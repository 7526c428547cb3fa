"""Maps of a beams study: C/I over the ground with the footprints that cause it, and how much area has which ratio."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ntn6g.study.plots.style import PALETTE, add_title, looks, new_figure
from ntn6g.study.plots.tables import Part

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_COLUMNS = 3
_RATIOS = (("c_over_i_db", "C/I (dB)"), ("sinr_db", "SINR (dB)"))


def beam_map(parts: Sequence[Part]) -> "Figure":
    """One map of C/I for each point with footprints at -3 dB, edged in their colour; below, shares of the area.

    Parameters
    ----------
    parts
        Parts with the series of a beams study.
    """
    columns = min(_COLUMNS, max(2, len(parts)))
    rows = -(-len(parts) // columns)
    figure = new_figure(3.7 * columns + 0.8, 3.5 * rows + 3.0)
    grid = figure.add_gridspec(rows + 1, 2 * columns, height_ratios=[1.2] * rows + [1.0])
    shown = np.concatenate([part.series["c_over_i_db"].ravel() for part in parts])
    low, high = np.nanpercentile(shown, [1, 99])
    maps = []
    for place, part in enumerate(parts):
        row, column = divmod(place, columns)
        axes = figure.add_subplot(grid[row, 2 * column : 2 * column + 2])
        drawn = _map(axes, part, low, high)
        maps.append(axes)
    figure.colorbar(drawn, ax=maps, label="C/I (dB)")
    told = [{"": part.label or part.title} for part in parts]
    for (name, label), half in zip(_RATIOS, (slice(0, columns), slice(columns, 2 * columns)), strict=True):
        axes = figure.add_subplot(grid[rows, half])
        for part, look in zip(parts, looks(told), strict=True):
            values = np.sort(part.series[name][np.isfinite(part.series[name])])
            share = np.arange(1, len(values) + 1) / len(values)
            axes.plot(values, share, color=look["color"], linestyle=look["linestyle"], label=part.label or "_only")
        axes.set(xlabel=label, ylabel="Share of the area", ylim=(0.0, 1.0))
    if len(parts) > 1:
        axes.legend()
    dashed = any(part.series["polarisations"].any() for part in parts)
    edged = "in their colour of the reuse"
    if dashed:
        edged = "in the colour of their frequency, dashed in the second polarisation"
    add_title(figure, f"Beams of {parts[0].series['platform']}", f"footprints at -3 dB, edged {edged}")
    return figure


def _map(axes: Any, part: Part, low: float, high: float) -> Any:
    series = part.series
    drawn = axes.pcolormesh(
        series["east_km"],
        series["north_km"],
        series["c_over_i_db"],
        vmin=low,
        vmax=high,
        cmap="viridis",
        rasterized=True,
    )
    used = zip(series["footprints_km"], series["frequencies"], series["polarisations"], strict=True)
    for edge, frequency, polarisation in used:
        closed = np.concatenate([edge, edge[:1]])
        axes.plot(*closed.T, color="white", linewidth=1.9)
        axes.plot(*closed.T, color=PALETTE[int(frequency)], linewidth=1.1, linestyle=("-", (0, (3, 2)))[polarisation])
    title = part.label
    others = int(series["other_satellites"])
    if others:
        title = f"{title}, {others} other satellites" if title else f"with {others} other satellites"
    axes.set(title=title, xlabel="East (km)", ylabel="North (km)", aspect="equal")
    axes.grid(visible=False)
    return drawn
