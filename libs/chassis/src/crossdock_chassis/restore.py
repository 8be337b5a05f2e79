"""Our database was restored to an earlier time, and the others have moved on (ADR 19).

What we said in the meantime is known to everybody but us. In one transaction, before anything of ours runs:

- The restore epoch rises. Versions are counted above its floor from now on, so nobody takes our new words for
  old ones, whatever numbers the lost future had given away.
- Calls that were open, and calls that follow from events older than now, may have been made: they are in
  doubt, and their handlers ask, or a person does.
- The keys of all events that we do not know any more are parked, with those events. What we read of such a
  key rests behind them until a person has settled it (`settling.py`). Each lost event is that person's task.
- Where the lost future wrote its log anew, ours is behind the readers' fences: it is written anew once more.

Inputs need nothing: the fences are restored, too, and the consumer begins there.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from crossdock_chassis import divert, inbox
from crossdock_chassis.database import Database
from crossdock_chassis.faults import Fault
from crossdock_chassis.handlers import Handlers, topics_of
from crossdock_chassis.incoming import Incoming
from crossdock_chassis.kafka import Kafka
from crossdock_chassis.log_epoch import read_position
from crossdock_chassis.lost_future import LostFuture, read_lost_future
from crossdock_chassis.operations.audit import write_audit
from crossdock_contracts.envelope import Actor, Event


class StillRunning(Exception):
    """Somebody works on the database that is to be put right. The argument: how many sessions."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a restore would do, or did. `lost`: events by type; `inputs_since`: where topics are read on."""

    epoch: int
    last_event_at: datetime | None
    lost: Mapping[str, int]
    keys: int
    jobs: int
    rebuild: bool
    inputs_since: Mapping[str, datetime]


_SESSIONS = text(
    """
    select count(*) from pg_stat_activity
    where datname = current_database() and usename = current_user and pid <> pg_backend_pid()
          and backend_type = 'client backend'
    """
)

_RAISE_EPOCH = text(
    """
    update restore_epoch set epoch = epoch + 1, restored_at = statement_timestamp(),
        asks_before = rpad(lpad(to_hex(
            (extract(epoch from statement_timestamp()) * 1000)::bigint), 12, '0'), 32, '0')::uuid
    returning epoch
    """
)

_DOUBT_JOBS = text(
    """
    update job set state = 'ready', after_restore = true, lease_owner = null, lease_until = null,
                   unknown_since = coalesce(unknown_since, crossdock_clock())
    where state in ('ready', 'running')
    """
)

_OPEN_JOBS = text("select count(*) from job where state in ('ready', 'running')")

_FOLLOW_EPOCH = text(
    """
    update log_epoch set epoch = :epoch, cluster_id = :cluster, rebuild_wanted = :reason, rebuild_next = null,
                         rebuild_until = null, changed_at = statement_timestamp()
    """
)

_INPUTS = text(
    """
    select topic, min(updated_at) as since from consumer_fence
    where consumer = :consumer and topic = any(:topics) group by topic order by topic
    """
)


class Restorer:
    """For one service. Nothing else of it may run: no API, no consumer, no relay, no work."""

    def __init__(
        self,
        database: Database[Any],
        kafka: Kafka,
        *,
        consumer: str,
        publishes: Mapping[type[Event], str],
        handlers: Handlers,
    ) -> None:
        """`consumer`: the service's name, under which its keys are parked. `publishes`: event of ours -> what
        a person does about one that was taken back; of those that a key has the first is told.
        """
        self._database = database
        self._kafka = kafka
        self._consumer = consumer
        self._publishes = publishes
        self._topics = topics_of(handlers)

    async def plan(self) -> Plan:
        """What `restore` would do now. Changes nothing. Raises StillRunning, LogUnreadable."""
        future = await self._read()
        async with self._database.engine.connect() as connection:
            new = await self._unclaimed(connection, future.events)
            epoch = int((await connection.execute(text("select epoch from restore_epoch"))).scalar_one())
            jobs = int((await connection.execute(_OPEN_JOBS)).scalar_one())
            return await self._told(connection, future, new, epoch=epoch + 1, jobs=jobs)

    async def restore(self, *, actor: Actor, reason: str) -> Plan:
        """Do it, in one transaction. Raises StillRunning, LogUnreadable; then nothing was done.

        Safe to repeat: an event is a task once. What was settled meanwhile stays settled; the epoch rises.
        """
        future = await self._read()
        async with self._database.transaction() as tx:
            await _refuse_company(tx.connection)
            epoch = int((await tx.connection.execute(_RAISE_EPOCH)).scalar_one())
            new = await self._unclaimed(tx.connection, future.events)
            told = await self._told(tx.connection, future, new, epoch=epoch, jobs=0)
            if new:
                await inbox.claim(tx.connection, self._consumer, [_id_of(one) for one in new])
                await divert.park(tx.connection, self._consumer, new, self._faults(new))
            if told.rebuild:
                values = {"epoch": future.highest_epoch, "cluster": future.cluster_id, "reason": reason[:500]}
                await tx.connection.execute(_FOLLOW_EPOCH, values)
            jobs = (await tx.connection.execute(_DOUBT_JOBS)).rowcount
            await write_audit(tx.connection, "restored", str(epoch), actor=actor, reason=reason)
        return replace(told, jobs=jobs)

    async def _read(self) -> LostFuture:
        """Outside of any transaction: it may take minutes."""
        async with self._database.engine.connect() as connection:
            await _refuse_company(connection)
        return await read_lost_future(self._database.engine, self._kafka, tuple(self._publishes))

    async def _unclaimed(self, connection: AsyncConnection, events: Sequence[Incoming]) -> list[Incoming]:
        """Those that are no task, nor were one: such are in the inbox, as nothing else of ours ever is."""
        rows = await connection.execute(
            text("select event_id from inbox where consumer = :consumer and event_id = any(:ids)"),
            {"consumer": self._consumer, "ids": [_id_of(one) for one in events]},
        )
        claimed = set(rows.scalars())
        return [one for one in events if one.event_id not in claimed]

    async def _told(
        self,
        connection: AsyncConnection,
        future: LostFuture,
        new: Sequence[Incoming],
        *,
        epoch: int,
        jobs: int,
    ) -> Plan:
        last = (await connection.execute(text("select max(at) from event_log"))).scalar_one()
        rows = await connection.execute(_INPUTS, {"consumer": self._consumer, "topics": list(self._topics)})
        return Plan(
            epoch=epoch,
            last_event_at=last,
            lost=Counter(one.event.TYPE for one in new if one.event is not None),
            keys=len({one.key for one in new}),
            jobs=jobs,
            rebuild=future.highest_epoch > (await read_position(connection)).epoch,
            inputs_since={row.topic: row.since for row in rows},
        )

    def _faults(self, events: Sequence[Incoming]) -> Mapping[str, Fault]:
        """Key -> why it rests, and what to do about the weightiest of its events."""
        types: dict[str, set[type[Event]]] = {}
        for one in events:
            if one.event is not None:
                types.setdefault(one.key, set()).add(type(one.event))
        return {
            key: Fault.taken_back(next(told for kind, told in self._publishes.items() if kind in found))
            for key, found in types.items()
        }


async def _refuse_company(connection: AsyncConnection) -> None:
    others = int((await connection.execute(_SESSIONS)).scalar_one())
    if others:
        raise StillRunning(others)


def _id_of(one: Incoming) -> UUID:
    if one.event_id is None:
        raise LookupError("the lost future holds events with ids alone")
    return one.event_id
