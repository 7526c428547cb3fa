"""The folder a run leaves: what was asked, what came out, and what it was computed with."""

import contextlib
import csv
import fcntl
import hashlib
import json
import os
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from ntn6g.core.errors import RunError, ScenarioError
from ntn6g.scenario import Scenario, dump, load
from ntn6g.study.engine import Costs

SCENARIO, MANIFEST, LEDGER = "scenario.yaml", "manifest.json", "ledger.sqlite"
RESULTS, TIMING, SERIES, LOCK = "results.csv", "timing.csv", "series", ".lock"
_OURS = (SCENARIO, MANIFEST, LEDGER, f"{LEDGER}-wal", f"{LEDGER}-shm", RESULTS, TIMING)
_OF_TRAINING = ("card.*", "history.csv", "seed-*.npz", "checkpoints/*.npz", "tensorboard/*/events.*", "data/*.npz")
RUN, TRAINING = "run", "training"
# What may change before a folder is continued: a run may be refined, a training may get more seeds.
_FREE_TO_CHANGE = {RUN: ("sweep", "stop", "training"), TRAINING: ("training.seeds",)}


class RunFolder:
    """Opens a folder for a scenario: a new one, one to continue, or a refusal in one line.

    Parameters
    ----------
    path : Path
        The folder; made when missing.
    scenario : Scenario
        What is to be run.
    versions, numerics : mapping
        What it will be computed with.
    fresh : bool
        Throw away an earlier run in the folder.
    purpose : str
        ``run`` or ``training``: what the folder is for.

    Raises
    ------
    ScenarioError
        When the folder holds another run, was computed with another version or other numerics, holds something
        else, or cannot be written. Nothing has been changed by then.
    """

    def __init__(
        self,
        path: Path,
        scenario: Scenario,
        *,
        versions: Mapping[str, str],
        numerics: Mapping[str, Any],
        fresh: bool,
        purpose: str = RUN,
    ) -> None:
        self.path, self.purpose = path, purpose
        self.warnings: list[str] = []
        self._earlier = self._read_manifest()
        if path.exists() and not path.is_dir():
            raise ScenarioError(f"{path} is a file; it must be a folder", key="--out")
        if path.exists() and any(each.name != LOCK for each in path.iterdir()) and not (path / SCENARIO).exists():
            raise ScenarioError(f"{path} is not empty and holds no run; choose another folder", key="--out")
        found = self._earlier.get("purpose", RUN) if self._earlier else purpose
        if (path / SCENARIO).exists() and found != purpose:
            raise ScenarioError(f"{path} holds a {found}, not a {purpose}; choose another folder", key="--out")
        if (path / SCENARIO).exists() and not fresh:
            self._require_same_run(scenario, versions, numerics)
        self._make_writable()
        self._fresh, self._scenario_text = fresh, _header() + dump(scenario)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Own the folder while it is written; the lock goes with the process, however it ends.

        Raises
        ------
        ScenarioError
            When another process is writing it; nothing has been changed by then.
        """
        with (self.path / LOCK).open("a+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                file.seek(0)
                raise ScenarioError(
                    f"process {file.read().strip() or '?'} is running in {self.path}; wait for it, or choose another "
                    "folder ('ntn6g status' shows where it stands)",
                    key="--out",
                ) from None
            file.truncate(0)
            file.write(str(os.getpid()))
            file.flush()
            if self._fresh:
                self._clear()
            self.write_text(SCENARIO, self._scenario_text)
            yield

    @property
    def ledger(self) -> Path:
        """The ledger's file."""
        return self.path / LEDGER

    def manifest(self, **entries: Any) -> None:
        """Write the manifest; times of earlier sessions on this folder are added up."""
        for total in entries.keys() & {"wall_s", "run_s", "compile_s", "compile_count", "ledger_s"}:
            entries[total] = round(entries[total] + self._earlier.get(total, 0), 3)
        self.write_text(MANIFEST, json.dumps(entries, indent=2, sort_keys=False) + "\n")

    def table(self, name: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write rows as CSV: the union of their columns in order of appearance, floats to the last bit."""
        columns = list(dict.fromkeys(column for row in rows for column in row))
        temporary = self.path / f".{name}.tmp"
        with temporary.open("w", newline="") as file:
            writer = csv.DictWriter(file, columns, restval="", lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
        os.replace(temporary, self.path / name)

    def add_costs(self, spent: Sequence[tuple[Mapping[str, Any], int, float]], joined: Sequence[Path] = ()) -> None:
        """Add what each point cost this session, its chunks and seconds, to what was written of it before.

        A point is found again by the text of its part and axes, in this folder and in those ``joined`` to it; points
        of an earlier sweep that this one leaves out drop out of the table.
        """
        before: dict[frozenset[tuple[str, str]], tuple[int, float]] = {}
        for folder in (self.path, *joined):
            for row in read_rows(folder, TIMING) if (folder / TIMING).exists() else ():
                chunks, run_s = before.get(_place(row), (0, 0.0))
                before[_place(row)] = chunks + int(row["chunks"]), run_s + float(row["run_s"])
        rows = []
        for where, chunks, run_s in spent:
            old_chunks, old_s = before.get(_place(where), (0, 0.0))
            rows.append({**where, "chunks": old_chunks + chunks, "run_s": round(old_s + run_s, 6)})
        self.table(TIMING, rows)

    def series(self, name: str, arrays: Mapping[str, Any]) -> None:
        """Write arrays under ``series/``."""
        import numpy as np

        (self.path / SERIES).mkdir(exist_ok=True)
        np.savez(self.path / SERIES / f"{name}.npz", **arrays)

    def only_series(self, names: Sequence[str]) -> None:
        """Remove the series of an earlier sweep that this one does not have."""
        for file in (self.path / SERIES).glob("*.npz"):
            if file.stem not in names:
                file.unlink()

    def write_text(self, name: str, text: str) -> None:
        """Write a file whole or not at all."""
        temporary = self.path / f".{name}.tmp"
        temporary.write_text(text)
        os.replace(temporary, self.path / name)

    def _read_manifest(self) -> dict[str, Any]:
        try:
            found: Any = json.loads((self.path / MANIFEST).read_text())
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def _require_same_run(self, scenario: Scenario, versions: Mapping[str, str], numerics: Mapping[str, Any]) -> None:
        advice = "choose another --out, or --fresh to start over"
        free = _FREE_TO_CHANGE[self.purpose]
        difference = _first_difference(*(_fixed(each, free) for each in (load(self.path / SCENARIO), scenario)))
        if difference:
            raise ScenarioError(f"{self.path} holds another scenario: {difference}; {advice}", key="--out")
        old_version = self._earlier.get("versions", {}).get("ntn6g", versions["ntn6g"])
        if old_version != versions["ntn6g"]:
            raise ScenarioError(
                f"{self.path} was computed with ntn6g {old_version}, this is {versions['ntn6g']}; {advice}", key="--out"
            )
        now = json.loads(json.dumps(numerics))
        difference = _first_difference(*_comparable(self._earlier.get("numerics", {}), now))
        if not self._earlier and (self.path / LEDGER).exists():
            raise ScenarioError(
                f"{self.path} holds a ledger, but no manifest that says how it was computed: was a file cut short? "
                f"{advice}",
                key="--out",
            )
        if self._earlier and difference:
            raise ScenarioError(f"{self.path} was computed with other numerics: {difference}; {advice}", key="--out")
        old_commit, commit = self._earlier.get("commit"), source_commit()
        if self._earlier and old_commit != commit:
            self.warnings.append(f"{self.path} was begun at commit {old_commit}, this is {commit}")

    def _make_writable(self) -> None:
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            probe = self.path / ".probe"
            probe.touch()
            probe.unlink()
        except OSError as error:
            raise ScenarioError(f"{self.path} cannot be written: {error.strerror}", key="--out") from error

    def _clear(self) -> None:
        old = [self.path / name for name in _OURS]
        drawn = [*self._earlier.get("parts", {}), str(self._earlier.get("study", ""))]
        old += [self.path / f"{name}.{kind}" for name in drawn for kind in ("png", "svg")]
        old += [self.path / "report.html", *(self.path / SERIES).glob("*.npz")]
        old += [each for name in _OF_TRAINING for each in self.path.glob(name) if each.is_file()]
        for file in old:
            file.unlink(missing_ok=True)
        self._earlier = {}


def require_alike(folders: Sequence[Path]) -> tuple[Scenario, dict[str, str], dict[str, Any]]:
    """Scenario, versions and numerics that several run folders share.

    Raises
    ------
    ScenarioError
        A folder without a run, or two that differ: names the difference.
    """
    found: list[tuple[Path, Scenario, dict[str, Any]]] = []
    for folder in folders:
        if not (folder / SCENARIO).is_file() or not (folder / LEDGER).is_file():
            raise ScenarioError(f"{folder} holds no run with a ledger", key="DIR")
        try:
            manifest = dict(json.loads((folder / MANIFEST).read_text()))
            _ = manifest["versions"], manifest["numerics"]
        except (OSError, ValueError, TypeError, KeyError):
            raise ScenarioError(
                f"{folder} has no whole manifest: let its run end, or continue it first", key="DIR"
            ) from None
        found.append((folder, load(folder / SCENARIO), manifest))
    first, scenario, manifest = found[0]
    for folder, other, theirs in found[1:]:
        difference = _first_difference(_fixed(scenario, free=()), _fixed(other, free=())) or _first_difference(
            {key: manifest[key] for key in ("versions", "numerics")},
            {key: theirs[key] for key in ("versions", "numerics")},
        )
        if difference:
            raise ScenarioError(f"{first} and {folder} cannot be joined: {difference}", key="DIR")
    return scenario, manifest["versions"], manifest["numerics"]


def joined_costs(folders: Sequence[Path]) -> tuple[Costs, float, float]:
    """What several runs cost together: compiling and computing, their ledgers, and wall time, s."""
    manifests = [json.loads((folder / MANIFEST).read_text()) for folder in folders]

    def total(name: str) -> float:
        return float(sum(each.get(name, 0.0) for each in manifests))

    costs = Costs(total("compile_s"), int(total("compile_count")), total("run_s"))
    return costs, total("ledger_s"), total("wall_s")


def read_rows(folder: Path, name: str = RESULTS) -> list[dict[str, str]]:
    """Lines of one of a folder's tables, as text."""
    try:
        with (folder / name).open(newline="") as file:
            return list(csv.DictReader(file))
    except OSError as error:
        raise RunError(f"{folder} holds no {name}: {error.strerror}") from error


def _place(row: Mapping[str, Any]) -> frozenset[tuple[str, str]]:
    """Part and axes of a row of costs, as a table holds them."""
    return frozenset((key, str(value)) for key, value in row.items() if key not in ("chunks", "run_s") and value != "")


def source_commit() -> str | None:
    """Commit of the source tree the package runs from, with '+' when it has changes; None for an installed wheel."""
    here = Path(__file__).resolve().parent
    try:
        inside = subprocess.run(
            ["git", "ls-files", "--error-unmatch", "runfolder.py"],
            cwd=here,
            capture_output=True,
            text=True,
            check=False,
        )
        if inside.returncode:
            return None
        commit = subprocess.run(
            ["git", "describe", "--always", "--dirty=+", "--abbrev=12", "--exclude=*"],
            cwd=here,
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return commit.stdout.strip()


def table_digests() -> dict[str, str]:
    """SHA-256 of every model table in the package, and of every trained model."""
    root = Path(str(resources.files("ntn6g")))
    tables: Iterable[Path] = sorted(
        file
        for room in ("orbit", "channel", "phy", "services")
        for kind in ("*.yaml", "*.csv", "models/*/*.npz")
        for file in (root / room).rglob(kind)
    )
    return {file.relative_to(root).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest() for file in tables}


def _header() -> str:
    lines = [f"# sha256 {digest}  ntn6g/{name}" for name, digest in table_digests().items()]
    return "\n".join(["# Resolved scenario of this run; running it again reproduces the run.", *lines, ""])


def _fixed(scenario: Scenario, free: Sequence[str]) -> dict[str, Any]:
    """A scenario without what may change between sessions on one folder."""
    from ntn6g.scenario import flatten

    kept = {}
    for part, each in scenario.parts_resolved().items():
        for path, value in flatten(each).items():
            room = path.partition(".")[0]
            if not {path, room} & {*free, "description", "engine.gpus_per_worker"}:
                kept[f"parts.{part}.{path}" if part else path] = value
    return kept


def _comparable(*numerics: dict[str, Any]) -> list[dict[str, Any]]:
    """Records of numerics with the batches of those structures that all of them hold: a finer sweep may add some."""
    rows = [each.get("batch_rows", {}) for each in numerics]
    shared = set.intersection(*map(set, rows))
    return [
        {**each, "batch_rows": {label: found[label] for label in sorted(shared)}}
        for each, found in zip(numerics, rows, strict=True)
    ]


def _first_difference(old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    for key in dict.fromkeys([*old, *new]):
        was, now = old.get(key), new.get(key)
        if was != now:
            if isinstance(was, dict) and isinstance(now, dict):
                return f"{key}.{_first_difference(was, now)}"
            return f"{key} was {was}, is {now}"
    return ""
