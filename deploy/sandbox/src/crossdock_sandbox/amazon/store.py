"""What Amazon's books hold: sellers, their tokens and quotas, orders, packages, listings, queued notices."""

import json
import secrets
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from datetime import datetime, timedelta
from typing import Any

from crossdock_sandbox import clock
from crossdock_sandbox.books import Books, Page

SCHEMA = """
CREATE TABLE IF NOT EXISTS sellers (
    seller_id TEXT PRIMARY KEY,
    marketplace_ids TEXT NOT NULL,
    application_id TEXT NOT NULL,
    client_id TEXT NOT NULL,
    client_secret TEXT NOT NULL,
    refresh_token TEXT NOT NULL UNIQUE,
    aws_access_key_id TEXT NOT NULL UNIQUE,
    aws_secret_access_key TEXT NOT NULL,
    queue_region TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS tokens (
    token TEXT PRIMARY KEY,
    seller_id TEXT NOT NULL,
    issued_at TEXT NOT NULL,
    expires_at TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS buckets (
    seller_id TEXT NOT NULL,
    operation TEXT NOT NULL,
    calls_left REAL NOT NULL,
    counted_at TEXT NOT NULL,
    rate_per_s REAL NOT NULL,
    burst INTEGER NOT NULL,
    PRIMARY KEY (seller_id, operation)
);
CREATE TABLE IF NOT EXISTS orders (
    seller_id TEXT NOT NULL,
    order_id TEXT NOT NULL,
    status TEXT NOT NULL,
    last_updated_time TEXT NOT NULL,
    body_json TEXT NOT NULL,
    PRIMARY KEY (seller_id, order_id)
);
CREATE TABLE IF NOT EXISTS packages (
    seller_id TEXT NOT NULL,
    order_id TEXT NOT NULL,
    package_reference_id TEXT NOT NULL,
    carrier_code TEXT NOT NULL,
    carrier_name TEXT,
    tracking_number TEXT NOT NULL,
    ship_date TEXT NOT NULL,
    items_json TEXT NOT NULL,
    edits INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (seller_id, order_id, package_reference_id)
);
CREATE TABLE IF NOT EXISTS listings (
    seller_id TEXT NOT NULL,
    sku TEXT NOT NULL,
    quantity INTEGER,
    lead_time_days INTEGER,
    locked INTEGER NOT NULL,
    PRIMARY KEY (seller_id, sku)
);
CREATE TABLE IF NOT EXISTS notices (
    message_id TEXT PRIMARY KEY,
    seller_id TEXT NOT NULL,
    body TEXT NOT NULL,
    receipt_handle TEXT,
    visible_at TEXT NOT NULL,
    receives INTEGER NOT NULL DEFAULT 0,
    deleted INTEGER NOT NULL DEFAULT 0
);
"""

PAGES = {
    "tokens": Page(("seller_id", "issued_at", "expires_at")),
    "orders": Page(("seller_id", "order_id", "status", "last_updated_time", "body_json")),
    "packages": Page(
        (
            "seller_id",
            "order_id",
            "package_reference_id",
            "carrier_code",
            "carrier_name",
            "tracking_number",
            "ship_date",
            "items_json",
            "edits",
        )
    ),
    "listings": Page(("seller_id", "sku", "quantity", "lead_time_days", "locked")),
    "notices": Page(("message_id", "seller_id", "receives", "deleted", "visible_at")),
}

#: Operation -> calls a second and burst, the default usage plans (orders_2026-01-01.json, ordersV0.json,
#: Listings Items 2021-08-01, read 2026-11-22).
USAGE_PLANS: Mapping[str, tuple[float, int]] = {
    "getOrder": (0.5, 30),
    "searchOrders": (0.0056, 20),
    "confirmShipment": (2, 10),
    "patchListingsItem": (5, 10),
    "searchListingsItems": (5, 5),
}


@dataclass(frozen=True, slots=True)
class Seller:
    """One seller who has authorised one application, with one queue and one AWS user who reads it."""

    seller_id: str
    marketplace_ids: str
    application_id: str
    client_id: str
    client_secret: str
    refresh_token: str
    aws_access_key_id: str
    aws_secret_access_key: str
    queue_region: str

    @property
    def marketplaces(self) -> frozenset[str]:
        return frozenset(self.marketplace_ids.split(","))


