"""DBOS: an order is one durable workflow, whose state lies in the same PostgreSQL.

`python -m tests.load.peers.durable work NAME | feed`. The rows of reservation, plan and parcel are written in
DBOS's own transactions; that a mail was taken and a write-back confirmed is kept as the step's outcome.

Transactions: https://docs.dbos.dev/python/reference/datasources
Queues, worker_concurrency, several processes: https://docs.dbos.dev/python/tutorials/queue-tutorial
"""

import asyncio
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import uvloop
from dbos import DBOS, AsyncSQLAlchemyDatasource, DBOSClient

from shipping_service.domain.consignment import BoughtLabel

from ..accepted import Order
from ..feeding import feed, tell_ready
from ..outside import Label, Outside
from .tables import CONNECTIONS, accept, create_tables, open_engine, plan, reserve, ship

QUEUE, VERSION = "orders", "bench"
AT_ONCE = 32
LOOK_EVERY_S = 0.05


async def register() -> None:
    """Make the workflow known; its steps need what is opened here."""
    outside, engine = Outside(), open_engine()
    await create_tables(engine)
    database = await AsyncSQLAlchemyDatasource.create(os.environ["BENCH_DATABASE_URL"], engine=engine)

    # The default is SERIALIZABLE, under which all who want the same SKU but one would begin again.
    @database.transaction(isolation_level="READ COMMITTED")
    async def promise(order: Order) -> None:
        session = database.sql_session()
        plan(session, order)
        await reserve(session, order)

    @database.transaction(isolation_level="READ COMMITTED")
    async def hand_over(order: Order, bought: BoughtLabel) -> Label:
        return ship(database.sql_session(), order, bought)

    @DBOS.step()
    async def buy_label(order: Order) -> BoughtLabel:
        return await outside.buy_label(order)

    @DBOS.step()
    async def confirm(order: Order) -> str:
        return await outside.confirm(order)

    @DBOS.step()
    async def tell_shipped(order: Order, label: Label) -> str:
        return await outside.tell_shipped(order, label)

    @DBOS.step()
    async def write_back(order: Order, label: Label) -> str:
        return await outside.write_back(order, label)

    @DBOS.workflow(name="fulfil")
    async def fulfil(given: Mapping[str, Any]) -> None:
        order = Order.from_json(given)
        await promise(order)
        label = await hand_over(order, await buy_label(order))
        await confirm(order)
        await tell_shipped(order, label)
        await write_back(order, label)


async def work(name: str) -> None:
    DBOS(
        config={
            "name": "bench",
            "system_database_url": _address(),
            "sys_db_pool_size": CONNECTIONS,
            "application_version": VERSION,
            "executor_id": name,
            "log_level": "WARNING",
        }
    )
    await register()
    DBOS.launch()
    await DBOS.register_queue_async(QUEUE, worker_concurrency=AT_ONCE, polling_interval_sec=LOOK_EVERY_S)
    tell_ready()
    await asyncio.Event().wait()


async def begin_all() -> None:
    client, engine = DBOSClient(system_database_url=_address()), open_engine()

    async def take(orders: Sequence[Order]) -> None:
        await accept(engine, orders)

    async def begin(order: Order) -> None:
        await client.enqueue_async(
            {
                "queue_name": QUEUE,
                "workflow_name": "fulfil",
                "workflow_id": order.order_id,
                "app_version": VERSION,
            },
            asdict(order),
        )

    await feed(take, begin)


def _address() -> str:
    return os.environ["BENCH_DATABASE_URL"].replace("+asyncpg", "+psycopg")


if __name__ == "__main__":
    uvloop.run(begin_all() if sys.argv[1] == "feed" else work(sys.argv[2]))
