"""eBay's APIs: who is let in, what may be asked and told, what is refused, and the calls of a day."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from crossdock_sandbox.ebay.app import EbayOptions, EbaySandbox, running_ebay

SHOP = "lumo_direct_cn"
CLIENT = ("Lumo-PRD", "PRD-secret")
SCOPE = "https://api.ebay.com/oauth/api_scope"
TOTAL = {"value": "35.48", "currency": "USD"}
ORDER: dict[str, Any] = {
    "creationDate": "2026-02-12T03:41:27.000Z",
    "lastModifiedDate": "2026-02-12T03:43:02.000Z",
    "orderFulfillmentStatus": "NOT_STARTED",
    "orderPaymentStatus": "PAID",
    "pricingSummary": {"total": TOTAL},
    "cancelStatus": {"cancelState": "NONE_REQUESTED", "cancelRequests": []},
    "lineItems": [{"lineItemId": "1", "quantity": 2}, {"lineItemId": "2", "quantity": 1}],
}
ORDER_PATH = "/sell/fulfillment/v1/order/12-1"
PARCEL = {
    "lineItems": [{"lineItemId": "1", "quantity": 1}],
    "shippingCarrierCode": "USPS",
    "trackingNumber": "94001",
}
CANCEL = {"legacyOrderId": "12-1", "cancelReason": "OUT_OF_STOCK_OR_CANNOT_FULFILL", "buyerPaid": True}


def a_seller(**changes: Any) -> dict[str, Any]:
    return {
        "shop": SHOP,
        "client_id": CLIENT[0],
        "client_secret": CLIENT[1],
        "refresh_token": "refresh",
        "verification_token": "v" * 32,
        "endpoint": "http://127.0.0.1:9/webhooks",
        **changes,
    }


class Ebay:
    """The sandbox with one seller and one order, as a client with the seller's token sees it."""

    def __init__(self, sandbox: EbaySandbox, http: httpx.AsyncClient) -> None:
        self.base_url = sandbox.base_url
        self.http = http
        self.token = ""

    async def control(self, method: str, path: str, body: Any = None) -> httpx.Response:
        return await self.http.request(method, f"{self.base_url}/_sandbox/{path}", json=body)

    async def install(self, **changes: Any) -> None:
        answer = await self.control("POST", "shops", a_seller(**changes))
        assert answer.status_code == 201, answer.text
        await self.control("PUT", f"shops/{SHOP}/orders/12-1", ORDER)
        self.token = (await self.buy()).json()["access_token"]

    async def buy(self, client: tuple[str, str] = CLIENT, **form: str) -> httpx.Response:
        given = form or {"grant_type": "refresh_token", "refresh_token": "refresh"}
        return await self.http.post(f"{self.base_url}/identity/v1/oauth2/token", data=given, auth=client)

    async def call(
        self, method: str, path: str, body: Any = None, *, scheme: str = "Bearer", **more: Any
    ) -> httpx.Response:
        headers = {"Authorization": f"{scheme} {more.pop('token', self.token)}", **more.pop("headers", {})}
        return await self.http.request(method, self.base_url + path, json=body, headers=headers, **more)

    async def cancel(self, body: Any = CANCEL, path: str = "", **headers: str) -> httpx.Response:
        given = headers or {"X-EBAY-C-MARKETPLACE-ID": "EBAY_US"}
        path = f"/post-order/v2/cancellation{path}"
        return await self.call("POST", path, body, scheme="IAF", headers=given)


@pytest.fixture
async def ebay(tmp_path: Path, http: httpx.AsyncClient) -> AsyncIterator[Ebay]:
    async with running_ebay(tmp_path) as sandbox:
        ebay = Ebay(sandbox, http)
        await ebay.install()
        yield ebay


def number(answer: httpx.Response) -> tuple[int, int]:
    return answer.status_code, answer.json()["errors"][0]["errorId"]


async def test_tokens_are_sold_to_who_may_have_them(ebay: Ebay) -> None:
    wrong = [
        await ebay.buy(("Lumo-PRD", "wrong")),
        await ebay.buy(grant_type="refresh_token", refresh_token="another"),
        await ebay.buy(grant_type="password"),
        await ebay.buy(grant_type="client_credentials", scope="https://api.ebay.com/oauth/api_scope/other"),
    ]
    application = await ebay.buy(grant_type="client_credentials", scope=SCOPE)

    assert [(one.status_code, one.json()["error"]) for one in wrong] == [
        (401, "invalid_client"),
        (400, "invalid_grant"),
        (400, "unsupported_grant_type"),
        (400, "invalid_scope"),
    ]
    assert application.json()["expires_in"] == 7200


