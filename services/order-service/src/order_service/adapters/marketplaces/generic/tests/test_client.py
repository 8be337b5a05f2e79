"""Calls to a shop that checks signatures, fields, units and ids; and where calls must not lead."""

import json
import ssl
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from crossdock_sandbox.generic.app import GenericSandbox, running_generic
from order_service.adapters.marketplaces.generic import can_ask
from order_service.adapters.marketplaces.generic.client import GenericGateway, refuse_unless_reachable
from order_service.adapters.marketplaces.generic.settings import GenericSettings
from order_service.use_cases.marketplace import (
    MarketplaceOutcomeUnknown,
    MarketplaceRefused,
    MarketplaceRefusedInPart,
    MarketplaceUnavailable,
    StockNumber,
    Tracking,
)
from order_service.use_cases.ports import Account, Secrets

from .conformance import ACCOUNT, ORDER

SECRET = ACCOUNT.secrets.webhook[0]
FIRST = Tracking("A-1002", "YT1", "https://track.example/YT1", "yunexpress", {"1": 2})
TLS = ssl.create_default_context()


class Shop:
    def __init__(self, sandbox: GenericSandbox, http: httpx.AsyncClient) -> None:
        self.sandbox = sandbox
        self.http = http

    def account(self, *, asks: bool = True, **changes: Any) -> Account:
        options = {"url": self.sandbox.url("mine")}
        if asks:
            options["orders_url"] = self.sandbox.orders_url("mine")
        return replace(ACCOUNT, **{"shop_ref": "mine", "options": options, **changes})

    def gateway(self, *, asks: bool = True, private: bool = True, **changes: Any) -> GenericGateway:
        settings = GenericSettings(allow_private_addresses=private, timeout_s=5)
        return GenericGateway(self.account(asks=asks, **changes), settings, TLS)

    async def control(self, method: str, path: str, body: Any = None) -> Any:
        answer = await self.http.request(method, f"{self.sandbox.base_url}/_sandbox/{path}", json=body)
        assert answer.is_success, answer.text
        return answer.json()

    async def put_order(self, **changes: Any) -> None:
        await self.control("PUT", "shops/mine/orders", {**json.loads(ORDER), "shop": "mine", **changes})

    async def misbehave(self, **rule: Any) -> None:
        await self.control("PUT", "faults", [{"times": 1, **rule}])

    async def books(self, table: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = (await self.control("GET", f"books/{table}"))["rows"]
        return rows


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with running_generic(tmp_path) as sandbox, httpx.AsyncClient(trust_env=False) as http:
        shop = Shop(sandbox, http)
        given = {"shop": "mine", "secret": SECRET, "webhook_url": "http://127.0.0.1:9/"}
        await shop.control("POST", "shops", given)
        await shop.put_order()
        yield shop


@pytest.mark.parametrize("asks", [True, False])
async def test_a_number_whose_answer_was_lost_is_told_once(shop: Shop, asks: bool) -> None:
    await shop.misbehave(operation="tell", mode="do_then_drop_connection")
    with pytest.raises(MarketplaceOutcomeUnknown):
        await shop.gateway(asks=asks).write_back(FIRST)

    reference = await shop.gateway(asks=asks).write_back(FIRST)

    (told,) = await shop.books("told")
    assert (reference, told["times"]) == ("parcel-1", 1 if asks else 2)
    assert told["body"]["units"] == {"1": 2}


async def test_parcels_of_one_order_are_told_one_by_one_and_never_too_many_units(shop: Shop) -> None:
    await shop.gateway().write_back(FIRST)
    second = replace(FIRST, tracking_number="YT2", tracking_url=None, units={"1": 1, "2": 1})

    assert await shop.gateway().write_back(second) == "parcel-2"
    with pytest.raises(MarketplaceRefused, match="too_many_units"):
        await shop.gateway().write_back(replace(FIRST, tracking_number="YT3"))


async def test_a_cancel_is_told_once_and_what_is_cancelled_takes_no_number(shop: Shop) -> None:
    assert await shop.gateway().cancel("A-1002", "out_of_stock") == "A-1002"
    assert await shop.gateway().cancel("A-1002", "out_of_stock") == "A-1002"

    assert [one["type"] for one in await shop.books("told")] == ["cancel"]
    with pytest.raises(MarketplaceRefused, match="order_cancelled"):
        await shop.gateway().write_back(FIRST)


@pytest.mark.parametrize("refund", [False, True])
async def test_a_shop_is_asked_for_a_refund_only_where_the_account_wants_it(shop: Shop, refund: bool) -> None:
    await shop.gateway(refund_on_cancel=refund).cancel("A-1002", "merchant")

    (told,) = await shop.books("told")
    assert told["body"].get("refund", False) is refund


async def test_a_shop_may_keep_lines_of_an_order_that_it_cancels_and_says_why(shop: Shop) -> None:
    lines = json.loads(ORDER)["lines"]
    await shop.put_order(lines=[{**lines[0], "sku": "PACKED-1"}, *lines[1:]])

    with pytest.raises(MarketplaceRefusedInPart, match=f"^{lines[0]['id']}: already_packed$"):
        await shop.gateway().cancel("A-1002", "merchant")


async def test_stock_is_absolute_and_a_refused_sku_stops_no_other(shop: Shop) -> None:
    refused = await shop.gateway().tell_stock([StockNumber("STAND", 7), StockNumber("GHOST", 1)])
    await shop.gateway().tell_stock([StockNumber("STAND", 5)])

    assert refused == {"GHOST": "sku_not_found"}
    assert [(one["sku"], one["units"]) for one in await shop.books("stock")] == [("STAND", 5)]


async def test_what_has_changed_is_listed_page_by_page_as_it_is_delivered(shop: Shop) -> None:
    for n in range(55):
        await shop.put_order(id=f"B-{n}")
    await shop.put_order(id="C", updated_at="2026-11-21T00:00:00Z")
    changed = datetime(2026, 11, 20, 10, 15, tzinfo=UTC)
    found, cursor = [], None
    while True:
        page = await shop.gateway().list_changed(changed, changed + timedelta(hours=1), cursor)
        found += [json.loads(one) for one in page.orders]
        cursor = page.cursor
        if cursor is None:
            break

    assert sorted(one["id"] for one in found) == sorted(["A-1002", *(f"B-{n}" for n in range(55))])
    assert json.loads(await shop.gateway().fetch_order("A-1002")) in found


async def test_the_check_proves_the_secret(shop: Shop) -> None:
    assert await shop.gateway().shop_of_credentials() == "mine"
    rotating = Secrets(webhook=("a newer one", SECRET))
    assert await shop.gateway(secrets=rotating).shop_of_credentials() == "mine"
    with pytest.raises(MarketplaceRefused, match="bad_signature"):
        await shop.gateway(secrets=Secrets(webhook=("another",))).shop_of_credentials()


@pytest.mark.parametrize(
    ("mode", "error"),
    [
        ("throttle", MarketplaceUnavailable),
        ("refuse", MarketplaceRefused),
        ("error_500", MarketplaceOutcomeUnknown),
    ],
)
async def test_what_goes_wrong_has_the_ports_words(shop: Shop, mode: str, error: type[Exception]) -> None:
    await shop.misbehave(operation="tell", mode=mode)

    with pytest.raises(error):
        await shop.gateway(asks=False).write_back(FIRST)


async def test_without_an_address_nothing_is_told_or_asked(shop: Shop) -> None:
    with pytest.raises(MarketplaceRefused, match="account_has_no_url"):
        await shop.gateway(options={}).write_back(FIRST)
    assert can_ask(shop.account())
    assert not can_ask(shop.account(asks=False))


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://shop.example/x", "https_required"),
        ("http://127.0.0.1/x", "https_required"),
        ("https://127.0.0.1/x", "private_address"),
        ("https://10.1.2.3/x", "private_address"),
        ("https://169.254.169.254/latest", "private_address"),
        ("https://[::1]/x", "private_address"),
        ("https://[::ffff:10.0.0.1]/x", "private_address"),
        ("https://[64:ff9b::a00:1]/x", "private_address"),
        ("https://user:secret@shop.example/x", "url_not_usable"),
        ("ftp://shop.example/x", "https_required"),
    ],
)
def test_calls_lead_to_public_addresses_alone(url: str, code: str) -> None:
    with pytest.raises(MarketplaceRefused, match=code):
        refuse_unless_reachable(url, private=False)


@pytest.mark.parametrize(
    ("url", "refused"),
    [
        ("https://10.1.2.3/x", False),
        ("http://127.0.0.1:8080/x", False),
        ("http://10.1.2.3/x", True),
    ],
)
def test_a_setting_allows_private_addresses_and_no_tls_to_this_machine_alone(url: str, refused: bool) -> None:
    if refused:
        with pytest.raises(MarketplaceRefused, match="https_required"):
            refuse_unless_reachable(url, private=True)
    else:
        refuse_unless_reachable(url, private=True)


@pytest.mark.parametrize(
    ("host", "error"),
    [
        ("localhost", MarketplaceUnavailable),
        ("127.1", MarketplaceRefused),
        ("2130706433", MarketplaceRefused),
        ("0x7f000001", MarketplaceUnavailable),
    ],
)
async def test_a_name_that_leads_to_a_private_address_is_not_called(
    shop: Shop, host: str, error: type[Exception]
) -> None:
    options = {"url": f"https://{host}:{urlsplit(shop.sandbox.base_url).port}/x"}

    with pytest.raises(error, match=r"not reached|url_not_usable"):
        await shop.gateway(private=False, options=options).shop_of_credentials()

    assert await shop.books("calls") == []
