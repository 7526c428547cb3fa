"""Figures of a sensing study: accuracy against its bound, the trade of detections and false alarms, and a map."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ntn6g.study.plots import curves as marks
from ntn6g.study.plots.style import GREY, add_legend, add_title, new_figure
from ntn6g.study.plots.tables import USUAL, Part, View

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ROC_AXIS = "sensing.detector.false_alarm"
_DYNAMIC_DB = 45.0  # of the colours of a map
_RESOLVED, _DETECTED = "resolution_probability", "detection_probability"


def accuracy(parts: Sequence[Part], view: View = USUAL) -> "Figure":
    """Errors of range, velocity and angle with their Cramer-Rao bounds, and how often the target was found.

    Parameters
    ----------
    parts
        Parts with the same x axis; their curves share the panels.
    view
        What to draw over what, by which colour.
    """
    lines = marks.lines_of(parts, view)
    errors = {"range_rmse_m": "Range error, RMS (m)", "velocity_rmse_m_s": "Velocity error, RMS (m/s)"}
    errors["angle_rmse_deg"] = "Angle error, RMS (degrees)"
    panels = lines.columns(*errors, _RESOLVED, *_detections(parts)) or ["false_alarm_rate"]
    figure = new_figure(max(4.2 * len(panels), 5.5), 4.4)
    for index, panel in enumerate(panels):
        axes = figure.add_subplot(1, len(panels), index + 1)
        if panel in errors:
            axes.set_yscale("log")
            axes.set_ylabel(errors[panel])
            marks.reference(axes, lines, panel.replace("rmse", "crlb"), "--")
            marks.measured(axes, lines, panel)
        elif panel == _RESOLVED or panel.endswith(_DETECTED):
            _probability(axes, lines, panel)
        else:
            marks.log_rate_panel(axes, lines, panel)
        marks.name_x(axes, lines)
    add_title(figure, *marks.one_title(parts))
    keys = marks.key_handles(lines, panels)
    if any(panel in errors for panel in panels):
        keys.append(marks.line_handle("Cramer-Rao bound", "--"))
    _legend(figure, lines, keys)
    return figure


def tracks(parts: Sequence[Part], view: View = USUAL) -> "Figure":
    """Errors of tracks beside those of single frames, how many tracks are kept, and whether the filter is consistent.

    Parameters as `accuracy`.
    """
    lines = marks.lines_of(parts, view)
    errors = {"range": ("m", "Range error, RMS (m)"), "velocity": ("m_s", "Velocity error, RMS (m/s)")}
    if lines.columns("tracked_angle_rmse_deg"):
        errors["angle"] = "deg", "Angle error, RMS (degrees)"
    panels = len(errors) + 2
    figure = new_figure(4.2 * panels, 4.4)
    for place, (name, (unit, label)) in enumerate(errors.items()):
        axes = figure.add_subplot(1, panels, place + 1)
        axes.set_yscale("log")
        axes.set_ylabel(label)
        marks.reference(axes, lines, f"tracked_{name}_crlb_{unit}", "--")
        marks.measured(axes, lines, f"{name}_rmse_{unit}", linestyle=":", marker="x")
        marks.measured(axes, lines, f"tracked_{name}_rmse_{unit}")
        marks.name_x(axes, lines)
    kept, innovation = (figure.add_subplot(1, panels, place) for place in (panels - 1, panels))
    kept.set_ylabel("Tracks kept")
    marks.measured(kept, lines, "tracks_kept")
    kept.set_ylim(-0.03, 1.03)
    innovation.set_yscale("log")
    innovation.set_ylabel("Squared normalised innovation, mean")
    marks.reference(innovation, lines, "innovation_design", "--")
    marks.measured(innovation, lines, "innovation_mean")
    innovation.yaxis.set_major_formatter("{x:g}")  # it spans less than a decade
    innovation.yaxis.set_minor_formatter("{x:g}")
    for axes in (kept, innovation):
        marks.name_x(axes, lines)
    add_title(figure, *marks.one_title(parts))
    keys = marks.key_handles(lines, ["tracks_kept"])
    keys += [
        marks.line_handle("each frame by itself", ":"),
        marks.line_handle("bound of tracks; innovations of a true filter", "--"),
    ]
    add_legend(figure, marks.curve_handles(lines) + keys)
    return figure


def _detections(parts: Sequence[Part]) -> list[str]:
    """Columns of detection: one for each target where there are several."""
    known = dict.fromkeys(str(column) for part in parts for column in part.rows.columns)
    return [column for column in known if column.endswith(f"_{_DETECTED}")] or [_DETECTED]


def _probability(axes: "Axes", lines: marks.Lines, column: str) -> None:
    if column == _RESOLVED:
        axes.set_ylabel("Probability that both show")
    else:
        target = column.removesuffix(_DETECTED).removesuffix("_")
        axes.set_ylabel("Detection probability" + (f", {target}" if target else ""))
    if column == _DETECTED and lines.columns("detection_theory"):
        marks.reference(axes, lines, "detection_theory", ":")
    marks.measured(axes, lines, column)
    axes.set_ylim(-0.03, 1.03)


def _legend(figure: "Figure", lines: marks.Lines, keys: list[Any]) -> None:
    if lines.columns("detection_theory"):
        keys.append(marks.line_handle("closed form", ":"))
    add_legend(figure, marks.curve_handles(lines) + keys)


def roc(parts: Sequence[Part], view: View = USUAL) -> "Figure":
    """Probability of detection, and false alarms as counted, against the designed false-alarm rate.

    Parameters as `accuracy`.
    """
    lines = marks.lines_of(parts, view, axis=ROC_AXIS)
    panels = lines.columns(*_detections(parts), "false_alarm_rate")
    figure = new_figure(max(4.6 * len(panels), 5.5), 4.4)
    for index, panel in enumerate(panels):
        axes = figure.add_subplot(1, len(panels), index + 1)
        axes.set_xscale("log")
        if panel != "false_alarm_rate":
            _probability(axes, lines, panel)
        else:
            marks.log_rate_panel(axes, lines, panel)
            marks.reference(axes, lines, "false_alarm_design", "--")
            axes.set_ylabel("False-alarm rate, counted")
        axes.set_xlabel("False-alarm rate per cell, designed")
    add_title(figure, *marks.one_title(parts))
    keys = marks.key_handles(lines, panels)
    if "false_alarm_rate" in panels:
        keys.append(marks.line_handle("as designed", "--"))
    _legend(figure, lines, keys)
    return figure


def _frame(axes: "Axes", part: Part) -> None:
    """Half as far again as the targets, and ten cells: the map itself reaches to where range and velocity fold."""
    limits = (axes.set_xlim, "target_range_m", "range_m"), (axes.set_ylim, "target_velocity_m_s", "velocity_m_s")
    for limit, places, cells in limits:
        place, cell = part.series[places], part.series[cells]
        if place.size:
            origin = float(cell[0]) if cells == "range_m" else 0.0  # where the window opens; at rest
            reach = 1.5 * float(np.abs(place - origin).max()) + 10.0 * float(cell[1] - cell[0])
            limit(max(origin - reach, float(cell[0])), min(origin + reach, float(cell[-1])))


def range_doppler(parts: Sequence[Part]) -> "Figure":
    """Maps over range and velocity, what was declared a target, and where the targets are.

    Parameters
    ----------
    parts
        Parts with the series ``map_db`` [velocity, range].
    """
    columns = min(2, len(parts))
    rows = -(-len(parts) // columns)
    figure = new_figure(5.0 * columns + 1.5, 3.6 * rows + 0.8)
    panels = [figure.add_subplot(rows, columns, place + 1) for place in range(len(parts))]
    highest = max(float(part.series["map_db"].max()) for part in parts)
    for axes, part in zip(panels, parts, strict=True):
        x, y = part.series["range_m"], part.series["velocity_m_s"]
        drawn = axes.pcolormesh(
            x, y, part.series["map_db"], vmin=highest - _DYNAMIC_DB, vmax=highest, cmap="viridis", rasterized=True
        )
        row, column = np.nonzero(part.series["declared"])
        _frame(axes, part)
        axes.plot(x[column], y[row], ".", color="white", markersize=3.5, label="declared a target")
        axes.plot(
            part.series["target_range_m"],
            part.series["target_velocity_m_s"],
            "o",
            color="#D55E00",
            markerfacecolor="none",
            markersize=11,
            label="target",
        )
        axes.grid(False)
        axes.set_xlabel("Range (m)")
        axes.set_ylabel("Velocity, closing (m/s)")
        axes.set_title(part.label)
    figure.colorbar(drawn, ax=panels, label="Power over the noise (dB)")
    add_title(figure, *marks.one_title(parts))
    from matplotlib.lines import Line2D

    ring: dict[str, Any] = {"marker": "o", "markerfacecolor": "none", "markersize": 9, "linestyle": "none"}
    dot = Line2D([], [], color=GREY, marker=".", linestyle="none", label="declared a target")
    add_legend(figure, [Line2D([], [], color="#D55E00", label="target", **ring), dot])
    return figure
