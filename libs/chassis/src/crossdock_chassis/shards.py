"""Which relay sends which shards: advisory locks on a database session of the relay's own.

The locks spare duplicates and let a rebuild be alone; no order depends on them. A row is only sent behind
every earlier row of its key that is not acknowledged yet: two senders of a shard repeat, but never overtake.
"""

import asyncio
import math
import random
from contextlib import suppress

import structlog
from sqlalchemy import ARRAY, Integer, bindparam, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

from crossdock_chassis.wire import SHARDS

#: A relay that is stopped, not dead, holds its session open. The server ends one that is silent this long.
SESSION_LIMIT_S = 10
PING_EVERY_S = 3.0

# Key spaces of two-part advisory locks; the second part is the shard, and the backend for members.
_SHARD_LOCKS = 1_926_001
_MEMBER_LOCKS = 1_926_002
_REBUILD_LOCK = 1_926_003

log = structlog.get_logger()

_JOIN = text("select pg_try_advisory_lock(:members, pg_backend_pid())")
_COUNT = text(
    """
    select count(*) from pg_locks
    where locktype = 'advisory' and granted and objsubid = 2 and classid::bigint = :members
      and database = (select oid from pg_database where datname = current_database())
    """
)
_TAKE = text(
    "select shard from unnest(:shards) as shard where pg_try_advisory_lock(:locks, shard) limit :wanted"
).bindparams(bindparam("shards", type_=ARRAY(Integer)))
_GIVE = text("select pg_advisory_unlock(:locks, shard) from unnest(:shards) as shard").bindparams(
    bindparam("shards", type_=ARRAY(Integer))
)


class Shards:
    """The shards this relay owns. All methods raise SQLAlchemy's errors, OSError or TimeoutError when the
    session is lost; nothing is owned then, and the next `share` opens another.
    """

    def __init__(self, direct_url: str) -> None:
        """`direct_url` must reach the server itself: a pooler in transaction mode loses session locks."""
        self._engine = create_async_engine(
            direct_url,
            poolclass=NullPool,
            isolation_level="AUTOCOMMIT",
            connect_args={
                "timeout": 5,
                "command_timeout": 5,
                "server_settings": {
                    "application_name": "crossdock relay locks",
                    "idle_session_timeout": f"{SESSION_LIMIT_S}s",
                },
            },
        )
        self._session: AsyncConnection | None = None
        self._one_at_a_time = asyncio.Lock()  # the pings run beside everything else
        self._pings: asyncio.Task[None] | None = None
        self._rebuilder = False
        self._members = 0  # as last counted
        self.owned: frozenset[int] = frozenset()

    async def share(self) -> None:
        """Take or give until this relay owns its share of the 64: as many as every other live relay."""
        async with self._one_at_a_time:
            session = await self._open()
            await self._stop_rebuilding(session)
            members = (await session.execute(_COUNT, {"members": _MEMBER_LOCKS})).scalar_one()
            share = math.ceil(SHARDS / max(1, members))
            if len(self.owned) > share:
                await self._give(session, random.sample(sorted(self.owned), len(self.owned) - share))
            elif len(self.owned) < share:
                before = len(self.owned)
                await self._take(session, share - before)
                if members < self._members and len(self.owned) > before:
                    log.info("relay.taken_over", shards=len(self.owned) - before, members=members)
            self._members = members

    async def take_all(self) -> bool:
        """Try to own every shard, for a rebuild. False: another relay rebuilds, or has not given way yet.

        Who does not get to rebuild gives everything away, or else two of them would wait for each other.
        """
        async with self._one_at_a_time:
            session = await self._open()
            if not self._rebuilder:
                lock = text("select pg_try_advisory_lock(:lock, 0)")
                self._rebuilder = (await session.execute(lock, {"lock": _REBUILD_LOCK})).scalar_one()
            if not self._rebuilder:
                await self._give(session, sorted(self.owned))
                return False
            await self._take(session, SHARDS - len(self.owned))
            return len(self.owned) == SHARDS

    async def close(self) -> None:
        """Give everything back. Safe to repeat."""
        if self._pings is not None:
            self._pings.cancel()
            await asyncio.wait([self._pings])
            self._pings = None
        await self._drop()
        await self._engine.dispose()

    async def lose(self) -> None:
        """Forget the session after an error; the server frees its locks."""
        async with self._one_at_a_time:
            await self._drop()

    async def _open(self) -> AsyncConnection:
        if self._session is None:
            session = await self._engine.connect()
            self._session = session
            await session.execute(_JOIN, {"members": _MEMBER_LOCKS})
        if self._pings is None or self._pings.done():
            self._pings = asyncio.create_task(self._ping())
        return self._session

    async def _ping(self) -> None:
        while True:
            await asyncio.sleep(PING_EVERY_S)
            async with self._one_at_a_time:
                if self._session is None:
                    continue
                try:
                    await self._session.execute(text("select 1"))
                except (DBAPIError, OSError, TimeoutError) as error:
                    log.warning("relay.locks_lost", error=type(error).__name__, shards=len(self.owned))
                    await self._drop()

    async def _drop(self) -> None:
        session, self._session = self._session, None
        self.owned = frozenset()
        self._rebuilder = False
        self._members = 0
        if session is not None:
            with suppress(DBAPIError, OSError, TimeoutError):
                await session.close()

    async def _take(self, session: AsyncConnection, wanted: int) -> None:
        free = list(set(range(SHARDS)) - self.owned)
        if not free or wanted <= 0:
            return
        random.shuffle(free)
        taken = await session.execute(_TAKE, {"shards": free, "locks": _SHARD_LOCKS, "wanted": wanted})
        self.owned |= frozenset(taken.scalars())

    async def _give(self, session: AsyncConnection, shards: list[int]) -> None:
        if shards:
            await session.execute(_GIVE, {"shards": shards, "locks": _SHARD_LOCKS})
            self.owned -= frozenset(shards)

    async def _stop_rebuilding(self, session: AsyncConnection) -> None:
        if self._rebuilder:
            await session.execute(text("select pg_advisory_unlock(:lock, 0)"), {"lock": _REBUILD_LOCK})
            self._rebuilder = False
