"""EasyPost's books: shipments, the labels bought, trackers, webhook endpoints."""

import json
import secrets
from collections.abc import Mapping
from typing import Any

from crossdock_sandbox import clock
from crossdock_sandbox.books import Books, Page

Json = dict[str, Any]

SCHEMA = """
CREATE TABLE IF NOT EXISTS shipments (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    reference TEXT,
    created_at TEXT NOT NULL,
    bought_at TEXT,
    carrier TEXT,
    service TEXT,
    rate TEXT,
    currency TEXT,
    tracking_code TEXT UNIQUE,
    label_id TEXT UNIQUE,
    refund_status TEXT,
    refund_due REAL,
    request_json TEXT NOT NULL,
    object_json TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS shipments_by_reference ON shipments (reference);
CREATE INDEX IF NOT EXISTS shipments_to_refund ON shipments (refund_due) WHERE refund_status = 'submitted';
CREATE TABLE IF NOT EXISTS trackers (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    tracking_code TEXT NOT NULL UNIQUE,
    shipment_id TEXT NOT NULL,
    status TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    object_json TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS webhooks (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    url TEXT NOT NULL,
    secret TEXT,
    created_at TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS first_serial (serial INTEGER NOT NULL);
"""

#: A refund that has been taken in makes a label worthless, even while its money is under way.
SOLD = """
SELECT number, tracking_code AS tracking_number, reference,
    coalesce(refund_status, '') NOT IN ('submitted', 'refunded') AS is_live,
    coalesce(json_extract(request_json, '$.shipment.to_address.street1'),
        json_extract(request_json, '$.to_address.street1')) AS street
FROM shipments WHERE bought_at IS NOT NULL
"""

PAGES = {
    "shipments": Page(
        (
            "id",
            "reference",
            "created_at",
            "bought_at",
            "carrier",
            "service",
            "rate",
            "currency",
            "tracking_code",
            "refund_status",
            "request_json",
        )
    ),
    "trackers": Page(("id", "tracking_code", "shipment_id", "status", "updated_at", "object_json")),
    "webhooks": Page(("id", "url", "created_at")),
}


def new_id(prefix: str) -> str:
    return f"{prefix}_{secrets.token_hex(16)}"


