"""From a scenario to trained models in a folder: seed by seed, round by round, continued where it was left."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from ntn6g.core.errors import ScenarioError
from ntn6g.scenario import Scenario
from ntn6g.study import device, runfolder
from ntn6g.study.interruption import terminate_as_interrupt

if TYPE_CHECKING:
    from ntn6g.study.training import Learner, Plan
    from ntn6g.study.training.checkpoint import Progress
    from ntn6g.study.training.log import TrainingDisplay

DONE, INTERRUPTED = 0, 130
CHECKPOINTS, EVENTS, DATA, HISTORY = "checkpoints", "tensorboard", "data", "history.csv"


@dataclass(frozen=True, kw_only=True)
class TrainHow:
    """What is shown, and what besides the model is wanted.

    Parameters
    ----------
    fresh, quiet : bool
        As for a run.
    data : bool
        Whether the splits are written as npz files too.
    command : str
        For the card.
    """

    fresh: bool = False
    quiet: bool = False
    data: bool = False
    command: str = ""


def train_scenario(scenario: Scenario, out: Path, how: TrainHow) -> int:
    """Train what a scenario's section ``training`` asks; returns 0 when done, 130 when interrupted.

    Raises
    ------
    ScenarioError
        Bad input, or a folder that holds something else; nothing has been written by then.
    """
    asked = scenario.training
    if asked is None:
        raise ScenarioError("required key is missing; 'ntn6g train' needs it", key="training")
    with Console(stderr=True, quiet=how.quiet).status("starting TensorFlow"):
        device.start()
        from ntn6g.study.build.training import build_learner
        from ntn6g.study.training import Plan
        from ntn6g.study.training.card import write_model
        from ntn6g.study.training.checkpoint import write_arrays
        from ntn6g.study.training.log import TrainingDisplay

        learner = build_learner(scenario)
    display = TrainingDisplay(quiet=how.quiet)
    plan = Plan(tuple(range(scenario.seed, scenario.seed + asked.seeds)), asked.rounds, asked.steps, asked.patience)
    versions, numerics = device.versions(), device.numerics({})
    folder = runfolder.RunFolder(
        out, scenario, versions=versions, numerics=numerics, fresh=how.fresh, purpose=runfolder.TRAINING
    )
    for warning in folder.warnings:
        display.say(f"warning: {warning}")
    session = _Session(scenario, learner, plan, folder, display, versions, numerics)
    with folder.locked():
        session.note(complete=False)
        try:
            with terminate_as_interrupt(), display.showing():
                trained = [session.train(place, seed) for place, seed in enumerate(plan.seeds, 1)]
                session.history(trained)
                card = write_model(folder, scenario, learner, trained, versions=versions, command=how.command)
                if how.data:
                    for split, arrays in learner.splits():
                        write_arrays(folder.path / DATA / f"{split}.npz", arrays)
        except KeyboardInterrupt:
            session.note(complete=False)
            display.say("interrupted: every finished round is kept; the same command continues")
            return INTERRUPTED
        session.note(complete=True)
    display.say(f"{out}: {card['model']}, {card['weights']} weights, in {time.perf_counter() - session.clock:.0f} s")
    return DONE


class _Session:
    """One session on a folder of trainings."""

    def __init__(
        self,
        scenario: Scenario,
        learner: "Learner",
        plan: "Plan",
        folder: runfolder.RunFolder,
        display: "TrainingDisplay",
        versions: dict[str, str],
        numerics: dict[str, Any],
    ) -> None:
        self.scenario, self.learner, self.plan = scenario, learner, plan
        self.folder, self.display, self.versions, self.numerics = folder, display, versions, numerics
        self.clock, self.started = time.perf_counter(), datetime.now(UTC)

    def train(self, place: int, seed: int) -> "Progress":
        """Train one seed to its end, from where it was left."""
        from ntn6g.study.training.checkpoint import Progress, restore, save
        from ntn6g.study.training.log import EventFile

        path = self.folder.path / CHECKPOINTS / f"seed-{seed}.npz"
        progress = restore(path, Progress(seed, self.learner.begin(seed)))
        shown = self.display.seed(place, len(self.plan.seeds), self.plan.rounds, progress.round_)
        if progress.over(self.plan.rounds, self.plan.patience):
            shown.round(progress.round_, progress.history[-1], progress.best_score, over=True)
            return progress
        events = EventFile(self.folder.path / EVENTS / f"seed-{seed}")
        try:
            while not progress.over(self.plan.rounds, self.plan.patience):
                figures = self._round(progress)
                save(path, progress)
                events.scalars(figures, progress.round_)
                over = progress.over(self.plan.rounds, self.plan.patience)
                shown.round(progress.round_, figures, progress.best_score, over=over)
        finally:
            events.close()
        return progress

    def _round(self, progress: "Progress") -> dict[str, float]:
        """One more round; ``progress`` changes only once all of it is there."""
        state, learned = self.learner.advance(progress.state, progress.seed, progress.round_)
        figures = {**learned, "score": self.learner.score(state)}
        better = figures["score"] > progress.best_score
        best = self.learner.weights(state) if better else progress.best
        progress.state, progress.round_, progress.best = state, progress.round_ + 1, best
        progress.history.append(figures)
        if better:
            progress.best_score, progress.best_round = figures["score"], progress.round_
        return figures

    def history(self, trained: "list[Progress]") -> None:
        """Figures of every round as a table."""
        self.folder.table(
            HISTORY,
            [
                {"seed": each.seed, "round": round_, **figures}
                for each in trained
                for round_, figures in enumerate(each.history, 1)
            ],
        )

    def note(self, *, complete: bool) -> None:
        """Write the manifest."""
        self.folder.manifest(
            purpose=runfolder.TRAINING,
            study="training",
            name=self.scenario.name,
            model=self.learner.model,
            seed=self.scenario.seed,
            commit=runfolder.source_commit(),
            versions=self.versions,
            device=self.numerics["device"],
            numerics=self.numerics,
            threads=device.threads(1),
            started=self.started.isoformat(timespec="seconds"),
            wall_s=time.perf_counter() - self.clock,
            complete=complete,
            tables=runfolder.table_digests(),
        )
