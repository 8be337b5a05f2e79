"""/livez of a consumer that does not move: red for each sickness of ours, green for what is not.

Three minutes go by on a clock that the test holds.
"""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import pool, text
from sqlalchemy.ext.asyncio import create_async_engine

from crossdock_chassis.consumer import Consumer
from crossdock_chassis.database import Transaction
from crossdock_chassis.health import NO_PROGRESS_S, Health
from crossdock_chassis.loop_watch import LoopWatch
from crossdock_chassis.parts import ConsumerProbe
from crossdock_contracts.notifications import NotificationSentV1

RED = ["consumer makes no progress"]


class Clock:
    """The real one, with hours skipped at will."""

    skipped_s = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.skipped_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


async def livez(consumer: Consumer[Transaction]) -> list[str]:
    async def answers() -> bool:
        return True

    health = Health(LoopWatch(), answers, takes_requests=False)
    task = asyncio.create_task(asyncio.sleep(60))
    health.watch("consumer", task, ConsumerProbe(consumer))
    try:
        return await health.not_alive()
    finally:
        task.cancel()


async def assigned(bench: Any, consumer: Consumer[Transaction]) -> None:
    async def joined() -> bool:
        return consumer.status.partitions > 0

    await bench.eventually(joined)


async def stays_red_after_three_minutes(consumer: Consumer[Transaction], clock: Clock) -> None:
    """Several looks of the consumer at itself go by, so that one of them may find that all is well."""
    assert await livez(consumer) == []
    clock.skipped_s += NO_PROGRESS_S
    await asyncio.sleep(1.5)
    assert await livez(consumer) == RED


async def test_a_consumer_that_is_idle_or_works_is_alive(bench: Any, clock: Clock) -> None:
    async with bench.running(clock=clock) as consumer:
        await bench.caught_up()
        clock.skipped_s += NO_PROGRESS_S
        await bench.caught_up()
        idle = await livez(consumer)
        await bench.publish(bench.sent(uuid4(), "one"))
        await bench.has_effects("one")
        clock.skipped_s += NO_PROGRESS_S
        await bench.caught_up()
        busy = await livez(consumer)

    assert (idle, busy) == ([], [])


async def test_a_handler_that_hangs_is_not_alive(bench: Any, clock: Clock) -> None:
    entered, go_on = asyncio.Event(), asyncio.Event()

    async def hang(events: Sequence[Any], *, tx: Transaction) -> None:
        entered.set()
        await go_on.wait()

    await bench.publish(bench.sent(uuid4(), "one"))
    async with bench.running({NotificationSentV1: hang}, clock=clock) as consumer:
        await entered.wait()
        await stays_red_after_three_minutes(consumer, clock)
        go_on.set()
        await bench.caught_up()
        assert await livez(consumer) == []


async def test_a_client_that_receives_nothing_is_not_alive(bench: Any, clock: Clock) -> None:
    await bench.publish(bench.sent(uuid4(), "one"))

    async with bench.running(kafka=bench.deaf_kafka, clock=clock) as consumer:
        await assigned(bench, consumer)
        await stays_red_after_three_minutes(consumer, clock)

    assert await bench.effects() == []


async def test_a_consumer_that_does_not_get_to_reading_is_not_alive(bench: Any, clock: Clock) -> None:
    async with locked(bench.urls.owner_url, "consumer_fence"), bench.running(clock=clock) as consumer:
        await assigned(bench, consumer)
        await stays_red_after_three_minutes(consumer, clock)


@asynccontextmanager
async def locked(owner_url: str, table: str) -> AsyncIterator[None]:
    engine = create_async_engine(owner_url, poolclass=pool.NullPool)
    async with engine.connect() as connection:
        await connection.execute(text(f"lock table {table} in access exclusive mode"))
        yield
    await engine.dispose()


async def test_a_broker_that_does_not_answer_is_not_our_sickness(bench: Any, clock: Clock) -> None:
    async with bench.running(clock=clock) as consumer:
        await bench.caught_up()
        os.kill(bench.broker.pid, signal.SIGSTOP)
        try:

            async def nothing_is_heard() -> bool:
                return bool(consumer.status.stalled_s > 3)

            async def excused() -> bool:
                return bool(consumer.status.stalled_s < NO_PROGRESS_S)

            await bench.eventually(nothing_is_heard)
            clock.skipped_s += NO_PROGRESS_S
            await bench.eventually(excused)
            reasons = await livez(consumer)
        finally:
            os.kill(bench.broker.pid, signal.SIGCONT)

    assert reasons == []