class Store:
    def __init__(self, books: Books) -> None:
        self._books = books
        if books.one("SELECT serial FROM first_serial") is None:
            # Another data folder starts elsewhere, so that two sandboxes do not hand out the same numbers.
            books.execute(
                "INSERT INTO first_serial VALUES (?)", (10_000_000 + secrets.randbelow(80_000_000),)
            )

    def add_shipment(self, shipment: Json, request: Mapping[str, Any]) -> None:
        self._books.execute(
            "INSERT INTO shipments (id, reference, created_at, request_json, object_json)"
            " VALUES (?, ?, ?, ?, ?)",
            (
                shipment["id"],
                shipment["reference"],
                shipment["created_at"],
                json.dumps(request, ensure_ascii=False),
                json.dumps(shipment, ensure_ascii=False),
            ),
        )

    def shipment(self, id_or_reference: str) -> Json | None:
        """By id, else the newest with this reference: EasyPost takes either, and references may repeat."""
        row = self._books.one("SELECT object_json FROM shipments WHERE id = ?", (id_or_reference,))
        row = row or self._books.one(
            "SELECT object_json FROM shipments WHERE reference = ? ORDER BY number DESC", (id_or_reference,)
        )
        return json.loads(row["object_json"]) if row else None

    def request_of(self, shipment_id: str) -> Json:
        row = self._books.one("SELECT request_json FROM shipments WHERE id = ?", (shipment_id,))
        request: Json = json.loads(row["request_json"]) if row else {}
        return request

    def shipment_of_label(self, label_id: str) -> Json | None:
        row = self._books.one("SELECT object_json FROM shipments WHERE label_id = ?", (label_id,))
        return json.loads(row["object_json"]) if row else None

    def shipments(self, *, before_id: str | None, limit: int, purchased: bool | None) -> list[Json]:
        """Newest first. `before_id` is the last one of the page before."""
        clauses, values = ["1 = 1"], list[object]()
        if before_id is not None:
            clauses.append("number < (SELECT number FROM shipments WHERE id = ?)")
            values.append(before_id)
        if purchased is not None:
            clauses.append(f"bought_at IS {'NOT ' if purchased else ''}NULL")
        rows = self._books.all(
            f"SELECT object_json FROM shipments WHERE {' AND '.join(clauses)}"  # noqa: S608 - our own clauses
            " ORDER BY number DESC LIMIT ?",
            (*values, limit),
        )
        return [json.loads(row["object_json"]) for row in rows]

    def serial_of(self, shipment_id: str) -> int:
        """Eight digits that no other shipment of these books has."""
        row = self._books.one(
            "SELECT (serial + number) % 100000000 AS serial FROM first_serial, shipments WHERE id = ?",
            (shipment_id,),
        )
        return int(row["serial"]) if row else 0

    def save_shipment(self, shipment: Json, *, refund_due: float | None = None) -> None:
        rate = shipment["selected_rate"] or {}
        label = shipment["postage_label"] or {}
        self._books.execute(
            "UPDATE shipments SET bought_at = ?, carrier = ?, service = ?, rate = ?, currency = ?,"
            " tracking_code = ?, label_id = ?, refund_status = ?, refund_due = ?, object_json = ?"
            " WHERE id = ?",
            (
                label.get("label_date"),
                rate.get("carrier"),
                rate.get("service"),
                rate.get("rate"),
                rate.get("currency"),
                shipment["tracking_code"],
                label.get("id"),
                shipment["refund_status"],
                refund_due,
                json.dumps(shipment, ensure_ascii=False),
                shipment["id"],
            ),
        )

    def refunds_due(self, now: float) -> list[Json]:
        rows = self._books.all(
            "SELECT object_json FROM shipments WHERE refund_status = 'submitted' AND refund_due <= ?"
            " LIMIT 100",
            (now,),
        )
        return [json.loads(row["object_json"]) for row in rows]

    def tracker(self, id_or_code: str) -> Json | None:
        row = self._books.one(
            "SELECT object_json FROM trackers WHERE id = ? OR tracking_code = ?", (id_or_code, id_or_code)
        )
        return json.loads(row["object_json"]) if row else None

    def save_tracker(self, tracker: Json) -> None:
        self._books.execute(
            "INSERT INTO trackers (id, tracking_code, shipment_id, status, updated_at, object_json)"
            " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET status = excluded.status,"
            " updated_at = excluded.updated_at, object_json = excluded.object_json",
            (
                tracker["id"],
                tracker["tracking_code"],
                tracker["shipment_id"],
                tracker["status"],
                clock.precise(clock.now()),
                json.dumps(tracker, ensure_ascii=False),
            ),
        )

    def add_webhook(self, url: str, secret: str | None) -> Json:
        webhook_id, created_at = new_id("hook"), clock.rfc3339(clock.now())
        self._books.execute(
            "INSERT INTO webhooks (id, url, secret, created_at) VALUES (?, ?, ?, ?)",
            (webhook_id, url, secret, created_at),
        )
        return _webhook(webhook_id, url, created_at)

    def webhooks(self) -> list[Json]:
        rows = self._books.all("SELECT * FROM webhooks ORDER BY number")
        return [_webhook(row["id"], row["url"], row["created_at"]) for row in rows]

    def endpoints(self) -> list[tuple[str, str | None]]:
        """Address and secret of every registered webhook."""
        return [
            (row["url"], row["secret"]) for row in self._books.all("SELECT * FROM webhooks ORDER BY number")
        ]

    def remove_webhook(self, webhook_id: str) -> bool:
        return self._books.execute("DELETE FROM webhooks WHERE id = ?", (webhook_id,)).rowcount == 1


def _webhook(webhook_id: str, url: str, created_at: str) -> Json:
    return {
        "id": webhook_id,
        "object": "Webhook",
        "mode": "test",
        "url": url,
        "created_at": created_at,
        "disabled_at": None,
    }
