"""What the shops' books hold: shops, orders, what is left to fulfil, fulfilments."""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from crossdock_sandbox import clock
from crossdock_sandbox.books import Books, Page

FIRST_ID = 7_100_000_000_000  # ids look like Shopify's: thirteen digits

SCHEMA = """
CREATE TABLE IF NOT EXISTS shops (
    shop TEXT PRIMARY KEY,
    client_secret TEXT NOT NULL,
    access_token TEXT NOT NULL,
    webhook_url TEXT NOT NULL,
    api_version TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS orders (
    id INTEGER NOT NULL,
    shop TEXT NOT NULL REFERENCES shops (shop),
    name TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    cancelled_at TEXT,
    body_json TEXT NOT NULL,
    fulfillment_order_id INTEGER NOT NULL,
    PRIMARY KEY (shop, id)
);
CREATE INDEX IF NOT EXISTS orders_by_fulfillment_order ON orders (fulfillment_order_id);
CREATE TABLE IF NOT EXISTS units (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    fulfillment_order_id INTEGER NOT NULL,
    line_item_id INTEGER NOT NULL,
    sku TEXT,
    total INTEGER NOT NULL,
    fulfilled INTEGER NOT NULL DEFAULT 0,
    UNIQUE (fulfillment_order_id, line_item_id)
);
CREATE TABLE IF NOT EXISTS fulfillments (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    shop TEXT NOT NULL,
    order_id INTEGER NOT NULL,
    name TEXT NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    notify_customer INTEGER NOT NULL,
    company TEXT,
    numbers_json TEXT NOT NULL,
    urls_json TEXT NOT NULL,
    lines_json TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS fulfillments_by_order ON fulfillments (shop, order_id);
CREATE TABLE IF NOT EXISTS variants (
    id INTEGER PRIMARY KEY,
    shop TEXT NOT NULL REFERENCES shops (shop),
    sku TEXT NOT NULL,
    available INTEGER NOT NULL,
    locked INTEGER NOT NULL,
    times_set INTEGER NOT NULL DEFAULT 0,
    UNIQUE (shop, sku)
);
CREATE TABLE IF NOT EXISTS id_sequence (last INTEGER NOT NULL);
"""

PAGES = {
    "orders": Page(("id", "shop", "name", "updated_at", "cancelled_at", "fulfillment_order_id", "body_json")),
    "units": Page(("id", "fulfillment_order_id", "line_item_id", "sku", "total", "fulfilled")),
    "fulfillments": Page(
        (
            "id",
            "shop",
            "order_id",
            "name",
            "created_at",
            "updated_at",
            "notify_customer",
            "company",
            "numbers_json",
            "urls_json",
            "lines_json",
        )
    ),
    "variants": Page(("id", "shop", "sku", "available", "locked", "times_set")),
}


@dataclass(frozen=True, slots=True)
class Shop:
    shop: str
    client_secret: str
    access_token: str
    webhook_url: str
    api_version: str

    @property
    def domain(self) -> str:
        return f"{self.shop}.myshopify.com"


@dataclass(frozen=True, slots=True)
class Tracking:
    company: str | None
    numbers: tuple[str, ...]
    urls: tuple[str, ...]


