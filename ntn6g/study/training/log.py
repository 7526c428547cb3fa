"""What a user sees of a training: a bar in a terminal, a line now and then elsewhere, and TensorBoard's event files."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import tensorflow as tf
from rich.console import Console
from rich.progress import MofNCompleteColumn, TextColumn

from ntn6g.study.progress import bars

_LOG_EVERY_S = 15.0


class TrainingDisplay:
    """Rounds of each seed, with the last figures.

    Parameters
    ----------
    quiet : bool
        Show nothing.
    """

    def __init__(self, *, quiet: bool) -> None:
        self.console = Console(stderr=True, quiet=quiet)
        self._bar = bars(self.console, MofNCompleteColumn(), TextColumn("{task.fields[figures]}"))
        self._logged_s = time.monotonic()

    def say(self, line: str) -> None:
        """A line about the training."""
        self.console.print(line, highlight=False, markup=False, soft_wrap=True)

    @contextmanager
    def showing(self) -> Iterator[None]:
        """Show bars until the end."""
        if self.console.is_terminal:
            with self._bar:
                yield
        else:
            yield

    def seed(self, number: int, count: int, rounds: int, done: int) -> "SeedDisplay":
        """The bar of a seed."""
        title = f"seed {number} of {count}"
        task = self._bar.add_task(title, total=rounds, completed=done, figures="compiling")
        return SeedDisplay(self, title, task, rounds)

    def update(self, task: int, done: int, figures: str, *, total: int | None = None) -> None:
        """Move a bar."""
        self._bar.update(task, completed=done, figures=figures, **({} if total is None else {"total": total}))  # type: ignore[arg-type]

    def log(self, line: str, *, now: bool) -> None:
        """A line where there is no terminal to draw bars in."""
        if self.console.is_terminal or (not now and time.monotonic() - self._logged_s < _LOG_EVERY_S):
            return
        self._logged_s = time.monotonic()
        self.say(line)


class SeedDisplay:
    """The bar of one seed."""

    def __init__(self, display: TrainingDisplay, title: str, task: int, rounds: int) -> None:
        self._display, self._title, self._task, self._rounds = display, title, task, rounds

    def round(self, done: int, figures: Mapping[str, float], best: float, *, over: bool) -> None:
        """A round has ended."""
        words = f"loss {figures['loss']:.4g}, score {figures['score']:.4f}, best {best:.4f}"
        early = over and done < self._rounds
        self._display.update(
            self._task, done, words + (", stopped early" if early else ""), total=done if early else None
        )
        end = f", stopped early at round {done}" if early else ""
        self._display.log(f"{self._title}: round {done}/{self._rounds}, {words}{end}", now=over)


class EventFile:
    """Scalars for TensorBoard, written by TensorFlow itself; whoever wants to see them needs TensorBoard.

    Parameters
    ----------
    folder : Path
        Of one seed; a resumed training adds a file.
    """

    def __init__(self, folder: Path) -> None:
        self._writer = tf.summary.create_file_writer(str(folder))

    def scalars(self, figures: Mapping[str, float], step: int) -> None:
        """Write figures of a round."""
        with self._writer.as_default(step):
            for name, value in figures.items():
                tf.summary.write(name, tf.constant(value, tf.float32), metadata=_SCALARS)
        self._writer.flush()

    def close(self) -> None:
        """Write what is left."""
        self._writer.close()


# What makes TensorBoard draw a tensor as a curve: its plug-in 'scalars' and the data class SCALAR.
_SCALARS = tf.compat.v1.SummaryMetadata(
    plugin_data=tf.compat.v1.SummaryMetadata.PluginData(plugin_name="scalars"), data_class=1
)
