"""Yanwen's books: orders and the checkpoints of their parcels."""

import json
import secrets
import time
from dataclasses import dataclass
from typing import Any

from crossdock_sandbox import clock
from crossdock_sandbox.books import Books, Page

SCHEMA = """
CREATE TABLE IF NOT EXISTS orders (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    waybill_number TEXT UNIQUE,
    order_number TEXT NOT NULL UNIQUE,
    reference_number TEXT NOT NULL DEFAULT '',
    channel_id TEXT NOT NULL,
    status INTEGER NOT NULL DEFAULT 0,
    label_at REAL NOT NULL,
    cancel_at REAL,
    created_at TEXT NOT NULL,
    request_json TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS checkpoints (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    waybill_number TEXT NOT NULL,
    at TEXT NOT NULL,
    checkpoint_json TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS checkpoints_by_waybill ON checkpoints (waybill_number);
CREATE TABLE IF NOT EXISTS first_serial (serial INTEGER NOT NULL);
"""

#: `street`: the address is one text, of which the first part is shown. A cancel that is taken counts as done,
#: unless the warehouse was quicker.
SOLD = """
SELECT number, waybill_number AS tracking_number, order_number AS reference,
    NOT (status = 5 OR (status < 2 AND cancel_at IS NOT NULL)) AS is_live,
    substr(address, 1, instr(address || ', ', ', ') - 1) AS street
FROM (SELECT *, json_extract(request_json, '$.receiverInfo.address') AS address FROM orders)
"""

PAGES = {
    "orders": Page(
        (
            *("waybill_number", "order_number", "reference_number", "channel_id", "status"),
            *("created_at", "request_json"),
        )
    ),
    "checkpoints": Page(("waybill_number", "at", "checkpoint_json")),
}

CANCELLED = 5
RECEIVED = 2


@dataclass(frozen=True, slots=True)
class Order:
    number: int
    waybill_number: str
    order_number: str
    reference_number: str
    status: int
    label_at: float
    request: dict[str, Any]


class Store:
    def __init__(self, books: Books) -> None:
        self._books = books
        if books.one("SELECT serial FROM first_serial") is None:
            # Another data folder starts elsewhere, so that two sandboxes do not hand out the same numbers.
            serial = 100_000_000 + secrets.randbelow(800_000_000)
            books.execute("INSERT INTO first_serial VALUES (?)", (serial,))

    def add(self, request: dict[str, Any], *, label_at: float) -> Order | None:
        """None: the account has an order of this number already, cancelled or not."""
        cursor = self._books.execute(
            "INSERT INTO orders (order_number, channel_id, label_at, created_at, request_json)"
            " VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (
                request["orderNumber"],
                request["channelId"],
                label_at,
                clock.rfc3339(clock.now()),
                json.dumps(request, ensure_ascii=False),
            ),
        )
        if not cursor.rowcount:
            return None
        row = self._books.one("SELECT serial FROM first_serial")
        waybill = f"UF{(row['serial'] if row else 0) + (cursor.lastrowid or 0):09d}YP"
        self._books.execute(
            "UPDATE orders SET waybill_number = ? WHERE number = ?", (waybill, cursor.lastrowid)
        )
        return self.find(waybill)

    def find(self, any_number: str) -> Order | None:
        """By waybill, order or last-mile number. A cancel that is due is done now, unless the warehouse was
        quicker.
        """
        self._books.execute(
            "UPDATE orders SET status = ? WHERE status < ? AND cancel_at <= ?",
            (CANCELLED, RECEIVED, time.time()),
        )
        row = self._books.one(
            "SELECT * FROM orders WHERE ? IN (waybill_number, order_number)"
            " OR (reference_number = ? AND reference_number <> '')",
            (any_number, any_number),
        )
        if row is None:
            return None
        return Order(
            row["number"],
            row["waybill_number"],
            row["order_number"],
            row["reference_number"],
            row["status"],
            row["label_at"],
            json.loads(row["request_json"]),
        )

    def cancel(self, waybill: str, at: float) -> None:
        """The first wish counts."""
        self._books.execute(
            "UPDATE orders SET cancel_at = coalesce(cancel_at, ?) WHERE waybill_number = ?", (at, waybill)
        )

    def set_status(self, waybill: str, status: int) -> None:
        self._books.execute("UPDATE orders SET status = ? WHERE waybill_number = ?", (status, waybill))

    def set_reference(self, waybill: str, number: str) -> None:
        self._books.execute(
            "UPDATE orders SET reference_number = ? WHERE waybill_number = ?", (number, waybill)
        )

    def set_label_ready(self, waybill: str) -> None:
        self._books.execute("UPDATE orders SET label_at = 0 WHERE waybill_number = ?", (waybill,))

    def add_checkpoint(self, waybill: str, at: str, checkpoint: dict[str, Any]) -> None:
        self._books.execute(
            "INSERT INTO checkpoints (waybill_number, at, checkpoint_json) VALUES (?, ?, ?)",
            (waybill, at, json.dumps(checkpoint, ensure_ascii=False)),
        )

    def checkpoints(self, waybill: str) -> list[dict[str, Any]]:
        """The newest first."""
        rows = self._books.all(
            "SELECT checkpoint_json FROM checkpoints WHERE waybill_number = ? ORDER BY at DESC, number DESC",
            (waybill,),
        )
        return [json.loads(row["checkpoint_json"]) for row in rows]
