"""The geometry of a pass over time: elevation, range, delay, Doppler and Doppler rate, stacked."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ntn6g.study.plots.style import GREY, STROKES, add_legend, add_title, axis_label, looks, new_figure
from ntn6g.study.plots.tables import Part

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PANELS = (
    "elevation_deg",
    "range_km",
    "delay_ms",
    "doppler_khz",
    "doppler_rate_khz_s",
    "satellite_gain_dbi",
    "terminal_gain_dbi",
    "feeder_elevation_deg",
    "end_to_end_delay_ms",
    "end_to_end_doppler_khz",
    "rain_loss_db",
    "service_snr_db",
    "snr_db",
    "timing_error_us",
    "doppler_error_hz",
)

_STEADY_DB = 1e-6


def pass_geometry(parts: Sequence[Part]) -> "Figure":
    """Time series of passes, aligned at culmination; series that a run does not hold are left out.

    Parameters
    ----------
    parts
        Parts with a ``time_s`` series (from culmination); several are drawn over one another.
    """
    from matplotlib.lines import Line2D

    panels = [p for p in PANELS if any(p in part.series and _moves(p, part) for part in parts)]
    figure = new_figure(7.2, 1.2 + 1.45 * len(panels))
    stack = figure.subplots(len(panels), 1, sharex=True, squeeze=False)[:, 0]
    colours = [look["color"] for look in looks([{"": p.label} for p in parts])]
    strokes = [STROKES[place % len(STROKES)]["linestyle"] for place in range(len(parts))]
    for axes, panel in zip(stack, panels, strict=True):
        axes.axvline(0.0, color=GREY, linestyle="--", linewidth=0.9, label="_culmination")
        for part, color, stroke in zip(parts, colours, strokes, strict=True):
            if panel in part.series:
                drawn = part.series["time_s"], part.series[panel]
                axes.plot(*drawn, color=color, linestyle=stroke, label=f"_{panel}")
        axes.set_ylabel(axis_label(panel).replace(" (", "\n("))
        axes.margins(x=0.01)
    stack[0].annotate(
        "culmination",
        (0.0, 0.0),
        xycoords=("data", "axes fraction"),
        xytext=(4, 4),
        textcoords="offset points",
        color=GREY,
        fontsize=8.5,
    )
    stack[-1].set_xlabel(axis_label("time_s"))
    figure.align_ylabels(stack)
    if len(parts) == 1:
        add_title(figure, *_title(parts[0]))
    else:
        looked = zip(parts, colours, strokes, strict=True)
        add_legend(figure, [Line2D([], [], color=c, linestyle=s, label=p.label) for p, c, s in looked])
    return figure


def _moves(panel: str, part: Part) -> bool:
    """Whether a series is worth a panel: a gain that stays is not."""
    return not panel.endswith("_gain_dbi") or float(np.ptp(part.series[panel])) > _STEADY_DB


def _title(part: Part) -> tuple[str, str]:
    """Satellite over terminal; when it culminates, and how high."""
    platform, terminal, culmination = (
        str(part.series.get(name, "")) for name in ("platform", "terminal", "culmination_utc")
    )
    title = f"{platform} over {terminal}" if platform and terminal else part.title
    when = culmination.replace("T", " ").partition("+")[0].partition(".")[0].removesuffix("Z")
    detail = f"culmination {when} UTC" if when else ""
    if detail and "elevation_deg" in part.series:
        detail += f" at {np.max(part.series['elevation_deg']):.1f} deg"
    return title, detail
