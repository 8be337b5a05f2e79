"""Shopee's sandbox on its own: who is let in, what has to be asked for, what is refused, how it pushes."""

import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from crossdock_sandbox.receiver import Receiver, receiving
from crossdock_sandbox.shopee.app import ShopeeOptions, ShopeeSandbox, running_shopee

from .conftest import Eventually

SHOP, PARTNER, KEY = 770011223, 2001887, "partner-key"
CALLBACK_URL = "https://hooks.example/webhooks/shopee"
DETAIL, LIST = "/api/v2/order/get_order_detail", "/api/v2/order/get_order_list"
SHIP = "/api/v2/logistics/ship_order"
CHANGED = 1771040012
ORDER: dict[str, Any] = {
    "order_sn": "A1",
    "region": "BR",
    "currency": "BRL",
    "order_status": "READY_TO_SHIP",
    "pending_terms": [],
    "create_time": CHANGED,
    "update_time": CHANGED,
    "total_amount": 39.9,
    "item_list": [{"item_id": 1, "model_id": 0, "model_quantity_purchased": 1}],
    "package_list": [{"package_number": "P1", "item_list": [{"item_id": 1}]}],
}


def a_shop(**changes: Any) -> dict[str, Any]:
    return {
        "shop_id": SHOP,
        "partner_id": PARTNER,
        "partner_key": KEY,
        "push_key": "push-key",
        "callback_url": CALLBACK_URL,
        "webhook_url": "http://127.0.0.1:9/",
        "access_token": "access-1",
        "refresh_token": "refresh-1",
        **changes,
    }


class Site:
    """One shop in the sandbox, as our app sees it."""

    def __init__(self, sandbox: ShopeeSandbox, http: httpx.AsyncClient) -> None:
        self.sandbox = sandbox
        self.http = http

    async def control(self, method: str, path: str, body: Any = None) -> httpx.Response:
        url = f"{self.sandbox.base_url}/_sandbox/{path}"
        answer = await self.http.request(method, url, json=body)
        assert answer.is_success, answer.text
        return answer

    async def call(
        self,
        path: str,
        body: Any = None,
        *,
        token: str = "access-1",
        key: str = KEY,
        age_s: int = 0,
        **query: Any,
    ) -> dict[str, Any]:
        now = int(time.time()) - age_s
        sign = hmac.new(key.encode(), f"{PARTNER}{path}{now}{token}{SHOP}".encode(), hashlib.sha256)
        common: dict[str, Any] = {
            "partner_id": PARTNER,
            "timestamp": now,
            "access_token": token,
            "shop_id": SHOP,
            "sign": sign.hexdigest(),
        }
        method = "GET" if body is None else "POST"
        url = f"{self.sandbox.base_url}{path}"
        answer = await self.http.request(method, url, params={**query, **common}, json=body)
        said: dict[str, Any] = answer.json()
        return said


@pytest.fixture
async def site(tmp_path: Path, http: httpx.AsyncClient) -> AsyncIterator[Site]:
    options = ShopeeOptions(number_delay_s=0.0, document_delay_s=0.0, retry_base_s=0.05)
    async with running_shopee(tmp_path, options=options) as running:
        site = Site(running, http)
        await site.control("POST", "shops", a_shop())
        await site.control("PUT", f"shops/{SHOP}/orders", ORDER)
        yield site


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({}, ""),
        ({"age_s": 290}, ""),
        ({"age_s": 310}, "error_param"),
        ({"age_s": -310}, "error_param"),
        ({"key": "another"}, "error_sign"),
        ({"token": "another"}, "invalid_acceess_token"),
    ],
)
async def test_a_call_needs_time_signature_and_token(site: Site, given: dict[str, Any], error: str) -> None:
    assert (await site.call(DETAIL, order_sn_list="A1", **given))["error"] == error


async def test_what_is_optional_is_told_to_who_asks_for_it(site: Site) -> None:
    (bare,) = (await site.call(DETAIL, order_sn_list="A1"))["response"]["order_list"]
    asked = await site.call(
        DETAIL,
        order_sn_list="A1",
        response_optional_fields="item_list",
        request_order_status_pending="true",
    )

    assert "item_list" not in bare
    assert "pending_terms" not in bare
    (order,) = asked["response"]["order_list"]
    assert {"item_list", "pending_terms"} <= set(order)


