"""What the sites' books hold: shops, orders, refunds, notes, tracking numbers."""

import hashlib
import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from crossdock_sandbox import clock
from crossdock_sandbox.books import Books, Page

FIRST_ID = 50_000

SCHEMA = """
CREATE TABLE IF NOT EXISTS shops (
    shop TEXT PRIMARY KEY,
    site TEXT NOT NULL,
    consumer_key TEXT NOT NULL,
    consumer_secret TEXT NOT NULL,
    permissions TEXT NOT NULL,
    webhook_secret TEXT NOT NULL,
    webhook_url TEXT NOT NULL,
    shipment_tracking INTEGER NOT NULL,
    gmt_offset_h INTEGER NOT NULL,
    webhook_status TEXT NOT NULL DEFAULT 'active',
    failure_count INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS orders (
    id INTEGER NOT NULL,
    shop TEXT NOT NULL REFERENCES shops (shop),
    status TEXT NOT NULL,
    date_modified_gmt TEXT NOT NULL,
    body_json TEXT NOT NULL,
    PRIMARY KEY (shop, id)
);
CREATE TABLE IF NOT EXISTS refunds (
    id INTEGER PRIMARY KEY,
    shop TEXT NOT NULL,
    order_id INTEGER NOT NULL,
    body_json TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS refunds_by_order ON refunds (shop, order_id);
CREATE TABLE IF NOT EXISTS notes (
    id INTEGER PRIMARY KEY,
    shop TEXT NOT NULL,
    order_id INTEGER NOT NULL,
    date_created_gmt TEXT NOT NULL,
    note TEXT NOT NULL,
    customer_note INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS notes_by_order ON notes (shop, order_id);
CREATE TABLE IF NOT EXISTS trackings (
    id INTEGER PRIMARY KEY,
    tracking_id TEXT NOT NULL,
    shop TEXT NOT NULL,
    order_id INTEGER NOT NULL,
    tracking_number TEXT NOT NULL,
    tracking_provider TEXT NOT NULL,
    tracking_link TEXT NOT NULL,
    date_shipped TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS trackings_by_order ON trackings (shop, order_id);
CREATE TABLE IF NOT EXISTS products (
    id INTEGER PRIMARY KEY,
    shop TEXT NOT NULL REFERENCES shops (shop),
    sku TEXT NOT NULL,
    parent_id INTEGER NOT NULL,
    stock_quantity INTEGER,
    locked INTEGER NOT NULL,
    UNIQUE (shop, sku)
);
CREATE TABLE IF NOT EXISTS id_sequence (last INTEGER NOT NULL);
"""

PAGES = {
    "orders": Page(("id", "shop", "status", "date_modified_gmt", "body_json")),
    "refunds": Page(("id", "shop", "order_id", "body_json")),
    "notes": Page(("id", "shop", "order_id", "date_created_gmt", "note", "customer_note")),
    "trackings": Page(
        (
            "id",
            "tracking_id",
            "shop",
            "order_id",
            "tracking_number",
            "tracking_provider",
            "tracking_link",
            "date_shipped",
        )
    ),
    "products": Page(("id", "shop", "sku", "parent_id", "stock_quantity", "locked")),
}


@dataclass(frozen=True, slots=True)
class Shop:
    """One site with one key, one webhook, and perhaps the Shipment Tracking plug-in."""

    shop: str
    site: str
    consumer_key: str
    consumer_secret: str
    permissions: str
    webhook_secret: str
    webhook_url: str
    shipment_tracking: bool
    gmt_offset_h: int


