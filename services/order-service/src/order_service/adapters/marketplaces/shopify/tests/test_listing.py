"""The list of what has changed, the quotas and the tokens, against a server that checks all three."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from crossdock_chassis.outgoing import open_http_client
from order_service.adapters.marketplaces.shopify import can_ask, open_marketplace
from order_service.adapters.marketplaces.shopify.listing import PAGE, ShopifyLister
from order_service.adapters.marketplaces.shopify.tokens import ShopifyRefresher
from order_service.use_cases.marketplace import MarketplaceRefused, MarketplaceUnavailable, TokenExpired
from order_service.use_cases.ports import Account, Secrets, Tokens

from .test_client import ORDER, Shop
from .test_client import shop as shop  # noqa: PLC0414 - a fixture

CHANGED = datetime(2026, 2, 12, 3, 14, 9, tzinfo=UTC)  # of ORDER
MINUTE = timedelta(minutes=1)


async def read_all(shop: Shop, since: datetime, until: datetime) -> list[list[dict[str, Any]]]:
    """The pages, as a poll goes through them."""
    lister, cursor = ShopifyLister(shop.gateway()), None
    pages = []
    while True:
        page = await lister.list_changed(since, until, cursor)
        pages.append([httpx.Response(200, content=one).json() for one in page.orders])
        cursor = page.cursor
        if cursor is None:
            return pages


async def put(shop: Shop, order_id: int, **changes: Any) -> None:
    url = f"{shop.sandbox.base_url}/_sandbox/shops/lumo/orders/{order_id}"
    answer = await shop.http.put(url, json={**ORDER, "id": order_id, **changes})
    assert answer.status_code == 200, answer.text


async def test_every_order_that_changed_comes_once_and_as_its_webhook_has_it(shop: Shop) -> None:
    for n in range(PAGE + 10):
        await put(shop, 600 + n)
    await put(shop, 900, updated_at="2026-02-12T09:00:00+00:00")

    pages = await read_all(shop, CHANGED - MINUTE, CHANGED + MINUTE)

    ids = [order["id"] for page in pages for order in page]
    assert [len(page) for page in pages] == [PAGE, 11]
    assert sorted(ids) == [501, *range(600, 600 + PAGE + 10)]
    assert next(one for page in pages for one in page if one["id"] == 501) == ORDER


async def test_cancelled_orders_are_news_too(shop: Shop) -> None:
    await shop.put_order(cancelled_at="2026-02-12T03:14:09Z", updated_at="2026-02-12T05:00:00+00:00")

    (page,) = await read_all(shop, CHANGED, CHANGED + timedelta(hours=3))

    assert [one["cancelled_at"] for one in page] == ["2026-02-12T03:14:09Z"]


async def test_what_the_shop_says_of_its_limits_is_learnt_once_for_each_api(shop: Shop) -> None:
    await read_all(shop, CHANGED, CHANGED + MINUTE)
    await shop.gateway().shop_of_credentials()

    assert shop.meter.taken == ["rest", "graphql"]
    # The sandbox's shops have 2000 points a second, and so 40 calls.
    assert shop.meter.learnt == {"rest": 40.0, "graphql": 200.0}


async def test_a_list_that_is_too_much_asked_for_waits(shop: Shop) -> None:
    await shop.misbehave(operation="orders.json", mode="throttle")

    with pytest.raises(MarketplaceUnavailable) as put_off:
        await read_all(shop, CHANGED, CHANGED + MINUTE)

    assert put_off.value.retry_after_s is not None


async def test_an_account_without_a_token_is_not_asked(shop: Shop) -> None:
    async with open_http_client("shopify") as http:
        polling = open_marketplace(http).polling

    assert polling is not None
    assert polling.applies is can_ask
    assert can_ask(shop.account)
    assert not can_ask(replace(shop.account, secrets=Secrets(webhook=("s",))))


async def authorised(shop: Shop, lives_s: float = 3600.0) -> Account:
    url = f"{shop.sandbox.base_url}/_sandbox/shops/lumo/tokens"
    said = (await shop.http.post(url, json={"client_id": "app1", "lives_s": lives_s})).json()
    ends = datetime.now(UTC) + timedelta(seconds=said["expires_in"])
    return replace(
        shop.account,
        secrets=Secrets(webhook=("s", "the old one")),
        tokens=Tokens(said["access_token"], ends, said["refresh_token"]),
        options={"client_id": "app1"},
    )


def refresher(shop: Shop, account: Account) -> ShopifyRefresher:
    return ShopifyRefresher(shop.http, account, timeout_s=5)


async def test_a_token_that_has_run_out_is_said_to_have_and_the_next_one_opens_the_shop(shop: Shop) -> None:
    account = await authorised(shop, lives_s=0.000001)
    with pytest.raises(TokenExpired):
        await shop.gateway(account).shop_of_credentials()

    url = f"{shop.sandbox.base_url}/_sandbox/shops/lumo/tokens"
    assert (await shop.http.post(url, json={"client_id": "app1"})).status_code == 201
    fresh = await authorised(shop)
    bought = await refresher(shop, fresh).refresh()

    renewed = replace(fresh, tokens=bought)
    assert await shop.gateway(renewed).shop_of_credentials() == "lumo.myshopify.com"
    assert timedelta(minutes=59) < bought.expires_at - datetime.now(UTC) <= timedelta(hours=1)
    assert bought.refresh_expires_at is not None


async def test_a_lost_pair_is_bought_again_until_its_successor_is_used(shop: Shop) -> None:
    account = await authorised(shop)
    await shop.misbehave(operation="token.refresh", mode="do_then_drop_connection", times=1)
    with pytest.raises(MarketplaceUnavailable):
        await refresher(shop, account).refresh()

    bought = await refresher(shop, account).refresh()
    await shop.gateway(replace(account, tokens=bought)).shop_of_credentials()

    with pytest.raises(MarketplaceRefused, match="refresh_http_400"):
        await refresher(shop, account).refresh()


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"options": {}}, "client_id_is_missing"),
        ({"options": {"client_id": "another"}}, "refresh_http_401"),
        ({"tokens": None}, "refresh_token_is_missing"),
    ],
)
async def test_what_a_person_has_to_mend_is_a_refusal(shop: Shop, changes: dict[str, Any], code: str) -> None:
    account = replace(await authorised(shop), **changes)

    with pytest.raises(MarketplaceRefused, match=code):
        await refresher(shop, account).refresh()
