"""Figure of a channel study: losses, power delay profile, Doppler spectrum, distributions of drawn links."""

from collections.abc import Sequence
from textwrap import wrap
from typing import TYPE_CHECKING, Any

import numpy as np

from ntn6g.study.plots.style import GREY, PALETTE, add_legend, add_title, looks, new_figure
from ntn6g.study.plots.tables import Part

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_DASHES = ("-", "--", ":", "-.")
GAINS = ("satellite_gain_dbi", "terminal_gain_dbi")
_GAIN_LABELS = ("Gain towards the other end (dBi)", "Angle off boresight (deg)")
_FLOOR_DB = -40.0  # of the spectrum's axis
_SMALLEST_DB = 1e-2  # of the loss axes
_NOTE_CHARACTERS = 76  # of small print over a panel
_TERMS = (  # in the order of their colours
    "free_space", "gas", "rain", "cloud", "scintillation", "clutter", "faraday", "trees", "building", "shadow",
)  # fmt: skip


def channel_survey(parts: Sequence[Part]) -> "Figure":
    """Six panels, eight where there are antennas.

    One point shows every loss term and all environments; several show their totals and their own.

    Parameters
    ----------
    parts
        Parts with the series of a channel study.
    """
    gains = [name for name in GAINS if any(name in part.series for part in parts)]
    rows = 3 + bool(gains)
    figure = new_figure(9.6, 3.0 * rows)
    panels = figure.subplots(rows, 2)
    alone = len(parts) == 1
    colours = [look["color"] for look in looks([{"": part.label or part.run} for part in parts])]
    for part, colour in zip(parts, colours, strict=True):
        _losses(panels[0, 0], part, "elevation", None if alone else colour)
        _losses(panels[0, 1], part, "frequency", None if alone else colour)
        _profile(panels[1, 0], part, colour)
        _spectrum(panels[1, 1], part, colour)
        _distribution(panels[2, 0], part, "coupling_loss_db", None if alone else colour)
        _distribution(panels[2, 1], part, "delay_spread_ns", None if alone else colour)
    _name(panels)
    if gains:
        _gains(panels[3], parts, colours, alone)
    if alone:
        add_legend(figure, _loss_handles(panels[0]))
        panels[2, 0].legend(fontsize=8)
        add_title(figure, parts[0].title, _conditions(parts[0]))
    else:
        from matplotlib.lines import Line2D

        add_legend(
            figure,
            [
                Line2D([], [], color=colour, label=part.label or part.run)
                for part, colour in zip(parts, colours, strict=True)
            ],
        )
    return figure


def _loss_handles(panels: Any) -> list[Any]:
    """A line of each name in either panel of losses."""
    pairs = [zip(*axes.get_legend_handles_labels(), strict=True) for axes in panels]
    found = {label: handle for pair in reversed(pairs) for handle, label in pair}
    return list(found.values())


def _losses(axes: "Axes", part: Part, over: str, colour: Any) -> None:
    series = part.series
    x = series["elevation_deg" if over == "elevation" else "frequency_ghz"]
    terms = series["terms" if over == "elevation" else "terms_frequency"]
    total_db = series[f"total_{over}_db"]
    axes.plot(x, total_db, color="black" if colour is None else colour, linewidth=2.0, label="total")
    if over == "frequency":
        _where_terms_end(axes, part)
    if colour is not None:
        return
    axes.set_yscale("log")
    for term, loss_db in zip(terms, series[f"loss_{over}_db"], strict=True):
        if str(term) != "combination":  # negative; it is in the total
            _term(axes, x, str(term), loss_db)
    method = 1 if over == "elevation" and np.allclose(_of(series, "gas", over), series[f"gas_{over}_db"][0]) else 0
    other_db = series[f"gas_{over}_db"][method]
    _term(axes, x, "gas", other_db, label="gas, " + ("line by line" if method else "table"), linestyle=(0, (1, 1)))
    if f"xpd_{over}_db" in series:
        axes.plot(x, series[f"xpd_{over}_db"], color=GREY, linestyle=(0, (4, 2)), label="cross-polar discrimination")


def _of(series: Any, term: str, over: str) -> Any:
    """One loss against an axis; NaN where it does not count."""
    names = [str(name) for name in series["terms" if over == "elevation" else "terms_frequency"]]
    values = series[f"loss_{over}_db"]
    return values[names.index(term)] if term in names else np.full(values.shape[1], np.nan)


