"""What a log may do to its readers: come from its beginning once more, or out of order."""

from collections.abc import Awaitable, Callable

import pytest

from order_service.domain.order import Policy

from ..invariants import check_end
from ..outside import HAMBURG, Carrier
from ..schedule import CONSUMERS
from ..world import ASKABLE
from .memory import run
from .world import CoreWorld, open_core

Story = Callable[[CoreWorld], Awaitable[None]]


async def shipped(world: CoreWorld) -> None:
    await world.receive("mug", 2)
    await world.place(("mug", 2))
    await world.settle()
    await world.hand_over()


async def cancelled(world: CoreWorld) -> None:
    await world.receive("mug", 2)
    order = await world.place(("mug", 2))
    await world.settle()
    await world.cancel(order)


async def moved_and_reduced(world: CoreWorld) -> None:
    await world.receive("mug", 3)
    order = await world.place(("mug", 3))
    await world.settle(without_work=True)
    await world.move(order, HAMBURG)
    await world.reduce(order, 0, 1)
    await world.settle()
    await world.hand_over()


async def filled_later(world: CoreWorld) -> None:
    await world.receive("mug", 1)
    await world.place(("mug", 3), policy=Policy.BACKORDER)
    await world.settle()
    await world.hand_over()
    await world.receive("mug", 2)
    await world.settle()
    await world.hand_over()


async def counted_down(world: CoreWorld) -> None:
    await world.receive("mug", 3)
    await world.place(("mug", 2))
    await world.place(("mug", 1))
    await world.settle()
    await world.count("mug", 2)


STORIES = (shipped, cancelled, moved_and_reduced, filled_later, counted_down)


def told(story: Story) -> CoreWorld:
    world = open_core(ASKABLE, Carrier())

    async def tell() -> None:
        await world.begin()
        await story(world)
        await world.settle()
        await world.hand_over()
        await world.settle()

    run(tell())
    return world


@pytest.mark.parametrize("consumer", CONSUMERS)
@pytest.mark.parametrize("story", STORIES)
def test_a_whole_log_that_is_read_again_after_the_inbox_forgot_it_changes_nothing(
    story: Story, consumer: str
) -> None:
    world = told(story)
    said, levels = len(world.bus.log), run(world.look.levels())
    world.forget_what_was_heard(consumer)

    world.bus.read_again(consumer)
    run(world.deliver(consumer))

    assert [one.event.TOPIC for one in world.bus.log[said:]] == []
    assert run(world.look.levels()) == levels
    run(check_end(world))


@pytest.mark.parametrize("consumer", CONSUMERS)
@pytest.mark.parametrize("changes", [2, 3])
def test_versions_of_an_order_that_two_partitions_turn_around_end_as_the_newest_says(
    consumer: str, changes: int
) -> None:
    world = open_core(ASKABLE, Carrier())

    async def tell() -> None:
        await world.begin()
        await world.receive("mug", 3)
        order = await world.place(("mug", 3))
        await world.move(order, HAMBURG)
        for _ in range(changes - 1):
            await world.reduce(order, 0, 1)
        world.bus.turn_around(consumer)
        for stream in world.bus.open_streams(consumer):
            await world.bus.deliver(consumer, [stream])
        await world.settle()
        await world.hand_over()
        await world.settle()

    run(tell())

    assert [one.to.city for one in world.carrier.live()] == ["Hamburg"]
    assert run(world.level("mug")) == (changes - 1, 0, 0)
    run(check_end(world))
