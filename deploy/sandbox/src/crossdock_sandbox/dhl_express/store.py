"""DHL Express's books: every shipment that was sold."""

import json
import secrets
from dataclasses import dataclass
from typing import Any

from crossdock_sandbox import clock
from crossdock_sandbox.books import Books, Page
from crossdock_sandbox.dhl_express.wire import CreateShipment

SCHEMA = """
CREATE TABLE IF NOT EXISTS shipments (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    tracking_number TEXT UNIQUE,
    reference TEXT,
    message_reference TEXT,
    product_code TEXT NOT NULL,
    price TEXT NOT NULL,
    currency TEXT NOT NULL,
    created_at TEXT NOT NULL,
    request_json TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS shipments_by_reference ON shipments (reference);
CREATE TABLE IF NOT EXISTS events (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    tracking_number TEXT NOT NULL,
    at TEXT NOT NULL,
    type_code TEXT NOT NULL,
    event_json TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS events_by_number ON events (tracking_number);
CREATE TABLE IF NOT EXISTS first_serial (serial INTEGER NOT NULL);
"""

#: What is sold stays sold: nothing can be taken back.
SOLD = """
SELECT number, tracking_number, reference, 1 AS is_live,
    json_extract(request_json, '$.customerDetails.receiverDetails.postalAddress.addressLine1') AS street
FROM shipments
"""

PAGES = {
    "shipments": Page(
        (
            "tracking_number",
            "reference",
            "message_reference",
            "product_code",
            "price",
            "currency",
            "created_at",
            "request_json",
        )
    ),
    "events": Page(("tracking_number", "at", "type_code", "event_json")),
}


@dataclass(frozen=True, slots=True)
class Numbers:
    """Ten digits, the last one the nine before it modulo 7 (as waybills look; DHL has not confirmed it)."""

    serial: int

    @property
    def waybill(self) -> str:
        return f"{self.serial}{self.serial % 7}"

    @property
    def piece(self) -> str:
        return f"JD0146{self.serial:014d}"


class Store:
    def __init__(self, books: Books) -> None:
        self._books = books
        if books.one("SELECT serial FROM first_serial") is None:
            # Another data folder starts elsewhere, so that two sandboxes do not hand out the same numbers.
            books.execute(
                "INSERT INTO first_serial VALUES (?)", (100_000_000 + secrets.randbelow(800_000_000),)
            )

    def add(
        self, shipment: CreateShipment, reference: str | None, message_reference: str | None, price: str
    ) -> Numbers:
        """Keep a sold shipment; its numbers, which no other shipment of these books has."""
        number = self._books.execute(
            "INSERT INTO shipments (reference, message_reference, product_code, price, currency, created_at,"
            " request_json) VALUES (?, ?, ?, ?, 'EUR', ?, ?)",
            (
                reference,
                message_reference,
                shipment.productCode,
                price,
                clock.rfc3339(clock.now()),
                json.dumps(shipment.model_dump(mode="json", exclude_none=True), ensure_ascii=False),
            ),
        ).lastrowid
        row = self._books.one("SELECT serial FROM first_serial")
        numbers = Numbers((row["serial"] if row else 0) + (number or 0))
        self._books.execute(
            "UPDATE shipments SET tracking_number = ? WHERE number = ?", (numbers.waybill, number)
        )
        return numbers

    def sold(self, tracking_number: str) -> dict[str, Any] | None:
        """The request of a shipment that was sold."""
        row = self._books.one(
            "SELECT request_json FROM shipments WHERE tracking_number = ?", (tracking_number,)
        )
        request: dict[str, Any] | None = json.loads(row["request_json"]) if row else None
        return request

    def add_event(self, tracking_number: str, at: str, event: dict[str, Any]) -> None:
        self._books.execute(
            "INSERT INTO events (tracking_number, at, type_code, event_json) VALUES (?, ?, ?, ?)",
            (tracking_number, at, event["typeCode"], json.dumps(event, ensure_ascii=False)),
        )

    def withdraw_event(self, tracking_number: str, type_code: str) -> bool:
        """Take the newest event of this code back, as if it had never been said."""
        return (
            self._books.execute(
                "DELETE FROM events WHERE number = (SELECT max(number) FROM events"
                " WHERE tracking_number = ? AND type_code = ?)",
                (tracking_number, type_code),
            ).rowcount
            == 1
        )

    def events(self, tracking_number: str) -> list[dict[str, Any]]:
        """By their time."""
        rows = self._books.all(
            "SELECT event_json FROM events WHERE tracking_number = ? ORDER BY at, number", (tracking_number,)
        )
        return [json.loads(row["event_json"]) for row in rows]
