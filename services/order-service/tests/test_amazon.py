"""A seller on Amazon from the first notice to the tracking number, with the real jobs, quotas and tokens."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

import order_service
from crossdock_chassis.ids import new_id
from crossdock_chassis.job_runner import JobBounds, JobRunner
from crossdock_chassis.jobs import Destination
from crossdock_chassis.outgoing import open_http_client
from crossdock_chassis.repeating import repeat
from crossdock_contracts.shipping import ParcelLabelledV1, ParcelShippedV1
from crossdock_sandbox.amazon.app import AmazonSandbox, running_amazon
from order_service.adapters.marketplace_registry import load_marketplaces
from order_service.domain.order import Order
from order_service.messaging.asking import Asking
from order_service.messaging.jobs import MarketplaceJobs
from order_service.persistence.transaction import OrderDatabase
from order_service.use_cases.import_order import Retention
from order_service.use_cases.marketplace import Marketplace
from order_service.use_cases.ports import Account, OrderRef, Secrets

from .samples import Inventory, Shipping, an_account
from .test_jobs import eventually
from .test_journeys import column, connect, say
from .trade_side import TradedShop, assert_trade_goes_through

SELLER, SKU = "A2LUMOSELLER01", "CN-MNT-MAG-BK"
ORDER_ID, LINE = "113-4455667-8899001", "90112233445501"
_SAMPLE = (
    Path(order_service.__file__).parent / "adapters/marketplaces/amazon/tests/samples/order.json"
).read_text()
GIVEN = {
    "seller_id": SELLER,
    "application_id": "app",
    "client_id": "client",
    "client_secret": "secret",
    "refresh_token": "Atzr|r",
    "aws_access_key_id": "AKIDEXAMPLE",
    "aws_secret_access_key": "aws-secret",
}
Working = Callable[[], AbstractAsyncContextManager[None]]


class Seller:
    """A seller in the sandbox, connected to our side."""

    def __init__(self, sandbox: AmazonSandbox, database: OrderDatabase) -> None:
        self._sandbox = sandbox
        self._database = database

    def account(self) -> Account:
        options = {
            "region": "na",
            "marketplace_ids": "ATVPDKIKX0DER",
            "application_id": "app",
            "queue_url": self._sandbox.queue_url(SELLER),
            "queue_region": "us-east-1",
            "lwa_client_id": "client",
        }
        named = {
            "lwa_client_secret": "secret",
            "lwa_refresh_token": "Atzr|r",
            "aws_access_key_id": "AKIDEXAMPLE",
            "aws_secret_access_key": "aws-secret",
        }
        account = an_account(
            platform="amazon",
            shop_ref=SELLER,
            api_base_url=self._sandbox.base_url,
            secrets=Secrets(named=named),
            domestic_countries=frozenset({"US"}),
        )
        return replace(account, options=options)

    async def control(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        async with httpx.AsyncClient(trust_env=False) as http:
            answer = await http.request(method, f"{self._sandbox.base_url}/_sandbox/{path}", json=body)
        assert answer.is_success, answer.text
        said: dict[str, Any] = answer.json()
        return said

    async def put_order(self, order_id: str = ORDER_ID, **changes: Any) -> None:
        order = {**json.loads(_SAMPLE)["order"], "orderId": order_id, **changes}
        await self.control("PUT", f"sellers/{SELLER}/orders/{order_id}", order)

    async def notify(self, *notices: Mapping[str, Any]) -> None:
        await self.control("POST", f"sellers/{SELLER}/notices", list(notices))

    async def rows(self, table: str, **filters: str) -> list[dict[str, Any]]:
        query = "&".join(f"{name}={value}" for name, value in filters.items())
        found: list[dict[str, Any]] = (await self.control("GET", f"books/{table}?{query}"))["rows"]
        return found

    async def queue_is_empty(self) -> bool:
        return all(one["deleted"] for one in await self.rows("notices"))

    async def order(self, order_id: str = ORDER_ID) -> Order | None:
        """As we know it."""
        ref = OrderRef("amazon", SELLER, order_id)
        async with self._database.transaction() as tx:
            return (await tx.orders.lock_external([ref])).get(ref)

    async def is_here(self, order_id: str = ORDER_ID) -> bool:
        return await self.order(order_id) is not None


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[AmazonSandbox]:
    async with running_amazon(tmp_path) as sandbox:
        yield sandbox


@pytest.fixture
async def marketplaces(
    sandbox: AmazonSandbox, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Mapping[str, Marketplace]]:
    monkeypatch.setenv("MARKETPLACE_AMAZON_TOKEN_URL", sandbox.token_url)
    monkeypatch.setenv("MARKETPLACE_AMAZON_QUEUE_WAIT_S", "0")
    async with open_http_client("marketplaces") as http:
        yield load_marketplaces(http)


@pytest.fixture
async def seller(sandbox: AmazonSandbox, database: OrderDatabase) -> Seller:
    seller = Seller(sandbox, database)
    await seller.control("POST", "sellers", GIVEN)
    await seller.put_order()
    await connect(database, seller.account(), skus=(SKU,))
    return seller


@pytest.fixture
def working(database: OrderDatabase, marketplaces: Mapping[str, Marketplace]) -> Working:
    """The jobs of one process and who asks for them, as the work role runs them."""

    @asynccontextmanager
    async def run() -> AsyncIterator[None]:
        jobs = MarketplaceJobs(database, marketplaces, Retention())
        bounds = JobBounds(first_retry_s=0.05, last_retry_s=0.2, stop_s=0.5)
        runner = JobRunner(database, jobs.handlers(), [Destination("amazon")], bounds)
        asking, stop = Asking(database, marketplaces), asyncio.Event()
        tasks = [
            asyncio.create_task(runner.run()),
            asyncio.create_task(repeat("ask", asking.ask, stop, every_s=0.1)),
        ]
        try:
            yield
        finally:
            stop.set()
            await runner.stop()
            await asyncio.gather(*tasks)

    return run


async def test_an_order_comes_by_a_notice_and_its_parcel_is_told(
    seller: Seller, database: OrderDatabase, working: Working
) -> None:
    told = {"order_id": ORDER_ID, "copies": 2}
    anothers = {"order_id": ORDER_ID, "seller_id": "A2SOMEBODY"}
    await seller.notify(told, anothers)

    async with working():
        await eventually(seller.queue_is_empty)
        await eventually(seller.is_here)
        order = await seller.order()
        assert order is not None
        assert order.status == "open"
        await ship(database, order, seller)

    (package,) = await seller.rows("packages")
    assert package["items"] == [{"orderItemId": LINE, "quantity": 2}]
    assert await column(database, "select confirmed_ref from obligation") == [package["package_reference_id"]]
    assert await column(database, "select error from inbound_message where state = 'failed'") == [
        "queue: NotAuthentic"
    ]
    # One token for all the calls, however many waited for it.
    assert len(await seller.rows("tokens")) == 1


async def ship(database: OrderDatabase, order: Order, seller: Seller) -> None:
    """Everything leaves in one parcel, and the platform knows of it."""
    reserved, parcel_id, shipping = Inventory(order).reserves(), new_id(), Shipping(order)
    kinds = (ParcelLabelledV1, ParcelShippedV1)
    parcels = [shipping.parcel(kind, reserved.allocations, parcel_id=parcel_id) for kind in kinds]
    await say(database, reserved, *parcels)

    async def confirmed() -> bool:
        return await column(database, "select state from obligation") == ["confirmed"]

    await eventually(confirmed)


async def test_an_order_that_no_notice_told_of_is_found_by_asking(seller: Seller, working: Working) -> None:
    an_hour_ago = (datetime.now(UTC) - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    await seller.put_order("113-0000000-0000002", lastUpdatedTime=an_hour_ago)

    async with working():
        await eventually(lambda: seller.is_here("113-0000000-0000002"))

    searched = await seller.rows("calls", operation="searchOrders", outcome="ok")
    assert len(searched) == 1
    assert await seller.rows("calls", operation="getOrder") == []


async def test_what_amazon_sends_and_what_is_pending_never_becomes_an_order_here(
    seller: Seller, database: OrderDatabase, working: Working
) -> None:
    by_amazon, pending = "113-0000000-0000003", "113-0000000-0000004"
    await seller.put_order(by_amazon, fulfillment={"fulfillmentStatus": "UNSHIPPED", "fulfilledBy": "AMAZON"})
    unpaid = {"fulfillmentStatus": "PENDING", "fulfilledBy": "MERCHANT"}
    await seller.put_order(pending, fulfillment=unpaid, proceeds={}, recipient={})
    await seller.notify({"order_id": by_amazon}, {"order_id": pending})

    async def ignored() -> bool:
        return await column(database, "select state from inbound_message") == ["ignored", "ignored"]

    async with working():
        await eventually(ignored)

    asked = await seller.rows("calls", operation="getOrder")
    assert [one["reference"] for one in asked if one["outcome"] == "ok"] == [pending]
    assert await column(database, "select count(*) from orders") == [0]


async def test_a_cancel_there_is_a_wish_here(seller: Seller, working: Working) -> None:
    await seller.notify({"order_id": ORDER_ID})
    async with working():
        await eventually(seller.is_here)
        cancelled = {"fulfillmentStatus": "CANCELLED", "fulfilledBy": "MERCHANT"}
        await seller.put_order(fulfillment=cancelled, proceeds={})
        await seller.notify({"order_id": ORDER_ID})

        async def cancelling() -> bool:
            order = await seller.order()
            return order is not None and order.status == "cancelling"

        await eventually(cancelling)


async def test_a_notice_that_somebody_posts_is_not_taken(
    seller: Seller, client: httpx.AsyncClient, database: OrderDatabase
) -> None:
    answer = await client.post(f"/webhooks/amazon/{seller.account().account}", content=b"{}")

    assert (answer.status_code, answer.content) == (401, b"")
    assert await column(database, "select count(*) from inbound_message") == [0]


async def test_what_is_bought_by_the_trades_side_is_imported_sent_and_cancelled_as_it_was_bought(
    sandbox: AmazonSandbox, client: httpx.AsyncClient, database: OrderDatabase, working: Working
) -> None:
    shop = TradedShop("amazon", sandbox.base_url, client, database)
    await shop.open("http://nobody.example/")

    async with working():
        await assert_trade_goes_through(shop, unpaid=None)
