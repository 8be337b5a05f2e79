"""What eBay's books hold: sellers, tokens, orders, fulfilments, cancels, stock, signing keys."""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from crossdock_sandbox import clock
from crossdock_sandbox.books import Books, Page

SCHEMA = """
CREATE TABLE IF NOT EXISTS sellers (
    shop TEXT PRIMARY KEY,
    client_id TEXT NOT NULL,
    client_secret TEXT NOT NULL,
    refresh_token TEXT NOT NULL UNIQUE,
    verification_token TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    wants_signatures INTEGER NOT NULL,
    slow_cancels INTEGER NOT NULL,
    consents INTEGER NOT NULL DEFAULT 1
);
CREATE TABLE IF NOT EXISTS tokens (
    token TEXT PRIMARY KEY,
    client_id TEXT NOT NULL,
    shop TEXT,
    expires_at REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS usage (
    client_id TEXT NOT NULL,
    api TEXT NOT NULL,
    day TEXT NOT NULL,
    calls INTEGER NOT NULL,
    PRIMARY KEY (client_id, api, day)
);
CREATE TABLE IF NOT EXISTS signing_keys (kid TEXT PRIMARY KEY, private_pem BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS orders (
    id TEXT NOT NULL,
    shop TEXT NOT NULL REFERENCES sellers (shop),
    last_modified TEXT NOT NULL,
    body_json TEXT NOT NULL,
    PRIMARY KEY (shop, id)
);
CREATE TABLE IF NOT EXISTS fulfillments (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    shop TEXT NOT NULL,
    order_id TEXT NOT NULL,
    tracking_number TEXT NOT NULL,
    carrier TEXT NOT NULL,
    shipped_date TEXT NOT NULL,
    lines_json TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS cancels (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    shop TEXT NOT NULL,
    order_id TEXT NOT NULL,
    initiator TEXT NOT NULL,
    reason TEXT NOT NULL,
    state TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS items (
    shop TEXT NOT NULL,
    sku TEXT NOT NULL,
    quantity INTEGER,
    locked INTEGER NOT NULL,
    times_set INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (shop, sku)
);
"""

PAGES = {
    "orders": Page(("id", "shop", "last_modified", "body_json")),
    "fulfillments": Page(
        ("id", "shop", "order_id", "tracking_number", "carrier", "shipped_date", "lines_json")
    ),
    "cancels": Page(("id", "shop", "order_id", "initiator", "reason", "state")),
    "items": Page(("shop", "sku", "quantity", "locked", "times_set")),
    "usage": Page(("client_id", "api", "day", "calls")),
}


@dataclass(frozen=True, slots=True)
class Seller:
    """`wants_signatures`: a seller of the EU or the UK, whose cancels have to be signed. `slow_cancels`: a
    cancel is not done before the control API says so.
    """

    shop: str
    client_id: str
    client_secret: str
    refresh_token: str
    verification_token: str
    endpoint: str
    wants_signatures: bool = False
    slow_cancels: bool = False


