"""The mails as accepted: raw bytes, and the headers read out of them."""

import email.policy
import json
import sqlite3
from collections.abc import Mapping, Sequence
from email.message import EmailMessage

from crossdock_sandbox import clock
from crossdock_sandbox.books import Books, Page

LISTED = 200
HEADERS_KEPT = 200

SCHEMA = """
CREATE TABLE IF NOT EXISTS messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at TEXT NOT NULL,
    mail_from TEXT NOT NULL,
    recipients_json TEXT NOT NULL,
    message_id TEXT,
    to_header TEXT,
    subject TEXT,
    headers_json TEXT NOT NULL,
    size INTEGER NOT NULL,
    raw BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS messages_by_message_id ON messages (message_id);
CREATE TABLE IF NOT EXISTS recipients (
    address TEXT NOT NULL,
    message INTEGER NOT NULL REFERENCES messages (id),
    PRIMARY KEY (address, message)
);
"""

PAGES = {
    "messages": Page(
        (
            "id",
            "at",
            "mail_from",
            "recipients_json",
            "message_id",
            "to_header",
            "subject",
            "headers_json",
            "size",
        )
    )
}


class Store:
    def __init__(self, books: Books) -> None:
        self._books = books

    def add(self, mail_from: str, recipients: Sequence[str], raw: bytes) -> str | None:
        """Keep a mail inside the caller's transaction; its Message-ID, if it has one."""
        message = parsed(raw)
        headers = [[name, str(value)] for name, value in message.items()][:HEADERS_KEPT]
        message_id = _one(message, "Message-ID")
        cursor = self._books.execute(
            "INSERT INTO messages (at, mail_from, recipients_json, message_id, to_header, subject,"
            " headers_json, size, raw) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                clock.precise(clock.now()),
                mail_from,
                json.dumps(list(recipients), ensure_ascii=False),
                message_id,
                _one(message, "To"),
                _one(message, "Subject"),
                json.dumps(headers, ensure_ascii=False),
                len(raw),
                raw,
            ),
        )
        for address in {recipient.casefold() for recipient in recipients}:
            self._books.execute("INSERT INTO recipients VALUES (?, ?)", (address, cursor.lastrowid))
        return message_id

    def message(self, number: int) -> sqlite3.Row | None:
        return self._books.one("SELECT * FROM messages WHERE id = ?", (number,))

    def listed(
        self,
        *,
        to: str | None = None,
        subject: str | None = None,
        message_id: str | None = None,
        headers: Mapping[str, str] | None = None,
        before: int | None = None,
        limit: int = LISTED,
    ) -> list[sqlite3.Row]:
        """Newest first. `to` is an envelope recipient, `subject` a part of it, headers match exactly."""
        clauses, values = ["1 = 1"], list[object]()
        if to is not None:
            clauses.append("id IN (SELECT message FROM recipients WHERE address = ?)")
            values.append(to.casefold())
        if subject is not None:
            clauses.append("instr(lower(subject), lower(?)) > 0")
            values.append(subject)
        if message_id is not None:
            clauses.append("message_id = ?")
            values.append(message_id)
        if before is not None:
            clauses.append("id < ?")
            values.append(before)
        for name, value in (headers or {}).items():
            clauses.append(
                "EXISTS (SELECT 1 FROM json_each(headers_json) AS header WHERE"
                " lower(header.value ->> '$[0]') = lower(?) AND header.value ->> '$[1]' = ?)"
            )
            values += [name, value]
        return self._books.all(
            f"SELECT * FROM messages WHERE {' AND '.join(clauses)}"  # noqa: S608 - our own clauses
            " ORDER BY id DESC LIMIT ?",
            (*values, limit),
        )


def parsed(raw: bytes) -> EmailMessage:
    """The mail as a tree; a broken one parses too, with what could be read."""
    return email.message_from_bytes(raw, _class=EmailMessage, policy=email.policy.default)


def body(message: EmailMessage, kind: str) -> str | None:
    """The first part of this kind (`plain` or `html`) as text."""
    part = message.get_body((kind,))
    if part is None:
        return None
    content = part.get_content()
    return content if isinstance(content, str) else None


def _one(message: EmailMessage, header: str) -> str | None:
    value = message.get(header)
    return None if value is None else str(value)
