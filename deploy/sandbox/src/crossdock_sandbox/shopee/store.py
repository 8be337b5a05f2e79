"""What Shopee's books hold: shops with their tokens, orders, packages with their documents, products."""

import json
import secrets
import sqlite3
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from crossdock_sandbox.books import Books, Page

SCHEMA = """
CREATE TABLE IF NOT EXISTS shops (
    shop_id INTEGER PRIMARY KEY,
    partner_id INTEGER NOT NULL,
    partner_key TEXT NOT NULL,
    push_key TEXT NOT NULL,
    callback_url TEXT NOT NULL,
    webhook_url TEXT NOT NULL,
    handover TEXT NOT NULL,
    locations TEXT NOT NULL,
    access_token TEXT NOT NULL,
    access_until REAL NOT NULL,
    old_access_token TEXT NOT NULL DEFAULT '',
    old_until REAL NOT NULL DEFAULT 0,
    refresh_token TEXT NOT NULL,
    refreshes INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS orders (
    order_sn TEXT PRIMARY KEY,
    shop_id INTEGER NOT NULL REFERENCES shops (shop_id),
    order_status TEXT NOT NULL,
    update_time INTEGER NOT NULL,
    body_json TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS orders_by_change ON orders (shop_id, update_time, order_sn);
CREATE TABLE IF NOT EXISTS packages (
    package_number TEXT PRIMARY KEY,
    order_sn TEXT NOT NULL REFERENCES orders (order_sn),
    logistics_status TEXT NOT NULL,
    handover TEXT,
    tracking_number TEXT,
    number_at REAL,
    document_type TEXT,
    document_at REAL,
    document_fails INTEGER NOT NULL DEFAULT 0,
    downloads INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS packages_by_order ON packages (order_sn);
CREATE TABLE IF NOT EXISTS cancels (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    order_sn TEXT NOT NULL,
    way TEXT NOT NULL,
    reason TEXT
);
CREATE TABLE IF NOT EXISTS models (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    shop_id INTEGER NOT NULL REFERENCES shops (shop_id),
    item_id INTEGER NOT NULL,
    model_id INTEGER NOT NULL,
    sku TEXT NOT NULL,
    stock INTEGER,
    location_id TEXT,
    locked INTEGER NOT NULL,
    UNIQUE (shop_id, item_id, model_id)
);
CREATE TABLE IF NOT EXISTS id_sequence (last INTEGER NOT NULL);
"""

PAGES = {
    "orders": Page(("order_sn", "shop_id", "order_status", "update_time", "body_json")),
    "packages": Page(
        (
            "package_number",
            "order_sn",
            "logistics_status",
            "handover",
            "tracking_number",
            "document_type",
            "downloads",
        )
    ),
    "cancels": Page(("id", "order_sn", "way", "reason")),
    "models": Page(("id", "shop_id", "item_id", "model_id", "sku", "stock", "location_id", "locked")),
}

#: An access token lives for four hours, and five minutes more once there is a newer one.
ACCESS_S = 14_400
GRACE_S = 300.0
FIRST_ID = 0x5A000000


@dataclass(frozen=True, slots=True)
class Shop:
    """A shop that has authorised our app. `callback_url` is signed, `webhook_url` is posted to."""

    shop_id: int
    partner_id: int
    partner_key: str
    push_key: str
    callback_url: str
    webhook_url: str
    handover: tuple[str, ...]
    locations: tuple[str, ...]
    access_token: str
    access_until: float
    old_access_token: str
    old_until: float
    refresh_token: str

    def lets_in(self, token: str) -> bool:
        now = time.time()
        known = ((self.access_token, self.access_until), (self.old_access_token, self.old_until))
        return any(one and secrets.compare_digest(one, token) and now < until for one, until in known)


