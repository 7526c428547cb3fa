"""Charts of a report as plain plotly descriptions, from tidy tables alone."""

import html
import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ntn6g.study.plots.style import GREY, MARKERS, axis_label, legend_text, looks
from ntn6g.study.plots.tables import TIME_AXES, Curve, Part, curves, intervals, is_numeric, x_axis

SYMBOLS = dict(zip(MARKERS, ("circle", "square", "triangle-up", "diamond", "triangle-down", "cross", "x"), strict=True))
DASHES = {"-": "solid", "--": "dash", ":": "dot", "-.": "dashdot"}
ERROR_RATES = ("bler", "ber", "ber_uncoded")  # of these a zero is an upper limit
KNOWN = {"ber": ("ber_theory", "closed form, uncoded"), "throughput_bps": ("capacity_bps", "Shannon bound")}
"""What is known, not measured, beside a measured column."""
SHORTEST_SERIES = 2


def part_charts(part: Part) -> list[dict[str, Any]]:
    """One chart per measured column; of a part without intervals, one per number that the table tells."""
    if not len(part.rows):
        return []
    axis = x_axis(part)
    columns = intervals(part)
    if not axis or part.rows[axis].nunique() < SHORTEST_SERIES:
        return []
    if not columns:
        numbers = [c for c in part.rows.columns if c not in part.axes() and part.has(c) and is_numeric(part.rows[c])]
        columns = [c for c in numbers if part.rows[c].nunique() > 1 and c != axis]
    over = "time_s" if axis in TIME_AXES and part.has("time_s") else ""
    found, words = curves([part], axis, over)
    looked = looks([curve.told for curve in found])
    return [_chart(over or axis, column, _traces(found, looked, column, words), words) for column in columns]


def series_charts(part: Part) -> list[dict[str, Any]]:
    """One chart per recorded quantity: over time, or as a map of the Earth."""
    tracks = [part.series, *part.more_series]
    labels = [_label(series) for series in tracks]
    looked = looks([{"": label} for label in labels])
    charts = []
    for name in part.series:
        traces = []
        for label, look, series in zip(labels, looked, tracks, strict=True):
            time, y = series.get("time_s"), series.get(name)
            if name == "time_s" or time is None or y is None or y.shape != time.shape or y.dtype.kind not in "iuf":
                continue
            traces.append(_line(label, look, time, y) | {"mode": "lines", "showlegend": len(tracks) > 1})
        if traces:
            charts.append(_layout(traces, axis_label("time_s"), axis_label(name)))
    return charts + [chart for label, series in zip(labels, tracks, strict=True) for chart in _maps(label, series)]


def _label(series: Mapping[str, NDArray[Any]]) -> str:
    """What tells one point's series from those of others."""
    axes = json.loads(str(series.get("axes", "{}")))
    return ", ".join(legend_text(path, value) for path, value in axes.items())


def _maps(label: str, series: Mapping[str, NDArray[Any]]) -> list[dict[str, Any]]:
    """Quantities on a grid of latitude and longitude."""
    if "latitude_edge_deg" not in series or "longitude_edge_deg" not in series:
        return []
    south, west = series["latitude_edge_deg"], series["longitude_edge_deg"]
    charts = []
    for name, values in series.items():
        if values.shape != (len(south) - 1, len(west) - 1) or values.dtype.kind not in "iuf":
            continue
        if np.ptp(values) == 0:  # one number, which the table has
            continue
        cells = {"x": _numbers(west), "y": _numbers(south), "z": [_numbers(row) for row in values]}
        chart = _layout([{"type": "heatmap", "colorscale": "Viridis", **cells}], "Longitude (deg)", "Latitude (deg)")
        title = axis_label(name) + (f", {label}" if label else "")
        chart["layout"] |= {"title": {"text": _safe(title), "font": {"size": 14}}, "margin": {"t": 50, "b": 50}}
        charts.append(chart)
    return charts


