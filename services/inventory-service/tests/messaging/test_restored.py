"""After a restore inventory's words are newer than all before, and its promises are the same again."""

from crossdock_contracts.inventory import StockLevelChangedV1, StockReservedV1

from ..samples import AnOrder
from ..stage import Stage, only

FLOOR = 2**32


async def restored(stage: Stage) -> None:
    async with stage.database.transaction() as tx:
        await tx.connection.exec_driver_sql("update restore_epoch set epoch = 1")


async def test_versions_are_counted_above_the_floor_of_the_epoch_and_on_from_there(stage: Stage) -> None:
    await stage.receive("mug", 10)
    order = AnOrder(lines=[("mug", 2)])
    await stage.hear(order.created())
    await restored(stage)

    reserved = [only(await stage.hear(order.changed()), StockReservedV1) for _ in range(2)]

    assert [one.aggregate_version for one in reserved] == [FLOOR + 1, FLOOR + 2]
    assert [one.allocation_version for one in reserved] == [FLOOR + 1, FLOOR + 2]


async def test_levels_are_newer_too(stage: Stage) -> None:
    await restored(stage)

    said = await stage.receive("mug", 10)

    assert only(said, StockLevelChangedV1).aggregate_version > FLOOR


async def test_the_same_promise_made_again_has_the_same_id(stage: Stage) -> None:
    await stage.receive("mug", 10)
    order = AnOrder(lines=[("mug", 2)])
    first = only(await stage.hear(order.created()), StockReservedV1)
    async with stage.database.transaction() as tx:
        for table in ("allocation", "order_line", "stock_order"):
            await tx.connection.exec_driver_sql(f"delete from {table}")

    again = only(await stage.hear(order.changed()), StockReservedV1)

    assert again.allocations == first.allocations
