"""One transaction: its time, its connection, and what it says and asks for when it commits."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any, Generic, TypeVar

from sqlalchemy import Text, bindparam, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from crossdock_chassis.ids import new_id
from crossdock_chassis.jobs import Jobs
from crossdock_chassis.outbox import Outbox
from crossdock_chassis.telemetry import current_traceparent
from crossdock_chassis.timers import Timers
from crossdock_contracts.envelope import Cause

NO_CAUSE = Cause()

_BEGIN = text("select crossdock_now(), (select version_floor from restore_epoch)")
# What many share runs the same few statements over sets, again and again: each is planned once, not anew for
# every size of a set.
_BEGIN_IN_HASTE = text(
    """
    select crossdock_now(), (select version_floor from restore_epoch),
           set_config('lock_timeout', :lock_timeout, true),
           set_config('plan_cache_mode', 'force_generic_plan', true)
    """
).bindparams(bindparam("lock_timeout", type_=Text))


class Transaction:
    """What every service's transaction has; a service adds its repositories in a subclass.

    `now` is the database's clock at the start. What is counted here is above `version_floor`: 0 until the
    database was restored for the first time (restore.py). `outbox`, `jobs` and `timers` collect and are
    written by the last statements before the commit, after the rows they speak of are locked.
    """

    def __init__(self, connection: AsyncConnection, now: datetime, cause: Cause) -> None:
        self.connection = connection
        self.now = now
        self.cause = cause
        self.version_floor = 0
        self.outbox = Outbox(now=now, cause=cause)
        self.jobs = Jobs(now=now, cause=cause)
        self.timers = Timers(cause=cause)

    async def flush(self) -> None:
        """Write what was collected. Called once, by `Database.transaction`, just before the commit."""
        await self.timers.flush(self.connection)
        await self.jobs.flush(self.connection)
        await self.outbox.flush(self.connection)


TX = TypeVar("TX", bound=Transaction)


class Wakeups:
    """In-process signals after a commit. Only a shortcut: whoever waits on them polls as well."""

    def __init__(self) -> None:
        self.outbox = asyncio.Event()
        self.jobs = asyncio.Event()


class Database(Generic[TX]):
    """The service's own database. `transaction_type` builds its transaction of connection, time and cause."""

    def __init__(
        self, engine: AsyncEngine, transaction_type: Callable[[AsyncConnection, datetime, Cause], TX]
    ) -> None:
        self.engine = engine
        self.wakeups = Wakeups()
        self._transaction_type = transaction_type

    @asynccontextmanager
    async def transaction(
        self, cause: Cause = NO_CAUSE, *, longest_lock_wait_s: float | None = None
    ) -> AsyncIterator[TX]:
        """Begin; commit on leaving, roll back on an exception. READ COMMITTED.

        `cause` is what everything published or asked for in it follows from unless the call says otherwise;
        one without a trace belongs to the current one. `longest_lock_wait_s`: many share it, so a statement
        that waits longer for somebody's lock raises an error for which `faults.lost_a_lock` holds.
        """
        if cause.traceparent is None:
            cause = replace(cause, traceparent=current_traceparent())
        async with self.engine.connect() as connection, connection.begin():
            if longest_lock_wait_s is None:
                now, version_floor = (await connection.execute(_BEGIN)).one()
            else:
                limit = {"lock_timeout": f"{longest_lock_wait_s * 1000:.0f}ms"}
                now, version_floor, *_ = (await connection.execute(_BEGIN_IN_HASTE, limit)).one()
            tx = self._transaction_type(connection, now, cause)
            tx.version_floor = version_floor
            yield tx
            await tx.flush()
        if tx.outbox.written:
            self.wakeups.outbox.set()
        if tx.jobs.written:
            self.wakeups.jobs.set()

    async def dispose(self) -> None:
        await self.engine.dispose()


def open_engine(
    url: str,
    *,
    pool_size: int = 10,
    max_overflow: int = 5,
    name: str = "crossdock",
    pooled: bool = False,
) -> AsyncEngine:
    """An engine whose pool waits 2 s and no longer, recycles connections after 30 min, and names itself.

    `pooled`: between us and the server stands a pooler in transaction mode, so the next transaction may run
    in another session. Nothing prepared is kept or named twice, and nothing is set at the start of a session
    (PgBouncer refuses parameters it does not know): set `jit = off` for the role. Some statements run outside
    of transactions, so the pooler has to follow prepared statements (PgBouncer 1.21 or later with
    `max_prepared_statements`).
    """
    session: dict[str, Any] = {"server_settings": {"application_name": name, "jit": "off"}}
    if pooled:
        session = {
            "server_settings": {"application_name": name},
            "statement_cache_size": 0,
            "prepared_statement_cache_size": 0,
            "prepared_statement_name_func": lambda: f"crossdock_{new_id().hex}",
        }
    return create_async_engine(
        url,
        pool_size=pool_size,
        max_overflow=max_overflow,
        pool_timeout=2,
        pool_recycle=1800,
        pool_pre_ping=False,
        hide_parameters=True,  # an error's text reaches the log, and the values may be an address
        connect_args={"timeout": 5, **session},
    )