def _traces(
    found: list[Curve], looked: list[dict[str, Any]], column: str, words: list[str]
) -> list[dict[str, Any]]:
    traces = _known(found, looked, column, words)
    for index, (curve, look) in enumerate(zip(found, looked, strict=True)):
        y, low, high = (curve.column(column + end) for end in ("", "_low", "_high"))
        limit = (y == 0) & (high > 0) & (column in ERROR_RATES)
        x = _places(curve, words)
        line = _line(curve.label or axis_label(column), look, x, np.where(limit, np.nan, y))
        line["mode"] = "markers" if words else "lines+markers"
        if np.isfinite(high).any():
            above, below = np.maximum(high - y, 0), np.maximum(y - low, 0)
            bars = {"type": "data", "array": _numbers(above), "arrayminus": _numbers(below), "thickness": 1, "width": 3}
            line["error_y"] = bars | {"symmetric": False}
        traces.append(line | {"legendgroup": str(index), "showlegend": bool(curve.label)})
        if limit.any():
            name = f"{curve.label} upper limit".strip()
            marks = _line(name, look, x, np.where(limit, high, np.nan))
            # open and of growing size: limits of several curves often lie at one place
            size = 10 + 5 * (index % 5)
            marks["marker"] = {"symbol": "triangle-down-open", "size": size, "color": marks["line"]["color"]}
            traces.append(marks | {"mode": "markers", "legendgroup": str(index), "showlegend": False})
    return traces


def _known(
    found: list[Curve], looked: list[dict[str, Any]], column: str, words: list[str]
) -> list[dict[str, Any]]:
    """Theory beside a measured column; once where all curves share it."""
    source, name = KNOWN.get(column, ("", ""))
    if not source or not any(np.isfinite(curve.column(source)).any() for curve in found):
        return []
    traces = []
    for curve, look in zip(found, looked, strict=True):
        drawn = _line(f"{name} {curve.label}".strip(), look, _places(curve, words), curve.column(source))
        drawn |= {"mode": "lines", "line": drawn["line"] | {"dash": "longdash", "width": 1}}
        traces.append(drawn)
    if all(t["x"] == traces[0]["x"] and t["y"] == traces[0]["y"] for t in traces):
        return [traces[0] | {"name": name, "line": {"color": GREY, "dash": "longdash", "width": 1}}]
    return traces


def _places(curve: Curve, words: list[str]) -> Any:
    return [_safe(words[int(i)]) for i in curve.x] if words else curve.x


def _line(name: str, look: dict[str, Any], x: Any, y: NDArray[Any]) -> dict[str, Any]:
    color = _color(look["color"])
    dash = DASHES.get(look["linestyle"], "longdashdot") if isinstance(look["linestyle"], str) else "longdashdot"
    hollow = "-open" if look.get("markerfacecolor") == "white" else ""
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": _safe(name),
        "x": x if isinstance(x, list) else _numbers(x),
        "y": _numbers(y),
        "line": {"color": color, "width": 1.6, "dash": dash},
        "marker": {"color": color, "symbol": SYMBOLS[look["marker"]] + hollow, "size": 6},
    }


def _color(color: Any) -> str:
    """Colour as CSS has it."""
    if isinstance(color, str):
        return color
    red, green, blue = (round(255 * share) for share in color[:3])
    return f"rgb({red},{green},{blue})"


def _chart(axis: str, column: str, traces: list[dict[str, Any]], words: list[str]) -> dict[str, Any]:
    chart = _layout(traces, axis_label(axis), axis_label(column))
    if column in ERROR_RATES:
        chart["layout"]["yaxis"] |= {"type": "log", "exponentformat": "power", "dtick": 1}
    if words:
        chart["layout"]["xaxis"]["type"] = "category"
    return chart


def _layout(traces: list[dict[str, Any]], x: str, y: str) -> dict[str, Any]:
    look = {"gridcolor": "#e3e6ea", "zeroline": False, "linecolor": "#555", "ticks": "outside", "automargin": True}
    layout = {
        "template": None,
        "paper_bgcolor": "white",
        "plot_bgcolor": "white",
        "font": {"family": "system-ui, sans-serif", "size": 13, "color": "#222"},
        "margin": {"l": 60, "r": 15, "t": 15, "b": 50},
        "height": 420,
        "legend": {"orientation": "h", "y": -0.22, "x": 0},
        "xaxis": {"title": {"text": _safe(x)}, **look},
        "yaxis": {"title": {"text": _safe(y)}, **look},
    }
    return {"data": traces, "layout": layout}


def _numbers(values: NDArray[Any]) -> list[float | None]:
    return [float(v) if math.isfinite(v) else None for v in np.asarray(values, np.float64)]


def _safe(text: str) -> str:
    """Text as plotly shall show it: it would take tags as formatting."""
    return html.escape(text, quote=False)
