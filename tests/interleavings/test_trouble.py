"""Answers that get lost, processes that die, words that come twice or too late: each thing happens once."""

from datetime import timedelta

from order_service.domain.order import Policy

from .invariants import check_end
from .outside import HAMBURG, Answer
from .world import BLIND, World


async def test_batches_that_die_before_their_commit_and_come_again_do_everything_once(world: World) -> None:
    await world.receive("mug", 1)
    order = await world.place(("mug", 1))
    for _ in range(3):
        for consumer in world.members:
            await world.bus.deliver(consumer, world.bus.open_streams(consumer), dies=True)
            await world.deliver(consumer)
            await world.bus.deliver(consumer, [], again=world.bus.heard[consumer][-3:])
        await world.work()

    await world.hand_over()
    await world.settle()

    assert (await world.seen(order)).status == "closed"
    assert len(world.carrier.sold) == 1
    await check_end(world)


async def test_an_older_word_of_the_marketplace_changes_nothing(world: World) -> None:
    await world.receive("mug", 1)
    order = await world.place(("mug", 1))
    placed = order.updated_at
    await world.move(order, HAMBURG)
    newest, order.updated_at = order.updated_at, placed
    order.cancelled = True

    await world.tell(order)
    order.updated_at, order.cancelled = newest, False
    await world.settle()
    await world.hand_over()
    await world.settle()

    assert (await world.seen(order)).status == "closed"
    await check_end(world)


async def test_a_lost_answer_about_a_label_is_asked_for_and_not_bought_again(world: World) -> None:
    await world.receive("mug", 1)
    await world.place(("mug", 1))
    world.carrier.buying.then(Answer.DIES_AFTER)

    await world.settle()
    await world.wait_a_day()
    await world.hand_over()
    await world.settle()

    assert len(world.carrier.sold) == 1
    assert "find" in world.carrier.finding.calls
    await check_end(world)


async def test_where_nobody_can_be_asked_a_person_decides_and_one_label_is_paid(world: World) -> None:
    world.databases.carriers["scripted"] = BLIND
    world.carrier.pays_once = False
    blind = World(world.databases, merchant="blind", carrier=world.carrier)
    await blind.begin()
    await blind.receive("mug", 1)
    order = await blind.place(("mug", 1))
    blind.carrier.buying.then(Answer.LOST_BUT_DONE)
    await blind.settle()
    await blind.wait_a_day()
    ((shipment, _, state),) = await blind.legs(order)

    await blind.decide(shipment)
    await blind.settle()
    await blind.hand_over()
    await blind.settle()

    assert state == "outcome_unknown"
    assert len(blind.carrier.sold) == 1
    assert (await blind.seen(order)).status == "closed"
    await check_end(blind)


async def test_each_parcel_of_an_order_is_told_of_and_a_mail_in_doubt_is_not_said_again(world: World) -> None:
    await world.receive("mug", 1)
    order = await world.place(("mug", 2), policy=Policy.BACKORDER)
    world.mailbox.taking.then(Answer.DIES_AFTER)
    await world.settle()
    await world.hand_over()
    await world.settle()

    await world.receive("mug", 1)
    await world.settle()
    await world.hand_over()
    await world.settle()

    assert (await world.seen(order)).status == "closed"
    assert sorted(world.mailbox.taken.values()) == [1, 1, 1]
    await check_end(world)


async def test_a_write_back_whose_answer_is_lost_tells_the_marketplace_once(world: World) -> None:
    await world.receive("mug", 1)
    order = await world.place(("mug", 1))
    world.shop.telling.then(Answer.LOST_BUT_DONE, Answer.NOT_SENT)
    await world.settle()
    await world.hand_over()
    await world.settle()

    await world.wait(timedelta(minutes=2))
    await world.wait(timedelta(minutes=2))

    assert list(world.shop.told.values()) == [1]
    assert (await world.seen(order)).status == "closed"
    await check_end(world)
