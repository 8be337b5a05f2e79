"""The client against a server that speaks eBay's APIs, validates what it gets and misbehaves on demand."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from crossdock_chassis.outgoing import open_http_client
from crossdock_sandbox.ebay.app import EbayOptions, EbaySandbox, running_ebay
from order_service.adapters.marketplaces.ebay import codes, mapping
from order_service.adapters.marketplaces.ebay.calls import EbayApi
from order_service.adapters.marketplaces.ebay.cancelling import EbayCanceller
from order_service.adapters.marketplaces.ebay.client import EbayGateway
from order_service.adapters.marketplaces.ebay.settings import EbaySettings
from order_service.adapters.marketplaces.ebay.stock import BATCH, EbayStock
from order_service.adapters.marketplaces.ebay.tokens import EbayRefresher
from order_service.use_cases.marketplace import (
    MarketplaceOutcomeUnknown,
    MarketplaceRefused,
    MarketplaceUnavailable,
    NotReadyYet,
    StockNumber,
    TokenExpired,
    Tracking,
)
from order_service.use_cases.ports import Account, Secrets, Tokens

from .conformance import ACCOUNT
from .test_mapping import HABITS, a_body, a_line

ORDER_ID = "12-14455-66778"
FIRST = Tracking(ORDER_ID, "YT-1", "https://track.example/YT1", "yunexpress", {"1": 1})
REST = Tracking(ORDER_ID, "9400 1", None, "usps", {"1": 1, "2": 1})
SINCE = datetime(2026, 2, 12, tzinfo=UTC)
UNTIL = SINCE + timedelta(days=7)


class Meter:
    """Lets every call pass, and remembers whose quota it took from."""

    def __init__(self) -> None:
        self.taken: list[str] = []

    async def take(self, operation: str) -> None:
        self.taken.append(operation)

    async def learn(self, operation: str, rate_per_s: float) -> None:
        raise AssertionError("eBay's answers state no rate")


class Seller:
    """A sandbox with one seller and one order in it, and what opens calls for that seller."""

    def __init__(self, sandbox: EbaySandbox, http: httpx.AsyncClient) -> None:
        self.sandbox = sandbox
        self.http = http
        self.meter = Meter()
        refresh = Tokens("none yet", SINCE, "v^1.1#refresh")
        self.account = replace(ACCOUNT, api_base_url=sandbox.base_url, tokens=refresh)

    async def install(self, **changes: Any) -> None:
        given = {
            "shop": ACCOUNT.shop_ref,
            "client_id": ACCOUNT.options["client_id"],
            "client_secret": ACCOUNT.secrets.named["client_secret"],
            "refresh_token": "v^1.1#refresh",
            "verification_token": ACCOUNT.secrets.webhook[0],
            "endpoint": "http://127.0.0.1:9/",
            **changes,
        }
        assert (await self.control("POST", "shops", given)).status_code == 201

    async def refresh(self) -> None:
        self.account = replace(self.account, tokens=await self.refresher().refresh())

    def refresher(self, account: Account | None = None) -> EbayRefresher:
        return EbayRefresher(self.http, account or self.account, timeout_s=5)

    def api(self, account: Account | None = None, **settings: Any) -> EbayApi:
        chosen = EbaySettings(**{"timeout_s": 5.0, **settings})
        return EbayApi(self.http, account or self.account, self.meter, chosen)

    def gateway(self, account: Account | None = None, **settings: Any) -> EbayGateway:
        return EbayGateway(self.api(account, **settings))

    def canceller(self) -> EbayCanceller:
        return EbayCanceller(self.api())

    def stock(self) -> EbayStock:
        return EbayStock(self.api())

    async def control(self, method: str, path: str, body: Any = None) -> httpx.Response:
        return await self.http.request(method, f"{self.sandbox.base_url}/_sandbox/{path}", json=body)

    async def put_order(self, order_id: str = ORDER_ID, **changes: Any) -> None:
        lines = [a_line(lineItemId="1"), a_line(lineItemId="2", quantity=1)]
        body = a_body(**{"lineItems": lines, **changes})
        answer = await self.control("PUT", f"shops/{ACCOUNT.shop_ref}/orders/{order_id}", body)
        assert answer.status_code == 200, answer.text

    async def order(self) -> dict[str, Any]:
        found: dict[str, Any] = (
            await self.control("GET", f"shops/{ACCOUNT.shop_ref}/orders/{ORDER_ID}")
        ).json()
        return found

    async def misbehave(self, **rule: Any) -> None:
        answer = await self.control("PUT", "faults", [{"times": 1, **rule}])
        assert answer.status_code == 200, answer.text

    async def books(self, table: str, column: str) -> list[Any]:
        rows = (await self.control("GET", f"books/{table}")).json()["rows"]
        return [row[column] for row in rows]

    async def numbers(self) -> list[Any]:
        return await self.books("fulfillments", "tracking_number")


@pytest.fixture
async def seller(tmp_path: Path) -> AsyncIterator[Seller]:
    async with running_ebay(tmp_path) as sandbox, open_http_client("ebay") as http:
        seller = Seller(sandbox, http)
        await seller.install()
        await seller.put_order()
        await seller.refresh()
        yield seller


# -- tokens


async def test_a_token_is_bought_for_two_hours_and_the_refresh_token_stays(seller: Seller) -> None:
    tokens = seller.account.tokens

    assert tokens is not None
    assert tokens.refresh_token == "v^1.1#refresh"
    assert timedelta(minutes=119) < tokens.expires_at - datetime.now(UTC) <= timedelta(hours=2)


async def test_a_token_that_has_run_out_is_said_to_have(seller: Seller) -> None:
    await seller.control("DELETE", f"shops/{ACCOUNT.shop_ref}/tokens")

    with pytest.raises(TokenExpired):
        await seller.gateway().fetch_order(ORDER_ID)

    await seller.refresh()
    assert await seller.gateway().fetch_order(ORDER_ID)


async def test_a_seller_who_has_not_consented_yet_has_no_token(seller: Seller) -> None:
    stranger = replace(seller.account, tokens=None)

    with pytest.raises(TokenExpired):
        await seller.gateway(stranger).fetch_order(ORDER_ID)
    with pytest.raises(MarketplaceRefused, match="no_refresh_token"):
        await seller.refresher(stranger).refresh()


async def test_a_seller_who_takes_the_consent_back_has_to_be_asked_anew(seller: Seller) -> None:
    await seller.control("DELETE", f"shops/{ACCOUNT.shop_ref}/consent")

    with pytest.raises(MarketplaceRefused, match="invalid_grant"):
        await seller.refresher().refresh()


async def test_an_application_with_a_wrong_secret_is_refused(seller: Seller) -> None:
    wrong = replace(seller.account, secrets=Secrets(named={"client_secret": "wrong"}))

    with pytest.raises(MarketplaceRefused, match="invalid_client"):
        await seller.refresher(wrong).refresh()


@pytest.mark.parametrize("mode", ["error_500", "do_then_drop_connection", "throttle"])
async def test_a_token_that_does_not_come_is_bought_again_later(seller: Seller, mode: str) -> None:
    await seller.misbehave(operation="token.create", mode=mode)

    with pytest.raises(MarketplaceUnavailable):
        await seller.refresher().refresh()

    assert (await seller.refresher().refresh()).access_token


async def test_no_token_leaves_in_the_clear(seller: Seller) -> None:
    account = replace(seller.account, api_base_url="http://ebay.example")

    for call in (seller.refresher(account).refresh(), seller.gateway(account).fetch_order(ORDER_ID)):
        with pytest.raises(MarketplaceRefused, match="https_required"):
            await call


# -- reading


async def test_a_fetched_order_is_read_as_a_listed_one(seller: Seller) -> None:
    fetched = await seller.gateway().fetch_order(ORDER_ID)
    listed = await seller.gateway().list_changed(SINCE, UNTIL, None)

    orders = [mapping.read(codes.FETCHED, one, HABITS) for one in (fetched, *listed.orders)]

    assert orders[0] == orders[1]
    assert listed.cursor is None
    assert set(seller.meter.taken) == {"fulfilment"}


async def test_an_order_that_is_not_there_is_refused(seller: Seller) -> None:
    with pytest.raises(MarketplaceRefused, match="ebay_32100"):
        await seller.gateway().fetch_order("12-0")


async def test_another_sellers_order_is_not_there(seller: Seller) -> None:
    await seller.install(shop="somebody_else", refresh_token="other")
    account = replace(seller.account, tokens=Tokens("none yet", SINCE, "other"))
    theirs = replace(account, tokens=await seller.refresher(account).refresh())

    with pytest.raises(MarketplaceRefused, match="ebay_32100"):
        await seller.gateway(theirs).fetch_order(ORDER_ID)


async def listed(seller: Seller) -> list[str]:
    """All ids, question by question."""
    found: list[str] = []
    cursor: str | None = None
    for _ in range(50):
        page = await EbayGateway(seller.api(), page=5).list_changed(SINCE, UNTIL, cursor)
        found += [json.loads(one)["orderId"] for one in page.orders]
        cursor = page.cursor
        if cursor is None:
            return found
    raise AssertionError("the list has no end")


async def test_many_changes_are_read_by_spans_that_a_page_holds(seller: Seller) -> None:
    for n in range(24):
        changed = (SINCE + timedelta(hours=6 * n)).isoformat()
        await seller.put_order(f"12-{n:05}", lastModifiedDate=changed)

    found = await listed(seller)

    assert {ORDER_ID, *(f"12-{n:05}" for n in range(24))} == set(found)
    assert len(found) < 30  # an order on the edge of two spans comes twice


async def test_more_changes_in_a_second_than_a_page_holds_are_read_all_the_same(seller: Seller) -> None:
    for n in range(12):
        await seller.put_order(f"12-{n:05}", lastModifiedDate="2026-02-13T00:00:00.500Z")

    assert {ORDER_ID, *(f"12-{n:05}" for n in range(12))} == set(await listed(seller))


async def test_the_token_opens_the_sellers_name(seller: Seller) -> None:
    assert await seller.gateway().shop_of_credentials() == ACCOUNT.shop_ref


async def test_the_identity_api_has_a_host_of_its_own() -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.host)
        return httpx.Response(200, json={"username": "lumo"})

    account = replace(ACCOUNT, tokens=Tokens("t", SINCE))
    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        for base in (None, "https://api.sandbox.ebay.com"):
            api = EbayApi(http, replace(account, api_base_url=base), Meter(), EbaySettings())
            await EbayGateway(api).shop_of_credentials()

    assert asked == ["apiz.ebay.com", "apiz.sandbox.ebay.com"]


# -- tracking


async def test_every_parcel_is_a_fulfilment_of_its_own(seller: Seller) -> None:
    references = [await seller.gateway().write_back(one) for one in (FIRST, REST)]

    assert await seller.numbers() == ["YT1", "94001"] == references
    assert await seller.books("fulfillments", "carrier") == ["Other", "USPS"]
    assert (await seller.order())["orderFulfillmentStatus"] == "FULFILLED"


async def test_the_same_parcel_told_twice_is_there_once(seller: Seller) -> None:
    for _ in range(2):
        await seller.gateway().write_back(FIRST)

    assert await seller.numbers() == ["YT1"]


async def test_a_carrier_can_be_given_ebays_code(seller: Seller) -> None:
    await seller.gateway(carrier_codes={"yunexpress": "DHL"}).write_back(FIRST)

    assert await seller.books("fulfillments", "carrier") == ["DHL"]


@pytest.mark.parametrize("mode", ["do_then_drop_connection", "error_500"])
async def test_a_parcel_without_an_answer_is_unknown_and_telling_again_finds_it(
    seller: Seller, mode: str
) -> None:
    await seller.misbehave(operation="fulfillment.create", mode=mode)
    with pytest.raises(MarketplaceOutcomeUnknown):
        await seller.gateway().write_back(FIRST)

    await seller.gateway().write_back(FIRST)

    assert await seller.numbers() == ["YT1"]


@pytest.mark.parametrize("operation", ["fulfillment.list", "fulfillment.create"])
async def test_throttled_means_nothing_was_done_and_when_to_come_again(
    seller: Seller, operation: str
) -> None:
    await seller.misbehave(operation=operation, mode="throttle")

    with pytest.raises(MarketplaceUnavailable) as error:
        await seller.gateway().write_back(FIRST)

    assert error.value.retry_after_s == 2
    assert await seller.numbers() == []


@pytest.mark.parametrize(
    ("units", "code"), [({"1": 3}, "ebay_32210"), ({"9": 1}, "ebay_32200")], ids=["too many", "unknown"]
)
async def test_units_that_are_not_there_are_refused_with_ebays_number(
    seller: Seller, units: dict[str, int], code: str
) -> None:
    with pytest.raises(MarketplaceRefused, match=code):
        await seller.gateway().write_back(replace(FIRST, units=units))


async def test_ebay_is_not_reached_and_was_sent_nothing(seller: Seller) -> None:
    account = replace(seller.account, api_base_url="http://127.0.0.1:9")

    with pytest.raises(MarketplaceUnavailable):
        await seller.gateway(account).write_back(FIRST)


async def test_the_calls_of_a_day_are_used_up(tmp_path: Path) -> None:
    options = EbayOptions(calls_per_day=1)
    async with running_ebay(tmp_path, options=options) as sandbox, open_http_client("ebay") as http:
        seller = Seller(sandbox, http)
        await seller.install()
        await seller.put_order()
        await seller.refresh()
        await seller.gateway().fetch_order(ORDER_ID)

        with pytest.raises(MarketplaceUnavailable) as error:
            await seller.gateway().fetch_order(ORDER_ID)

    assert error.value.retry_after_s == 60


# -- stock


async def test_numbers_are_set_and_those_refused_are_named(seller: Seller) -> None:
    for sku, locked in (("A", False), ("B", True)):
        await seller.control("PUT", f"shops/{ACCOUNT.shop_ref}/items/{sku}", {"locked": locked})

    refused = await seller.stock().tell_stock([StockNumber("A", 7), StockNumber("B", 7), StockNumber("C", 7)])

    assert refused == {"B": "ebay_25002", "C": "ebay_25710"}
    assert await seller.books("items", "quantity") == [7, None]
    assert seller.meter.taken == ["inventory"]


async def test_a_batch_is_what_ebay_takes_in_a_call(seller: Seller) -> None:
    numbers = [StockNumber(f"S{n}", n) for n in range(BATCH)]

    assert len(await seller.stock().tell_stock(numbers)) == BATCH
    with pytest.raises(MarketplaceRefused, match="ebay_25709"):
        await seller.stock().tell_stock([*numbers, StockNumber("one more", 1)])


async def test_numbers_whose_answer_is_lost_are_told_again(seller: Seller) -> None:
    await seller.control("PUT", f"shops/{ACCOUNT.shop_ref}/items/A", {})
    await seller.misbehave(operation="quantity.update", mode="do_then_drop_connection")
    with pytest.raises(MarketplaceOutcomeUnknown):
        await seller.stock().tell_stock([StockNumber("A", 7)])

    assert await seller.stock().tell_stock([StockNumber("A", 6)]) == {}
    assert await seller.books("items", "quantity") == [6]


# -- cancels


async def test_an_order_is_cancelled_once_and_the_buyer_has_the_money_back(seller: Seller) -> None:
    references = [await seller.canceller().cancel(ORDER_ID, "out_of_stock") for _ in range(2)]

    assert references == ["1", ORDER_ID]
    assert await seller.books("cancels", "reason") == ["OUT_OF_STOCK_OR_CANNOT_FULFILL"]
    assert (await seller.order())["orderPaymentStatus"] == "FULLY_REFUNDED"


async def test_an_unpaid_order_is_cancelled_as_one(seller: Seller) -> None:
    await seller.put_order(orderPaymentStatus="PENDING")

    assert await seller.canceller().cancel(ORDER_ID, "unpaid") == "1"


async def test_a_cancel_that_takes_its_time_is_waited_for_and_not_asked_for_again(seller: Seller) -> None:
    await seller.install(slow_cancels=True)
    await seller.refresh()
    for _ in range(2):
        with pytest.raises(NotReadyYet):
            await seller.canceller().cancel(ORDER_ID, "risk")

    await seller.control("POST", f"shops/{ACCOUNT.shop_ref}/orders/{ORDER_ID}/cancel-end")

    assert await seller.canceller().cancel(ORDER_ID, "risk") == ORDER_ID
    assert await seller.books("cancels", "state") == ["COMPLETED"]


async def test_a_cancel_without_an_answer_is_looked_for(seller: Seller) -> None:
    await seller.misbehave(operation="cancel.create", mode="do_then_drop_connection")
    with pytest.raises(MarketplaceOutcomeUnknown):
        await seller.canceller().cancel(ORDER_ID, "risk")

    assert await seller.canceller().cancel(ORDER_ID, "risk") == ORDER_ID
    assert len(await seller.books("cancels", "id")) == 1


async def test_a_buyers_own_wish_is_agreed_to(seller: Seller) -> None:
    await seller.control("POST", f"shops/{ACCOUNT.shop_ref}/orders/{ORDER_ID}/cancel-wish")

    assert await seller.canceller().cancel(ORDER_ID, "merchant") == "1"
    assert await seller.books("cancels", "initiator") == ["BUYER"]


async def test_an_order_of_which_a_parcel_was_sent_is_not_cancelled(seller: Seller) -> None:
    await seller.gateway().write_back(FIRST)

    with pytest.raises(MarketplaceRefused, match="order_was_sent"):
        await seller.canceller().cancel(ORDER_ID, "merchant")


async def test_a_seller_whose_cancels_have_to_be_signed_is_told_so(seller: Seller) -> None:
    await seller.install(wants_signatures=True)
    await seller.refresh()

    with pytest.raises(MarketplaceRefused, match="ebay_215001"):
        await seller.canceller().cancel(ORDER_ID, "merchant")
