"""Three services as processes, a broker, and a marketplace in a folder that no service knows beforehand.

What goes out to it - labels, cancels, numbers of stock - from the first event to the last.
"""

import asyncio
import base64
import hashlib
import hmac
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

import order_service
from crossdock_chassis.database import Database, Transaction, open_engine
from crossdock_chassis.http import add_token
from crossdock_chassis.migrations import upgrade
from crossdock_cli.embedded.databases import DatabaseUrls
from crossdock_cli.embedded.launch import CLEAN_ENVIRONMENT, LOOPBACK, free_port
from crossdock_cli.embedded.tansu import TansuBroker
from crossdock_cli.embedded.templates import FreshDatabase

from .toy_mall import PDF, ToyMall, running_mall

REPOSITORY = Path(__file__).parents[2]
TOY = Path(__file__).parent / "toy_member" / "order_service_with_toy.py"
SAMPLE = Path(order_service.__file__).parent / "adapters/marketplaces/shopify/tests/samples/order.json"
SKUS = ("CN-STAND-AL-SLV", "CN-USBC-2M-BLK")
SECRET = "the mall's secret"
SCOPES = {"order": "orders", "inventory": "stock", "shipping": "shipments"}
ADAPTERS = {
    "ORDER_ENCRYPTION_KEY": base64.b64encode(b"k" * 32).decode(),
    "CARRIER_EASYPOST_API_KEY": "never used",
    "CARRIER_EASYPOST_BASE_URL": "http://127.0.0.1:9",
}


@dataclass(frozen=True)
class Stack:
    """The running services, and how to ask them."""

    mall: ToyMall
    http: httpx.AsyncClient
    urls: Mapping[str, str]
    tokens: Mapping[str, str]
    databases: Mapping[str, DatabaseUrls]

    async def send(self, service: str, method: str, path: str, body: Any = None) -> Any:
        answer = await self.http.request(
            method,
            self.urls[service] + path,
            json=body,
            headers={"Authorization": f"Bearer {self.tokens[service]}"},
        )
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    async def deliver(self, **changes: Any) -> None:
        """The mall posts an order."""
        body = json.dumps({**json.loads(SAMPLE.read_text()), **changes}).encode()
        sign = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
        url = f"{self.urls['order']}/webhooks/toy_mall/mall"
        assert (await self.http.post(url, content=body, headers={"X-Sign": sign})).status_code == 200

    async def order(self) -> Any:
        (found,) = (await self.send("order", "GET", "/v1/orders"))["items"]
        return await self.send("order", "GET", f"/v1/orders/{found['order_id']}")

    async def rows(self, service: str, statement: str) -> list[Any]:
        engine = create_async_engine(self.databases[service].app_url)
        async with engine.connect() as connection:
            found = list((await connection.execute(text(statement))).scalars())
        await engine.dispose()
        return found


async def eventually(check: Callable[[], Awaitable[bool]], limit_s: float = 90) -> None:
    async with asyncio.timeout(limit_s):
        while not await check():  # noqa: ASYNC110 - what is waited for happens in other processes
            await asyncio.sleep(0.1)


@pytest.fixture
async def stack(fresh_database: FreshDatabase, broker: TansuBroker, tmp_path: Path) -> AsyncIterator[Stack]:
    databases = {name: fresh_database(name, _migrated(name)) for name in SCOPES}
    ports = {name: free_port() for name in SCOPES}
    tokens = {name: await _token(name, databases[name]) for name in SCOPES}
    processes = [
        _start(name, _environment(name, databases[name], broker, ports[name]), tmp_path) for name in SCOPES
    ]
    try:
        urls = {name: f"http://{LOOPBACK}:{port}" for name, port in ports.items()}
        async with running_mall() as mall, httpx.AsyncClient(timeout=20) as http:
            for url in urls.values():
                await eventually(partial(_ready, http, url))
            yield Stack(mall, http, urls, tokens, databases)
    finally:
        for process in processes:
            process.kill()
            process.wait()


def _start(name: str, environment: dict[str, str], folder: Path) -> "subprocess.Popen[bytes]":
    program = [str(TOY)] if name == "order" else ["-m", f"{name}_service"]
    with (folder / f"{name}.log").open("wb") as log:
        return subprocess.Popen(
            [sys.executable, *program], env=environment, stdout=log, stderr=subprocess.STDOUT
        )


def _migrated(name: str) -> Callable[[str], None]:
    folder = REPOSITORY / "services" / f"{name}-service" / "migrations"
    return lambda owner_url: upgrade(folder, owner_url)


async def _token(name: str, urls: DatabaseUrls) -> str:
    database = Database(open_engine(urls.app_url), Transaction)
    scopes = [f"{SCOPES[name]}:read", f"{SCOPES[name]}:write"]
    token = await add_token(database, name="test", merchant_id="default", scopes=scopes)
    await database.dispose()
    return token


