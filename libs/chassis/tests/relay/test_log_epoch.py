"""A log that is lost is written anew, under the next epoch, whatever dies meanwhile."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from uuid import UUID, uuid4

from sqlalchemy import text

from crossdock_chassis.database import Database, Transaction
from crossdock_chassis.kafka import Kafka
from crossdock_chassis.log_epoch import begin_rebuild, read_position, request_rebuild
from crossdock_chassis.relay import Relay
from crossdock_chassis.relay_rows import read_wave, settle
from crossdock_chassis.testing.topics import Seen, read_until
from crossdock_cli.embedded.tansu import TansuBroker
from crossdock_contracts.envelope import Actor, ActorKind
from crossdock_contracts.notifications import NotificationFailedV1

StartRelay = Callable[..., tuple[Relay, asyncio.Task[None]]]
FAILED = "notification.failed"


def said(order_id: UUID, version: int) -> NotificationFailedV1:
    return NotificationFailedV1(
        merchant_id="default",
        aggregate_version=version,
        actor=Actor(kind=ActorKind.SERVICE, name="notify"),
        order_id=order_id,
        message_id=uuid4(),
        template="parcel_shipped",
        subject=str(order_id),
        channel="email",
        locale="en",
        revision=1,
        outcome_unknown=False,
        code="550",
    )


async def say(database: Database[Transaction], orders: Sequence[UUID], versions: Iterable[int]) -> None:
    """Every version of every order; fifty events a transaction."""
    events = [said(order_id, version) for version in versions for order_id in orders]
    for start in range(0, len(events), 50):
        async with database.transaction() as tx:
            for event in events[start : start + 50]:
                await tx.outbox.add(event)


async def until_quiet(database: Database[Transaction], *, epoch: int, limit_s: float = 20) -> None:
    """Wait until everything is sent and no rebuild is due, in at least this epoch."""
    async with asyncio.timeout(limit_s):
        while True:
            async with database.engine.connect() as connection:
                position = await read_position(connection)
                rows = await connection.scalar(text("select count(*) from outbox"))
            if rows == 0 and not position.rebuild_due and position.epoch >= epoch:
                return
            await asyncio.sleep(0.05)


async def logged(database: Database[Transaction]) -> set[UUID]:
    async with database.engine.connect() as connection:
        return set((await connection.execute(text("select event_id from event_log"))).scalars())


def of_epoch(seen: Iterable[Seen], epoch: int) -> list[Seen]:
    return [one for one in seen if one.epoch == epoch]


def all_of(event_ids: set[UUID], epoch: int) -> Callable[[Sequence[Seen]], bool]:
    return lambda seen: {one.event_id for one in of_epoch(seen, epoch)} >= event_ids


def versions_by_key(seen: Iterable[Seen]) -> dict[str, list[int]]:
    """Each key's versions in the order in which each was first seen."""
    found: defaultdict[str, dict[int, None]] = defaultdict(dict)
    for one in seen:
        found[one.key].setdefault(one.version)
    return {key: list(versions) for key, versions in found.items()}


async def test_everything_is_on_the_new_log_after_the_broker_was_lost(
    database: Database[Transaction], kafka: Kafka, start_relay: StartRelay, broker: TansuBroker
) -> None:
    orders = [uuid4() for _ in range(50)]
    start_relay()
    start_relay()
    await say(database, orders, range(1, 21))
    await until_quiet(database, epoch=1)

    await broker.kill()
    await broker.start()
    await say(database, orders, range(21, 51))
    await until_quiet(database, epoch=2)
    seen = await read_until(kafka, [FAILED], all_of(await logged(database), 2))

    assert len(await logged(database)) == 2_500
    assert max(one.epoch for one in seen) == 2
    assert versions_by_key(of_epoch(seen, 2)) == {str(one): list(range(1, 51)) for one in orders}


