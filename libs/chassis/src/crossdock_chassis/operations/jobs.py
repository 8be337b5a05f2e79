"""Jobs as people see them: what state each is in, and once more, please. Payloads are not shown."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncConnection

from crossdock_chassis.database import Transaction
from crossdock_chassis.operations.audit import write_audit
from crossdock_contracts.envelope import Actor


class JobState(StrEnum):
    READY = "ready"
    RUNNING = "running"
    DONE = "done"
    REFUSED = "refused"
    NEEDS_PERSON = "needs_person"


class JobView(BaseModel):
    """An outside call: asked for, running, or how it ended."""

    job_id: UUID
    merchant_id: str
    kind: str
    reference: str
    destination: str
    state: JobState
    outcome_unknown: bool = Field(description="An attempt may have worked; the next one asks first.")
    attempts: int
    last_error: str | None
    run_at: datetime
    deadline_at: datetime | None
    created_at: datetime
    settled_at: datetime | None
    correlation_id: UUID | None


class Retry(BaseModel):
    """Run a refused or waiting job once more."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"certainly_not_done": False, "reason": "the carrier is back"}]}
    )

    certainly_not_done: bool = Field(
        description="A person saw that no earlier attempt went through: do not ask, do it."
    )
    reason: str = Field(min_length=1, max_length=500, description="For the record. No personal data.")


class JobNotFound(Exception):
    """There is no such job, or it was done so long ago that it is gone."""


class JobNotRetryable(Exception):
    """It runs right now, or it is done."""


_COLUMNS = """
    select job_id, merchant_id, kind, reference, destination, state, outcome_unknown, attempts, last_error,
           run_at, deadline_at, created_at, settled_at, correlation_id
    from job
"""


async def list_jobs(
    connection: AsyncConnection, *, state: JobState | None, kind: str | None, after: UUID | None, rows: int
) -> Sequence[JobView]:
    """Jobs in the order they were asked for, behind `after`."""
    # The state stands in the statement itself: a partial index serves no parameter.
    states = f"state = '{JobState(state)}'" if state else "true"
    found = await connection.execute(
        text(
            f"{_COLUMNS} where {states} and (cast(:kind as text) is null or kind = :kind)"
            " and job_id > cast(:after as uuid) order by job_id limit :rows"
        ),
        {"kind": kind, "after": after or UUID(int=0), "rows": rows},
    )
    return [_view(row) for row in found.mappings()]


async def show_job(connection: AsyncConnection, job_id: UUID) -> JobView:
    """Raises JobNotFound."""
    found = await connection.execute(text(_COLUMNS + " where job_id = :job_id"), {"job_id": job_id})
    row = found.mappings().one_or_none()
    if row is None:
        raise JobNotFound(job_id)
    return _view(row)


async def retry_job(tx: Transaction, job_id: UUID, wish: Retry, *, actor: Actor) -> None:
    """Make it ready. Raises JobNotFound or JobNotRetryable."""
    found = await tx.connection.execute(
        text(_COLUMNS + " where job_id = :job_id for update"), {"job_id": job_id}
    )
    row = found.mappings().one_or_none()
    if row is None:
        raise JobNotFound(job_id)
    if row["state"] in (JobState.RUNNING, JobState.DONE):
        raise JobNotRetryable(row["state"])
    await tx.jobs.again(row["kind"], row["reference"], certainly_not_done=wish.certainly_not_done)
    await write_audit(
        tx.connection,
        "job_retried_as_not_done" if wish.certainly_not_done else "job_retried",
        str(job_id),
        actor=actor,
        reason=wish.reason,
        merchant_id=row["merchant_id"],
    )


def _view(row: RowMapping) -> JobView:
    return JobView(**row)
