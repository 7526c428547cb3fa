"""Figures, drawn from the tables of run folders alone: no simulator, no live object, no TensorFlow.

`draw_run` draws a figure per part into the run folder; `overlay` puts several runs on one figure.
"""

import difflib
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ntn6g.core.errors import ScenarioError
from ntn6g.study.plots.adaptation import adaptation
from ntn6g.study.plots.along_pass import along_pass
from ntn6g.study.plots.beam_map import beam_map
from ntn6g.study.plots.bler_curves import bler_curves
from ntn6g.study.plots.channel_survey import channel_survey
from ntn6g.study.plots.contact_plan import contact_plan
from ntn6g.study.plots.coverage_map import coverage_map
from ntn6g.study.plots.differences import tell_apart
from ntn6g.study.plots.handover import handover
from ntn6g.study.plots.multistatic import multistatic
from ntn6g.study.plots.pass_geometry import PANELS, pass_geometry
from ntn6g.study.plots.saving import require_format, save
from ntn6g.study.plots.sensing import ROC_AXIS, accuracy, range_doppler, roc, tracks
from ntn6g.study.plots.style import house_style, legend_text
from ntn6g.study.plots.tables import PUBLISHED, RATES, TIME_AXES, Part, View, axis_of, read_run, telling_axes, x_axis
from ntn6g.study.plots.trade_off import trade_off
from ntn6g.study.plots.uncoded import uncoded
from ntn6g.study.plots.waterfall import waterfall

__all__ = ["FIGURES", "View", "draw_run", "overlay"]

FIGURES: dict[str, Callable[..., Any]] = {
    "waterfall": waterfall,
    "uncoded": uncoded,
    "along-pass": along_pass,
    "pass": pass_geometry,
    "coverage": coverage_map,
    "contacts": contact_plan,
    "beams": beam_map,
    "bler-table": bler_curves,
    "channel": channel_survey,
    "sensing": accuracy,
    "roc": roc,
    "range-doppler": range_doppler,
    "trade-off": trade_off,
    "tracks": tracks,
    "multistatic": multistatic,
    "adaptation": adaptation,
    "handover": handover,
}
"""Every kind of figure; each function takes the parts that share it and returns a matplotlib figure."""

# that tell a kind of figure
_SERIES = {
    "beams": "c_over_i_db",
    "coverage": "in_view_mean",
    "contacts": "culmination_s",
    "channel": "loss_elevation_db",
    "range-doppler": "map_db",
}
_STUDIES = {
    "bler_table": "bler-table",
    "sensing": "sensing",
    "multistatic": "multistatic",
    "adaptation": "adaptation",
    "handover": "handover",
}  # that have one kind of figure for their rows
_CURVES = ("waterfall", "uncoded", "along-pass", "sensing", "roc", "trade-off", "tracks")  # these take a `View` too
# of kinds that have but one
_SHARED_AXES = {"pass": "time", "along-pass": "time", "coverage": "map", "bler-table": "esno_db", "channel": "survey"}
_SHARED_AXES |= {"adaptation": "policy", "beams": "map", "contacts": "time", "range-doppler": "map", "roc": ROC_AXIS}
_SHARED_AXES |= {"handover": "policy"}


def draw_run(folder: Path) -> list[Path]:
    """Draw one figure per part of a run, as .png and .svg in its folder, named after the part or the study.

    Parameters
    ----------
    folder
        Run folder with ``results.csv`` or ``series/``, and ``manifest.json``.

    Returns
    -------
    list of Path
        The files written; parts without a result yet, and kinds without a figure, give none.

    Raises
    ------
    ScenarioError
        If the folder holds no results or cannot be read.
    """
    written = []
    with house_style():
        for part in read_run(Path(folder)):
            kind = figure_kind(part)
            if kind:
                figure = FIGURES[kind](_tracks(part))
                stem = part.name or part.study
                written.append(save(figure, Path(folder) / f"{stem}.png"))
                figure.set_layout_engine("none")  # the second format keeps the places found for the first
                written.append(save(figure, Path(folder) / f"{stem}.svg"))
    return written


def _tracks(part: Part) -> list[Part]:
    """A part whose sweep holds several series as one part for each, labelled by what differs."""
    if not part.more_series:
        return [part]
    labelled = []
    for series in (part.series, *part.more_series):
        axes = json.loads(str(series.get("axes", "{}")))
        told = {path: legend_text(path, value) for path, value in axes.items()}
        labelled.append(replace(part, series=series, more_series=(), told=told))
    return labelled


