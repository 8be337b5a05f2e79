"""The hot paths cost the same number of statements for one event and for a hundred."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import event

from crossdock_contracts.envelope import Event
from crossdock_contracts.inventory import StockReservedV1
from crossdock_contracts.orders import FulfilmentState

from ..samples import AnOrder
from ..stage import Stage, all_of

#: The most statements a batch may take, with begin, clock, outbox and the stage's own look at the outbox.
MOST = 20


async def statements(stage: Stage, events: Sequence[Event]) -> tuple[int, list[Event]]:
    """How many statements one batch took, and what it said."""
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, sql: str, *_: Any) -> None:
        seen.append(sql)

    engine = stage.database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        said = await stage.hear(*events)
    finally:
        event.remove(engine, "before_cursor_execute", note)
    return len(seen), said


async def test_a_hundred_new_orders_take_no_more_statements_than_one(stage: Stage) -> None:
    await stage.receive("mug", 500)
    await stage.receive("cap", 500)

    one, _ = await statements(stage, [AnOrder(lines={"mug": 1, "cap": 1}).created()])
    hundred, said = await statements(
        stage, [AnOrder(lines={"mug": 1, "cap": 2}).created() for _ in range(100)]
    )

    assert len(all_of(said, StockReservedV1)) == 100
    assert one == hundred <= MOST


async def test_a_hundred_parcels_take_no_more_statements_than_one(stage: Stage) -> None:
    await stage.receive("mug", 500)
    orders = [AnOrder(lines={"mug": 1}) for _ in range(101)]
    sets = all_of(await stage.hear(*(one.created() for one in orders)), StockReservedV1)
    parcels = [order.shipped(*found.allocations) for order, found in zip(orders, sets, strict=True)]

    one, _ = await statements(stage, parcels[:1])
    hundred, _ = await statements(stage, parcels[1:])

    assert await stage.level("mug") == (399, 0, 0)
    assert one == hundred <= MOST


async def test_a_hundred_opened_orders_take_no_more_statements_than_one(stage: Stage) -> None:
    await stage.receive("mug", 500)
    orders = [AnOrder(lines={"mug": 1}) for _ in range(101)]
    await stage.hear(*(one.created(FulfilmentState.HELD) for one in orders))
    opened = [one.changed() for one in orders]

    one, _ = await statements(stage, opened[:1])
    hundred, said = await statements(stage, opened[1:])

    assert len(all_of(said, StockReservedV1)) == 100
    assert one == hundred <= MOST
