"""Error rates and throughput over a swept axis (usually power), three panels side by side."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ntn6g.study.plots import curves as marks
from ntn6g.study.plots.style import add_legend, add_title, axis_label, looks, new_figure
from ntn6g.study.plots.tables import Part, curves, x_axis

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def waterfall(parts: Sequence[Part]) -> "Figure":
    """BLER, BER and throughput of link parts; panels without data are left out.

    Parameters
    ----------
    parts
        Parts with the same x axis; their curves share the panels.
    """
    axis = x_axis(parts[0])
    found, words = curves(parts, axis)
    lines = marks.Lines(found, looks([c.told for c in found]), axis_label(axis), words)
    panels = [
        p for p, column in (("bler", "bler"), ("ber", "ber"), ("rate", "throughput_bps")) if lines.columns(column)
    ]
    figure = new_figure(max(4.2 * len(panels), 5.5), 4.4)
    for index, panel in enumerate(panels):
        axes = figure.add_subplot(1, len(panels), index + 1)
        if panel == "bler":
            marks.log_rate_panel(axes, lines, "bler")
        elif panel == "ber":
            _bit_error_panel(axes, lines)
        else:
            marks.throughput_panel(axes, lines)
        marks.name_x(axes, lines)
    add_title(figure, *marks.one_title(parts))
    keys = marks.key_handles(
        lines,
        lines.columns("bler", "ber", "ber_uncoded", "throughput_bps"),
        theory="uncoded AWGN, closed form" if lines.columns("ber_theory") else "",
        capacity=bool(lines.columns("capacity_bps")),
    )
    add_legend(figure, marks.curve_handles(lines) + keys)
    return figure


def _bit_error_panel(axes: "Axes", lines: marks.Lines) -> None:
    marks.log_rate_panel(axes, lines, "ber")
    marks.measured(axes, lines, "ber_uncoded", linestyle="--", linewidth=0.9, marker="")
    if lines.columns("ber_theory"):
        marks.reference(axes, lines, "ber_theory", ":")
    marks.fit_decades(axes, lines, ["ber", "ber_uncoded"])
