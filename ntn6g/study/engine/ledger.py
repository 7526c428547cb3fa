"""The source of truth of a run: one SQLite record per chunk, written as it goes."""

import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path

from ntn6g.core.errors import RunError
from ntn6g.study.engine.tally import Chunk

_SCHEMA = """
CREATE TABLE IF NOT EXISTS point (id INTEGER PRIMARY KEY, identity TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS chunk (
    point INTEGER NOT NULL REFERENCES point(id),
    number INTEGER NOT NULL,
    tally TEXT NOT NULL,
    PRIMARY KEY (point, number)
) WITHOUT ROWID;
"""


class Ledger:
    """Open ledger of one run folder.

    Each call of `write` is one transaction: after a crash the file holds all of it or nothing. WAL where the disk
    allows it, else a rollback journal.

    Raises
    ------
    RunError
        When the file cannot be opened or written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._db = sqlite3.connect(path, isolation_level=None)
            mode = self._db.execute("PRAGMA journal_mode=WAL").fetchone()[0]
            if mode != "wal":
                self._db.execute("PRAGMA journal_mode=DELETE")
            self._db.execute("PRAGMA synchronous=NORMAL" if mode == "wal" else "PRAGMA synchronous=FULL")
            self._db.executescript(_SCHEMA)
        except sqlite3.Error as error:
            raise RunError(f"cannot open the ledger {path}: {error}") from error
        self._points: dict[str, int] = {
            identity: row for row, identity in self._db.execute("SELECT id, identity FROM point")
        }

    def read(self, identity: str) -> Iterator[tuple[int, Chunk]]:
        """Chunks of a point with their numbers, in index order."""
        if identity in self._points:
            rows = self._db.execute(
                "SELECT number, tally FROM chunk WHERE point = ? ORDER BY number", (self._points[identity],)
            )
            for number, text in rows:
                yield number, Chunk.loads(text)

    def write(self, records: Iterable[tuple[str, int, Chunk]]) -> None:
        """Add chunks (point identity, number, chunk) in one transaction."""
        try:
            self._db.execute("BEGIN IMMEDIATE")
            for identity, number, chunk in records:
                if identity not in self._points:
                    cursor = self._db.execute("INSERT INTO point (identity) VALUES (?)", (identity,))
                    self._points[identity] = int(cursor.lastrowid or 0)
                self._db.execute(
                    "INSERT OR REPLACE INTO chunk VALUES (?, ?, ?)",
                    (self._points[identity], number, chunk.dumps()),
                )
            self._db.execute("COMMIT")
        except sqlite3.Error as error:
            raise RunError(f"cannot write the ledger {self._path}: {error}; chunks written before are kept") from error

    def close(self) -> None:
        """Fold the journal into the file and close it."""
        self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._db.close()
