"""The client against a server that speaks Shopify's real GraphQL, validates it and misbehaves on demand."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from crossdock_chassis.outgoing import open_http_client
from crossdock_sandbox.shopify.app import ShopifyOptions, ShopifySandbox, running_shopify
from order_service.adapters.marketplaces.shopify.client import ShopifyGateway
from order_service.use_cases.marketplace import (
    MarketplaceOutcomeUnknown,
    MarketplaceRefused,
    MarketplaceUnavailable,
    Tracking,
)
from order_service.use_cases.ports import Account, Secrets

from .test_webhook import an_account

ORDER: dict[str, Any] = {
    "id": 501,
    "name": "#1042",
    "created_at": "2026-02-11T21:14:09-06:00",
    "updated_at": "2026-02-11T21:14:09-06:00",
    "cancelled_at": None,
    "line_items": [
        {"id": 11, "sku": "STAND", "title": "Stand", "quantity": 2, "current_quantity": 2},
        {"id": 12, "sku": "CABLE", "title": "Cable", "quantity": 1, "current_quantity": 1},
    ],
}
FIRST = Tracking("501", "YT1", "https://track.example/YT1", "yunexpress", {"11": 1})


class Counting:
    """A meter without quotas that keeps what is taken and learnt."""

    def __init__(self) -> None:
        self.taken: list[str] = []
        self.learnt: dict[str, float] = {}

    async def take(self, operation: str) -> None:
        self.taken.append(operation)

    async def learn(self, operation: str, rate_per_s: float) -> None:
        self.learnt[operation] = rate_per_s


class Shop:
    """A sandbox with one shop and one order in it, and the gateway to it."""

    def __init__(self, sandbox: ShopifySandbox, http: httpx.AsyncClient) -> None:
        self.sandbox = sandbox
        self.http = http
        self.meter = Counting()

    @property
    def account(self) -> Account:
        return an_account(
            api_base_url=self.sandbox.shop_url("lumo"), secrets=Secrets(webhook=("s",), access_token="t")
        )

    def gateway(self, account: Account | None = None, timeout_s: float = 5.0) -> ShopifyGateway:
        return ShopifyGateway(
            self.http, account or self.account, self.meter, api_version="2026-10", timeout_s=timeout_s
        )

    async def put_order(self, **changes: Any) -> None:
        url = f"{self.sandbox.base_url}/_sandbox/shops/lumo/orders/501"
        answer = await self.http.put(url, json={**ORDER, **changes})
        assert answer.status_code == 200, answer.text

    async def misbehave(self, **rule: Any) -> None:
        answer = await self.http.put(f"{self.sandbox.base_url}/_sandbox/faults", json=[rule])
        assert answer.status_code == 200, answer.text

    async def numbers(self) -> list[str]:
        """The tracking numbers in the shop's books."""
        query = "query Q($id: ID!) { order(id: $id) { fulfillments { trackingInfo { number } } } }"
        answer = await self.http.post(
            f"{self.sandbox.shop_url('lumo')}/admin/api/2026-10/graphql.json",
            json={"query": query, "variables": {"id": "gid://shopify/Order/501"}},
            headers={"X-Shopify-Access-Token": "t"},
        )
        found = answer.json()["data"]["order"]["fulfillments"]
        return [info["number"] for one in found for info in one["trackingInfo"]]


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with (
        running_shopify(tmp_path, options=ShopifyOptions()) as sandbox,
        open_http_client("shopify") as http,
    ):
        given = {
            "shop": "lumo",
            "client_secret": "s",
            "access_token": "t",
            "webhook_url": "http://127.0.0.1:9/",
        }
        assert (await http.post(f"{sandbox.base_url}/_sandbox/shops", json=given)).status_code == 201
        shop = Shop(sandbox, http)
        await shop.put_order()
        yield shop


async def test_two_parcels_are_two_fulfilments_with_their_own_units(shop: Shop) -> None:
    await shop.gateway().write_back(FIRST)

    await shop.gateway().write_back(Tracking("501", "YT2", None, "usps", {"11": 1, "12": 1}))

    assert sorted(await shop.numbers()) == ["YT1", "YT2"]


async def test_a_parcel_of_more_lines_than_a_page_holds_is_one_fulfilment(shop: Shop) -> None:
    lines = [
        {"id": id_, "sku": f"S{id_}", "title": "Thing", "quantity": 1, "current_quantity": 1}
        for id_ in range(1, 251)
    ]
    await shop.put_order(line_items=lines, updated_at="2026-02-12T08:00:00-06:00")

    await shop.gateway().write_back(
        Tracking("501", "YT1", None, "yunexpress", {str(line["id"]): 1 for line in lines})
    )

    assert await shop.numbers() == ["YT1"]


async def test_the_same_parcel_told_twice_is_there_once(shop: Shop) -> None:
    first = await shop.gateway().write_back(FIRST)

    second = await shop.gateway().write_back(FIRST)

    assert first == second
    assert await shop.numbers() == ["YT1"]