class Store:
    def __init__(self, books: Books) -> None:
        self._books = books

    # -- sellers, tokens, quotas

    def seller(self, shop: str) -> Seller | None:
        row = self._books.one("SELECT * FROM sellers WHERE shop = ?", (shop,))
        return _seller(row) if row else None

    def sellers(self) -> list[Seller]:
        return [_seller(row) for row in self._books.all("SELECT * FROM sellers ORDER BY shop")]

    def put_seller(self, seller: Seller) -> None:
        self._books.execute(
            "INSERT OR REPLACE INTO sellers VALUES (?, ?, ?, ?, ?, ?, ?, ?, 1)",
            tuple(getattr(seller, name) for name in Seller.__dataclass_fields__),
        )

    def secret_of(self, client_id: str) -> str | None:
        row = self._books.one("SELECT client_secret FROM sellers WHERE client_id = ?", (client_id,))
        return str(row["client_secret"]) if row else None

    def seller_of_refresh_token(self, client_id: str, refresh_token: str) -> Seller | None:
        """None: there never was such a token, or the seller has taken the consent back."""
        row = self._books.one(
            "SELECT * FROM sellers WHERE client_id = ? AND refresh_token = ? AND consents = 1",
            (client_id, refresh_token),
        )
        return _seller(row) if row else None

    def withdraw_consent(self, shop: str) -> None:
        self._books.execute("UPDATE sellers SET consents = 0 WHERE shop = ?", (shop,))
        self.expire_tokens(shop)

    def add_token(self, token: str, client_id: str, shop: str | None, expires_at: float) -> None:
        self._books.execute("INSERT INTO tokens VALUES (?, ?, ?, ?)", (token, client_id, shop, expires_at))

    def token(self, token: str, now: float) -> sqlite3.Row | None:
        return self._books.one("SELECT * FROM tokens WHERE token = ? AND expires_at > ?", (token, now))

    def first_token(self, shop: str) -> sqlite3.Row | None:
        return self._books.one("SELECT * FROM tokens WHERE shop = ? ORDER BY rowid LIMIT 1", (shop,))

    def expire_tokens(self, shop: str) -> None:
        self._books.execute("UPDATE tokens SET expires_at = 0 WHERE shop = ?", (shop,))

    def count_call(self, client_id: str, api: str, limit: int) -> bool:
        """Whether the application has a call of this API left today."""
        row = self._books.one(
            "INSERT INTO usage VALUES (?, ?, ?, 1)"
            " ON CONFLICT (client_id, api, day) DO UPDATE SET calls = calls + 1 RETURNING calls",
            (client_id, api, clock.now().date().isoformat()),
        )
        return row is not None and int(row["calls"]) <= limit

    # -- keys

    def signing_key(self) -> sqlite3.Row | None:
        """The newest."""
        return self._books.one("SELECT * FROM signing_keys ORDER BY rowid DESC LIMIT 1")

    def signing_key_of(self, kid: str) -> sqlite3.Row | None:
        return self._books.one("SELECT * FROM signing_keys WHERE kid = ?", (kid,))

    def put_signing_key(self, kid: str, private_pem: bytes) -> None:
        self._books.execute("INSERT OR REPLACE INTO signing_keys VALUES (?, ?)", (kid, private_pem))

    # -- orders

    def order(self, shop: str, order_id: str) -> dict[str, Any] | None:
        row = self._books.one("SELECT body_json FROM orders WHERE shop = ? AND id = ?", (shop, order_id))
        return json.loads(row["body_json"]) if row else None

    def put_order(self, shop: str, order_id: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Keep this body as the seller's order, and return it so: `lastModifiedDate` never stands still."""
        known = self.order(shop, order_id)
        modified = _advanced(body.get("lastModifiedDate"), known["lastModifiedDate"] if known else None)
        kept = {**body, "orderId": order_id, "lastModifiedDate": modified}
        self._books.execute(
            "INSERT OR REPLACE INTO orders VALUES (?, ?, ?, ?)",
            (order_id, shop, modified, json.dumps(kept, ensure_ascii=False)),
        )
        return kept

    def change_order(self, shop: str, order: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
        """The order with these fields, changed now."""
        body = {**order, **changes, "lastModifiedDate": millis(clock.now())}
        return self.put_order(shop, str(order["orderId"]), body)

    def changed(self, shop: str, since: str, until: str) -> list[dict[str, Any]]:
        """In no order that anybody may rely on."""
        rows = self._books.all(
            "SELECT body_json FROM orders WHERE shop = ? AND last_modified BETWEEN ? AND ?"
            " ORDER BY substr(id, -2), id DESC",
            (shop, since, until),
        )
        return [json.loads(row["body_json"]) for row in rows]

    # -- fulfilments, cancels, stock

    def fulfillments(self, shop: str, order_id: str) -> list[sqlite3.Row]:
        return self._books.all(
            "SELECT * FROM fulfillments WHERE shop = ? AND order_id = ? ORDER BY id", (shop, order_id)
        )

    def add_fulfillment(
        self,
        shop: str,
        order_id: str,
        *,
        number: str,
        carrier: str,
        shipped: str,
        lines: Sequence[Mapping[str, Any]],
    ) -> None:
        self._books.execute(
            "INSERT INTO fulfillments (shop, order_id, tracking_number, carrier, shipped_date, lines_json)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (shop, order_id, number, carrier, shipped, json.dumps(list(lines))),
        )

    def add_cancel(self, shop: str, order_id: str, initiator: str, reason: str) -> int:
        cursor = self._books.execute(
            "INSERT INTO cancels (shop, order_id, initiator, reason, state) VALUES (?, ?, ?, ?, 'REQUESTED')",
            (shop, order_id, initiator, reason),
        )
        return int(cursor.lastrowid or 0)

    def cancels(self, shop: str, order_id: str) -> list[sqlite3.Row]:
        return self._books.all(
            "SELECT * FROM cancels WHERE shop = ? AND order_id = ? ORDER BY id", (shop, order_id)
        )

    def cancel(self, shop: str, cancel_id: int) -> sqlite3.Row | None:
        return self._books.one("SELECT * FROM cancels WHERE shop = ? AND id = ?", (shop, cancel_id))

    def complete_cancel(self, cancel_id: int) -> None:
        self._books.execute("UPDATE cancels SET state = 'COMPLETED' WHERE id = ?", (cancel_id,))

    def put_item(self, shop: str, sku: str, *, locked: bool) -> None:
        """`locked`: its quantity cannot be set, as that of a listing under review."""
        self._books.execute(
            "INSERT OR REPLACE INTO items (shop, sku, quantity, locked) VALUES (?, ?, NULL, ?)",
            (shop, sku, locked),
        )

    def item(self, shop: str, sku: str) -> sqlite3.Row | None:
        return self._books.one("SELECT * FROM items WHERE shop = ? AND sku = ?", (shop, sku))

    def items(self, shop: str) -> list[sqlite3.Row]:
        return self._books.all("SELECT * FROM items WHERE shop = ? ORDER BY sku", (shop,))

    def set_quantity(self, shop: str, sku: str, quantity: int) -> None:
        self._books.execute(
            "UPDATE items SET quantity = ?, times_set = times_set + 1 WHERE shop = ? AND sku = ?",
            (quantity, shop, sku),
        )


def millis(at: datetime) -> str:
    """Milliseconds in UTC with a Z, as eBay writes times."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _seller(row: sqlite3.Row) -> Seller:
    values = {name: row[name] for name in Seller.__dataclass_fields__}
    return Seller(**{**values, **{name: bool(row[name]) for name in ("wants_signatures", "slow_cancels")}})


def _advanced(given: object, known: str | None) -> str:
    """The later of both, at least a millisecond after what was known; a text that is no time is replaced."""
    try:
        at = datetime.fromisoformat(str(given))
    except ValueError:
        at = clock.now()
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    if known is not None:
        at = max(at, datetime.fromisoformat(known) + timedelta(milliseconds=1))
    return millis(at)