async def test_unknown_orders_among_known_ones_are_a_warning_and_alone_an_error(site: Site) -> None:
    some = await site.call(DETAIL, order_sn_list="A1,A2")
    none = await site.call(DETAIL, order_sn_list="A2")

    assert (some["error"], some["warning"]) == ("", "some orders are not found")
    assert none["error"] == "error_not_found"


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({}, ""),
        ({"time_from": CHANGED - 15 * 86_400 - 1}, "error_param"),
        ({"page_size": 101}, "error_param"),
        ({"time_range_field": "ship_time"}, "error_param"),
        ({"cursor": "x"}, "error_param"),
    ],
)
async def test_a_list_is_held_to_its_bounds(site: Site, changes: dict[str, Any], error: str) -> None:
    asked = {
        "time_range_field": "update_time",
        "time_from": CHANGED - 60,
        "time_to": CHANGED,
        "page_size": 100,
        **changes,
    }

    said = await site.call(LIST, **asked)

    assert said["error"] == error
    if not error:
        assert [one["order_sn"] for one in said["response"]["order_list"]] == ["A1"]


async def test_a_refresh_token_is_good_once_and_the_old_access_token_goes_on(site: Site) -> None:
    path, now = "/api/v2/auth/access_token/get", int(time.time())
    sign = hmac.new(KEY.encode(), f"{PARTNER}{path}{now}".encode(), hashlib.sha256).hexdigest()
    body = {"shop_id": SHOP, "partner_id": PARTNER, "refresh_token": "refresh-1"}
    query: dict[str, Any] = {"partner_id": PARTNER, "timestamp": now, "sign": sign}
    url = f"{site.sandbox.base_url}{path}"

    first, second = [(await site.http.post(url, params=query, json=body)).json() for _ in range(2)]

    assert first["expire_in"] == 14_400
    assert second["error"] == "error_auth"
    for token in ("access-1", first["access_token"]):
        assert (await site.call(DETAIL, order_sn_list="A1", token=token))["error"] == ""


@pytest.mark.parametrize(
    ("how", "error"),
    [
        ({"dropoff": {}}, ""),
        ({"pickup": {"address_id": 2826, "pickup_time_id": "1771380000"}}, ""),
        ({"pickup": {"address_id": 1, "pickup_time_id": "1771380000"}}, "error_param"),
        ({"pickup": {}}, "error_param"),
        ({"non_integrated": {"tracking_number": "X"}}, "error_param"),
        ({}, "error_param"),
        ({"dropoff": {}, "surprise": 1}, "error_param"),
    ],
)
async def test_a_shipment_is_arranged_in_one_of_the_offered_ways(
    site: Site, how: dict[str, Any], error: str
) -> None:
    said = await site.call(SHIP, {"order_sn": "A1", "package_number": "P1", **how})

    assert said["error"] == error
    assert (await site.call(DETAIL, order_sn_list="A1"))["response"]["order_list"][0]["order_status"] == (
        "READY_TO_SHIP" if error else "PROCESSED"
    )


async def test_a_shipment_is_arranged_once(site: Site) -> None:
    body = {"order_sn": "A1", "package_number": "P1", "dropoff": {}}

    assert [(await site.call(SHIP, body))["error"] for _ in range(2)] == ["", "logistics.error_status_limit"]


async def test_a_push_is_signed_over_the_callback_url_and_repeated_until_its_answer_is_empty(
    site: Site, eventually: Eventually
) -> None:
    async with receiving(Receiver(statuses=[500], texts=["", "ok"])) as receiver:
        await site.control("POST", "shops", a_shop(webhook_url=receiver.url))
        await site.control("POST", f"shops/{SHOP}/pushes", {"order_sn": "A1"})

        async def delivered() -> bool:
            return bool((await site.control("GET", "deliveries")).json()["delivered"])

        await eventually(delivered)

    assert len(receiver.bodies) == 3
    assert len(set(receiver.bodies)) == 1
    signed = f"{CALLBACK_URL}|{receiver.bodies[0].decode()}"
    expected = hmac.new(b"push-key", signed.encode(), hashlib.sha256).hexdigest()
    assert receiver.headers[0]["authorization"] == expected
    assert json.loads(receiver.bodies[0])["data"]["ordersn"] == "A1"
