"""From a scenario to a finished run folder."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any

from ntn6g.scenario import Scenario
from ntn6g.study import device, engine, runfolder
from ntn6g.study.plots import draw_run
from ntn6g.study.progress import Display


@dataclass
class _Costs:
    """What a session spent, for the manifest and timing.csv."""

    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    clock: float = field(default_factory=time.perf_counter)
    compile_s: float = 0.0
    compile_count: int = 0
    run_s: float = 0.0
    steps: dict[Any, Any] = field(default_factory=dict)
    timing: list[dict[str, Any]] = field(default_factory=list)


def run_scenario(scenario: Scenario, out: Path, *, fresh: bool = False, quiet: bool = False) -> bool:
    """Run every part of a scenario into a folder; True when complete, False when interrupted.

    Raises
    ------
    ScenarioError
        For bad input or a folder that holds something else; nothing has been written by then.
    RunError
        When the run cannot be finished; the ledger keeps what was computed.
    """
    display = Display(quiet=quiet)
    with display.console.status("starting TensorFlow"):
        device.start()
        from ntn6g.study.build import build

        studies = build(scenario)
    versions = device.versions()
    numerics = device.numerics(_batch_rows(studies))
    folder = runfolder.RunFolder(out, scenario, versions=versions, numerics=numerics, fresh=fresh)
    for warning in folder.warnings:
        display.console.print(f"[yellow]warning:[/] {warning}")

    costs, ledger = _Costs(), engine.Ledger(folder.ledger)
    results: list[tuple[Any, list[engine.Progress[Any]]]] = []
    complete = False
    # before the first chunk, so that a killed run too is continued only with the same numerics
    folder.manifest(**_manifest(scenario, studies, results, costs, complete, versions, numerics))
    try:
        with _terminate_as_interrupt(), display:
            for study in studies:
                states = engine.resume(study.points, study.rule, ledger)
                results.append((study, states))
                display.part(study.part, len(states))
                _compute(study, states, ledger, display, costs)
        complete = True
    except KeyboardInterrupt:
        display.console.print("interrupted: what is done is kept; the same command continues")
    finally:
        ledger.close()
        _write(folder, scenario, results, costs, complete)
        folder.manifest(**_manifest(scenario, studies, results, costs, complete, versions, numerics))
    if complete:
        figures = draw_run(folder.path)
        display.console.print(_summary(folder.path, figures, costs), highlight=False)
    return complete


def _batch_rows(studies: list[Any]) -> dict[str, int]:
    return {
        structure.label: study.rows(structure)
        for study in studies
        if study.kind == "link"
        for structure in dict.fromkeys(point.structure for point in study.points)
    }


def _compute(
    study: Any, states: list[engine.Progress[Any]], ledger: engine.Ledger, display: Display, costs: _Costs
) -> None:
    display.update(states)
    for structure in dict.fromkeys(state.point.structure for state in states):
        members = [state for state in states if state.point.structure == structure]
        if all(state.stopped_by for state in members):
            continue
        key = (structure, study.rows(structure))
        if key not in costs.steps:  # parts of one structure share its compiled step
            costs.steps[key] = study.step(structure)
        step = costs.steps[key]
        compile_s, compile_count, run_s = step.compile_s, step.compile_count, step.run_s
        try:
            engine.run(members, step, ledger, lambda: display.update(states))
        finally:
            costs.compile_s += step.compile_s - compile_s
            costs.compile_count += step.compile_count - compile_count
            costs.run_s += step.run_s - run_s
            computed = sum(state.computed for state in members) or 1
            costs.timing += [
                {
                    "part": study.part,
                    **state.point.axes,
                    "chunks": state.computed,
                    "run_s": round((step.run_s - run_s) * state.computed / computed, 6),
                }
                for state in members
            ]
    display.update(states)


def _write(
    folder: runfolder.RunFolder,
    scenario: Scenario,
    results: list[tuple[Any, list[engine.Progress[Any]]]],
    costs: _Costs,
    complete: bool,
) -> None:
    rows = []
    for study, states in results:
        part = {"part": study.part} if scenario.parts else {}
        rows += [
            {**part, **state.point.axes, **study.row(state.point, state.tally, state.stopped_by)}
            for state in states
            if state.tally.chunks
        ]
        series = study.series() if complete else []
        for index, arrays in enumerate(series):
            folder.series(f"{study.part or study.kind}{f'.{index:04d}' if len(series) > 1 else ''}", arrays)
    folder.table(runfolder.RESULTS, rows)
    folder.table(runfolder.TIMING, costs.timing)


def _manifest(
    scenario: Scenario,
    studies: list[Any],
    results: list[tuple[Any, list[engine.Progress[Any]]]],
    costs: _Costs,
    complete: bool,
    versions: dict[str, str],
    numerics: dict[str, Any],
) -> dict[str, Any]:
    states = [state for _, each in results for state in each]
    return {
        "study": scenario.study or {study.part: study.kind for study in studies},
        "name": scenario.name,
        "description": scenario.description,
        "seed": scenario.seed,
        "commit": runfolder.source_commit(),
        "versions": versions,
        "device": numerics["device"],
        "numerics": numerics,
        "threads": device.threads(),
        "started": costs.started.isoformat(timespec="seconds"),
        "wall_s": time.perf_counter() - costs.clock,
        "compile_s": costs.compile_s,
        "compile_count": costs.compile_count,
        "run_s": costs.run_s,
        "points": sum(len(study.points) for study in studies),
        "points_done": sum(state.stopped_by is not None for state in states),
        "complete": complete,
        "parts": {
            study.part: {"study": study.kind, "description": study.scenario.description}
            for study in studies
            if study.part
        },
        "tables": runfolder.table_digests(),
    }


def _summary(path: Path, figures: list[Path], costs: _Costs) -> str:
    names = ", ".join(sorted({figure.stem for figure in figures}))
    return (
        f"{path}: results.csv and figures {names} (.png, .svg) in {time.perf_counter() - costs.clock:.0f} s, "
        f"{costs.compile_s:.0f} s of it compiling {costs.compile_count} structure(s)"
    )


@contextmanager
def _terminate_as_interrupt() -> Iterator[None]:
    """SIGTERM ends a run as Ctrl-C does, with everything finished so far kept."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    try:
        previous = signal.signal(signal.SIGTERM, interrupt)
    except ValueError:  # not in the main thread: the caller owns signals
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)
