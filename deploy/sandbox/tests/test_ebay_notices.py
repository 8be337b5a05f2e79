"""eBay's notices: signed as published, one for each line, repeated, spoiled on demand; and the challenge."""

import base64
import hashlib
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from crossdock_sandbox.ebay.app import EbayOptions, EbaySandbox, running_ebay
from crossdock_sandbox.receiver import Receiver, receiving
from crossdock_sandbox.serving import listening_socket, serving

from .test_ebay_api import CLIENT, ORDER, SCOPE, SHOP, a_seller

Eventually = Callable[[Callable[[], Awaitable[bool]]], Awaitable[None]]
QUICK = EbayOptions(retries=1, retry_base_s=0.02)
USER = {"username": "paper_lantern_88", "userId": "ma8vp1jySJC", "eiasToken": "nY+sHZ2Pr"}


async def a_shop(http: httpx.AsyncClient, sandbox: EbaySandbox, endpoint: str) -> None:
    control = f"{sandbox.base_url}/_sandbox/shops"
    assert (await http.post(control, json=a_seller(endpoint=endpoint))).status_code == 201
    assert (await http.put(f"{control}/{SHOP}/orders/12-1", json=ORDER)).status_code == 200


async def send(
    http: httpx.AsyncClient, sandbox: EbaySandbox, eventually: Eventually, **given: Any
) -> dict[str, int]:
    """Have a notice sent; what became of all, when nothing is pending any more."""
    notice = {"topic": "ORDER_CONFIRMATION", "order_id": "12-1", **given}
    answer = await http.post(f"{sandbox.base_url}/_sandbox/shops/{SHOP}/deliveries", json=notice)
    assert answer.status_code == 202, answer.text
    counted: dict[str, int] = {}

    async def nothing_pending() -> bool:
        counted.update((await http.get(f"{sandbox.base_url}/_sandbox/deliveries")).json())
        return counted["pending"] == 0

    await eventually(nothing_pending)
    return counted


async def is_genuine(http: httpx.AsyncClient, sandbox: EbaySandbox, header: str, body: bytes) -> bool:
    """As a receiver finds out: with the key that eBay gives to an application."""
    grant = {"grant_type": "client_credentials", "scope": SCOPE}
    sold = await http.post(f"{sandbox.base_url}/identity/v1/oauth2/token", data=grant, auth=CLIENT)
    said = json.loads(base64.b64decode(header))
    answer = await http.get(
        f"{sandbox.base_url}/commerce/notification/v1/public_key/{said['kid']}",
        headers={"Authorization": f"Bearer {sold.json()['access_token']}"},
    )
    pem = answer.json()["key"]
    assert "\n" not in pem
    broken = pem.replace("KEY-----", "KEY-----\n", 1).replace("-----END", "\n-----END")
    key = load_pem_public_key(broken.encode())
    assert isinstance(key, ec.EllipticCurvePublicKey)
    try:
        key.verify(base64.b64decode(said["signature"]), body, ec.ECDSA(hashes.SHA1()))
    except InvalidSignature:
        return False
    return True


async def test_every_line_of_an_order_is_a_signed_notice_of_its_own(
    tmp_path: Path, http: httpx.AsyncClient, eventually: Eventually
) -> None:
    async with receiving(Receiver()) as receiver, running_ebay(tmp_path) as sandbox:
        await a_shop(http, sandbox, receiver.url)

        await send(http, sandbox, eventually)
        genuine = [
            await is_genuine(http, sandbox, headers["x-ebay-signature"], body)
            for headers, body in zip(receiver.headers, receiver.bodies, strict=True)
        ]

    said = [json.loads(body) for body in receiver.bodies]
    assert genuine == [True, True]
    assert {one["notification"]["data"]["order"]["orderId"] for one in said} == {"12-1"}
    assert len({one["notification"]["notificationId"] for one in said}) == 2
    assert {one["metadata"]["topic"] for one in said} == {"ORDER_CONFIRMATION"}


async def test_copies_are_the_same_notice(
    tmp_path: Path, http: httpx.AsyncClient, eventually: Eventually
) -> None:
    async with receiving(Receiver()) as receiver, running_ebay(tmp_path) as sandbox:
        await a_shop(http, sandbox, receiver.url)

        await send(
            http,
            sandbox,
            eventually,
            topic="MARKETPLACE_ACCOUNT_DELETION",
            user=USER,
            copies=3,
            order_id=None,
        )

    assert len(receiver.bodies) == 3
    assert len(set(receiver.bodies)) == 1
    assert json.loads(receiver.bodies[0])["notification"]["data"] == USER


