"""The client against a server that speaks WooCommerce's REST, validates it and misbehaves on demand."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from crossdock_chassis.outgoing import open_http_client
from crossdock_sandbox.woocommerce.app import WooCommerceSandbox, running_woocommerce
from order_service.adapters.marketplaces.woocommerce.client import WooCommerceGateway
from order_service.adapters.marketplaces.woocommerce.mapping import Habits, read_order
from order_service.adapters.marketplaces.woocommerce.settings import WooCommerceSettings
from order_service.use_cases.marketplace import (
    MarketplaceOutcomeUnknown,
    MarketplaceRefused,
    MarketplaceUnavailable,
    Tracking,
)
from order_service.use_cases.ports import Account, Secrets

from .test_mapping import a_body, a_line
from .test_webhook import an_account

CREDENTIALS = ("ck_1", "cs_1")
ORDER = a_body(line_items=[a_line(), a_line(id=402, sku="CABLE", quantity=1)])
FIRST = Tracking("9117", "YT1", "https://track.example/YT1?a=1&b=2", "yunexpress", {"401": 1})
REST = Tracking("9117", "YT2", None, "usps", {"401": 1, "402": 1})


class Shop:
    """A sandbox with one site and one order in it, and the gateway to it."""

    def __init__(self, sandbox: WooCommerceSandbox, http: httpx.AsyncClient) -> None:
        self.sandbox = sandbox
        self.http = http

    def account(self, access_token: str | None = "ck_1:cs_1", **changes: Any) -> Account:
        secrets = Secrets(webhook=("s",), access_token=access_token)
        return an_account(**{"api_base_url": self.sandbox.shop_url("lumo"), "secrets": secrets, **changes})

    def gateway(self, account: Account | None = None, **settings: Any) -> WooCommerceGateway:
        chosen = WooCommerceSettings(**{"timeout_s": 5.0, **settings})
        return WooCommerceGateway(self.http, account or self.account(), chosen)

    async def install(self, **changes: Any) -> None:
        key, secret = CREDENTIALS
        given = {
            "shop": "lumo",
            "consumer_key": key,
            "consumer_secret": secret,
            "webhook_secret": "s",
            "webhook_url": "http://127.0.0.1:9/",
            **changes,
        }
        assert (await self.control("POST", "shops", given)).status_code == 201

    async def control(self, method: str, path: str, body: Any = None) -> httpx.Response:
        return await self.http.request(method, f"{self.sandbox.base_url}/_sandbox/{path}", json=body)

    async def put_order(self, **changes: Any) -> None:
        answer = await self.control("PUT", "shops/lumo/orders/9117", {**ORDER, **changes})
        assert answer.status_code == 200, answer.text

    async def misbehave(self, **rule: Any) -> None:
        answer = await self.control("PUT", "faults", [{"times": 1, **rule}])
        assert answer.status_code == 200, answer.text

    async def books(self, table: str, column: str) -> list[Any]:
        rows = (await self.control("GET", f"books/{table}")).json()["rows"]
        return [row[column] for row in rows]

    async def numbers(self) -> list[Any]:
        """The tracking numbers in the plug-in's books."""
        return await self.books("trackings", "tracking_number")

    async def status(self) -> str:
        return str((await self.control("GET", "shops/lumo/orders/9117")).json()["status"])


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with (
        running_woocommerce(tmp_path) as sandbox,
        open_http_client("woocommerce") as http,
    ):
        shop = Shop(sandbox, http)
        await shop.install()
        await shop.put_order()
        yield shop


async def test_an_order_is_completed_with_the_last_of_its_parcels(shop: Shop) -> None:
    await shop.gateway().write_back(FIRST)
    after_the_first = await shop.status()

    await shop.gateway().write_back(REST)

    assert sorted(await shop.numbers()) == ["YT1", "YT2"]
    assert (after_the_first, await shop.status()) == ("processing", "completed")


