"""What a user sees while a sweep runs, in the terminal or from outside: points, blocks, errors, time left."""

import fcntl
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.text import Text

from ntn6g.core.errors import ScenarioError
from ntn6g.study import engine, runfolder

_REFRESH_S, _LOG_EVERY_S = 0.25, 15.0


class _Counts(ProgressColumn):
    """Points done of all, blocks counted, block errors seen."""

    def render(self, task: Task) -> Text:
        return Text(_words(task.fields), no_wrap=True)


def _words(counts: dict[str, Any]) -> str:
    return f"{counts['done']}/{counts['points']} points {counts['blocks']:,} blocks {counts['errors']:,} errors"


class Display:
    """A bar per part in a terminal, a line now and then elsewhere, nothing at all when quiet.

    Parameters
    ----------
    quiet : bool
        Show nothing.
    """

    def __init__(self, *, quiet: bool) -> None:
        self.console = Console(stderr=True, quiet=quiet)
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=12),
            _Counts(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(compact=True),
            console=self.console,
            refresh_per_second=4,
        )
        self._parts: list[Sequence[engine.Progress[Any]]] = []
        self._tasks: list[Any] = []
        self._shown_s = self._begun_s = 0.0
        self._structure = ""

    @contextmanager
    def showing(self, parts: Sequence[Sequence[engine.Progress[Any]]]) -> Iterator[None]:
        """Show the state of these points until the end."""
        self._parts, self._begun_s, self._shown_s = list(parts), time.monotonic(), time.monotonic()
        for states in parts:
            counts = _count(states)
            self._tasks.append(self._bar.add_task(counts["part"] or "points", total=1.0, **counts))
        if not self.console.is_terminal:
            yield
            self._log()
            return
        with self._bar:
            self.update(now=True)
            yield
            self.update(now=True)

    def structure(self, index: int, count: int) -> None:
        """A structure begins: its first batch compiles."""
        self._structure = f"structure {index} of {count}"
        if count > 1 and not self.console.is_terminal:
            self.say(f"compiling {self._structure}")

    def update(self, *, now: bool = False) -> None:
        """A batch has come in."""
        waited_s = time.monotonic() - self._shown_s
        if not self.console.is_terminal:
            if waited_s > _LOG_EVERY_S:
                self._log()
            return
        if waited_s < _REFRESH_S and not now:
            return
        self._shown_s = time.monotonic()
        for task, states in zip(self._tasks, self._parts, strict=True):
            counts = _count(states)
            # a share, not blocks: the bar forgets its speed whenever its total changes, and the forecast moves
            share = counts["blocks"] / max(counts.pop("expected"), 1)
            finished = counts["done"] == counts["points"]
            self._bar.update(task, completed=1.0 if finished else min(share, 1.0), **counts)

    def say(self, line: str) -> None:
        """A line about the run."""
        self.console.print(line, highlight=False, markup=False, soft_wrap=True)

    def warn(self, line: str) -> None:
        """A line that a user should not miss."""
        self.say(f"warning: {line}")

    def _log(self) -> None:
        self._shown_s = time.monotonic()
        spent_s = self._shown_s - self._begun_s
        for states in self._parts:
            counts = _count(states)
            if counts["blocks"] or counts["done"]:
                self.say(f"{counts['part'] or 'points'}: {_words(counts)} after {spent_s:.0f} s")


def _count(states: Sequence[engine.Progress[Any]]) -> dict[str, Any]:
    seen = [state.seen() for state in states]
    return {
        "part": seen[0].part if seen else "",
        "points": len(seen),
        "done": sum(each.stopped_by is not None for each in seen),
        "blocks": sum(each.blocks for each in seen),
        "errors": sum(each.block_errors for each in seen),
        "expected": sum(each.expected for each in seen),
    }


def status(folder: Path) -> list[str]:
    """Where a running or stopped run stands, a line for each part; readers never hinder the run.

    Raises
    ------
    ScenarioError
        When the folder holds no run.
    """
    if not (folder / runfolder.SCENARIO).is_file():
        raise ScenarioError(f"{folder} holds no run", key="DIR")
    points, notes = engine.read_progress(folder / runfolder.LEDGER)
    running = _is_locked(folder / runfolder.LOCK)
    failed = sum(point.stopped_by == "failed" for point in points)
    state = "running" if running else "done" if all(p.stopped_by for p in points) else "stopped"
    lines = [f"{folder}: {state}" + (f", {failed} points given up" if failed else "")]
    for part in dict.fromkeys(point.part for point in points):
        mine = [point for point in points if point.part == part]
        counts = {
            "points": len(mine),
            "done": sum(point.stopped_by is not None for point in mine),
            "blocks": sum(point.blocks for point in mine),
            "errors": sum(point.block_errors for point in mine),
        }
        lines.append(f"  {part or 'points'}: {_words(counts)}")
    if running:
        lines.append(f"  {_forecast(points, notes)}")
    return lines


def _forecast(points: Sequence[engine.PointProgress], notes: dict[str, float]) -> str:
    blocks, expected = sum(p.blocks for p in points), sum(p.expected for p in points)
    spent_s = notes.get("written", 0.0) - notes.get("begun", 0.0)
    gained = blocks - notes.get("begun_blocks", 0.0)
    if gained <= 0 or spent_s <= 0:
        return "nothing measured yet"
    return f"{gained / spent_s:,.0f} blocks/s, about {(expected - blocks) * spent_s / gained:,.0f} s left"


def _is_locked(lock: Path) -> bool:
    if not lock.is_file():
        return False
    with lock.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return True
    return False
