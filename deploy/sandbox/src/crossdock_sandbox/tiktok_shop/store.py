"""What the shops' books hold: shops, tokens, orders, packages, stock, cancels."""

import json
import secrets
import sqlite3
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from crossdock_sandbox.books import Books, Page

FIRST_ID = 1_153_000_000_000_000
CANCELLED = "CANCELLED"
WAREHOUSE = "7129001122334455001"
REFRESH_TOKEN_S = 30 * 86_400

SCHEMA = """
CREATE TABLE IF NOT EXISTS shops (
    shop TEXT PRIMARY KEY,
    app_key TEXT NOT NULL,
    app_secret TEXT NOT NULL,
    shop_cipher TEXT NOT NULL UNIQUE,
    webhook_url TEXT NOT NULL,
    access_token_s INTEGER NOT NULL,
    labels_wait INTEGER NOT NULL,
    cancels_wait INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS tokens (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    shop TEXT NOT NULL REFERENCES shops (shop),
    access_token TEXT NOT NULL,
    refresh_token TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    refresh_expires_at INTEGER NOT NULL,
    spent INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS orders (
    id TEXT NOT NULL,
    shop TEXT NOT NULL REFERENCES shops (shop),
    status TEXT NOT NULL,
    update_time INTEGER NOT NULL,
    body_json TEXT NOT NULL,
    PRIMARY KEY (shop, id)
);
CREATE TABLE IF NOT EXISTS packages (
    id TEXT PRIMARY KEY,
    shop TEXT NOT NULL,
    order_id TEXT NOT NULL,
    way TEXT NOT NULL,
    provider TEXT NOT NULL,
    tracking_number TEXT NOT NULL,
    units_json TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS skus (
    id TEXT NOT NULL,
    shop TEXT NOT NULL,
    product_id TEXT NOT NULL,
    seller_sku TEXT NOT NULL,
    warehouse_id TEXT NOT NULL,
    quantity INTEGER,
    locked INTEGER NOT NULL,
    PRIMARY KEY (shop, id, warehouse_id)
);
CREATE TABLE IF NOT EXISTS cancellations (
    id TEXT PRIMARY KEY,
    shop TEXT NOT NULL,
    order_id TEXT NOT NULL,
    reason TEXT NOT NULL,
    status TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS id_sequence (last INTEGER NOT NULL);
"""

PAGES = {
    "orders": Page(("id", "shop", "status", "update_time", "body_json")),
    "packages": Page(("id", "shop", "order_id", "way", "provider", "tracking_number", "units_json")),
    "skus": Page(("id", "shop", "product_id", "seller_sku", "warehouse_id", "quantity", "locked")),
    "cancellations": Page(("id", "shop", "order_id", "reason", "status")),
    "tokens": Page(("id", "shop", "expires_at", "refresh_expires_at", "spent")),
}


@dataclass(frozen=True, slots=True)
class Shop:
    """One shop that has authorised our app. What waits is done when the control API says so."""

    shop: str
    app_key: str
    app_secret: str
    shop_cipher: str
    webhook_url: str
    access_token_s: int
    labels_wait: bool
    cancels_wait: bool