@pytest.mark.parametrize(
    ("spoiled", "genuine"), [({"signature": "bad"}, False), ({"spaced": True}, False), ({}, True)]
)
async def test_a_notice_can_be_spoiled(
    tmp_path: Path,
    http: httpx.AsyncClient,
    eventually: Eventually,
    spoiled: dict[str, Any],
    genuine: bool,
) -> None:
    async with receiving(Receiver()) as receiver, running_ebay(tmp_path) as sandbox:
        await a_shop(http, sandbox, receiver.url)

        await send(http, sandbox, eventually, **spoiled)
        header, body = receiver.headers[0]["x-ebay-signature"], receiver.bodies[0]
        found = await is_genuine(http, sandbox, header, body)
        compact = json.dumps(json.loads(body), separators=(",", ":")).encode()
        found_compact = await is_genuine(http, sandbox, header, compact)

    assert (found, found_compact) == (genuine, spoiled.get("signature") != "bad")


async def test_a_notice_can_be_sent_unsigned(
    tmp_path: Path, http: httpx.AsyncClient, eventually: Eventually
) -> None:
    async with receiving(Receiver()) as receiver, running_ebay(tmp_path) as sandbox:
        await a_shop(http, sandbox, receiver.url)

        await send(http, sandbox, eventually, signature="missing")

    assert not [one for one in receiver.headers if "x-ebay-signature" in one]


async def test_what_is_refused_is_sent_again_and_then_given_up(
    tmp_path: Path, http: httpx.AsyncClient, eventually: Eventually
) -> None:
    statuses = [412, 204, 302, 500]
    async with (
        receiving(Receiver(statuses=statuses)) as receiver,
        running_ebay(tmp_path, options=QUICK) as sandbox,
    ):
        await a_shop(http, sandbox, receiver.url)
        deletion = {"topic": "MARKETPLACE_ACCOUNT_DELETION", "user": USER, "order_id": None}

        first = await send(http, sandbox, eventually, **deletion)
        second = await send(http, sandbox, eventually, **deletion)

    assert (first["delivered"], second["delivered"], second["failed"]) == (1, 1, 1)
    assert len(receiver.bodies) == 4


async def test_nothing_is_said_of_what_there_is_not(tmp_path: Path, http: httpx.AsyncClient) -> None:
    async with running_ebay(tmp_path) as sandbox:
        await a_shop(http, sandbox, "http://127.0.0.1:9/")
        url = f"{sandbox.base_url}/_sandbox/shops/{SHOP}/deliveries"

        unknown = await http.post(url, json={"topic": "ORDER_CONFIRMATION", "order_id": "12-9"})
        nobody = await http.post(url, json={"topic": "MARKETPLACE_ACCOUNT_DELETION"})
        misspelt = await http.post(url, json={"topic": "ORDER_UPDATED", "order_id": "12-1"})

    assert (unknown.status_code, nobody.status_code, misspelt.status_code) == (404, 404, 422)


@pytest.mark.parametrize(
    ("answer", "verified"),
    [
        ({"challengeResponse": "right"}, True),
        ({"challengeResponse": "wrong"}, False),
        (["right"], False),
    ],
)
async def test_an_address_has_to_know_the_verification_token(
    tmp_path: Path, http: httpx.AsyncClient, answer: Any, verified: bool
) -> None:
    endpoint = ""

    async def answered(request: Request) -> Response:
        code = request.query_params["challenge_code"]
        right = hashlib.sha256(f"{code}{'v' * 32}{endpoint}".encode()).hexdigest()
        return JSONResponse(json.loads(json.dumps(answer).replace("right", right)))

    app = Starlette(routes=[Route("/webhooks", answered)])
    async with serving(app, listening_socket(0)) as base_url, running_ebay(tmp_path) as sandbox:
        endpoint = f"{base_url}/webhooks"
        await a_shop(http, sandbox, endpoint)

        found = await http.post(f"{sandbox.base_url}/_sandbox/shops/{SHOP}/challenge")

    assert found.json() == {"status": 200, "verified": verified}
