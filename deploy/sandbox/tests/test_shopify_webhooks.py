"""Webhooks from a shop: headers, signature, retries, duplicates, restarts."""

import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from crossdock_sandbox.receiver import Receiver, receiving
from crossdock_sandbox.shopify.app import ShopifyOptions, ShopifySandbox, running_shopify
from crossdock_sandbox.shopify.deliveries import sign

Eventually = Callable[[Callable[[], Awaitable[bool]]], Awaitable[None]]

FAST = ShopifyOptions(retry_base_s=0.002)
SECRET = "shpss_example_7d1f0c93ab"
ORDER = {"id": 501, "name": "#1042", "note": "café ☕ 你好", "line_items": [{"id": 11, "quantity": 2}]}


async def a_shop(http: httpx.AsyncClient, sandbox: ShopifySandbox, webhook_url: str) -> None:
    shop = {"shop": "lumo", "client_secret": SECRET, "access_token": "t", "webhook_url": webhook_url}
    assert (await http.post(f"{sandbox.base_url}/_sandbox/shops", json=shop)).status_code == 201
    url = f"{sandbox.base_url}/_sandbox/shops/lumo/orders/501"
    assert (await http.put(url, json=ORDER)).status_code == 200


async def send(
    http: httpx.AsyncClient, sandbox: ShopifySandbox, given: dict[str, Any] | list[dict[str, Any]]
) -> httpx.Response:
    return await http.post(f"{sandbox.base_url}/_sandbox/shops/lumo/deliveries", json=given)


async def status(http: httpx.AsyncClient, sandbox: ShopifySandbox) -> dict[str, int]:
    answer: dict[str, int] = (await http.get(f"{sandbox.base_url}/_sandbox/deliveries")).json()
    return answer


def nothing_pending(http: httpx.AsyncClient, sandbox: ShopifySandbox) -> Callable[[], Awaitable[bool]]:
    async def check() -> bool:
        return (await status(http, sandbox))["pending"] == 0

    return check


def test_the_signature_is_the_one_of_the_published_vector() -> None:
    body = '{"id":6120045566771,"name":"#1042","currency":"USD","total_price":"73.03","note":"café ☕ 你好"}'

    assert sign(SECRET, body.encode()) == "Mf0ebMBbPz1+XrmPZqV2jAXNM3uGnUeP85aMu8VnSyc="


async def test_a_delivery_carries_the_whole_order_with_shopifys_headers(
    tmp_path: Path, http: httpx.AsyncClient, eventually: Eventually
) -> None:
    async with receiving(Receiver()) as receiver, running_shopify(tmp_path, options=FAST) as sandbox:
        await a_shop(http, sandbox, receiver.url)

        await send(http, sandbox, {"topic": "orders/create", "order_id": 501, "webhook_id": "w-1"})
        await eventually(nothing_pending(http, sandbox))

    (body,), (headers,) = receiver.bodies, receiver.headers
    assert json.loads(body)["note"] == "café ☕ 你好"
    assert headers["x-shopify-hmac-sha256"] == sign(SECRET, body)
    assert headers["x-shopify-topic"] == "orders/create"
    assert headers["x-shopify-shop-domain"] == "lumo.myshopify.com"
    assert headers["x-shopify-webhook-id"] == "w-1"
    assert {"x-shopify-api-version", "x-shopify-event-id", "x-shopify-triggered-at"} <= set(headers)


@pytest.mark.parametrize(("signature", "sent"), [("bad", True), ("missing", False)])
async def test_a_signature_can_be_spoiled(
    tmp_path: Path, http: httpx.AsyncClient, eventually: Eventually, signature: str, sent: bool
) -> None:
    async with receiving(Receiver()) as receiver, running_shopify(tmp_path, options=FAST) as sandbox:
        await a_shop(http, sandbox, receiver.url)

        await send(http, sandbox, {"topic": "orders/create", "body": "{not json", "signature": signature})
        await eventually(nothing_pending(http, sandbox))

    assert receiver.bodies == [b"{not json"]
    assert ("x-shopify-hmac-sha256" in receiver.headers[0]) is sent
    assert receiver.headers[0].get("x-shopify-hmac-sha256") != sign(SECRET, b"{not json")


