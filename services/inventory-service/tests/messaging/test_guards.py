"""The inbox keeps out what is said twice, and behind it the order's version and the ledger's keys do.

What each of them keeps out is recorded: a run in which one was taken out of the code shows whether the
other does its work.
"""

import pytest
from aiokafka.structs import TopicPartition

from crossdock_chassis import fence
from crossdock_chassis.batches import Batches, Outcome
from crossdock_chassis.incoming import Incoming, LogId
from crossdock_contracts.envelope import Event
from crossdock_contracts.inventory import StockReservedV1
from inventory_service.messaging import HANDLERS

from ..samples import AnOrder
from ..stage import Stage, only


async def read_at(stage: Stage, offset: int, event: Event) -> Outcome:
    """Handle the event as a consumer that reads it at this offset."""
    assert event.meta is not None
    place = TopicPartition(event.TOPIC, 0)
    async with stage.database.transaction() as tx:
        await fence.ensure_rows(tx.connection, "inventory", [place])
        placed = await fence.take_positions(tx.connection, "inventory", [place], "cluster")
    log = LogId("cluster", placed[place].epoch)
    record = Incoming(
        *(place, offset, offset, log, 0, event.key, None, event.meta.event_id, (), b"", event, None)
    )
    return await Batches(stage.database, "inventory", HANDLERS).apply([record])


async def test_an_order_that_is_said_twice_is_answered_once(
    stage: Stage, request: pytest.FixtureRequest
) -> None:
    await stage.receive("mug", 2)
    created = AnOrder(lines={"mug": 1}).created()

    await read_at(stage, 0, created)
    answer = await stage.said_since()
    again = await read_at(stage, 1, created)

    request.node.user_properties += [("inbox", again.duplicates), ("version", again.applied)]
    assert only(answer, StockReservedV1).order_version == 1
    assert await stage.said_since() == []


async def test_a_parcel_that_is_said_twice_leaves_the_books_once(
    stage: Stage, request: pytest.FixtureRequest
) -> None:
    await stage.receive("mug", 2)
    order = AnOrder(lines={"mug": 1})
    reserved = only(await stage.hear(order.created()), StockReservedV1)
    parcel = order.shipped(*reserved.allocations)

    await read_at(stage, 0, parcel)
    again = await read_at(stage, 1, parcel)

    request.node.user_properties += [("inbox", again.duplicates), ("ledger", again.applied)]
    assert await stage.level("mug") == (1, 0, 0)
    assert await stage.exceptions() == []
    assert again.parked == 0
