"""Webhooks from a WooCommerce site: headers, signature, no retries, and the hook that is disabled."""

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from crossdock_sandbox.receiver import Receiver, receiving
from crossdock_sandbox.woocommerce.app import WooCommerceSandbox, running_woocommerce
from crossdock_sandbox.woocommerce.deliveries import sign

Eventually = Callable[[Callable[[], Awaitable[bool]]], Awaitable[None]]

SECRET = "wh-example-secret-71"
BODY = (
    rb'{"id":9117,"number":"9117","status":"processing","currency":"AUD","total":"65.95",'
    rb'"customer_note":"caf\u00e9 \u2615",'
    rb'"payment_url":"https:\/\/lumo-demo.example\/checkout\/order-pay\/9117\/"}'
)
ORDER = {
    "id": 9117,
    "status": "processing",
    "customer_note": "café ☕",
    "payment_url": "https://lumo-demo.example/pay/",
    "line_items": [{"id": 401, "quantity": 2}],
}


async def a_shop(http: httpx.AsyncClient, sandbox: WooCommerceSandbox, webhook_url: str) -> None:
    shop = {
        "shop": "lumo-demo",
        "consumer_key": "ck_1",
        "consumer_secret": "cs_1",
        "webhook_secret": SECRET,
        "webhook_url": webhook_url,
    }
    assert (await http.post(f"{sandbox.base_url}/_sandbox/shops", json=shop)).status_code == 201
    url = f"{sandbox.base_url}/_sandbox/shops/lumo-demo/orders/9117"
    assert (await http.put(url, json=ORDER)).status_code == 200


async def send(
    http: httpx.AsyncClient, sandbox: WooCommerceSandbox, given: dict[str, Any] | list[dict[str, Any]]
) -> httpx.Response:
    return await http.post(f"{sandbox.base_url}/_sandbox/shops/lumo-demo/deliveries", json=given)


async def status(http: httpx.AsyncClient, sandbox: WooCommerceSandbox) -> dict[str, int]:
    answer: dict[str, int] = (await http.get(f"{sandbox.base_url}/_sandbox/deliveries")).json()
    return answer


async def webhook_status(http: httpx.AsyncClient, sandbox: WooCommerceSandbox) -> str:
    (shop,) = (await http.get(f"{sandbox.base_url}/_sandbox/shops")).json()["shops"]
    return str(shop["webhook_status"])


def nothing_pending(http: httpx.AsyncClient, sandbox: WooCommerceSandbox) -> Callable[[], Awaitable[bool]]:
    async def check() -> bool:
        return (await status(http, sandbox))["pending"] == 0

    return check


@pytest.mark.parametrize(
    ("secret", "signature"),
    [
        (SECRET, "BxbMkiLmWlMXdK2KinS3iR2e7RpLIfuCmGDSvetUQHw="),
        ("north&amp;south-71", "kNpQ4QQyXvT8ZGwh6lPsCnbdyFxUiHEN7DzlIQjwVSw="),
    ],
)
def test_the_signature_is_the_one_of_the_published_vector(secret: str, signature: str) -> None:
    assert sign(secret, BODY) == signature


async def test_a_delivery_carries_the_whole_order_with_woocommerces_headers(
    tmp_path: Path, http: httpx.AsyncClient, eventually: Eventually
) -> None:
    async with receiving(Receiver()) as receiver, running_woocommerce(tmp_path) as sandbox:
        await a_shop(http, sandbox, receiver.url)

        await send(http, sandbox, {"topic": "order.created", "order_id": 9117})
        await eventually(nothing_pending(http, sandbox))

    (body,), (headers,) = receiver.bodies, receiver.headers
    assert json.loads(body)["customer_note"] == "café ☕"
    assert rb"caf\u00e9 \u2615" in body
    assert rb"https:\/\/lumo-demo.example\/pay\/" in body
    assert headers["x-wc-webhook-signature"] == sign(SECRET, body)
    assert headers["x-wc-webhook-source"] == "https://lumo-demo.example/"
    assert headers["x-wc-webhook-topic"] == "order.created"
    assert (headers["x-wc-webhook-resource"], headers["x-wc-webhook-event"]) == ("order", "created")
    assert headers["user-agent"].startswith("WooCommerce/")


async def test_a_deletion_carries_the_id_and_nothing_else(
    tmp_path: Path, http: httpx.AsyncClient, eventually: Eventually
) -> None:
    async with receiving(Receiver()) as receiver, running_woocommerce(tmp_path) as sandbox:
        await a_shop(http, sandbox, receiver.url)

        await send(http, sandbox, {"topic": "order.deleted", "order_id": 9117})
        await eventually(nothing_pending(http, sandbox))

    assert receiver.bodies == [b'{"id":9117}']


