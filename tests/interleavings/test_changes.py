"""The buyer changes an order at every moment: never a silent wrong address, never too many units."""

from shipping_service.domain.repairing import Repair, SkuRepair

from .invariants import check_end
from .outside import HAMBURG, NEW_YORK, NOWHERE, Answer
from .world import World


async def test_a_new_address_before_the_reservation_is_the_one_on_the_label(world: World) -> None:
    await world.receive("mug", 1)
    order = await world.place(("mug", 1))
    world.bus.hold_back("shipping", "stock.reserved")
    await world.settle()
    await world.move(order, HAMBURG)
    await world.settle()
    world.bus.let_through()

    await world.settle()
    await world.hand_over()
    await world.settle()

    assert [one.to.city for one in world.carrier.live()] == ["Hamburg"]
    assert (await world.seen(order)).status == "closed"
    await check_end(world)


async def test_a_new_address_while_the_label_is_bought_voids_it_and_buys_another(world: World) -> None:
    await world.receive("mug", 1)
    order = await world.place(("mug", 1))
    await world.settle(without_work=True)

    async def buyer_moves() -> None:
        await world.move(order, HAMBURG)
        await world.settle(without_work=True)

    world.carrier.buying.meanwhile.append(buyer_moves)
    await world.settle()
    await world.hand_over()
    await world.settle()

    assert [one.to.city for one in world.carrier.sold] == ["Berlin", "Hamburg"]
    assert [one.to.city for one in world.carrier.live()] == ["Hamburg"]
    assert (await world.seen(order)).status == "closed"
    await check_end(world)


async def test_a_new_address_while_the_outcome_is_unknown_waits_for_the_answer(world: World) -> None:
    await world.receive("mug", 1)
    order = await world.place(("mug", 1))
    world.carrier.buying.then(Answer.LOST_BUT_DONE)
    await world.settle()
    await world.move(order, HAMBURG)

    await world.wait_a_day()
    await world.hand_over()
    await world.settle()

    assert [one.to.city for one in world.carrier.live()] == ["Hamburg"]
    assert (await world.seen(order)).status == "closed"
    await check_end(world)


async def test_an_old_label_is_not_handed_over_once_the_new_address_is_known(world: World) -> None:
    await world.receive("mug", 1)
    order = await world.place(("mug", 1))
    await world.settle()
    await world.move(order, HAMBURG)
    pending = await world.progress(order)
    await world.deliver("shipping", "order.changed")

    refused = await world.hand_over(*(shipment for shipment, _, _ in await world.legs(order)))
    await world.settle()
    await world.hand_over()
    await world.settle()

    assert "change_pending" in pending
    assert [one.refused for one in refused] == ["not_labelled"]
    assert [one.to.city for one in world.carrier.live()] == ["Hamburg"]
    await check_end(world)


async def test_a_new_address_after_the_hand_over_is_refused_where_a_person_sees_it(world: World) -> None:
    await world.receive("mug", 1)
    await world.receive("cap", 1, "POZ")
    order = await world.place(("mug", 1), ("cap", 1))
    await world.settle()

    await world.move(order, HAMBURG)
    await world.settle()
    await world.hand_over()
    await world.settle()

    assert "change_refused" in await world.exceptions("order")
    assert sorted(one.to.city or "" for one in world.carrier.live()) == ["Berlin", "Hamburg"]
    assert (await world.seen(order)).status == "closed"
    await check_end(world)


async def test_a_new_country_is_sourced_from_a_warehouse_that_serves_it(world: World) -> None:
    await world.put_warehouse("BER", "manual", priority=1, serves=frozenset({"DE"}))
    await world.receive("mug", 1, "BER")
    await world.receive("mug", 1, "POZ")
    order = await world.place(("mug", 1))
    await world.settle()

    await world.move(order, NEW_YORK)
    await world.settle()

    assert (await world.seen(order)).status == "closed"
    assert [one.to.city for one in world.carrier.live()] == ["New York"]
    assert await world.level("mug", "BER") == (1, 0, 0)
    assert await world.level("mug", "POZ") == (0, 0, 0)
    await check_end(world)