def overlay(folders: Sequence[Path], out: Path, view: View = PUBLISHED) -> None:
    """Draw finished runs on one figure, their curves labelled by what differs between their scenarios.

    The figure has the kind and x axis of the first part of the first run that every other run has too.

    Parameters
    ----------
    folders
        Run folders.
    out
        File to write; its suffix (png, pdf, svg) chooses the format.
    view
        Columns on the axes and for the colour, where they are not the figure's own; whether intervals are bands.

    Raises
    ------
    ScenarioError
        If the suffix is unknown, a folder holds no results, a column is not in them, or the runs have no figure in
        common.
    """
    out = Path(out)
    require_format(out)
    runs = []
    for folder in map(Path, folders):
        drawable = [part for part in read_run(folder) if figure_kind(part)]
        if not drawable:
            raise ScenarioError(f"{folder} holds no rows to draw: has a point finished yet?", key="DIR")
        runs.append(_with_columns(drawable, folder, view))
    shared = [s for s in map(_subject, runs[0]) if all(s in map(_subject, run) for run in runs)] if runs else []
    if not shared:
        raise ScenarioError(
            f"{', '.join(map(str, folders))} have no figure in common: they are swept over different axes",
            key="DIR",
        )
    chosen = [[part for part in run if _subject(part) == shared[0]] for run in runs]
    told = tell_apart([Path(folder) for folder in folders], [run[0] for run in chosen])
    parts = []
    for names, run in zip(told, chosen, strict=True):
        for part in run:
            of_part = {"part": part.name} if len(run) > 1 else {}
            parts += [replace(track, told={**names, **of_part, **track.told}) for track in _tracks(part)]
    kind = "waterfall" if view.x or view.y or view.hue else shared[0][0]
    if view.hue:
        _require_hue(view, parts)
    with house_style():
        figure = FIGURES[kind](parts, view) if kind in _CURVES else FIGURES[kind](parts)
        save(figure, out)


def _with_columns(parts: list[Part], folder: Path, view: View) -> list[Part]:
    """Those parts that have the columns asked for."""
    asked = {"--x": [view.x] if view.x else [], "--y": view.y}
    for option, columns in asked.items():
        for column in columns:
            known = dict.fromkeys(c for part in parts for c in part.rows.columns if part.has(c) and c != "part")
            parts = [part for part in parts if part.has(column)]
            if not parts:
                near = difflib.get_close_matches(column, list(known), 1)
                hint = f"; did you mean {near[0]}?" if near else f"; there are {', '.join(known)}"
                raise ScenarioError(f"{folder} has no numbers in a column {column!r}{hint}", key=option)
    if (view.y or view.hue) and not any(len(part.rows) for part in parts):
        raise ScenarioError(f"{folder} holds series only, no table whose columns could be chosen", key="--y")
    return parts


def _require_hue(view: View, parts: Sequence[Part]) -> None:
    over = axis_of(parts, view.x) if view.x else x_axis(parts[0])
    choices = [axis for axis in telling_axes(parts) if axis != over]
    choices += [key for part in parts for key in part.told if key not in choices]
    if view.hue not in choices:
        known = ", ".join(dict.fromkeys(choices)) or "nothing"
        raise ScenarioError(f"curves do not differ in {view.hue!r}; they differ in {known}", key="--hue")


def figure_kind(part: Part) -> str:
    """Kind of figure a part is drawn as, a key of `FIGURES`; '' where it has nothing to draw."""
    if "time_s" in part.series and any(panel in part.series for panel in PANELS):
        return "pass"
    drawn = [kind for kind, series in _SERIES.items() if series in part.series]
    if drawn:
        return drawn[0]
    if part.study in _SERIES or not any(part.has(rate) for rate in _rates(part)):
        return ""
    if part.study in _STUDIES:
        return _kind_of_rows(part)
    if x_axis(part) in TIME_AXES:
        return "along-pass"
    return "waterfall" if part.has("bler") or part.has("throughput_bps") else "uncoded"


def _rates(part: Part) -> Sequence[str]:
    """Columns of which one at least makes a figure of rows."""
    if part.study == "multistatic":
        return [column for column in part.rows.columns if column.endswith("_detection_probability")]
    return ("false_alarm_rate",) if part.study == "sensing" else RATES


def _kind_of_rows(part: Part) -> str:
    if part.study == "sensing" and part.has("throughput_bps") and part.has("range_rmse_m"):
        return "trade-off"
    if part.study == "sensing" and part.has("tracks_kept"):
        return "tracks"
    return "roc" if ROC_AXIS in part.varying() else _STUDIES[part.study]


def _subject(part: Part) -> tuple[str, str]:
    """What must agree for two parts to share a figure: its kind, and what lies on its x axis."""
    kind = figure_kind(part)
    return (kind, _SHARED_AXES.get(kind) or x_axis(part))
