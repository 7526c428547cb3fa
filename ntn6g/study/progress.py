"""What a user sees while a sweep runs, in the terminal or from outside: points, blocks, errors, time left."""

import fcntl
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
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
    """Counts in words; studies without chance have points only."""
    chance = f" {counts['blocks']:,} blocks {counts['errors']:,} errors" if counts["blocks"] else ""
    return f"{counts['done']}/{counts['points']} points{chance}"


class _Pace:
    """Blocks computed and time spent since the first batch of this session was there: what compiling took is apart."""

    def __init__(self) -> None:
        self._first: tuple[float, int] | None = None
        self._last = 0.0, 0

    def note(self, blocks: int) -> None:
        """A batch has come in: ``blocks`` are counted now."""
        self._last = time.monotonic(), blocks
        self._first = self._first or self._last

    @property
    def unknown(self) -> bool:
        """Whether no batch has been noted."""
        return self._first is None

    @property
    def blocks_per_s(self) -> float:
        """0 where nothing is known yet."""
        first = self._first or self._last
        spent_s, gained = self._last[0] - first[0], self._last[1] - first[1]
        return gained / spent_s if spent_s > 0 else 0.0

    def left(self, blocks: int) -> str:
        """When this many blocks will be there, in words."""
        return f", about {blocks / self.blocks_per_s:,.0f} s left" if self.blocks_per_s else ""


def bars(console: Console, *figures: ProgressColumn, auto_refresh: bool = True) -> Progress:
    """Bars with what is done, ``figures``, time spent and time left."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=12),
        *figures,
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(compact=True),
        console=console,
        auto_refresh=auto_refresh,
    )


class Display:
    """A bar per part in a terminal and a line on what happens, a line now and then elsewhere, nothing when quiet.

    Parameters
    ----------
    quiet : bool
        Show nothing.
    """

    def __init__(self, *, quiet: bool) -> None:
        self.console = Console(stderr=True, quiet=quiet)
        self._bar = bars(self.console, _Counts(), auto_refresh=False)
        self._parts: list[Sequence[engine.Progress[Any]]] = []
        self._tasks: list[Any] = []
        self._shown_s = self._begun_s = 0.0
        self._structure = ""
        self._compiling_since: float | None = None
        self._pace = _Pace()

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
        with Live(get_renderable=self._drawn, console=self.console, refresh_per_second=4):
            self.update(now=True)
            yield
            self._structure = ""
            self.update(now=True)

    def _drawn(self) -> RenderableType:
        """The bars, and below them what happens now; called four times a second, while XLA compiles too."""
        if not self._structure:
            return self._bar
        if self._compiling_since is not None:
            line = f"compiling {self._structure}, {time.monotonic() - self._compiling_since:.0f} s"
        else:
            pace = self._pace.blocks_per_s
            line = f"computing {self._structure}" + (f", {pace:,.0f} blocks/s" if pace else "")
        return Group(self._bar, Text(line, style="dim", no_wrap=True))

    def structure(self, index: int, count: int) -> None:
        """A structure begins: its first batch compiles."""
        self._structure = f"structure {index} of {count}"
        self._compiling_since = time.monotonic()
        self._pace = _Pace()
        if count > 1 and not self.console.is_terminal:
            self.say(f"compiling {self._structure}")

    def update(self, *, now: bool = False) -> None:
        """A batch has come in (or, with ``now``, the run begins or ends)."""
        if not now:
            self._compiling_since = None
        waited_s = time.monotonic() - self._shown_s
        if not self.console.is_terminal:
            if self._pace.unknown or waited_s > _LOG_EVERY_S:
                self._pace.note(sum(state.tally.blocks for states in self._parts for state in states))
            if waited_s > _LOG_EVERY_S:
                self._log()
            return
        if waited_s < _REFRESH_S and not now:
            return
        self._shown_s = time.monotonic()
        blocks = 0
        for task, states in zip(self._tasks, self._parts, strict=True):
            counts = _count(states)
            blocks += counts["blocks"]
            # a share, not blocks: the bar forgets its speed whenever its total changes, and the forecast moves
            share = counts["blocks"] / max(counts.pop("expected"), 1)
            finished = counts["done"] == counts["points"]
            self._bar.update(task, completed=1.0 if finished else min(share, 1.0), **counts)
        if not now:
            self._pace.note(blocks)

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
                left = self._pace.left(counts["expected"] - counts["blocks"])
                self.say(f"{counts['part'] or 'points'}: {_words(counts)} after {spent_s:.0f} s{left}")


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
    if not (folder / runfolder.LEDGER).is_file():
        raise ScenarioError(f"{folder} holds a scenario, but no ledger: the run has not started yet", key="DIR")
    points, notes = engine.read_progress(folder / runfolder.LEDGER)
    running = _is_locked(folder / runfolder.LOCK)
    failed = sum(point.stopped_by == "failed" for point in points)
    done = bool(points) and all(p.stopped_by for p in points)
    state = "running" if running else "done" if done else "stopped"
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
