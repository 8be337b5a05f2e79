"""What strangers send to the doors, and secrets that change under load."""

import asyncio
import base64
import hashlib
import hmac
import json
import random
import time
import uuid
from contextlib import suppress
from urllib.parse import urlsplit

from ..shops import Marketplace, Secrets, Shop, account_given
from .kind import Kind, Scene

ANSWER_S = 20.0
TOO_MANY_BYTES = 6_000_000
SLOW_S = 16.0
REFUSED = frozenset({400, 401, 404, 408, 411, 413, 415, 422, 431})


async def attack(scene: Scene, chance: random.Random) -> str:
    """Everything that must not be taken, at the doors of both replicas. What is taken is a breach."""
    shop = chance.choice(scene.shops)
    told = []
    for entry in scene.ground.entries("order"):
        for name, request in _requests(shop, chance).items():
            status = await _send(entry, request)
            told.append(f"{name} {status or 'cut'}")
            if status is not None and status not in REFUSED:
                scene.breaches.append(f"a webhook with {name} was answered {status}")
        status = await _drip(entry, shop)
        told.append(f"slow bytes {status or 'cut'}")
        if status is not None and status not in REFUSED:
            scene.breaches.append(f"a webhook in slow bytes was answered {status}")
    return ", ".join(told[: len(told) // 2])


def _requests(shop: Shop, chance: random.Random) -> dict[str, bytes]:
    body = json.dumps({"id": chance.getrandbits(40), "line_items": []}).encode()
    proof = _proof(body, shop.secrets.client_secret)
    changed = body.replace(b"[]", b"[ ]")
    forged = _proof(body, "nobody's")
    return {
        "no signature": _request(shop, body, []),
        "a wrong secret": _request(shop, body, [forged]),
        "one byte changed": _request(shop, changed, [proof]),
        "an empty signature": _request(shop, body, [""]),
        "two wrong signatures": _request(shop, body, [forged, forged]),
        "another shop's name": _request(shop, body, [proof], domain="somebody-else.myshopify.com"),
        "too many bytes": _request(shop, b" " * TOO_MANY_BYTES, [proof]),
        "no HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    }


def _proof(body: bytes, secret: str) -> str:
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


def _request(shop: Shop, body: bytes, proofs: list[str], *, domain: str | None = None) -> bytes:
    lines = [
        f"POST /webhooks/shopify/{shop.run.account} HTTP/1.1",
        "Host: crossdock.example",
        "Content-Type: application/json",
        "Connection: close",
        "X-Shopify-Topic: orders/create",
        f"X-Shopify-Shop-Domain: {domain or f'{shop.name}.myshopify.com'}",
        "X-Shopify-API-Version: 2026-10",
        f"X-Shopify-Webhook-Id: {uuid.uuid4()}",
        f"Content-Length: {len(body)}",
        *(f"X-Shopify-Hmac-SHA256: {one}" for one in proofs),
    ]
    return "\r\n".join([*lines, "", ""]).encode() + body


async def _send(entry: str, request: bytes) -> int | None:
    """The status of the answer; None when the door was shut instead."""
    parts = urlsplit(entry)
    with suppress(OSError, TimeoutError, asyncio.IncompleteReadError):
        async with asyncio.timeout(ANSWER_S):
            reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
            try:
                writer.write(request)
                with suppress(OSError):
                    await writer.drain()
                return _status(await reader.readline())
            finally:
                writer.close()
    return None


async def _drip(entry: str, shop: Shop) -> int | None:
    """A byte now and then: no door may be kept open for long."""
    parts, began = urlsplit(entry), time.monotonic()
    with suppress(OSError, TimeoutError):
        async with asyncio.timeout(ANSWER_S):
            reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
            try:
                writer.write(_request(shop, b"{" + b" " * 1000, [""])[:-1000])
                answer = asyncio.create_task(reader.readline())
                while not answer.done() and time.monotonic() - began < SLOW_S:
                    writer.write(b" ")
                    await writer.drain()
                    await asyncio.wait([answer], timeout=0.5)
                if answer.done():
                    return _status(answer.result())
                answer.cancel()
            finally:
                writer.close()
    return None


def _status(line: bytes) -> int | None:
    words = line.split()
    return int(words[1]) if len(words) > 1 and words[1].isdigit() else None


async def rotate(scene: Scene, chance: random.Random) -> str:
    """A new secret takes over: both are taken while webhooks signed with the old one are under way."""
    shop = chance.choice(scene.shops)
    marketplace, older = Marketplace(scene.api), shop.secrets.client_secret
    path = f"/v1/accounts/{shop.run.account}"
    shop.secrets = Secrets(access_token=shop.secrets.access_token)
    await scene.clients.command("PUT", "order", path, account_given(shop, older_secret=older))
    await marketplace.install(shop)
    await asyncio.sleep(chance.uniform(3, 5))
    deadline = time.monotonic() + ANSWER_S
    while await marketplace.pending() and time.monotonic() < deadline:  # noqa: ASYNC110  another process
        await asyncio.sleep(0.5)
    await scene.clients.command("PUT", "order", path, account_given(shop))
    return shop.name


ENTRY_FAULTS = (
    Kind("attacks on the webhooks", ("F40",), "forged, changed, oversized, slow", attack, light=True),
    Kind("secrets rotated", ("F42",), "a shop signs with a new secret under load", rotate, light=True),
)
