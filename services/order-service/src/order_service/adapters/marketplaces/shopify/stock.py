"""Numbers of stock, told to one shop by SKU.

Source: the fact sheet's section on stock, and shopify.dev, GraphQL Admin API "inventorySetQuantities", read
2026-11-22. What of it is unconfirmed is in README.md.
"""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final, TypeVar
from uuid import uuid4

from pydantic import ValidationError

from order_service.adapters.marketplaces.shopify import wire
from order_service.adapters.marketplaces.shopify.client import ShopifyGateway
from order_service.use_cases.marketplace import (
    MarketplaceOutcomeUnknown,
    MarketplaceRefused,
    MarketplaceUnavailable,
    StockNumber,
)

T = TypeVar("T", bound=wire.Wire)

#: SKUs in one call. Shopify takes 250 entries, and a SKU may stand on more than one variant.
BATCH: Final = 100
MOST_ENTRIES: Final = 250
#: A call with a bad entry sets nothing: it is made again without those that were refused, so many times.
PASSES: Final = 3

VARIANTS_QUERY: Final = """
query Variants($query: String!) {
  productVariants(first: 250, query: $query) { nodes { sku inventoryItem { id } } }
}
"""
LOCATIONS_QUERY: Final = """
query Locations { locations(first: 2) { nodes { id } } }
"""
SET_MUTATION: Final = """
mutation SetStock($input: InventorySetQuantitiesInput!, $key: String!) {
  inventorySetQuantities(input: $input) @idempotent(key: $key) {
    userErrors { field message code }
  }
}
"""


class ShopifyStock:
    """`location_id`: where the shop's numbers are kept, as a number; None: the shop has only one place."""

    def __init__(self, gateway: ShopifyGateway, location_id: str | None) -> None:
        self._gateway = gateway
        self._location_id = location_id

    async def tell_stock(self, numbers: Sequence[StockNumber]) -> Mapping[str, str]:
        """Set what is available of these SKUs; those refused, with their codes. Safe to repeat."""
        items = await self._items([one.external_sku for one in numbers])
        refused = {one.external_sku: "sku_not_found" for one in numbers if one.external_sku not in items}
        location = await self._location()
        entries: list[tuple[StockNumber, str]] = []
        for _ in range(PASSES):
            entries = [
                (one, item)
                for one in numbers
                if one.external_sku not in refused
                for item in items[one.external_sku]
            ]
            if not entries:
                return refused
            wrong = await self._set(entries[:MOST_ENTRIES], location)
            refused |= dict.fromkeys(_skus(entries[MOST_ENTRIES:]), "too_many_variants")
            refused |= wrong
            if not wrong:
                return refused
        return refused | {sku: "refused_with_others" for sku in _skus(entries) if sku not in refused}

    async def _items(self, skus: Sequence[str]) -> Mapping[str, list[str]]:
        """Inventory items by exact SKU: the search also finds what only looks like it."""
        query = " OR ".join(f"sku:{json.dumps(sku)}" for sku in skus)
        answer = await self._gateway.graphql(VARIANTS_QUERY, {"query": query})
        found: defaultdict[str, list[str]] = defaultdict(list)
        for variant in _read(wire.VariantsData, answer).productVariants.nodes:
            if variant.sku is not None and variant.sku in skus:
                found[variant.sku].append(variant.inventoryItem.id)
        return found

    async def _location(self) -> str:
        if self._location_id is not None:
            return f"gid://shopify/Location/{self._location_id}"
        nodes = _read(wire.LocationsData, await self._gateway.graphql(LOCATIONS_QUERY, {})).locations.nodes
        if len(nodes) != 1:
            raise MarketplaceRefused("location_not_chosen")
        return nodes[0].id

    async def _set(self, entries: Sequence[tuple[StockNumber, str]], location: str) -> Mapping[str, str]:
        """Set all of them, or none: then the SKUs that are to blame, with the code."""
        given = {
            "name": "available",
            "reason": "correction",
            "quantities": [
                # No comparison: our number is the newest, whatever was sold there meanwhile.
                {
                    "inventoryItemId": item,
                    "locationId": location,
                    "quantity": one.units,
                    "changeFromQuantity": None,
                }
                for one, item in entries
            ],
        }
        answer = await self._gateway.graphql(
            SET_MUTATION, {"input": given, "key": str(uuid4())}, changes=True
        )
        try:
            payload = wire.SetQuantitiesData.model_validate(answer).inventorySetQuantities
        except ValidationError as error:
            raise MarketplaceOutcomeUnknown("the answer to inventorySetQuantities cannot be read") from error
        if payload is None:
            raise MarketplaceOutcomeUnknown("inventorySetQuantities answered nothing")
        wrong: dict[str, str] = {}
        for one in payload.userErrors:
            index = _index(one)
            code = (one.code or "user_error")[:100].lower()
            if index is None or index >= len(entries):
                raise MarketplaceRefused(code)
            wrong[entries[index][0].external_sku] = code
        return wrong


def _skus(entries: Sequence[tuple[StockNumber, str]]) -> set[str]:
    return {one.external_sku for one, _ in entries}


def _index(error: wire.UserError) -> int | None:
    """The entry that an error is about: field is [input, quantities, <index>, ...]."""
    path = error.field or ()
    return int(path[2]) if len(path) > 2 and path[1] == "quantities" and path[2].isdecimal() else None


def _read(model: type[T], data: Mapping[str, object]) -> T:
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise MarketplaceUnavailable("the answer about stock cannot be read") from error