async def test_an_order_stays_as_it_is_where_the_operator_completes_orders_himself(shop: Shop) -> None:
    for parcel in (FIRST, REST):
        await shop.gateway(complete_orders=False).write_back(parcel)

    assert await shop.status() == "processing"


async def test_a_status_we_were_not_told_of_is_left_alone(shop: Shop) -> None:
    await shop.put_order(status="on-hold", line_items=[a_line(quantity=1)])

    await shop.gateway().write_back(FIRST)

    assert (await shop.numbers(), await shop.status()) == (["YT1"], "on-hold")


async def test_units_that_were_refunded_keep_no_order_open(shop: Shop) -> None:
    refund = {"amount": "27.50", "units": {"401": 1, "402": 1}}
    await shop.control("POST", "shops/lumo/orders/9117/refunds", refund)

    await shop.gateway().write_back(FIRST)

    assert await shop.status() == "completed"


async def test_a_parcel_that_left_before_its_units_were_refunded_is_told_all_the_same(shop: Shop) -> None:
    await shop.control("POST", "shops/lumo/orders/9117/refunds", {"amount": "55.00", "units": {"401": 2}})

    await shop.gateway().write_back(FIRST)

    assert await shop.numbers() == ["YT1"]


async def test_the_same_parcel_told_twice_is_there_once(shop: Shop) -> None:
    first = await shop.gateway().write_back(FIRST)

    second = await shop.gateway().write_back(FIRST)

    assert first == second
    assert first.startswith("tracking:")
    assert await shop.numbers() == ["YT1"]


async def test_a_number_a_person_has_entered_is_not_entered_again(shop: Shop) -> None:
    url = f"{shop.sandbox.shop_url('lumo')}/wp-json/wc-shipment-tracking/v3/orders/9117/shipment-trackings"
    given = {"tracking_number": "YT1", "tracking_provider": "USPS"}
    assert (await shop.http.post(url, json=given, auth=CREDENTIALS)).status_code == 201

    await shop.gateway().write_back(FIRST)

    assert await shop.numbers() == ["YT1"]


@pytest.mark.parametrize(
    ("operation", "mode", "times"),
    [
        ("tracking.create", "do_then_drop_connection", 1),
        ("tracking.create", "error_500", 1),
        ("order.update", "do_then_drop_connection", 2),  # the HTTP client repeats a lost PUT once
        ("order.update", "error_500", 1),
    ],
)
async def test_a_change_without_an_answer_is_unknown_and_telling_again_finds_it(
    shop: Shop, operation: str, mode: str, times: int
) -> None:
    await shop.misbehave(operation=operation, mode=mode, times=times)
    with pytest.raises(MarketplaceOutcomeUnknown):
        await shop.gateway().write_back(FIRST)

    await shop.gateway().write_back(FIRST)

    assert await shop.numbers() == ["YT1"]


async def test_a_completion_whose_answer_is_lost_is_looked_for_and_found(shop: Shop) -> None:
    await shop.gateway().write_back(FIRST)
    lost = {"mode": "do_then_drop_connection", "match": "completed", "times": 2}
    await shop.misbehave(operation="order.update", **lost)
    with pytest.raises(MarketplaceOutcomeUnknown):
        await shop.gateway().write_back(REST)

    await shop.gateway().write_back(REST)

    assert (sorted(await shop.numbers()), await shop.status()) == (["YT1", "YT2"], "completed")


@pytest.mark.parametrize("operation", ["order.get", "tracking.list"])
async def test_a_server_error_of_a_question_is_only_a_question_to_ask_again(
    shop: Shop, operation: str
) -> None:
    await shop.misbehave(operation=operation, mode="error_500")

    with pytest.raises(MarketplaceUnavailable):
        await shop.gateway().write_back(FIRST)


@pytest.mark.parametrize("operation", ["order.get", "tracking.create"])
async def test_throttled_means_nothing_was_done_and_when_to_come_again(shop: Shop, operation: str) -> None:
    await shop.misbehave(operation=operation, mode="throttle")

    with pytest.raises(MarketplaceUnavailable) as error:
        await shop.gateway().write_back(FIRST)

    assert error.value.retry_after_s == 2
    assert await shop.numbers() == []


