"""News of a SKU and an order that is about to wait for it, at the same moment."""

import asyncio
import json
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import text

from crossdock_chassis.ids import new_id
from crossdock_chassis.timers import Timer
from crossdock_contracts.envelope import Cause
from order_service.adapters.marketplaces.shopify.mapping import read_order
from order_service.messaging.timers import TIMERS
from order_service.persistence.transaction import OrderDatabase
from order_service.use_cases.import_order import Import, Retention, import_orders
from order_service.use_cases.learn_skus import AT_ONCE, WAITING_TIMER, learn_skus

from .samples import an_account, shopify_body
from .test_journeys import SAMPLE_SKUS, a_sku, connect, receive, say, the_order


async def test_news_that_comes_while_an_order_begins_to_wait_for_it_is_not_missed(
    database: OrderDatabase,
) -> None:
    account = an_account()
    await connect(database, account, skus=SAMPLE_SKUS[:1])
    canonical = read_order("orders/create", json.dumps(shopify_body()).encode())
    assert canonical is not None

    async with database.transaction() as tx:
        await import_orders([Import(canonical, account)], retention=Retention(), tx=tx)
        news = asyncio.create_task(say(database, a_sku(SAMPLE_SKUS[1])))
        await asyncio.wait([news], timeout=0.3)  # it would be through by then if it did not wait for us
    await news

    assert (await the_order(database)).status == "open"


async def test_an_order_that_comes_while_news_is_written_does_not_wait_for_it(
    database: OrderDatabase,
) -> None:
    account = an_account()
    await connect(database, account, skus=SAMPLE_SKUS[:1])
    canonical = read_order("orders/create", json.dumps(shopify_body()).encode())
    assert canonical is not None

    async def place() -> None:
        async with database.transaction() as tx:
            await import_orders([Import(canonical, account)], retention=Retention(), tx=tx)

    async with database.transaction() as tx:
        await learn_skus([a_sku(SAMPLE_SKUS[1])], tx=tx)
        placing = asyncio.create_task(place())
        await asyncio.wait([placing], timeout=0.3)
    await placing

    assert (await the_order(database)).status == "open"


async def test_many_orders_that_go_on_waiting_are_looked_at_once_and_not_for_ever(
    database: OrderDatabase,
) -> None:
    account = an_account(domestic_countries=frozenset({"CN"}))
    await connect(database, account, skus=())
    await say(database, *(a_sku(name, customs=False) for name in SAMPLE_SKUS))
    for number in range(AT_ONCE + 1):
        await receive(database, account, shopify_body(id=7_000_000_000_000 + number))

    await say(database, a_sku(SAMPLE_SKUS[0], customs=False, version=2))
    (timer,) = await timers(database)
    await fire(database, timer)

    assert await timers(database) == []


async def timers(database: OrderDatabase) -> list[Any]:
    async with database.engine.connect() as connection:
        return list(await connection.execute(text("select * from timer where name = 'waiting_orders'")))


async def fire(database: OrderDatabase, row: Any) -> None:
    """Delete the row and act on it in one transaction, as the runner does."""
    timer = Timer(new_id(), row.merchant_id, row.name, row.key, datetime.now(UTC), row.payload, Cause())
    async with database.transaction() as tx:
        await tx.connection.execute(text("delete from timer where timer_id = :id"), {"id": row.timer_id})
        await TIMERS[WAITING_TIMER](timer, tx=tx)
