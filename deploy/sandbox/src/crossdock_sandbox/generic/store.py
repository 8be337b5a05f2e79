"""What the shops' books hold: shops, orders, and what they were told."""

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from crossdock_sandbox.books import Books, Page

SCHEMA = """
CREATE TABLE IF NOT EXISTS shops (
    shop TEXT PRIMARY KEY,
    secret TEXT NOT NULL,
    webhook_url TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS orders (
    shop TEXT NOT NULL REFERENCES shops (shop),
    id TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    body_json TEXT NOT NULL,
    PRIMARY KEY (shop, id)
);
CREATE TABLE IF NOT EXISTS told (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    shop TEXT NOT NULL,
    message_id TEXT NOT NULL,
    type TEXT NOT NULL,
    order_id TEXT,
    body_json TEXT NOT NULL,
    answer_json TEXT NOT NULL,
    times INTEGER NOT NULL DEFAULT 1,
    UNIQUE (shop, message_id)
);
CREATE TABLE IF NOT EXISTS stock (
    shop TEXT NOT NULL,
    sku TEXT NOT NULL,
    units INTEGER,
    PRIMARY KEY (shop, sku)
);
"""
PAGES = {
    "orders": Page(("shop", "id", "updated_at", "body_json")),
    "told": Page(("id", "shop", "message_id", "type", "order_id", "body_json", "answer_json", "times")),
    "stock": Page(("shop", "sku", "units")),
}


@dataclass(frozen=True, slots=True)
class Shop:
    shop: str
    secret: str
    webhook_url: str


@dataclass(frozen=True, slots=True)
class Store:
    books: Books

    def shop(self, shop: str) -> Shop | None:
        row = self.books.one("SELECT * FROM shops WHERE shop = ?", (shop,))
        return Shop(**dict(row)) if row else None

    def put_shop(self, shop: Shop) -> None:
        values = (shop.shop, shop.secret, shop.webhook_url)
        self.books.execute("INSERT OR REPLACE INTO shops VALUES (?, ?, ?)", values)

    def order(self, shop: str, order_id: str) -> dict[str, Any] | None:
        row = self.books.one("SELECT body_json FROM orders WHERE shop = ? AND id = ?", (shop, order_id))
        return json.loads(row["body_json"]) if row else None

    def put_order(self, shop: str, body: Mapping[str, Any]) -> None:
        values = (shop, body["id"], body["updated_at"], json.dumps(body))
        self.books.execute("INSERT OR REPLACE INTO orders VALUES (?, ?, ?, ?)", values)

    def orders(self, shop: str, since: float, until: float, after: str, limit: int) -> list[dict[str, Any]]:
        rows = self.books.all(
            "SELECT body_json FROM orders WHERE shop = ? AND id > ?"
            " AND unixepoch(updated_at) BETWEEN ? AND ? ORDER BY id LIMIT ?",
            (shop, after, int(since), until, limit),
        )
        return [json.loads(row["body_json"]) for row in rows]

    def told(self, shop: str, message_id: str) -> sqlite3.Row | None:
        return self.books.one("SELECT * FROM told WHERE shop = ? AND message_id = ?", (shop, message_id))

    def keep(self, shop: str, message_id: str, said: Mapping[str, Any], answer: Mapping[str, object]) -> None:
        self.books.execute(
            "INSERT INTO told (shop, message_id, type, order_id, body_json, answer_json)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (shop, message_id, said["type"], said.get("order_id"), json.dumps(said), json.dumps(answer)),
        )

    def parcels(self, shop: str, order_id: str) -> list[sqlite3.Row]:
        return self.books.all(
            "SELECT * FROM told WHERE shop = ? AND order_id = ? AND type = 'tracking' ORDER BY id",
            (shop, order_id),
        )

    def count_again(self, row: sqlite3.Row) -> None:
        self.books.execute("UPDATE told SET times = times + 1 WHERE id = ?", (row["id"],))

    def set_stock(self, shop: str, sku: str, units: int) -> None:
        """A SKU that the shop does not sell yet is one from now on, unless its name begins with `GHOST`."""
        self.books.execute("INSERT OR REPLACE INTO stock VALUES (?, ?, ?)", (shop, sku, units))

    def list_sku(self, shop: str, sku: str) -> None:
        """The shop sells it; nobody has said how many there are."""
        self.books.execute("INSERT OR IGNORE INTO stock VALUES (?, ?, NULL)", (shop, sku))

    def stock(self, shop: str) -> dict[str, int | None]:
        rows = self.books.all("SELECT sku, units FROM stock WHERE shop = ? ORDER BY sku", (shop,))
        return {row["sku"]: row["units"] for row in rows}
