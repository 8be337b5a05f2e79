"""The gateway against the sandbox: fetch, list, tracking, and what may go wrong on the way."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from order_service.adapters.marketplaces.tiktok_shop import open_marketplace
from order_service.adapters.marketplaces.tiktok_shop.lookups import Lookups
from order_service.adapters.marketplaces.tiktok_shop.mapping import read_message
from order_service.use_cases.marketplace import (
    Listed,
    MarketplaceOutcomeUnknown,
    MarketplaceRefused,
    MarketplaceUnavailable,
    TokenExpired,
    Tracking,
)
from order_service.use_cases.ports import Secrets, Tokens

from .a_shop import FIRST, ID, LANYARD, REST, RING, RINGS, Meter, Shop, authorised
from .conformance import ACCOUNT, ORDER, an_order

START = datetime(2026, 2, 17, tzinfo=UTC)
END = datetime(2026, 2, 18, tzinfo=UTC)


async def test_a_fetched_order_is_what_the_mapping_reads(shop: Shop) -> None:
    fetched = await shop.gateway.fetch_order(ID)

    assert read_message("order", fetched) == read_message("order", ORDER)


async def test_each_parcel_is_a_package_of_its_units_and_the_last_completes_the_order(shop: Shop) -> None:
    first = await shop.gateway.write_back(FIRST)
    after_the_first = (await shop.order())["status"]
    second = await shop.gateway.write_back(REST)

    assert await shop.books("packages", "id", "provider", "tracking_number", "units") == [
        (first, "Yun Express", "YT100", [RINGS[0]]),
        (second, "Royal Mail", "RM200", [RINGS[1], LANYARD]),
    ]
    assert (after_the_first, (await shop.order())["status"]) == ("PARTIALLY_SHIPPING", "AWAITING_COLLECTION")


async def test_the_same_parcel_told_twice_is_one_package(shop: Shop) -> None:
    assert await shop.gateway.write_back(FIRST) == await shop.gateway.write_back(FIRST)
    assert len(await shop.books("packages", "id")) == 1


@pytest.mark.parametrize("mode", ["do_then_drop_connection", "error_500"])
async def test_a_package_without_an_answer_is_unknown_and_telling_again_finds_it(
    shop: Shop, mode: str
) -> None:
    await shop.misbehave(operation="package.create", mode=mode)
    with pytest.raises(MarketplaceOutcomeUnknown):
        await shop.gateway.write_back(FIRST)

    await shop.gateway.write_back(FIRST)

    assert await shop.books("packages", "tracking_number") == ["YT100"]


async def test_carriers_and_the_cipher_are_looked_up_once(shop: Shop) -> None:
    await shop.gateway.write_back(FIRST)
    await shop.gateway.write_back(REST)

    calls = await shop.books("calls", "operation")
    assert (calls.count("shop.list"), calls.count("provider.list")) == (1, 1)


async def test_a_carrier_that_was_not_offered_is_looked_for_anew(shop: Shop) -> None:
    for _ in range(2):
        with pytest.raises(MarketplaceRefused, match="carrier_not_offered_for_this_delivery"):
            await shop.gateway.write_back(replace(FIRST, carrier="pigeon"))

    assert (await shop.books("calls", "operation")).count("provider.list") == 2
    assert await shop.books("packages", "id") == []


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"status": "CANCELLED"}, "order_cancelled"),
        ({"status": "UNPAID"}, "order_unpaid"),
        ({"status": "ON_HOLD"}, "order_on_hold"),
        ({"is_on_hold_order": True}, "order_on_hold"),
        ({"shipping_type": "TIKTOK"}, "tiktok_issues_the_label"),
        ({"delivery_option_id": ""}, "order_without_delivery_option"),
    ],
)
async def test_an_order_that_must_not_be_sent_takes_no_number(
    shop: Shop, changes: Mapping[str, Any], code: str
) -> None:
    await shop.put_order(**changes)

    with pytest.raises(MarketplaceRefused, match=code):
        await shop.gateway.write_back(FIRST)

    assert await shop.books("packages", "id") == []


@pytest.mark.parametrize("units", [{RING: 3}, {"577999": 1}, {}])
async def test_units_that_are_not_left_are_refused_before_anything_is_sent(
    shop: Shop, units: Mapping[str, int]
) -> None:
    with pytest.raises(MarketplaceRefused, match="units_not_fulfillable"):
        await shop.gateway.write_back(Tracking(ID, "YT1", None, "usps", units))


async def test_an_order_that_is_not_there_is_refused(shop: Shop) -> None:
    with pytest.raises(MarketplaceRefused, match="order_not_found"):
        await shop.gateway.fetch_order("999")


async def test_a_no_is_a_refusal_with_its_code(shop: Shop) -> None:
    await shop.misbehave(operation="package.create", mode="refuse")

    with pytest.raises(MarketplaceRefused, match="tiktok_21001001"):
        await shop.gateway.write_back(FIRST)


@pytest.mark.parametrize("operation", ["order.get", "package.create"])
async def test_throttled_means_nothing_was_done_and_when_to_come_again(shop: Shop, operation: str) -> None:
    await shop.misbehave(operation=operation, mode="throttle")

    with pytest.raises(MarketplaceUnavailable) as error:
        await shop.gateway.write_back(FIRST)

    assert error.value.retry_after_s == 2
    assert await shop.books("packages", "id") == []


async def test_a_server_error_of_a_question_is_only_a_question_to_ask_again(shop: Shop) -> None:
    await shop.misbehave(mode="error_500", match="/order/202309/orders", times=None)

    with pytest.raises(MarketplaceUnavailable):
        await shop.gateway.fetch_order(ID)
    with pytest.raises(MarketplaceUnavailable):
        await listed(shop)


async def listed(shop: Shop, cursor: str | None = None) -> Listed:
    assert shop.platform.polling is not None
    lister = shop.platform.polling.open_lister(shop.account(), shop.meter)
    return await lister.list_changed(START, END, cursor)


async def test_what_changed_is_listed_page_by_page_as_whole_orders(shop: Shop) -> None:
    for number in range(1, 52):
        body = an_order(id=str(number), update_time=int(START.timestamp()) + number)
        await shop.control("PUT", f"shops/{ACCOUNT.shop_ref}/orders/{number}", body)

    first = await listed(shop)
    second = await listed(shop, first.cursor)

    ids = [json.loads(one)["id"] for one in (*first.orders, *second.orders)]
    assert ids == [*map(str, range(1, 52)), ID]
    assert (len(first.orders), second.cursor) == (50, None)


async def test_the_check_names_the_shop_that_the_token_opens(shop: Shop) -> None:
    assert await shop.opened("open_checker").shop_of_credentials() == ACCOUNT.shop_ref


async def test_a_token_of_another_shop_calls_for_nobody(shop: Shop) -> None:
    account = shop.account(shop_ref="7495000000000000999")

    with pytest.raises(MarketplaceRefused, match="shop_not_authorised"):
        await shop.opened("open_gateway", account).fetch_order(ID)
    assert await shop.opened("open_checker", account).shop_of_credentials() == ACCOUNT.shop_ref


@pytest.mark.parametrize("tokens", [Tokens("TTP_unknown", END), None])
async def test_a_token_that_is_not_taken_has_expired(shop: Shop, tokens: Tokens | None) -> None:
    with pytest.raises(TokenExpired):
        await shop.opened("open_gateway", shop.account(tokens=tokens)).fetch_order(ID)


async def test_a_token_that_has_run_out_has_expired(shop: Shop) -> None:
    await shop.control("POST", f"shops/{ACCOUNT.shop_ref}/tokens/expire")

    with pytest.raises(TokenExpired):
        await shop.gateway.fetch_order(ID)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"secrets": Secrets(webhook=("wrong",))}, "tiktok_106001"),
        ({"secrets": Secrets()}, "account_has_no_app_key_and_secret"),
        ({"options": {}}, "account_has_no_app_key_and_secret"),
        ({"api_base_url": "http://shop.example"}, "https_required"),
    ],
)
async def test_nobody_calls_without_key_secret_and_encryption(
    shop: Shop, changes: Mapping[str, Any], code: str
) -> None:
    with pytest.raises(MarketplaceRefused, match=code):
        await shop.opened("open_gateway", shop.account(**changes)).fetch_order(ID)


async def test_a_host_that_is_not_reached_was_sent_nothing(shop: Shop) -> None:
    with pytest.raises(MarketplaceUnavailable):
        await shop.opened("open_gateway", shop.account(api_base_url="http://127.0.0.1:9")).write_back(FIRST)


async def test_every_call_takes_from_the_shops_quota(shop: Shop) -> None:
    await shop.gateway.fetch_order(ID)

    assert shop.meter.taken == ["call"] * len(await shop.books("calls", "id"))


async def answered(status: int, **answer: Any) -> Any:
    """What becomes of an order that is asked for where every answer is this one."""
    http = httpx.AsyncClient(transport=httpx.MockTransport(lambda _: httpx.Response(status, **answer)))
    return await open_marketplace(http).open_gateway(authorised(), Meter()).fetch_order(ID)


@pytest.mark.parametrize(
    ("given", "waits_s"), [("7", 7), ("0", 0.5), ("86400", 300), ("Wed, 21 Oct 2026 07:28:00 GMT", 2)]
)
async def test_too_many_calls_say_when_to_come_again(given: str, waits_s: float) -> None:
    with pytest.raises(MarketplaceUnavailable) as error:
        await answered(429, headers={"Retry-After": given})

    assert error.value.retry_after_s == waits_s


@pytest.mark.parametrize(
    ("code", "message", "error"),
    [
        (105002, "Expired credentials", TokenExpired),
        (36009004, "Invalid access_token", TokenExpired),
        (36009004, "Invalid timestamp", MarketplaceRefused),
        (36009002, "Too many requests", MarketplaceUnavailable),
        (36009003, "Internal error", MarketplaceUnavailable),
        (21011001, "Package not found", MarketplaceRefused),
    ],
)
async def test_a_code_says_what_to_do_whatever_the_status(
    code: int, message: str, error: type[Exception]
) -> None:
    for status in (200, 401):
        with pytest.raises(error):
            await answered(status, json={"code": code, "message": message})


@pytest.mark.parametrize("status", [301, 404])
async def test_an_answer_of_somebody_else_is_a_refusal(status: int) -> None:
    with pytest.raises(MarketplaceRefused, match=f"http_{status}"):
        await answered(status, text="<h1>No</h1>")


async def test_an_answer_without_end_is_not_read() -> None:
    with pytest.raises(MarketplaceUnavailable, match="too large"):
        await answered(200, content=b" " * (8 * 1024 * 1024 + 1))


async def test_what_was_looked_up_is_kept_for_a_while() -> None:
    now, found = [0.0], iter("abc")
    lookups: Lookups[str, str] = Lookups(10, clock=lambda: now[0])

    async def look_up() -> str:
        return next(found)

    first = [await lookups.get("key", look_up) for _ in range(2)]
    now[0] = 10.0

    assert (first, await lookups.get("key", look_up)) == (["a", "a"], "b")
