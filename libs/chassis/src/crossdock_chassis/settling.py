"""A person has seen to what a restore took back: the key's lost events go, and what waited runs."""

from collections.abc import Sequence
from enum import Enum
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import ARRAY, RowMapping, Text, bindparam, text
from sqlalchemy.dialects.postgresql import UUID as PgUUID
from sqlalchemy.ext.asyncio import AsyncConnection

from crossdock_chassis.database import Database
from crossdock_chassis.faults import TAKEN_BACK, Fault, is_transient
from crossdock_chassis.handlers import Handlers, topics_of
from crossdock_chassis.parking import (
    NotParked,
    ReplayResult,
    event_of,
    list_parked_keys,
    lock_parked,
    unpark,
    write_parked_audit,
)
from crossdock_chassis.wire import UnreadableRecord
from crossdock_contracts.envelope import Actor

log = structlog.get_logger(__name__)

#: Steps of one settling; a key that has more to do is settled again.
MOST_STEPS = 1_000

# Ids begin with the time. What others said is put in its order in time, so that a cause comes before what
# followed from it, whichever topic was read first.
_NEXT = text(
    """
    select n, event_id, headers, payload from parked_event
    where consumer = :consumer and key = :key and topic = any(:listened_to)
    order by event_id nulls last, n limit 1
    """
).bindparams(bindparam("listened_to", type_=ARRAY(Text)))

# Of topics that nobody here listens to: only a restore parks their events.
_LOST = text(
    """
    select event_id, headers from parked_event
    where consumer = :consumer and key = :key and topic <> all(:listened_to) order by event_id
    """
).bindparams(bindparam("listened_to", type_=ARRAY(Text)))

_DROP_LOST = text(
    "delete from parked_event where consumer = :consumer and key = :key and topic <> all(:listened_to)"
).bindparams(bindparam("listened_to", type_=ARRAY(Text)))

_IN_DOUBT = text(
    """
    select exists (select from job where after_restore and state in ('ready', 'running', 'needs_person')
                                         and correlation_id = any(:correlations))
    """
).bindparams(bindparam("correlations", type_=ARRAY(PgUUID)))


class _Step(Enum):
    APPLIED = "applied"
    DROPPED = "dropped"
    IN_DOUBT = "in doubt"
    ENDED = "ended"


class Settler:
    """Settles keys that a restore parked. Safe to repeat, and beside the consumer."""

    def __init__(self, database: Database[Any], consumer: str, handlers: Handlers) -> None:
        self._database = database
        self._consumer = consumer
        self._handlers = handlers
        self._topics = list(topics_of(handlers))

    async def settle(self, key: str, *, actor: Actor, reason: str) -> ReplayResult:
        """Hand on what led to the key's lost events, give those up, and hand on what came after them.

        In between it stops, with some `left` and no error, while a call that follows from the first part is
        in doubt: what came after was said by others who knew its outcome. Settle again when it is decided.
        Raises NotParked, and what may pass. What fails stays, and all behind it.
        """
        applied, step, error = 0, _Step.APPLIED, None
        for _ in range(MOST_STEPS):
            try:
                step = await self._step(key, actor, reason)
            except NotParked:
                if applied == 0:
                    raise
                break  # somebody else settles it, too
            except Exception as failure:
                if is_transient(failure):
                    raise
                unreadable = isinstance(failure, UnreadableRecord)
                error = Fault.unreadable(str(failure)) if unreadable else Fault.of(failure)
                break
            applied += step is _Step.APPLIED
            if step in (_Step.ENDED, _Step.IN_DOUBT):
                break
        left = 0 if step is _Step.ENDED and error is None else await self._left(key)
        log.info("restore.settled", consumer=self._consumer, key=key, applied=applied, left=left)
        return ReplayResult(key, applied, left, error)

    async def settle_all(self, *, actor: Actor, reason: str, max_keys: int) -> list[ReplayResult]:
        """Settle the keys that rest for a restore, in the order of their names."""
        async with self._database.engine.connect() as connection:
            keys = await list_parked_keys(connection, self._consumer, fingerprint=TAKEN_BACK, limit=max_keys)
        results: list[ReplayResult] = []
        for one in keys:
            try:
                results.append(await self.settle(one.key, actor=actor, reason=reason))
            except NotParked:
                continue  # somebody else has just settled it
        return results

    async def _step(self, key: str, actor: Actor, reason: str) -> _Step:
        """One event, or the lost ones together, in a transaction of its own that holds the key."""
        names = {"consumer": self._consumer, "key": key}
        values = {**names, "listened_to": self._topics}
        async with self._database.transaction() as tx:
            parked = await lock_parked(tx.connection, self._consumer, key)
            lost = (await tx.connection.execute(_LOST, values)).mappings().all()
            row = (await tx.connection.execute(_NEXT, values)).mappings().one_or_none()
            if row is not None and (not lost or _led_to(row, lost)):
                event = event_of(row)
                await self._handlers[type(event)]([event], tx=tx)
                await tx.connection.execute(
                    text("delete from parked_event where consumer = :consumer and key = :key and n = :n"),
                    {**names, "n": row["n"]},
                )
                return _Step.APPLIED
            if not lost:
                await unpark(tx.connection, self._consumer, key)
                return _Step.ENDED
            if await _in_doubt(tx.connection, lost):
                return _Step.IN_DOUBT
            await tx.connection.execute(_DROP_LOST, values)
            await write_parked_audit(
                tx.connection, self._consumer, parked, "discarded", len(lost), actor, reason
            )
            return _Step.DROPPED

    async def _left(self, key: str) -> int:
        async with self._database.engine.connect() as connection:
            found = await connection.execute(
                text("select count(*) from parked_event where consumer = :consumer and key = :key"),
                {"consumer": self._consumer, "key": key},
            )
            return int(found.scalar_one())


def _led_to(row: RowMapping, lost: Sequence[RowMapping]) -> bool:
    """Whether it is older than the first of the lost events."""
    return row["event_id"] is not None and row["event_id"] < lost[0]["event_id"]


async def _in_doubt(connection: AsyncConnection, lost: Sequence[RowMapping]) -> bool:
    """Whether a call is open that began where the lost events began."""
    found: set[UUID] = set()
    for one in lost:
        headers = dict(zip(one["headers"][::2], one["headers"][1::2], strict=True))
        found.add(UUID(headers["ce_correlationid"]))
    return bool((await connection.execute(_IN_DOUBT, {"correlations": list(found)})).scalar_one())
