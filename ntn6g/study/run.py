"""From a scenario to a finished run folder."""

import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ntn6g.core.errors import RunError, ScenarioError
from ntn6g.scenario import Scenario, apply, dump, sweep_points
from ntn6g.study import device, engine, runfolder
from ntn6g.study.interruption import terminate_as_interrupt
from ntn6g.study.plots import draw_run
from ntn6g.study.progress import Display

DONE, FAILED, INTERRUPTED = 0, 1, 130


@dataclass(frozen=True, kw_only=True)
class How:
    """Who computes, which points, and what is shown meanwhile."""

    workers: int = 1
    ray: str | None = None
    points: tuple[int, int | None] = (0, None)
    fresh: bool = False
    quiet: bool = False


@dataclass
class Session:
    """One session on a run folder: its studies, the state of their points, and what they cost."""

    scenario: Scenario
    studies: list[Any]
    states: list[list[engine.Progress[Any]]] = field(default_factory=list)
    chosen: range = range(0)
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    clock: float = field(default_factory=time.perf_counter)
    costs: engine.Costs = field(default_factory=engine.Costs)
    run_s: dict[int, float] = field(default_factory=dict)
    ledger_s: float = 0.0

    def resume(self, ledger: engine.Ledger, chosen: tuple[int, int | None]) -> None:
        """State of all points from the ledger; this session computes the chosen ones, numbered over all parts."""
        self.chosen = range(sum(len(each.points) for each in self.studies))[slice(*chosen)]
        first = 0
        for study in self.studies:
            self.states.append(engine.resume(study.points, study.rule, ledger, part=study.part, first_place=first))
            first += len(study.points)

    @property
    def asked(self) -> list[list[engine.Progress[Any]]]:
        """States of the points that this session computes, part by part."""
        found = [[state for state in states if state.place in self.chosen] for states in self.states]
        return [states for states in found if states]

    @property
    def all_states(self) -> list[engine.Progress[Any]]:
        """States of all parts."""
        return [state for states in self.states for state in states]

    @property
    def whole(self) -> bool:
        """Whether every point of the scenario has met its rule."""
        asked = sum(len(study.points) for study in self.studies)
        met = [s for s in self.all_states if s.stopped_by is not None and not s.failure]
        return len(met) == asked

    def scenario_of(self, state: engine.Progress[Any]) -> str:
        """One point as a scenario of its own, or its whole part where the sweep is none of the scenario's."""
        (study,) = [each for each in self.studies if each.part == state.part]
        swept = [values for values in sweep_points(study.scenario) if values.keys() == state.point.axes.keys()]
        return dump(apply(study.scenario, state.point.axes) if swept else study.scenario)

    def groups(self) -> list[tuple[str, Any, list[engine.Progress[Any]]]]:
        """Unfinished points by step (name, study that builds it, states); parts of one structure share one."""
        found: dict[tuple[Any, int], tuple[Any, list[engine.Progress[Any]]]] = {}
        for study, states in zip(self.studies, self.states, strict=True):
            for state in states:
                if state.place not in self.chosen:
                    continue
                key = state.point.structure, study.rows(state.point.structure)
                found.setdefault(key, (study, []))[1].append(state)
        return [
            (f"{structure} rows={rows}", study, states)
            for (structure, rows), (study, states) in found.items()
            if not all(state.stopped_by for state in states)
        ]