class Store:
    def __init__(self, books: Books) -> None:
        self._books = books
        if books.one("SELECT last FROM id_sequence") is None:
            books.execute("INSERT INTO id_sequence VALUES (?)", (FIRST_ID,))

    # -- shops and their webhooks

    def shop(self, shop: str) -> Shop | None:
        row = self._books.one("SELECT * FROM shops WHERE shop = ?", (shop,))
        return _shop(row) if row else None

    def shops(self) -> Sequence[tuple[Shop, str]]:
        """Each with the status of its webhook."""
        rows = self._books.all("SELECT * FROM shops ORDER BY shop")
        return [(_shop(row), row["webhook_status"]) for row in rows]

    def put_shop(self, shop: Shop) -> None:
        """Whoever saves the webhook enables it again."""
        self._books.execute(
            "INSERT OR REPLACE INTO shops VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'active', 0)",
            (
                shop.shop,
                shop.site,
                shop.consumer_key,
                shop.consumer_secret,
                shop.permissions,
                shop.webhook_secret,
                shop.webhook_url,
                shop.shipment_tracking,
                shop.gmt_offset_h,
            ),
        )

    def webhook_is_active(self, shop: str) -> bool:
        row = self._books.one("SELECT webhook_status FROM shops WHERE shop = ?", (shop,))
        return row is not None and row["webhook_status"] == "active"

    def count_delivery(self, shop: str, delivered: bool) -> None:
        """A success forgets the failures before it; the seventh failure in a row disables the webhook.

        Source: woocommerce/woocommerce `class-wc-webhook.php`, failed_delivery, read 2026-11-22.
        """
        if delivered:
            self._books.execute("UPDATE shops SET failure_count = 0 WHERE shop = ?", (shop,))
            return
        self._books.execute(
            "UPDATE shops SET webhook_status = iif(failure_count > 5, 'disabled', webhook_status),"
            " failure_count = iif(failure_count > 5, failure_count, failure_count + 1) WHERE shop = ?",
            (shop,),
        )

    # -- orders

    def order(self, shop: str, order_id: int) -> dict[str, Any] | None:
        row = self._books.one("SELECT body_json FROM orders WHERE shop = ? AND id = ?", (shop, order_id))
        return json.loads(row["body_json"]) if row else None

    def orders_modified(
        self, shop: str, after: datetime | None, before: datetime | None
    ) -> list[dict[str, Any]]:
        """Orders last modified between these times of UTC, but for those in the trash."""
        rows = self._books.all(
            "SELECT body_json FROM orders WHERE shop = ? AND status != 'trash'"
            " AND date_modified_gmt > ? AND date_modified_gmt < ?",
            (shop, after.isoformat() if after else "", before.isoformat() if before else "9999"),
        )
        return [json.loads(row["body_json"]) for row in rows]

    def put_order(self, shop: Shop, order_id: int, body: Mapping[str, Any]) -> dict[str, Any]:
        """Keep this body as the shop's order, and return it so: `date_modified_gmt` never stands still."""
        known = self.order(shop.shop, order_id)
        modified = _advanced(body.get("date_modified_gmt"), known["date_modified_gmt"] if known else None)
        kept = {
            **body,
            "id": order_id,
            "date_modified": (modified + timedelta(hours=shop.gmt_offset_h)).isoformat(),
            "date_modified_gmt": modified.isoformat(),
        }
        self._books.execute(
            "INSERT OR REPLACE INTO orders VALUES (?, ?, ?, ?, ?)",
            (order_id, shop.shop, kept["status"], kept["date_modified_gmt"], json.dumps(kept)),
        )
        return kept

    def change_order(
        self, shop: Shop, order: Mapping[str, Any], changes: Mapping[str, Any]
    ) -> dict[str, Any]:
        """The order with these fields, changed now."""
        now = _now()
        completed = {}
        if changes.get("status") == "completed" and order["status"] != "completed":
            local = now + timedelta(hours=shop.gmt_offset_h)
            completed = {"date_completed": local.isoformat(), "date_completed_gmt": now.isoformat()}
        body = {**order, **changes, **completed, "date_modified_gmt": now.isoformat()}
        return self.put_order(shop, order["id"], body)

    def merged_meta(
        self, order: Mapping[str, Any], given: Sequence[Mapping[str, Any]]
    ) -> list[dict[str, Any]]:
        """A key that is there gets the new value, another one is added."""
        merged = [dict(one) for one in order.get("meta_data") or []]
        for new in given:
            known = next((one for one in merged if one["key"] == new["key"]), None)
            if known is None:
                merged.append({"id": self.next_id(), "key": new["key"], "value": new["value"]})
            else:
                known["value"] = new["value"]
        return merged

    # -- products

    def put_product(self, shop: str, sku: str, parent_id: int, *, locked: bool) -> None:
        """`parent_id` 0: no variation. `locked`: it cannot be edited."""
        self._books.execute(
            "INSERT OR REPLACE INTO products VALUES (?, ?, ?, ?, NULL, ?)",
            (self.next_id(), shop, sku, parent_id, locked),
        )

    def products(self, shop: str) -> list[sqlite3.Row]:
        return self._books.all("SELECT * FROM products WHERE shop = ? ORDER BY id", (shop,))

    def product(self, shop: str, product_id: int) -> sqlite3.Row | None:
        return self._books.one("SELECT * FROM products WHERE shop = ? AND id = ?", (shop, product_id))

    def set_stock(self, shop: str, product_id: int, units: int) -> None:
        self._books.execute(
            "UPDATE products SET stock_quantity = ? WHERE shop = ? AND id = ?", (units, shop, product_id)
        )

    # -- refunds, notes, tracking numbers

    def add_refund(
        self, shop: Shop, order: Mapping[str, Any], *, amount: str, reason: str, units: Mapping[int, int]
    ) -> int:
        """`units`: line id to quantity. The order shows the money, the refund itself the lines."""
        refund_id = self.next_id()
        lines = [
            {
                "id": self.next_id(),
                "quantity": -quantity,
                "meta_data": [{"id": self.next_id(), "key": "_refunded_item_id", "value": str(line_id)}],
            }
            for line_id, quantity in units.items()
        ]
        body = {"id": refund_id, "amount": amount, "reason": reason, "line_items": lines}
        self._books.execute(
            "INSERT INTO refunds VALUES (?, ?, ?, ?)", (refund_id, shop.shop, order["id"], json.dumps(body))
        )
        shown = [*(order.get("refunds") or []), {"id": refund_id, "reason": reason, "total": f"-{amount}"}]
        self.change_order(shop, order, {"refunds": shown})
        return refund_id

    def refunds(self, shop: str, order_id: int) -> list[dict[str, Any]]:
        """Newest first."""
        rows = self._books.all(
            "SELECT body_json FROM refunds WHERE shop = ? AND order_id = ? ORDER BY id DESC", (shop, order_id)
        )
        return [json.loads(row["body_json"]) for row in rows]

    def add_note(self, shop: str, order_id: int, note: str, *, for_customer: bool) -> sqlite3.Row:
        note_id = self.next_id()
        self._books.execute(
            "INSERT INTO notes VALUES (?, ?, ?, ?, ?, ?)",
            (note_id, shop, order_id, _now().isoformat(), note, for_customer),
        )
        return self._books.all("SELECT * FROM notes WHERE id = ?", (note_id,))[0]

    def notes(self, shop: str, order_id: int) -> list[sqlite3.Row]:
        """Newest first."""
        return self._books.all(
            "SELECT * FROM notes WHERE shop = ? AND order_id = ? ORDER BY id DESC", (shop, order_id)
        )

    def add_tracking(
        self, shop: str, order_id: int, *, number: str, provider: str, link: str, date_shipped: str
    ) -> sqlite3.Row:
        row_id = self.next_id()
        tracking_id = hashlib.md5(f"{provider}-{number}{row_id}".encode(), usedforsecurity=False).hexdigest()
        self._books.execute(
            "INSERT INTO trackings VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (row_id, tracking_id, shop, order_id, number, provider, link, date_shipped),
        )
        return self._books.all("SELECT * FROM trackings WHERE id = ?", (row_id,))[0]

    def trackings(self, shop: str, order_id: int) -> list[sqlite3.Row]:
        return self._books.all(
            "SELECT * FROM trackings WHERE shop = ? AND order_id = ? ORDER BY id", (shop, order_id)
        )

    def next_id(self) -> int:
        row = self._books.one("UPDATE id_sequence SET last = last + 1 RETURNING last")
        if row is None:
            raise RuntimeError("the sequence of ids is gone from the books")
        return int(row["last"])


def _shop(row: sqlite3.Row) -> Shop:
    values = {name: row[name] for name in Shop.__dataclass_fields__}
    return Shop(**{**values, "shipment_tracking": bool(row["shipment_tracking"])})


def _now() -> datetime:
    """Whole seconds of UTC without an offset, as WordPress keeps them."""
    return clock.now().replace(microsecond=0, tzinfo=None)


def _advanced(given: object, known: str | None) -> datetime:
    """The later of both, at least a second after what was known; a text that is no time is replaced."""
    try:
        at = datetime.fromisoformat(str(given))
    except ValueError:
        at = _now()
    at = at.astimezone(UTC).replace(tzinfo=None) if at.tzinfo else at
    return at if known is None else max(at, datetime.fromisoformat(known) + timedelta(seconds=1))
