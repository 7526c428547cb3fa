"""Handover: who serves when, where cells change, what is served and what is lost; or all of it along a sweep."""

from collections.abc import Sequence
from textwrap import fill
from typing import TYPE_CHECKING, Any

import numpy as np

from ntn6g.study.plots.curves import one_title
from ntn6g.study.plots.style import GREY, MARKERS, PALETTE, add_legend, add_title, axis_label, new_figure, value_text
from ntn6g.study.plots.tables import Part

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_BOUNDS = ("best-sinr", "oracle")
_ON_TIMELINE = 4  # policies whose course is drawn
_LEAST_DB = -20.0  # of a timeline: a cell that is silent lies far below
_MOST_TICKS = 6  # at the values of an axis themselves
_BESIDE = 0.06  # between points of two policies over the same word
_RATE, _LOST = "throughput_bps", "link_failures_per_min"
_PANELS = (
    (_RATE, 1e-6, "Served throughput (Mbit/s)"),
    ("handovers_per_min", 1.0, "Handovers per terminal and minute"),
    (_LOST, 1.0, "Link failures per terminal and minute"),
    ("outage_percent", 1.0, "Time without service (%)"),
)


def handover(parts: Sequence[Part]) -> "Figure":
    """Courses, map, distributions and rates at one point; curves over one swept axis; maps over two."""
    runs = list({id(part.rows): part for part in parts}.values())
    part = runs[0]
    axes = part.varying()
    if len(runs) > 1:
        figure = _beside(runs)
    elif not axes:
        figure = _point(part)
    elif len(axes) == 1:
        figure = _along(part, axes[0])
    else:
        figure = _maps(part, axes)
    add_title(figure, *one_title(runs))
    return figure


