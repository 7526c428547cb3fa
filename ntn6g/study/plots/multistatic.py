"""Figures of a multistatic study: error ellipses, errors of positions with their bounds, detections of paths."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ntn6g.study.plots.style import add_title, axis_label, legend_text, looks, new_figure
from ntn6g.study.plots.tables import Part, plain, x_axis

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_ENDINGS = {"_position_rmse_m": "Position error, RMS (m)", "_detection_probability": "Detection probability"}


def multistatic(parts: Sequence[Part]) -> "Figure":
    """Error ellipses of the first, middle and last point, position errors and detections over the swept axis.

    Parameters
    ----------
    parts
        Points of a run, each with the series ``ellipses`` where positions are made; they share their rows. Further runs
        add their curves.
    """
    runs = list({id(part.rows): part for part in reversed(parts)}.values())[::-1]  # points of a part share its rows
    maps = [part for part in parts if part.rows is parts[0].rows and "ellipses" in part.series]
    plans = [maps[i] for i in sorted({0, len(maps) // 2, len(maps) - 1})] if maps else []
    curves = {ending: _curves(runs, ending) for ending in _ENDINGS}
    panels = [ending for ending, found in curves.items() if found]
    figure = new_figure(max(4.4 * (len(plans) + len(panels)), 8.0), 4.6)
    reach = _reach(plans)
    for place, part in enumerate(plans):
        _ellipses(figure.add_subplot(1, len(plans) + len(panels), place + 1), part, reach)
    for place, ending in enumerate(panels):
        axes = figure.add_subplot(1, len(plans) + len(panels), len(plans) + place + 1)
        _panel(axes, curves[ending], ending, x_axis(parts[0]))
    add_title(figure, parts[0].title, parts[0].fixed())
    return figure


def _reach(plans: Sequence[Part]) -> float:
    sizes = np.concatenate([plan.series["ellipses"][:, 0] for plan in plans]) if plans else np.ones(1)
    return 1.15 * float(np.nanmax(sizes)) if np.isfinite(sizes).any() else 1.0


def _ellipses(axes: "Axes", part: Part, reach: float) -> None:
    turn = np.linspace(0.0, 2.0 * np.pi, 181)
    names = [str(name) for name in part.series["sets"]]
    for name, look, (major, minor, angle) in zip(
        names, looks([{"": name} for name in names]), part.series["ellipses"], strict=True
    ):
        along, across = major * np.cos(turn), minor * np.sin(turn)
        x, y = along * np.cos(angle) - across * np.sin(angle), along * np.sin(angle) + across * np.cos(angle)
        axes.plot(x, y, label=name, color=look["color"], linestyle=look["linestyle"])
    axes.plot(0.0, 0.0, "+", color="black", markersize=9)
    axes.set_xlim(-reach, reach)
    axes.set_ylim(-reach, reach)
    axes.set_aspect("equal")
    axes.set_xlabel("East of the target (m)")
    axes.set_ylabel("North of the target (m)")
    told = json.loads(str(part.series.get("axes", "{}")))
    axes.set_title("\n".join(["Bound of 95 % of fixes", *(legend_text(key, value) for key, value in told.items())]))
    axes.legend(loc="upper right")


def _curves(runs: Sequence[Part], ending: str) -> list[tuple[dict[str, str], Any, str]]:
    """What names each curve, its rows, and the name in front of its column."""
    found = []
    for part in runs:
        others = [axis for axis in part.varying() if axis != x_axis(part)]
        groups = part.rows.groupby(others, sort=False, dropna=False) if others else [((), part.rows)]
        names = [c.removesuffix(ending) for c in part.rows.columns if c.endswith(ending) and part.has(c)]
        for name in names:
            for values, rows in groups:
                told = {"": name} if len(names) > 1 or not (others or len(runs) > 1) else {}
                told |= {axis: legend_text(axis, plain(value)) for axis, value in zip(others, values, strict=True)}
                found.append((told | (_told_apart(part) if len(runs) > 1 else {}), rows, name))
    return found


def _told_apart(part: Part) -> dict[str, str]:
    """What tells a run from the others, without what tells its own points apart."""
    told = {key: words for key, words in part.told.items() if key not in part.axes()}
    return told or {"run": part.run}


def _panel(axes: "Axes", curves: Sequence[tuple[dict[str, str], Any, str]], ending: str, axis: str) -> None:
    bound = ending.replace("rmse", "crlb")
    for (told, rows, name), look in zip(curves, looks([told for told, _, _ in curves]), strict=True):
        x = rows[axis].to_numpy(float)
        y, low, high = (rows[f"{name}{ending}{end}"].to_numpy(float) for end in ("", "_low", "_high"))
        bars = np.maximum([y - low, high - y], 0.0)
        axes.errorbar(x, y, yerr=bars, label=", ".join(told.values()), **look)
        if bound != ending and f"{name}{bound}" in rows:
            axes.plot(x, rows[f"{name}{bound}"].to_numpy(float), "--", color=look["color"], label="_bound")
    if bound == ending:
        axes.set_ylim(-0.03, 1.03)
        axes.set_ylabel(_ENDINGS[ending])
    else:
        low, high = (limit for limit in axes.dataLim.intervaly)
        if high > 10.0 * low > 0.0:
            axes.set_yscale("log")
        else:
            axes.set_ylim(bottom=0.0)
        axes.set_ylabel(f"{_ENDINGS[ending]}; dashed: bound")
    axes.set_xlabel(axis_label(axis))
    axes.legend()
