"""Housekeeping of the chassis's tables: partitions ahead, old ones gone, old rows purged in small pieces.

Every service's work role runs it; an advisory lock lets one process do each step.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection

from crossdock_chassis.database import Database
from crossdock_chassis.faults import Fault
from crossdock_chassis.log_epoch import REPLAY_WINDOW
from crossdock_chassis.logging import get_logger
from crossdock_chassis.telemetry import meter
from crossdock_chassis.waiting import set_within

log = get_logger(__name__)
_default_rows = meter.create_gauge(
    "crossdock.partition.default_in_use",
    description="1 when rows lie there: their day had no partition",
)
_purged = meter.create_counter("crossdock.rows.purged", description="Rows that were kept long enough")

_LOCK = text("select pg_try_advisory_xact_lock(hashtextextended('crossdock maintenance', 0))")

_IN_USE = text(
    "select exists (select from event_log_default) as event_log, exists (select from inbox_default) as inbox"
)

_PURGE_KEYS = text(
    """
    delete from idempotency_key where ctid = any(array(
        select ctid from idempotency_key where created_at < crossdock_clock() - make_interval(secs => :age_s)
        order by created_at limit :slice for update skip locked))
    """
)

# Ids begin with the time they were made at, so the primary key finds the old ones.
_PURGE_JOBS = text(
    """
    delete from job where job_id = any(array(
        select job_id from job
        where job_id < rpad(lpad(to_hex(
                  (extract(epoch from crossdock_clock() - make_interval(secs => :age_s)) * 1000)::bigint
              ), 12, '0'), 32, '0')::uuid
              and state = 'done' and settled_at < crossdock_clock() - make_interval(secs => :age_s)
        order by job_id limit :slice for update skip locked))
    """
)


@dataclass(frozen=True, slots=True)
class MaintenanceBounds:
    """How long rows are kept, how much is purged at once. The inbox remembers longer than the log replays."""

    every_s: float = 3600.0
    retry_s: float = 60.0
    partition_days_ahead: int = 7
    event_log_days: int = REPLAY_WINDOW.days
    inbox_days: int = REPLAY_WINDOW.days + 2
    idempotency_key_s: float = timedelta(hours=24).total_seconds()
    done_job_s: float = timedelta(days=30).total_seconds()
    slice_rows: int = 1000
    slices: int = 1000


class Maintenance:
    """Runs at the start, then every hour; after a failure (a lock was not to be had) a minute later."""

    def __init__(self, database: Database[Any], bounds: MaintenanceBounds = MaintenanceBounds()) -> None:
        self._engine = database.engine
        self._bounds = bounds
        self._stopping = asyncio.Event()
        self._stopped = asyncio.Event()

    async def run(self) -> None:
        try:
            while not self._stopping.is_set():
                well = await self.run_once()
                await set_within(self._stopping, self._bounds.every_s if well else self._bounds.retry_s)
        finally:
            self._stopped.set()

    async def stop(self) -> None:
        self._stopping.set()
        await self._stopped.wait()

    async def run_once(self) -> bool:
        """All steps, also when one of them fails. True when all went well."""
        well = True
        for step in (
            self._make_partitions,
            self._drop_partitions,
            self._look_at_default_partitions,
            self._purge_idempotency_keys,
            self._purge_jobs,
        ):
            try:
                await step()
            except Exception as error:
                well = False
                log.warning("maintenance.step_failed", step=step.__name__, error=Fault.of(error).error_text)
        return well

    async def _make_partitions(self) -> None:
        async with self._engine.begin() as connection:
            if await _alone(connection):
                await connection.execute(
                    text("select crossdock_make_partitions(:days)"),
                    {"days": self._bounds.partition_days_ahead},
                )

    async def _drop_partitions(self) -> None:
        days = {"log_days": self._bounds.event_log_days, "inbox_days": self._bounds.inbox_days}
        async with self._engine.begin() as connection:
            if await _alone(connection):
                dropped = await connection.execute(
                    text("select crossdock_drop_partitions(:log_days, :inbox_days)"), days
                )
                log.info("maintenance.partitions_dropped", partitions=dropped.scalar_one())

    async def _look_at_default_partitions(self) -> None:
        async with self._engine.connect() as connection:
            found = await default_partitions_in_use(connection)
        for table, in_use in found.items():
            _default_rows.set(int(in_use), {"table": table})
            if in_use:
                log.error("maintenance.default_partition_in_use", table=table)

    async def _purge_idempotency_keys(self) -> None:
        await self._purge("idempotency_key", _PURGE_KEYS, self._bounds.idempotency_key_s)

    async def _purge_jobs(self) -> None:
        await self._purge("job", _PURGE_JOBS, self._bounds.done_job_s)

    async def _purge(self, table: str, statement: TextClause, age_s: float) -> None:
        """In slices, a transaction each, so that nobody waits long; what is left is for the next time."""
        values = {"age_s": age_s, "slice": self._bounds.slice_rows}
        for _ in range(self._bounds.slices):
            if self._stopping.is_set():
                return
            async with self._engine.begin() as connection:
                if not await _alone(connection):
                    return
                deleted = (await connection.execute(statement, values)).rowcount
            _purged.add(deleted, {"table": table})
            if deleted < self._bounds.slice_rows:
                return


async def default_partitions_in_use(connection: AsyncConnection) -> Mapping[str, bool]:
    """Table -> whether its default partition holds rows."""
    row = (await connection.execute(_IN_USE)).one()
    return {"event_log": row.event_log, "inbox": row.inbox}


async def _alone(connection: AsyncConnection) -> bool:
    return bool((await connection.execute(_LOCK)).scalar_one())