class Store:
    def __init__(self, books: Books) -> None:
        self._books = books
        if books.one("SELECT last FROM id_sequence") is None:
            books.execute("INSERT INTO id_sequence VALUES (?)", (FIRST_ID,))

    def next_id(self) -> int:
        row = self._books.one("UPDATE id_sequence SET last = last + 1 RETURNING last")
        if row is None:
            raise RuntimeError("the sequence of ids is gone from the books")
        return int(row["last"])

    # -- shops and their tokens

    def put_shop(self, given: Mapping[str, Any]) -> None:
        columns = (*given, "access_until")
        values = [",".join(one) if isinstance(one, list) else one for one in given.values()]
        self._books.execute(
            f"INSERT OR REPLACE INTO shops ({', '.join(columns)})"  # noqa: S608 - names of a model of ours
            f" VALUES ({', '.join('?' * len(columns))})",
            (*values, time.time() + ACCESS_S),
        )

    def move_pushes(self, shop_id: int, url: str) -> None:
        """Push to this address, and sign it."""
        self._books.execute(
            "UPDATE shops SET callback_url = ?, webhook_url = ? WHERE shop_id = ?", (url, url, shop_id)
        )

    def shop(self, shop_id: int) -> Shop | None:
        row = self._books.one("SELECT * FROM shops WHERE shop_id = ?", (shop_id,))
        if row is None:
            return None
        values = {name: row[name] for name in Shop.__dataclass_fields__}
        lists = {name: tuple(filter(None, row[name].split(","))) for name in ("handover", "locations")}
        return Shop(**{**values, **lists})

    def expire(self, shop_id: int) -> None:
        """As if the access tokens were too old."""
        self._books.execute("UPDATE shops SET access_until = 0, old_until = 0 WHERE shop_id = ?", (shop_id,))

    def renew(self, shop: Shop) -> Shop:
        """A new pair: the refresh token is used up, the old access token is good for a while."""
        access, refresh = secrets.token_hex(16), secrets.token_hex(16)
        self._books.execute(
            "UPDATE shops SET old_access_token = access_token, old_until = min(access_until, ?),"
            " access_token = ?, access_until = ?, refresh_token = ?, refreshes = refreshes + 1"
            " WHERE shop_id = ?",
            (time.time() + GRACE_S, access, time.time() + ACCESS_S, refresh, shop.shop_id),
        )
        renewed = self.shop(shop.shop_id)
        if renewed is None:
            raise RuntimeError("the shop is gone from the books")
        return renewed

    # -- orders and their packages

    def put_order(self, shop_id: int, body: Mapping[str, Any]) -> dict[str, Any]:
        """Keep the order; `update_time` never stands still. Packages that are known keep their state."""
        known = self.order(shop_id, body["order_sn"])
        changed_at = max(int(body["update_time"]), known["update_time"] + 1 if known else 0)
        kept = {**body, "update_time": changed_at}
        self._books.execute(
            "INSERT OR REPLACE INTO orders VALUES (?, ?, ?, ?, ?)",
            (kept["order_sn"], shop_id, kept["order_status"], changed_at, json.dumps(kept)),
        )
        for one in kept.get("package_list") or []:
            self._books.execute(
                "INSERT OR IGNORE INTO packages (package_number, order_sn, logistics_status)"
                " VALUES (?, ?, ?)",
                (one["package_number"], kept["order_sn"], one.get("logistics_status", "LOGISTICS_READY")),
            )
        return kept

    def order(self, shop_id: int, order_sn: str) -> dict[str, Any] | None:
        """With its packages as they are now."""
        row = self._books.one(
            "SELECT body_json FROM orders WHERE shop_id = ? AND order_sn = ?", (shop_id, order_sn)
        )
        if row is None:
            return None
        order: dict[str, Any] = json.loads(row["body_json"])
        states = {one["package_number"]: one["logistics_status"] for one in self.packages(order_sn)}
        listed = order.get("package_list") or []
        order["package_list"] = [{**one, "logistics_status": states[one["package_number"]]} for one in listed]
        return order

    def set_status(self, shop_id: int, order_sn: str, status: str) -> None:
        order = self.order(shop_id, order_sn)
        if order is not None and order["order_status"] != status:
            self.put_order(shop_id, {**order, "order_status": status, "update_time": int(time.time())})

    def changed(self, shop_id: int, since: int, until: int, after: int, limit: int) -> Sequence[sqlite3.Row]:
        return self._books.all(
            "SELECT order_sn, order_status FROM orders WHERE shop_id = ? AND update_time BETWEEN ? AND ?"
            " ORDER BY update_time, order_sn LIMIT ? OFFSET ?",
            (shop_id, since, until, limit, after),
        )

    def packages(self, order_sn: str) -> list[sqlite3.Row]:
        return self._books.all(
            "SELECT * FROM packages WHERE order_sn = ? ORDER BY package_number", (order_sn,)
        )

    def package(self, order_sn: str, package_number: str) -> sqlite3.Row | None:
        return self._books.one(
            "SELECT * FROM packages WHERE order_sn = ? AND package_number = ?", (order_sn, package_number)
        )

    def change_package(self, package_number: str, **changes: object) -> None:
        names = ", ".join(f"{name} = ?" for name in changes)
        self._books.execute(
            f"UPDATE packages SET {names} WHERE package_number = ?",  # noqa: S608 - our own names
            (*changes.values(), package_number),
        )

    def note_cancel(self, order_sn: str, way: str, reason: str | None) -> None:
        self._books.execute(
            "INSERT INTO cancels (order_sn, way, reason) VALUES (?, ?, ?)", (order_sn, way, reason)
        )

    # -- products

    def put_model(self, shop_id: int, item_id: int, model_id: int, sku: str, *, locked: bool) -> None:
        """`model_id` 0: an item without variants. `locked`: its stock cannot be set."""
        self._books.execute(
            "INSERT OR REPLACE INTO models (shop_id, item_id, model_id, sku, locked) VALUES (?, ?, ?, ?, ?)",
            (shop_id, item_id, model_id, sku, locked),
        )

    def models(self, shop_id: int) -> list[sqlite3.Row]:
        return self._books.all(
            "SELECT * FROM models WHERE shop_id = ? ORDER BY item_id, model_id", (shop_id,)
        )

    def set_stock(self, row_id: int, stock: int, location_id: str | None) -> None:
        self._books.execute(
            "UPDATE models SET stock = ?, location_id = ? WHERE id = ?", (stock, location_id, row_id)
        )
