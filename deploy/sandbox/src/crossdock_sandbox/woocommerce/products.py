"""Products and variations: found by SKU, their stock set by batches.

Source: developer.woocommerce.com, REST API v3 "Products" and "Product variations", read 2026-11-22.
"""

import json
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from crossdock_sandbox.calls import Answer
from crossdock_sandbox.woocommerce.php import php_json
from crossdock_sandbox.woocommerce.rest_api import JSON, Call, error
from crossdock_sandbox.woocommerce.store import Store

MOST_OBJECTS = 100


class _Update(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    id: int = Field(ge=1)
    manage_stock: bool
    stock_quantity: int


class _Batch(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    update: list[_Update]


class ProductsApi:
    """Every method is one operation. `order_id` of a call is the product that variations belong to, or 0."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def list_products(self, call: Call) -> Answer:
        wanted = set(call.query.get("sku", "").split(","))
        size = call.query.get("per_page", "10")
        if not (size.isdecimal() and 1 <= int(size) <= 100):
            return error(400, "rest_invalid_param", "Invalid parameter(s): per_page")
        rows = [row for row in self._store.products(call.shop.shop) if row["sku"] in wanted]
        return Answer(php_json([_shown(row) for row in rows[: int(size)]]), 200, media_type=JSON)

    def batch(self, call: Call) -> Answer:
        try:
            given = _Batch.model_validate(json.loads(call.body))
        except (ValidationError, ValueError):
            return error(400, "rest_invalid_param", "Invalid parameter(s): update")
        if len(given.update) > MOST_OBJECTS:
            return error(
                413, "woocommerce_rest_request_entity_too_large", "Unable to accept more than 100 items"
            )
        return Answer(
            php_json({"update": [self._update(call, one) for one in given.update]}), 200, media_type=JSON
        )

    def _update(self, call: Call, given: _Update) -> dict[str, Any]:
        row = self._store.product(call.shop.shop, given.id)
        if row is None or row["parent_id"] != call.order_id:
            return _refused(given.id, "woocommerce_rest_product_invalid_id", "Invalid ID.")
        if row["locked"]:
            return _refused(given.id, "woocommerce_rest_cannot_edit", "Sorry, you cannot edit this resource.")
        self._store.set_stock(call.shop.shop, given.id, given.stock_quantity)
        return _shown({**dict(row), "stock_quantity": given.stock_quantity})


def _shown(row: Any) -> dict[str, Any]:
    kind = "variation" if row["parent_id"] else "simple"
    return {
        "id": row["id"],
        "sku": row["sku"],
        "type": kind,
        "parent_id": row["parent_id"],
        "manage_stock": row["stock_quantity"] is not None,
        "stock_quantity": row["stock_quantity"],
    }


def _refused(product_id: int, code: str, message: str) -> dict[str, Any]:
    return {"id": product_id, "error": {"code": code, "message": message, "data": {"status": 400}}}
