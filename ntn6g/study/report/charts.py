"""Charts of a report as plain plotly descriptions, from tidy tables alone."""

import html
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ntn6g.study.plots.style import PALETTE, axis_label
from ntn6g.study.plots.tables import Curve, Part, curves, intervals, is_numeric, x_axis

SYMBOLS = ("circle", "square", "diamond", "triangle-up", "x", "star", "cross")
ERROR_RATES = ("bler", "ber", "ber_uncoded")  # of these a zero is an upper limit
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
        told = [c for c in part.rows.columns if c not in part.axes() and part.has(c) and is_numeric(part.rows[c])]
        columns = [c for c in told if part.rows[c].nunique() > 1 and c != axis]
    found, words = curves([part], axis)
    return [_chart(axis, column, _traces(found, column, words), words) for column in columns]


def series_charts(part: Part) -> list[dict[str, Any]]:
    """One chart per recorded quantity over time; nothing where no time was recorded."""
    charts = []
    every = [part.series, *part.more_series]
    for name in part.series:
        traces = []
        for index, series in enumerate(every):
            time, y = series.get("time_s"), series.get(name)
            if name == "time_s" or time is None or y is None or y.shape != time.shape or y.dtype.kind not in "iuf":
                continue
            label = f"series {index}"
            traces.append(_line(label, index, time, y) | {"mode": "lines", "showlegend": len(every) > 1})
        if traces:
            charts.append(_layout(traces, axis_label("time_s"), axis_label(name)))
    return charts


def _traces(found: list[Curve], column: str, words: list[str]) -> list[dict[str, Any]]:
    traces = []
    for index, curve in enumerate(found):
        y, low, high = (curve.column(column + end) for end in ("", "_low", "_high"))
        limit = (y == 0) & (high > 0) & (column in ERROR_RATES)
        x: Any = [_safe(words[int(i)]) for i in curve.x] if words else curve.x
        line = _line(curve.label or axis_label(column), index, x, np.where(limit, np.nan, y))
        if np.isfinite(high).any():
            above, below = np.maximum(high - y, 0), np.maximum(y - low, 0)
            bars = {"type": "data", "array": _numbers(above), "arrayminus": _numbers(below), "thickness": 1, "width": 3}
            line["error_y"] = bars | {"symmetric": False}
        traces.append(line | {"legendgroup": str(index), "showlegend": bool(curve.label)})
        if limit.any():
            name = f"{curve.label} upper limit".strip()
            marks = _line(name, index, x, np.where(limit, high, np.nan))
            marks["marker"] = {"symbol": "arrow-down", "size": 11, "color": marks["line"]["color"]}
            traces.append(marks | {"mode": "markers", "legendgroup": str(index), "showlegend": False})
    return traces


def _line(name: str, index: int, x: Any, y: NDArray[Any]) -> dict[str, Any]:
    color = PALETTE[index % len(PALETTE)]
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": _safe(name),
        "x": x if isinstance(x, list) else _numbers(x),
        "y": _numbers(y),
        "line": {"color": color, "width": 1.6},
        "marker": {"color": color, "symbol": SYMBOLS[index % len(SYMBOLS)], "size": 6},
    }


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
