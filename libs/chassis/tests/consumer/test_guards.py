"""Two guards keep an event from a second effect.

What each of them drops is recorded: a run in which one was taken out of the code shows whether the
other does its work.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from aiokafka.structs import ConsumerRecord, TopicPartition
from sqlalchemy import text

from crossdock_chassis import fence
from crossdock_chassis.batches import Batches
from crossdock_chassis.database import NO_CAUSE, Database, Transaction
from crossdock_chassis.handlers import Handlers
from crossdock_chassis.ids import new_id
from crossdock_chassis.incoming import Incoming, LogId, receive
from crossdock_chassis.testing.events import a_notification
from crossdock_chassis.wire import encode
from crossdock_contracts.envelope import Event
from crossdock_contracts.notifications import NotificationSentV1

PLACE = TopicPartition("notification.sent", 0)


async def write_effects(events: Sequence[Any], *, tx: Transaction) -> None:
    for one in events:
        await tx.connection.execute(
            text("insert into effect (event_id, key) values (:event_id, :key)"),
            {"event_id": one.meta.event_id, "key": one.key},
        )


HANDLERS: Handlers = {NotificationSentV1: write_effects}


def as_read(offset: int, event: Event, log: LogId) -> Incoming:
    """The event as it is read from the first partition of its topic."""
    wire = encode(event, event_id=new_id(), at=datetime.now(UTC), cause=NO_CAUSE)
    pairs = zip(wire.headers[::2], wire.headers[1::2], strict=True)
    headers = [(name, value.encode()) for name, value in pairs]
    record = ConsumerRecord(
        *(wire.topic, 0, offset, 0, 0, wire.key.encode(), wire.payload, None, 0, 0, headers)
    )
    return receive(record, read_from=offset, log=log, handlers=HANDLERS)


async def test_records_that_are_read_twice_have_one_effect_each(
    database: Database[Transaction], request: pytest.FixtureRequest
) -> None:
    async with database.transaction() as tx:
        await fence.ensure_rows(tx.connection, "notify", [PLACE])
        placed = await fence.take_positions(tx.connection, "notify", [PLACE], "cluster")
    log = LogId("cluster", placed[PLACE].epoch)
    records = [as_read(offset, a_notification(uuid4(), 1), log) for offset in range(3)]
    batches = Batches(database, "notify", HANDLERS)

    await batches.apply(records)
    again = await batches.apply(records)

    request.node.user_properties += [("fence", again.fenced), ("inbox", again.duplicates)]
    async with database.engine.connect() as connection:
        effects = (await connection.execute(text("select event_id from effect order by n"))).scalars().all()
    assert effects == [one.event_id for one in records]
    assert (again.applied, again.fenced + again.duplicates) == (0, 3)
