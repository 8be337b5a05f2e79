"""PostgreSQL that crashes, hangs, is full of strangers, or tells another time."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress

import asyncpg

from crossdock_cli.stack.services import SERVICES

from .kind import Kind, Scene

MOST_CONNECTIONS = 400


@asynccontextmanager
async def _session(scene: Scene, service: str) -> AsyncIterator[asyncpg.Connection]:
    """As the database's owner, past the wires."""
    url = scene.ground.system.databases[service].replace("+asyncpg", "")
    connection = await asyncpg.connect(url, timeout=10, server_settings={"application_name": "a stranger"})
    try:
        yield connection
    finally:
        connection.terminate()


async def crash(scene: Scene, chance: random.Random) -> str:
    """Real recovery: every process of the server is killed at once."""
    seconds = await scene.ground.postgres.crash()
    return f"away for {seconds:.1f} s"


async def terminate(scene: Scene, chance: random.Random) -> str:
    ended = 0
    for service in (*chance.sample(SERVICES, 2), None):
        ended += await scene.ground.postgres.terminate_backends(service)
        await asyncio.sleep(chance.uniform(0.5, 2))
    return f"{ended} sessions"


async def hang(scene: Scene, chance: random.Random) -> str:
    seconds = chance.uniform(6, 12)
    await scene.ground.postgres.pause()
    try:
        await asyncio.sleep(seconds)
    finally:
        await scene.ground.postgres.resume()
    return f"for {seconds:.0f} s"


async def exhaust(scene: Scene, chance: random.Random) -> str:
    """Somebody opens every connection there is; what the services lose they do not get back."""
    service, taken = chance.choice(SERVICES), 0
    async with AsyncExitStack() as stack:
        with suppress(asyncpg.PostgresError, OSError, TimeoutError):
            while taken < MOST_CONNECTIONS:
                await stack.enter_async_context(_session(scene, service))
                taken += 1
        await scene.ground.links[f"{service}-db"].reset()
        await asyncio.sleep(chance.uniform(5, 8))
    return f"{taken} connections to {service}"


async def lock_rows(scene: Scene, chance: random.Random) -> str:
    """A stranger locks stock and orders from the other end, and holds them longer than a lock time-out."""

    async def hold(service: str, statement: str) -> None:
        for _ in range(3):
            with suppress(asyncpg.PostgresError):
                async with _session(scene, service) as session, session.transaction():
                    await session.execute("set local lock_timeout = '1s'")
                    await session.execute(statement)
                    await asyncio.sleep(chance.uniform(1, 3))

    await asyncio.gather(
        hold("inventory", "select from stock_level order by sku desc, warehouse desc for update"),
        hold("order", "select from orders where status <> 'closed' order by order_id desc for update"),
    )
    return "stock levels and open orders"


async def long_transactions(scene: Scene, chance: random.Random) -> str:
    """Reports that overlap and a write that stays open: vacuum and every horizon stand still."""
    seconds = chance.uniform(20, 28)
    async with AsyncExitStack() as stack:
        for service in SERVICES:
            report = await stack.enter_async_context(_session(scene, service))
            await report.execute("begin isolation level repeatable read")
            await report.fetchval("select count(*) from event_log")
            writer = await stack.enter_async_context(_session(scene, service))
            await writer.execute("begin")
            await writer.fetchval("select pg_current_xact_id()::text")
        await asyncio.sleep(seconds)
    return f"in all four databases, for {seconds:.0f} s"


_CLOCK = """
    create or replace function {name}() returns timestamptz language sql stable parallel safe as $$
        select coalesce(nullif(current_setting('crossdock.now', true), '')::timestamptz, {source}()) {shift}
    $$
"""
_CLOCKS = (("crossdock_now", "transaction_timestamp"), ("crossdock_clock", "statement_timestamp"))


async def clock_jumps(scene: Scene, chance: random.Random) -> str:
    """All four databases' clocks jump an hour back, or a minute ahead, and return."""
    shift = chance.choice(("- interval '1 hour'", "+ interval '60 seconds'"))
    try:
        await _set_clocks(scene, shift)
        await asyncio.sleep(chance.uniform(6, 9))
    finally:
        await _set_clocks(scene, "")
    return f"by {shift.replace('interval ', '')}"


async def _set_clocks(scene: Scene, shift: str) -> None:
    for service in SERVICES:
        async with _session(scene, service) as session:
            for name, source in _CLOCKS:
                await session.execute(_CLOCK.format(name=name, source=source, shift=shift))


async def blocked_migration(scene: Scene, chance: random.Random) -> str:
    """An expansion of a busy table waits behind a stranger's lock, gives up, and succeeds at another try."""
    service, table = chance.choice(
        (("order", "orders"), ("inventory", "stock_level"), ("shipping", "shipment"), ("notify", "message"))
    )
    tried = 0
    async with AsyncExitStack() as stack:
        stranger = await stack.enter_async_context(_session(scene, service))
        await stranger.execute("begin")
        await stranger.execute(f"lock table {table} in access share mode")
        migration = await stack.enter_async_context(_session(scene, service))
        await migration.execute("set lock_timeout = '1s'")
        for _ in range(3):
            tried += 1
            with suppress(asyncpg.LockNotAvailableError):
                await migration.execute(f"alter table {table} add column added_under_load integer")
            await asyncio.sleep(chance.uniform(0.5, 1.5))
        await stranger.execute("rollback")
        for statement in (
            f"alter table {table} add column if not exists added_under_load integer",
            f"alter table {table} drop column added_under_load",
        ):
            for _ in range(20):
                with suppress(asyncpg.LockNotAvailableError):
                    await migration.execute(statement)
                    break
                await asyncio.sleep(0.2)
    return f"{service}'s {table}, blocked {tried} times"


DATABASE_FAULTS = (
    Kind("PostgreSQL crashed", ("F27",), "the server and all its children get SIGKILL", crash, tier=1),
    Kind("sessions ended", ("F28",), "pg_terminate_backend on every session, relay locks too", terminate),
    Kind("PostgreSQL hung", ("F29",), "the server stands still and keeps its connections", hang),
    Kind("connections exhausted", ("F30",), "a stranger takes every connection there is", exhaust),
    Kind("strangers lock rows", ("F31",), "stock and orders are locked in the other order", lock_rows),
    Kind(
        "long transactions",
        ("F32",),
        "overlapping reports and an open write in every database",
        long_transactions,
        light=True,
    ),
    Kind(
        "database clock jumps",
        ("F36", "F21"),
        "an hour back or a minute ahead, and back again",
        clock_jumps,
    ),
    Kind("blocked migration", ("F43",), "a table is expanded under load behind a lock", blocked_migration),
)