def _term(axes: "Axes", x: Any, term: str, loss_db: Any, **look: Any) -> None:
    """A loss above the smallest that the axis shows, in the colour of its term."""
    if not np.any(np.nan_to_num(loss_db) >= _SMALLEST_DB):
        return
    place = _TERMS.index(term)
    shown = np.where(np.nan_to_num(loss_db) >= _SMALLEST_DB, loss_db, np.nan)
    stroke = _DASHES[place // (len(PALETTE) - 1)]
    look = {"label": term.replace("_", " "), "linestyle": stroke} | look
    axes.plot(x, shown, color=PALETTE[place % (len(PALETTE) - 1)], **look)


def _where_terms_end(axes: "Axes", part: Part) -> None:
    """The total is dotted white where a term is missing, and a line says which."""
    spans = [str(span) for span in part.series["spans"]]
    if not spans:
        return
    missing = np.isnan(part.series["loss_frequency_db"]).any(0)
    shown = np.where(missing, part.series["total_frequency_db"], np.nan)
    axes.plot(part.series["frequency_ghz"], shown, color="white", linewidth=0.8, linestyle=(0, (2, 2)))
    note = "valid: " + "; ".join(span.split(" by ")[0] for span in spans)
    axes.set_title("\n".join(wrap(note, _NOTE_CHARACTERS)), fontsize=7.5, color=GREY, loc="left")


def _profile(axes: "Axes", part: Part, colour: Any) -> None:
    power_db = part.series["profile_power_db"]
    if "profile_edge_ns" in part.series:
        lowest_db = max(float(power_db[np.isfinite(power_db)].min(initial=0.0)), -60.0) - 3.0
        shown = np.maximum(power_db, lowest_db)
        axes.stairs(shown, part.series["profile_edge_ns"], baseline=lowest_db, color=colour, linewidth=1.5)
        return
    delay_ns = part.series["profile_delay_ns"]
    lowest_db = float(power_db.min()) - 6.0
    axes.vlines(delay_ns, lowest_db, power_db, color=colour, linewidth=1.5)
    axes.plot(delay_ns, power_db, "o", color=colour)


def _spectrum(axes: "Axes", part: Part, colour: Any) -> None:
    if "doppler_hz" in part.series:
        density_db = np.maximum(part.series["doppler_power_db"], _FLOOR_DB)
        axes.plot(part.series["doppler_hz"], density_db, color=colour)
        return
    axes.text(0.5, 0.5, "terminal at rest", transform=axes.transAxes, ha="center", color=GREY)


def _distribution(axes: "Axes", part: Part, column: str, colour: Any) -> None:
    names = [str(name) for name in part.series["environments"]]
    for place, (name, values) in enumerate(zip(names, part.series[column], strict=True)):
        if colour is None:
            axes.plot(values, part.series["level"], color=PALETTE[place], linestyle=_DASHES[place], label=name)
        elif name == str(part.series["environment"]):
            axes.plot(values, part.series["level"], color=colour)


def _gains(panels: Any, parts: Sequence[Part], colours: Sequence[Any], alone: bool) -> None:
    """Gain of each end's antenna towards the other, and the angle between boresight and the other end."""
    strokes = dict(zip(GAINS, _DASHES, strict=False))
    for column, axes, label in zip(("gain_dbi", "off_boresight_deg"), panels, _GAIN_LABELS, strict=True):
        for part, colour in zip(parts, colours, strict=True):
            for name, stroke in strokes.items():
                own = PALETTE[list(GAINS).index(name)] if alone else colour
                values = part.series.get(name.replace("gain_dbi", column))
                if values is not None:
                    axes.plot(
                        part.series["elevation_deg"], values, color=own, linestyle=stroke, label=name.partition("_")[0]
                    )
        axes.set(xlabel="Elevation (deg)", ylabel=label)
    names = dict(zip(*panels[0].get_legend_handles_labels()[::-1], strict=True))
    panels[0].legend(handles=list(names.values()), labels=list(names))


def _name(panels: Any) -> None:
    names = (
        ("Elevation (deg)", "Loss (dB)"),
        ("Carrier (GHz)", "Loss (dB)"),
        ("Excess delay (ns)", "Share of the power (dB)"),
        ("Doppler shift of the terminal (Hz)", "Density over its mean (dB)"),
        ("Coupling loss, isotropic antennas (dB)", "Share of links"),
        ("Delay spread (ns)", "Share of links"),
    )
    for axes, (x, y) in zip(panels[:3].flat, names, strict=True):
        axes.set_xlabel(x)
        axes.set_ylabel(y)
    panels[0, 1].set_xscale("log")
    panels[2, 1].set_xscale("log")
    panels[2, 1].set_xlim(left=0.1)
    for axes in panels[2]:
        axes.set_ylim(0.0, 1.0)


def _conditions(part: Part) -> str:
    series = part.series
    place = f"{float(series['carrier_ghz']):g} GHz, {series['environment']}"
    return f"{place}, {float(series['at_elevation_deg']):g} deg of elevation but on the elevation axis"
