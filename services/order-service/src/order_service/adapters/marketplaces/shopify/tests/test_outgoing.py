"""Stock and cancels told to a server that checks them as Shopify does, and keeps books."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from crossdock_chassis.outgoing import open_http_client
from crossdock_sandbox.shopify.app import running_shopify
from order_service.adapters.marketplaces.shopify import open_marketplace
from order_service.adapters.marketplaces.shopify.cancelling import ShopifyCanceller
from order_service.adapters.marketplaces.shopify.stock import ShopifyStock
from order_service.use_cases.marketplace import (
    MarketplaceOutcomeUnknown,
    MarketplaceRefused,
    MarketplaceUnavailable,
    StockNumber,
)

from .test_client import FIRST, ORDER, Shop


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with running_shopify(tmp_path) as sandbox, open_http_client("shopify") as http:
        given = {
            "shop": "lumo",
            "client_secret": "s",
            "access_token": "t",
            "webhook_url": "http://127.0.0.1:9/",
        }
        assert (await http.post(f"{sandbox.base_url}/_sandbox/shops", json=given)).status_code == 201
        running = Shop(sandbox, http)
        await running.put_order()
        yield running


def teller(shop: Shop, location_id: str | None = None) -> ShopifyStock:
    return ShopifyStock(shop.gateway(), location_id)


def canceller(shop: Shop, *, refund: bool = False) -> ShopifyCanceller:
    return ShopifyCanceller(shop.gateway(), refund=refund)


async def sells(shop: Shop, *skus: str, **more: Any) -> None:
    for sku in skus:
        url = f"{shop.sandbox.base_url}/_sandbox/shops/lumo/variants/{sku}"
        assert (await shop.http.put(url, json={"available": 1, **more})).status_code == 200


async def stock(shop: Shop) -> dict[str, int]:
    answer: httpx.Response = await shop.http.get(f"{shop.sandbox.base_url}/_sandbox/books/variants")
    return {row["sku"]: row["available"] for row in answer.json()["rows"]}


async def test_the_numbers_of_exactly_these_skus_are_set(shop: Shop) -> None:
    await sells(shop, "STAND", "STAND-XL", "CABLE")

    refused = await teller(shop).tell_stock([StockNumber("STAND", 7), StockNumber("CABLE", 0)])

    assert refused == {}
    assert await stock(shop) == {"STAND": 7, "STAND-XL": 1, "CABLE": 0}


async def test_a_sku_that_is_not_there_or_cannot_be_set_stops_no_other(shop: Shop) -> None:
    await sells(shop, "STAND")
    await sells(shop, "LOCKED", locked=True)

    refused = await teller(shop).tell_stock(
        [StockNumber("LOCKED", 3), StockNumber("STAND", 7), StockNumber("GHOST", 3)]
    )

    assert refused == {"LOCKED": "invalid_inventory_item", "GHOST": "sku_not_found"}
    assert await stock(shop) == {"STAND": 7, "LOCKED": 1}


async def test_a_location_that_is_not_there_is_a_refusal(shop: Shop) -> None:
    await sells(shop, "STAND")

    assert await teller(shop, "1").tell_stock([StockNumber("STAND", 7)]) == {"STAND": "invalid_location"}


async def test_a_lost_answer_about_stock_is_an_unknown_outcome_and_safe_to_repeat(shop: Shop) -> None:
    await sells(shop, "STAND")
    await shop.misbehave(operation="inventorySetQuantities", mode="do_then_drop_connection", times=1)

    with pytest.raises(MarketplaceOutcomeUnknown):
        await teller(shop).tell_stock([StockNumber("STAND", 7)])
    await teller(shop).tell_stock([StockNumber("STAND", 6)])

    assert await stock(shop) == {"STAND": 6}


async def test_a_shop_that_slows_us_down_says_for_how_long(shop: Shop) -> None:
    await shop.misbehave(operation="productVariants", mode="throttle", times=1)

    with pytest.raises(MarketplaceUnavailable) as slow:
        await teller(shop).tell_stock([StockNumber("STAND", 7)])

    assert slow.value.retry_after_s is not None


async def kept(shop: Shop) -> dict[str, Any]:
    answer = await shop.http.get(f"{shop.sandbox.base_url}/_sandbox/shops/lumo/orders/501")
    found: dict[str, Any] = answer.json()
    return found


async def test_an_order_is_cancelled_there_with_its_reason_and_twice_is_once(shop: Shop) -> None:
    first = await canceller(shop).cancel("501", "out_of_stock")
    again = await canceller(shop).cancel("501", "out_of_stock")

    order = await kept(shop)
    assert (first, again) == ("gid://shopify/Order/501", "gid://shopify/Order/501")
    assert order["cancelled_at"] is not None
    assert order["cancel_reason"] == "inventory"


@pytest.mark.parametrize(("refund", "status"), [(False, "paid"), (True, "refunded")])
async def test_money_goes_back_only_where_the_account_wants_it(shop: Shop, refund: bool, status: str) -> None:
    await shop.put_order(financial_status="paid")

    await canceller(shop, refund=refund).cancel("501", "merchant")

    assert (await kept(shop))["financial_status"] == status


async def test_a_cancel_whose_answer_was_lost_is_found(shop: Shop) -> None:
    await shop.misbehave(operation="orderCancel", mode="do_then_drop_connection", times=1)

    with pytest.raises(MarketplaceOutcomeUnknown):
        await canceller(shop).cancel("501", "risk")

    assert await canceller(shop).cancel("501", "risk") == "gid://shopify/Order/501"


async def test_an_order_of_which_something_was_sent_is_not_cancelled(shop: Shop) -> None:
    await shop.gateway().write_back(FIRST)

    with pytest.raises(MarketplaceRefused, match="order_cancel_invalid"):
        await canceller(shop).cancel("501", "merchant")


async def test_an_order_they_do_not_know_is_a_refusal(shop: Shop) -> None:
    with pytest.raises(MarketplaceRefused, match="order_not_found"):
        await canceller(shop).cancel(str(ORDER["id"] + 1), "merchant")


async def test_the_folder_offers_both(shop: Shop) -> None:
    marketplace = open_marketplace(shop.http)

    assert marketplace.stock is not None
    assert marketplace.open_canceller is not None