class Store:
    def __init__(self, books: Books) -> None:
        self._books = books
        if books.one("SELECT last FROM id_sequence") is None:
            books.execute("INSERT INTO id_sequence VALUES (?)", (FIRST_ID,))
        self._shops: dict[str, Shop] = {
            row["shop"]: Shop(**dict(row)) for row in books.all("SELECT * FROM shops")
        }

    def shop(self, shop: str) -> Shop | None:
        return self._shops.get(shop)

    def shops(self) -> Sequence[Shop]:
        return tuple(self._shops.values())

    def put_shop(self, shop: Shop) -> None:
        self._books.execute(
            "INSERT OR REPLACE INTO shops VALUES (?, ?, ?, ?, ?)",
            (shop.shop, shop.client_secret, shop.access_token, shop.webhook_url, shop.api_version),
        )
        self._shops[shop.shop] = shop

    def put_variant(self, shop: str, sku: str, available: int, *, locked: bool) -> None:
        """`locked`: its stock cannot be set, as that of an item whose stock is not tracked."""
        self._books.execute(
            "INSERT INTO variants (id, shop, sku, available, locked) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (shop, sku) DO UPDATE SET available = excluded.available, locked = excluded.locked",
            (self._next_id(), shop, sku, available, locked),
        )

    def variants(self, shop: str) -> list[sqlite3.Row]:
        return self._books.all("SELECT * FROM variants WHERE shop = ? ORDER BY id", (shop,))

    def variant(self, shop: str, variant_id: int) -> sqlite3.Row | None:
        return self._books.one("SELECT * FROM variants WHERE shop = ? AND id = ?", (shop, variant_id))

    def set_available(self, shop: str, variant_id: int, available: int) -> None:
        self._books.execute(
            "UPDATE variants SET available = ?, times_set = times_set + 1 WHERE shop = ? AND id = ?",
            (available, shop, variant_id),
        )

    def order(self, shop: str, order_id: int) -> sqlite3.Row | None:
        return self._books.one("SELECT * FROM orders WHERE shop = ? AND id = ?", (shop, order_id))

    def orders_changed(
        self,
        shop: str,
        since: datetime | None,
        until: datetime | None,
        *,
        before_id: int | None,
        limit: int,
    ) -> list[sqlite3.Row]:
        """Orders last changed in this span, both ends included, from the newest id below `before_id` on."""
        span = (since.timestamp() if since else 0, until.timestamp() if until else 2**40)
        return self._books.all(
            "SELECT * FROM orders WHERE shop = ? AND id < ? AND unixepoch(updated_at) BETWEEN ? AND ?"
            " ORDER BY id DESC LIMIT ?",
            (shop, before_id or 2**62, *span, limit),
        )

    def order_of_fulfillment_order(self, shop: str, fulfillment_order_id: int) -> sqlite3.Row | None:
        return self._books.one(
            "SELECT * FROM orders WHERE shop = ? AND fulfillment_order_id = ?", (shop, fulfillment_order_id)
        )

    def units(self, fulfillment_order_id: int) -> list[sqlite3.Row]:
        return self._books.all(
            "SELECT * FROM units WHERE fulfillment_order_id = ? ORDER BY id", (fulfillment_order_id,)
        )

    def fulfillment(self, shop: str, fulfillment_id: int) -> sqlite3.Row | None:
        return self._books.one("SELECT * FROM fulfillments WHERE shop = ? AND id = ?", (shop, fulfillment_id))

    def fulfillments(self, shop: str, order_id: int) -> list[sqlite3.Row]:
        return self._books.all(
            "SELECT * FROM fulfillments WHERE shop = ? AND order_id = ? ORDER BY id", (shop, order_id)
        )

    def put_order(self, shop: str, order_id: int, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """Keep this body as the shop's order and return it as kept: `updated_at` never stands still.

        What was already fulfilled stays fulfilled; the quantities left follow the lines' current quantities.
        """
        known = self.order(shop, order_id)
        updated_at = _advanced(body.get("updated_at"), known["updated_at"] if known else None)
        fulfillment_order_id = known["fulfillment_order_id"] if known else self._next_id()
        kept = {**body, "id": order_id, "updated_at": updated_at}
        self._books.execute(
            "INSERT OR REPLACE INTO orders VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                order_id,
                shop,
                str(body.get("name") or f"#{order_id}"),
                updated_at,
                body.get("cancelled_at"),
                json.dumps(kept, ensure_ascii=False),
                fulfillment_order_id,
            ),
        )
        for line in body.get("line_items") or []:
            if line.get("requires_shipping", True):
                self._put_units(fulfillment_order_id, line)
        return kept

    def add_fulfillment(
        self, shop: str, order: sqlite3.Row, tracking: Tracking, lines: Mapping[int, int], *, notify: bool
    ) -> int:
        """Take the units off what is left (`lines`: unit row id to quantity) and book one fulfilment."""
        rows = {row["id"]: row for row in self.units(order["fulfillment_order_id"])}
        for unit_id, quantity in lines.items():
            self._books.execute(
                "UPDATE units SET fulfilled = fulfilled + ? WHERE id = ?", (quantity, unit_id)
            )
        fulfillment_id = self._next_id()
        now = clock.rfc3339(clock.now())
        number = len(self.fulfillments(shop, order["id"])) + 1
        booked = [
            {"id": self._next_id(), "line_item_id": rows[unit_id]["line_item_id"], "quantity": quantity}
            for unit_id, quantity in lines.items()
        ]
        self._books.execute(
            "INSERT INTO fulfillments VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                fulfillment_id,
                shop,
                order["id"],
                f"{order['name']}-F{number}",
                now,
                now,
                notify,
                tracking.company,
                json.dumps(tracking.numbers),
                json.dumps(tracking.urls),
                json.dumps(booked),
            ),
        )
        self._show_fulfilment_in_order(shop, order)
        return fulfillment_id

    def update_tracking(self, fulfillment_id: int, tracking: Tracking, *, notify: bool) -> None:
        self._books.execute(
            "UPDATE fulfillments SET company = ?, numbers_json = ?, urls_json = ?, notify_customer = ?,"
            " updated_at = ? WHERE id = ?",
            (
                tracking.company,
                json.dumps(tracking.numbers),
                json.dumps(tracking.urls),
                notify,
                clock.rfc3339(clock.now()),
                fulfillment_id,
            ),
        )

    def cancel_order(self, shop: str, order: sqlite3.Row, reason: str, *, refund: bool) -> None:
        now = clock.rfc3339(clock.now())
        body = json.loads(order["body_json"]) | {"cancelled_at": now, "cancel_reason": reason.lower()}
        if refund and body.get("financial_status") == "paid":
            body["financial_status"] = "refunded"
        self.put_order(shop, order["id"], body | {"updated_at": now})

    def _put_units(self, fulfillment_order_id: int, line: Mapping[str, Any]) -> None:
        quantity = line.get("current_quantity", line.get("quantity", 0))
        known = self._books.one(
            "SELECT id FROM units WHERE fulfillment_order_id = ? AND line_item_id = ?",
            (fulfillment_order_id, line["id"]),
        )
        if known:
            self._books.execute("UPDATE units SET total = ? WHERE id = ?", (quantity, known["id"]))
            return
        self._books.execute(
            "INSERT INTO units (id, fulfillment_order_id, line_item_id, sku, total) VALUES (?, ?, ?, ?, ?)",
            (self._next_id(), fulfillment_order_id, line["id"], line.get("sku"), quantity),
        )

    def _show_fulfilment_in_order(self, shop: str, order: sqlite3.Row) -> None:
        """The REST body tells of fulfilments too: the next webhook of this order carries it."""
        left = {
            row["line_item_id"]: row["total"] - row["fulfilled"]
            for row in self.units(order["fulfillment_order_id"])
        }
        body = json.loads(order["body_json"])
        for line in body.get("line_items") or []:
            if line["id"] in left:
                line["fulfillable_quantity"] = left[line["id"]]
                line["fulfillment_status"] = "fulfilled" if left[line["id"]] == 0 else "partial"
        body["fulfillment_status"] = "partial" if any(left.values()) else "fulfilled"
        body["fulfillments"] = [
            {
                "id": row["id"],
                "order_id": order["id"],
                "name": row["name"],
                "status": "success",
                "tracking_company": row["company"],
                "tracking_numbers": json.loads(row["numbers_json"]),
                "tracking_urls": json.loads(row["urls_json"]),
                "created_at": row["created_at"],
                "updated_at": row["updated_at"],
            }
            for row in self.fulfillments(shop, order["id"])
        ]
        self.put_order(shop, order["id"], body | {"updated_at": clock.rfc3339(clock.now())})

    def _next_id(self) -> int:
        row = self._books.one("UPDATE id_sequence SET last = last + 1 RETURNING last")
        if row is None:
            raise RuntimeError("the sequence of ids is gone from the books")
        return int(row["last"])


def _advanced(given: object, known: str | None) -> str:
    """The later of both, at least a second after what was known; a text that is no time is replaced."""
    try:
        at = datetime.fromisoformat(str(given))
    except ValueError:
        at = clock.now()
    if at.tzinfo is None:
        at = clock.now()
    if known is None:
        return str(given) if at.isoformat() == given else at.isoformat(timespec="seconds")
    return max(at, datetime.fromisoformat(known) + timedelta(seconds=1)).isoformat(timespec="seconds")
