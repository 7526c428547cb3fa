"""What sensing and communication take from each other on one grid: throughput against error, each along the axis."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ntn6g.study.plots import curves as marks
from ntn6g.study.plots.style import add_legend, add_title, new_figure, value_text
from ntn6g.study.plots.tables import USUAL, Part, View

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

_MOST_NOTES = 9  # points of a curve beyond which not every one is named


def trade_off(parts: Sequence[Part], view: View = USUAL) -> "Figure":
    """Throughput against range error with the intervals of both, and each along the swept axis.

    A fourth panel has the floor of the map where its closed form is known.

    Parameters
    ----------
    parts
        Parts of sensing studies with a link on the same frame.
    view
        What to draw over what, by which colour.
    """
    lines = marks.lines_of(parts, view)
    floor = lines.columns("floor_theory_db")
    panels = 3 + len(floor)
    figure = new_figure(13.0 / 3 * panels, 4.4)
    pareto, error, rate, *more = (figure.add_subplot(1, panels, place + 1) for place in range(panels))
    _pareto(pareto, lines)
    error.set_yscale("log")
    error.set_ylabel("Range error, RMS (m)")
    marks.reference(error, lines, "range_crlb_m", "--")
    marks.measured(error, lines, "range_rmse_m")
    _few_numbers(error.yaxis, error.get_ylim())
    marks.throughput_panel(rate, lines)
    for axes in more:
        axes.set_ylabel("Floor of the map over the noise (dB)")
        marks.reference(axes, lines, "floor_theory_db", ":")
        marks.measured(axes, lines, "floor_db")
    for axes in (error, rate, *more):
        marks.name_x(axes, lines)
    add_title(figure, *marks.one_title(parts))
    keys = [*marks.key_handles(lines, ["range_rmse_m"]), marks.line_handle("Cramer-Rao bound", "--")]
    keys += [marks.line_handle("closed form", ":")] if floor else []
    add_legend(figure, marks.curve_handles(lines) + keys)
    return figure


def _pareto(axes: "Axes", lines: marks.Lines) -> None:
    peak = max((float(np.nanmax(c.column("throughput_bps"))) for c in lines.curves), default=0.0)
    scale, unit = next((s for s in marks.SCALES if peak >= s[0]), marks.SCALES[-1])
    for curve, look in zip(lines.curves, lines.looks, strict=True):
        x, y = curve.column("range_rmse_m"), curve.column("throughput_bps") / scale
        bars = [
            np.maximum(
                np.stack([value - curve.column(f"{name}_low") / by, curve.column(f"{name}_high") / by - value]), 0
            )
            for name, value, by in (("range_rmse_m", x, 1.0), ("throughput_bps", y, scale))
        ]
        axes.errorbar(x, y, xerr=bars[0], yerr=bars[1], label="_trade", **look, **marks.BAR)
        every = -(-len(x) // _MOST_NOTES)
        for place in range(0, len(x) if lines.x_label else 0, every):
            if np.isfinite(x[place]):
                named = lines.words[int(curve.x[place])] if lines.words else value_text(float(curve.x[place]))
                axes.annotate(named, (x[place], y[place]), xytext=(4, 4), textcoords="offset points", fontsize=7.5)
    axes.set_xscale("log")
    label = f"\npoints: {lines.x_label[0].lower()}{lines.x_label[1:]}" if lines.x_label else ""  # of a single point
    axes.set_xlabel(f"Range error, RMS (m){label}")
    _few_numbers(axes.xaxis, axes.get_xlim())
    axes.set_ylabel(f"Throughput ({unit})")


def _few_numbers(axis: "Axis", limits: tuple[float, float]) -> None:
    """Few plain numbers on a logarithmic axis of less than two decades, where powers of ten name too little."""
    from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

    if limits[1] < 100.0 * limits[0]:
        within_a_decade = limits[1] < 10.0 * limits[0]
        axis.set_major_locator(MaxNLocator(5) if within_a_decade else LogLocator(subs=(1.0, 2.0, 5.0)))
        axis.set_major_formatter("{x:g}")
        axis.set_minor_formatter(NullFormatter())
