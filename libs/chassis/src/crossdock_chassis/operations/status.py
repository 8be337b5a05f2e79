"""One look at all that waits in a service's database. Counts stop at `MANY`, so that looking stays cheap."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field
from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncConnection

from crossdock_chassis.maintenance import default_partitions_in_use

MANY = 100_000


class OutboxStatus(BaseModel):
    rows: int = Field(description=f"Not yet on the log; counted up to {MANY}.")
    oldest_age_s: float | None
    parked_rows: int = Field(description="Refused by the broker for what they are, or behind one that was.")


class LogStatus(BaseModel):
    epoch: int
    rebuild_wanted: str | None = Field(description="Why to write the log anew, while no relay has begun.")
    rebuild_next: int | None = Field(description="The next number of the event log to be written anew.")
    rebuild_until: int | None


class TopicStatus(BaseModel):
    topic: str
    partitions: int
    partitions_never_caught_up: int
    caught_up_at: datetime | None = Field(description="All that was said before is handled.")
    lag_s: float | None


class ParkedStatus(BaseModel):
    keys: int
    events: int
    oldest_age_s: float | None


class JobStatus(BaseModel):
    kind: str
    destination: str
    state: str
    jobs: int
    outcome_unknown: int
    past_deadline: int
    oldest_age_s: float


class TimerStatus(BaseModel):
    due: int
    failing: int
    oldest_late_s: float | None


class Status(BaseModel):
    at: datetime = Field(description="By the database's clock.")
    outbox: OutboxStatus
    log: LogStatus
    topics: list[TopicStatus]
    parked: ParkedStatus
    jobs: list[JobStatus] = Field(description="All but those that are done.")
    timers: TimerStatus
    default_partitions_in_use: dict[str, bool]


# The oldest row of each shard by the primary key; there is no index by time and none is needed.
_OUTBOX = """
    select (select count(*) from (select from outbox limit :many) as bounded) as rows,
           (select extract(epoch from crossdock_clock() - min(oldest.created_at))::double precision
            from generate_series(0, 63) as shards (shard) cross join lateral (
                select created_at from outbox where outbox.shard = shards.shard order by seq limit 1
            ) as oldest) as oldest_age_s,
           (select count(*) from (select from outbox_parked limit :many) as bounded) as parked_rows
"""

_LOG = "select epoch, rebuild_wanted, rebuild_next, rebuild_until from log_epoch"

_TOPICS = """
    select topic, count(*) as partitions, count(*) - count(caught_up_at) as partitions_never_caught_up,
           case when count(*) = count(caught_up_at) then min(caught_up_at) end as caught_up_at,
           case when count(*) = count(caught_up_at)
                then greatest(extract(epoch from crossdock_clock() - min(caught_up_at)), 0)::double precision
           end as lag_s
    from consumer_fence where consumer = :consumer and topic = any(:topics) group by topic order by topic
"""

_PARKED = """
    select count(*) as keys,
           (select count(*) from (select from parked_event where consumer = :consumer limit :many) as bounded)
               as events,
           extract(epoch from crossdock_clock() - min(since))::double precision as oldest_age_s
    from parked_key where consumer = :consumer
"""

# A part for each of the partial indexes.
_JOBS = """
    select kind, destination, state, count(*) as jobs,
           count(*) filter (where outcome_unknown) as outcome_unknown,
           count(*) filter (where deadline_at < crossdock_clock()) as past_deadline,
           extract(epoch from crossdock_clock() - min(created_at))::double precision as oldest_age_s
    from (select * from job where state = 'ready'
          union all select * from job where state = 'running'
          union all select * from job where state in ('refused', 'needs_person')) as open
    group by kind, destination, state order by kind, destination, state limit 1000
"""

_TIMERS = """
    select count(*) as due, count(*) filter (where attempts > 0) as failing,
           extract(epoch from crossdock_clock() - min(due_at))::double precision as oldest_late_s
    from (select due_at, attempts from timer where due_at <= crossdock_clock()
          order by due_at limit :many) as due
"""


async def read_status(connection: AsyncConnection, consumer: str, topics: Sequence[str]) -> Status:
    """Read all of it, one statement after the other. `topics`: what the consumer listens to."""
    bounds = {"consumer": consumer, "topics": list(topics), "many": MANY}

    async def rows(statement: str) -> Sequence[RowMapping]:
        query = text(statement)
        wanted: Mapping[str, Any] = {name: bounds[name] for name in query.compile().params}
        return (await connection.execute(query, wanted)).mappings().all()

    return Status(
        at=(await connection.execute(text("select crossdock_clock()"))).scalar_one(),
        outbox=OutboxStatus(**(await rows(_OUTBOX))[0]),
        log=LogStatus(**(await rows(_LOG))[0]),
        topics=[TopicStatus(**row) for row in await rows(_TOPICS)],
        parked=ParkedStatus(**(await rows(_PARKED))[0]),
        jobs=[JobStatus(**row) for row in await rows(_JOBS)],
        timers=TimerStatus(**(await rows(_TIMERS))[0]),
        default_partitions_in_use=dict(await default_partitions_in_use(connection)),
    )
