import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import text

from crossdock_chassis.database import Database, Transaction
from crossdock_chassis.timer_runner import TimerBounds, TimerRunner
from crossdock_chassis.timers import Timer

QUICK = TimerBounds(poll_s=0.02, handler_s=5, first_retry_s=0.05, last_retry_s=0.1)


async def store(timer: Timer, *, tx: Transaction) -> None:
    """A handler that writes down which timer it was."""
    await tx.connection.execute(
        text("insert into effect (what) values (:what)"), {"what": f"{timer.name} {timer.key}"}
    )


async def fail(timer: Timer, *, tx: Transaction) -> None:
    await store(timer, tx=tx)
    raise ValueError("buyer@example.org")


HANDLERS: Mapping[str, Any] = {"expire": store, "remind": store, "broken": fail}


async def set_timer(
    database: Database[Transaction], name: str, key: str, *, in_s: float = -60, **payload: Any
) -> None:
    async with database.transaction() as tx:
        due_at = tx.now + timedelta(seconds=in_s)
        await tx.timers.set(name, key, merchant_id="default", due_at=due_at, payload=payload)


async def sql(database: Database[Transaction], statement: str) -> Sequence[Any]:
    async with database.transaction() as tx:
        result = await tx.connection.execute(text(statement))
        return result.all() if result.returns_rows else []


async def effects(database: Database[Transaction]) -> Sequence[str]:
    return [row.what for row in await sql(database, "select what from effect order by n")]


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(30):
        while not await condition():  # noqa: ASYNC110  # the runner writes to the database
            await asyncio.sleep(0.02)


async def until_fired(database: Database[Transaction], *expected: str) -> None:
    async def fired() -> bool:
        return set(expected) <= set(await effects(database))

    await until(fired)


async def stays_silent(database: Database[Transaction], *unexpected: str) -> None:
    """Ten polls go by without these firing."""
    await asyncio.sleep(0.2)
    assert not set(unexpected) & set(await effects(database))


@asynccontextmanager
async def running(
    database: Database[Transaction],
    *,
    handlers: Mapping[str, Any] = HANDLERS,
    consumer: str | None = None,
    topics: Sequence[str] = ("stock.reserved",),
    bounds: TimerBounds = QUICK,
) -> AsyncIterator[None]:
    runner = TimerRunner(database, handlers, consumer, topics, bounds)
    task = asyncio.create_task(runner.run())
    try:
        yield
    finally:
        async with asyncio.timeout(10):
            await runner.stop()
            await task


async def test_a_timer_fires_once_with_what_it_was_set_with(database: Database[Transaction]) -> None:
    fired: list[Timer] = []

    async def handle(timer: Timer, *, tx: Transaction) -> None:
        fired.append(timer)
        await store(timer, tx=tx)

    await set_timer(database, "expire", "order-1", reservation=7)

    async with running(database, handlers={"expire": handle}), running(database, handlers={"expire": handle}):
        await until_fired(database, "expire order-1")
        await stays_silent(database)

    assert [(one.name, one.key, one.merchant_id, one.payload) for one in fired] == [
        ("expire", "order-1", "default", {"reservation": 7})
    ]
    assert await sql(database, "select key from timer") == []


async def test_a_timer_waits_for_its_time(database: Database[Transaction]) -> None:
    await set_timer(database, "expire", "order-1", in_s=0.5)
    before = datetime.now(UTC)

    async with running(database):
        await until_fired(database, "expire order-1")

    assert datetime.now(UTC) - before >= timedelta(seconds=0.4)


async def test_a_timer_that_is_moved_fires_at_its_new_time_alone(database: Database[Transaction]) -> None:
    await set_timer(database, "expire", "order-1", in_s=0.3)
    await set_timer(database, "expire", "order-1", in_s=3600)
    await set_timer(database, "remind", "order-1", in_s=3600)
    await set_timer(database, "remind", "order-1", in_s=0)

    async with running(database):
        await until_fired(database, "remind order-1")
        await asyncio.sleep(0.3)

    assert await effects(database) == ["remind order-1"]


async def test_a_timer_that_is_cleared_does_not_fire(database: Database[Transaction]) -> None:
    await set_timer(database, "expire", "order-1")
    await set_timer(database, "expire", "order-2")
    async with database.transaction() as tx:
        await tx.timers.clear("expire", "order-1")
        await tx.timers.clear("expire", "never-set")

    async with running(database):
        await until_fired(database, "expire order-2")
        await stays_silent(database, "expire order-1")


