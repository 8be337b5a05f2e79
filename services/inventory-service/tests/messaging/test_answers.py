"""Every order version that is not held is answered exactly once."""

from datetime import timedelta

from crossdock_contracts.inventory import (
    ReleaseCause,
    StockLevelChangedV1,
    StockRejectedV1,
    StockReleasedV1,
    StockReservedV1,
    UnfilledReason,
)
from crossdock_contracts.orders import FulfilmentPolicy, FulfilmentState
from inventory_service.domain.catalogue import Sku, Warehouse
from inventory_service.use_cases.put_catalogue import (
    deactivate_sku,
    deactivate_warehouse,
    put_skus,
    put_warehouse,
)

from ..samples import MERCHANT, NOON, AnOrder
from ..stage import A_PERSON, Stage, a_warehouse, all_of, allocated, only


async def test_an_open_order_is_reserved_and_the_level_is_told_once(stage: Stage) -> None:
    await stage.receive("mug", 10)
    order = AnOrder(lines=[("mug", 2), ("mug", 1)])

    said = await stage.hear(order.created())

    reserved = only(said, StockReservedV1)
    assert reserved.complete
    assert allocated(reserved) == {("mug", "BER"): 3}
    assert (reserved.order_version, reserved.allocation_version, reserved.aggregate_version) == (1, 1, 1)
    assert [one.sku for one in reserved.skus] == ["mug"]
    assert [one.warehouse for one in reserved.warehouses] == ["BER"]
    level = only(said, StockLevelChangedV1)
    assert (level.on_hand, level.reserved, level.available_to_promise) == (10, 3, 7)
    assert await stage.drift() == []


async def test_the_same_version_twice_is_answered_once(stage: Stage) -> None:
    await stage.receive("mug", 10)
    created = AnOrder(lines={"mug": 2}).created()
    await stage.hear(created)

    said = await stage.hear(created)

    assert said == []
    assert await stage.level("mug") == (10, 2, 0)


async def test_all_or_nothing_is_rejected_when_one_line_is_missing(stage: Stage) -> None:
    await stage.receive("mug", 10)
    order = AnOrder(lines={"mug": 2, "cap": 1}, policy=FulfilmentPolicy.ALL_OR_NOTHING)

    said = await stage.hear(order.created())

    rejected = only(said, StockRejectedV1)
    assert [(one.sku, one.units, one.reason) for one in rejected.unfilled] == [
        ("cap", 1, UnfilledReason.NO_STOCK)
    ]
    assert await stage.level("mug") == (10, 0, 0)


async def test_a_split_order_gets_what_there_is_and_waits_for_nothing(stage: Stage) -> None:
    await stage.receive("mug", 1)
    order = AnOrder(lines={"mug": 3})

    reserved = only(await stage.hear(order.created()), StockReservedV1)
    later = await stage.receive("mug", 5)

    assert not reserved.complete
    assert [(one.units, one.waiting) for one in reserved.unfilled] == [(2, False)]
    assert all_of(later, StockReservedV1) == []


async def test_2_5_a_receipt_fills_a_backorder_with_the_whole_set_again(stage: Stage) -> None:
    await stage.receive("mug", 1)
    order = AnOrder(lines={"mug": 3}, policy=FulfilmentPolicy.BACKORDER)
    first = only(await stage.hear(order.created()), StockReservedV1)

    second = only(await stage.receive("mug", 10), StockReservedV1)

    assert [(one.units, one.waiting) for one in first.unfilled] == [(2, True)]
    assert second.complete
    assert allocated(second) == {("mug", "BER"): 3}
    assert first.allocations[0] in second.allocations
    assert (second.order_version, second.allocation_version, second.aggregate_version) == (1, 2, 2)


async def test_a_backorder_without_any_stock_waits_instead_of_being_rejected(stage: Stage) -> None:
    order = AnOrder(lines={"mug": 3}, policy=FulfilmentPolicy.BACKORDER)

    reserved = only(await stage.hear(order.created()), StockReservedV1)

    assert reserved.allocations == ()
    assert [(one.units, one.waiting) for one in reserved.unfilled] == [(3, True)]


async def test_waiting_demand_is_served_by_ship_by_and_then_by_age(stage: Stage) -> None:
    late = AnOrder(lines={"mug": 1}, policy=FulfilmentPolicy.BACKORDER, ship_by=NOON + timedelta(days=9))
    young = AnOrder(lines={"mug": 1}, policy=FulfilmentPolicy.BACKORDER, placed_at=NOON + timedelta(hours=1))
    old = AnOrder(lines={"mug": 1}, policy=FulfilmentPolicy.BACKORDER)
    await stage.hear(late.created(), young.created(), old.created())

    said = [only(await stage.receive("mug", 1), StockReservedV1).order_id for _ in range(3)]

    assert said == [old.order_id, young.order_id, late.order_id]


