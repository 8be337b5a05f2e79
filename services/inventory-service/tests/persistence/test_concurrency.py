"""Several transactions at once: nothing is sold twice, nobody waits in a circle, the books agree."""

import asyncio
import random
from collections.abc import Sequence

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from crossdock_contracts.inventory import (
    StockLevelChangedV1,
    StockRejectedV1,
    StockReservedV1,
)
from crossdock_contracts.orders import FulfilmentPolicy, OrderSnapshot
from inventory_service.domain.catalogue import Sku
from inventory_service.messaging.order_events import on_order
from inventory_service.use_cases.put_catalogue import put_skus

from ..samples import MERCHANT, AnOrder
from ..stage import A_PERSON, Stage, all_of, only


async def hear_apart(stage: Stage, *batches: Sequence[OrderSnapshot]) -> None:
    """Each batch in a transaction of its own, 20 at once. A deadlock fails the test."""
    connections = asyncio.Semaphore(20)

    async def one(batch: Sequence[OrderSnapshot]) -> None:
        async with connections, stage.database.transaction() as tx:
            await on_order(batch, tx=tx)

    await asyncio.gather(*(one(batch) for batch in batches))


async def add_skus(stage: Stage, number: int) -> list[str]:
    names = [f"sku-{n:03}" for n in range(number)]
    async with stage.database.transaction() as tx:
        await put_skus(MERCHANT, [Sku(sku=name, title=name) for name in names], because=A_PERSON, tx=tx)
    await stage.said_since()
    return names


async def test_two_orders_race_for_the_last_unit_and_one_gets_it(stage: Stage) -> None:
    await stage.receive("mug", 1)

    await hear_apart(stage, *([AnOrder(lines={"mug": 1}).created()] for _ in range(2)))

    said = await stage.said_since()
    assert len(all_of(said, StockReservedV1)) == 1
    assert len(all_of(said, StockRejectedV1)) == 1
    assert await stage.level("mug") == (1, 1, 0)


async def test_200_orders_at_once_for_a_hot_sku_sell_what_there_is_and_no_more(stage: Stage) -> None:
    await stage.receive("mug", 150)
    orders = [AnOrder(lines={"mug": 1}) for _ in range(200)]

    await hear_apart(stage, *([one.created()] for one in orders))

    said = await stage.said_since()
    assert len(all_of(said, StockReservedV1)) == 150
    assert len(all_of(said, StockRejectedV1)) == 50
    assert await stage.level("mug") == (150, 150, 0)
    versions = sorted(one.aggregate_version for one in all_of(said, StockLevelChangedV1))
    assert len(set(versions)) == len(versions)
    assert versions == list(range(versions[0], versions[0] + len(versions)))
    assert await stage.drift() == []


async def test_a_batch_of_a_hot_sku_tells_the_level_once(stage: Stage) -> None:
    await stage.receive("mug", 100)

    said = await stage.hear(*(AnOrder(lines={"mug": 1}).created() for _ in range(100)))

    assert len(all_of(said, StockReservedV1)) == 100
    assert only(said, StockLevelChangedV1).reserved == 100


async def test_an_order_of_200_lines_is_reserved_from_two_warehouses(stage: Stage) -> None:
    names = await add_skus(stage, 200)
    for n, name in enumerate(names):
        await stage.receive(name, 3, "BER" if n % 2 else "POZ")
    order = AnOrder(lines=dict.fromkeys(names, 2), policy=FulfilmentPolicy.ALL_OR_NOTHING)

    reserved = only(await stage.hear(order.created()), StockReservedV1)

    assert reserved.complete
    assert len(reserved.allocations) == len(reserved.skus) == 200
    assert [one.warehouse for one in reserved.warehouses] == ["BER", "POZ"]


async def test_transactions_that_name_skus_in_any_order_do_not_deadlock(stage: Stage) -> None:
    names = await add_skus(stage, 12)
    for name in names:
        await stage.receive(name, 1000)
    chance = random.Random(7)

    def a_batch() -> list[OrderSnapshot]:
        return [AnOrder(lines=dict.fromkeys(chance.sample(names, 6), 1)).created() for _ in range(5)]

    await hear_apart(stage, *(a_batch() for _ in range(12)))

    reserved = all_of(await stage.said_since(), StockReservedV1)
    assert len(reserved) == 60
    assert all(one.complete for one in reserved)
    assert await stage.drift() == []


async def test_skus_nobody_has_seen_before_do_not_deadlock_either(stage: Stage) -> None:
    chance = random.Random(7)
    names = [f"new-{n}" for n in range(8)]

    batches = [[AnOrder(lines=dict.fromkeys(chance.sample(names, 8), 1)).created()] for _ in range(8)]
    await hear_apart(stage, *batches)

    assert len(all_of(await stage.said_since(), StockRejectedV1)) == 8


async def test_a_receipt_and_a_backorder_at_the_same_time_find_each_other(stage: Stage) -> None:
    orders = [AnOrder(lines={"mug": 1}, policy=FulfilmentPolicy.BACKORDER) for _ in range(6)]

    await asyncio.gather(
        hear_apart(stage, *([one.created()] for one in orders[:3])),
        stage.receive("mug", 6),
        hear_apart(stage, *([one.created()] for one in orders[3:])),
    )

    assert await stage.level("mug") == (6, 6, 0)
    waiting = await stage.rows("select 1 from order_line where waiting > 0")
    assert waiting == []


async def test_a_waiting_order_that_a_receipt_had_to_skip_is_served_by_who_held_it(stage: Stage) -> None:
    order = AnOrder(lines={"mug": 2}, policy=FulfilmentPolicy.BACKORDER)
    created = order.created()
    await stage.hear(created)

    async with stage.database.transaction() as tx:
        await tx.connection.execute(text("select from stock_order for update"))
        skipped = await stage.receive("mug", 2)
        await on_order([created], tx=tx)

    assert all_of(skipped, StockReservedV1) == []
    assert only(await stage.said_since(), StockReservedV1).complete


async def test_more_waiting_lines_than_one_transaction_serves_are_served_by_the_timer(stage: Stage) -> None:
    orders = [AnOrder(lines={"mug": 1}, policy=FulfilmentPolicy.BACKORDER) for _ in range(250)]
    await stage.hear(*(one.created() for one in orders))

    first = all_of(await stage.receive("mug", 250), StockReservedV1)
    rest = all_of(await stage.fire("wake_waiting", f"{MERCHANT}/mug"), StockReservedV1)

    assert (len(first), len(rest)) == (200, 50)
    assert await stage.rows("select 1 from timer") == []
    assert await stage.level("mug") == (250, 250, 0)


async def test_the_database_itself_refuses_a_promise_of_what_is_not_there(stage: Stage) -> None:
    await stage.receive("mug", 1)

    with pytest.raises(DBAPIError, match="promised_is_there"):
        async with stage.database.transaction() as tx:
            await tx.connection.exec_driver_sql("update stock_level set reserved = 2")


@pytest.mark.parametrize("table", ["stock_movement", "allocation_history", "catalogue_change"])
@pytest.mark.parametrize("verb", ["delete from {}", "update {} set actor_name = 'x'"])
async def test_the_service_cannot_rewrite_what_is_append_only(stage: Stage, table: str, verb: str) -> None:
    with pytest.raises(DBAPIError, match="permission denied"):
        async with stage.database.transaction() as tx:
            await tx.connection.exec_driver_sql(verb.format(table))
