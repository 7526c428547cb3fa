"""Figures, drawn from the tables of run folders alone: no simulator, no live object, no TensorFlow.

`draw_run` draws a figure per part into the run folder; `overlay` puts several runs on one figure.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ntn6g.core.errors import ScenarioError
from ntn6g.study.plots.along_pass import along_pass
from ntn6g.study.plots.coverage_map import coverage_map
from ntn6g.study.plots.pass_geometry import PANELS, pass_geometry
from ntn6g.study.plots.style import house_style, legend_text, require_format, save
from ntn6g.study.plots.tables import RATES, TIME_AXES, Part, read_run, x_axis
from ntn6g.study.plots.uncoded import uncoded
from ntn6g.study.plots.waterfall import waterfall

__all__ = ["FIGURES", "draw_run", "overlay"]

FIGURES: dict[str, Callable[[Sequence[Part]], Any]] = {
    "waterfall": waterfall,
    "uncoded": uncoded,
    "along-pass": along_pass,
    "pass": pass_geometry,
    "coverage": coverage_map,
}
"""Every kind of figure; each function takes the parts that share it and returns a matplotlib figure."""

_SHARED_AXES = {"pass": "time", "along-pass": "time", "coverage": "map"}  # of kinds that have but one


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
        label = ", ".join(legend_text(path, value) for path, value in axes.items())
        labelled.append(replace(part, series=series, more_series=(), label=label))
    return labelled


def overlay(folders: Sequence[Path], out: Path) -> None:
    """Draw finished runs on one figure, their curves labelled by run name.

    The figure has the kind and x axis of the first part of the first run that every other run has too.

    Parameters
    ----------
    folders
        Run folders.
    out
        File to write; its suffix (png, pdf, svg) chooses the format.

    Raises
    ------
    ScenarioError
        If the suffix is unknown, a folder holds no results, or the runs have no figure in common.
    """
    out = Path(out)
    require_format(out)
    runs = []
    for folder in map(Path, folders):
        drawable = [part for part in read_run(folder) if figure_kind(part)]
        if not drawable:
            raise ScenarioError(f"{folder} holds no rows to draw: has a point finished yet?", key="DIR")
        runs.append(drawable)
    shared = [s for s in map(_subject, runs[0]) if all(s in map(_subject, run) for run in runs)] if runs else []
    if not shared:
        raise ScenarioError(
            f"{', '.join(map(str, folders))} have no figure in common: they are swept over different axes",
            key="DIR",
        )
    names = [run[0].run for run in runs]
    parts = []
    for folder, name, run in zip(folders, names, runs, strict=True):
        told = name if names.count(name) == 1 else str(folder)
        chosen = [part for part in run if _subject(part) == shared[0]]
        parts += [replace(p, label=f"{told}, {p.name}" if len(chosen) > 1 else told) for p in chosen]
    with house_style():
        save(FIGURES[shared[0][0]](parts), out)


def figure_kind(part: Part) -> str:
    """Kind of figure a part is drawn as, a key of `FIGURES`; '' where it has nothing to draw."""
    if "time_s" in part.series and any(panel in part.series for panel in PANELS):
        return "pass"
    if "in_view_mean" in part.series:
        return "coverage"
    if part.study == "coverage":
        return ""
    if not any(part.has(rate) for rate in RATES):
        return ""
    if x_axis(part) in TIME_AXES:
        return "along-pass"
    return "waterfall" if part.has("bler") or part.has("throughput_bps") else "uncoded"


def _subject(part: Part) -> tuple[str, str]:
    """What must agree for two parts to share a figure: its kind, and what lies on its x axis."""
    kind = figure_kind(part)
    return (kind, _SHARED_AXES.get(kind) or x_axis(part))
