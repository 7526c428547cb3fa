"""The marks inside a panel: measured rates with intervals, upper limits, theory, and the key to them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ntn6g.study.plots.style import GREY, axis_label, looks
from ntn6g.study.plots.tables import Curve, Part, View, axis_of, curves, x_axis

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LIMIT_ARROW = 0.45  # length of the arrow of an upper limit, as a share of the limit
CAPACITY_DASHES = (0, (6, 2))
MOST_WORDS = 8  # on an x axis
DENSE = 40  # points per curve beyond which markers shrink
BAR: dict[str, Any] = {"elinewidth": 0.9, "capsize": 2.0, "capthick": 0.9}
BAND: dict[str, Any] = {"alpha": 0.2, "linewidth": 0.0, "zorder": 1.8}
LIMIT: dict[str, Any] = {
    "linestyle": "none",
    "marker": "_",
    "markersize": 5,
    "markeredgewidth": 1.4,
    "capsize": 2.0,
    "elinewidth": 1.0,
}
SCALES = ((1e9, "Gbit/s"), (1e6, "Mbit/s"), (1e3, "kbit/s"), (1.0, "bit/s"))


@dataclass(frozen=True)
class Lines:
    """Curves of one figure with their colours and markers, and the words of x where it is no number."""

    curves: Sequence[Curve]
    looks: Sequence[dict[str, Any]]
    x_label: str
    words: Sequence[str] = ()
    bands: bool = False

    def columns(self, *names: str) -> list[str]:
        """Those of the named columns that hold a number on at least one curve."""
        return [n for n in names if any(np.isfinite(c.column(n)).any() for c in self.curves)]


def lines_of(parts: Sequence[Part], view: View, *, axis: str = "", over: str = "") -> Lines:
    """Cut parts into curves and give each its look; ``axis`` and ``over`` as in `tables.curves`."""
    axis = axis or (axis_of(parts, view.x) if view.x else x_axis(parts[0]))
    over = over or view.x
    found, words = curves(parts, axis, over)
    label = over if over and all(part.has(over) for part in parts) else axis
    return Lines(found, looks([c.told for c in found], view.hue), axis_label(label), words, view.bands)


def measured(axes: "Axes", lines: Lines, column: str, scale: float = 1.0, **changes: Any) -> None:
    """Every measured curve with its 95 % interval; on a logarithmic axis a point without error is a limit."""
    logarithmic = axes.get_yscale() == "log"
    for curve, look in zip(lines.curves, lines.looks, strict=True):
        y, low, high = (curve.column(column + suffix) / scale for suffix in ("", "_low", "_high"))
        style = look | changes | ({"markersize": 2.5} if curve.x.size > DENSE else {})
        if lines.words:
            style["linestyle"] = "none"
        # A gap, not a line across: nothing is known between the points on either side of a limit.
        shown = np.where((y <= 0) & logarithmic, np.nan, y)
        bars = np.maximum(np.stack([y - low, high - y]), 0.0)
        if lines.bands and not lines.words:
            banded = _beside_another(shown)
            ends = np.where(banded, low, np.nan), np.where(banded, high, np.nan)
            axes.fill_between(curve.x, *ends, color=look["color"], label=f"_{column} band", **BAND)
            bars = np.where(banded, np.nan, bars)
        axes.errorbar(curve.x, shown, yerr=bars, label=f"_{column}", **_visible(curve.x, style), **BAR)
    if logarithmic:
        upper_limits(axes, lines, column)


def _beside_another(y: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Points with a neighbour on their curve: a band needs two."""
    known = np.isfinite(y)
    beside = np.zeros_like(known)
    beside[1:] |= known[:-1]
    beside[:-1] |= known[1:]
    return known & beside


