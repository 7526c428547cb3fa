"""One self-contained HTML page of a run folder: scenario, environment, interactive curves, tables, cost, warnings.

Everything is read from the folder's files, so every study kind has a report; no TensorFlow, no network.
"""

import json
from pathlib import Path
from typing import Any

from ntn6g.core.errors import ScenarioError
from ntn6g.study.plots.tables import Part, read_run
from ntn6g.study.report.charts import part_charts, series_charts
from ntn6g.study.report.page import image, page, pairs, section, table, warning_list

__all__ = ["write_report"]

OUT = "report.html"


def write_report(folder: Path) -> Path:
    """Write ``report.html`` into a run folder.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    ScenarioError
        If plotly is missing, the folder holds no results, or it cannot be read or written.
    """
    try:
        from plotly.offline import get_plotlyjs
    except ImportError:
        raise ScenarioError("needs plotly, which is not installed: pip install 'ntn6g[report]'", key="report") from None
    import pandas as pd

    parts = read_run(folder)
    try:
        manifest = _manifest(folder)
        scenario = (folder / "scenario.yaml").read_text() if (folder / "scenario.yaml").is_file() else ""
        timing = folder / "timing.csv"
        cost = pd.read_csv(timing) if timing.is_file() and timing.stat().st_size else pd.DataFrame()
    except (ValueError, OSError) as error:
        reason = str(error).splitlines()[0]
        raise ScenarioError(f"{folder} cannot be read ({reason}): was a file cut short?", key="DIR") from error

    body = [section("Warnings", warning_list(warnings_of(parts, manifest)))]
    charts: list[dict[str, Any]] = []
    for part in parts:
        drawn = [*part_charts(part), *series_charts(part)]
        places = range(len(charts), len(charts) + len(drawn))
        charts += drawn
        about = pairs({"Study": part.study, "Fixed": part.fixed()})
        body.append(section(part.title, about + ("" if drawn else _picture(folder, part)), charts=places))
        if len(part.rows):
            body.append(section("Results", table(part.rows.dropna(axis="columns", how="all")), level=3))
    if len(cost):
        body.append(section("Cost of each point", table(cost.dropna(axis="columns", how="all"))))
    body.append(section("Environment", pairs(_flat(manifest))))
    body.append(section("Scenario", preformatted=scenario))
    title = parts[0].run
    try:
        (folder / OUT).write_text(page(title, str(manifest.get("description") or ""), body, charts, get_plotlyjs()))
    except OSError as error:
        raise ScenarioError(f"{folder / OUT} cannot be written: {error.strerror}", key="DIR") from error
    return folder / OUT


def _picture(folder: Path, part: Part) -> str:
    """The figure of the run folder, for a part of which no interactive chart can be made."""
    file = folder / f"{part.name or part.study}.png"
    return image(file.read_bytes(), part.title) if file.is_file() else ""


def warnings_of(parts: list[Part], manifest: dict[str, Any]) -> list[str]:
    """What a reader must know before he trusts the curves, a sentence each."""
    found = []
    if manifest and not manifest.get("complete", True):
        done, points = manifest.get("points_done", 0), manifest.get("points", 0)
        found.append(f"The run is not complete: {done} of {points} points are done.")
    for part in parts:
        where = f"{part.name}: " if part.name else ""
        if part.has("stopped_by"):
            capped = int((part.rows["stopped_by"] == "max_blocks").sum())
            if capped:
                found.append(f"{where}{capped} of {len(part.rows)} points hit their cap (max_blocks) before the rule.")
        rates = [r for r in ("bler", "ber", "ber_uncoded") if part.has(r) and part.has(f"{r}_high")]
        unseen = {rate: int((part.rows[rate] == 0).sum()) for rate in rates}
        counts = ", ".join(f"{count} of {rate}" for rate, count in unseen.items() if count)
        if counts:
            found.append(f"{where}points without an error, which are upper limits and not zeros: {counts}.")
    for failure in manifest.get("failures") or []:
        axes = {k: v for k, v in failure.items() if k not in ("failure", "scenario", "part") and v is not None}
        what = ", ".join(f"{path} = {value}" for path, value in axes.items())
        found.append(f"Failed: {failure.get('part', '')} {what}: {failure.get('failure')}")
    return found


def _manifest(folder: Path) -> dict[str, Any]:
    file = folder / "manifest.json"
    found: dict[str, Any] = json.loads(file.read_text()) if file.is_file() else {}  # `read_run` has seen an object
    return found


def _flat(entries: dict[str, Any], above: str = "") -> dict[str, str]:
    flat: dict[str, str] = {}
    for key, value in entries.items():
        if key in ("failures", "parts"):
            continue
        if isinstance(value, dict):
            flat |= _flat(value, f"{above}{key}.")
        else:
            flat[f"{above}{key}"] = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return flat
