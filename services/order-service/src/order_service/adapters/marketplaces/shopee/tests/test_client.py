"""Calls against a server that checks signatures, tokens, fields and times, and misbehaves on demand."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from order_service.adapters.marketplaces.shopee.client import CALLS, ShopeeCalls
from order_service.adapters.marketplaces.shopee.orders import ShopeeOrders
from order_service.adapters.marketplaces.shopee.settings import ShopeeSettings
from order_service.domain.canonical import CanonicalOrder
from order_service.use_cases.marketplace import (
    MarketplaceOutcomeUnknown,
    MarketplaceRefused,
    MarketplaceUnavailable,
    TokenExpired,
    Tracking,
)
from order_service.use_cases.ports import Secrets

from .conformance import ORDER
from .shop import ALL, NUMBER, PACKAGE, STAND, NoLimit, Shop, a_pair, a_shop

CHANGED = datetime.fromtimestamp(1771040012, UTC)
PARCEL = Tracking(NUMBER, "YT1", None, "yunexpress", ALL)


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with a_shop(tmp_path) as shop:
        yield shop


def at(moment: datetime, shop: Shop) -> ShopeeOrders:
    """A gateway whose clock says so."""
    settings, account = ShopeeSettings(), shop.account()
    calls = ShopeeCalls(shop.http, account, settings, NoLimit(), clock=moment.timestamp)
    return ShopeeOrders(calls, settings, account.shop_ref)


async def test_an_order_is_fetched_with_every_field_that_is_read(shop: Shop) -> None:
    body = await shop.open("open_gateway").fetch_order(NUMBER)

    fetched = shop.marketplace.read("order", body)
    assert isinstance(fetched, CanonicalOrder)
    assert fetched == shop.marketplace.read("order", ORDER)


async def test_terms_that_keep_an_order_back_are_asked_for(shop: Shop) -> None:
    await shop.put_order(pending_terms=["KYC_PENDING"])

    order = shop.marketplace.read("order", await shop.open("open_gateway").fetch_order(NUMBER))

    assert isinstance(order, CanonicalOrder)
    assert "pending_terms" in order.flags


async def test_an_order_that_is_not_there_is_refused(shop: Shop) -> None:
    with pytest.raises(MarketplaceRefused, match="error_not_found"):
        await shop.open("open_gateway").fetch_order("NOBODYS")


@pytest.mark.parametrize(
    ("changes", "error", "said"),
    [
        ({"tokens": a_pair("another", "refresh-1")}, TokenExpired, ""),
        ({"tokens": None}, TokenExpired, ""),
        ({"secrets": Secrets(named={"partner_key": "another"})}, MarketplaceRefused, "error_sign"),
        ({"secrets": Secrets()}, MarketplaceRefused, "account_has_no_partner_id_and_key"),
        ({"shop_ref": "1"}, TokenExpired, ""),
        ({"shop_ref": "lumo"}, MarketplaceRefused, "shop_ref_is_no_shop_id"),
        ({"api_base_url": "http://shopee.example"}, MarketplaceRefused, "https_required"),
        ({"api_base_url": "http://127.0.0.1:9"}, MarketplaceUnavailable, "not reached"),
    ],
)
async def test_who_is_not_let_in_hears_why(
    shop: Shop, changes: dict[str, Any], error: type[Exception], said: str
) -> None:
    with pytest.raises(error) as caught:
        await shop.open("open_gateway", **changes).fetch_order(NUMBER)
    assert said in str(caught.value)


async def test_a_signature_is_good_for_five_minutes(shop: Shop) -> None:
    now = datetime.now(UTC)

    assert await at(now - timedelta(minutes=4), shop).fetch_order(NUMBER)
    with pytest.raises(MarketplaceRefused, match="error_param"):
        await at(now - timedelta(minutes=6), shop).fetch_order(NUMBER)


async def test_the_credentials_name_their_shop(shop: Shop) -> None:
    assert await shop.open("open_checker").shop_of_credentials() == "770011223"
    await shop.expire()
    with pytest.raises(TokenExpired):
        await shop.open("open_checker").shop_of_credentials()


async def test_a_question_that_is_lost_can_be_asked_again(shop: Shop) -> None:
    for mode in ("error_500", "do_then_drop_connection", "throttle"):
        # Twice, since a GET on a connection that is closed is repeated by the library.
        await shop.misbehave({"operation": "order.detail", "mode": mode, "times": 2})
        with pytest.raises(MarketplaceUnavailable) as unavailable:
            await shop.open("open_gateway").fetch_order(NUMBER)
        assert (unavailable.value.retry_after_s is not None) == (mode == "throttle")
    await shop.misbehave()

    assert await shop.open("open_gateway").fetch_order(NUMBER)


async def test_a_refusal_under_http_200_is_one(shop: Shop) -> None:
    await shop.misbehave({"operation": "order.detail", "mode": "refuse"})

    with pytest.raises(MarketplaceRefused, match="error_permission"):
        await shop.open("open_gateway").fetch_order(NUMBER)


async def test_every_call_counts_against_the_quota(shop: Shop) -> None:
    taken: list[str] = []

    class Counting(NoLimit):
        async def take(self, operation: str) -> None:
            taken.append(operation)

    gateway = shop.marketplace.open_gateway(shop.account(), Counting())
    await gateway.fetch_order(NUMBER)

    assert taken == [CALLS]
    assert CALLS in shop.marketplace.quotas


async def test_changed_orders_come_whole_and_page_by_page(shop: Shop) -> None:
    for n in range(60):
        await shop.put_order(order_sn=f"N{n:02}", package_list=[])
    polling = shop.marketplace.polling
    assert polling is not None
    lister = polling.open_lister(shop.account(), NoLimit())
    since = CHANGED - timedelta(seconds=polling.longest_s) + timedelta(seconds=1)

    first = await lister.list_changed(since, CHANGED + timedelta(seconds=1), None)
    second = await lister.list_changed(since, CHANGED + timedelta(seconds=1), first.cursor)

    assert [len(page.orders) for page in (first, second)] == [50, 11]
    assert second.cursor is None
    numbers = {json.loads(body)["order_sn"] for page in (first, second) for body in page.orders}
    assert numbers == {NUMBER, *(f"N{n:02}" for n in range(60))}
    assert await shop.calls("order.detail") == 2


async def test_when_nothing_has_changed_no_order_is_asked_for(shop: Shop) -> None:
    page = await shop.open("open_gateway").list_changed(
        CHANGED - timedelta(hours=2), CHANGED - timedelta(hours=1), None
    )

    assert (page.orders, page.pointers, page.cursor) == ([], [], None)
    assert await shop.calls("order.detail") == 0


async def test_a_window_of_more_than_fifteen_days_would_be_refused(shop: Shop) -> None:
    with pytest.raises(MarketplaceRefused, match="error_param"):
        await shop.open("open_gateway").list_changed(CHANGED - timedelta(days=15, seconds=2), CHANGED, None)


async def test_new_tokens_cost_the_refresh_token_and_leave_the_old_access_token_for_a_while(
    shop: Shop,
) -> None:
    bought = await shop.open("open_refresher").refresh()

    assert {bought.access_token, bought.refresh_token}.isdisjoint({"access-1", "refresh-1"})
    assert timedelta(hours=3.9) < bought.expires_at - datetime.now(UTC) < timedelta(hours=4.1)
    assert await shop.open("open_gateway").fetch_order(NUMBER)
    assert await shop.open("open_gateway", tokens=bought).fetch_order(NUMBER)
    with pytest.raises(MarketplaceRefused, match="refresh_token_refused"):
        await shop.open("open_refresher").refresh()


async def test_when_the_answer_with_the_tokens_is_lost_nobody_knows(shop: Shop) -> None:
    await shop.misbehave({"operation": "token.refresh", "mode": "do_then_drop_connection"})

    with pytest.raises(MarketplaceOutcomeUnknown):
        await shop.open("open_refresher").refresh()


@pytest.mark.parametrize("tokens", [None, replace(a_pair("a", "r"), refresh_token=None)])
async def test_an_account_without_a_refresh_token_has_to_be_authorised(shop: Shop, tokens: Any) -> None:
    with pytest.raises(MarketplaceRefused, match="account_was_never_authorised"):
        await shop.open("open_refresher", tokens=tokens).refresh()


async def test_our_number_is_told_once_where_shopee_takes_one(shop: Shop) -> None:
    await shop.install(handover=["non_integrated"])

    references = [await shop.open("open_gateway").write_back(PARCEL) for _ in range(2)]

    assert references == [PACKAGE, PACKAGE]
    assert await shop.calls("logistics.ship") == 1
    (package,) = await shop.rows("packages")
    assert (package["tracking_number"], package["logistics_status"]) == ("YT1", "LOGISTICS_PICKUP_DONE")


async def test_a_lost_answer_to_our_number_is_looked_for_first(shop: Shop) -> None:
    await shop.install(handover=["non_integrated"])
    await shop.misbehave({"operation": "logistics.ship", "mode": "do_then_drop_connection"})
    with pytest.raises(MarketplaceOutcomeUnknown):
        await shop.open("open_gateway").write_back(PARCEL)

    assert await shop.open("open_gateway").write_back(PARCEL) == PACKAGE
    assert await shop.calls("logistics.ship") == 1


async def test_a_number_is_refused_where_shopee_gives_its_own(shop: Shop) -> None:
    with pytest.raises(MarketplaceRefused, match="shopee_gives_the_number"):
        await shop.open("open_gateway").write_back(PARCEL)


async def test_another_number_is_never_written_over(shop: Shop) -> None:
    await shop.install(handover=["non_integrated"])
    await shop.open("open_gateway").write_back(PARCEL)

    with pytest.raises(MarketplaceRefused, match="shopee_has_another_number"):
        await shop.open("open_gateway").write_back(replace(PARCEL, tracking_number="YT2"))


async def test_a_part_of_a_package_is_no_parcel_of_shopees(shop: Shop) -> None:
    with pytest.raises(MarketplaceRefused, match="parcel_is_no_package"):
        await shop.open("open_gateway").write_back(replace(PARCEL, units={STAND: 1}))