def upper_limits(axes: "Axes", lines: Lines, column: str) -> None:
    """Points without error: a bar at the upper limit with an arrow downwards.

    Limits of several curves at one x often coincide (all ran to the same cap), so they stand side by side, a
    few points of print apart; their data coordinates stay true.
    """
    from matplotlib.transforms import ScaledTranslation

    unseen = [(curve.column(column) == 0) & (curve.column(column + "_high") > 0) for curve in lines.curves]
    at_x = [set(curve.x[mask]) for curve, mask in zip(lines.curves, unseen, strict=True)]
    for index, (curve, look, mask) in enumerate(zip(lines.curves, lines.looks, unseen, strict=True)):
        before = np.array([sum(x in other for other in at_x[:index]) for x in curve.x])
        after = np.array([sum(x in other for other in at_x[index + 1 :]) for x in curve.x])
        spacing_pt = np.minimum(4.0, 10.0 / np.maximum(before + after, 1))
        aside_pt = 0.5 * (before - after) * spacing_pt
        for shift_pt in np.unique(aside_pt[mask]):
            aside = ScaledTranslation(shift_pt / 72, 0.0, axes.figure.dpi_scale_trans)
            here = mask & (aside_pt == shift_pt)
            high = curve.column(column + "_high")[here]
            axes.errorbar(
                curve.x[here],
                high,
                yerr=LIMIT_ARROW * high,
                uplims=True,
                color=look["color"],
                transform=axes.transData + aside,
                label="_upper limit",
                **LIMIT,
            )


def _visible(x: NDArray[np.float64], style: dict[str, Any]) -> dict[str, Any]:
    """The style itself, or a dash for each point where there would be neither line nor marker."""
    invisible = (x.size == 1 or style["linestyle"] == "none") and not style.get("marker")
    return style | {"marker": "_", "markersize": 14} if invisible else style


def reference(
    axes: "Axes",
    lines: Lines,
    column: str,
    style: Any,
    *,
    scale: float = 1.0,
    shared_color: str = GREY,
    linewidth: float = 1.1,
) -> None:
    """Draw what is known, not measured, behind the other curves; once where all of them share it."""
    known = [(c.x, c.column(column) / scale) for c in lines.curves]
    shared = all(np.array_equal(x, known[0][0]) and _same(y, known[0][1]) for x, y in known)
    for (x, y), look in zip(known[:1] if shared else known, lines.looks, strict=False):
        color = shared_color if shared else look["color"]
        drawn = _visible(x, {"linestyle": style, "color": color, "linewidth": linewidth})
        axes.plot(x, y, zorder=1.5, label=f"_{column}", **drawn)


def _same(a: NDArray[np.float64], b: NDArray[np.float64]) -> bool:
    return np.allclose(a, b, rtol=1e-6, atol=0.0, equal_nan=True)


def log_rate_panel(axes: "Axes", lines: Lines, column: str) -> None:
    """Measured error rate of every curve on a logarithmic axis of whole decades."""
    axes.set_yscale("log")
    axes.set_ylabel(axis_label(column))
    measured(axes, lines, column)
    fit_decades(axes, lines, [column])


def fit_decades(axes: "Axes", lines: Lines, columns: Sequence[str]) -> None:
    """Set the logarithmic range from points, limits and the upper ends of bars; the lower ends may leave it.

    They reach towards zero where few errors were seen; half a decade below the point is always shown.
    """
    points = []
    for curve in lines.curves:
        for column in columns:
            y, low, high = (curve.column(column + end) for end in ("", "_low", "_high"))
            ends = np.fmax(low, y / 3.2)
            points += [y[y > 0], ends[(y > 0) & (ends > 0)], high[(y > 0) & (high > 0)]]
            points.append((1 - LIMIT_ARROW) * high[(y == 0) & (high > 0)])
    values = np.concatenate(points) if points else np.empty(0)
    if values.size:
        bottom = 10.0 ** np.floor(np.log10(0.9 * values.min()))
        top = 10.0 ** np.ceil(np.log10(values.max() / 1.2))  # 1.5 times a decade is shown
        axes.set_ylim(bottom, max(top, 10 * bottom) * 1.5)
    axes.yaxis.set_minor_formatter("")


