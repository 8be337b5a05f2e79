"""The invariants of every moment, on a run that is broken while it is watched."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace

import asyncpg
import pytest

from ..system import System
from . import Watch
from . import watch as watching
from .conftest import Copy
from .publishing import Order
from .sources import Sources
from .topics import Record
from .watch import COMMITTED_EVERY, CONNECTIONS_PER_PROCESS, MOST_DEAD_ROWS

WITHIN_S = 40.0
EVERY_S = 0.05
SHARD_LOCKS = 1_926_001

pytestmark = pytest.mark.timeout(600)  # the first test starts the whole system


@asynccontextmanager
async def watched(system: System) -> AsyncIterator[Watch]:
    """A watch that has seen everything once."""
    async with Watch(system, every_s=EVERY_S) as watch:
        await until(lambda: watch.samples >= 1)
        yield watch


async def until(holds: Callable[[], bool]) -> None:
    for _ in range(int(WITHIN_S / EVERY_S)):
        if holds():
            return
        await asyncio.sleep(EVERY_S)
    raise AssertionError("it was not seen in time")


async def test_a_run_at_rest_is_seen_again_and_again_without_a_finding(copy: Copy) -> None:
    async with watched(copy.system) as watch:
        await until(lambda: watch.samples >= 3 and watch.looked_at["INV-11"] > 0)

    assert watch.findings == []
    assert all(watch.looked_at[f"INV-{n}"] for n in (3, 8, 11, 13, 23, 24))


async def test_more_promised_than_there_is_is_seen(copy: Copy) -> None:
    copy.write("inventory", "alter table stock_level drop constraint promised_is_there")
    async with watched(copy.system) as watch:
        copy.write("inventory", "update stock_level set reserved = on_hand + short + 1")
        await until(lambda: bool(watch.findings))

    assert {one.invariant for one in watch.findings} == {"INV-3"}


async def test_a_version_and_a_state_that_go_back_are_seen(copy: Copy) -> None:
    copy.write("order", "")
    async with watched(copy.system) as watch:
        copy.write("order", "update orders set version = version - 1 where status = 'closed'")
        await until(lambda: any("went from version" in one.text for one in watch.findings))
        copy.write("order", "update orders set status = 'open' where status = 'cancelled'")
        await until(lambda: any("went from cancelled to open" in one.text for one in watch.findings))

    assert {one.invariant for one in watch.findings} == {"INV-8"}


async def test_a_fence_that_goes_back_is_seen_and_one_of_a_new_epoch_is_not(copy: Copy) -> None:
    copy.write("notify", "")
    async with watched(copy.system) as watch:
        copy.write("notify", "update consumer_fence set epoch = 2, next_offset = 0 where partition = 0")
        seen = watch.samples
        # What the broker was told of the old log stays there until something of the new one is done.
        await until(lambda: watch.samples > seen + 2 * COMMITTED_EVERY)
        before = list(watch.findings)
        copy.write("notify", "update consumer_fence set next_offset = 0 where partition = 1")
        await until(lambda: any("/1 went back from" in one.text for one in watch.findings))
        await until(lambda: any("is committed at the broker" in one.text for one in watch.findings))

    assert before == []
    assert {one.invariant for one in watch.findings} == {"INV-13"}
    assert all("/1 " in one.text for one in watch.findings)


async def test_two_owners_of_one_shard_are_seen(copy: Copy) -> None:
    copy.write("order", "")
    async with watched(copy.system) as watch, AsyncExitStack() as sessions:
        for _ in range(2):
            session = await connected(copy, sessions)
            await session.execute("select pg_advisory_lock_shared($1, 7)", SHARD_LOCKS)
        await until(lambda: bool(watch.findings))

    assert [one.text for one in watch.findings] == ["order: 2 relays own shard 7 at once"]


async def test_more_connections_than_the_pools_allow_are_seen(copy: Copy) -> None:
    copy.write("order", "")
    async with watched(copy.system) as watch, AsyncExitStack() as sessions:
        for _ in range(CONNECTIONS_PER_PROCESS + 1):
            await connected(copy, sessions)
        await until(lambda: bool(watch.findings))

    assert {one.invariant for one in watch.findings} == {"INV-24"}


async def test_dead_rows_that_nobody_clears_away_are_seen(copy: Copy) -> None:
    copy.write("order", "create table heap (n integer) with (autovacuum_enabled = false)")
    copy.write("order", f"insert into heap select generate_series(0, {MOST_DEAD_ROWS})")
    async with watched(copy.system) as watch:
        copy.write("order", "delete from heap")
        await until(lambda: bool(watch.findings))

    assert [one.text for one in watch.findings] == [f"order's heap keeps {MOST_DEAD_ROWS + 1} dead rows"]


async def test_a_session_that_ends_in_the_middle_of_an_answer_is_no_finding(
    copy: Copy, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy.write("order", "")
    breaks, look = iter([asyncpg.InternalClientError("cannot switch to state 11")]), Watch.look

    async def look_and_break_once(self: Watch, sources: Sources) -> None:
        for error in breaks:
            raise error
        await look(self, sources)

    monkeypatch.setattr(Watch, "look", look_and_break_once)
    async with Watch(copy.system, every_s=EVERY_S) as watch:
        await until(lambda: watch.samples > 0)

    assert watch.findings == []


async def test_a_look_that_does_not_even_heed_its_end_is_given_up(
    copy: Copy, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy.write("order", "")
    hangs, look = iter([True]), Watch.look

    async def hang_once(self: Watch, sources: Sources) -> None:
        if next(hangs, False):
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(3600)
            await asyncio.sleep(3600)
        await look(self, sources)

    monkeypatch.setattr(Watch, "look", hang_once)
    monkeypatch.setattr(watching, "LOOK_S", 5.0)
    async with Watch(copy.system, every_s=EVERY_S) as watch:
        await until(lambda: watch.samples > 0)

    assert watch.blind_s > 5.0


async def test_a_database_that_is_away_is_no_finding(copy: Copy) -> None:
    away = replace(copy.system, databases={**copy.system.databases, "order": "postgresql://x@127.0.0.1:1/x"})

    async with Watch(away, every_s=EVERY_S) as watch:
        await until(lambda: watch.looked_at["INV-11"] > 0)

    assert (watch.findings, watch.samples) == ([], 0)


def test_a_version_told_for_the_first_time_behind_a_later_one_is_out_of_order() -> None:
    order = Order()
    told = [(1, 1), (3, 1), (1, 1), (2, 1), (1, 2), (2, 2)]  # version, epoch

    wrong = [order.see(a_record(offset, *one)) for offset, one in enumerate(told)]

    assert [one is not None for one in wrong] == [False, False, False, True, False, False]
    assert list(order.holes({"order": 2})) == []


def test_a_version_that_no_topic_tells_of_is_a_hole() -> None:
    order = Order()

    for offset, (topic, version) in enumerate(
        (("order.created", 1), ("order.changed", 2), ("order.changed", 4))
    ):
        order.see(replace(a_record(offset, version, 1), topic=topic))

    assert [one for one in order.holes({"order": 1}) if "never [3]" in one] != []


def a_record(offset: int, version: int, epoch: int) -> Record:
    headers = (("ce_aggregateversion", str(version)), ("ce_merchantid", "default"))
    return Record("order.changed", 0, offset, epoch, "k", headers, b"")


async def connected(copy: Copy, sessions: AsyncExitStack) -> asyncpg.Connection:
    """A session as the service has them."""
    session = await asyncpg.connect(copy.app_url("order"))
    sessions.callback(session.terminate)
    return session
