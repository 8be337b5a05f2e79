"""The usual Python way: FastStream, the ORM of SQLAlchemy, one commit per message, published after it.

`python -m tests.load.peers.usual inventory | shipping | notify | order | feed`. No outbox, no inbox: an event
is lost when the process dies after the commit, and done twice when it dies before the offset is stored.

max_workers: https://faststream.ag2.ai/latest/kafka/Subscriber/#concurrent-processing
"""

import os
import sys
from uuid import UUID

import uvloop
from faststream import FastStream
from faststream.kafka import KafkaBroker
from pydantic.dataclasses import dataclass

from ..accepted import Order
from ..feeding import feed, tell_ready
from ..outside import Label, Outside
from .tables import (
    Mail,
    OrderRow,
    WriteBack,
    accept,
    create_tables,
    open_engine,
    plan,
    reserve,
    sessions,
    ship,
)

CREATED, RESERVED, PLANNED, SHIPPED = TOPICS = (
    "usual.order.created",
    "usual.stock.reserved",
    "usual.shipment.planned",
    "usual.parcel.shipped",
)
WORKERS = 16


@dataclass(frozen=True)
class Shipped:
    order: Order
    label: Label


# The default logger writes two lines per message.
broker = KafkaBroker(os.environ["BENCH_KAFKA"], logger=None)
engine = open_engine()
session = sessions(engine)
outside: Outside


def inventory() -> None:
    @broker.subscriber(CREATED, group_id="usual-inventory", auto_offset_reset="earliest", max_workers=WORKERS)
    async def reserve_stock(order: Order) -> None:
        async with session.begin() as tx:
            await reserve(tx, order)
        await broker.publish(order, RESERVED, key=order.order_id.encode())


def shipping() -> None:
    @broker.subscriber(RESERVED, group_id="usual-shipping", auto_offset_reset="earliest", max_workers=WORKERS)
    async def plan_shipment(order: Order) -> None:
        async with session.begin() as tx:
            plan(tx, order)
        await broker.publish(order, PLANNED, key=order.order_id.encode())

    @broker.subscriber(PLANNED, group_id="usual-labels", auto_offset_reset="earliest", max_workers=WORKERS)
    async def buy_label(order: Order) -> None:
        bought = await outside.buy_label(order)
        async with session.begin() as tx:
            label = ship(tx, order, bought)
        await broker.publish(Shipped(order, label), SHIPPED, key=order.order_id.encode())


def notify() -> None:
    @broker.subscriber(CREATED, group_id="usual-confirm", auto_offset_reset="earliest", max_workers=WORKERS)
    async def confirm(order: Order) -> None:
        reply = await outside.confirm(order)
        async with session.begin() as tx:
            tx.add(Mail(order_id=UUID(order.order_id), template="order_confirmed", server_reply=reply))

    @broker.subscriber(SHIPPED, group_id="usual-shipped", auto_offset_reset="earliest", max_workers=WORKERS)
    async def tell_shipped(event: Shipped) -> None:
        reply = await outside.tell_shipped(event.order, event.label)
        async with session.begin() as tx:
            tx.add(Mail(order_id=UUID(event.order.order_id), template="shipped", server_reply=reply))


def order() -> None:
    @broker.subscriber(SHIPPED, group_id="usual-order", auto_offset_reset="earliest", max_workers=WORKERS)
    async def write_back(event: Shipped) -> None:
        ref = await outside.write_back(event.order, event.label)
        async with session.begin() as tx:
            row = await tx.get_one(OrderRow, UUID(event.order.order_id))
            row.status = "closed"
            tx.add(WriteBack(order_id=row.order_id, ref=ref))


SERVICES = {one.__name__: one for one in (inventory, shipping, notify, order)}


async def serve(service: str) -> None:
    global outside  # noqa: PLW0603  handlers are made before there is a loop
    outside = Outside()
    await create_tables(engine)
    SERVICES[service]()
    app = FastStream(broker, logger=None)
    app.after_startup(tell_ready)
    await app.run()


async def begin_all() -> None:
    async with broker:
        await feed(
            lambda orders: accept(engine, orders),
            lambda one: broker.publish(one, CREATED, key=one.order_id.encode()),
        )


if __name__ == "__main__":
    uvloop.run(begin_all() if sys.argv[1] == "feed" else serve(sys.argv[1]))
