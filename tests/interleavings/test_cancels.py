"""A cancel at every moment of an order's way: units come free once, or what has left stays shipped."""

import pytest

from order_service.domain.order import Policy

from .invariants import check_end
from .outside import Answer
from .world import BLIND, World


async def test_a_cancel_that_overtakes_its_order_everywhere_frees_what_was_never_reserved(
    world: World,
) -> None:
    await world.receive("mug", 1)
    order = await world.place(("mug", 1))
    await world.cancel(order)
    for consumer in ("inventory", "shipping", "notify"):
        world.bus.hold_back(consumer, "order.created")
    await world.settle()

    world.bus.let_through()
    await world.settle()

    assert (await world.seen(order)).status == "cancelled"
    assert await world.level("mug") == (1, 0, 0)
    await check_end(world)


async def test_a_cancel_before_the_reservation_is_heard_of_ends_the_late_leg(world: World) -> None:
    await world.receive("mug", 1)
    order = await world.place(("mug", 1))
    world.bus.hold_back("shipping", "stock.reserved")
    world.bus.hold_back("order", "stock.reserved")
    await world.settle()
    await world.cancel(order)
    await world.settle()
    world.bus.let_through()

    await world.settle()

    assert (await world.seen(order)).status == "cancelled"
    assert await world.level("mug") == (1, 0, 0)
    assert world.carrier.sold == []
    await check_end(world)


async def test_units_of_a_cancel_come_free_only_when_shipping_has_answered(world: World) -> None:
    await world.receive("mug", 1)
    order = await world.place(("mug", 1))
    await world.settle()
    world.bus.hold_back("shipping", "order.cancelled")
    await world.cancel(order)
    await world.settle()
    kept = await world.level("mug")
    other = await world.place(("mug", 1), policy=Policy.BACKORDER)
    await world.settle()

    world.bus.let_through()
    await world.settle()
    await world.hand_over()
    await world.settle()

    assert kept == (1, 1, 0)
    assert (await world.seen(order)).status == "cancelled"
    assert (await world.seen(other)).status == "closed"
    await check_end(world)


@pytest.mark.parametrize("answer", [Answer.OK, Answer.LOST_BUT_DONE, Answer.LOST_UNDONE, Answer.REFUSED])
async def test_a_cancel_while_the_label_is_bought_leaves_no_label_behind(
    world: World, answer: Answer
) -> None:
    await world.receive("mug", 1)
    order = await world.place(("mug", 1))
    await world.settle(without_work=True)

    async def buyer_cancels() -> None:
        await world.buyer_cancels(order)
        await world.settle(without_work=True)

    world.carrier.buying.meanwhile.append(buyer_cancels)
    world.carrier.buying.then(answer)
    await world.work("shipping")
    for _ in range(3):
        await world.wait_a_day()

    assert (await world.seen(order)).status == "cancelled"
    assert world.carrier.live() == []
    assert await world.level("mug") == (1, 0, 0)
    await check_end(world)


async def test_a_cancel_while_nobody_can_be_asked_about_the_label_waits_for_a_person(world: World) -> None:
    world.databases.carriers["scripted"] = BLIND
    world = World(world.databases, merchant="blind")
    await world.begin()
    await world.receive("mug", 1)
    order = await world.place(("mug", 1))
    world.carrier.buying.then(Answer.LOST_BUT_DONE)
    await world.settle()
    await world.cancel(order)
    await world.settle()
    ((shipment, _, state),) = await world.legs(order)
    waiting = (await world.seen(order)).status

    await world.decide(shipment)
    await world.settle()

    assert (state, waiting) == ("cancelling", "cancelling")
    assert (await world.seen(order)).status == "cancelled"
    assert "label_not_voided" in await world.exceptions("shipping")
    await check_end(world)


async def test_a_cancel_after_the_label_voids_it(world: World) -> None:
    await world.receive("mug", 1)
    order = await world.place(("mug", 1))
    await world.settle()

    await world.buyer_cancels(order)
    await world.settle()

    assert (await world.seen(order)).status == "cancelled"
    assert world.carrier.live() == []
    await check_end(world)


async def test_a_cancel_that_the_hand_over_overtakes_is_refused_and_nothing_is_sold_twice(
    world: World,
) -> None:
    await world.receive("mug", 1)
    order = await world.place(("mug", 1))
    await world.settle()
    world.bus.hold_back("inventory", "parcel.shipped")
    world.bus.hold_back("order", "parcel.shipped", "shipment.refused")
    await world.cancel(order)
    await world.deliver("inventory")
    await world.hand_over()
    other = await world.place(("mug", 1))
    await world.settle()
    left_for_the_other = await world.allocations(other)

    world.bus.let_through()
    await world.settle()

    assert left_for_the_other == []
    assert (await world.seen(order)).status == "closed"
    assert "cancel_refused" in await world.exceptions("order")
    assert await world.level("mug") == (0, 0, 0)
    await check_end(world)


async def test_of_a_split_order_the_shipment_that_left_stays_and_the_other_is_cancelled(world: World) -> None:
    await world.receive("mug", 1)
    await world.receive("cap", 1, "POZ")
    order = await world.place(("mug", 1), ("cap", 1))
    await world.settle()
    states = await world.leg_states(order)

    await world.cancel(order)
    await world.settle()

    assert sorted(states) == ["handed_over", "labelled"]
    seen = await world.seen(order)
    assert seen.status == "closed"
    assert [line.units for line in seen.lines] == [0, 1]
    assert await world.level("mug") == (1, 0, 0)
    await check_end(world)


async def test_a_cancel_of_a_held_order_frees_what_was_reserved_silently(world: World) -> None:
    await world.receive("mug", 1)
    order = await world.place(("mug", 1), paid=False)
    await world.settle()

    await world.cancel(order)
    await world.settle()

    assert (await world.seen(order)).status == "cancelled"
    assert await world.level("mug") == (1, 0, 0)
    await check_end(world)
