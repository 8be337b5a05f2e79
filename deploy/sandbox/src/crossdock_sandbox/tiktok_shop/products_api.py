"""Products: found by the seller's SKUs, their stock set by product, absolute."""

from itertools import groupby
from typing import Any

from pydantic import Field

from crossdock_sandbox.calls import Answer
from crossdock_sandbox.tiktok_shop.store import Shop, Store
from crossdock_sandbox.tiktok_shop.words import INVALID, NOT_FOUND, Call, Given, error, reading, said


class _Search(Given):
    seller_skus: list[str] = Field(min_length=1, max_length=100)


class _Place(Given):
    warehouse_id: str
    quantity: int = Field(ge=0, le=99_999)


class _Sku(Given):
    id: str
    inventory: list[_Place] = Field(min_length=1)


class _Update(Given):
    skus: list[_Sku] = Field(min_length=1, max_length=100)


class ProductsApi:
    """Every method is one operation, and runs inside the transaction that records it."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def search(self, call: Call) -> Answer:
        size, token = call.query.get("page_size", ""), call.query.get("page_token", "0")
        if not (size.isdecimal() and 1 <= int(size) <= 100 and token.isdecimal()):
            return error(INVALID, "Invalid parameters: page_size, page_token")
        return reading(call, _Search, lambda given: self._page(call.shop, given, int(token), int(size)))

    def _page(self, shop: Shop, given: _Search, offset: int, size: int) -> Answer:
        products = [
            one
            for one in self._products(shop)
            if any(sku["seller_sku"] in given.seller_skus for sku in one["skus"])
        ]
        more = str(offset + size) if len(products) > offset + size else ""
        return said({"products": products[offset : offset + size], "next_page_token": more})

    def _products(self, shop: Shop) -> list[dict[str, Any]]:
        rows = self._store.skus(shop.shop)
        return [
            {
                "id": product_id,
                "skus": [
                    _shown(sku_id, list(places))
                    for sku_id, places in groupby(of_product, lambda row: str(row["id"]))
                ],
            }
            for product_id, of_product in groupby(rows, lambda row: str(row["product_id"]))
        ]

    def update(self, call: Call) -> Answer:
        return reading(call, _Update, lambda given: self._update(call.shop, call.name, given))

    def _update(self, shop: Shop, product_id: str, given: _Update) -> Answer:
        places = {
            (row["id"], row["warehouse_id"]): row
            for row in self._store.skus(shop.shop)
            if row["product_id"] == product_id
        }
        wanted = [(sku.id, place) for sku in given.skus for place in sku.inventory]
        if any((sku_id, place.warehouse_id) not in places for sku_id, place in wanted):
            return error(NOT_FOUND, "No such SKU of this product, or no such warehouse.")
        errors = []
        for sku_id, place in wanted:
            if places[sku_id, place.warehouse_id]["locked"]:
                detail = {"sku_id": sku_id}
                errors.append({"code": 12052700, "message": "The SKU is locked.", "detail": detail})
            else:
                self._store.set_stock(shop.shop, sku_id, place.warehouse_id, place.quantity)
        return said({"errors": errors}, reference=product_id)


def _shown(sku_id: str, places: list[Any]) -> dict[str, Any]:
    return {
        "id": sku_id,
        "seller_sku": places[0]["seller_sku"],
        "inventory": [
            {"warehouse_id": one["warehouse_id"], "quantity": one["quantity"] or 0} for one in places
        ],
    }
