"""Bit error rate of uncoded links over power: simulated points on their closed form, one panel."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ntn6g.study.plots import curves as marks
from ntn6g.study.plots.style import add_legend, add_title, new_figure
from ntn6g.study.plots.tables import USUAL, Part, View

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def uncoded(parts: Sequence[Part], view: View = USUAL) -> "Figure":
    """Draw measured BER as markers, and its closed form as a line where the table has it.

    Parameters
    ----------
    parts
        Parts with the same x axis; their curves share the panel.
    view
        Whether intervals are bands.
    """
    lines = marks.lines_of(parts, view)
    column = next(iter(lines.columns("ber", "ber_uncoded")))
    known = bool(lines.columns("ber_theory"))
    figure = new_figure(5.6, 4.8)
    axes = figure.add_subplot()
    axes.set_yscale("log")
    axes.set_ylabel("BER")
    if known:
        marks.reference(axes, lines, "ber_theory", "-")
    points: dict[str, Any] = {"linestyle": "none"} if known else {}
    marks.measured(axes, lines, column, **points)
    marks.fit_decades(axes, lines, [column])
    marks.name_x(axes, lines)
    add_title(figure, *marks.one_title(parts))
    keys = marks.key_handles(lines, [column])
    if known:
        keys.insert(0, marks.line_handle("closed form", "-"))
    add_legend(figure, marks.curve_handles(lines, **points) + keys)
    return figure