async def test_an_answer_that_is_lost_leaves_the_outcome_unknown_and_asking_finds_it(shop: Shop) -> None:
    await shop.misbehave(operation="fulfillmentCreate", mode="do_then_drop_connection", times=1)
    with pytest.raises(MarketplaceOutcomeUnknown):
        await shop.gateway().write_back(FIRST)

    await shop.gateway().write_back(FIRST)

    assert await shop.numbers() == ["YT1"]


async def test_a_server_error_of_a_change_is_unknown_too(shop: Shop) -> None:
    await shop.misbehave(operation="fulfillmentCreate", mode="error_500", times=1)

    with pytest.raises(MarketplaceOutcomeUnknown):
        await shop.gateway().write_back(FIRST)


async def test_a_server_error_of_a_question_is_only_a_question_to_ask_again(shop: Shop) -> None:
    await shop.misbehave(operation="order", mode="error_500", times=1)

    with pytest.raises(MarketplaceUnavailable):
        await shop.gateway().write_back(FIRST)


@pytest.mark.parametrize("operation", ["order", "fulfillmentCreate"])
async def test_throttled_means_nothing_was_done_and_when_to_come_again(shop: Shop, operation: str) -> None:
    await shop.misbehave(operation=operation, mode="throttle", times=1)

    with pytest.raises(MarketplaceUnavailable) as error:
        await shop.gateway().write_back(FIRST)

    assert error.value.retry_after_s is not None
    assert await shop.numbers() == []


async def test_a_user_error_is_a_refusal(shop: Shop) -> None:
    await shop.misbehave(operation="fulfillmentCreate", mode="refuse", times=1)

    with pytest.raises(MarketplaceRefused):
        await shop.gateway().write_back(FIRST)


async def test_more_units_than_were_ordered_are_refused_before_anything_is_sent(shop: Shop) -> None:
    with pytest.raises(MarketplaceRefused, match="units_not_fulfillable"):
        await shop.gateway().write_back(Tracking("501", "YT1", None, "usps", {"11": 3}))

    assert await shop.numbers() == []


async def test_an_order_that_is_not_there_is_refused(shop: Shop) -> None:
    with pytest.raises(MarketplaceRefused, match="order_not_found"):
        await shop.gateway().write_back(Tracking("999", "YT1", None, "usps", {"11": 1}))


async def test_a_cancelled_order_takes_no_tracking_number(shop: Shop) -> None:
    await shop.put_order(cancelled_at="2026-02-12T00:00:00Z")

    with pytest.raises(MarketplaceRefused):
        await shop.gateway().write_back(FIRST)


async def test_a_token_that_is_not_good_is_a_refusal(shop: Shop) -> None:
    account = an_account(
        api_base_url=shop.sandbox.shop_url("lumo"), secrets=Secrets(webhook=("s",), access_token="wrong")
    )

    with pytest.raises(MarketplaceRefused):
        await shop.gateway(account).write_back(FIRST)


async def test_a_shop_that_is_not_reached_was_sent_nothing(shop: Shop) -> None:
    account = an_account(api_base_url="http://127.0.0.1:9", secrets=Secrets(webhook=("s",), access_token="t"))

    with pytest.raises(MarketplaceUnavailable):
        await shop.gateway(account).write_back(FIRST)


async def test_a_fetched_order_is_what_a_webhook_would_carry(shop: Shop) -> None:
    await shop.put_order(note="café", updated_at="2026-02-11T21:20:00-06:00")

    fetched = await shop.gateway().fetch_order("501")

    assert json.loads(fetched) == {**ORDER, "note": "café", "updated_at": "2026-02-11T21:20:00-06:00"}


async def test_an_order_that_is_not_there_cannot_be_fetched(shop: Shop) -> None:
    with pytest.raises(MarketplaceRefused, match="http_404"):
        await shop.gateway().fetch_order("999")


async def test_nobody_fetches_with_a_token_that_is_not_good(shop: Shop) -> None:
    account = an_account(
        api_base_url=shop.sandbox.shop_url("lumo"), secrets=Secrets(webhook=("s",), access_token="wrong")
    )

    with pytest.raises(MarketplaceRefused, match="http_401"):
        await shop.gateway(account).fetch_order("501")


@pytest.mark.parametrize("mode", ["error_500", "throttle", "hang"])
async def test_a_fetch_that_got_no_order_is_only_a_question_to_ask_again(shop: Shop, mode: str) -> None:
    await shop.misbehave(operation="order.json", mode=mode, times=1, delay_s=3)

    with pytest.raises(MarketplaceUnavailable) as error:
        await shop.gateway(timeout_s=0.5).fetch_order("501")

    assert (error.value.retry_after_s is not None) is (mode == "throttle")
    assert json.loads(await shop.gateway().fetch_order("501"))["id"] == 501
