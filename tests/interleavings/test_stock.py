"""Stock that comes late, is counted wrong, is wanted by two, or is not paid for."""

from datetime import timedelta

from inventory_service.domain.catalogue import Sku
from order_service.domain.order import Policy

from .invariants import check_end
from .world import World

GHOST = Sku(sku="ghost", title="Ghost", weight_g=100)


async def test_a_backorder_is_filled_later_by_a_second_shipment(world: World) -> None:
    await world.receive("mug", 1)
    order = await world.place(("mug", 3), policy=Policy.BACKORDER)
    await world.settle()
    await world.hand_over()
    await world.settle()
    waiting = await world.progress(order)

    await world.receive("mug", 5)
    await world.settle()
    await world.hand_over()
    await world.settle()

    assert {"backordered", "partially_shipped"} <= waiting
    assert await world.leg_states(order) == ["closed", "closed"]
    assert await world.level("mug") == (3, 0, 0)
    await check_end(world)


async def test_sets_that_are_heard_late_and_twice_make_each_shipment_once(world: World) -> None:
    await world.receive("mug", 1)
    order = await world.place(("mug", 3), policy=Policy.BACKORDER)
    world.bus.hold_back("shipping", "stock.reserved")
    await world.settle()
    await world.receive("mug", 1)
    await world.receive("mug", 1)
    await world.settle()
    world.bus.let_through()
    await world.settle()

    heard = [one for one in world.bus.heard["shipping"] if one.event.TOPIC == "stock.reserved"]
    await world.bus.deliver("shipping", [], again=heard)
    await world.hand_over()
    await world.settle()

    assert (await world.seen(order)).status == "closed"
    assert len(world.carrier.sold) == len(await world.legs(order))
    await check_end(world)


async def test_a_count_below_what_is_reserved_withdraws_what_has_no_hand_over_yet(world: World) -> None:
    await world.receive("mug", 2)
    first = await world.place(("mug", 1), policy=Policy.BACKORDER)
    await world.settle()
    second = await world.place(("mug", 1), policy=Policy.BACKORDER)
    await world.settle()

    await world.count("mug", 1)
    short = await world.level("mug")
    await world.settle()
    await world.hand_over()
    await world.settle()

    assert short == (1, 2, 1)
    assert await world.level("mug") == (0, 0, 0)
    assert (await world.seen(first)).status == "closed"
    assert "backordered" in await world.progress(second)
    await check_end(world)


async def test_units_withdrawn_too_late_leave_the_books_with_their_parcel(world: World) -> None:
    await world.receive("mug", 1)
    order = await world.place(("mug", 1))
    await world.settle()
    world.bus.hold_back("inventory", "parcel.shipped", "shipment.refused")
    await world.hand_over()

    await world.count("mug", 0)
    await world.settle()
    world.bus.let_through()
    await world.settle()

    assert (await world.seen(order)).status == "closed"
    assert await world.level("mug") == (0, 0, 0)
    await check_end(world)


async def test_what_is_published_never_expires_however_long_the_carrier_takes(world: World) -> None:
    await world.receive("mug", 1)
    order = await world.place(("mug", 1), paid=False)
    await world.settle()
    await world.pay(order)
    await world.settle(without_work=True)

    world.clock.pass_by(timedelta(days=10))
    await world.settle(without_work=True)
    other = await world.place(("mug", 1))
    await world.settle()
    await world.hand_over()
    await world.settle()

    assert (await world.seen(order)).status == "closed"
    assert await world.allocations(other) == []
    await check_end(world)


async def test_an_unpaid_order_expires_in_both_services_and_its_units_go_to_the_next(world: World) -> None:
    await world.receive("mug", 1)
    order = await world.place(("mug", 1), paid=False)
    other = await world.place(("mug", 1), policy=Policy.BACKORDER)
    await world.settle()

    await world.wait(timedelta(hours=49))
    await world.hand_over()
    await world.settle()

    assert (await world.seen(order)).status == "cancelled"
    assert (await world.seen(other)).status == "closed"
    await check_end(world)


async def test_a_payment_that_comes_with_the_expiry_is_heard_first_or_too_late_but_never_half(
    world: World,
) -> None:
    await world.receive("mug", 1)
    order = await world.place(("mug", 1), paid=False)
    await world.settle()
    world.bus.hold_back("inventory", "order.changed")
    await world.pay(order)

    await world.wait(timedelta(hours=49))
    kept = await world.level("mug")
    world.bus.let_through()
    await world.settle()
    await world.hand_over()
    await world.settle()

    assert kept == (1, 1, 0)  # the timer waits until everything that was said before it has been read
    assert (await world.seen(order)).status == "closed"
    await check_end(world)


async def test_timers_of_a_parked_order_wait(world: World) -> None:
    await world.receive("mug", 1)
    order = await world.place(("mug", 1), paid=False)
    await world.settle()
    key = str((await world.seen(order)).identity.order_id)
    await world.order.park(key)
    await world.inventory.park(key)

    await world.wait(timedelta(hours=49))
    kept = await world.level("mug")
    await world.order.unpark(key)
    await world.inventory.unpark(key)
    await world.settle()

    assert kept == (1, 1, 0)
    assert (await world.seen(order)).status == "cancelled"
    await check_end(world)


async def test_a_kit_is_shipped_as_its_components_and_told_as_one(world: World) -> None:
    await world.receive("mug", 2)
    await world.receive("cap", 4, "POZ")
    order = await world.place(("set", 2))
    await world.settle()
    told_early = dict(world.shop.units_told)

    await world.hand_over()
    await world.settle()

    assert (await world.seen(order)).status == "closed"
    assert told_early == {}
    assert world.shop.units_told[order.external_id, order.lines[0].external_id] == 2
    await check_end(world)


async def test_an_unknown_sku_is_made_known_and_the_order_goes_on(world: World) -> None:
    order = await world.place(("ghost", 1))
    await world.settle()
    held = (await world.seen(order)).status

    await world.put_skus(GHOST)
    await world.receive("ghost", 1)
    await world.settle()
    await world.hand_over()
    await world.settle()

    assert held == "held"
    assert (await world.seen(order)).status == "closed"
    await check_end(world)


async def test_two_orders_for_the_last_unit_and_only_one_gets_it(world: World) -> None:
    await world.receive("mug", 1)
    orders = [await world.place(("mug", 1), policy=Policy.ALL_OR_NOTHING) for _ in range(2)]
    await world.settle()
    await world.hand_over()
    await world.settle()

    assert sorted([(await world.seen(one)).status for one in orders]) == ["closed", "held"]
    assert await world.level("mug") == (0, 0, 0)
    await check_end(world)
