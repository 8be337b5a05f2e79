"""DHL Express's books: every shipment that was sold."""

import json
import secrets
from dataclasses import dataclass

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
CREATE TABLE IF NOT EXISTS first_serial (serial INTEGER NOT NULL);
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
    )
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