def _looks(policies: Sequence[str]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    plain = [name for name in policies if name not in _BOUNDS]
    for place, name in enumerate(plain):
        colour = (PALETTE[:-1] * 3)[place]
        stroke = ("-", "--", ":")[min(place // (len(PALETTE) - 1), 2)]
        found[name] = {"color": colour, "marker": MARKERS[place % len(MARKERS)], "linestyle": stroke}
    found["oracle"] = {"color": "#000000", "marker": "*", "linestyle": "--"}
    found["best-sinr"] = {"color": GREY, "marker": "P", "linestyle": "--"}
    return {name: found[name] for name in policies}


def _handles(looks: dict[str, dict[str, Any]]) -> list[Any]:
    from matplotlib.lines import Line2D

    return [Line2D([], [], label=name, **look) for name, look in looks.items()]


def _point(part: Part) -> "Figure":
    if "handover_time_s" not in part.series or not len(part.series["policy"]):
        return _beside([part])
    figure = new_figure(12.0, 10.5)
    grid = figure.add_gridspec(4, 3, height_ratios=[1.1, 1.0, 1.0, 2.4])
    series = part.series
    looks = _looks(list(part.rows["policy"]))
    shown = [name for name in looks if f"{name}.cell" in series]
    serving, ratio, rate = (figure.add_subplot(grid[row, :]) for row in range(3))
    learned = set(part.rows["policy"][part.rows["kind"] == "learned"])
    on_timeline = sorted(shown, key=lambda name: name not in learned)[:_ON_TIMELINE]
    _courses(serving, series, on_timeline)
    time_s = series["handover_time_s"]
    for name in on_timeline:
        look = {"color": looks[name]["color"], "linewidth": 1.0}
        served = np.maximum(series[f"{name}.cell"], series.get(f"{name}.second_cell", -1)) >= 0
        ratio.plot(time_s, np.where(served, series[f"{name}.sinr_db"], np.nan), **look)
        second = max(1, round(1.0 / max(time_s[1] - time_s[0], 1e-9))) if len(time_s) > 1 else 1
        whole = len(time_s) // second * second
        mean = series[f"{name}.rate_bps"][:whole].reshape(-1, second).mean(1)
        rate.step(time_s[:whole:second], 1e-6 * mean, where="post", **look)
    ratio.set_ylabel("SINR (dB)")
    ratio.set_ylim(bottom=max(ratio.get_ylim()[0], _LEAST_DB))
    rate.set_ylabel("Throughput\n(Mbit/s)")
    rate.set_xlabel("Time (s)")
    for panel in (serving, ratio, rate):
        panel.set_xlim(time_s[0], time_s[-1])
    _map(figure.add_subplot(grid[3, 0]), series, shown, looks)
    _distribution(figure.add_subplot(grid[3, 1]), part, shown, looks)
    _bars(figure.add_subplot(grid[3, 2]), part, looks)
    add_legend(figure, _handles(looks))
    return figure


def _courses(axes: "Axes", series: Any, shown: Sequence[str]) -> None:
    """Which layer serves the first terminal under each policy; a stroke at every change of cell, its number inside.

    Two connections at once lie one below the other.
    """
    from matplotlib.patches import Patch

    time_s, layers = series["handover_time_s"], [str(name) for name in series["layer"]]
    colours = dict(zip(layers, ("#8fb8de", "#f2c38f", "#b6d7a8", "#d5a6bd", "#cccccc"), strict=False))
    bars: list[tuple[float, float, str]] = [
        (row, 0.8, f"{name}.") for row, name in enumerate(shown) if f"{name}.second_cell" not in series
    ]
    for row, name in enumerate(shown):
        if f"{name}.second_cell" in series:
            bars += [(row - 0.2, 0.4, f"{name}."), (row + 0.2, 0.4, f"{name}.second_")]
    for middle, height, name in bars:
        cell, layer = series[f"{name}cell"], series[f"{name}layer"]
        edges = np.flatnonzero(np.diff(cell)) + 1
        starts, ends = np.concatenate([[0], edges]), np.concatenate([edges, [len(cell)]])
        for start, end in zip(starts, ends, strict=True):
            if cell[start] < 0:
                continue
            left, right = time_s[start], time_s[min(end, len(time_s) - 1)]
            axes.barh(
                middle, right - left, left=left, height=height, color=colours.get(str(layer[start]), GREY),
                edgecolor="black", linewidth=0.4,
            )  # fmt: skip
            if right - left > 0.035 * (time_s[-1] - time_s[0]):
                axes.text(0.5 * (left + right), middle, str(cell[start]), ha="center", va="center", fontsize=7)
    axes.set_yticks(range(len(shown)), shown)
    axes.invert_yaxis()
    axes.grid(visible=False)
    axes.set_title("Serving cell of the first terminal, by layer; white: none", fontsize=9)
    axes.legend(
        handles=[Patch(color=colours.get(name, GREY), label=name) for name in layers],
        loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=8,
    )  # fmt: skip


def _map(axes: "Axes", series: Any, shown: Sequence[str], looks: dict[str, dict[str, Any]]) -> None:
    seen = False
    for name in shown:
        place = series[f"{name}.handover_deg"]
        axes.plot(*place.T, linestyle="none", marker=".", markersize=3, color=looks[name]["color"], alpha=0.5)
        lost = series[f"{name}.failure_deg"]
        axes.plot(*lost.T, linestyle="none", marker="x", markersize=5, color=looks[name]["color"])
        seen = seen or bool(len(place) or len(lost))
    if not seen:
        axes.text(0.5, 0.5, "no handover", ha="center", va="center", transform=axes.transAxes)
    axes.ticklabel_format(useOffset=False)
    axes.tick_params(axis="x", labelrotation=30)
    axes.set_xlabel("Longitude (deg)")
    axes.set_ylabel("Geocentric latitude (deg)")
    axes.set_title("Changes of cell (dots) and failures (crosses)", fontsize=9)


def _distribution(axes: "Axes", part: Part, shown: Sequence[str], looks: dict[str, dict[str, Any]]) -> None:
    for name in shown:
        look = {"color": looks[name]["color"], "linestyle": looks[name]["linestyle"]}
        axes.plot(1e-6 * part.series[f"{name}.throughput_bps"], part.series["quantile"], **look)
    axes.set_xlabel("Throughput of a second (Mbit/s)")
    axes.set_ylabel("Share of seconds below")
    axes.set_ylim(0.0, 1.0)


def _bars(axes: "Axes", part: Part, looks: dict[str, dict[str, Any]]) -> None:
    """Served throughput with its interval, and beside it what went wrong."""
    names = list(looks)[::-1]
    rows = part.rows.set_index("policy").loc[names]
    place = np.arange(len(names))
    mean = 1e-6 * rows[_RATE].to_numpy(float)
    reach = [mean - 1e-6 * rows[f"{_RATE}_low"].to_numpy(float), 1e-6 * rows[f"{_RATE}_high"].to_numpy(float) - mean]
    axes.barh(place, mean, color=[looks[name]["color"] for name in names], alpha=0.75, height=0.6)
    axes.errorbar(mean, place, xerr=np.maximum(reach, 0.0), fmt="none", ecolor="black", capsize=2)
    for at, name in zip(place, names, strict=True):
        row = rows.loc[name]
        words = f"{row['handovers_per_min']:.3g} HO"
        words += "" if name in _BOUNDS else f", {row[_LOST]:.2g} RLF"
        axes.text(0.02 * mean.max(), float(at), words, va="center", fontsize=7)
    axes.set_yticks(place, names)
    axes.set_xlabel("Served throughput (Mbit/s)")
    axes.set_title("\n".join(["Handovers and link failures per minute", *_verdicts(part)]), fontsize=9)
    axes.grid(axis="y", visible=False)


def _verdicts(part: Part) -> list[str]:
    """What may be said of every trained agent, a line each."""
    rows = part.rows[part.rows["kind"] == "learned"]
    return [
        f"{row.policy}: {row.verdict}, {row.gain_percent:+.2f} % over {row.best_rule} "
        f"({row.gain_percent_low:.2f} to {row.gain_percent_high:.2f})"
        for row in rows.itertuples()
    ]


def _along(part: Part, over: str) -> "Figure":
    figure = new_figure(11.0, 7.5)
    looks = _looks(list(dict.fromkeys(part.rows["policy"])))
    column = part.rows[over]
    words = list(dict.fromkeys(column)) if column.map(lambda value: isinstance(value, str)).any() else []
    for (name, scale, label), axes in zip(_PANELS, figure.subplots(2, 2).flat, strict=True):
        for place, (policy, usual) in enumerate(looks.items()):
            rows = part.rows[part.rows["policy"] == policy]
            look = usual | {"linestyle": "none"} if words else usual  # words have no order: points side by side
            if name == _LOST and policy in _BOUNDS:
                continue
            beside = _BESIDE * (place - 0.5 * (len(looks) - 1))
            x = np.array([words.index(v) + beside for v in rows[over]]) if words else rows[over].to_numpy(float)
            order = np.argsort(x)
            y, low, high = (scale * rows[key].to_numpy(float)[order] for key in (name, f"{name}_low", f"{name}_high"))
            error = np.maximum(np.nan_to_num(np.array([y - low, high - y])), 0.0)
            axes.errorbar(x[order], y, yerr=error, capsize=2, **look)
        axes.set_xlabel(_last(over))
        axes.set_ylabel(label)
        if words:
            axes.set_xticks(range(len(words)), words)
            axes.set_xlim(-0.5, len(words) - 0.5)
        elif _countable(column):
            values = sorted({int(value) for value in column})
            axes.set_xticks(values, [str(value) for value in values])
    add_legend(figure, _handles(looks))
    return figure


def _countable(column: Any) -> bool:
    """Whether an axis takes a few whole numbers, between which there is nothing."""
    return bool((column % 1 == 0).all()) and column.nunique() <= _MOST_TICKS


def _last(path: str) -> str:
    named = axis_label(path)
    return axis_label(path.rpartition(".")[2]) if named == path else named


def _beside(runs: Sequence[Part]) -> "Figure":
    """Rows of several runs, or of one without series, as bars."""
    figure = new_figure(11.0, 1.5 + 0.28 * sum(len(run.rows) for run in runs) + 2.0)
    names = []
    for run in runs:
        swept, words = run.varying(), [run.told[key] for key in ("run", "part") if key in run.told]
        for _, row in run.rows.iterrows():
            names.append(", ".join([row["policy"], *(value_text(row[axis]) for axis in swept), *words]))
    for (name, scale, label), axes in zip(_PANELS, figure.subplots(1, 4, sharey=True).flat, strict=True):
        values = np.concatenate([scale * run.rows[name].to_numpy(float) for run in runs])
        axes.barh(np.arange(len(names)), values, color=PALETTE[0], alpha=0.75, height=0.6)
        axes.set_yticks(range(len(names)), names)
        axes.set_ylim(len(names) - 0.5, -0.5)
        axes.set_xlabel(fill(label, 20))
    return figure


def _maps(part: Part, axes: Sequence[str]) -> "Figure":
    """Served throughput and link failures of the first policy over two axes; of a third axis its first value."""
    policy = next((name for name in part.rows["policy"] if name not in _BOUNDS), part.rows["policy"].iloc[0])
    rows = part.rows[part.rows["policy"] == policy]
    third = axes[2:3]
    values = list(dict.fromkeys(rows[third[0]])) if third else [None]
    figure = new_figure(4.2 * len(values) + 1.5, 7.5)
    panels = figure.subplots(2, len(values), squeeze=False)
    for (name, scale, label), line in zip((_PANELS[0], _PANELS[2]), panels, strict=True):
        whole = scale * rows[name].to_numpy(float)
        for value, panel in zip(values, line, strict=True):
            chosen = rows if value is None else rows[rows[third[0]] == value]
            grid = chosen.pivot_table(index=axes[1], columns=axes[0], values=name, sort=True)
            shown = scale * grid.to_numpy(float)
            low, high = float(np.nanmin(whole)), float(np.nanmax(whole))
            high = high if high > low else low + max(1.0, abs(low))  # one colour needs a scale too
            image = panel.imshow(shown, origin="lower", aspect="auto", cmap="viridis", vmin=low, vmax=high)
            for (y, x), number in np.ndenumerate(shown):
                dark = number < low + 0.6 * (high - low)
                panel.text(
                    x, y, f"{number:.3g}", ha="center", va="center", color="white" if dark else "black", fontsize=8
                )
            panel.set_xticks(range(len(grid.columns)), [value_text(each) for each in grid.columns])
            panel.set_yticks(range(len(grid.index)), [value_text(each) for each in grid.index])
            panel.set_xlabel(_last(axes[0]))
            panel.set_ylabel(_last(axes[1]))
            panel.grid(visible=False)
            if value is not None:
                panel.set_title(f"{_last(third[0])}: {value_text(value)}", fontsize=9)
        figure.colorbar(image, ax=list(line), label=f"{label}, {policy}")
    return figure