async def test_a_broker_lost_in_the_middle_of_writing_loses_nothing(
    database: Database[Transaction], kafka: Kafka, start_relay: StartRelay, broker: TansuBroker
) -> None:
    orders = [uuid4() for _ in range(50)]
    start_relay()
    start_relay()
    writing = asyncio.create_task(say(database, orders, range(1, 51)))

    async with asyncio.timeout(10), database.engine.connect() as connection:
        while True:
            if (await read_position(connection, [FAILED])).acked:
                break
            await asyncio.sleep(0.01)
    await broker.kill()
    await broker.start()
    await writing
    await until_quiet(database, epoch=2)
    seen = await read_until(kafka, [FAILED], all_of(await logged(database), 2))

    assert versions_by_key(of_epoch(seen, 2)) == {str(one): list(range(1, 51)) for one in orders}


async def test_a_loss_is_noticed_while_nobody_writes(
    database: Database[Transaction], kafka: Kafka, start_relay: StartRelay, broker: TansuBroker
) -> None:
    start_relay()
    await say(database, [uuid4()], range(1, 4))
    await until_quiet(database, epoch=1)

    await broker.restart()
    await until_quiet(database, epoch=2)
    seen = await read_until(kafka, [FAILED], all_of(await logged(database), 2))

    assert len(seen) == 3


async def test_the_first_cluster_is_no_loss(database: Database[Transaction], start_relay: StartRelay) -> None:
    start_relay()

    await say(database, [uuid4()], range(1, 4))
    await until_quiet(database, epoch=1)
    async with database.engine.connect() as connection:
        position = await read_position(connection, [FAILED])

    assert position.epoch == 1
    assert position.cluster_id is not None
    assert sum(offset + 1 for offset in position.acked.values()) == 3


async def test_topics_made_anew_in_a_living_cluster_are_noticed_by_their_offsets(
    database: Database[Transaction], kafka: Kafka, start_relay: StartRelay
) -> None:
    order_id = uuid4()
    start_relay()
    await say(database, [order_id], range(1, 4))
    await until_quiet(database, epoch=1)
    async with database.engine.begin() as connection:
        await connection.execute(text("update relay_ack set acked_offset = acked_offset + 1000"))

    await say(database, [order_id], [4])
    await until_quiet(database, epoch=2)
    seen = await read_until(kafka, [FAILED], all_of(await logged(database), 2))

    assert versions_by_key(of_epoch(seen, 2)) == {str(order_id): [1, 2, 3, 4]}


async def test_an_operator_has_the_log_written_anew(
    database: Database[Transaction], kafka: Kafka, start_relay: StartRelay
) -> None:
    order_id = uuid4()
    start_relay()
    await say(database, [order_id], range(1, 4))
    await until_quiet(database, epoch=1)

    async with database.engine.begin() as connection:
        asked = await request_rebuild(connection, "a partition was emptied by hand")
    await until_quiet(database, epoch=2)
    seen = await read_until(kafka, [FAILED], all_of(await logged(database), 2))

    assert asked
    assert [one.epoch for one in seen] == [1, 1, 1, 2, 2, 2]


async def test_a_rebuild_that_was_cut_off_goes_on(
    database: Database[Transaction], kafka: Kafka, start_relay: StartRelay
) -> None:
    orders = [uuid4() for _ in range(20)]
    relay, task = start_relay()
    await say(database, orders, range(1, 11))
    await until_quiet(database, epoch=1)
    await relay.stop()
    await task
    async with database.engine.begin() as connection:
        await request_rebuild(connection, "a test")
        position = await read_position(connection)
        assert position.cluster_id is not None
        await begin_rebuild(connection, position, position.cluster_id)
        await connection.execute(text("update log_epoch set rebuild_next = rebuild_next + 50"))

    start_relay()
    await until_quiet(database, epoch=2)
    seen = await read_until(kafka, [FAILED], lambda seen: len(of_epoch(seen, 2)) >= 150)

    assert len(of_epoch(seen, 2)) == 150
    assert max(one.epoch for one in seen) == 2


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
        settled = await settle(connection, stale.epoch, rows, {(FAILED, 0): (0, 0)})
        left = await connection.scalar(text("select count(*) from outbox"))
        twice = await begin_rebuild(connection, stale, "a third cluster")

    assert (len(rows), settled, left, twice) == (1, False, 1, False)
