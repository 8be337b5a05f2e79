"""Numbers of stock told to a site that checks them, and keeps books."""

from typing import Any

import pytest

from order_service.adapters.marketplaces.woocommerce.stock import WooCommerceStock
from order_service.use_cases.marketplace import MarketplaceOutcomeUnknown, StockNumber

from .test_client import Shop
from .test_client import shop as shop  # noqa: PLC0414 - a fixture


def teller(shop: Shop) -> WooCommerceStock:
    return WooCommerceStock(shop.gateway())


async def sells(shop: Shop, **products: dict[str, Any]) -> None:
    for sku, given in products.items():
        answer = await shop.control("PUT", f"shops/lumo/products/{sku}", given)
        assert answer.status_code == 200, answer.text


async def stock(shop: Shop) -> dict[str, int | None]:
    rows = (await shop.control("GET", "books/products")).json()["rows"]
    return {row["sku"]: row["stock_quantity"] for row in rows}


async def test_products_and_variations_are_set_by_their_skus(shop: Shop) -> None:
    await sells(shop, STAND={}, CABLE={}, TEE={"parent_id": 900}, HAT={"parent_id": 901}, OTHER={})

    refused = await teller(shop).tell_stock(
        [StockNumber("STAND", 7), StockNumber("CABLE", 0), StockNumber("TEE", 3), StockNumber("HAT", 2)]
    )

    assert refused == {}
    assert await stock(shop) == {"STAND": 7, "CABLE": 0, "TEE": 3, "HAT": 2, "OTHER": None}


async def test_a_sku_that_is_not_there_or_refused_stops_no_other(shop: Shop) -> None:
    await sells(shop, STAND={}, LOCKED={"locked": True})

    refused = await teller(shop).tell_stock(
        [StockNumber("LOCKED", 3), StockNumber("STAND", 7), StockNumber("GHOST", 3)]
    )

    assert refused == {"LOCKED": "woocommerce_rest_cannot_edit", "GHOST": "sku_not_found"}
    assert await stock(shop) == {"STAND": 7, "LOCKED": None}


async def test_a_lost_answer_is_an_unknown_outcome_and_safe_to_repeat(shop: Shop) -> None:
    await sells(shop, STAND={})
    await shop.misbehave(operation="product.batch", mode="do_then_drop_connection")

    with pytest.raises(MarketplaceOutcomeUnknown):
        await teller(shop).tell_stock([StockNumber("STAND", 7)])
    await teller(shop).tell_stock([StockNumber("STAND", 6)])

    assert await stock(shop) == {"STAND": 6}
