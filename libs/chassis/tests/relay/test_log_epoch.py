"""A log that is lost is written anew, under the next epoch, whatever dies meanwhile."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from uuid import UUID, uuid4

from sqlalchemy import text
from structlog.testing import capture_logs

from crossdock_chassis.database import Database, Transaction
from crossdock_chassis.kafka import Kafka
from crossdock_chassis.log_epoch import begin_rebuild, read_position, request_rebuild
from crossdock_chassis.relay import Relay
from crossdock_chassis.relay_rows import read_wave, settle
from crossdock_chassis.testing.events import a_notification
from crossdock_chassis.testing.outbox import until_sent
from crossdock_chassis.testing.topics import Seen, read_until, versions_by_key
from crossdock_chassis.windows import check_windows
from crossdock_cli.embedded.tansu import TansuBroker

StartRelay = Callable[..., tuple[Relay, asyncio.Task[None]]]
SENT = "notification.sent"


async def say(database: Database[Transaction], orders: Sequence[UUID], versions: Iterable[int]) -> None:
    """Every version of every order; fifty events a transaction."""
    events = [a_notification(order_id, version) for version in versions for order_id in orders]
    for start in range(0, len(events), 50):
        async with database.transaction() as tx:
            for event in events[start : start + 50]:
                await tx.outbox.add(event)


async def logged(database: Database[Transaction]) -> set[UUID]:
    async with database.engine.connect() as connection:
        return set((await connection.execute(text("select event_id from event_log"))).scalars())


def of_epoch(seen: Iterable[Seen], epoch: int) -> list[Seen]:
    return [one for one in seen if one.epoch == epoch]


def all_of(event_ids: set[UUID], epoch: int) -> Callable[[Sequence[Seen]], bool]:
    return lambda seen: {one.event_id for one in of_epoch(seen, epoch)} >= event_ids


async def test_everything_is_on_the_new_log_after_the_broker_was_lost(
    database: Database[Transaction], kafka: Kafka, start_relay: StartRelay, broker: TansuBroker
) -> None:
    orders = [uuid4() for _ in range(50)]
    start_relay()
    start_relay()
    await say(database, orders, range(1, 21))
    await until_sent(database)

    await broker.kill()
    await broker.start()
    await say(database, orders, range(21, 51))
    await until_sent(database, epoch=2)
    seen = await read_until(kafka, [SENT], all_of(await logged(database), 2))

    assert len(await logged(database)) == 2_500
    assert max(one.epoch for one in seen) == 2
    assert versions_by_key(seen, epoch=2) == {str(one): list(range(1, 51)) for one in orders}


async def test_a_broker_lost_in_the_middle_of_writing_loses_nothing(
    database: Database[Transaction], kafka: Kafka, start_relay: StartRelay, broker: TansuBroker
) -> None:
    orders = [uuid4() for _ in range(50)]
    start_relay()
    start_relay()
    writing = asyncio.create_task(say(database, orders, range(1, 51)))

    async with asyncio.timeout(10), database.engine.connect() as connection:
        while True:
            if (await read_position(connection, [SENT])).acked:
                break
            await asyncio.sleep(0.01)
    await broker.kill()
    await broker.start()
    await writing
    await until_sent(database, epoch=2)
    seen = await read_until(kafka, [SENT], all_of(await logged(database), 2))

    assert versions_by_key(seen, epoch=2) == {str(one): list(range(1, 51)) for one in orders}


async def test_a_loss_is_noticed_while_nobody_writes(
    database: Database[Transaction], kafka: Kafka, start_relay: StartRelay, broker: TansuBroker
) -> None:
    start_relay()
    await say(database, [uuid4()], range(1, 4))
    await until_sent(database)

    await broker.restart()
    await until_sent(database, epoch=2)
    seen = await read_until(kafka, [SENT], all_of(await logged(database), 2))

    assert len(seen) == 3


async def test_the_first_cluster_is_no_loss(database: Database[Transaction], start_relay: StartRelay) -> None:
    start_relay()

    await say(database, [uuid4()], range(1, 4))
    await until_sent(database)
    async with database.engine.connect() as connection:
        position = await read_position(connection, [SENT])

    assert position.epoch == 1
    assert position.cluster_id is not None
    assert sum(offset + 1 for offset in position.acked.values()) == 3


async def test_topics_made_anew_in_a_living_cluster_are_noticed_by_their_offsets(
    database: Database[Transaction], kafka: Kafka, start_relay: StartRelay
) -> None:
    order_id = uuid4()
    start_relay()
    await say(database, [order_id], range(1, 4))
    await until_sent(database)
    async with database.engine.begin() as connection:
        await connection.execute(text("update relay_ack set acked_offset = acked_offset + 1000"))

    await say(database, [order_id], [4])
    await until_sent(database, epoch=2)
    seen = await read_until(kafka, [SENT], all_of(await logged(database), 2))

    assert versions_by_key(seen, epoch=2) == {str(order_id): [1, 2, 3, 4]}


async def test_an_operator_has_the_log_written_anew(
    database: Database[Transaction], kafka: Kafka, start_relay: StartRelay
) -> None:
    order_id = uuid4()
    start_relay()
    await say(database, [order_id], range(1, 4))
    await until_sent(database)

    async with database.engine.begin() as connection:
        asked = await request_rebuild(connection, "a partition was emptied by hand")
    await until_sent(database, epoch=2)
    seen = await read_until(kafka, [SENT], all_of(await logged(database), 2))

    assert asked
    assert [one.epoch for one in seen] == [1, 1, 1, 2, 2, 2]


async def test_a_rebuild_that_was_cut_off_goes_on(
    database: Database[Transaction], kafka: Kafka, start_relay: StartRelay
) -> None:
    orders = [uuid4() for _ in range(20)]
    relay, task = start_relay()
    await say(database, orders, range(1, 11))
    await until_sent(database)
    await relay.stop()
    await task
    async with database.engine.begin() as connection:
        await request_rebuild(connection, "a test")
        position = await read_position(connection)
        assert position.cluster_id is not None
        await begin_rebuild(connection, position, position.cluster_id)
        await connection.execute(text("update log_epoch set rebuild_next = rebuild_next + 50"))

    start_relay()
    await until_sent(database, epoch=2)
    seen = await read_until(kafka, [SENT], lambda seen: len(of_epoch(seen, 2)) >= 150)

    assert len(of_epoch(seen, 2)) == 150
    assert max(one.epoch for one in seen) == 2


async def test_a_broker_that_does_not_tell_its_windows_is_no_reason_not_to_start(kafka: Kafka) -> None:
    with capture_logs() as logs:
        await check_windows(kafka, [SENT])

    assert [one["event"] for one in logs] == ["windows.unknown"]


async def test_nothing_is_sent_to_a_broker_that_came_back_without_topics(
    database: Database[Transaction], kafka: Kafka, start_relay: StartRelay, broker: TansuBroker
) -> None:
    order_id = uuid4()
    start_relay()
    await say(database, [order_id], range(1, 4))
    await until_sent(database)

    await broker.kill()
    await broker.start(with_topics=False)
    await say(database, [order_id], range(4, 7))
    await asyncio.sleep(1)
    async with database.engine.connect() as connection:
        held = await connection.scalar(text("select count(*) from outbox"))
    await broker.create_topics()
    await until_sent(database, epoch=2)
    seen = await read_until(kafka, [SENT], all_of(await logged(database), 2))

    assert held == 3
    assert versions_by_key(seen, epoch=2) == {str(order_id): [1, 2, 3, 4, 5, 6]}


async def test_what_rests_in_parking_stays_there_when_the_log_is_written_anew(
    database: Database[Transaction], kafka: Kafka, start_relay: StartRelay
) -> None:
    order_id = uuid4()
    await say(database, [order_id], [1])
    async with database.transaction() as tx:
        await tx.outbox.add(a_notification(order_id, 2, reason="x" * 500))
    await say(database, [order_id], [3])
    start_relay(replace(kafka, max_record_bytes=1_200))
    await until_sent(database)

    async with database.engine.begin() as connection:
        await request_rebuild(connection, "a test")
    await until_sent(database, epoch=2)
    seen = await read_until(kafka, [SENT], lambda seen: len(of_epoch(seen, 2)) >= 1)
    async with database.engine.connect() as connection:
        parked = await connection.scalar(text("select count(*) from outbox_parked"))

    assert [(one.version, one.epoch) for one in seen] == [(1, 1), (1, 2)]
    assert parked == 2


async def test_an_event_that_can_no_longer_be_sent_again_parks_its_key_from_there_on(
    database: Database[Transaction], kafka: Kafka, start_relay: StartRelay
) -> None:
    order_id = uuid4()
    await say(database, [order_id], [1])
    async with database.transaction() as tx:
        await tx.outbox.add(a_notification(order_id, 2, reason="x" * 500))
    await say(database, [order_id], [3])
    relay, task = start_relay()
    await until_sent(database)
    await relay.stop()
    await task

    async with database.engine.begin() as connection:
        await request_rebuild(connection, "a test")
    start_relay(replace(kafka, max_record_bytes=1_200))
    await until_sent(database, epoch=2)
    async with database.engine.connect() as connection:
        parked = await connection.scalar(text("select count(*) from outbox_parked"))
    seen = await read_until(kafka, [SENT], lambda seen: len(of_epoch(seen, 2)) >= 1)

    assert parked == 2
    assert {one.version for one in of_epoch(seen, 2)} == {1}


async def test_a_relay_that_missed_a_rebuild_deletes_nothing(
    database: Database[Transaction], kafka: Kafka, start_relay: StartRelay
) -> None:
    order_id = uuid4()
    await say(database, [order_id], [1])
    async with database.engine.begin() as connection:
        rows = await read_wave(connection, range(64))
        stale = await read_position(connection)
        await begin_rebuild(connection, stale, "another cluster")

    async with database.engine.begin() as connection:
        settled = await settle(connection, stale.epoch, rows, {(SENT, 0): (0, 0)})
        left = await connection.scalar(text("select count(*) from outbox"))
        twice = await begin_rebuild(connection, stale, "a third cluster")

    assert (len(rows), settled, left, twice) == (1, False, 1, False)
