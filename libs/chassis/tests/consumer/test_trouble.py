"""Databases, brokers and processes that die or come back, under a consumer."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

from aiokafka.structs import ConsumerRecord
from sqlalchemy import pool, text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from crossdock_chassis import fence
from crossdock_chassis.batches import Batches
from crossdock_chassis.consumer_session import BATCH_RECORDS
from crossdock_chassis.database import Transaction
from crossdock_chassis.incoming import Incoming, LogId, receive
from crossdock_chassis.reading import HIGH_WATER, LOW_WATER
from crossdock_contracts.notifications import NotificationSentV1

LOG = LogId("cluster", 0)


class Gate:
    """A handler that waits, after its effects, until the test lets it go on."""

    def __init__(self, bench: Any) -> None:
        self.entered = asyncio.Event()
        self.open = asyncio.Event()
        self.calls = 0
        self._bench = bench

    async def __call__(self, events: Sequence[Any], *, tx: Transaction) -> None:
        self.calls += 1
        self.entered.set()
        await self._bench.write_effects(events, tx=tx)
        await self.open.wait()


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[AsyncConnection]:
    engine = create_async_engine(url, poolclass=pool.NullPool)
    try:
        async with engine.connect() as connection:
            yield connection
    finally:
        await engine.dispose()


async def test_a_killed_database_session_is_tried_again_and_parks_nothing(bench: Any) -> None:
    gate = Gate(bench)
    await bench.publish(bench.sent(uuid4(), "one"))

    async with bench.running({NotificationSentV1: gate}):
        await gate.entered.wait()
        await bench.query(
            "select pg_terminate_backend(pid) from pg_stat_activity where state = 'idle in transaction'"
        )
        gate.open.set()
        await bench.has_effects("one")

    assert gate.calls == 2
    assert await bench.query("select count(*) from parked_key") == [0]


async def test_a_lock_that_is_held_too_long_is_waited_for(bench: Any) -> None:
    await bench.publish(bench.sent(uuid4(), "one"))

    async with bench.running() as consumer, connected(bench.urls.owner_url) as rogue:
        await rogue.execute(text("lock table effect in access exclusive mode"))

        async def retries() -> bool:
            return consumer.status.retrying_s is not None

        await bench.eventually(retries)
        await rogue.rollback()
        await bench.has_effects("one")

    assert await bench.query("select count(*) from parked_key") == [0]


async def test_back_pressure_pauses_the_partitions_and_resumes_them(bench: Any) -> None:
    gate = Gate(bench)
    order = uuid4()
    names = [f"{number:04}" for number in range(2600)]
    await bench.publish(*(bench.sent(order, one) for one in names))

    async with bench.running({NotificationSentV1: gate}) as consumer:
        await gate.entered.wait()

        async def is_paused() -> bool:
            return bool(consumer.status.paused)

        await bench.eventually(is_paused)
        await asyncio.sleep(0.5)
        queued = consumer.status.queued
        gate.open.set()
        await bench.caught_up()
        still_paused = consumer.status.paused

    assert LOW_WATER < queued <= HIGH_WATER + BATCH_RECORDS
    assert not still_paused
    assert await bench.effects() == names


async def test_a_zombie_and_the_new_owner_have_their_effects_once(bench: Any) -> None:
    """The old owner loses partitions while a batch is in its handler; it commits while the new one waits."""
    gate = Gate(bench)
    await bench.publish(*(bench.sent(uuid4(), f"t{number}") for number in range(20)))

    async with bench.running({NotificationSentV1: gate}) as old:
        await gate.entered.wait()
        async with bench.running({NotificationSentV1: bench.write_effects}) as new:

            async def both_own_some() -> bool:
                return (old.status.partitions, new.status.partitions) == (1, 1)

            await bench.eventually(both_own_some)
            # The new owner stands before the same records and waits for the old one's fence rows.
            await bench.eventually(lambda: waits_for_the_fence(bench))
            gate.open.set()
            await bench.caught_up()

    assert sorted(await bench.effects()) == sorted(f"t{number}" for number in range(20))


async def test_the_fence_alone_keeps_a_zombie_from_doing_it_again(bench: Any) -> None:
    """A record without an id is in no inbox, and the inbox is emptied: only the fence tells it is done."""
    gate = Gate(bench)
    zombie = Batches(bench.database, bench.name, {NotificationSentV1: gate})
    owner = Batches(bench.database, bench.name, {NotificationSentV1: bench.write_effects})
    good = bench.record_of(bench.sent(uuid4(), "one"), epoch=0)
    poison = {**good, "key": b"other", "headers": []}
    records = [taken(poison, 0), taken(poison, 1), taken(good, 2)]
    async with bench.database.transaction() as tx:
        await fence.ensure_rows(tx.connection, bench.name, [records[0].partition])
        await fence.take_positions(tx.connection, bench.name, [records[0].partition], LOG.cluster_id)

    slow = asyncio.create_task(zombie.apply(records))
    await gate.entered.wait()
    waiting = asyncio.create_task(owner.apply(records))
    await bench.eventually(lambda: waits_for_the_fence(bench))
    gate.open.set()
    outcomes = [await slow, await waiting]
    await bench.query("delete from inbox returning 1")
    outcomes.append(await zombie.apply(records))

    assert [one.fenced for one in outcomes] == [0, 3, 3]
    assert await bench.effects() == ["one"]
    assert await bench.query("select count(*) from parked_event") == [2]


def taken(record: dict[str, Any], offset: int) -> Incoming:
    """The record as the poll task hands it on."""
    read = ConsumerRecord(
        record["topic"], 0, offset, 0, 0, record["key"], record["value"], None, 0, 0, tuple(record["headers"])
    )
    return receive(read, read_from=offset, log=LOG, handlers={NotificationSentV1: None})


async def waits_for_the_fence(bench: Any) -> bool:
    rows = await bench.query(
        "select 1 from pg_stat_activity where wait_event_type = 'Lock' and query like '%consumer_fence%'"
    )
    return bool(rows)


async def test_a_higher_epoch_is_read_from_its_beginning_and_a_lower_one_is_dropped(bench: Any) -> None:
    order = uuid4()
    old = await bench.publish(bench.sent(order, "one"), bench.sent(order, "two"), epoch=1)
    async with bench.running():
        await bench.caught_up()
        await bench.publish_again(*old, epoch=2)
        await bench.publish(bench.sent(order, "three"), epoch=2)
        await bench.publish(bench.sent(order, "late"), epoch=1)
        await bench.publish(bench.sent(order, "four"), epoch=2)
        await bench.caught_up()

    assert await bench.effects() == ["one", "two", "three", "four"]
    assert await bench.query("select epoch, next_offset from consumer_fence where epoch > 0") == [(2, 7)]


async def test_records_before_a_reader_that_jumped_into_a_rebuilt_log_are_not_lost(bench: Any) -> None:
    order = uuid4()
    await bench.publish(*(bench.sent(order, f"new{number}") for number in range(6)), epoch=2)
    async with bench.running():
        await bench.caught_up()
    # The fence as an older log left it: four records of epoch 1 were read where now six of epoch 2 lie.
    await bench.query("delete from effect returning 1")
    await bench.query("delete from inbox returning 1")
    await bench.query(
        "update consumer_fence set epoch = 1, next_offset = 4 where next_offset > 0 returning 1"
    )

    async with bench.running():
        await bench.caught_up()

    assert await bench.effects() == [f"new{number}" for number in range(6)]


async def test_a_log_that_ends_before_the_fence_is_looked_through_from_its_beginning(bench: Any) -> None:
    order = uuid4()
    await bench.publish(*(bench.sent(order, f"new{number}") for number in range(3)), epoch=2)
    async with bench.running():
        await bench.caught_up()
    await bench.query("delete from effect returning 1")
    await bench.query("delete from inbox returning 1")
    await bench.query(
        "update consumer_fence set epoch = 1, next_offset = 900 where next_offset > 0 returning 1"
    )

    async with bench.running():
        await bench.has_effects("new0", "new1", "new2")


async def test_a_broker_that_comes_back_empty_is_read_from_its_beginning(bench: Any) -> None:
    order = uuid4()
    old = await bench.publish(*(bench.sent(order, f"old{number}") for number in range(5)))
    before = bench.broker.cluster_id
    async with bench.running():
        await bench.caught_up()
        await bench.broker.kill()
        await bench.broker.start()
        await bench.publish_again(*old[3:], epoch=1)
        await bench.publish(bench.sent(order, "new0"), bench.sent(order, "new1"), epoch=1)
        await bench.has_effects(*(f"old{number}" for number in range(5)), "new0", "new1", within_s=40)
        await bench.caught_up()

    clusters = await bench.query("select distinct cluster_id from consumer_fence")
    assert bench.broker.cluster_id != before
    assert clusters == [bench.broker.cluster_id]
    assert (await bench.effects())[-2:] == ["new0", "new1"]