def throughput_panel(axes: "Axes", lines: Lines) -> None:
    """Measured throughput of every curve from zero up, with the Shannon bound where the table has one."""
    measured_bps = np.concatenate([c.column("throughput_bps") for c in lines.curves])
    peak_bps = np.nanmax(np.append(measured_bps, 0.0))
    scale, unit = next((s for s in SCALES if peak_bps >= s[0]), SCALES[-1])
    axes.set_ylabel(f"Throughput ({unit})")
    if lines.columns("capacity_bps"):
        reference(axes, lines, "capacity_bps", CAPACITY_DASHES, scale=scale)
    measured(axes, lines, "throughput_bps", scale)
    if peak_bps > 0:
        # The bound may lie far above: it is shown as far as it helps to judge the curves.
        bound_bps = np.concatenate([c.column("capacity_bps") for c in lines.curves])
        most_bps = max(3.0 * peak_bps, 1.2 * np.nanmin(np.append(bound_bps, np.inf)))
        axes.set_ylim(-0.02 * peak_bps / scale, min(axes.get_ylim()[1], most_bps / scale))


def name_x(axes: "Axes", lines: Lines) -> None:
    """Label x and span all points, seen or not; where x is no number, write its values at their places."""
    axes.set_xlabel(lines.x_label)
    x = np.concatenate([c.x for c in lines.curves])
    margin = 0.04 * (np.nanmax(x) - np.nanmin(x)) or 0.5
    if lines.words:
        every = -(-len(lines.words) // MOST_WORDS)
        axes.set_xticks(range(0, len(lines.words), every), lines.words[::every])
        margin = 0.5
    axes.set_xlim(np.nanmin(x) - margin, np.nanmax(x) + margin)


def curve_handles(lines: Lines, **changes: Any) -> list[Any]:
    """Legend entries of the curves; none where the only curve has no name."""
    from matplotlib.lines import Line2D

    pairs = zip(lines.curves, lines.looks, strict=True)
    return [Line2D([], [], label=curve.label, **(look | changes)) for curve, look in pairs if curve.label]


def line_handle(label: str, style: Any) -> Any:
    """Legend entry of a grey line."""
    from matplotlib.lines import Line2D

    return Line2D([], [], color=GREY, linestyle=style, linewidth=1.1, label=label)


def key_handles(lines: Lines, rates: Sequence[str], *, theory: str = "", capacity: bool = False) -> list[Any]:
    """Legend entries of what all curves share: intervals, limits, theory."""
    from matplotlib.lines import Line2D

    handles: list[Any] = []
    if "ber_uncoded" in rates:
        handles.append(line_handle("before decoding", "--"))
    if theory:
        handles.append(line_handle(theory, ":"))
    if capacity:
        handles.append(line_handle("Shannon bound", CAPACITY_DASHES))
    if lines.columns(*(r + "_low" for r in rates)):
        handles.append(_band_handle() if lines.bands and not lines.words else _bar_handle())
    errors = [r for r in rates if r in ("bler", "ber", "ber_uncoded")]  # a throughput of 0 is no upper limit
    if any(((c.column(r) == 0) & (c.column(r + "_high") > 0)).any() for c in lines.curves for r in errors):
        arrow = Line2D([], [], color=GREY, marker=r"$\downarrow$", linestyle="none", markersize=8)
        arrow.set_label("95 % upper limit (no error)")
        handles.append(arrow)
    return handles


def _bar_handle() -> Any:
    from matplotlib.collections import LineCollection
    from matplotlib.container import ErrorbarContainer
    from matplotlib.lines import Line2D

    stem = Line2D([], [], color=GREY, marker="o", linestyle="none")
    return ErrorbarContainer((stem, (), (LineCollection([], colors=GREY),)), has_yerr=True, label="95 % interval")


def _band_handle() -> Any:
    from matplotlib.patches import Patch

    return Patch(facecolor=GREY, alpha=0.3, label="95 % interval")


def one_title(parts: Sequence[Part]) -> tuple[str, str]:
    """Title and detail of a figure of one part; none where several runs share it (the legend names them)."""
    return (parts[0].title, parts[0].fixed()) if len(parts) == 1 else ("", "")
