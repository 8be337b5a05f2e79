"""The runner's statements on `job`: claim, renew, give back, take over, and a look at what is open.

A lease is the business of processes and goes by the real clock; when a job is due goes by crossdock_clock().
Everything but the claim names the lease, so an attempt that lost its job changes nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Integer, Text, bindparam, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql import UUID as PgUUID
from sqlalchemy.ext.asyncio import AsyncEngine

from crossdock_chassis.jobs import MAX_ERROR_LENGTH, Job
from crossdock_contracts.envelope import Cause

#: Destinations looked at by one statement.
PARTIES_A_LOOK = 200

_CLAIM = (
    text(
        """
        with due as materialized (
            select one.job_id
            from unnest(:destinations, :rooms) as lane (destination, room)
            cross join lateral (
                select job_id from job
                where state = 'ready' and destination = lane.destination and run_at <= crossdock_clock()
                      and kind = any(:kinds)
                order by run_at limit lane.room for update skip locked
            ) as one
            where lane.destination not in (select destination from job_pause)
        )
        update job set state = 'running', attempts = attempts + 1, lease_owner = gen_random_uuid(),
                       lease_until = statement_timestamp() + make_interval(secs => :lease_s)
        from due where job.job_id = due.job_id
        returning job.job_id, lease_owner, merchant_id, kind, reference, destination, payload, attempts,
                  outcome_unknown, run_at, deadline_at, cause_event_id, correlation_id, traceparent,
                  after_restore
        """
    )
    .bindparams(
        bindparam("destinations", type_=ARRAY(Text)),
        bindparam("rooms", type_=ARRAY(Integer)),
        bindparam("kinds", type_=ARRAY(Text)),
    )
    .columns(payload=JSONB)
)

# Each step is one probe of the index job_due: it costs what there are parties with open jobs, not what there
# are jobs. `most` bounds it; the next look goes on behind the last party seen.
_PARTIES = text(
    """
    with recursive party as (
        (select destination, run_at, 1 as n from job where state = 'ready' and destination > :after
         order by destination, run_at limit 1)
        union all
        select following.destination, following.run_at, party.n + 1 from party cross join lateral (
            select destination, run_at from job where state = 'ready' and destination > party.destination
            order by destination, run_at limit 1
        ) as following
        where party.n < :most
    )
    select destination,
           run_at <= crossdock_clock() and destination not in (select destination from job_pause) as due
    from party
    """
)

_RENEW = text(
    """
    update job set lease_until = statement_timestamp() + make_interval(secs => :lease_s)
    where job_id = any(:job_ids) and lease_owner = any(:leases)
    returning lease_owner
    """
).bindparams(bindparam("job_ids", type_=ARRAY(PgUUID)), bindparam("leases", type_=ARRAY(PgUUID)))

# What follows from attempts that did not settle their jobs. The bounds are looked at here, in one place.
_OPEN_AGAIN = """
    with attempt as materialized ({attempts}),
    ended as (
        select job_id, :needs_person or (:counted and attempts >= :max_attempts) or coalesce(
                   unknown_since <= crossdock_clock() - make_interval(secs => :max_unknown_s), false) as stuck
        from attempt
    )
    update job set
        state = case when stuck then 'needs_person' else 'ready' end,
        settled_at = case when stuck then statement_timestamp() end,
        attempts = job.attempts - case when :counted then 0 else 1 end,
        unknown_since = coalesce(unknown_since, case when :unknown then crossdock_clock() end),
        run_at = crossdock_clock() + make_interval(secs => :delay_s),
        last_error = :error, lease_owner = null, lease_until = null
    from ended where job.job_id = ended.job_id
    returning job.job_id, kind, state
"""

_GIVE_BACK = text(
    _OPEN_AGAIN.format(
        attempts="select * from job where job_id = :job_id and lease_owner = :lease for update"
    )
)

_TAKE_OVER = text(
    _OPEN_AGAIN.format(
        attempts="select * from job where state = 'running' and lease_until < statement_timestamp()"
        " order by lease_until limit 500 for update skip locked"
    )
)

_UNSETTLED = text(
    """
    update job set state = 'needs_person', last_error = 'the handler returned without settling the job',
                   unknown_since = coalesce(unknown_since, crossdock_clock()),
                   settled_at = statement_timestamp(), lease_owner = null, lease_until = null
    where job_id = any(:job_ids) and lease_owner = any(:leases)
    returning job_id, kind
    """
).bindparams(bindparam("job_ids", type_=ARRAY(PgUUID)), bindparam("leases", type_=ARRAY(PgUUID)))

_WATCH = text(
    """
    select split_part(destination, ':', 1) as family, kind,
           extract(epoch from crossdock_clock() - min(created_at))::double precision as age_s,
           count(*) filter (where deadline_at < crossdock_clock()) as late
    from (select destination, kind, created_at, deadline_at from job where state = 'ready'
          union all
          select destination, kind, created_at, deadline_at from job where state = 'running') as open
    group by family, kind
    """
)


@dataclass(frozen=True, slots=True)
class GiveUp:
    """A person has to look after so many attempts, or so long after one that nobody knows the outcome of."""

    max_attempts: int
    max_unknown_s: float


@dataclass(frozen=True, slots=True)
class OpenJobs:
    """What is open of one kind at one family: the oldest one's age, how many are past their deadline."""

    family: str
    kind: str
    age_s: float
    late: int


