"""A seller's own shop through the real endpoint and jobs: from its delivery to the number in its books."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

import order_service
from crossdock_chassis.ids import new_id
from crossdock_chassis.job_runner import JobRunner
from crossdock_chassis.jobs import Destination
from crossdock_chassis.outgoing import open_http_client
from crossdock_contracts.shipping import ParcelLabelledV1, ParcelShippedV1
from crossdock_sandbox.generic.app import GenericSandbox, running_generic
from crossdock_sandbox.serving import listening_socket, serving
from order_service.adapters.marketplace_registry import load_marketplaces
from order_service.api.app import build_app
from order_service.domain.order import Order
from order_service.messaging import HANDLERS
from order_service.messaging.jobs import MarketplaceJobs
from order_service.persistence.transaction import OrderDatabase
from order_service.use_cases.import_order import Retention
from order_service.use_cases.marketplace import Marketplace
from order_service.use_cases.ports import OrderRef, Secrets

from .samples import Inventory, Shipping, an_account
from .test_jobs import eventually
from .test_journeys import column, connect, say

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SAMPLE = json.loads(
    (
        Path(order_service.__file__).parent / "adapters/marketplaces/generic/tests/samples/order.json"
    ).read_text()
)


@pytest.fixture
async def marketplaces(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Mapping[str, Marketplace]]:
    """As an operator sets it whose shop is on the same machine."""
    monkeypatch.setenv("MARKETPLACE_GENERIC_ALLOW_PRIVATE_ADDRESSES", "true")
    async with open_http_client("marketplaces") as http:
        yield load_marketplaces(http)


async def control(sandbox: GenericSandbox, method: str, path: str, body: Any = None) -> Any:
    async with httpx.AsyncClient(trust_env=False) as http:
        answer = await http.request(method, f"{sandbox.base_url}/_sandbox/{path}", json=body)
    assert answer.is_success, answer.text
    return answer.json()


async def the_order(database: OrderDatabase) -> Order:
    async with database.transaction() as tx:
        (order,) = (await tx.orders.lock_external([OrderRef("generic", "mine", "A-1002")])).values()
    return order


async def test_an_order_is_delivered_imported_sent_and_its_number_is_in_the_shops_books_once(
    tmp_path: Path, database: OrderDatabase, marketplaces: Mapping[str, Marketplace]
) -> None:
    app = build_app(database, marketplaces, Retention(), HANDLERS)
    async with serving(app, listening_socket(0)) as service, running_generic(tmp_path) as sandbox:
        options = {"url": sandbox.url("mine"), "orders_url": sandbox.orders_url("mine")}
        account = an_account(
            account="mine",
            platform="generic",
            shop_ref="mine",
            secrets=Secrets(webhook=(SECRET,)),
            options=options,
            domestic_countries=frozenset({"FR"}),
        )
        await connect(database, account, skus=("CN-STAND-AL-SLV", "CN-CABLE"))
        given = {"shop": "mine", "secret": SECRET, "webhook_url": f"{service}/webhooks/generic/mine"}
        await control(sandbox, "POST", "shops", given)
        await control(sandbox, "PUT", "shops/mine/orders", {**SAMPLE, "shop": "mine"})
        wrongs = [
            {"order_id": "A-1002", "signature": "bad"},
            {"order_id": "A-1002", "signature": "missing"},
            {"order_id": "A-1002", "age_s": 301},
        ]
        for wrong in wrongs:
            await control(sandbox, "POST", "shops/mine/deliveries", wrong)
        await control(sandbox, "POST", "shops/mine/deliveries", {"order_id": "A-1002", "copies": 3})

        async def delivered() -> bool:
            rows = (await control(sandbox, "GET", "books/deliveries"))["rows"]
            refused = [one["last_status"] for one in rows[: len(wrongs)]]
            return refused == [401] * len(wrongs) and {one["outcome"] for one in rows[3:]} == {"delivered"}

        await eventually(delivered)
        order = await the_order(database)
        reserved = Inventory(order).reserves()
        shipping, parcel_id = Shipping(order), new_id()
        await say(
            database,
            reserved,
            shipping.parcel(ParcelLabelledV1, reserved.allocations, parcel_id=parcel_id),
            shipping.parcel(ParcelShippedV1, reserved.allocations, parcel_id=parcel_id),
        )
        await control(
            sandbox,
            "PUT",
            "faults",
            [{"operation": "order.get", "mode": "error_500", "times": 1}],
        )
        jobs = MarketplaceJobs(database, marketplaces, Retention())
        runner = JobRunner(database, jobs.handlers(), [Destination("generic")])
        task = asyncio.create_task(runner.run())

        async def confirmed() -> bool:
            return await column(database, "select state from obligation") == ["confirmed"]

        await eventually(confirmed)
        await runner.stop()
        await task
        told = (await control(sandbox, "GET", "books/told"))["rows"]

    assert await column(database, "select state from inbound_message") == ["imported"]
    assert await column(database, "select confirmed_ref from obligation") == ["parcel-1"]
    assert [(one["type"], one["body"]["units"], one["times"]) for one in told] == [
        ("tracking", {"1": 2, "2": 1}, 1)
    ]
