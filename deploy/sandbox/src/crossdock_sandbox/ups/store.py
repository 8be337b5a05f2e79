"""The books: what was sold and taken back, where parcels are, and who wants to hear of it."""

import json
import secrets
import time
from dataclasses import dataclass
from typing import Any

from crossdock_sandbox import clock
from crossdock_sandbox.books import Books, Page
from crossdock_sandbox.ups.numbers import tracking_number
from crossdock_sandbox.ups.wire import ConsignmentAsked

SCHEMA = """
CREATE TABLE IF NOT EXISTS shipments (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    tracking_number TEXT UNIQUE,
    reference TEXT,
    account TEXT NOT NULL,
    service TEXT NOT NULL,
    price TEXT NOT NULL,
    currency TEXT NOT NULL,
    created_at TEXT NOT NULL,
    found_from REAL NOT NULL,
    voided_at TEXT,
    request_json TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS shipments_by_reference ON shipments (reference);
CREATE TABLE IF NOT EXISTS events (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    tracking_number TEXT NOT NULL,
    at TEXT NOT NULL,
    code TEXT NOT NULL,
    event_json TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS events_by_number ON events (tracking_number);
CREATE TABLE IF NOT EXISTS tokens (token TEXT PRIMARY KEY, ends_at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS subscriptions (tracking_number TEXT PRIMARY KEY, ends_at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS portal (url TEXT NOT NULL, api_key TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS first_serial (serial INTEGER NOT NULL);
"""

SOLD = """
SELECT number, tracking_number, reference, voided_at IS NULL AS is_live,
    json_extract(request_json, '$.Shipment.ShipTo.Address.AddressLine[0]') AS street
FROM shipments
"""

PAGES = {
    "shipments": Page(
        (
            "tracking_number",
            "reference",
            "account",
            "service",
            "price",
            "currency",
            "created_at",
            "voided_at",
            "request_json",
        )
    ),
    "events": Page(("tracking_number", "at", "code", "event_json")),
    "subscriptions": Page(("tracking_number", "ends_at")),
}

SERIALS = 10_000_000


@dataclass(frozen=True, slots=True)
class Shipment:
    tracking_number: str
    account: str
    voided: bool
    asked: ConsignmentAsked


class Store:
    def __init__(self, books: Books) -> None:
        self._books = books
        if books.one("SELECT serial FROM first_serial") is None:
            # Another data folder starts elsewhere, so that two sandboxes do not hand out the same numbers.
            books.execute("INSERT INTO first_serial VALUES (?)", (secrets.randbelow(SERIALS),))

    # -- tokens

    def add_token(self, token: str, life_s: float) -> None:
        self._books.execute("INSERT INTO tokens VALUES (?, ?)", (token, time.time() + life_s))

    def knows_token(self, token: str) -> bool:
        row = self._books.one("SELECT 1 FROM tokens WHERE token = ? AND ends_at > ?", (token, time.time()))
        return row is not None

    def end_tokens(self) -> None:
        self._books.execute("DELETE FROM tokens")

    # -- shipments

    def add(self, asked: ConsignmentAsked, reference: str | None, price: str, found_from: float) -> str:
        """Keep a sold shipment; its number, which no other shipment of these books has."""
        shipment = asked.Shipment
        number = self._books.execute(
            "INSERT INTO shipments (reference, account, service, price, currency, created_at, found_from,"
            " request_json) VALUES (?, ?, ?, ?, 'EUR', ?, ?, ?)",
            (
                reference,
                shipment.Shipper.ShipperNumber,
                shipment.Service.Code,
                price,
                clock.rfc3339(clock.now()),
                found_from,
                asked.model_dump_json(exclude_none=True),
            ),
        ).lastrowid
        row = self._books.one("SELECT serial FROM first_serial")
        serial = ((row["serial"] if row else 0) + (number or 0)) % SERIALS
        given = tracking_number(shipment.Shipper.ShipperNumber, shipment.Service.Code, serial)
        self._books.execute("UPDATE shipments SET tracking_number = ? WHERE number = ?", (given, number))
        return given

    def shipment(self, number: str) -> Shipment | None:
        row = self._books.one("SELECT * FROM shipments WHERE tracking_number = ?", (number,))
        return None if row is None else _shipment(row)

    def by_reference(self, reference: str, account: str) -> list[Shipment]:
        """Those that can be found by it already, voided ones left out."""
        rows = self._books.all(
            "SELECT * FROM shipments WHERE reference = ? AND account = ? AND found_from <= ?"
            " AND voided_at IS NULL ORDER BY number",
            (reference, account, time.time()),
        )
        return [_shipment(row) for row in rows]

    def void(self, number: str) -> None:
        self._books.execute(
            "UPDATE shipments SET voided_at = ? WHERE tracking_number = ?",
            (clock.rfc3339(clock.now()), number),
        )

    # -- events

    def add_event(self, number: str, at: str, event: dict[str, Any]) -> None:
        code = f"{event['status']['type']}:{event['status']['code']}"
        self._books.execute(
            "INSERT INTO events (tracking_number, at, code, event_json) VALUES (?, ?, ?, ?)",
            (number, at, code, json.dumps(event, ensure_ascii=False)),
        )

    def withdraw_event(self, number: str, code: str) -> bool:
        """Take the newest event of this code back, as if it had never been said."""
        return (
            self._books.execute(
                "DELETE FROM events WHERE number = (SELECT max(number) FROM events"
                " WHERE tracking_number = ? AND code = ?)",
                (number, code),
            ).rowcount
            == 1
        )

    def events(self, number: str) -> list[dict[str, Any]]:
        """The newest first, as UPS tells them."""
        rows = self._books.all(
            "SELECT event_json FROM events WHERE tracking_number = ? ORDER BY at DESC, number DESC", (number,)
        )
        return [json.loads(row["event_json"]) for row in rows]

    # -- alerts

    def subscribe(self, number: str, life_s: float) -> None:
        self._books.execute(
            "INSERT INTO subscriptions VALUES (?, ?) ON CONFLICT (tracking_number) DO UPDATE"
            " SET ends_at = excluded.ends_at",
            (number, time.time() + life_s),
        )

    def put_portal(self, url: str, api_key: str) -> None:
        self._books.execute("DELETE FROM portal")
        self._books.execute("INSERT INTO portal VALUES (?, ?)", (url, api_key))

    def listener(self, number: str) -> tuple[str, str] | None:
        """Where news of this parcel go, and with which key; None when nobody asked for them."""
        row = self._books.one(
            "SELECT url, api_key FROM portal, subscriptions WHERE tracking_number = ? AND ends_at > ?",
            (number, time.time()),
        )
        return None if row is None else (row["url"], row["api_key"])


def _shipment(row: Any) -> Shipment:
    asked = ConsignmentAsked.model_validate_json(row["request_json"])
    return Shipment(row["tracking_number"], row["account"], row["voided_at"] is not None, asked)