async def test_fewer_units_are_withdrawn_from_the_label_and_come_free_once(world: World) -> None:
    await world.receive("mug", 3)
    order = await world.place(("mug", 3))
    await world.settle()

    await world.reduce(order, 0, 2)
    await world.settle()
    await world.hand_over()
    await world.settle()

    assert (await world.seen(order)).status == "closed"
    assert await world.level("mug") == (2, 0, 0)
    await check_end(world)


async def test_a_line_given_up_while_the_rest_has_left_is_asked_back_before_the_order_closes(
    world: World,
) -> None:
    await world.receive("mug", 1)
    await world.receive("cap", 1, "POZ")
    order = await world.place(("mug", 1), ("cap", 1))
    await world.settle()

    await world.reduce(order, 0, 1)
    await world.settle()

    assert (await world.seen(order)).status == "closed"
    assert sorted(await world.leg_states(order)) == ["cancelled", "closed"]
    assert await world.level("mug") == (1, 0, 0)
    await check_end(world)


async def test_an_order_of_which_nothing_is_wanted_after_it_left_closes(world: World) -> None:
    await world.receive("mug", 1)
    order = await world.place(("mug", 1))
    await world.settle()
    world.bus.hold_back("order", "parcel.shipped")
    await world.hand_over()
    await world.reduce(order, 0, 1)
    await world.settle()

    world.bus.let_through()
    await world.settle()

    assert (await world.seen(order)).status == "closed"
    assert "cancel_refused" in await world.exceptions("order")
    await check_end(world)


async def test_a_line_given_up_after_it_left_is_shown_to_a_person(world: World) -> None:
    await world.receive("mug", 1)
    await world.receive("cap", 1, "POZ")
    order = await world.place(("mug", 1), ("cap", 1))
    await world.settle()

    await world.reduce(order, 1, 1)
    await world.settle()
    await world.hand_over()
    await world.settle()

    assert (await world.seen(order)).status == "closed"
    assert await world.level("mug") == (0, 0, 0)
    await check_end(world)


async def test_an_address_the_carrier_refuses_is_corrected_and_labelled(world: World) -> None:
    await world.receive("mug", 1)
    order = await world.place(("mug", 1))
    world.carrier.preparing.then(Answer.REFUSED)
    await world.settle()
    trouble = await world.progress(order)

    await world.correct(order, HAMBURG)
    await world.settle()
    await world.hand_over()
    await world.settle()

    assert "needs_repair" in trouble
    assert (await world.seen(order)).status == "closed"
    assert await world.exceptions("order") == []
    await check_end(world)


async def test_an_order_without_an_address_waits_for_a_person_and_goes_on(world: World) -> None:
    await world.receive("mug", 1)
    order = await world.place(("mug", 1), to=NOWHERE)
    await world.settle()
    held = (await world.seen(order)).status

    await world.correct(order, HAMBURG)
    await world.settle()
    await world.hand_over()
    await world.settle()

    assert held == "held"
    assert (await world.seen(order)).status == "closed"
    await check_end(world)


async def test_what_shipping_lacks_for_customs_is_repaired_there(world: World) -> None:
    await world.put_warehouse("BER", "manual", serves=frozenset({"PL"}))
    await world.put_warehouse("POZ", "manual")
    await world.receive("vase", 1, "POZ")
    order = await world.place(("vase", 1))
    world.carrier.preparing.then(Answer.REFUSED)
    await world.settle()
    ((shipment, _, state),) = await world.legs(order)

    await world.repair(shipment, Repair(skus={"vase": SkuRepair(hs_code="701399", origin_country="CN")}))
    await world.settle()
    await world.hand_over()
    await world.settle()

    assert state == "needs_repair"
    assert (await world.seen(order)).status == "closed"
    await check_end(world)
