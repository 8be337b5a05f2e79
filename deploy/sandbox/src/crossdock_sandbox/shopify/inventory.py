"""Stock of the shops: what a SKU has at the shop's location, and what may be set."""

import re
from collections.abc import Mapping
from typing import Any
from zlib import crc32

from graphql import GraphQLError

from crossdock_sandbox.shopify.store import FIRST_ID, Store
from crossdock_sandbox.shopify.views import Info, View, gid, parse_gid

MOST_ENTRIES = 250
#: Of Shopify's list those that a stock keeper uses.
REASONS = frozenset({"correction", "cycle_count_available", "received", "other"})
_SKU = re.compile(r'sku:"((?:[^"\\]|\\.)*)"')


def location_of(shop: str) -> int:
    """A number that is always the same for a shop."""
    return FIRST_ID + crc32(shop.encode())


class Inventory:
    """The root fields about stock. Every shop has one location."""

    def __init__(self, store: Store, shop: str, refusals: list[str]) -> None:
        self._store = store
        self._shop = shop
        self._refusals = refusals

    def root(self) -> Mapping[str, Any]:
        return {
            "productVariants": self._variants,
            "locations": self._locations,
            "inventorySetQuantities": self._set,
        }

    def _variants(self, _info: Info, *, query: str = "", **_more: object) -> View:
        """As the search does, it finds more than what is asked for: everything that begins so."""
        wanted = tuple(_SKU.findall(query))
        rows = [row for row in self._store.variants(self._shop) if row["sku"].startswith(wanted)]
        nodes = [
            {"sku": row["sku"], "inventoryItem": {"id": gid("InventoryItem", row["id"])}} for row in rows
        ]
        return {"nodes": nodes}

    def _locations(self, _info: Info, **_more: object) -> View:
        return {"nodes": [{"id": gid("Location", location_of(self._shop))}]}

    def _set(self, info: Info, *, input: Mapping[str, Any]) -> View:
        if not info.field_nodes[0].directives:
            raise GraphQLError("The @idempotent directive is required", extensions={"code": "BAD_REQUEST"})
        errors = self._wrong(input)
        if not errors:
            for entry in input["quantities"]:
                number = parse_gid("InventoryItem", entry["inventoryItemId"])
                self._store.set_available(self._shop, number, entry["quantity"])
        self._refusals += [str(one["message"]) for one in errors]
        return {"userErrors": errors}

    def _wrong(self, given: Mapping[str, Any]) -> list[dict[str, Any]]:
        entries = given["quantities"]
        if given["name"] not in {"available", "on_hand"}:
            return [_error("INVALID_NAME", "name")]
        if given["reason"] not in REASONS:
            return [_error("INVALID_REASON", "reason")]
        if len(entries) > MOST_ENTRIES:
            raise GraphQLError(f"The input array size is greater than {MOST_ENTRIES}")
        errors, seen = [], set()
        for index, entry in enumerate(entries):
            code = self._wrong_entry(entry)
            if code is None and entry["inventoryItemId"] in seen:
                code = "NO_DUPLICATE_INVENTORY_ITEM_ID_GROUP_ID_PAIR"
            seen.add(entry["inventoryItemId"])
            if code is not None:
                errors.append(_error(code, "quantities", str(index)))
        return errors

    def _wrong_entry(self, entry: Mapping[str, Any]) -> str | None:
        if "changeFromQuantity" not in entry:
            raise GraphQLError("changeFromQuantity is required, null opts out")
        row = self._store.variant(self._shop, parse_gid("InventoryItem", entry["inventoryItemId"]))
        if row is None:
            return "INVALID_INVENTORY_ITEM"
        if entry["locationId"] != gid("Location", location_of(self._shop)):
            return "INVALID_LOCATION"
        if entry["quantity"] < 0:
            return "INVALID_QUANTITY_NEGATIVE"
        if entry["changeFromQuantity"] not in {None, row["available"]}:
            return "CHANGE_FROM_QUANTITY_STALE"
        return "INVALID_INVENTORY_ITEM" if row["locked"] else None


def _error(code: str, *path: str) -> dict[str, Any]:
    return {"code": code, "field": ["input", *path], "message": f"{'.'.join(path)}: {code}"}
