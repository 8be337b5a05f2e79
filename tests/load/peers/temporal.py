"""Temporal: an order is one workflow, its history at Temporal's development server, its rows in PostgreSQL.

`python -m tests.load.peers.temporal work | feed`.

Slots, autoscaled pollers: https://docs.temporal.io/develop/worker-performance/configuration
Local activities for what is short and safe to repeat: https://docs.temporal.io/design-patterns/local-activities
The sandbox, which is off: https://docs.temporal.io/develop/python/best-practices/python-sdk-sandbox
"""

import asyncio
import os
import sys
from datetime import timedelta
from typing import Any
from uuid import UUID

import uvloop
from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.worker import PollerBehaviorAutoscaling, UnsandboxedWorkflowRunner, Worker

from ..accepted import Order
from ..feeding import feed, tell_ready
from ..outside import Label, Outside
from .tables import WriteBack, accept, create_tables, open_engine, plan, reserve, sessions, ship

QUEUE = "orders"
AT_ONCE = 64
CACHED = 10_000
WITHIN = timedelta(minutes=1)


class Steps:
    """The activities of one process."""

    def __init__(self) -> None:
        self.engine = open_engine()
        self._sessions = sessions(self.engine)
        self._outside = Outside()

    @activity.defn
    async def promise(self, order: Order) -> None:
        async with self._sessions.begin() as session:
            plan(session, order)
            await reserve(session, order)

    @activity.defn
    async def buy_label(self, order: Order) -> Label:
        bought = await self._outside.buy_label(order)
        async with self._sessions.begin() as session:
            return ship(session, order, bought)

    @activity.defn
    async def confirm(self, order: Order) -> str:
        return await self._outside.confirm(order)

    @activity.defn
    async def tell_shipped(self, order: Order, label: Label) -> str:
        return await self._outside.tell_shipped(order, label)

    @activity.defn
    async def write_back(self, order: Order, label: Label) -> None:
        ref = await self._outside.write_back(order, label)
        async with self._sessions.begin() as session:
            session.add(WriteBack(order_id=UUID(order.order_id), ref=ref))


@workflow.defn
class Fulfil:
    @workflow.run
    async def run(self, order: Order) -> None:
        options: dict[str, Any] = {"start_to_close_timeout": WITHIN}
        await workflow.execute_local_activity_method(Steps.promise, order, **options)
        label = await workflow.execute_activity_method(Steps.buy_label, order, **options)
        await workflow.execute_activity_method(Steps.confirm, order, **options)
        await workflow.execute_activity_method(Steps.tell_shipped, args=[order, label], **options)
        await workflow.execute_activity_method(Steps.write_back, args=[order, label], **options)


async def work() -> None:
    steps = Steps()
    await create_tables(steps.engine)
    worker = Worker(
        await _connect(),
        task_queue=QUEUE,
        workflows=[Fulfil],
        activities=[steps.promise, steps.buy_label, steps.confirm, steps.tell_shipped, steps.write_back],
        workflow_runner=UnsandboxedWorkflowRunner(),
        max_cached_workflows=CACHED,
        max_concurrent_activities=AT_ONCE,
        workflow_task_poller_behavior=PollerBehaviorAutoscaling(),
        activity_task_poller_behavior=PollerBehaviorAutoscaling(),
    )
    async with worker:
        tell_ready()
        await asyncio.Event().wait()


async def begin_all() -> None:
    client, engine = await _connect(), open_engine()
    await feed(
        lambda orders: accept(engine, orders),
        lambda order: client.start_workflow(Fulfil.run, order, id=order.order_id, task_queue=QUEUE),
    )


async def _connect() -> Client:
    return await Client.connect(os.environ["BENCH_TEMPORAL"])


if __name__ == "__main__":
    uvloop.run(begin_all() if sys.argv[1] == "feed" else work())
