"""A shop in the sandbox, and an account that may call for it."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from crossdock_chassis.outgoing import open_http_client
from crossdock_sandbox.shopee.app import ShopeeOptions, ShopeeSandbox, running_shopee
from order_service.adapters.marketplaces.shopee import open_marketplace
from order_service.use_cases.marketplace import Marketplace
from order_service.use_cases.ports import Account, Tokens

from .conformance import ACCOUNT, CALLBACK_URL, ORDER, PARTNER_KEY, PUSH_KEY

SHOP_ID = 770011223
NUMBER = "260214EXMPL7K2"
PACKAGE = "OFG190011223344556"
STAND, CABLE = "23344556677-110223344551-23344556677-0", "23344556688-0-23344556688-0"
ALL = {STAND: 2, CABLE: 1}


class NoLimit:
    """A meter of an account without quotas, which has a test of its own."""

    async def take(self, operation: str) -> None: ...

    async def learn(self, operation: str, rate_per_s: float) -> None: ...


class Shop:
    def __init__(self, sandbox: ShopeeSandbox, http: httpx.AsyncClient) -> None:
        self.sandbox = sandbox
        self.http = http
        self.marketplace: Marketplace = open_marketplace(http)
        self.options: dict[str, str] = {}
        self.tokens = a_pair("access-1", "refresh-1")

    def account(self, **changes: Any) -> Account:
        given = {
            "api_base_url": self.sandbox.base_url,
            "options": {**ACCOUNT.options, **self.options},
            "tokens": self.tokens,
            **changes,
        }
        return replace(ACCOUNT, **given)

    def open(self, what: str, **changes: Any) -> Any:
        """What the folder offers under this name, for the account."""
        opens = getattr(self.marketplace, what)
        return opens(self.account(**changes), NoLimit())

    async def control(self, method: str, path: str, body: Any = None) -> Any:
        answer = await self.http.request(method, f"{self.sandbox.base_url}/_sandbox/{path}", json=body)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    async def install(self, **changes: Any) -> None:
        given = {
            "shop_id": SHOP_ID,
            "partner_id": 2001887,
            "partner_key": PARTNER_KEY,
            "push_key": PUSH_KEY,
            "callback_url": CALLBACK_URL,
            "webhook_url": "http://127.0.0.1:9/",
            "access_token": "access-1",
            "refresh_token": "refresh-1",
            **changes,
        }
        await self.control("POST", "shops", given)

    async def put_order(self, **changes: Any) -> None:
        await self.control("PUT", f"shops/{SHOP_ID}/orders", {**json.loads(ORDER), **changes})

    async def sells(self, sku: str, item_id: int, model_id: int = 0, *, locked: bool = False) -> None:
        given = {"item_id": item_id, "model_id": model_id, "locked": locked}
        await self.control("PUT", f"shops/{SHOP_ID}/models/{sku}", given)

    async def expire(self) -> None:
        await self.control("POST", f"shops/{SHOP_ID}/expiry")

    async def misbehave(self, *rules: dict[str, Any]) -> None:
        await self.control("PUT", "faults", [{"times": 1, **rule} for rule in rules])

    async def rows(self, table: str, **filters: str) -> list[dict[str, Any]]:
        url = f"{self.sandbox.base_url}/_sandbox/books/{table}"
        answer = await self.http.get(url, params=filters)
        found: list[dict[str, Any]] = answer.json()["rows"]
        return found

    async def calls(self, operation: str) -> int:
        return len(await self.rows("calls", operation=operation))


def a_pair(access: str, refresh: str) -> Tokens:
    return Tokens(access, datetime.now(UTC) + timedelta(hours=4), refresh)


@asynccontextmanager
async def a_shop(path: Path, **options: float) -> AsyncIterator[Shop]:
    """With the recorded order, and numbers and documents that are there at once unless it is said."""
    given = ShopeeOptions(**{"number_delay_s": 0.0, "document_delay_s": 0.0, **options})  # type: ignore[arg-type]
    async with running_shopee(path, options=given) as sandbox, open_http_client("shopee") as http:
        shop = Shop(sandbox, http)
        await shop.install()
        await shop.put_order()
        yield shop
