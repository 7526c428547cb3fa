"""A link along a satellite pass: SNR with elevation, error rate and throughput stacked over time."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ntn6g.study.plots import curves as marks
from ntn6g.study.plots.style import GREY, add_legend, add_title, axis_label, new_figure
from ntn6g.study.plots.tables import USUAL, Part, View

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

POWERS = ("esno_db", "sinr_db", "ebno_db")


def along_pass(parts: Sequence[Part], view: View = USUAL) -> "Figure":
    """SNR, BLER (BER of uncoded links) and throughput against time; panels without data are left out.

    Parameters
    ----------
    parts
        Parts swept over time; their curves share the panels.
    view
        Whether intervals are bands.
    """
    lines = marks.lines_of(parts, view, over="time_s")
    panels = lines.columns(*POWERS)[:1] + lines.columns("bler", "ber")[:1] + lines.columns("throughput_bps")
    figure = new_figure(7.2, 1.2 + 2.1 * len(panels))
    stack = figure.subplots(len(panels), 1, sharex=True, squeeze=False)[:, 0]
    for axes, panel in zip(stack, panels, strict=True):
        if panel in POWERS:
            _power_panel(axes, lines, panel)
        elif panel == "throughput_bps":
            marks.throughput_panel(axes, lines)
        else:
            marks.log_rate_panel(axes, lines, panel)
    marks.name_x(stack[-1], lines)
    figure.align_ylabels(stack)
    add_title(figure, *marks.one_title(parts))
    rates = [p for p in panels if p not in POWERS]
    keys = marks.key_handles(lines, rates, capacity=bool(lines.columns("capacity_bps")))
    if panels[0] in POWERS and lines.columns("elevation_deg"):
        keys.insert(0, marks.line_handle("elevation (right axis)", "-."))
    add_legend(figure, marks.curve_handles(lines) + keys)
    return figure


def _power_panel(axes: "Axes", lines: marks.Lines, column: str) -> None:
    """SNR on the left, elevation on the right; each once where all curves share it."""
    axes.set_ylabel(axis_label(column))
    marks.reference(axes, lines, column, "-", shared_color="black", linewidth=1.5)
    if lines.columns("elevation_deg"):
        right = axes.twinx()
        right.set_ylabel(axis_label("elevation_deg"), color=GREY)
        right.tick_params(axis="y", colors=GREY)
        right.grid(visible=False)
        right.spines["right"].set_visible(True)
        right.spines["right"].set_color(GREY)
        marks.reference(right, lines, "elevation_deg", "-.")
        right.set_ylim(0, 90)
        right.set_yticks([0, 30, 60, 90])
