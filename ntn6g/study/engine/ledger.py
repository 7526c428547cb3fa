"""The source of truth of a run: one SQLite record per chunk, written as it goes."""

import json
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np

from ntn6g.core.errors import RunError
from ntn6g.study.engine.tally import Chunk, ChunkStack, Columns

_SCHEMA = """
CREATE TABLE IF NOT EXISTS layout (id INTEGER PRIMARY KEY, names TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS point (
    id INTEGER PRIMARY KEY, identity TEXT NOT NULL UNIQUE, layout INTEGER NOT NULL REFERENCES layout(id)
);
CREATE TABLE IF NOT EXISTS chunk (
    point INTEGER NOT NULL REFERENCES point(id),
    number INTEGER NOT NULL,
    tally BLOB NOT NULL,
    PRIMARY KEY (point, number)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS progress (
    place INTEGER PRIMARY KEY, part TEXT NOT NULL, axes TEXT NOT NULL,
    blocks INTEGER NOT NULL, block_errors INTEGER NOT NULL, expected INTEGER NOT NULL, stopped_by TEXT
);
CREATE TABLE IF NOT EXISTS note (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""
_CHUNKS = "SELECT number, tally FROM chunk WHERE point = ? ORDER BY number"


@dataclass(frozen=True)
class PointProgress:
    """Where one point stands, for readers from outside; ``place`` numbers the points of all parts."""

    place: int
    part: str
    axes: Mapping[str, Any]
    blocks: int
    block_errors: int
    expected: int
    stopped_by: str | None


class Ledger:
    """Open ledger of one run folder.

    Each call of `write` is one transaction: after a crash the file holds all of it or nothing. WAL where the disk
    allows it, so that readers never wait; else a rollback journal.

    Raises
    ------
    RunError
        When the file cannot be opened, read or written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.spent_s = 0.0
        try:
            self._db = sqlite3.connect(path, isolation_level=None)
            mode = self._db.execute("PRAGMA journal_mode=WAL").fetchone()[0]
            if mode != "wal":
                self._db.execute("PRAGMA journal_mode=DELETE")
            self._db.execute("PRAGMA synchronous=NORMAL" if mode == "wal" else "PRAGMA synchronous=FULL")
            self._db.executescript(_SCHEMA)
            self._layouts = {names: row for row, names in self._db.execute("SELECT id, names FROM layout")}
            self._points = {
                identity: (row, _columns(names))
                for row, identity, names in self._db.execute(
                    "SELECT point.id, identity, names FROM point JOIN layout ON layout.id = point.layout"
                )
            }
        except sqlite3.Error as error:
            raise RunError(f"cannot open the ledger {path}: {error}") from error

    def read(self, identity: str) -> tuple[Any, ChunkStack]:
        """Chunks of a point in index order: their numbers, int64 [chunks], and their columns."""
        row, columns = self._points.get(identity, (0, ((), ())))
        if not row:
            return np.zeros(0, np.int64), ChunkStack({}, {})
        found = self._db.execute(_CHUNKS, (row,)).fetchall()
        numbers = np.array([number for number, _ in found], np.int64)
        return numbers, ChunkStack.loads(b"".join(tally for _, tally in found), columns)

    def write(
        self, records: Iterable[tuple[str, int, Chunk]], progress: Sequence[PointProgress] = ()
    ) -> None:
        """Add chunks (point identity, number, chunk), and where points stand, in one transaction."""
        begun = time.perf_counter()
        with self._transaction("write"):
            self._db.executemany(
                "INSERT OR REPLACE INTO chunk VALUES (?, ?, ?)",
                [(self._point(identity, chunk.columns), number, chunk.dumps()) for identity, number, chunk in records],
            )
            self._show(progress)
            self._note("written", repr(time.time()))
        self.spent_s += time.perf_counter() - begun

    def _show(self, progress: Sequence[PointProgress]) -> None:
        self._db.executemany(
            "INSERT OR REPLACE INTO progress VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                (p.place, p.part, json.dumps(p.axes), p.blocks, p.block_errors, p.expected, p.stopped_by)
                for p in progress
            ],
        )

    @contextmanager
    def _transaction(self, doing: str) -> Iterator[None]:
        """All of it or nothing, whatever goes wrong."""
        points, layouts = dict(self._points), dict(self._layouts)
        try:
            self._db.execute("BEGIN IMMEDIATE")
            yield
            self._db.execute("COMMIT")
        except sqlite3.Error as error:
            raise RunError(
                f"cannot {doing} the ledger {self._path}: {error}; chunks written before are kept"
            ) from error
        finally:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
                self._points, self._layouts = points, layouts

    def plan(self, progress: Sequence[PointProgress]) -> None:
        """Replace the list of points: what this run will compute, and where each stands now."""
        with self._transaction("write"):
            self._db.execute("DELETE FROM progress")
            self._show(progress)
            self._note("begun", repr(time.time()))
            self._note("begun_blocks", repr(sum(point.blocks for point in progress)))
            self._note("written", repr(time.time()))

    def take_from(self, other: Path) -> None:
        """Copy the chunks of another ledger; those that both hold must be equal.

        Raises
        ------
        RunError
            When the two disagree: they were not computed alike.
        """
        with self._transaction(f"join {other} into"), closing(_read_only(other)) as theirs:
            for row, identity, names in theirs.execute(
                "SELECT point.id, identity, names FROM point JOIN layout ON layout.id = point.layout"
            ).fetchall():
                self._join(other, identity, _columns(names), theirs.execute(_CHUNKS, (row,)).fetchall())

    def _join(self, other: Path, identity: str, columns: Columns, chunks: list[tuple[int, bytes]]) -> None:
        mine = self._point(identity, columns)
        held = dict(self._db.execute(_CHUNKS, (mine,)).fetchall())
        if any(held.get(number, tally) != tally for number, tally in chunks):
            raise RunError(f"{other} and {self._path} disagree about one chunk; were they computed alike?")
        self._db.executemany(
            "INSERT OR IGNORE INTO chunk VALUES (?, ?, ?)", [(mine, number, tally) for number, tally in chunks]
        )

    def close(self) -> None:
        """Fold the journal into the file and close it; where the disk is full, the journal stays and is read too."""
        with suppress(sqlite3.Error):
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._db.close()

    def _note(self, name: str, value: str) -> None:
        self._db.execute("INSERT OR REPLACE INTO note VALUES (?, ?)", (name, value))

    def _point(self, identity: str, columns: Columns) -> int:
        if identity not in self._points:
            names = json.dumps(columns)
            if names not in self._layouts:
                made = self._db.execute("INSERT INTO layout (names) VALUES (?)", (names,))
                self._layouts[names] = int(made.lastrowid or 0)
            made = self._db.execute(
                "INSERT INTO point (identity, layout) VALUES (?, ?)", (identity, self._layouts[names])
            )
            self._points[identity] = int(made.lastrowid or 0), columns
        return self._points[identity][0]


def _read_only(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True)


def _columns(names: str) -> Columns:
    counts, sums = json.loads(names)
    return tuple(counts), tuple(sums)


def read_progress(path: Path) -> tuple[list[PointProgress], dict[str, float]]:
    """Where a running or stopped run stands, without hindering it; instants ``begun`` and ``written`` (Unix time).

    Raises
    ------
    RunError
        When there is no ledger, or it cannot be read.
    """
    if not path.is_file():
        raise RunError(f"{path.parent} holds no ledger: not a run folder, or the run has not started yet")
    try:
        with closing(_read_only(path)) as db:
            rows = db.execute(
                "SELECT place, part, axes, blocks, block_errors, expected, stopped_by FROM progress ORDER BY place"
            ).fetchall()
            notes = dict(db.execute("SELECT name, value FROM note").fetchall())
    except sqlite3.Error as error:
        raise RunError(f"cannot read the ledger {path}: {error}") from error
    points = [PointProgress(place, part, json.loads(axes), *rest) for place, part, axes, *rest in rows]
    return points, {name: float(value) for name, value in notes.items()}