async def test_a_no_of_woocommerce_is_a_refusal_with_its_code(shop: Shop) -> None:
    await shop.misbehave(operation="tracking.create", mode="refuse")

    with pytest.raises(MarketplaceRefused, match="woocommerce_rest_cannot_edit"):
        await shop.gateway().write_back(FIRST)


async def test_a_site_without_the_plug_in_gets_one_private_note(shop: Shop) -> None:
    await shop.install(shipment_tracking=False)
    await shop.misbehave(operation="note.create", mode="do_then_drop_connection")
    with pytest.raises(MarketplaceOutcomeUnknown):
        await shop.gateway().write_back(FIRST)

    reference = await shop.gateway().write_back(FIRST)

    assert reference.startswith("note:")
    assert await shop.books("notes", "note") == [
        "Shipped with YunExpress: YT1 https://track.example/YT1?a=1&b=2"
    ]
    assert await shop.books("notes", "customer_note") == [0]


async def test_a_note_can_be_chosen_and_shown_to_the_buyer(shop: Shop) -> None:
    await shop.gateway(tracking="order_note", note_for_buyer=True).write_back(FIRST)

    assert await shop.numbers() == []
    assert await shop.books("notes", "customer_note") == [1]


async def test_a_plug_in_that_was_chosen_and_is_not_there_is_for_a_person_to_see(shop: Shop) -> None:
    await shop.install(shipment_tracking=False)

    with pytest.raises(MarketplaceRefused, match="no_shipment_tracking_plugin"):
        await shop.gateway(tracking="shipment_tracking").write_back(FIRST)

    assert await shop.books("notes", "note") == []


@pytest.mark.parametrize("units", [{"401": 3}, {"999": 1}])
async def test_units_that_are_not_left_are_refused_before_anything_is_sent(
    shop: Shop, units: dict[str, int]
) -> None:
    with pytest.raises(MarketplaceRefused, match="units_not_fulfillable"):
        await shop.gateway().write_back(Tracking("9117", "YT1", None, "usps", units))

    assert await shop.numbers() == []


@pytest.mark.parametrize("status", ["cancelled", "refunded", "failed", "trash"])
async def test_an_order_that_is_over_takes_no_tracking_number(shop: Shop, status: str) -> None:
    await shop.put_order(status=status)

    with pytest.raises(MarketplaceRefused, match=f"order_{status}"):
        await shop.gateway().write_back(FIRST)

    assert await shop.numbers() == []


async def test_an_order_that_is_not_there_is_refused(shop: Shop) -> None:
    with pytest.raises(MarketplaceRefused, match="woocommerce_rest_shop_order_invalid_id"):
        await shop.gateway().write_back(Tracking("999", "YT1", None, "usps", {"401": 1}))


@pytest.mark.parametrize(
    ("access_token", "code"),
    [
        ("ck_1:cs_wrong", "woocommerce_rest_authentication_error"),
        ("ck_1", "account_has_no_consumer_key_and_secret"),
        (":cs_1", "account_has_no_consumer_key_and_secret"),
        (None, "account_has_no_consumer_key_and_secret"),
    ],
)
async def test_nobody_calls_without_a_good_key_and_secret(
    shop: Shop, access_token: str | None, code: str
) -> None:
    with pytest.raises(MarketplaceRefused, match=code):
        await shop.gateway(shop.account(access_token)).write_back(FIRST)


async def test_a_key_that_may_only_read_cannot_tell(shop: Shop) -> None:
    await shop.install(permissions="read")

    with pytest.raises(MarketplaceRefused, match="woocommerce_rest_authentication_error"):
        await shop.gateway().write_back(FIRST)


async def test_the_secret_never_leaves_in_the_clear(shop: Shop) -> None:
    account = shop.account(api_base_url="http://shop.example")

    with pytest.raises(MarketplaceRefused, match="https_required"):
        await shop.gateway(account).fetch_order("9117")


