"""The list of what has changed, and whose shop a key opens, against a site that checks what it is asked."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from order_service.adapters.marketplaces.woocommerce import can_ask
from order_service.adapters.marketplaces.woocommerce.listing import PAGE, WooCommerceLister, next_place
from order_service.use_cases.marketplace import MarketplaceRefused

from .test_client import ORDER, Shop
from .test_client import shop as shop  # noqa: PLC0414 - a fixture

CHANGED = datetime.fromisoformat(ORDER["date_modified_gmt"]).replace(tzinfo=UTC)
SECOND = timedelta(seconds=1)


async def put(shop: Shop, order_id: int, changed: datetime, **changes: Any) -> None:
    at = changed.replace(tzinfo=None).isoformat()
    body = {**ORDER, "id": order_id, "date_modified_gmt": at, **changes}
    answer = await shop.control("PUT", f"shops/lumo/orders/{order_id}", body)
    assert answer.status_code == 200, answer.text


async def read_all(shop: Shop, since: datetime, until: datetime, *, between: Any = None) -> list[int]:
    """Ids as a poll comes upon them; `between` happens after the first page."""
    lister, cursor, found = WooCommerceLister(shop.gateway()), None, []
    while True:
        page = await lister.list_changed(since, until, cursor)
        found += [json.loads(one)["id"] for one in page.orders]
        cursor = page.cursor
        if cursor is None:
            return found
        if between is not None:
            await between()
            between = None


async def test_orders_come_as_their_webhooks_have_them_whatever_the_sites_clock_says(shop: Shop) -> None:
    await shop.install(gmt_offset_h=11)
    await shop.put_order(date_modified_gmt=(CHANGED + timedelta(hours=1)).replace(tzinfo=None).isoformat())
    lister = WooCommerceLister(shop.gateway())

    at = CHANGED + timedelta(hours=1)
    page = await lister.list_changed(at - SECOND, at + SECOND, None)
    elsewhere = await lister.list_changed(at + timedelta(hours=10), at + timedelta(hours=12), None)

    fetched = json.loads(await shop.gateway().fetch_order("9117"))
    assert [json.loads(one) for one in page.orders] == [fetched]
    assert (page.cursor, list(elsewhere.orders)) == (None, [])


async def test_an_order_that_changes_while_pages_are_read_hides_no_other(shop: Shop) -> None:
    for n in range(PAGE + 20):
        await put(shop, 100 + n, CHANGED + (n + 10) * SECOND)
    until = CHANGED + timedelta(minutes=10)

    async def several_leave_the_first_page() -> None:
        for n in range(5):
            await put(shop, 100 + n, until + timedelta(hours=1))

    found = await read_all(shop, CHANGED + SECOND * 5, until, between=several_leave_the_first_page)

    assert set(found) == {100 + n for n in range(PAGE + 20)}


async def test_more_orders_of_one_second_than_a_page_holds_are_all_read(shop: Shop) -> None:
    at = CHANGED + timedelta(minutes=1)
    for n in range(2 * PAGE + 3):
        await put(shop, 100 + n, at)

    found = await read_all(shop, at, at + SECOND)

    assert set(found) == {100 + n for n in range(2 * PAGE + 3)}


def test_the_place_in_the_list_always_moves() -> None:
    same, later = [CHANGED] * PAGE, [CHANGED + timedelta(minutes=1)] * PAGE

    assert next_place(same[1:], CHANGED, 1) is None
    assert next_place(same, CHANGED, 3) == f"{CHANGED.isoformat()}/4"
    assert next_place([*same[1:], None], CHANGED, 1) == f"{CHANGED.isoformat()}/2"
    assert next_place(later, CHANGED, 3) == f"{later[-1].isoformat()}/1"


async def test_the_key_is_proven_and_the_site_named_as_accounts_have_it(shop: Shop) -> None:
    await shop.install(site="https://Lumo-Demo.example/shop/")

    assert await shop.gateway().shop_of_credentials() == "lumo-demo.example/shop"


@pytest.mark.parametrize("token", ["ck_1:wrong", "ck_2:cs_1"])
async def test_a_key_that_opens_nothing_is_refused(shop: Shop, token: str) -> None:
    with pytest.raises(MarketplaceRefused, match="woocommerce_rest_authentication_error"):
        await shop.gateway(shop.account(access_token=token)).shop_of_credentials()


def test_an_account_without_a_key_is_not_asked(shop: Shop) -> None:
    assert can_ask(shop.account())
    assert not can_ask(shop.account(access_token=None))
