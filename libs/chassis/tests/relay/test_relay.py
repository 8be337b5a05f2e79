"""The relay sends what was committed, in order per key, whatever happens to relays and to single records."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from crossdock_chassis.database import Database, Transaction
from crossdock_chassis.kafka import Kafka
from crossdock_chassis.relay import Relay
from crossdock_chassis.relay_rows import release_parked
from crossdock_chassis.testing.events import a_notification
from crossdock_chassis.testing.outbox import until_sent
from crossdock_chassis.testing.topics import Seen, read_until, versions_by_key
from crossdock_chassis.wire import WireEvent
from crossdock_cli.embedded.tansu import TansuBroker

StartRelay = Callable[..., tuple[Relay, asyncio.Task[None]]]
SENT = "notification.sent"


async def say(database: Database[Transaction], order_id: UUID, versions: Iterable[int]) -> None:
    for version in versions:
        async with database.transaction() as tx:
            await tx.outbox.add(a_notification(order_id, version))


async def speak_and_fail(database: Database[Transaction], order_id: UUID) -> None:
    async with database.transaction() as tx:
        await tx.outbox.add(a_notification(order_id, 1))
        await tx.flush()
        raise ZeroDivisionError


async def count(database: Database[Transaction], table: str) -> int:
    async with database.engine.connect() as connection:
        return int((await connection.execute(text(f"select count(*) from {table}"))).scalar_one())


def at_least(number: int) -> Callable[[Sequence[Seen]], bool]:
    return lambda seen: len({one.event_id for one in seen}) >= number


async def test_what_is_committed_is_published_and_leaves_the_outbox(
    database: Database[Transaction], kafka: Kafka, start_relay: StartRelay
) -> None:
    order_id = uuid4()
    start_relay()

    await say(database, order_id, [1])
    seen = await read_until(kafka, [SENT], at_least(1))
    await until_sent(database)

    assert [(one.key, one.version, one.epoch) for one in seen] == [(str(order_id), 1, 1)]
    assert await count(database, "event_log") == 1


async def test_an_aborted_transaction_says_nothing(
    database: Database[Transaction], kafka: Kafka, start_relay: StartRelay
) -> None:
    refused, kept = uuid4(), uuid4()
    start_relay()

    with pytest.raises(ZeroDivisionError):
        await speak_and_fail(database, refused)
    await say(database, kept, [1])
    seen = await read_until(kafka, [SENT], at_least(1))

    assert {one.key for one in seen} == {str(kept)}
    assert await count(database, "event_log") == 1


async def test_versions_of_a_key_arrive_in_order_from_concurrent_writers(
    database: Database[Transaction], kafka: Kafka, start_relay: StartRelay
) -> None:
    orders = [uuid4() for _ in range(8)]
    async with database.engine.begin() as connection:
        for order_id in orders:
            await connection.execute(text("insert into aggregate values (:id)"), {"id": order_id})

    async def write(order_id: UUID) -> None:
        for _ in range(15):
            async with database.transaction() as tx:
                version = await tx.connection.scalar(
                    text("update aggregate set version = version + 1 where order_id = :id returning version"),
                    {"id": order_id},
                )
                await tx.outbox.add(a_notification(order_id, version))

    start_relay()
    start_relay()
    await asyncio.gather(*(write(order_id) for order_id in orders for _ in range(2)))
    seen = await read_until(kafka, [SENT], at_least(8 * 30))

    assert versions_by_key(seen) == {str(order_id): list(range(1, 31)) for order_id in orders}


async def test_rows_of_a_key_leave_in_the_order_in_which_they_were_written_whatever_their_ids_say(
    database: Database[Transaction], kafka: Kafka, start_relay: StartRelay
) -> None:
    order_id = uuid4()
    async with database.transaction() as slow:
        await slow.outbox.add(a_notification(order_id, 2))  # its id is made here, its row with the commit
        await say(database, order_id, [1])

    start_relay()
    seen = await read_until(kafka, [SENT], at_least(2))

    assert versions_by_key(seen) == {str(order_id): [1, 2]}


async def test_a_row_is_deleted_after_its_record_is_on_the_topic_and_not_before(
    database: Database[Transaction], kafka: Kafka, start_relay: StartRelay
) -> None:
    order_id = uuid4()
    await say(database, order_id, [1])

    async with database.engine.begin() as holder:
        await holder.execute(text("lock table outbox in share mode"))  # may be read, not deleted from
        start_relay()
        seen = await read_until(kafka, [SENT], at_least(1))
    await until_sent(database)

    assert versions_by_key(seen) == {str(order_id): [1]}


async def test_a_relay_that_ends_without_a_word_is_replaced(
    database: Database[Transaction], kafka: Kafka, start_relay: StartRelay
) -> None:
    order_id = uuid4()
    _, first = start_relay()
    await say(database, order_id, [1])
    await until_sent(database)
    start_relay()

    first.cancel()
    await say(database, order_id, [2, 3])
    seen = await read_until(kafka, [SENT], at_least(3), limit_s=5)

    assert versions_by_key(seen) == {str(order_id): [1, 2, 3]}


async def test_a_record_that_is_too_large_parks_its_key_alone_and_in_order(
    database: Database[Transaction], kafka: Kafka, start_relay: StartRelay
) -> None:
    large, other = uuid4(), uuid4()
    await say(database, large, [1])
    async with database.transaction() as tx:
        await tx.outbox.add(a_notification(large, 2).model_copy(update={"reason": "x" * 5_000}))
    await say(database, large, [3])
    await say(database, other, [1, 2])

    relay, task = start_relay(replace(kafka, max_record_bytes=2_000))
    seen = await read_until(kafka, [SENT], at_least(3))
    await until_sent(database)
    await say(database, large, [4])
    await until_sent(database)
    async with database.engine.connect() as connection:
        parked = (
            await connection.execute(text("select key, error from outbox_parked order by shard, seq"))
        ).all()
    await relay.stop()
    await task
    async with database.engine.begin() as connection:
        released = await release_parked(connection, str(large))
    start_relay()
    whole = await read_until(kafka, [SENT], at_least(6))

    assert versions_by_key(seen) == {str(large): [1], str(other): [1, 2]}
    assert [one.key for one in parked] == [str(large)] * 3
    assert "more than 2000" in parked[0].error
    assert released == 3
    assert versions_by_key(whole) == {str(large): [1, 2, 3, 4], str(other): [1, 2]}


async def test_a_record_for_a_topic_that_does_not_exist_parks_its_key_alone(
    database: Database[Transaction], kafka: Kafka, start_relay: StartRelay
) -> None:
    stray, other = uuid4(), uuid4()
    async with database.transaction() as tx:
        tx.outbox.add_wire(WireEvent(uuid4(), "gone.away", str(stray), (), b"{}"))
    await say(database, stray, [2])
    await say(database, other, [1])

    start_relay()
    seen = await read_until(kafka, [SENT], at_least(1))
    await until_sent(database)

    assert versions_by_key(seen) == {str(other): [1]}
    assert await count(database, "outbox_parked") == 2


async def test_time_outs_never_park(
    database: Database[Transaction], kafka: Kafka, start_relay: StartRelay, broker: TansuBroker
) -> None:
    order_id = uuid4()
    start_relay()
    await say(database, order_id, [1])
    await until_sent(database)

    await broker.kill()
    await say(database, order_id, range(2, 20))
    await asyncio.sleep(2)
    waiting, parked = await count(database, "outbox"), await count(database, "outbox_parked")
    await broker.start()
    seen = await read_until(kafka, [SENT], at_least(19))

    assert (waiting, parked) == (18, 0)
    assert versions_by_key(seen) == {str(order_id): list(range(1, 20))}
    assert await count(database, "outbox_parked") == 0