async def test_a_held_order_is_reserved_silently_and_answered_when_it_opens(stage: Stage) -> None:
    await stage.receive("mug", 5)
    order = AnOrder(lines={"mug": 2})

    held = await stage.hear(order.created(FulfilmentState.HELD))
    opened = await stage.hear(order.changed())

    assert [type(one) for one in held] == [StockLevelChangedV1]
    assert only(opened, StockReservedV1).order_version == 2
    assert all_of(opened, StockLevelChangedV1) == []
    assert await stage.level("mug") == (5, 2, 0)


async def test_a_line_without_a_sku_is_unknown_and_a_sku_nobody_entered_too(stage: Stage) -> None:
    order = AnOrder(lines=[(None, 1), ("gizmo", 2)])

    rejected = only(await stage.hear(order.created()), StockRejectedV1)

    assert [(one.sku, one.reason) for one in rejected.unfilled] == [
        (None, UnfilledReason.UNKNOWN_SKU),
        ("gizmo", UnfilledReason.UNKNOWN_SKU),
    ]


async def test_terminal_versions_are_answered_with_nothing_held(stage: Stage) -> None:
    order = AnOrder(lines={"mug": 1})
    await stage.hear(order.created())

    released = only(await stage.hear(order.changed(FulfilmentState.CLOSED)), StockReleasedV1)

    assert released.released_because is ReleaseCause.NOTHING_HELD
    assert (released.order_version, released.aggregate_version) == (2, 2)


async def test_only_the_newest_of_several_versions_in_a_batch_is_answered(stage: Stage) -> None:
    await stage.receive("mug", 5)
    order = AnOrder(lines={"mug": 2})
    created = order.created()
    order.lines = {"mug": 4}

    said = await stage.hear(order.changed(), created)

    assert only(said, StockReservedV1).order_version == 2
    assert await stage.level("mug") == (5, 4, 0)


async def test_a_sku_that_is_sold_again_serves_who_waits_for_it(stage: Stage) -> None:
    await stage.receive("mug", 2)
    order = AnOrder(lines={"mug": 2}, policy=FulfilmentPolicy.BACKORDER)
    async with stage.database.transaction() as tx:
        await deactivate_sku(MERCHANT, "mug", because=A_PERSON, tx=tx)
    waiting = only(await stage.hear(order.created()), StockReservedV1)

    async with stage.database.transaction() as tx:
        await put_skus(MERCHANT, [Sku(sku="mug", title="Mug")], because=A_PERSON, tx=tx)

    assert waiting.allocations == ()
    assert only(await stage.said_since(), StockReservedV1).complete


async def test_a_deactivated_warehouse_sends_what_it_promised_and_promises_no_more(stage: Stage) -> None:
    await stage.receive("mug", 9)
    order = AnOrder(lines={"mug": 2})
    before = only(await stage.hear(order.created()), StockReservedV1)
    async with stage.database.transaction() as tx:
        await deactivate_warehouse(MERCHANT, "BER", because=A_PERSON, tx=tx)

    order.lines = {"mug": 3}
    after = only(await stage.hear(order.changed()), StockReservedV1)

    assert after.allocations == before.allocations
    assert after.withdrawn_allocation_ids == ()
    assert [(one.units, one.reason) for one in after.unfilled] == [(1, UnfilledReason.NO_STOCK)]


async def test_a_warehouse_that_serves_more_countries_serves_who_waits_there(stage: Stage) -> None:
    await stage.receive("mug", 2)
    for code in ("BER", "POZ"):
        await put(stage, a_warehouse(code, serves=frozenset({"PL"})))
    order = AnOrder(lines={"mug": 2}, policy=FulfilmentPolicy.BACKORDER)
    waiting = only(await stage.hear(order.created()), StockReservedV1)

    await put(stage, a_warehouse("BER", serves=frozenset({"PL", "DE"})))
    woken = await stage.fire("wake_waiting", f"{MERCHANT}/mug")

    assert [one.reason for one in waiting.unfilled] == [UnfilledReason.NO_WAREHOUSE]
    assert allocated(only(woken, StockReservedV1)) == {("mug", "BER"): 2}


async def put(stage: Stage, warehouse: Warehouse) -> None:
    async with stage.database.transaction() as tx:
        await put_warehouse(MERCHANT, warehouse, because=A_PERSON, tx=tx)
