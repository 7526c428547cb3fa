"""Maps of a coverage study: satellites in view over the Earth, and against latitude. No map data, no network."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ntn6g.study.plots.style import add_title, looks, new_figure
from ntn6g.study.plots.tables import Part

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def coverage_map(parts: Sequence[Part]) -> "Figure":
    """One map of the mean number in view per constellation on one colour scale, and all of them against latitude.

    Where there is less than one in view on the mean everywhere, as of imaging satellites, maps show the mean gap
    between two looks instead, and the longest gap against latitude.

    Parameters
    ----------
    parts
        Parts with the series ``in_view_mean`` [latitude, longitude].
    """
    columns = min(2, len(parts))
    rows = -(-len(parts) // columns)
    figure = new_figure(4.2 * columns + 1.0, 2.4 * rows + 3.0)
    grid = figure.add_gridspec(rows + 1, columns, height_ratios=[1.0] * rows + [1.2])
    rare = max(float(np.max(part.series["in_view_mean"])) for part in parts) < 1.0
    column, extreme, scale = ("revisit_s", "longest_gap_s", 3_600.0) if rare else ("in_view_mean", "in_view_min", 1.0)
    highest = max(float(np.max(part.series[column])) for part in parts) / scale
    maps = [figure.add_subplot(grid[divmod(place, columns)]) for place in range(len(parts))]
    for axes, part in zip(maps, parts, strict=True):
        drawn = axes.pcolormesh(
            part.series["longitude_edge_deg"],
            part.series["latitude_edge_deg"],
            part.series[column] / scale,
            vmin=0.0,
            vmax=max(highest, 1e-9),
            cmap="viridis",
            rasterized=True,
        )
        axes.set_title(_label(part))
        axes.set_xticks(range(-180, 181, 60))
        axes.set_yticks(range(-90, 91, 30))
        axes.set_ylim(part.series["latitude_edge_deg"][0], part.series["latitude_edge_deg"][-1])
        axes.set_ylabel("Latitude (deg)")
        axes.set_xlabel("Longitude (deg)")
    figure.colorbar(drawn, ax=maps, label="Time without a satellite, mean (h)" if rare else "Satellites in view, mean")
    below = figure.add_subplot(grid[rows, :])
    for part, look in zip(parts, looks([{"": _label(part)} for part in parts]), strict=True):
        edges = part.series["latitude_edge_deg"]
        mean = part.series[column].mean(1) / scale
        least = (part.series[extreme].max(1) if rare else part.series[extreme].min(1)) / scale
        middle = 0.5 * (edges[1:] + edges[:-1])
        below.plot(middle, mean, label=_label(part), **look)
        below.plot(middle, least, color=look["color"], linestyle=":", linewidth=1.0, label="_least")
    below.set_xlabel("Latitude (deg)")
    below.set_ylabel(
        "Time without a satellite (h)\n(solid mean, dotted longest)"
        if rare
        else "Satellites in view\n(solid mean, dotted least)"
    )
    below.set_ylim(bottom=0.0)
    if len(parts) > 1:
        below.legend()
    mask = sorted({f"{float(part.series['min_elevation_deg']):g}" for part in parts})
    add_title(figure, "Coverage", f"above {' and '.join(mask)} deg elevation")
    return figure


def _label(part: Part) -> str:
    """The constellation, with what else tells it from the others."""
    name = str(part.series["platform"])
    axes = json.loads(str(part.series.get("axes", "{}")))
    further = set(axes) - {"coverage.platform"}
    if further == {f"platforms.{name}.date"}:
        return f"{name} {str(axes[further.pop()])[:10]}"
    return part.label if part.label and further else name
