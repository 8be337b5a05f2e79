"""Whole journeys without anything in the way: that the four services agree at all."""

from .invariants import check_end
from .outside import NEW_YORK
from .world import World


async def test_an_order_is_reserved_labelled_handed_over_told_and_closed(world: World) -> None:
    await world.receive("mug", 5)
    order = await world.place(("mug", 2))

    await world.settle()
    await world.hand_over()
    await world.settle()

    assert (await world.seen(order)).status == "closed"
    assert await world.level("mug") == (3, 0, 0)
    assert world.shop.units_told[order.external_id, order.lines[0].external_id] == 2
    await check_end(world)


async def test_an_order_abroad_waits_for_customs_data_and_goes_on_with_it(world: World) -> None:
    await world.receive("mug", 1)
    order = await world.place(("mug", 1), to=NEW_YORK)

    await world.settle()
    await world.hand_over()
    await world.settle()

    assert (await world.seen(order)).status == "closed"
    await check_end(world)