@pytest.mark.parametrize(("signature", "sent"), [("bad", True), ("missing", False)])
async def test_a_signature_can_be_spoiled(
    tmp_path: Path, http: httpx.AsyncClient, eventually: Eventually, signature: str, sent: bool
) -> None:
    async with receiving(Receiver()) as receiver, running_woocommerce(tmp_path) as sandbox:
        await a_shop(http, sandbox, receiver.url)

        await send(http, sandbox, {"topic": "order.created", "body": "{not json", "signature": signature})
        await eventually(nothing_pending(http, sandbox))

    assert receiver.bodies == [b"{not json"]
    assert ("x-wc-webhook-signature" in receiver.headers[0]) is sent
    assert receiver.headers[0].get("x-wc-webhook-signature") != sign(SECRET, b"{not json")


async def test_the_ping_of_a_new_webhook_is_a_form_without_a_signature(
    tmp_path: Path, http: httpx.AsyncClient, eventually: Eventually
) -> None:
    async with receiving(Receiver()) as receiver, running_woocommerce(tmp_path) as sandbox:
        await a_shop(http, sandbox, receiver.url)

        await http.post(f"{sandbox.base_url}/_sandbox/shops/lumo-demo/ping")
        await eventually(nothing_pending(http, sandbox))

    assert receiver.bodies == [b"webhook_id=12"]
    assert receiver.headers[0]["content-type"] == "application/x-www-form-urlencoded"
    assert not any(name.startswith("x-wc-") for name in receiver.headers[0])


async def test_what_fails_is_never_sent_again(
    tmp_path: Path, http: httpx.AsyncClient, eventually: Eventually
) -> None:
    async with (
        receiving(Receiver(statuses=[500])) as receiver,
        running_woocommerce(tmp_path) as sandbox,
    ):
        await a_shop(http, sandbox, receiver.url)

        await send(http, sandbox, {"topic": "order.created", "order_id": 9117})
        await eventually(nothing_pending(http, sandbox))
        counted = await status(http, sandbox)

    assert len(receiver.bodies) == 1
    assert counted == {"pending": 0, "delivered": 0, "failed": 1}


async def test_a_redirect_counts_as_a_success_and_is_not_followed(
    tmp_path: Path, http: httpx.AsyncClient, eventually: Eventually
) -> None:
    async with (
        receiving(Receiver(statuses=[302, 303])) as receiver,
        running_woocommerce(tmp_path) as sandbox,
    ):
        await a_shop(http, sandbox, receiver.url)

        for _ in range(2):
            await send(http, sandbox, {"topic": "order.created", "order_id": 9117})
            await eventually(nothing_pending(http, sandbox))
        counted = await status(http, sandbox)

    assert counted == {"pending": 0, "delivered": 1, "failed": 1}


async def test_the_seventh_failure_in_a_row_disables_the_webhook_until_somebody_saves_it(
    tmp_path: Path, http: httpx.AsyncClient, eventually: Eventually
) -> None:
    statuses = [500, 500, 200, *[500] * 7]
    async with (
        receiving(Receiver(statuses=statuses)) as receiver,
        running_woocommerce(tmp_path) as sandbox,
    ):
        await a_shop(http, sandbox, receiver.url)
        told = []
        for _ in range(10):
            await send(http, sandbox, {"topic": "order.updated", "order_id": 9117})
            await eventually(nothing_pending(http, sandbox))
            told.append(await webhook_status(http, sandbox))
        refused = await send(http, sandbox, {"topic": "order.updated", "order_id": 9117})

        await a_shop(http, sandbox, receiver.url)
        sent = await send(http, sandbox, {"topic": "order.updated", "order_id": 9117})

    assert told == ["active"] * 9 + ["disabled"]
    assert (refused.status_code, sent.status_code) == (409, 202)


async def test_a_delivery_of_an_unknown_order_is_refused(tmp_path: Path, http: httpx.AsyncClient) -> None:
    async with running_woocommerce(tmp_path) as sandbox:
        await a_shop(http, sandbox, "http://127.0.0.1:9/webhooks")

        unknown = await send(http, sandbox, {"topic": "order.created", "order_id": 9})
        misspelt = await send(http, sandbox, {"topic": "order.created", "order": 9117})

    assert (unknown.status_code, misspelt.status_code) == (404, 422)
