"""Error rates and throughput over a swept axis (usually power), three panels side by side."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ntn6g.study.plots import curves as marks
from ntn6g.study.plots.style import add_legend, add_title, axis_label, new_figure
from ntn6g.study.plots.tables import USUAL, Part, View

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_PANELS = ("bler", "ber", "throughput_bps")
_RATES = ("bler", "ber", "ber_uncoded", "throughput_bps")


def waterfall(parts: Sequence[Part], view: View = USUAL) -> "Figure":
    """BLER, BER and throughput of link parts, or the columns asked for; panels without data are left out.

    Parameters
    ----------
    parts
        Parts with the same x axis; their curves share the panels.
    view
        What to draw over what, by which colour.
    """
    lines = marks.lines_of(parts, view)
    panels = lines.columns(*(view.y or _PANELS))
    figure = new_figure(max(4.2 * len(panels), 5.5), 4.4)
    for index, panel in enumerate(panels):
        axes = figure.add_subplot(1, len(panels), index + 1)
        _panel(axes, lines, panel)
        marks.name_x(axes, lines)
    add_title(figure, *marks.one_title(parts))
    shown = [*panels, *(["ber_uncoded"] if "ber" in panels else [])]
    keys = marks.key_handles(
        lines,
        lines.columns(*(rate for rate in (*_RATES, *panels) if rate in shown)),
        theory="uncoded AWGN, closed form" if "ber" in panels and lines.columns("ber_theory") else "",
        capacity="throughput_bps" in panels and bool(lines.columns("capacity_bps")),
    )
    add_legend(figure, marks.curve_handles(lines) + keys)
    return figure


def _panel(axes: "Axes", lines: marks.Lines, column: str) -> None:
    if column == "ber":
        _bit_error_panel(axes, lines)
    elif column in ("bler", "ber_uncoded", "ber_theory"):
        marks.log_rate_panel(axes, lines, column)
    elif column == "throughput_bps":
        marks.throughput_panel(axes, lines)
    else:
        axes.set_ylabel(axis_label(column))
        marks.measured(axes, lines, column)


def _bit_error_panel(axes: "Axes", lines: marks.Lines) -> None:
    marks.log_rate_panel(axes, lines, "ber")
    marks.measured(axes, lines, "ber_uncoded", linestyle="--", linewidth=0.9, marker="")
    if lines.columns("ber_theory"):
        marks.reference(axes, lines, "ber_theory", ":")
    marks.fit_decades(axes, lines, ["ber", "ber_uncoded"])