class Store:
    def __init__(self, books: Books) -> None:
        self._books = books
        if books.one("SELECT last FROM id_sequence") is None:
            books.execute("INSERT INTO id_sequence VALUES (?)", (FIRST_ID,))

    def next_id(self) -> str:
        row = self._books.one("UPDATE id_sequence SET last = last + 1 RETURNING last")
        if row is None:
            raise RuntimeError("the sequence of ids is gone from the books")
        return str(row["last"])

    # -- shops and tokens

    def shop(self, shop: str) -> Shop | None:
        row = self._books.one("SELECT * FROM shops WHERE shop = ?", (shop,))
        return _shop(row) if row else None

    def shops(self) -> Sequence[Shop]:
        return [_shop(row) for row in self._books.all("SELECT * FROM shops ORDER BY shop")]

    def put_shop(self, shop: Shop) -> None:
        values = [getattr(shop, name) for name in Shop.__dataclass_fields__]
        self._books.execute("INSERT OR REPLACE INTO shops VALUES (?, ?, ?, ?, ?, ?, ?, ?)", values)

    def put_tokens(self, shop: Shop, access_token: str, refresh_token: str) -> sqlite3.Row:
        now = int(time.time())
        expires, refresh_expires = now + shop.access_token_s, now + REFRESH_TOKEN_S
        self._books.execute(
            "INSERT INTO tokens (shop, access_token, refresh_token, expires_at, refresh_expires_at)"
            " VALUES (?, ?, ?, ?, ?)",
            (shop.shop, access_token, refresh_token, expires, refresh_expires),
        )
        return self._books.all("SELECT * FROM tokens ORDER BY id DESC LIMIT 1")[0]

    def renew(self, shop: Shop) -> sqlite3.Row:
        return self.put_tokens(shop, f"TTP_{secrets.token_hex(12)}", f"TTR_{secrets.token_hex(12)}")

    def pair(self, shop: str) -> sqlite3.Row | None:
        """The newest."""
        return self._books.one("SELECT * FROM tokens WHERE shop = ? ORDER BY id DESC LIMIT 1", (shop,))

    def token(self, access_token: str) -> sqlite3.Row | None:
        return self._books.one("SELECT * FROM tokens WHERE access_token = ?", (access_token,))

    def spend(self, refresh_token: str, app_key: str) -> sqlite3.Row | None:
        """The next pair for a refresh token, which is good for one time; None: it is not."""
        row = self._books.one(
            "UPDATE tokens SET spent = 1, expires_at = 0 WHERE refresh_token = ? AND spent = 0"
            " AND refresh_expires_at > ? AND shop IN (SELECT shop FROM shops WHERE app_key = ?)"
            " RETURNING shop",
            (refresh_token, int(time.time()), app_key),
        )
        shop = self.shop(row["shop"]) if row else None
        return self.renew(shop) if shop else None

    def expire_tokens(self, shop: str) -> None:
        self._books.execute("UPDATE tokens SET expires_at = 0 WHERE shop = ?", (shop,))

    # -- orders

    def order(self, shop: str, order_id: str) -> dict[str, Any] | None:
        row = self._books.one("SELECT body_json FROM orders WHERE shop = ? AND id = ?", (shop, order_id))
        return json.loads(row["body_json"]) if row else None

    def put_order(self, shop: str, order_id: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Keep this body as the shop's order, and return it so: `update_time` never stands still."""
        known = self.order(shop, order_id)
        given = int(body.get("update_time") or time.time())
        changed = max(given, known["update_time"] + 1) if known else given
        kept = {**body, "id": order_id, "update_time": changed}
        self._books.execute(
            "INSERT OR REPLACE INTO orders VALUES (?, ?, ?, ?, ?)",
            (order_id, shop, kept["status"], changed, json.dumps(kept)),
        )
        return kept

    def change_order(self, shop: str, order: Mapping[str, Any], changes: Mapping[str, Any]) -> None:
        self.put_order(shop, order["id"], {**order, **changes, "update_time": int(time.time())})

    def changed(self, shop: str, since: int, until: int, offset: int, limit: int) -> list[dict[str, Any]]:
        """Those changed in [since, until), the earliest first."""
        rows = self._books.all(
            "SELECT body_json FROM orders WHERE shop = ? AND update_time >= ? AND update_time < ?"
            " ORDER BY update_time, id LIMIT ? OFFSET ?",
            (shop, since, until, limit, offset),
        )
        return [json.loads(row["body_json"]) for row in rows]

    # -- packages

    def add_package(
        self, package_id: str, shop: str, order_id: str, *, way: str, provider: str, number: str, units: Any
    ) -> None:
        self._books.execute(
            "INSERT INTO packages VALUES (?, ?, ?, ?, ?, ?, ?)",
            (package_id, shop, order_id, way, provider, number, json.dumps(units)),
        )

    def package(self, package_id: str) -> sqlite3.Row | None:
        return self._books.one("SELECT * FROM packages WHERE id = ?", (package_id,))

    def order_of_package(self, shop: str, package_id: str) -> dict[str, Any] | None:
        """The order that has units in it."""
        named = "SELECT body_json FROM orders WHERE shop = ? AND instr(body_json, ?) > 0"
        for row in self._books.all(named, (shop, package_id)):
            order: dict[str, Any] = json.loads(row["body_json"])
            if any(unit.get("package_id") == package_id for unit in order["line_items"]):
                return order
        return None

    # -- stock

    def put_sku(
        self, shop: str, product_id: str, sku_id: str, seller_sku: str, place: str, *, locked: bool
    ) -> None:
        self._books.execute(
            "INSERT OR REPLACE INTO skus VALUES (?, ?, ?, ?, ?, NULL, ?)",
            (sku_id, shop, product_id, seller_sku, place, locked),
        )

    def skus(self, shop: str) -> list[sqlite3.Row]:
        return self._books.all(
            "SELECT * FROM skus WHERE shop = ? ORDER BY product_id, id, warehouse_id", (shop,)
        )

    def set_stock(self, shop: str, sku_id: str, place: str, quantity: int) -> None:
        self._books.execute(
            "UPDATE skus SET quantity = ? WHERE shop = ? AND id = ? AND warehouse_id = ?",
            (quantity, shop, sku_id, place),
        )

    # -- cancels

    def add_cancellation(self, shop: str, order_id: str, reason: str, status: str) -> str:
        cancel_id = self.next_id()
        self._books.execute(
            "INSERT INTO cancellations VALUES (?, ?, ?, ?, ?)", (cancel_id, shop, order_id, reason, status)
        )
        return cancel_id

    def cancellations(self, shop: str, order_id: str) -> list[sqlite3.Row]:
        return self._books.all(
            "SELECT * FROM cancellations WHERE shop = ? AND order_id = ? ORDER BY id", (shop, order_id)
        )

    def complete_cancellations(self, shop: str, order_id: str) -> None:
        self._books.execute(
            "UPDATE cancellations SET status = 'CANCELLATION_REQUEST_COMPLETE'"
            " WHERE shop = ? AND order_id = ?",
            (shop, order_id),
        )


def _shop(row: sqlite3.Row) -> Shop:
    values = {name: row[name] for name in Shop.__dataclass_fields__}
    return Shop(
        **{**values, "labels_wait": bool(row["labels_wait"]), "cancels_wait": bool(row["cancels_wait"])}
    )