async def test_anything_but_2xx_is_tried_again_with_the_same_body_and_id(
    tmp_path: Path, http: httpx.AsyncClient, eventually: Eventually
) -> None:
    async with (
        receiving(Receiver(statuses=[500, 302, 404, 202])) as receiver,
        running_shopify(tmp_path, options=FAST) as sandbox,
    ):
        await a_shop(http, sandbox, receiver.url)

        await send(http, sandbox, {"topic": "orders/create", "order_id": 501})
        await eventually(nothing_pending(http, sandbox))
        books = (await http.get(f"{sandbox.base_url}/_sandbox/books/attempts?delivery_id=1")).json()

    assert [row["status"] for row in books["rows"]] == [500, 302, 404, 202]
    assert len(set(receiver.bodies)) == 1
    assert len({headers["x-shopify-webhook-id"] for headers in receiver.headers}) == 1


async def test_after_eight_retries_the_delivery_has_failed(
    tmp_path: Path, http: httpx.AsyncClient, eventually: Eventually
) -> None:
    async with (
        receiving(Receiver(statuses=[503] * 20)) as receiver,
        running_shopify(tmp_path, options=FAST) as sandbox,
    ):
        await a_shop(http, sandbox, receiver.url)

        await send(http, sandbox, {"topic": "orders/create", "order_id": 501})
        await eventually(nothing_pending(http, sandbox))
        books = (await http.get(f"{sandbox.base_url}/_sandbox/books/deliveries")).json()

    assert len(receiver.bodies) == 9
    (row,) = books["rows"]
    assert (row["outcome"], row["attempts"], row["last_status"]) == ("failed", 9, 503)


async def test_an_answer_that_takes_too_long_counts_as_none(
    tmp_path: Path, http: httpx.AsyncClient, eventually: Eventually
) -> None:
    options = ShopifyOptions(retry_base_s=0.001, retries=1, total_timeout_s=0.1)
    async with (
        receiving(Receiver(wait_s=0.5)) as receiver,
        running_shopify(tmp_path, options=options) as sandbox,
    ):
        await a_shop(http, sandbox, receiver.url)

        await send(http, sandbox, {"topic": "orders/create", "order_id": 501})
        await eventually(nothing_pending(http, sandbox))
        books = (await http.get(f"{sandbox.base_url}/_sandbox/books/attempts")).json()

    assert [row["error"] for row in books["rows"]] == ["timeout", "timeout"]


async def test_copies_share_one_webhook_id_and_many_go_out_a_few_at_a_time(
    tmp_path: Path, http: httpx.AsyncClient, eventually: Eventually
) -> None:
    options = ShopifyOptions(delivery_concurrency=3)
    async with (
        receiving(Receiver(wait_s=0.01)) as receiver,
        running_shopify(tmp_path, options=options) as sandbox,
    ):
        await a_shop(http, sandbox, receiver.url)

        await send(
            http,
            sandbox,
            [
                {"topic": "orders/create", "order_id": 501, "copies": 2, "webhook_id": "w-1"},
                *({"topic": "orders/updated", "order_id": 501} for _ in range(10)),
            ],
        )
        await eventually(nothing_pending(http, sandbox))
        counted = await status(http, sandbox)

    assert counted == {"pending": 0, "delivered": 12, "failed": 0}
    assert [headers["x-shopify-webhook-id"] for headers in receiver.headers].count("w-1") == 2
    assert receiver.most_at_once == 3


async def test_a_restart_goes_on_with_what_was_pending(
    tmp_path: Path, http: httpx.AsyncClient, eventually: Eventually
) -> None:
    soon = (datetime.now(UTC) + timedelta(seconds=3)).isoformat()
    async with receiving(Receiver()) as receiver:
        async with running_shopify(tmp_path) as sandbox:
            await a_shop(http, sandbox, receiver.url)
            await send(http, sandbox, {"topic": "orders/create", "order_id": 501, "not_before": soon})
            assert receiver.bodies == []

        async with running_shopify(tmp_path) as sandbox:
            await eventually(nothing_pending(http, sandbox))

    assert len(receiver.bodies) == 1


async def test_a_delivery_of_an_unknown_order_is_refused(tmp_path: Path, http: httpx.AsyncClient) -> None:
    async with running_shopify(tmp_path) as sandbox:
        await a_shop(http, sandbox, "http://127.0.0.1:9/webhooks")

        unknown = await send(http, sandbox, {"topic": "orders/create", "order_id": 9})
        misspelt = await send(http, sandbox, {"topic": "orders/create", "order": 501})

    assert (unknown.status_code, misspelt.status_code) == (404, 422)
