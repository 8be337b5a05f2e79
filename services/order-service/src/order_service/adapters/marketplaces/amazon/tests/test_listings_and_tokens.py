"""Stock told by SKU, credentials checked, access tokens bought."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from order_service.use_cases.marketplace import (
    MarketplaceOutcomeUnknown,
    MarketplaceRefused,
    MarketplaceUnavailable,
    StockNumber,
)

from .world import SELLER, Seller

SKU = "CN/MNT MAG ü+1"


async def put_listing(seller: Seller, sku: str, **given: Any) -> None:
    path = sku.replace("/", "%2F").replace(" ", "%20").replace("ü", "%C3%BC").replace("+", "%2B")
    await seller.control("PUT", f"sellers/{SELLER}/listings/{path}", given)


async def test_stock_is_set_and_what_else_the_listing_says_stays(seller: Seller) -> None:
    await put_listing(seller, SKU, quantity=3, lead_time_days=5)

    refused = await seller.listings().tell_stock([StockNumber(SKU, 12)])

    (listing,) = await seller.rows("listings")
    assert (refused, listing["sku"], listing["quantity"], listing["lead_time_days"]) == ({}, SKU, 12, 5)


async def test_a_sku_that_is_refused_keeps_no_other_back(seller: Seller) -> None:
    await put_listing(seller, "A", quantity=1)
    await put_listing(seller, "B", quantity=1, locked=True)

    numbers = [StockNumber(sku, 0) for sku in ("C", "B", "A")]
    refused = await seller.listings().tell_stock(numbers)

    assert refused == {"C": "NOT_FOUND", "B": "90220"}
    assert {one["sku"]: one["quantity"] for one in await seller.rows("listings")} == {"A": 0, "B": 1}


async def test_an_account_that_may_not_tell_stock_is_no_fault_of_the_sku(seller: Seller) -> None:
    seller.account = replace(seller.account, shop_ref="A2SOMEBODY")

    with pytest.raises(MarketplaceRefused, match="Unauthorized"):
        await seller.listings().tell_stock([StockNumber("A", 0)])


async def test_a_number_whose_answer_was_lost_may_be_told_again(seller: Seller) -> None:
    await put_listing(seller, "A", quantity=1)
    await seller.misbehave(operation="patchListingsItem", mode="do_then_drop_connection")

    with pytest.raises(MarketplaceOutcomeUnknown):
        await seller.listings().tell_stock([StockNumber("A", 4)])
    await seller.listings().tell_stock([StockNumber("A", 4)])

    assert [one["quantity"] for one in await seller.rows("listings")] == [4]


async def test_credentials_open_their_own_seller_and_no_other(seller: Seller) -> None:
    assert await seller.listings().shop_of_credentials() == SELLER

    seller.account = replace(seller.account, shop_ref="A2SOMEBODY")
    with pytest.raises(MarketplaceRefused, match="Unauthorized"):
        await seller.listings().shop_of_credentials()


async def test_an_access_token_is_bought_for_an_hour_and_the_refresh_token_stays(seller: Seller) -> None:
    bought = [await seller.login().refresh() for _ in range(2)]

    assert bought[0].access_token != bought[1].access_token
    assert bought[0].refresh_token is None
    assert timedelta(minutes=59) < bought[0].expires_at - datetime.now(UTC) <= timedelta(hours=1)
    assert bought[0].access_token not in repr(bought[0])


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("lwa_refresh_token", "Atzr|revoked", "invalid_grant"),
        ("lwa_client_secret", "of last year", "invalid_client"),
    ],
)
async def test_a_consent_that_is_over_is_for_a_person_to_renew(
    seller: Seller, name: str, value: str, code: str
) -> None:
    seller.with_secrets(**{name: value})

    with pytest.raises(MarketplaceRefused, match=code):
        await seller.login().refresh()


@pytest.mark.parametrize("mode", ["error_500", "throttle", "do_then_drop_connection"])
async def test_a_token_that_was_not_got_is_asked_for_again(seller: Seller, mode: str) -> None:
    await seller.misbehave(operation="token", mode=mode)

    with pytest.raises(MarketplaceUnavailable):
        await seller.login().refresh()
