"""Shard locks spare repetitions, and the inbox drops them.

What each of them was needed for is recorded: a run in which one was taken out of the code shows whether the
other does its work.
"""

import asyncio
from collections.abc import Callable
from uuid import UUID, uuid4

import pytest

from crossdock_chassis import inbox
from crossdock_chassis.database import Database, Transaction
from crossdock_chassis.kafka import Kafka
from crossdock_chassis.relay import Relay
from crossdock_chassis.testing.events import a_notification
from crossdock_chassis.testing.outbox import until_sent
from crossdock_chassis.testing.topics import read_until, versions_by_key


async def test_what_two_relays_send_together_is_new_once_and_in_order(
    database: Database[Transaction],
    kafka: Kafka,
    start_relay: Callable[..., tuple[Relay, asyncio.Task[None]]],
    request: pytest.FixtureRequest,
) -> None:
    start_relay()
    start_relay()
    orders = [uuid4() for _ in range(20)]
    for version in range(1, 6):
        for order_id in orders:
            async with database.transaction() as tx:
                await tx.outbox.add(a_notification(order_id, version))
    await until_sent(database)

    seen = await read_until(
        kafka, ["notification.sent"], lambda all_: len({one.event_id for one in all_}) == 100
    )
    new: list[UUID] = []
    async with database.transaction() as tx:
        for one in seen:
            new += await inbox.claim(tx.connection, "notify", [one.event_id])

    repeated = len(seen) - 100
    request.node.user_properties += [("locks", 0 if repeated else 100), ("inbox", repeated)]
    assert sorted(new) == sorted({one.event_id for one in seen})
    assert versions_by_key(seen) == {str(one): [1, 2, 3, 4, 5] for one in orders}
