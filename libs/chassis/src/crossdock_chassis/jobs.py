"""The asking side of outside calls: a row in `job`, written with the state that wants the call.

The runner (job_runner.py) makes the call later, outside any transaction.
"""

from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import ARRAY, DateTime, Text, TextClause, bindparam, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql import UUID as PgUUID
from sqlalchemy.ext.asyncio import AsyncConnection

from crossdock_chassis.ids import new_id
from crossdock_contracts.envelope import Cause

MAX_ERROR_LENGTH = 500


class NotSent(Exception):
    """Nothing was done: they were not reached, or they asked us to come later.

    With `retry_after_s`, as in an answer 429, the runner leaves the whole destination alone for that long.
    `answered`: they are there and put off only this one, so nothing speaks against the next. Both: only this
    one waits for that long, and the attempt is not counted, since it failed in nothing.
    """

    def __init__(self, reason: str, *, retry_after_s: float | None = None, answered: bool = False) -> None:
        super().__init__(reason)
        self.retry_after_s = retry_after_s
        self.answered = answered


class OutcomeUnknown(Exception):
    """It may have happened. The next attempt sees `job.outcome_unknown` and asks before it does it again."""


class LeaseLost(Exception):
    """The attempt took too long and no longer owns the job: the transaction that settles it rolls back."""


class NeedsPerson(Exception):
    """Nobody can be asked, or asking did not help: the job waits for a person."""


@dataclass(frozen=True, slots=True)
class Job:
    """One outside call. `attempts` counts this one; `outcome_unknown` says an earlier one may have worked.
    `after_restore`: that one was in a future that a restore of our database took back, so nothing of it is
    written here, not even that it began.

    `lease` names this attempt; only the attempt that still holds the job can settle it.
    """

    job_id: UUID
    lease: UUID
    merchant_id: str
    kind: str
    reference: str
    destination: str
    payload: Mapping[str, Any]
    attempts: int
    outcome_unknown: bool
    run_at: datetime
    deadline_at: datetime | None
    cause: Cause
    after_restore: bool = False


@dataclass(frozen=True, slots=True)
class Destination:
    """A family of parties we call, and the bounds of each: calls at once and a second, per process.

    Jobs for `shopify` and for every `shopify:<anything>` belong to the family `shopify`. Each of these
    parties has the bounds for itself, so one shop that is slow or down holds up no other.
    """

    name: str
    concurrency: int = 8
    rate_per_s: float | None = None


def family_of(destination: str) -> str:
    return destination.partition(":")[0]


class JobHandler(Protocol):
    """Makes the call and stores its result; ends with `tx.jobs.done(job)` in the transaction of the effect.

    Raises NotSent, OutcomeUnknown or NeedsPerson; a plain refusal is an effect of its own: store it and call
    `tx.jobs.refused(job, code)`. Any other exception counts as OutcomeUnknown.
    """

    def __call__(self, job: Job, /) -> Awaitable[None]: ...


_INSERT = text(
    """
    insert into job (job_id, merchant_id, kind, reference, destination, payload, run_at, deadline_at,
                     cause_event_id, correlation_id, traceparent, after_restore, unknown_since)
    select given.*, coalesce(cause < restore.asks_before, false),
           case when cause < restore.asks_before then crossdock_clock() end
    from unnest(:ids, :merchants, :kinds, :refs, :destinations, :payloads, :run_ats, :deadlines,
                :causes, :correlations, :traces)
             as given (id, merchant_id, kind, ref, destination, payload, run_at, deadline_at, cause,
                       correlation, trace)
         cross join restore_epoch as restore
    on conflict (kind, reference) do nothing
    """
).bindparams(
    bindparam("ids", type_=ARRAY(PgUUID)),
    bindparam("merchants", type_=ARRAY(Text)),
    bindparam("kinds", type_=ARRAY(Text)),
    bindparam("refs", type_=ARRAY(Text)),
    bindparam("destinations", type_=ARRAY(Text)),
    bindparam("payloads", type_=ARRAY(JSONB)),
    bindparam("run_ats", type_=ARRAY(DateTime(timezone=True))),
    bindparam("deadlines", type_=ARRAY(DateTime(timezone=True))),
    bindparam("causes", type_=ARRAY(PgUUID)),
    bindparam("correlations", type_=ARRAY(PgUUID)),
    bindparam("traces", type_=ARRAY(Text)),
)

# Locked in one order for everybody, so that two transactions cannot wait for each other's jobs. A job without
# a new state is only held on to.
_SETTLE = text(
    """
    with held as materialized (
        select job_id, lease, given.state, given.error
        from job join unnest(:ids, :leases, :states, :errors) as given (job_id, lease, state, error)
             using (job_id)
        where lease_owner = lease
        order by job_id for update of job
    ), settled as (
        update job set state = held.state, last_error = held.error, lease_until = null, lease_owner = null,
                       unknown_since = null, settled_at = statement_timestamp()
        from held where job.job_id = held.job_id and held.state is not null
    )
    select lease from held
    """
).bindparams(
    bindparam("ids", type_=ARRAY(PgUUID)),
    bindparam("leases", type_=ARRAY(PgUUID)),
    bindparam("states", type_=ARRAY(Text)),
    bindparam("errors", type_=ARRAY(Text)),
)

