"""17TRACK's books: every number that was registered, and what happened to it."""

import json
from dataclasses import dataclass
from typing import Any

from crossdock_sandbox import clock
from crossdock_sandbox.books import Books, Page

SCHEMA = """
CREATE TABLE IF NOT EXISTS numbers (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    number TEXT NOT NULL,
    carrier INTEGER NOT NULL,
    tag TEXT,
    state TEXT NOT NULL DEFAULT 'tracking',
    retracked INTEGER NOT NULL DEFAULT 0,
    registered_at TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS numbers_by_number ON numbers (number);
CREATE TABLE IF NOT EXISTS events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    registration INTEGER NOT NULL REFERENCES numbers (id),
    number TEXT NOT NULL,
    provider INTEGER NOT NULL,
    at TEXT NOT NULL,
    sub_status TEXT,
    event_json TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS events_by_registration ON events (registration);
CREATE TABLE IF NOT EXISTS webhook (one INTEGER PRIMARY KEY CHECK (one = 1), url TEXT NOT NULL);
"""

PAGES = {
    "numbers": Page(("id", "number", "carrier", "tag", "state", "retracked", "registered_at")),
    "events": Page(("id", "number", "provider", "at", "sub_status", "event_json")),
}


@dataclass(frozen=True, slots=True)
class Registered:
    """A number under one carrier. `state`: tracking, stopped; what is deleted is not found any more."""

    id: int
    number: str
    carrier: int
    tag: str | None
    state: str
    retracked: bool


class Store:
    def __init__(self, books: Books) -> None:
        self._books = books

    def credits_used(self) -> int:
        """One a registration, for good: deleting gives none back."""
        row = self._books.one("SELECT count(*) AS n FROM numbers")
        return int(row["n"]) if row else 0

    def register(self, number: str, carrier: int, tag: str | None) -> None:
        self._books.execute(
            "INSERT INTO numbers (number, carrier, tag, registered_at) VALUES (?, ?, ?, ?)",
            (number, carrier, tag, clock.rfc3339(clock.now())),
        )

    def find(self, number: str, carrier: int | None = None) -> Registered | None:
        """The number's registration, of several the first."""
        row = self._books.one(
            "SELECT * FROM numbers WHERE number = ? AND carrier = coalesce(?, carrier)"
            " AND state <> 'deleted' ORDER BY id",
            (number, carrier),
        )
        if row is None:
            return None
        return Registered(
            row["id"], row["number"], row["carrier"], row["tag"], row["state"], bool(row["retracked"])
        )

    def move(self, one: Registered, state: str, *, retracked: bool = False) -> None:
        self._books.execute(
            "UPDATE numbers SET state = ?, retracked = max(retracked, ?) WHERE id = ?",
            (state, retracked, one.id),
        )

    def add_event(self, one: Registered, provider: int, at: str, event: dict[str, Any]) -> None:
        self._books.execute(
            "INSERT INTO events (registration, number, provider, at, sub_status, event_json)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (one.id, one.number, provider, at, event["sub_status"], json.dumps(event, ensure_ascii=False)),
        )

    def events(self, one: Registered) -> list[tuple[int, dict[str, Any]]]:
        """With their providers, the newest first, as they are told."""
        rows = self._books.all(
            "SELECT provider, event_json FROM events WHERE registration = ? ORDER BY at DESC, id DESC",
            (one.id,),
        )
        return [(row["provider"], json.loads(row["event_json"])) for row in rows]

    def set_webhook(self, url: str) -> None:
        self._books.execute("INSERT OR REPLACE INTO webhook (one, url) VALUES (1, ?)", (url,))

    def webhook(self) -> str | None:
        row = self._books.one("SELECT url FROM webhook")
        return row["url"] if row else None
