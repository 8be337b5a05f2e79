import asyncio
from typing import Any
from uuid import uuid4

from crossdock_chassis.consumer_session import COMMIT_EVERY_S
from crossdock_chassis.database import Transaction
from crossdock_contracts.notifications import NotificationSentV1


async def test_events_of_all_partitions_are_one_transaction(bench: Any) -> None:
    templates = [f"t{number}" for number in range(40)]
    await bench.publish(*(bench.sent(uuid4(), one) for one in templates[::2]))
    await bench.publish(*(bench.failed(uuid4(), one) for one in templates[1::2]))

    async with bench.running():
        await bench.has_effects(*templates)
        await bench.caught_up()

    partitions = await bench.query("select count(*) from consumer_fence where next_offset > 0")
    transactions = await bench.query("select count(distinct tx) from effect")
    assert partitions == [4]
    assert transactions[0] < 4, "records of several partitions share a transaction"


async def test_events_of_one_key_keep_their_order(bench: Any) -> None:
    order = uuid4()
    await bench.publish(*(bench.sent(order, f"{number:03}") for number in range(1200)))

    async with bench.running():
        await bench.caught_up()

    assert await bench.effects() == [f"{number:03}" for number in range(1200)]


async def test_the_same_event_at_another_offset_is_applied_once(bench: Any) -> None:
    wires = await bench.publish(bench.sent(uuid4(), "one"), bench.sent(uuid4(), "two"))
    await bench.publish_again(wires[0])

    async with bench.running():
        await bench.has_effects("one", "two")
        await bench.publish_again(*wires)
        await bench.caught_up()

    assert sorted(await bench.effects()) == ["one", "two"]


async def test_a_crash_between_the_commits_of_database_and_kafka_does_nothing_twice(bench: Any) -> None:
    await bench.publish(bench.sent(uuid4(), "one"))
    async with bench.running():
        await bench.has_effects("one")

    # As if Kafka had never heard of it. The inbox is emptied to see the fence alone.
    await bench.set_kafka_offsets(0)
    await bench.query("delete from inbox returning 1")
    async with bench.running():
        await bench.publish(bench.sent(uuid4(), "two"))
        await bench.caught_up()

    assert await bench.effects() == ["one", "two"]


async def test_kafka_learns_how_far_the_consumer_is(bench: Any) -> None:
    order = uuid4()
    await bench.publish(*(bench.sent(order, f"t{number}") for number in range(3)))

    async with bench.running():
        await bench.caught_up()

    assert sum(await bench.kafka_offsets()) == 3


async def test_kafka_learns_of_nothing_whose_transaction_still_runs(bench: Any) -> None:
    entered, go_on = asyncio.Event(), asyncio.Event()

    async def slow(events: Any, *, tx: Transaction) -> None:
        entered.set()
        await go_on.wait()
        await bench.write_effects(events, tx=tx)

    await bench.publish(bench.sent(uuid4(), "one"))
    async with bench.running({NotificationSentV1: slow}):
        await entered.wait()
        await asyncio.sleep(COMMIT_EVERY_S + 0.5)
        too_early = sum(await bench.kafka_offsets())
        go_on.set()
        await bench.has_effects("one")

    assert too_early == 0
    assert sum(await bench.kafka_offsets()) == 1


async def test_every_partition_has_a_fence_from_the_first_assignment_on(bench: Any) -> None:
    async with bench.running():
        await bench.caught_up()

    rows = await bench.query("select topic, partition, cluster_id from consumer_fence order by 1, 2")
    assert rows == [
        (topic, partition, bench.broker.cluster_id)
        for topic in ("notification.failed", "notification.sent")
        for partition in range(len(bench.partitions))
    ]


async def test_stopping_lets_the_running_transaction_finish(bench: Any) -> None:
    entered, go_on = asyncio.Event(), asyncio.Event()

    async def slow(events: Any, *, tx: Transaction) -> None:
        entered.set()
        await go_on.wait()
        await bench.write_effects(events, tx=tx)

    await bench.publish(bench.sent(uuid4(), "one"))
    async with bench.running({NotificationSentV1: slow}) as consumer:
        await entered.wait()
        stopping = asyncio.create_task(consumer.stop())
        await asyncio.sleep(0.3)
        assert not stopping.done()
        go_on.set()
        await stopping

    assert await bench.effects() == ["one"]