class Store:
    def __init__(self, books: Books, plan_factor: float = 1.0) -> None:
        self._books = books
        self._plan_factor = plan_factor

    # -- sellers, tokens, quotas

    def put_seller(self, seller: Seller) -> None:
        self._books.execute(
            "INSERT OR REPLACE INTO sellers VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", astuple(seller)
        )

    def seller(self, seller_id: str) -> Seller | None:
        return self._seller("SELECT * FROM sellers WHERE seller_id = ?", seller_id)

    def seller_of_refresh_token(self, token: str) -> Seller | None:
        return self._seller("SELECT * FROM sellers WHERE refresh_token = ?", token)

    def seller_of_key(self, key_id: str) -> Seller | None:
        return self._seller("SELECT * FROM sellers WHERE aws_access_key_id = ?", key_id)

    def knows_client(self, client_id: str, client_secret: str) -> bool:
        rows = self._books.all("SELECT client_secret FROM sellers WHERE client_id = ?", (client_id,))
        return any(secrets.compare_digest(row[0].encode(), client_secret.encode()) for row in rows)

    def _seller(self, sql: str, value: str) -> Seller | None:
        row = self._books.one(sql, (value,))
        return Seller(**dict(row)) if row else None

    def issue_token(self, seller: Seller, lives_s: float) -> str:
        token, now = f"Atza|{secrets.token_urlsafe(24)}", clock.now()
        until = clock.precise(now + timedelta(seconds=lives_s))
        self._books.execute(
            "INSERT INTO tokens VALUES (?, ?, ?, ?)", (token, seller.seller_id, clock.precise(now), until)
        )
        return token

    def expire_tokens(self, seller_id: str) -> int:
        """All that are good now; how many."""
        now = clock.precise(clock.now())
        found = self._books.execute(
            "UPDATE tokens SET expires_at = ? WHERE seller_id = ? AND expires_at > ?", (now, seller_id, now)
        )
        return found.rowcount

    def seller_of_token(self, token: str) -> tuple[Seller, bool] | None:
        """Whose it is, and whether it is still good."""
        row = self._books.one("SELECT seller_id, expires_at FROM tokens WHERE token = ?", (token,))
        seller = self.seller(row["seller_id"]) if row else None
        return (seller, row["expires_at"] > clock.precise(clock.now())) if row and seller else None

    def set_plan(self, seller_id: str, operation: str, rate_per_s: float, burst: int) -> None:
        """A usage plan of the seller's own; its bucket is full."""
        self._books.execute(
            "INSERT OR REPLACE INTO buckets VALUES (?, ?, ?, ?, ?, ?)",
            (seller_id, operation, burst, clock.precise(clock.now()), rate_per_s, burst),
        )

    def take_call(self, seller_id: str, operation: str) -> tuple[bool, float]:
        """Whether the quota has a call left, which is taken, and how many a second it gets."""
        values = (seller_id, operation)
        row = self._books.one("SELECT * FROM buckets WHERE seller_id = ? AND operation = ?", values)
        if row is None:
            rate_per_s, burst = USAGE_PLANS[operation]
            self.set_plan(seller_id, operation, rate_per_s * self._plan_factor, burst)
            return self.take_call(seller_id, operation)
        now = clock.now()
        passed_s = (now - datetime.fromisoformat(row["counted_at"])).total_seconds()
        left = min(row["calls_left"] + passed_s * row["rate_per_s"], row["burst"])
        taken = left >= 1
        self._books.execute(
            "UPDATE buckets SET calls_left = ?, counted_at = ? WHERE seller_id = ? AND operation = ?",
            (left - taken, clock.precise(now), *values),
        )
        return taken, row["rate_per_s"]

    # -- orders and packages

    def order(self, seller_id: str, order_id: str) -> dict[str, Any] | None:
        row = self._books.one(
            "SELECT body_json FROM orders WHERE seller_id = ? AND order_id = ?", (seller_id, order_id)
        )
        return json.loads(row["body_json"]) if row else None

    def put_order(self, seller_id: str, order: Mapping[str, Any]) -> dict[str, Any]:
        """Keep this body as the seller's order, and return it so: `lastUpdatedTime` never stands still."""
        known = self.order(seller_id, order["orderId"])
        updated = datetime.fromisoformat(order["lastUpdatedTime"])
        if known is not None:
            updated = max(updated, datetime.fromisoformat(known["lastUpdatedTime"]) + timedelta(seconds=1))
        kept = {**order, "lastUpdatedTime": clock.rfc3339(updated)}
        status = kept["fulfillment"]["fulfillmentStatus"]
        self._books.execute(
            "INSERT OR REPLACE INTO orders VALUES (?, ?, ?, ?, ?)",
            (seller_id, kept["orderId"], status, kept["lastUpdatedTime"], json.dumps(kept)),
        )
        return kept

    def updated_orders(
        self, seller_id: str, after: str, before: str, beyond: tuple[str, str]
    ) -> list[dict[str, Any]]:
        """Oldest change first, from the one behind `beyond` (time, order id) on."""
        rows = self._books.all(
            "SELECT body_json FROM orders WHERE seller_id = ? AND last_updated_time BETWEEN ? AND ?"
            " AND (last_updated_time, order_id) > (?, ?) ORDER BY last_updated_time, order_id",
            (seller_id, after, before, *beyond),
        )
        return [json.loads(row["body_json"]) for row in rows]

    def package(self, seller_id: str, order_id: str, reference: str) -> sqlite3.Row | None:
        return self._books.one(
            "SELECT * FROM packages WHERE seller_id = ? AND order_id = ? AND package_reference_id = ?",
            (seller_id, order_id, reference),
        )

    def packages(self, seller_id: str, order_id: str) -> Sequence[sqlite3.Row]:
        return self._books.all(
            "SELECT * FROM packages WHERE seller_id = ? AND order_id = ? ORDER BY rowid",
            (seller_id, order_id),
        )

    def put_package(self, seller_id: str, order_id: str, detail: Mapping[str, Any]) -> None:
        """The same reference again edits that package."""
        self._books.execute(
            "INSERT INTO packages (seller_id, order_id, package_reference_id, carrier_code, carrier_name,"
            " tracking_number, ship_date, items_json) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT DO UPDATE SET carrier_code = excluded.carrier_code,"
            " carrier_name = excluded.carrier_name, tracking_number = excluded.tracking_number,"
            " ship_date = excluded.ship_date, items_json = excluded.items_json, edits = edits + 1",
            (
                seller_id,
                order_id,
                detail["packageReferenceId"],
                detail["carrierCode"],
                detail.get("carrierName"),
                detail["trackingNumber"],
                detail["shipDate"],
                json.dumps(detail["orderItems"]),
            ),
        )

    # -- listings

    def put_listing(
        self, seller_id: str, sku: str, quantity: int | None, lead_time_days: int | None, *, locked: bool
    ) -> None:
        self._books.execute(
            "INSERT OR REPLACE INTO listings VALUES (?, ?, ?, ?, ?)",
            (seller_id, sku, quantity, lead_time_days, locked),
        )

    def listing(self, seller_id: str, sku: str) -> sqlite3.Row | None:
        return self._books.one("SELECT * FROM listings WHERE seller_id = ? AND sku = ?", (seller_id, sku))

    def listings(self, seller_id: str) -> Sequence[sqlite3.Row]:
        return self._books.all("SELECT * FROM listings WHERE seller_id = ? ORDER BY sku", (seller_id,))

    # -- the queue

    def add_notice(self, seller_id: str, body: str) -> str:
        message_id = secrets.token_hex(16)
        self._books.execute(
            "INSERT INTO notices (message_id, seller_id, body, visible_at) VALUES (?, ?, ?, ?)",
            (message_id, seller_id, body, clock.precise(clock.now())),
        )
        return message_id

    def waiting(self, seller_id: str, most: int) -> Sequence[sqlite3.Row]:
        """Those that nobody is working at. A queue gives no order: the newest first."""
        return self._books.all(
            "SELECT * FROM notices WHERE seller_id = ? AND NOT deleted AND visible_at <= ?"
            " ORDER BY rowid DESC LIMIT ?",
            (seller_id, clock.precise(clock.now()), most),
        )

    def hand_out(self, message_id: str, visibility_s: int) -> str:
        """Hide a notice for so long; the handle by which it is deleted."""
        handle = secrets.token_urlsafe(32)
        until = clock.precise(clock.now() + timedelta(seconds=visibility_s))
        self._books.execute(
            "UPDATE notices SET receipt_handle = ?, visible_at = ?, receives = receives + 1"
            " WHERE message_id = ?",
            (handle, until, message_id),
        )
        return handle

    def delete_notice(self, seller_id: str, handle: str) -> bool:
        """Whether the handle is the notice's last one. Deleted twice is deleted."""
        found = self._books.execute(
            "UPDATE notices SET deleted = 1 WHERE seller_id = ? AND receipt_handle = ?", (seller_id, handle)
        )
        return found.rowcount > 0