@dataclass(frozen=True, slots=True)
class Parties:
    """Destinations with a due job, in the order of their names. `last` is the last one looked at, due or not;
    None when the look came to the end of them.
    """

    due: Sequence[str]
    last: str | None


class JobTable:
    """Each method is one statement, and so a transaction of its own."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")

    async def parties(self, after: str) -> Parties:
        """Look which destinations behind `after` have a due job, and no pause; `PARTIES_A_LOOK` at once."""
        async with self._engine.connect() as connection:
            rows = (await connection.execute(_PARTIES, {"after": after, "most": PARTIES_A_LOOK})).all()
        last = rows[-1].destination if len(rows) == PARTIES_A_LOOK else None
        return Parties([row.destination for row in rows if row.due], last)

    async def claim(self, rooms: Mapping[str, int], kinds: Sequence[str], lease_s: float) -> list[Job]:
        """Take up to `rooms[destination]` due jobs of the kinds we can run, the oldest first."""
        values = {
            "destinations": list(rooms),
            "rooms": list(rooms.values()),
            "kinds": list(kinds),
            "lease_s": lease_s,
        }
        async with self._engine.connect() as connection:
            rows = (await connection.execute(_CLAIM, values)).all()
        return sorted((_job(row) for row in rows), key=lambda job: job.run_at)

    async def renew(self, jobs: Sequence[Job], lease_s: float) -> set[UUID]:
        """Hold the jobs for longer. Returns the leases that are still held."""
        async with self._engine.connect() as connection:
            held = await connection.execute(_RENEW, {**_named(jobs), "lease_s": lease_s})
            return set(held.scalars())

    async def give_back(
        self,
        job: Job,
        *,
        error: str,
        delay_s: float,
        unknown: bool,
        needs_person: bool,
        give_up: GiveUp,
        counted: bool = True,
    ) -> str | None:
        """End an attempt that did not settle the job. Returns its state, None when the lease was lost."""
        async with self._engine.connect() as connection:
            result = await connection.execute(
                _GIVE_BACK,
                {
                    "job_id": job.job_id,
                    "lease": job.lease,
                    **_outcome(error, delay_s, unknown=unknown, needs_person=needs_person, give_up=give_up),
                    "counted": counted,
                },
            )
            row = result.one_or_none()
            return None if row is None else str(row.state)

    async def take_over(self, give_up: GiveUp) -> Sequence[Any]:
        """Make jobs ready whose process died or hangs; what became of their calls is unknown."""
        outcome = _outcome("the lease ran out", 0, unknown=True, needs_person=False, give_up=give_up)
        async with self._engine.connect() as connection:
            return (await connection.execute(_TAKE_OVER, {**outcome, "counted": True})).all()

    async def unsettled(self, jobs: Sequence[Job]) -> Sequence[Any]:
        """Hand those of the jobs to a person whose handler returned but settled nothing."""
        async with self._engine.connect() as connection:
            return (await connection.execute(_UNSETTLED, _named(jobs))).all()

    async def watch(self) -> list[OpenJobs]:
        async with self._engine.connect() as connection:
            return [OpenJobs(*row) for row in (await connection.execute(_WATCH)).all()]


def _named(jobs: Sequence[Job]) -> dict[str, Any]:
    ordered = sorted(jobs, key=lambda job: job.job_id)
    return {"job_ids": [job.job_id for job in ordered], "leases": [job.lease for job in ordered]}


def _outcome(
    error: str, delay_s: float, *, unknown: bool, needs_person: bool, give_up: GiveUp
) -> dict[str, Any]:
    return {
        "error": error[:MAX_ERROR_LENGTH],
        "delay_s": delay_s,
        "unknown": unknown,
        "needs_person": needs_person,
        "max_attempts": give_up.max_attempts,
        "max_unknown_s": give_up.max_unknown_s,
    }


def _job(row: Any) -> Job:
    return Job(
        job_id=row.job_id,
        lease=row.lease_owner,
        merchant_id=row.merchant_id,
        kind=row.kind,
        reference=row.reference,
        destination=row.destination,
        payload=row.payload,
        attempts=row.attempts,
        outcome_unknown=row.outcome_unknown,
        run_at=row.run_at,
        deadline_at=row.deadline_at,
        cause=Cause(row.cause_event_id, row.correlation_id, row.traceparent),
        after_restore=row.after_restore,
    )