async def test_what_is_said_last_in_a_transaction_counts(database: Database[Transaction]) -> None:
    async with database.transaction() as tx:
        for key in ("set", "cleared"):
            await tx.timers.set("expire", key, merchant_id="default", due_at=tx.now)
        await tx.timers.clear("expire", "cleared")
        await tx.timers.clear("expire", "set")
        await tx.timers.set("expire", "set", merchant_id="default", due_at=tx.now)

    assert [row.key for row in await sql(database, "select key from timer")] == ["set"]


async def test_a_handler_can_set_its_own_timer_anew(database: Database[Transaction]) -> None:
    async def poll(timer: Timer, *, tx: Transaction) -> None:
        await store(timer, tx=tx)
        if timer.payload["left"]:
            payload = {"left": timer.payload["left"] - 1}
            await tx.timers.set("poll", timer.key, merchant_id="default", due_at=tx.now, payload=payload)

    await set_timer(database, "poll", "order-1", left=2)

    async def ended() -> bool:
        return not await sql(database, "select key from timer")

    async with running(database, handlers={"poll": poll}):
        await until(ended)

    assert await effects(database) == ["poll order-1"] * 3


async def test_what_a_handler_did_does_not_count_when_its_timer_was_cleared_meanwhile(
    database: Database[Transaction],
) -> None:
    entered, go_on = asyncio.Event(), asyncio.Event()

    async def handle(timer: Timer, *, tx: Transaction) -> None:
        entered.set()
        await go_on.wait()
        await store(timer, tx=tx)

    await set_timer(database, "expire", "order-1")

    async with running(database, handlers={"expire": handle, "remind": store}):
        await entered.wait()
        async with database.transaction() as tx:
            await tx.timers.clear("expire", "order-1")
        go_on.set()
        await set_timer(database, "remind", "order-1")
        await until_fired(database, "remind order-1")

    assert await effects(database) == ["remind order-1"]


async def test_a_use_case_that_holds_the_order_and_moves_its_timer_meets_no_deadlock(
    database: Database[Transaction],
) -> None:
    """The handler wants the order's row, the use case the timer's: one waits, none is killed."""
    entered = asyncio.Event()
    failures: list[str] = []

    async def handle(timer: Timer, *, tx: Transaction) -> None:
        entered.set()
        try:
            await tx.connection.execute(text("select from effect where what = 'the order' for update"))
        except Exception as error:
            failures.append(type(error).__name__)
            raise

    await sql(database, "insert into effect (what) values ('the order')")

    async with running(database, handlers={"expire": handle}), database.transaction() as tx:
        await tx.connection.execute(text("select from effect where what = 'the order' for update"))
        await set_timer(database, "expire", "order-1")
        await entered.wait()
        await tx.timers.set("expire", "order-1", merchant_id="default", due_at=tx.now + timedelta(hours=1))

    assert failures == []
    assert len(await sql(database, "select key from timer where due_at > now()")) == 1


async def fence(
    database: Database[Transaction],
    partition: int,
    caught_up_s_ago: float | None,
    *,
    topic: str = "stock.reserved",
) -> None:
    at = "null" if caught_up_s_ago is None else f"crossdock_clock() - interval '{caught_up_s_ago} s'"
    await sql(
        database,
        f"""
        insert into consumer_fence (consumer, topic, partition, caught_up_at)
        values ('order', '{topic}', {partition}, {at})
        on conflict (consumer, topic, partition) do update set caught_up_at = excluded.caught_up_at
        """,
    )


async def test_a_timer_waits_until_every_fence_has_caught_up_past_it(
    database: Database[Transaction],
) -> None:
    await set_timer(database, "expire", "old", in_s=-600)
    await set_timer(database, "expire", "young", in_s=-60)

    async with running(database, consumer="order"):
        await stays_silent(database, "expire old")  # it has never read
        await fence(database, 0, 1)
        await fence(database, 1, None)
        await stays_silent(database, "expire old")  # one partition is somewhere
        await fence(database, 1, 300)
        await until_fired(database, "expire old")
        await stays_silent(database, "expire young")
        await fence(database, 1, 1)
        await until_fired(database, "expire young")


