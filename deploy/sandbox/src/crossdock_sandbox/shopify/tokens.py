"""Offline tokens that run out, and the endpoint that sells the next pair.

Source: shopify.dev, "Offline access tokens" and its changelog "More resilient refreshes for expiring offline
access tokens", read 2026-11-22; names of the form's fields and errors are OAuth's.
"""

import secrets
import sqlite3
import time
from dataclasses import dataclass
from urllib.parse import parse_qsl

from crossdock_sandbox.books import Books, Page
from crossdock_sandbox.calls import Answer
from crossdock_sandbox.shopify.store import Shop

REFRESH = "token.refresh"
REFRESH_LIVES_S = 90 * 86_400

SCHEMA = """
CREATE TABLE IF NOT EXISTS tokens (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    shop TEXT NOT NULL REFERENCES shops (shop),
    client_id TEXT NOT NULL,
    access_token TEXT NOT NULL UNIQUE,
    refresh_token TEXT NOT NULL UNIQUE,
    lives_s REAL NOT NULL,
    expires_at REAL NOT NULL,
    replaces INTEGER REFERENCES tokens (id),
    used INTEGER NOT NULL DEFAULT 0,
    spent INTEGER NOT NULL DEFAULT 0
);
"""
#: Without the tokens themselves.
PAGES = {"tokens": Page(("id", "shop", "client_id", "lives_s", "expires_at", "replaces", "used", "spent"))}


@dataclass(frozen=True, slots=True)
class TokenDesk:
    """`spent`: a pair whose refresh token is good no more, since the pair that it bought was used."""

    books: Books

    def opens(self, shop: Shop, token: str) -> bool:
        """Whether this token opens the shop now. Its first use ends the pair before it."""
        if secrets.compare_digest(token.encode(), shop.access_token.encode()):
            return True
        row = self.books.one(
            "SELECT * FROM tokens WHERE shop = ? AND access_token = ? AND expires_at > ?",
            (shop.shop, token, time.time()),
        )
        if row is not None and not row["used"]:
            self.books.execute("UPDATE tokens SET used = 1 WHERE id = ?", (row["id"],))
            self.books.execute("UPDATE tokens SET spent = 1 WHERE id = ?", (row["replaces"],))
        return row is not None

    def issue(self, shop: str, client_id: str, lives_s: float, replaces: int | None = None) -> sqlite3.Row:
        cursor = self.books.execute(
            "INSERT INTO tokens (shop, client_id, access_token, refresh_token, lives_s, expires_at, replaces)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                shop,
                client_id,
                f"shpat_{secrets.token_hex(16)}",
                f"shprt_{secrets.token_hex(16)}",
                lives_s,
                time.time() + lives_s,
                replaces,
            ),
        )
        return self.books.all("SELECT * FROM tokens WHERE id = ?", (cursor.lastrowid,))[0]

    def refresh(self, shop: Shop, body: bytes) -> Answer:
        given = dict(parse_qsl(body.decode(errors="replace")))
        if set(given) != {"client_id", "client_secret", "grant_type", "refresh_token"}:
            return _refused("invalid_request")
        if given["grant_type"] != "refresh_token":
            return _refused("unsupported_grant_type")
        row = self.books.one(
            "SELECT * FROM tokens WHERE shop = ? AND refresh_token = ? AND NOT spent",
            (shop.shop, given["refresh_token"]),
        )
        if row is None:
            return _refused("invalid_grant")
        known = given["client_id"] == row["client_id"]
        if not (known and secrets.compare_digest(given["client_secret"], shop.client_secret)):
            return _refused("invalid_client", 401)
        pair = self.issue(shop.shop, row["client_id"], row["lives_s"], replaces=row["id"])
        return Answer(shown(pair), detail={"pair": pair["id"]})


def shown(pair: sqlite3.Row) -> dict[str, object]:
    return {
        "access_token": pair["access_token"],
        "expires_in": pair["lives_s"],
        "refresh_token": pair["refresh_token"],
        "refresh_token_expires_in": REFRESH_LIVES_S,
        "scope": "read_orders,write_orders",
    }


def _refused(error: str, status: int = 400) -> Answer:
    return Answer({"error": error}, status, "refused", detail={"error": error})