async def test_a_shop_that_is_not_reached_was_sent_nothing(shop: Shop) -> None:
    account = shop.account(api_base_url="http://127.0.0.1:9")

    with pytest.raises(MarketplaceUnavailable):
        await shop.gateway(account).write_back(FIRST)


async def test_a_fetched_order_is_what_a_webhook_would_carry(shop: Shop) -> None:
    fetched = await shop.gateway().fetch_order("9117")

    assert read_order("order.updated", fetched, Habits()) == read_order(
        "order.updated", json.dumps(ORDER).encode(), Habits()
    )


async def test_a_fetched_order_tells_which_units_were_refunded(shop: Shop) -> None:
    refund = {"amount": "27.50", "units": {"401": 1}}
    await shop.control("POST", "shops/lumo/orders/9117/refunds", refund)

    order = read_order("order.updated", await shop.gateway().fetch_order("9117"), Habits())

    assert order is not None
    assert [line.cancelled_quantity for line in order.lines] == [1, 0]
    assert order.totals.refunded_total == 2750
    assert "refunded_units_unknown" not in order.flags


async def test_an_order_that_is_not_there_cannot_be_fetched(shop: Shop) -> None:
    with pytest.raises(MarketplaceRefused, match="woocommerce_rest_shop_order_invalid_id"):
        await shop.gateway().fetch_order("999")


@pytest.mark.parametrize("mode", ["error_500", "throttle", "hang"])
async def test_a_fetch_that_got_no_order_is_only_a_question_to_ask_again(shop: Shop, mode: str) -> None:
    await shop.misbehave(operation="order.get", mode=mode, delay_s=3)

    with pytest.raises(MarketplaceUnavailable) as error:
        await shop.gateway(timeout_s=0.5).fetch_order("9117")

    assert (error.value.retry_after_s is not None) is (mode == "throttle")
    assert json.loads(await shop.gateway().fetch_order("9117"))["id"] == 9117


def answering(status: int, **answer: Any) -> httpx.AsyncClient:
    """A client of a site that gives one answer to everything."""
    return httpx.AsyncClient(transport=httpx.MockTransport(lambda _: httpx.Response(status, **answer)))


def a_gateway(http: httpx.AsyncClient) -> WooCommerceGateway:
    account = an_account(secrets=Secrets(webhook=("s",), access_token="ck_1:cs_1"))
    return WooCommerceGateway(http, account, WooCommerceSettings())


@pytest.mark.parametrize(
    ("given", "waits_s"), [("7", 7), ("0", 0.5), ("86400", 300), ("Wed, 21 Oct 2026 07:28:00 GMT", 2)]
)
@pytest.mark.parametrize("status", [429, 503, 403])
async def test_a_host_that_is_overrun_says_when_to_come_again(
    status: int, given: str, waits_s: float
) -> None:
    http = answering(status, text="<h1>No</h1>", headers={"Retry-After": given})

    with pytest.raises(MarketplaceUnavailable) as error:
        await a_gateway(http).fetch_order("9117")

    assert error.value.retry_after_s == waits_s


@pytest.mark.parametrize("status", [301, 302, 400, 401, 404])
async def test_a_plain_no_is_a_refusal(status: int) -> None:
    with pytest.raises(MarketplaceRefused, match=f"http_{status}"):
        await a_gateway(answering(status, text="")).fetch_order("9117")


async def test_a_page_instead_of_an_order_is_a_question_to_ask_again() -> None:
    with pytest.raises(MarketplaceUnavailable):
        await a_gateway(answering(200, text="<h1>Maintenance</h1>")).fetch_order("9117")


async def test_an_answer_without_end_is_not_read() -> None:
    with pytest.raises(MarketplaceUnavailable, match="too large"):
        await a_gateway(answering(200, content=b" " * (4 * 1024 * 1024 + 1))).fetch_order("9117")
