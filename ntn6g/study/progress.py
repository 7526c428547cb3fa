"""What the terminal shows while a sweep runs: points, blocks, errors, time left."""

from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.text import Text


class _Counts(ProgressColumn):
    """Points done of all, blocks counted, block errors seen."""

    def render(self, task: Task) -> Text:
        fields = task.fields
        return Text(
            f"{fields['done']}/{fields['points']} points  {fields['blocks']:,} blocks  {fields['errors']:,} errors"
        )


class Display:
    """A bar per part; nothing at all when quiet.

    Parameters
    ----------
    quiet : bool
        Show nothing.
    """

    def __init__(self, *, quiet: bool) -> None:
        self.console = Console(stderr=True, quiet=quiet)
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            _Counts(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(compact=True),
            console=self.console,
            refresh_per_second=4,
        )
        self._task: Any = None

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def part(self, name: str, points: int) -> None:
        """Begin a part's bar."""
        self._task = self._bar.add_task(name or "points", total=None, points=points, done=0, blocks=0, errors=0)

    def update(self, states: Sequence[Any]) -> None:
        """Show the state of every point of the part."""
        expected = sum(
            state.tally.blocks if state.stopped_by else state.rule.blocks_expected(state.tally) for state in states
        )
        blocks = sum(state.tally.blocks for state in states)
        self._bar.update(
            self._task,
            total=max(expected, 1),
            completed=blocks if expected else 1,
            done=sum(state.stopped_by is not None for state in states),
            blocks=blocks,
            errors=sum(state.tally.counts.get("block_errors", 0) for state in states),
        )