def run_scenario(scenario: Scenario, out: Path, how: How = How()) -> int:
    """Run every part of a scenario into a folder.

    Returns
    -------
    int
        What the command line returns: 0 done, 1 some points were given up, 130 interrupted.

    Raises
    ------
    ScenarioError
        For bad input or a folder that holds something else; nothing has been written by then.
    RunError
        When the run cannot be finished; the ledger keeps what was computed.
    """
    display = Display(quiet=how.quiet)
    with display.console.status("starting TensorFlow"):
        device.start()
        from ntn6g.study.build import build

        session = Session(scenario, build(scenario))
    _check_points(session, how.points)
    versions, numerics = device.versions(), device.numerics(_batch_rows(session.studies))
    executor = _executor(scenario, how)
    try:
        folder = runfolder.RunFolder(out, scenario, versions=versions, numerics=numerics, fresh=how.fresh)
        for warning in folder.warnings:
            display.warn(warning)
        with folder.locked():
            # before the first chunk, so that a killed run too is continued only with the same numerics
            folder.manifest(**_manifest(session, versions, numerics, executor.slots))
            try:
                interrupted = _compute(session, folder, executor, display, how.points)
            except RunError:
                with contextlib.suppress(OSError):  # of the same full disk; the run's own error is the one to report
                    if session.states:
                        conclude(session, folder, versions=versions, numerics=numerics, workers=executor.slots)
                raise
            conclude(session, folder, versions=versions, numerics=numerics, workers=executor.slots)
    finally:
        executor.close()
    return _say(session, folder, display, interrupted=interrupted)


def _check_points(session: Session, chosen: tuple[int, int | None]) -> None:
    count = sum(len(study.points) for study in session.studies)
    if not range(count)[slice(*chosen)]:
        given = f"{chosen[0]}:{'' if chosen[1] is None else chosen[1]}"
        raise ScenarioError(f"{given} holds none of the {count} points, 0 to {count - 1}", key="--points")


def _executor(scenario: Scenario, how: How) -> engine.Executor:
    if how.ray is not None:
        from ntn6g.study.engine.cluster import RayCluster

        workers = how.workers if how.workers > 1 else None
        return RayCluster(
            how.ray,
            device.start,
            workers=workers,
            gpus_per_worker=scenario.engine.gpus_per_worker,
            numerics=device.likeness,
        )
    if how.workers > 1:
        from ntn6g.study.engine.processes import Processes

        return Processes(how.workers, device.start)
    return engine.InProcess()


def _batch_rows(studies: list[Any]) -> dict[str, int]:
    return {
        structure.label: study.rows(structure)
        for study in studies
        if study.kind in ("link", "bler_table", "sensing", "multistatic")
        for structure in dict.fromkeys(point.structure for point in study.points)
    }


def _compute(
    session: Session,
    folder: runfolder.RunFolder,
    executor: engine.Executor,
    display: Display,
    chosen: tuple[int, int | None],
) -> bool:
    """Compute what is missing; True when interrupted, with everything finished so far in the ledger."""
    ledger = engine.Ledger(folder.ledger)
    try:
        session.resume(ledger, chosen)
        ledger.plan([state.seen() for states in session.asked for state in states])
        with terminate_as_interrupt(), display.showing(session.asked):
            groups = session.groups()
            for index, (name, study, states) in enumerate(groups, 1):
                display.structure(index, len(groups))
                _compute_group(session, name, study, states, executor, ledger, lambda done: display.update())
        return False
    except KeyboardInterrupt:
        return True
    finally:
        session.ledger_s = ledger.spent_s
        ledger.close()


