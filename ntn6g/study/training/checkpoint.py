"""A training between two rounds as one file, written whole or not at all."""

import json
import os
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from ntn6g.core.errors import RunError
from ntn6g.study.training.learner import Arrays, Tree


@dataclass
class Progress:
    """Where one seed stands."""

    seed: int
    state: Tree
    round_: int = 0
    """Rounds that are done."""
    best_score: float = -np.inf
    best_round: int = 0
    best: Arrays = field(default_factory=dict)
    """Weights of the best validation so far."""
    history: list[dict[str, float]] = field(default_factory=list)
    """Figures of every round."""

    def over(self, rounds: int, patience: int) -> bool:
        """Whether it has had its rounds, or has waited long enough for a better one."""
        return self.round_ >= rounds or (self.round_ > 0 and self.round_ - self.best_round >= patience)


def save(path: Path, progress: Progress) -> None:
    """Write a checkpoint; an interruption leaves the earlier one."""
    leaves = {f"state{k:04d}": np.asarray(leaf) for k, leaf in enumerate(tf.nest.flatten(progress.state))}
    best = {f"best/{name}": value for name, value in progress.best.items()}
    facts = {
        "seed": progress.seed,
        "round": progress.round_,
        "best_score": progress.best_score,
        "best_round": progress.best_round,
        "history": progress.history,
    }
    write_arrays(path, {**leaves, **best, "facts": np.array(json.dumps(facts))})


def restore(path: Path, progress: Progress) -> Progress:
    """The progress that a file holds, its state shaped as that of ``progress``; ``progress`` itself without a file.

    Raises
    ------
    RunError
        A file that is damaged, or of another network.
    """
    if not path.is_file():
        return progress
    try:
        with np.load(path, allow_pickle=False) as file:
            found = {name: file[name] for name in file.files}
        facts = json.loads(str(found.pop("facts")))
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise RunError(f"{path} cannot be read ({error}); train with --fresh, or into another folder") from None
    leaves = tf.nest.flatten(progress.state)
    kept = [found.get(f"state{k:04d}") for k in range(len(leaves))]
    for leaf, value in zip(leaves, kept, strict=True):
        if value is None or value.shape != tuple(leaf.shape) or value.dtype != leaf.dtype.as_numpy_dtype:
            raise RunError(f"{path} is of another network; train with --fresh, or into another folder")
    return Progress(
        seed=int(facts["seed"]),
        state=tf.nest.pack_sequence_as(progress.state, [tf.constant(each) for each in kept]),
        round_=int(facts["round"]),
        best_score=float(facts["best_score"]),
        best_round=int(facts["best_round"]),
        best={name.removeprefix("best/"): value for name, value in found.items() if name.startswith("best/")},
        history=list(facts["history"]),
    )


def write_arrays(path: Path, arrays: Mapping[str, Any]) -> None:
    """Write an npz file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.tmp")
    with temporary.open("wb") as file:
        np.savez(file, **arrays)
    os.replace(temporary, path)