async def test_a_token_opens_what_it_is_for_until_it_runs_out(ebay: Ebay) -> None:
    sold = await ebay.buy(grant_type="client_credentials", scope=SCOPE)
    of_application = await ebay.call("GET", ORDER_PATH, token=sold.json()["access_token"])
    good = await ebay.call("GET", ORDER_PATH)
    wrong_scheme = await ebay.call("GET", ORDER_PATH, scheme="IAF")

    await ebay.control("DELETE", f"shops/{SHOP}/tokens")

    assert (good.status_code, number(of_application)) == (200, (403, 1100))
    assert number(wrong_scheme) == (401, 1001)
    assert number(await ebay.call("GET", ORDER_PATH)) == (401, 1001)


async def test_another_sellers_orders_are_not_shown(ebay: Ebay) -> None:
    await ebay.control("POST", "shops", a_seller(shop="other", refresh_token="theirs"))
    sold = await ebay.buy(grant_type="refresh_token", refresh_token="theirs")

    answer = await ebay.call("GET", ORDER_PATH, token=sold.json()["access_token"])

    assert number(answer) == (404, 32100)


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"filter": "lastmodifieddate:2026"},
        {"filter": "lastmodifieddate:[2026-13-01T00:00:00.000Z..]"},
        {"filter": "lastmodifieddate:[2026-01-01T00:00:00.000Z..]", "limit": "201"},
        {"filter": "lastmodifieddate:[2026-01-01T00:00:00.000Z..]", "offset": "-1"},
        {"filter": "lastmodifieddate:[2026-01-01T00:00:00.000Z..]", "page": "1"},
    ],
)
async def test_a_list_is_asked_for_as_documented(ebay: Ebay, params: dict[str, str]) -> None:
    answer = await ebay.call("GET", "/sell/fulfillment/v1/order", params=params)

    assert answer.status_code == 400


async def test_a_list_shows_what_changed_in_a_span_and_no_requests_for_cancels(ebay: Ebay) -> None:
    await ebay.control("POST", f"shops/{SHOP}/orders/12-1/cancel-wish")
    old = {"filter": "lastmodifieddate:[2026-01-01T00:00:00.000Z..2026-03-01T00:00:00.000Z]"}
    new = {"filter": "lastmodifieddate:[2026-03-01T00:00:00.000Z..]", "fieldGroups": "TAX_BREAKDOWN"}

    before, after = [
        (await ebay.call("GET", "/sell/fulfillment/v1/order", params=one)).json() for one in (old, new)
    ]
    whole = (await ebay.call("GET", ORDER_PATH)).json()

    assert (before["total"], after["total"]) == (0, 1)
    assert after["orders"][0]["cancelStatus"]["cancelRequests"] == []
    assert whole["cancelStatus"]["cancelRequests"][0]["cancelInitiator"] == "BUYER"


async def test_a_parcel_takes_units_off_and_shows_in_the_order(ebay: Ebay) -> None:
    made = await ebay.call("POST", f"{ORDER_PATH}/shipping_fulfillment", PARCEL)
    rest = {**PARCEL, "lineItems": [{"lineItemId": "1", "quantity": 1}, {"lineItemId": "2", "quantity": 1}]}
    halfway = (await ebay.call("GET", ORDER_PATH)).json()["orderFulfillmentStatus"]
    await ebay.call("POST", f"{ORDER_PATH}/shipping_fulfillment", {**rest, "trackingNumber": "94002"})

    order = (await ebay.call("GET", ORDER_PATH)).json()
    assert (made.status_code, made.content) == (201, b"")
    assert made.headers["location"].endswith(f"{ORDER_PATH}/shipping_fulfillment/94001")
    assert (halfway, order["orderFulfillmentStatus"]) == ("IN_PROGRESS", "FULFILLED")
    assert len(order["fulfillmentHrefs"]) == 2
    assert order["lastModifiedDate"] > ORDER["lastModifiedDate"]


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"trackingNumber": "9400-1"}, (400, 32500)),
        ({"shippingCarrierCode": "Pigeon"}, (400, 32300)),
        ({"lineItems": []}, (400, 32600)),
        ({"lineItems": [{"lineItemId": "9", "quantity": 1}]}, (400, 32200)),
        ({"lineItems": [{"lineItemId": "1", "quantity": 3}]}, (400, 32210)),
        ({"lineItems": [{"lineItemId": "1", "quantity": 0}]}, (400, 32210)),
        ({"colour": "red"}, (400, 32600)),
    ],
)
async def test_a_parcel_that_cannot_be_is_refused(
    ebay: Ebay, change: dict[str, Any], error: tuple[int, int]
) -> None:
    answer = await ebay.call("POST", f"{ORDER_PATH}/shipping_fulfillment", {**PARCEL, **change})

    assert number(answer) == error
    assert (await ebay.control("GET", "books/fulfillments")).json()["rows"] == []


