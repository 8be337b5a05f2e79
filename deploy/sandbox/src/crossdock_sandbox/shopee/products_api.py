"""Items and models: found by SKU, their stock set one item at a time.

Source: Shopee's guide "Stock & price management", seen 2026-11. That a search also looks at models' SKUs is
unconfirmed.
"""

import sqlite3
from typing import Any

from pydantic import Field

from crossdock_sandbox.calls import Answer
from crossdock_sandbox.shopee.door import Call
from crossdock_sandbox.shopee.store import Store
from crossdock_sandbox.shopee.words import Body, given, good, wrong

MOST_MODELS = 50


class _SellerStock(Body):
    location_id: str | None = None
    stock: int = Field(ge=0)


class _Entry(Body):
    model_id: int
    seller_stock: list[_SellerStock] = Field(min_length=1, max_length=1)


class _Stock(Body):
    item_id: int
    stock_list: list[_Entry] = Field(min_length=1, max_length=MOST_MODELS)


class ProductsApi:
    """Every method is one operation."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def search(self, call: Call) -> Answer:
        wanted, size = call.query.get("item_sku", ""), call.query.get("page_size", "")
        if not wanted or not (size.isdecimal() and 1 <= int(size) <= 100):
            return wrong("item_sku and page_size")
        rows = self._store.models(call.shop.shop_id)
        found = sorted({row["item_id"] for row in rows if wanted.casefold() in row["sku"].casefold()})
        return good(
            {"item_id_list": found[: int(size)], "total_count": len(found), "next_offset": ""},
            reference=wanted,
        )

    def info(self, call: Call) -> Answer:
        ids = call.query.get("item_id_list", "").split(",")
        if not 1 <= len(ids) <= 50 or not all(one.isdecimal() for one in ids):
            return wrong("item_id_list has 1 to 50 ids")
        return good(
            {"item_list": [self._item(call, int(one)) for one in ids if self._models(call, int(one))]}
        )

    def _item(self, call: Call, item_id: int) -> dict[str, Any]:
        rows = self._models(call, item_id)
        plain = next((row for row in rows if row["model_id"] == 0), None)
        return {
            "item_id": item_id,
            "item_sku": plain["sku"] if plain else f"PARENT-{item_id}",
            "has_model": plain is None,
        }

    def models(self, call: Call) -> Answer:
        item_id = call.query.get("item_id", "")
        if not item_id.isdecimal():
            return wrong("item_id")
        rows = self._models(call, int(item_id))
        return good({"model": [{"model_id": row["model_id"], "model_sku": row["sku"]} for row in rows]})

    def update_stock(self, call: Call) -> Answer:
        def work(asked: _Stock) -> Answer:
            known = {row["model_id"]: row for row in self._models(call, asked.item_id)}
            failed: list[dict[str, Any]] = []
            done: list[dict[str, Any]] = []
            for entry in asked.stock_list:
                reason = self._set(call, known.get(entry.model_id), entry.seller_stock[0])
                if reason:
                    failed.append({"model_id": entry.model_id, "failed_reason": reason})
                else:
                    done.append({"model_id": entry.model_id, "stock": entry.seller_stock[0].stock})
            warning = "some models failed" if failed else ""
            response = {"failure_list": failed, "success_list": done}
            return good(response, warning=warning, reference=str(asked.item_id))

        return given(call.body, _Stock, work)

    def _set(self, call: Call, row: sqlite3.Row | None, wanted: _SellerStock) -> str | None:
        """Why not; None: it is set."""
        if row is None:
            return "model_not_found"
        if row["locked"]:
            return "model_is_locked"
        places = call.shop.locations
        if wanted.location_id not in places and (len(places) > 1 or wanted.location_id is not None):
            return "location_invalid"
        self._store.set_stock(row["id"], wanted.stock, wanted.location_id)
        return None

    def _models(self, call: Call, item_id: int) -> list[sqlite3.Row]:
        return [row for row in self._store.models(call.shop.shop_id) if row["item_id"] == item_id]