async def test_a_timer_waits_until_every_topic_has_been_read(database: Database[Transaction]) -> None:
    await set_timer(database, "expire", "order-1")
    await fence(database, 0, 1)

    async with running(database, consumer="order", topics=["parcel.shipped", "stock.reserved"]):
        await stays_silent(database, "expire order-1")
        await fence(database, 0, 1, topic="parcel.shipped")
        await until_fired(database, "expire order-1")


async def test_a_topic_that_is_no_longer_listened_to_holds_up_nothing(
    database: Database[Transaction],
) -> None:
    await set_timer(database, "expire", "order-1")
    await fence(database, 0, 1)
    await fence(database, 0, None, topic="order.archived")

    async with running(database, consumer="order"):
        await until_fired(database, "expire order-1")

    assert len(await sql(database, "select topic from consumer_fence")) == 2


async def test_the_fences_of_another_consumer_do_not_matter(database: Database[Transaction]) -> None:
    await fence(database, 0, None)
    await sql(
        database,
        "insert into consumer_fence (consumer, topic, partition, caught_up_at)"
        " values ('notify', 'order.created', 0, now())",
    )
    await set_timer(database, "expire", "order-1")

    async with running(database, consumer="notify", topics=["order.created"]):
        await until_fired(database, "expire order-1")


async def test_a_timer_waits_while_its_key_is_parked(database: Database[Transaction]) -> None:
    await fence(database, 0, 1)
    await sql(
        database,
        "insert into parked_key (consumer, key, error_type, error_text, fingerprint)"
        " values ('order', 'parked', 'KeyError', 'x', 'y')",
    )
    await set_timer(database, "expire", "parked")
    await set_timer(database, "expire", "well")

    async with running(database, consumer="order"):
        await until_fired(database, "expire well")
        await stays_silent(database, "expire parked")
        await sql(database, "delete from parked_key")
        await until_fired(database, "expire parked")


async def test_a_handler_that_fails_leaves_its_timer_and_blocks_no_other(
    database: Database[Transaction],
) -> None:
    await set_timer(database, "broken", "a")
    await set_timer(database, "expire", "b")

    async def tried_twice() -> bool:
        [row] = await sql(database, "select attempts from timer")
        return bool(row.attempts >= 2)

    async with running(database):
        await until_fired(database, "expire b")
        await until(tried_twice)

    assert await effects(database) == ["expire b"]


async def test_a_handler_that_hangs_is_cut_off(database: Database[Transaction]) -> None:
    async def hang(timer: Timer, *, tx: Transaction) -> None:
        await asyncio.sleep(60)

    await set_timer(database, "hang", "a")
    await set_timer(database, "expire", "b")

    bounds = TimerBounds(poll_s=0.02, handler_s=0.3, first_retry_s=60, last_retry_s=60)
    async with running(database, handlers={"hang": hang, "expire": store}, bounds=bounds):
        await until_fired(database, "expire b")

    [row] = await sql(database, "select attempts, retry_at > now() as later from timer")
    assert (row.attempts, row.later) == (1, True)


async def test_setting_a_timer_that_failed_gives_it_a_fresh_start(database: Database[Transaction]) -> None:
    await set_timer(database, "broken", "a")
    await sql(database, "update timer set attempts = 9, retry_at = now() + interval '1 hour'")
    await set_timer(database, "broken", "a")

    async with running(database, handlers={"broken": store}):
        await until_fired(database, "broken a")


async def test_the_databases_clock_decides(database: Database[Transaction], urls: Any, postgres: Any) -> None:
    await set_timer(database, "expire", "next-year", in_s=365 * 86400)
    name = urls.app_url.rsplit("/", 1)[1]

    async with running(database):
        await stays_silent(database, "expire next-year")
    postgres.sql(f"alter database {name} set crossdock.now = '2100-01-01T00:00:00Z'")
    await database.engine.dispose()
    async with running(database):
        await until_fired(database, "expire next-year")


async def test_a_backlog_larger_than_a_batch_is_worked_off_without_pauses(
    database: Database[Transaction],
) -> None:
    async with database.transaction() as tx:
        for n in range(250):
            await tx.timers.set("expire", f"order-{n}", merchant_id="default", due_at=tx.now)

    async with running(database, bounds=TimerBounds(poll_s=60)):
        await until_fired(database, *(f"expire order-{n}" for n in range(250)))