def _environment(name: str, urls: DatabaseUrls, broker: TansuBroker, port: int) -> dict[str, str]:
    prefix = name.upper()
    return {
        **CLEAN_ENVIRONMENT,
        **ADAPTERS,
        f"{prefix}_DATABASE_URL": urls.app_url,
        f"{prefix}_KAFKA_BOOTSTRAP_SERVERS": broker.bootstrap_servers,
        f"{prefix}_KAFKA_PROFILE": "tansu",
        f"{prefix}_HTTP_HOST": LOOPBACK,
        f"{prefix}_HTTP_PORT": str(port),
    }


async def _ready(http: httpx.AsyncClient, url: str) -> bool:
    try:
        return (await http.get(f"{url}/readyz")).status_code == 200
    except httpx.TransportError:
        return False


async def _sell(stack: Stack) -> None:
    """The merchant's account, goods and stock; the mall is told of the stock."""
    account = {
        "platform": "toy_mall",
        "shop_ref": "mall-1",
        "api_base_url": stack.mall.base_url,
        "webhook_secrets": [SECRET],
        "label_source": "marketplace",
        "domestic_countries": ["US"],
    }
    await stack.send("order", "PUT", "/v1/accounts/mall", account)
    await stack.send("order", "PUT", "/v1/accounts/mall/stock/dials", {"enabled": True, "buffer": 1})
    for sku in SKUS:
        component = {"components": [{"sku": sku, "units": 1}]}
        await stack.send("order", "PUT", f"/v1/accounts/mall/sku-map/{sku}", component)
        await stack.send("inventory", "PUT", f"/v1/skus/{sku}", {"title": sku, "weight_g": 200})
    warehouse = {
        "name": "Warehouse",
        "address_lines": ["1 Dock Road"],
        "city": "Austin",
        "province": "TX",
        "postal_code": "78704",
        "country": "US",
        "time_zone": "America/Chicago",
        "cut_off": "15:00",
        "hand_over": "automatic",
    }
    await stack.send("inventory", "PUT", "/v1/warehouses/w1", warehouse)
    receipt = {
        "warehouse": "w1",
        "reference": "first",
        "lines": [{"sku": sku, "units": 10} for sku in SKUS],
        "reason": "test",
    }
    await stack.send("inventory", "POST", "/v1/receipts", receipt)


async def _status(stack: Stack, status: str) -> bool:
    orders = (await stack.send("order", "GET", "/v1/orders"))["items"]
    return [one["status"] for one in orders] == [status]


@pytest.mark.timeout(240)  # three services start on what may be a busy machine
async def test_the_marketplaces_label_is_waited_for_stored_and_handed_over_and_its_stock_follows(
    stack: Stack,
) -> None:
    await _sell(stack)
    await eventually(lambda: _stock(stack, {SKUS[0]: 9, SKUS[1]: 9}))

    await stack.deliver()
    await eventually(lambda: _status(stack, "closed"))

    order = await stack.order()
    (parcel,) = order["parcels"]
    label = [parcel["carrier"], parcel["service"], parcel["tracking_number"], parcel["state"]]
    assert label == ["mall_express", "standard", "MALL000001", "shipped"]
    assert stack.mall.asked == {parcel["parcel_id"]: 3}
    assert [wish["units"] for wish in stack.mall.wishes.values()] == [
        {"16090122345601": 2, "16090122345602": 1}
    ]
    assert [bytes(one) for one in await stack.rows("shipping", "select content from document")] == [PDF]
    told = "select count(*) from event_log where topic = 'order.label_provided'"
    assert await stack.rows("order", told) == [1]
    assert await stack.rows("order", "select kind || ' ' || state from obligation") == ["label confirmed"]
    assert await stack.rows("order", "select code from order_exception") == []
    await eventually(lambda: _stock(stack, {SKUS[0]: 7, SKUS[1]: 8}))


@pytest.mark.timeout(240)
async def test_an_order_that_we_cancel_while_its_label_is_made_is_cancelled_there_and_nothing_leaves(
    stack: Stack,
) -> None:
    await _sell(stack)
    stack.mall.made_at = 1_000_000
    await stack.deliver()
    await eventually(lambda: _asked(stack))

    order_id = (await stack.order())["order_id"]
    await stack.send("order", "POST", f"/v1/orders/{order_id}/cancellation", {"reason": "not any more"})
    await eventually(lambda: _status(stack, "cancelled"))
    await eventually(lambda: _cancelled(stack))

    assert stack.mall.cancelled == {"6120045566771": "merchant"}
    assert await stack.rows("order", "select kind || ' ' || state from obligation order by kind") == [
        "cancel confirmed",
        "label withdrawn",
    ]
    assert stack.mall.labels == {}
    assert await stack.rows("shipping", "select content from document") == []
    await eventually(lambda: _stock(stack, {SKUS[0]: 9, SKUS[1]: 9}))


async def _asked(stack: Stack) -> bool:
    return bool(stack.mall.asked)


async def _cancelled(stack: Stack) -> bool:
    return await stack.rows("order", "select state from obligation where kind = 'cancel'") == ["confirmed"]


async def _stock(stack: Stack, units: dict[str, int]) -> bool:
    return stack.mall.stock == units
