"""Link adaptation: what each policy delivers at what error rate, and along the axis that a sweep varies."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ntn6g.study.plots.curves import one_title
from ntn6g.study.plots.style import GREY, MARKERS, PALETTE, add_legend, add_title, axis_label, new_figure, value_text
from ntn6g.study.plots.tables import Part

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

GOODPUT = "goodput_bits_per_element"
_CEILINGS = ("informed", "clairvoyant", "informed-at-target", "clairvoyant-at-target")
_GOODPUT_LABEL = "Goodput (bit per data element)"
_WORTH_PERCENT = 2.0  # the same bound as in the table: below, nothing to win


def adaptation(parts: Sequence[Part]) -> "Figure":
    """Goodput against block error rate at one point; goodput and gap over one swept axis; the gap as a map over two."""
    runs = list({id(part.rows): part for part in parts}.values())  # a sweep comes as a part for each of its points
    part = runs[0] if len(runs) == 1 else _joined(runs)
    axes = part.varying()
    if not axes:
        figure = _pareto(part)
    elif len(axes) == 2:
        figure = _map(part, axes)
    else:
        figure = _along(part, axes)
    add_title(figure, *one_title(runs))
    return figure


def _joined(runs: Sequence[Part]) -> Part:
    """Several runs as one, their policies named after what tells the runs apart."""
    import pandas as pd

    rows = [run.rows.assign(policy=[f"{name}, {run.label}" for name in run.rows["policy"]]) for run in runs]
    return replace(runs[0], rows=pd.concat(rows, ignore_index=True))


def _looks(policies: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Ceilings black and grey, policies by colour; those held at the target hollow."""
    found: dict[str, dict[str, Any]] = {}
    plain = [name for name in policies if name not in _CEILINGS and not name.endswith("-at-target")]
    for place, name in enumerate(plain):
        colour = (PALETTE[:-1] * 3)[place]
        stroke = ("-", "--", ":")[place // (len(PALETTE) - 1)]
        found[name] = {"color": colour, "marker": MARKERS[place % len(MARKERS)], "linestyle": stroke}
    for name, marker, colour in (("informed", "*", "#000000"), ("clairvoyant", "P", GREY)):
        found[name] = {"color": colour, "marker": marker, "linestyle": "--", "markersize": 7}
    for name in policies:
        if name.endswith("-at-target"):
            like = found.get(name.removesuffix("-at-target"), {"color": GREY, "marker": "o"})
            found[name] = {**like, "markerfacecolor": "white", "linestyle": ":"}
    return {name: found[name] for name in policies}


def _handles(looks: dict[str, dict[str, Any]]) -> list[Any]:
    from matplotlib.lines import Line2D

    return [Line2D([], [], label=name, **look) for name, look in looks.items()]


def _pareto(part: Part) -> "Figure":
    figure = new_figure(11.0, 5.0)
    plane, bars = figure.subplots(1, 2, width_ratios=[3, 2])
    rows = part.rows.set_index("policy")
    looks = _looks(list(rows.index))
    for name, look in looks.items():
        row = rows.loc[name]
        error = [[row[GOODPUT] - row[f"{GOODPUT}_low"]], [row[f"{GOODPUT}_high"] - row[GOODPUT]]]
        plane.errorbar(row["bler"], row[GOODPUT], yerr=error, capsize=2, **{**look, "linestyle": "none"})
    plane.set_xlabel("Block error rate")
    plane.set_ylabel(_GOODPUT_LABEL)
    _gains(bars, rows, looks)
    add_legend(figure, _handles({name: {**look, "linestyle": "none"} for name, look in looks.items()}))
    return figure


def _gains(axes: "Axes", rows: Any, looks: dict[str, dict[str, Any]]) -> None:
    """Gain over the best baseline with its paired interval, which the common chance of the passes has left."""
    names = [name for name in looks if name in rows.index][::-1]
    place = np.arange(len(names))
    gain = rows.loc[names, "gain_percent"].to_numpy(float)
    reach = [gain - rows.loc[names, "gain_percent_low"], rows.loc[names, "gain_percent_high"] - gain]
    axes.barh(place, gain, color=[looks[name]["color"] for name in names], height=0.6, alpha=0.75)
    axes.errorbar(gain, place, xerr=np.maximum(np.array(reach, float), 0.0), fmt="none", ecolor="black", capsize=2)
    axes.axvline(0.0, color="black", linewidth=0.8)
    axes.set_yticks(place, names)
    axes.set_xlabel(f"Gain over {rows['baseline'].iloc[0]}, the best baseline (%)")
    axes.grid(axis="y", visible=False)


def _along(part: Part, axes: Sequence[str]) -> "Figure":
    figure = new_figure(11.0, 4.8)
    left, right = figure.subplots(1, 2)
    over = axes[0]
    looks = _looks(list(dict.fromkeys(part.rows["policy"])))
    words, place = _places(part.rows[over])
    for name, look in looks.items():
        for _, curve in part.rows[part.rows["policy"] == name].groupby(list(axes[1:]) or (lambda _: 0)):
            x = place(curve[over])
            order = np.argsort(x)
            left.plot(x[order], curve[GOODPUT].to_numpy(float)[order], label="_", **look)
            right.plot(x[order], curve["gain_percent"].to_numpy(float)[order], label="_", **look)
    right.axhline(0.0, color="black", linewidth=0.8)
    for panel in (left, right):
        panel.set_xlabel(axis_label(over) if over.count(".") == 0 else _last(over))
        if words:
            panel.set_xticks(range(len(words)), words)
    left.set_ylabel(_GOODPUT_LABEL)
    right.set_ylabel("Gain over the best baseline (%)")
    add_legend(figure, _handles(looks))
    return figure


def _places(column: Any) -> tuple[list[str], Any]:
    """Ticks of an axis of names, none of one of numbers; and where its values lie."""
    if column.map(lambda value: isinstance(value, str)).any():
        names = list(dict.fromkeys(column))
        return names, lambda values: np.array([names.index(value) for value in values], float)
    return [], lambda values: values.to_numpy(float)


def _last(path: str) -> str:
    return axis_label(path.rpartition(".")[2])


def _map(part: Part, axes: Sequence[str]) -> "Figure":
    """What can be gained over the best baseline at all, and what the best policy gains, in percent over both axes."""
    bound = "informed"
    shown = [name for name in (bound, _best_policy(part)) if name]
    figure = new_figure(5.6 * len(shown) + 0.6, 4.8)
    panels = np.atleast_1d(figure.subplots(1, len(shown)))
    for panel, name in zip(panels, shown, strict=True):
        column = "gap_percent" if name == bound else "gain_percent"
        rows = part.rows[part.rows["policy"] == name]
        rows = rows if len(rows) else part.rows.drop_duplicates(list(axes))
        grid = rows.pivot_table(index=axes[1], columns=axes[0], values=column, sort=True)
        values = grid.to_numpy(float)
        top = max(float(np.nanmax(part.rows["gap_percent"])), _WORTH_PERCENT)
        image = panel.imshow(values, origin="lower", aspect="auto", cmap="viridis", vmin=0.0, vmax=top)
        for (row, column_), value in np.ndenumerate(values):
            dark = value < 0.6 * top
            note = f"{value:.1f}"
            panel.text(column_, row, note, ha="center", va="center", color="white" if dark else "black", fontsize=8)
        panel.set_xticks(range(len(grid.columns)), [value_text(value) for value in grid.columns])
        panel.set_yticks(range(len(grid.index)), [value_text(value) for value in grid.index])
        panel.set_xlabel(_last(axes[0]))
        panel.set_ylabel(_last(axes[1]))
        panel.grid(visible=False)
        title = "what the informed genie gains" if name == bound else f"what {name} gains"
        panel.set_title(f"{title} over the best baseline (%)")
        figure.colorbar(image, ax=panel)
    return figure


def _best_policy(part: Part) -> str:
    """The policy that is no baseline and no bound and gains most on average; '' where there is none."""
    kept = part.rows[~part.rows["verdict"].isin(["bound", "baseline"])]
    kept = kept[~kept["policy"].isin(["fixed", "illa", "illa-ephemeris", "olla", "olla-two-speed", "bayes"])]
    return str(kept.groupby("policy")["gain_percent"].mean().idxmax()) if len(kept) else ""
