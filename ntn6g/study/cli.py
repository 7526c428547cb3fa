"""The command line. Commands are thin: each loads what it was given and calls one function."""

import json
import shlex
import sys
import warnings
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from ntn6g import __version__
from ntn6g.core.errors import Ntn6gError, ScenarioError, ScenarioWarning

app = typer.Typer(
    name="ntn6g",
    help="Link-level simulation of integrated terrestrial-orbital 6G.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


class Topic(StrEnum):
    """What can be listed."""

    CONFIGS = "configs"
    CONSTELLATIONS = "constellations"
    CHANNELS = "channels"
    WAVEFORMS = "waveforms"
    POLICIES = "policies"
    DETECTORS = "detectors"
    STUDIES = "studies"


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"ntn6g {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Link-level simulation of integrated terrestrial-orbital 6G."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@app.command()
def run(
    config: Annotated[str, typer.Argument(help="A scenario file, or the name of a shipped one (ntn6g list configs).")],
    out: Annotated[Path, typer.Option(help="Folder for the results; an unfinished run in it is continued.")],
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY.PATH=VALUE", help="Change one key; may be repeated.")
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes to share the work; changes no result.")] = 1,
    ray: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Ray cluster to share the work: auto, local or host:port.")
    ] = None,
    points: Annotated[
        str | None, typer.Option(metavar="I:J", help="Only points I to J-1; 'ntn6g merge' joins the folders.")
    ] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Throw away an earlier run in the folder.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Show nothing while running.")] = False,
) -> None:
    """Run a scenario: tables, figures and everything needed to run it again, in one folder."""
    from ntn6g.scenario import load
    from ntn6g.study.run import How, run_scenario

    scenario = load(config, set_ or [])
    how = How(workers=workers, ray=ray, points=_range(points), fresh=fresh, quiet=quiet)
    raise typer.Exit(run_scenario(scenario, out, how))


def _range(text: str | None) -> tuple[int, int | None]:
    if text is None:
        return 0, None
    first, colon, last = text.partition(":")
    if not colon or not all(part == "" or part.isdecimal() for part in (first, last)):
        raise ScenarioError(f"{text!r} is not of the form I:J with whole numbers, such as 0:10", key="--points")
    return int(first or 0), int(last) if last else None


@app.command()
def train(
    config: Annotated[str, typer.Argument(help="A scenario with a section 'training': a file, or a shipped name.")],
    out: Annotated[Path, typer.Option(help="Folder for weights and card; an unfinished training in it is continued.")],
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY.PATH=VALUE", help="Change one key; may be repeated.")
    ] = None,
    data: Annotated[
        bool, typer.Option("--data", help="Write the splits as npz files too, to train elsewhere.")
    ] = False,
    fresh: Annotated[bool, typer.Option("--fresh", help="Throw away an earlier training in the folder.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Show nothing while training.")] = False,
) -> None:
    """Train a model: weights of every seed and a card about them; other scenarios name the folder to use it."""
    from ntn6g.scenario import load
    from ntn6g.study.train import TrainHow, train_scenario

    scenario = load(config, set_ or [])
    words = ["ntn6g", "train", config, "--out", str(out), *(word for each in set_ or [] for word in ("--set", each))]
    how = TrainHow(fresh=fresh, quiet=quiet, data=data, command=shlex.join(words))
    raise typer.Exit(train_scenario(scenario, out, how))


@app.command()
def status(folder: Annotated[Path, typer.Argument(metavar="DIR", help="A run folder.")]) -> None:
    """Say where a running or stopped run stands."""
    from ntn6g.study.progress import status as lines

    for line in lines(folder):
        typer.echo(line)


@app.command()
def merge(
    folders: Annotated[list[Path], typer.Argument(metavar="DIR...", help="Runs of one scenario, any points.")],
    out: Annotated[Path, typer.Option(help="Folder for the joined run.")],
) -> None:
    """Join runs of one scenario that computed different points."""
    from ntn6g.study.join import join

    join(folders, out)


@app.command()
def plot(
    folders: Annotated[list[Path], typer.Argument(metavar="DIR...", help="Finished runs.")],
    out: Annotated[Path, typer.Option(help="Figure to write: .png, .pdf or .svg.")],
    x: Annotated[str, typer.Option(metavar="COLUMN", help="Column of results.csv on the x axis.")] = "",
    y: Annotated[
        list[str] | None, typer.Option(metavar="COLUMN", help="Column on the y axis; repeat for more panels.")
    ] = None,
    hue: Annotated[str, typer.Option(metavar="KEY", help="Swept or differing key that chooses the colour.")] = "",
    bars: Annotated[bool, typer.Option("--bars", help="Intervals as bars at the points, not as bands.")] = False,
) -> None:
    """Overlay finished runs on one figure; the legend says what differs between them."""
    from ntn6g.study.plots import View, overlay

    overlay(folders, out, View(x, tuple(y or ()), hue, bands=not bars))


@app.command()
def report(folder: Annotated[Path, typer.Argument(metavar="DIR", help="A run folder.")]) -> None:
    """Write report.html into a run folder: one file that opens offline."""
    from ntn6g.study.report import write_report

    typer.echo(write_report(folder))


@app.command(name="list")
def list_(
    topic: Annotated[Topic | None, typer.Argument(help="What to list; everything when left out.")] = None,
) -> None:
    """List what a scenario may name."""
    from ntn6g.study.catalogue import catalogue

    for each in [topic] if topic else list(Topic):
        typer.echo(f"{each.value}:")
        for name, what in catalogue(each.value).items():
            typer.echo(f"  {name:<20} {what}")


@app.command()
def schema() -> None:
    """Print the JSON Schema of a scenario, for editors."""
    from ntn6g.scenario import json_schema

    typer.echo(json.dumps(json_schema(), indent=2))


_usual_warning = warnings.formatwarning


def _one_line(
    message: Warning | str, category: type[Warning], filename: str, lineno: int, line: str | None = None
) -> str:
    if issubclass(category, ScenarioWarning):
        return f"warning: {message}\n"
    return _usual_warning(message, category, filename, lineno, line)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns 0 done, 1 failed, 2 bad input, 130 interrupted with everything finished kept."""
    warnings.formatwarning = _one_line
    try:
        code = app(args=list(sys.argv[1:] if arguments is None else arguments), standalone_mode=False)
    except typer.TyperException as error:
        typer.echo(f"error: {error.format_message()}", err=True)
        return 2
    except Ntn6gError as error:
        typer.echo(f"error: {error}", err=True)
        return error.exit_code
    except (KeyboardInterrupt, typer.Abort):
        return 130
    except BrokenPipeError:
        return 0
    return int(code or 0)
