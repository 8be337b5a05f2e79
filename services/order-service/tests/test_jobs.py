"""The calls to a marketplace as the work role makes them, from the debt to its confirmation."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import text

from crossdock_chassis.ids import new_id
from crossdock_chassis.job_runner import JobRunner
from crossdock_chassis.jobs import Destination
from crossdock_chassis.outgoing import open_http_client
from crossdock_contracts.shipping import ParcelShippedV1
from crossdock_sandbox.shopify.app import ShopifySandbox, running_shopify
from order_service.messaging.jobs import MarketplaceJobs
from order_service.messaging.measures import write_backs_settled
from order_service.persistence.transaction import OrderDatabase
from order_service.use_cases.import_order import Retention
from order_service.use_cases.marketplace import Marketplace
from order_service.use_cases.obligations import warn_overdue
from order_service.use_cases.ports import Account, Secrets

from .samples import SECRET, Inventory, Shipping, an_account, shopify_body
from .test_journeys import column, connect, receive, say, the_order


async def eventually(check: Callable[[], Awaitable[bool]], limit_s: float = 15) -> None:
    async with asyncio.timeout(limit_s):
        while not await check():  # noqa: ASYNC110 - what is waited for happens in a database
            await asyncio.sleep(0.05)


@asynccontextmanager
async def working(
    database: OrderDatabase, marketplaces: Mapping[str, Marketplace], platform: str = "shopify"
) -> AsyncIterator[None]:
    """The job runner, as the work role runs it."""
    jobs = MarketplaceJobs(database, marketplaces, Retention())
    runner = JobRunner(database, jobs.handlers(), [Destination(platform)])
    task = asyncio.create_task(runner.run())
    try:
        yield
    finally:
        await runner.stop()
        await task


async def a_shop(sandbox: ShopifySandbox, http: httpx.AsyncClient, body: dict[str, Any]) -> Account:
    shop = {
        "shop": "lumo",
        "client_secret": SECRET,
        "access_token": "t",
        "webhook_url": "http://127.0.0.1:9/",
    }
    assert (await http.post(f"{sandbox.base_url}/_sandbox/shops", json=shop)).status_code == 201
    url = f"{sandbox.base_url}/_sandbox/shops/lumo/orders/{body['id']}"
    assert (await http.put(url, json=body)).status_code == 200
    secrets = Secrets(webhook=(SECRET,), access_token="t")
    return an_account(api_base_url=sandbox.shop_url("lumo"), secrets=secrets)


async def ship(database: OrderDatabase, account: Account) -> None:
    await connect(database, account)
    await receive(database, account, shopify_body())
    order = await the_order(database)
    reserved = Inventory(order).reserves()
    parcel = Shipping(order).parcel(ParcelShippedV1, reserved.allocations, parcel_id=new_id())
    await say(database, reserved, parcel)


async def test_a_tracking_number_is_told_until_the_shop_has_confirmed_it(
    database: OrderDatabase, marketplaces: Mapping[str, Marketplace], tmp_path: Path
) -> None:
    async with running_shopify(tmp_path) as sandbox, open_http_client("test") as http:
        settled = dict(write_backs_settled)
        account = await a_shop(sandbox, http, shopify_body())
        rule = {"operation": "fulfillmentCreate", "mode": "do_then_drop_connection", "times": 1}
        assert (await http.put(f"{sandbox.base_url}/_sandbox/faults", json=[rule])).status_code == 200
        await ship(database, account)

        async def confirmed() -> bool:
            return await column(database, "select state from obligation") == ["confirmed"]

        async with working(database, marketplaces):
            await eventually(confirmed)

    (ref,) = await column(database, "select confirmed_ref from obligation")
    assert ref.startswith("gid://shopify/Fulfillment/")
    assert write_backs_settled == {**settled, "in_time": settled["in_time"] + 1}
    assert await column(database, "select state from job") == ["done"]
    assert (await column(database, "select what from order_history order by n"))[-1] == "write_back.confirmed"


async def test_each_account_is_called_for_itself_so_that_none_holds_up_another(
    database: OrderDatabase,
) -> None:
    account = an_account()

    await ship(database, account)

    assert await column(database, "select destination from job") == [f"shopify:{account.account}"]


async def test_a_shop_that_says_no_becomes_an_exception_for_the_seller(
    database: OrderDatabase, marketplaces: Mapping[str, Marketplace], tmp_path: Path
) -> None:
    settled = dict(write_backs_settled)
    async with running_shopify(tmp_path) as sandbox, open_http_client("test") as http:
        account = await a_shop(sandbox, http, shopify_body(id=77))
        await ship(database, account)

        async def refused() -> bool:
            return await column(database, "select state from job") == ["refused"]

        async with working(database, marketplaces):
            await eventually(refused)

    assert await column(database, "select state from obligation") == ["refused"]
    assert await column(database, "select code from order_exception") == ["write_back_refused"]
    assert write_backs_settled == {**settled, "refused": settled["refused"] + 1}


async def test_a_number_that_is_told_after_its_deadline_counts_as_late(
    database: OrderDatabase, marketplaces: Mapping[str, Marketplace], tmp_path: Path
) -> None:
    settled = dict(write_backs_settled)
    async with running_shopify(tmp_path) as sandbox, open_http_client("test") as http:
        account = await a_shop(sandbox, http, shopify_body())
        await ship(database, account)
        async with database.transaction() as tx:
            await tx.connection.execute(text("update job set deadline_at = '2020-01-01'"))

        async def confirmed() -> bool:
            return await column(database, "select state from obligation") == ["confirmed"]

        async with working(database, marketplaces):
            await eventually(confirmed)

    assert write_backs_settled == {**settled, "late": settled["late"] + 1}


async def test_a_debt_past_its_deadline_is_shown_and_watched_no_longer(database: OrderDatabase) -> None:
    await ship(database, an_account())
    order = await the_order(database)
    timers = await column(database, "select name from timer")
    async with database.transaction() as tx:
        await tx.connection.execute(text("update obligation set deadline_at = '2020-01-01'"))
        await warn_overdue(order.identity.order_id, "default", tx=tx)

    assert timers == ["obligation_overdue"]
    assert await column(database, "select code from order_exception") == ["write_back_overdue"]
