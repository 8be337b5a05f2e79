"""A service without its process: handlers, timers and jobs on a real database, one transaction at a time."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Connection, Text, bindparam, event, text
from sqlalchemy.ext.asyncio import AsyncEngine

from crossdock_chassis import inbox
from crossdock_chassis.database import Database
from crossdock_chassis.handlers import Handlers
from crossdock_chassis.job_table import GiveUp, JobTable
from crossdock_chassis.jobs import Job, JobHandler, NeedsPerson, NotSent, OutcomeUnknown
from crossdock_chassis.timer_runner import TimerRunner
from crossdock_chassis.timers import TimerHandler
from crossdock_chassis.wire import decode
from crossdock_contracts.envelope import Event

RETRY_S = 60.0
GIVE_UP = GiveUp(max_attempts=50, max_unknown_s=86_400.0)


_CAUGHT_UP = text(
    """
    insert into consumer_fence (consumer, topic, partition, caught_up_at)
    select :consumer, topic, 0, case when topic <> all(:behind) then crossdock_clock() end
    from unnest(:topics) as one (topic)
    on conflict (consumer, topic, partition) do update
    set caught_up_at = coalesce(excluded.caught_up_at, consumer_fence.caught_up_at)
    """
).bindparams(bindparam("topics", type_=ARRAY(Text)), bindparam("behind", type_=ARRAY(Text)))


class Died(Exception):
    """The process died here: what was not committed is gone, and nobody settles the job."""


@dataclass
class Clock:
    """The time of every transaction of the engines it was put on."""

    now: datetime = datetime(2026, 11, 21, 12, tzinfo=UTC)

    def rule(self, engine: AsyncEngine) -> None:
        @event.listens_for(engine.sync_engine, "begin")
        def set_time(connection: Connection) -> None:
            connection.exec_driver_sql(f"set crossdock.now = '{self.now.isoformat()}'")

    def pass_by(self, time: timedelta) -> None:
        self.now += time


@dataclass(kw_only=True)
class Member:
    """One of the four services."""

    name: str
    database: Database[Any]
    handlers: Handlers
    jobs: Mapping[str, JobHandler]
    timers: Mapping[str, TimerHandler[Any]] = field(default_factory=dict)

    @property
    def topics(self) -> Mapping[str, type[Event]]:
        return {kind.TOPIC: kind for kind in self.handlers}

    async def hear(self, events: Sequence[Event], *, dies: bool = False) -> None:
        """Handle one batch as the consumer does. `dies`: right before the commit. Raises Died then."""
        async with self.database.transaction() as tx:
            new = await self._claim_events(tx, [one.meta.event_id for one in events])
            for kind, handler in self.handlers.items():
                batch: list[Event] = []
                for one in events:
                    if type(one) is kind and one.meta.event_id in new:
                        new.remove(one.meta.event_id)
                        batch.append(one)
                if batch:
                    await handler(batch, tx=tx)
            if dies:
                await tx.flush()
                raise Died

    async def _claim_events(self, tx: Any, event_ids: Sequence[UUID]) -> set[UUID]:
        """The ids of those that were not handled before."""
        return await inbox.claim(tx.connection, self.name, event_ids)

    async def published(self, after: int) -> list[tuple[int, Event]]:
        """The event log behind `after`, with its numbers."""
        rows = await self.rows(
            "select seq, headers, payload from event_log where seq > :seq order by seq", seq=after
        )
        return [
            (row.seq, decode(dict(zip(row.headers[::2], row.headers[1::2], strict=True)), bytes(row.payload)))
            for row in rows
        ]

    async def last_published(self) -> int:
        (found,) = await self.column("select coalesce(max(seq), 0) from event_log")
        return int(found)

    async def claim(self) -> list[Job]:
        """Take every job that is due, as processes with much room would."""
        parties = await self.column("select distinct destination from job where state = 'ready' order by 1")
        if not parties:
            return []
        return await JobTable(self.database.engine).claim(
            dict.fromkeys(parties, 100), list(self.jobs), 3600.0
        )

    async def run(self, job: Job) -> str:
        """Make one attempt, and give the job back as the runner does. Returns what came of it."""
        outcome, error, delay_s = "settled", "", RETRY_S
        try:
            await self.jobs[job.kind](job)
        except NotSent as gone:
            outcome, error, delay_s = "not_sent", str(gone), gone.retry_after_s or RETRY_S
        except OutcomeUnknown as gone:
            outcome, error = "unknown", str(gone)
        except NeedsPerson as gone:
            outcome, error = "needs_person", str(gone)
        except Died:
            outcome, error, delay_s = "unknown", "the lease ran out", 0.0
        if outcome == "settled":
            assert not await self._unsettled(job), f"{job.kind} returned without settling its job"
        else:
            await self._give_back(job, outcome, error, delay_s)
        return outcome

    async def _unsettled(self, job: Job) -> bool:
        return bool(await JobTable(self.database.engine).unsettled([job]))

    async def _give_back(self, job: Job, outcome: str, error: str, delay_s: float) -> None:
        await JobTable(self.database.engine).give_back(
            job,
            error=error,
            delay_s=delay_s,
            unknown=outcome == "unknown",
            needs_person=outcome == "needs_person",
            give_up=GIVE_UP,
        )

    async def fire(self, *, behind: Collection[str]) -> None:
        """Fire the timers that may fire. `behind`: topics of which something is still to be read."""
        async with self.database.engine.begin() as connection:
            await connection.execute(
                _CAUGHT_UP, {"consumer": self.name, "topics": list(self.topics), "behind": list(behind)}
            )
        runner = TimerRunner(self.database, self.timers, self.name, list(self.topics))
        while await runner._fire_due():  # one look at a time: `run` would look whenever it likes
            continue
        failed = await self.rows("select name, key from timer where attempts > 0")
        assert not failed, f"timers of {self.name} failed: {failed}"

    async def park(self, key: str) -> None:
        """As if an event of this key could not be handled."""
        async with self.database.engine.begin() as connection:
            await connection.execute(
                text(
                    "insert into parked_key (consumer, key, error_type, error_text, fingerprint)"
                    " values (:consumer, :key, 'Defect', 'ours', 'x')"
                ),
                {"consumer": self.name, "key": key},
            )

    async def unpark(self, key: str) -> None:
        """As if it was replayed."""
        async with self.database.engine.begin() as connection:
            await connection.execute(text("delete from parked_key where key = :key"), {"key": key})

    async def rows(self, sql: str, **values: Any) -> Sequence[Any]:
        async with self.database.engine.connect() as connection:
            return (await connection.execute(text(sql), values)).all()

    async def column(self, sql: str, **values: Any) -> list[Any]:
        return [row[0] for row in await self.rows(sql, **values)]

    async def forget_work(self) -> None:
        """Drop jobs and timers of an earlier world on the same databases."""
        async with self.database.engine.begin() as connection:
            await connection.execute(text("delete from job"))
            await connection.execute(text("delete from timer"))