def _compute_group(
    session: Session,
    name: str,
    study: Any,
    states: Sequence[engine.Progress[Any]],
    executor: engine.Executor,
    ledger: engine.Ledger,
    on_batch: Callable[[engine.Done], None],
) -> None:
    structure = states[0].point.structure
    size = max(1, study.rows(structure) // engine.BLOCKS_PER_CHUNK)
    seen: dict[int, engine.Costs] = {}

    def note(done: engine.Done) -> None:
        seen[done.worker] = done.costs if done.chunks is not None else seen.get(done.worker, engine.Costs())
        on_batch(done)

    try:
        engine.run(states, study.recipe(structure), size, executor, ledger, structure=name, on_batch=note)
    finally:
        spent = engine.Costs(  # workers compile side by side, each the same
            max((each.compile_s for each in seen.values()), default=0.0),
            max((each.compile_count for each in seen.values()), default=0),
            sum(each.run_s for each in seen.values()),
        )
        before = session.costs
        session.costs = engine.Costs(
            before.compile_s + spent.compile_s,
            before.compile_count + spent.compile_count,
            before.run_s + spent.run_s,
        )
        computed = sum(state.computed for state in states) or 1
        for state in states:
            session.run_s[state.place] = spent.run_s * state.computed / computed


def conclude(
    session: Session,
    folder: runfolder.RunFolder,
    *,
    versions: dict[str, str],
    numerics: dict[str, Any],
    workers: int,
    joined: Sequence[Path] = (),
) -> None:
    """Write tables, series, manifest and, of a whole run, the figures, from the state of the points."""
    rows, kept = [], list[str]()
    for study, states in zip(session.studies, session.states, strict=True):
        part = {"part": study.part} if session.scenario.parts else {}
        rows += [
            {**part, **state.point.axes, **study.row(state.point, state.tally, state.stopped_by)}
            for state in states
            if state.tally.chunks
        ]
        series = study.series() if session.whole else []
        for index, arrays in enumerate(series):
            kept.append(f"{study.part or study.kind}{f'.{index:04d}' if len(series) > 1 else ''}")
            folder.series(kept[-1], arrays)
    folder.only_series(kept)
    if rows:
        folder.table(runfolder.RESULTS, rows)
    folder.add_costs(
        [
            ({**({"part": s.part} if s.part else {}), **s.point.axes}, s.computed, session.run_s.get(s.place, 0.0))
            for s in session.all_states
        ],
        joined,
    )
    folder.manifest(**_manifest(session, versions, numerics, workers))
    if rows:
        draw_run(folder.path)


def _manifest(session: Session, versions: dict[str, str], numerics: dict[str, Any], workers: int) -> dict[str, Any]:
    scenario, states = session.scenario, session.all_states
    return {
        "study": scenario.study or {study.part: study.kind for study in session.studies},
        "name": scenario.name,
        "description": scenario.description,
        "seed": scenario.seed,
        "commit": runfolder.source_commit(),
        "versions": versions,
        "device": numerics["device"],
        "numerics": numerics,
        "threads": device.threads(workers),
        "started": session.started.isoformat(timespec="seconds"),
        "wall_s": time.perf_counter() - session.clock,
        "compile_s": session.costs.compile_s,
        "compile_count": session.costs.compile_count,
        "run_s": session.costs.run_s,
        "ledger_s": session.ledger_s,
        "points": sum(len(study.points) for study in session.studies),
        "points_done": sum(state.stopped_by is not None and not state.failure for state in states),
        "complete": session.whole,
        "failures": [
            {"part": s.part, **s.point.axes, "failure": s.failure, "scenario": session.scenario_of(s)}
            for s in states
            if s.failure
        ],
        "parts": {
            study.part: {"study": study.kind, "description": study.scenario.description}
            for study in session.studies
            if study.part
        },
        "tables": runfolder.table_digests(),
    }


def _say(session: Session, folder: runfolder.RunFolder, display: Display, *, interrupted: bool) -> int:
    failed = [state for state in session.all_states if state.failure]
    for state in failed:
        where = ", ".join(f"{path}={value}" for path, value in state.point.axes.items()) or "the only point"
        display.warn(f"{where}: {state.failure}; its scenario is in {folder.path / runfolder.MANIFEST}")
    if interrupted:
        display.say("interrupted: what is done is kept; the same command continues")
        return INTERRUPTED
    costs = session.costs
    display.say(
        f"{folder.path}: results.csv and figures in {time.perf_counter() - session.clock:.0f} s, "
        f"{costs.compile_s:.0f} s of it compiling {costs.compile_count} structure{'s' * (costs.compile_count != 1)}"
    )
    return FAILED if failed else DONE