async def test_a_cancel_wants_a_site_a_reason_and_the_truth_about_the_payment(ebay: Ebay) -> None:
    refused = [
        await ebay.cancel(**{"X-Other": "1"}),
        await ebay.cancel({**CANCEL, "cancelReason": "BECAUSE"}),
        await ebay.cancel({**CANCEL, "buyerPaid": False}),
        await ebay.cancel({**CANCEL, "legacyOrderId": "12-9"}),
    ]

    assert [number(one) for one in refused] == [(400, 1618), (400, 1616), (400, 1616), (404, 1617)]


async def test_a_cancelled_order_is_paid_back_and_takes_neither_parcel_nor_cancel(ebay: Ebay) -> None:
    made = await ebay.cancel()

    order = (await ebay.call("GET", ORDER_PATH)).json()
    assert (made.status_code, made.json()) == (201, {"cancelId": "1"})
    assert (order["cancelStatus"]["cancelState"], order["orderPaymentStatus"]) == (
        "CANCELED",
        "FULLY_REFUNDED",
    )
    assert order["paymentSummary"]["refunds"][0]["amount"] == TOTAL
    parcel = await ebay.call("POST", f"{ORDER_PATH}/shipping_fulfillment", PARCEL)
    assert (number(parcel), number(await ebay.cancel())) == ((409, 34100), (400, 1615))


async def test_only_a_buyers_wish_can_be_agreed_to_and_only_once(ebay: Ebay) -> None:
    wish = (await ebay.control("POST", f"shops/{SHOP}/orders/12-1/cancel-wish")).json()["cancel_id"]

    agreed = await ebay.cancel(None, f"/{wish}/approve")
    again = await ebay.cancel(None, f"/{wish}/approve")

    assert (agreed.status_code, number(again)) == (200, (404, 1617))


async def test_a_quantity_is_set_for_each_sku_or_refused(ebay: Ebay) -> None:
    await ebay.control("PUT", f"shops/{SHOP}/items/A", {})
    given = [{"sku": sku, "shipToLocationAvailability": {"quantity": 7}} for sku in ("A", "B")]
    path = "/sell/inventory/v1/bulk_update_price_quantity"

    answer = await ebay.call("POST", path, {"requests": given})
    too_many = await ebay.call("POST", path, {"requests": given * 13})

    assert [one["statusCode"] for one in answer.json()["responses"]] == [200, 404]
    assert (await ebay.control("GET", "books/items")).json()["rows"][0]["quantity"] == 7
    assert number(too_many) == (400, 25709)


async def test_the_calls_of_a_day_are_counted_by_api(tmp_path: Path, http: httpx.AsyncClient) -> None:
    async with running_ebay(tmp_path, options=EbayOptions(calls_per_day=2)) as sandbox:
        ebay = Ebay(sandbox, http)
        await ebay.install()

        answers = [(await ebay.call("GET", ORDER_PATH)).status_code for _ in range(3)]
        other = await ebay.call("GET", "/commerce/identity/v1/user/")

    assert answers == [200, 200, 429]
    assert other.json()["username"] == SHOP


async def test_what_is_not_there_is_said_in_ebays_words(ebay: Ebay) -> None:
    assert number(await ebay.call("GET", "/sell/account/v1/privilege")) == (404, 2002)
    assert (await ebay.control("GET", "shops/nobody/orders/1")).status_code == 404
    assert (await ebay.control("PUT", f"shops/{SHOP}/orders/1", {"lineItems": []})).status_code == 422
