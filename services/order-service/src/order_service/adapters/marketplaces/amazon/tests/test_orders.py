"""Orders asked for and parcels confirmed, against a server that checks every field and misbehaves."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from order_service.adapters.marketplaces.amazon.mapping import read
from order_service.adapters.marketplaces.amazon.orders import reference_of
from order_service.domain.canonical import CanonicalOrder
from order_service.use_cases.marketplace import (
    MarketplaceOutcomeUnknown,
    MarketplaceRefused,
    MarketplaceUnavailable,
    QuotaUsedUp,
    TokenExpired,
    Tracking,
)
from order_service.use_cases.ports import Tokens

from .conformance import ORDER
from .world import LINE, ORDER_ID, SELLER, Seller

FIRST = Tracking(ORDER_ID, "YT1", None, "yunexpress", {LINE: 1})
SECOND = Tracking(ORDER_ID, "1Z2", "https://track.example/1Z2", "ups", {LINE: 1})
SINCE, UNTIL = datetime(2026, 2, 20, tzinfo=UTC), datetime(2026, 2, 21, tzinfo=UTC)


async def numbers(seller: Seller) -> list[Any]:
    return [one["tracking_number"] for one in await seller.rows("packages")]


async def test_an_order_comes_with_all_that_is_read_of_it(seller: Seller) -> None:
    fetched = await seller.orders().fetch_order(ORDER_ID)

    assert read("order", fetched) == read("order", ORDER)
    assert seller.meter.taken == ["getOrder"]


async def test_what_changed_is_listed_whole_and_page_by_page(
    seller: Seller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("order_service.adapters.marketplaces.amazon.orders.PAGE", 1)
    await seller.put_order("113-0000000-0000002", lastUpdatedTime="2026-02-20T16:00:00Z")

    first = await seller.orders().list_changed(SINCE, UNTIL, None)
    second = await seller.orders().list_changed(SINCE, UNTIL, first.cursor)

    found = [read("order", body) for body in (*first.orders, *second.orders)]
    assert [one.external_id for one in found if isinstance(one, CanonicalOrder)] == [
        ORDER_ID,
        "113-0000000-0000002",
    ]
    assert second.cursor is None
    assert found[0] == read("order", ORDER)


async def test_what_is_no_order_of_ours_is_not_even_listed(seller: Seller) -> None:
    await seller.put_order(fulfillment={"fulfillmentStatus": "UNSHIPPED", "fulfilledBy": "AMAZON"})
    await seller.put_order(
        "113-0000000-0000002", fulfillment={"fulfillmentStatus": "PENDING", "fulfilledBy": "MERCHANT"}
    )

    assert (await seller.orders().list_changed(SINCE, UNTIL, None)).orders == []


async def test_an_end_less_than_two_minutes_ago_is_refused_by_the_platform(seller: Seller) -> None:
    now = datetime.now(UTC)

    with pytest.raises(MarketplaceRefused, match="InvalidInput"):
        await seller.orders().list_changed(now - timedelta(hours=1), now, None)


async def test_parcels_are_packages_of_their_own_and_the_last_one_makes_the_order_shipped(
    seller: Seller,
) -> None:
    references = [await seller.orders().write_back(one) for one in (FIRST, SECOND)]

    packages = await seller.rows("packages")
    assert [one["package_reference_id"] for one in packages] == references
    assert [(one["carrier_code"], one["carrier_name"]) for one in packages] == [
        ("Other", "YunExpress"),
        ("UPS", "UPS"),
    ]
    assert (await seller.order())["fulfillment"]["fulfillmentStatus"] == "SHIPPED"


async def test_a_parcel_that_is_there_is_not_told_again(seller: Seller) -> None:
    references = [await seller.orders().write_back(FIRST) for _ in range(2)]

    assert references[0] == references[1]
    assert [one["edits"] for one in await seller.rows("packages")] == [0]


async def test_a_confirmation_whose_answer_was_lost_is_made_once(seller: Seller) -> None:
    await seller.misbehave(operation="confirmShipment", mode="do_then_drop_connection")

    with pytest.raises(MarketplaceOutcomeUnknown):
        await seller.orders().write_back(FIRST)
    await seller.orders().write_back(FIRST)

    assert await numbers(seller) == ["YT1"]


def test_a_parcel_always_gets_the_same_reference_and_never_anothers() -> None:
    reference = reference_of(FIRST, [])

    assert reference.isdecimal()
    assert int(reference) > 0
    assert reference_of(replace(FIRST, units={LINE: 2}), []) == reference
    assert reference_of(FIRST, [reference]) == str(int(reference) + 1)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"fulfillmentStatus": "CANCELLED"}, "order_cancelled"),
        ({"fulfilledBy": "AMAZON"}, "order_is_fulfilled_by_amazon"),
    ],
)
async def test_no_parcel_is_told_of_an_order_that_is_not_ours_to_send(
    seller: Seller, changes: dict[str, str], code: str
) -> None:
    fulfillment = {**json.loads(ORDER)["order"]["fulfillment"], **changes}
    await seller.put_order(fulfillment=fulfillment)

    with pytest.raises(MarketplaceRefused, match=code):
        await seller.orders().write_back(FIRST)

    assert await numbers(seller) == []


async def test_more_units_than_there_are_is_the_platforms_refusal(seller: Seller) -> None:
    with pytest.raises(MarketplaceRefused, match="InvalidInput"):
        await seller.orders().write_back(replace(FIRST, units={LINE: 3}))


async def test_an_order_that_is_not_there_is_refused(seller: Seller) -> None:
    with pytest.raises(MarketplaceRefused, match="NotFound"):
        await seller.orders().fetch_order("113-0000000-0000009")


async def test_the_header_says_what_the_quota_really_is(seller: Seller) -> None:
    plan = {"rate_per_s": 1.5, "burst": 30}
    await seller.control("PUT", f"sellers/{SELLER}/usage-plans/getOrder", plan)

    await seller.orders().fetch_order(ORDER_ID)

    assert seller.meter.learnt == {"getOrder": 1.5}


async def test_a_quota_that_is_used_up_says_when_the_next_call_is_there(seller: Seller) -> None:
    plan = {"rate_per_s": 0.0056, "burst": 1}
    await seller.control("PUT", f"sellers/{SELLER}/usage-plans/searchOrders", plan)
    await seller.orders().list_changed(SINCE, UNTIL, None)

    with pytest.raises(QuotaUsedUp) as refused:
        await seller.orders().list_changed(SINCE, UNTIL, None)

    assert refused.value.operation == "searchOrders"
    assert refused.value.retry_after_s == pytest.approx(178.6, abs=0.1)


async def test_a_token_that_has_run_out_there_or_by_our_clock_is_to_be_replaced(seller: Seller) -> None:
    await seller.control("POST", f"sellers/{SELLER}/expired-tokens")
    with pytest.raises(TokenExpired):
        await seller.orders().fetch_order(ORDER_ID)

    calls = len(await seller.rows("calls"))
    for tokens in (None, Tokens("t", datetime.now(UTC) - timedelta(seconds=1))):
        seller.with_tokens(tokens)
        with pytest.raises(TokenExpired):
            await seller.orders().fetch_order(ORDER_ID)
    assert len(await seller.rows("calls")) == calls


async def test_a_token_that_is_none_is_a_refusal_and_no_reason_to_buy_another(seller: Seller) -> None:
    seller.with_tokens(Tokens("made up", datetime.now(UTC) + timedelta(hours=1)))

    with pytest.raises(MarketplaceRefused, match="Unauthorized"):
        await seller.orders().fetch_order(ORDER_ID)


@pytest.mark.parametrize(
    ("mode", "asked", "told"),
    [
        ("error_500", MarketplaceUnavailable, MarketplaceOutcomeUnknown),
        ("throttle", QuotaUsedUp, QuotaUsedUp),
        ("do_then_drop_connection", MarketplaceUnavailable, MarketplaceOutcomeUnknown),
        ("refuse", MarketplaceRefused, MarketplaceRefused),
    ],
)
async def test_what_goes_wrong_is_said_in_the_words_of_the_port(
    seller: Seller, mode: str, asked: type[Exception], told: type[Exception]
) -> None:
    # A question over a connection that was kept is asked once more below us.
    await seller.misbehave(operation="getOrder", mode=mode, times=2)
    with pytest.raises(asked):
        await seller.orders().fetch_order(ORDER_ID)

    await seller.misbehave(operation="confirmShipment", mode=mode)
    with pytest.raises(told):
        await seller.orders().write_back(FIRST)


async def test_nothing_is_sent_over_an_open_line(seller: Seller) -> None:
    for url, code in (("http://api.example", "https_required"), ("", "account_has_no_region")):
        seller.account = replace(seller.account, api_base_url=url)
        seller.with_options(region="")

        with pytest.raises(MarketplaceRefused, match=code):
            await seller.orders().fetch_order(ORDER_ID)

    assert seller.meter.taken == []