# A person's "try again", or an outcome that became known: the same row runs once more.
_AGAIN = text(
    """
    update job set state = 'ready', run_at = :run_at, attempts = 0, last_error = null, settled_at = null,
                   unknown_since = case when outcome_unknown and not :certainly_not_done
                                        then crossdock_clock() end,
                   after_restore = after_restore and not :certainly_not_done
    where kind = :kind and reference = :reference and state in ('refused', 'needs_person', 'ready')
    """
)

_PAUSE = text(
    """
    insert into job_pause (destination, because) values (:destination, :because)
    on conflict (destination) do update set because = excluded.because
    """
)
_PAUSE_IF_NOT_PAUSED = text(
    "insert into job_pause (destination, because) values (:destination, :because) on conflict do nothing"
)
_RESUME = text("delete from job_pause where destination = :destination")
_RESUME_IF = text("delete from job_pause where destination = :destination and because = :because")


class Jobs:
    """Collects the jobs a transaction asks for; settles the job a handler is running."""

    def __init__(self, *, now: datetime, cause: Cause) -> None:
        self._now = now
        self._cause = cause
        self._rows: list[dict[str, Any]] = []
        self._settled: list[dict[str, Any]] = []
        self._again: list[dict[str, Any]] = []
        self._pauses: list[tuple[TextClause, dict[str, Any]]] = []
        self.written = False

    async def add(
        self,
        kind: str,
        reference: str,
        *,
        merchant_id: str,
        destination: str,
        payload: Mapping[str, Any],
        run_at: datetime | None = None,
        deadline_at: datetime | None = None,
        caused_by: Cause | None = None,
    ) -> None:
        """Ask for one call. Safe to repeat: (kind, reference) is asked for once, whatever became of it."""
        cause = caused_by or self._cause
        self._rows.append(
            {
                "ids": new_id(),
                "merchants": merchant_id,
                "kinds": kind,
                "refs": reference,
                "destinations": destination,
                "payloads": dict(payload),
                "run_ats": run_at or self._now,
                "deadlines": deadline_at,
                "causes": cause.event_id,
                "correlations": cause.correlation_id,
                "traces": cause.traceparent,
            }
        )

    async def keep(self, job: Job) -> None:
        """This step is the job's attempt's own, and more follows: it fails when another has taken the job.

        A step may wait for its commit for longer than its attempt may last. Without this an old one could
        write over what the next attempt has written.
        """
        self._settle(job, None, None)

    async def done(self, job: Job) -> None:
        """The call had its effect, which this transaction stores."""
        self._settle(job, "done", None)

    async def refused(self, job: Job, code: str) -> None:
        """They said no; this transaction stores what follows. `code` holds no personal data."""
        self._settle(job, "refused", code[:MAX_ERROR_LENGTH])

    def _settle(self, job: Job, state: str | None, error: str | None) -> None:
        self._settled.append({"ids": job.job_id, "leases": job.lease, "states": state, "errors": error})

    async def again(
        self, kind: str, reference: str, *, run_at: datetime | None = None, certainly_not_done: bool = False
    ) -> None:
        """Run a refused or waiting job anew. `certainly_not_done`: a person saw that no call went through."""
        self._again.append(
            {
                "kind": kind,
                "reference": reference,
                "run_at": run_at or self._now,
                "certainly_not_done": certainly_not_done,
            }
        )

    async def pause(self, destination: str, *, because: str, replace: bool = True) -> None:
        """Nobody is called there from now on; what is under way ends. Safe to repeat. Not `replace`: where it
        is paused already, the reason for that stays.
        """
        values = {"destination": destination, "because": because[:MAX_ERROR_LENGTH]}
        self._pauses.append((_PAUSE if replace else _PAUSE_IF_NOT_PAUSED, values))

    async def resume(self, destination: str, *, because: str | None = None) -> None:
        """Its jobs go on; with `because` only when they wait for this reason. Safe to repeat."""
        values = {"destination": destination}
        if because is None:
            self._pauses.append((_RESUME, values))
        else:
            self._pauses.append((_RESUME_IF, {**values, "because": because[:MAX_ERROR_LENGTH]}))

    async def flush(self, connection: AsyncConnection) -> None:
        """Write what was collected. Raises LeaseLost when a job is not its attempt's any more."""
        if self._settled:
            held = set((await connection.execute(_SETTLE, _columns(self._settled))).scalars())
            lost = [row["ids"] for row in self._settled if row["leases"] not in held]
            if lost:
                raise LeaseLost(*lost)
        for values in self._again:
            await connection.execute(_AGAIN, values)
        for statement, values in self._pauses:
            await connection.execute(statement, values)
        if self._rows:
            await connection.execute(_INSERT, _columns(self._rows))
        self.written |= bool(self._again or self._rows or self._pauses)
        self._settled, self._again, self._rows, self._pauses = [], [], [], []


def _columns(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    return {name: [row[name] for row in rows] for name in rows[0]}
