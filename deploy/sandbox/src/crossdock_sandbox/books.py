"""The books of one sandbox: an SQLite file that outlives restarts and `kill -9`.

Everything runs on one thread and no transaction spans an `await`, so what a handler does is atomic
and calls that arrive together are worked off one after the other.
"""

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crossdock_sandbox import clock

PAGE_LIMIT = 1000

COMMON_SCHEMA = """
CREATE TABLE IF NOT EXISTS calls (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at TEXT NOT NULL,
    operation TEXT NOT NULL,
    reference TEXT,
    outcome TEXT NOT NULL,
    status INTEGER,
    fault TEXT,
    detail_json TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS calls_by_reference ON calls (reference);
CREATE TABLE IF NOT EXISTS faults (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    operation TEXT NOT NULL,
    mode TEXT NOT NULL,
    times INTEGER,
    delay_s REAL,
    match TEXT,
    fired INTEGER NOT NULL DEFAULT 0
);
"""


@dataclass(frozen=True, slots=True)
class Page:
    """What of one table may be read from outside. A column `*_json` is shown parsed, without the suffix."""

    columns: tuple[str, ...]


CALLS = Page(("id", "at", "operation", "reference", "outcome", "status", "fault", "detail_json"))


class UnknownColumn(LookupError):
    """A filter names a column that the page does not have."""


class Books:
    """One SQLite file. `pages` are the tables that `/_sandbox/books` shows."""

    def __init__(self, path: Path, schema: str, pages: Mapping[str, Page]) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.pages: Mapping[str, Page] = {"calls": CALLS, **pages}
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.row_factory = sqlite3.Row
        # WAL keeps every committed transaction through the death of the process; only a power cut may
        # cost the last ones, which no sandbox has to survive.
        self._db.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;")
        self._db.executescript(COMMON_SCHEMA + schema)

    def close(self) -> None:
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def execute(self, sql: str, values: Sequence[object] = ()) -> sqlite3.Cursor:
        return self._db.execute(sql, values)

    def one(self, sql: str, values: Sequence[object] = ()) -> sqlite3.Row | None:
        row: sqlite3.Row | None = self._db.execute(sql, values).fetchone()
        return row

    def all(self, sql: str, values: Sequence[object] = ()) -> list[sqlite3.Row]:
        return self._db.execute(sql, values).fetchall()

    def record(
        self,
        operation: str,
        reference: str | None,
        outcome: str,
        *,
        status: int | None = None,
        fault: str | None = None,
        detail: Mapping[str, object] | None = None,
    ) -> None:
        self._db.execute(
            "INSERT INTO calls (at, operation, reference, outcome, status, fault, detail_json)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                clock.precise(clock.now()),
                operation,
                reference,
                outcome,
                status,
                fault,
                json.dumps(detail or {}, ensure_ascii=False),
            ),
        )

    def counts(self) -> dict[str, int]:
        """How many rows each page holds."""
        return {
            name: self._db.execute(f"SELECT count(*) FROM {name}").fetchone()[0]  # noqa: S608 - our own names
            for name in self.pages
        }

    def rows(
        self, name: str, filters: Mapping[str, str], *, after: int = 0, limit: int = PAGE_LIMIT
    ) -> dict[str, Any]:
        """One page of a table in key order, each filter an equality.

        Raises:
            UnknownColumn: a filter names what the page does not show.
        """
        page = self.pages[name]
        unknown = set(filters) - {column for column in page.columns if not column.endswith("_json")}
        if unknown:
            raise UnknownColumn(sorted(unknown)[0])
        where = "".join(f" AND {column} = ?" for column in filters)
        # Every name in the statement comes from `pages`, never from the request.
        rows = self._db.execute(
            f"SELECT {', '.join(page.columns)}, rowid AS position FROM {name}"  # noqa: S608
            f" WHERE rowid > ?{where} ORDER BY rowid LIMIT ?",
            (after, *filters.values(), limit),
        ).fetchall()
        return {
            "rows": [_shown(row, page) for row in rows],
            "next_after": rows[-1]["position"] if len(rows) == limit else None,
        }


def _shown(row: sqlite3.Row, page: Page) -> dict[str, object]:
    return {
        column.removesuffix("_json"): json.loads(row[column] or "null")
        if column.endswith("_json")
        else row[column]
        for column in page.columns
    }
