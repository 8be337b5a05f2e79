"""YunExpress's books: tokens, orders, events, and where news are pushed."""

import json
import secrets
import time
from dataclasses import dataclass
from typing import Any

from crossdock_sandbox import clock
from crossdock_sandbox.books import Books, Page

SCHEMA = """
CREATE TABLE IF NOT EXISTS tokens (token TEXT PRIMARY KEY, ends_at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS orders (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    waybill_number TEXT UNIQUE,
    customer_order_number TEXT NOT NULL UNIQUE,
    tracking_number TEXT NOT NULL DEFAULT '',
    product_code TEXT NOT NULL,
    status TEXT NOT NULL DEFAULT 'A',
    number_at REAL,
    label_at REAL NOT NULL,
    created_at TEXT NOT NULL,
    request_json TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS events (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    waybill_number TEXT NOT NULL,
    at TEXT NOT NULL,
    event_json TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS events_by_waybill ON events (waybill_number);
CREATE TABLE IF NOT EXISTS push (only_row INTEGER PRIMARY KEY CHECK (only_row = 1), push_json TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS first_serial (serial INTEGER NOT NULL);
"""

#: `E`: cancelled by its customer.
SOLD = """
SELECT number, waybill_number AS tracking_number, customer_order_number AS reference,
    status <> 'E' AS is_live,
    json_extract(request_json, '$.receiver.address_lines[0]') AS street
FROM orders
"""

PAGES = {
    "orders": Page(
        (
            "waybill_number",
            "customer_order_number",
            "tracking_number",
            "product_code",
            "status",
            "created_at",
            "request_json",
        )
    ),
    "events": Page(("waybill_number", "at", "event_json")),
}


@dataclass(frozen=True, slots=True)
class Order:
    waybill_number: str
    customer_order_number: str
    tracking_number: str
    product_code: str
    status: str
    label_at: float
    request: dict[str, Any]


class Store:
    def __init__(self, books: Books) -> None:
        self._books = books
        if books.one("SELECT serial FROM first_serial") is None:
            # Another data folder starts elsewhere, so that two sandboxes do not hand out the same numbers.
            serial = 10_000_000 + secrets.randbelow(80_000_000)
            books.execute("INSERT INTO first_serial VALUES (?)", (serial,))

    def add_token(self, ends_at: float) -> str:
        token = secrets.token_hex(16)
        self._books.execute("INSERT INTO tokens VALUES (?, ?)", (token, ends_at))
        return token

    def knows_token(self, token: str) -> bool:
        row = self._books.one("SELECT ends_at FROM tokens WHERE token = ?", (token,))
        return row is not None and row["ends_at"] > time.time()

    def end_tokens(self) -> None:
        self._books.execute("DELETE FROM tokens")

    def add(self, request: dict[str, Any], *, number_at: float | None, label_at: float) -> Order | None:
        """None: the customer has an order of this number already, cancelled or not."""
        cursor = self._books.execute(
            "INSERT INTO orders (customer_order_number, product_code, number_at, label_at, created_at,"
            " request_json) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (
                request["customer_order_number"],
                request["product_code"],
                number_at,
                label_at,
                clock.rfc3339(clock.now()),
                json.dumps(request, ensure_ascii=False),
            ),
        )
        if not cursor.rowcount:
            return None
        row = self._books.one("SELECT serial FROM first_serial")
        serial = (row["serial"] if row else 0) + (cursor.lastrowid or 0)
        waybill = f"YT26162{serial:011d}"
        self._books.execute(
            "UPDATE orders SET waybill_number = ? WHERE number = ?", (waybill, cursor.lastrowid)
        )
        return self.find(waybill)

    def find(self, any_number: str) -> Order | None:
        """By waybill, customer order or tracking number. A last-mile number that is due is given now."""
        self._books.execute(
            "UPDATE orders SET tracking_number = '94055' || printf('%017d', number) || '9'"
            " WHERE tracking_number = '' AND number_at <= ?",
            (time.time(),),
        )
        row = self._books.one(
            "SELECT * FROM orders WHERE ? IN (waybill_number, customer_order_number)"
            " OR (tracking_number = ? AND tracking_number <> '')",
            (any_number, any_number),
        )
        if row is None:
            return None
        return Order(
            row["waybill_number"],
            row["customer_order_number"],
            row["tracking_number"],
            row["product_code"],
            row["status"],
            row["label_at"],
            json.loads(row["request_json"]),
        )

    def set_status(self, waybill: str, status: str) -> None:
        self._books.execute("UPDATE orders SET status = ? WHERE waybill_number = ?", (status, waybill))

    def set_number(self, waybill: str, number: str) -> None:
        self._books.execute(
            "UPDATE orders SET tracking_number = ? WHERE waybill_number = ?", (number, waybill)
        )

    def set_label_ready(self, waybill: str) -> None:
        self._books.execute("UPDATE orders SET label_at = 0 WHERE waybill_number = ?", (waybill,))

    def add_event(self, waybill: str, at: str, event: dict[str, Any]) -> None:
        self._books.execute(
            "INSERT INTO events (waybill_number, at, event_json) VALUES (?, ?, ?)",
            (waybill, at, json.dumps(event, ensure_ascii=False)),
        )

    def events(self, waybill: str) -> list[dict[str, Any]]:
        """By their time."""
        rows = self._books.all(
            "SELECT event_json FROM events WHERE waybill_number = ? ORDER BY at, number", (waybill,)
        )
        return [json.loads(row["event_json"]) for row in rows]

    def set_push(self, push: dict[str, Any]) -> None:
        self._books.execute("INSERT OR REPLACE INTO push VALUES (1, ?)", (json.dumps(push),))

    def push(self) -> dict[str, Any] | None:
        row = self._books.one("SELECT push_json FROM push")
        pushed: dict[str, Any] | None = json.loads(row["push_json"]) if row else None
        return pushed
