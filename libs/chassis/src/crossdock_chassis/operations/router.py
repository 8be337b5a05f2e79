"""The routes under /v1/operations."""

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from crossdock_chassis.database import Database, Transaction
from crossdock_chassis.handlers import Handlers, topics_of
from crossdock_chassis.http.auth import Principal, require
from crossdock_chassis.http.pages import Page, Paging, page_of
from crossdock_chassis.http.problems import Problem
from crossdock_chassis.log_epoch import read_position, request_rebuild
from crossdock_chassis.operations.audit import write_audit
from crossdock_chassis.operations.jobs import (
    JobNotFound,
    JobNotRetryable,
    JobState,
    JobView,
    Retry,
    list_jobs,
    retry_job,
    show_job,
)
from crossdock_chassis.operations.outbox import (
    NothingReleased,
    OutboxParkedGroup,
    OutboxParkedKey,
    Release,
    Released,
    list_groups,
    list_keys,
    release,
)
from crossdock_chassis.operations.status import Status, read_status
from crossdock_chassis.parking import (
    NotParked,
    ParkedEvent,
    ParkedGroup,
    ParkedKey,
    Replayer,
    ReplayResult,
    discard,
    list_parked,
    list_parked_keys,
    show_parked,
)
from crossdock_chassis.settling import Settler

_Reader = Annotated[Principal, Depends(require("operations:read"))]
_Writer = Annotated[Principal, Depends(require("operations:write"))]
_Key = Annotated[str, Path(max_length=256, description="The record key: an order id or a SKU.")]
_EventNumber = Annotated[
    int | None,
    Query(ge=1, le=2**63 - 1, description="Only the event with this `n`, as the key's page shows it."),
]
_Reason = Annotated[str, Query(min_length=1, max_length=500, description="For the record. No personal data.")]


class ParkedPage(BaseModel):
    """Parked keys. `groups`, on the first page alone, counts all of them by what they failed with."""

    groups: list[ParkedGroup]
    items: list[ParkedKey]
    next_cursor: str | None


class ParkedDetail(BaseModel):
    """A parked key with its first events, in order. Personal fields are left out."""

    parked: ParkedKey
    events: list[ParkedEvent]


class ReplayMatching(BaseModel):
    """Replay the keys that rest for one reason."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"fingerprint": "0123456789abcdef", "max_keys": 100}]}
    )

    fingerprint: str = Field(min_length=1, max_length=64)
    max_keys: int = Field(default=100, ge=1, le=1000)


class ReplayReport(BaseModel):
    results: list[ReplayResult]


class Settle(BaseModel):
    """Settle one key that a restore of the database parked, or all that nobody has touched since."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"reason": "compared with the carrier's books", "max_keys": 100}]}
    )

    reason: str = Field(min_length=1, max_length=500, description="For the record. No personal data.")
    key: str | None = Field(default=None, min_length=1, max_length=256)
    max_keys: int = Field(default=100, ge=1, le=1000)


class Discarded(BaseModel):
    events: int


class OutboxParkedPage(BaseModel):
    """Keys that rest in the outbox. `groups`, on the first page alone, counts all of them by their error."""

    groups: list[OutboxParkedGroup]
    items: list[OutboxParkedKey]
    next_cursor: str | None


class Rebuild(BaseModel):
    """Ask for the log to be written anew from the event log, under the next epoch."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "the broker came back empty"}]})

    reason: str = Field(min_length=1, max_length=500, description="For the record. No personal data.")


class RebuildAsked(BaseModel):
    epoch: int = Field(description="The epoch that is given up.")


def operations_router(database: Database[Any], *, consumer: str, handlers: Handlers) -> APIRouter:
    """Routes for one service. `consumer` is its name; `handlers` what replayed events are handed to."""
    router = APIRouter(prefix="/v1/operations", tags=["operations"])
    _add_status(router, database, consumer, topics_of(handlers))
    _add_outbox(router, database)
    _add_parked(router, database, consumer, Replayer(database, consumer, handlers))
    _add_settling(router, Settler(database, consumer, handlers))
    _add_jobs(router, database)
    return router


def _add_status(router: APIRouter, database: Database[Any], consumer: str, topics: Sequence[str]) -> None:
    @router.get("/status")
    async def get_status(_: _Reader) -> Status:
        """All that waits in this service: outbox, log, topics, parked keys, jobs, timers."""
        async with database.engine.connect() as connection:
            return await read_status(connection, consumer, topics)

    @router.post("/rebuild", status_code=202)
    async def post_rebuild(body: Rebuild, principal: _Writer) -> RebuildAsked:
        """Ask for the log to be written anew. The relays begin within seconds; `status` shows how far."""
        async with database.transaction() as tx:
            epoch = (await read_position(tx.connection)).epoch
            await request_rebuild(tx.connection, body.reason)
            await write_audit(
                tx.connection, "rebuild_requested", str(epoch), actor=principal.actor, reason=body.reason
            )
        return RebuildAsked(epoch=epoch)


def _add_outbox(router: APIRouter, database: Database[Any]) -> None:
    @router.get("/outbox/parked")
    async def get_outbox_parked(_: _Reader, paging: Paging) -> OutboxParkedPage:
        """Keys whose events the broker refuses for what they are, in the order of their names."""
        after = paging.key(str)
        async with database.engine.connect() as connection:
            groups = await list_groups(connection) if after is None else []
            keys = await list_keys(connection, after=after[0] if after else "", rows=paging.limit + 1)
        page = page_of(keys, paging, item=lambda one: one, key=lambda one: [one.key])
        return OutboxParkedPage(groups=list(groups), items=page.items, next_cursor=page.next_cursor)

    @router.post("/outbox/parked/{key:path}/release", status_code=202)
    async def post_release(key: _Key, body: Release, principal: _Writer) -> Released:
        """Hand a key's events to the relay again. Safe to repeat: what is still refused rests again."""
        tx: Transaction
        async with database.transaction() as tx:
            try:
                events = await release(tx, key, reason=body.reason, actor=principal.actor)
            except NothingReleased as error:
                raise _not_parked() from error
        database.wakeups.outbox.set()
        return Released(events=events)


def _add_parked(router: APIRouter, database: Database[Any], consumer: str, replayer: Replayer[Any]) -> None:
    @router.get("/parked")
    async def get_parked(
        _: _Reader,
        paging: Paging,
        fingerprint: Annotated[
            str | None, Query(max_length=64, description="Only those of one group.")
        ] = None,
    ) -> ParkedPage:
        """Keys whose events rest because of an error, in the order of their names."""
        after = paging.key(str)
        async with database.engine.connect() as connection:
            groups = await list_parked(connection, consumer) if after is None else []
            keys = await list_parked_keys(
                connection,
                consumer,
                fingerprint=fingerprint,
                after=after[0] if after else "",
                limit=paging.limit + 1,
            )
        page = page_of(keys, paging, item=lambda one: one, key=lambda one: [one.key])
        return ParkedPage(groups=groups, items=page.items, next_cursor=page.next_cursor)

    @router.post("/parked/replay")
    async def post_replay_matching(body: ReplayMatching, principal: _Writer) -> ReplayReport:
        """Replay the keys of one group, in the order of their names. Safe to repeat."""
        results = await replayer.replay_matching(
            body.fingerprint, actor=principal.actor, max_keys=body.max_keys
        )
        return ReplayReport(results=results)

    @router.post("/parked/{key:path}/replay")
    async def post_replay(key: _Key, principal: _Writer) -> ReplayResult:
        """Hand a key's events to their handlers, in order, until one fails. Safe to repeat."""
        try:
            return await replayer.replay(key, actor=principal.actor)
        except NotParked as error:
            raise _not_parked() from error

    @router.get("/parked/{key:path}")
    async def get_parked_key(
        key: _Key, _: _Reader, limit: Annotated[int, Query(ge=1, le=200)] = 50
    ) -> ParkedDetail:
        """One parked key and its first events."""
        async with database.engine.connect() as connection:
            try:
                parked, events = await show_parked(connection, consumer, key, limit=limit)
            except NotParked as error:
                raise _not_parked() from error
        return ParkedDetail(parked=parked, events=events)

    @router.delete("/parked/{key:path}")
    async def delete_parked(
        key: _Key, principal: _Writer, reason: _Reason, n: _EventNumber = None
    ) -> Discarded:
        """Give up a key's parked events for good, or one of them: the rest waits for its replay."""
        async with database.transaction() as tx:
            try:
                events = await discard(
                    tx.connection, consumer, key, n=n, actor=principal.actor, reason=reason
                )
            except NotParked as error:
                raise _not_parked() from error
        return Discarded(events=events)


def _add_settling(router: APIRouter, settler: Settler) -> None:
    @router.post("/lost-events/settle")
    async def post_settle(body: Settle, principal: _Writer) -> ReplayReport:
        """Give up what a restore took back, and handle what waited behind it. Safe to repeat."""
        actor, reason = principal.actor, body.reason
        if body.key is None:
            return ReplayReport(
                results=await settler.settle_all(actor=actor, reason=reason, max_keys=body.max_keys)
            )
        try:
            return ReplayReport(results=[await settler.settle(body.key, actor=actor, reason=reason)])
        except NotParked as error:
            raise _not_parked() from error


def _add_jobs(router: APIRouter, database: Database[Any]) -> None:
    @router.get("/jobs")
    async def get_jobs(
        _: _Reader,
        paging: Paging,
        state: Annotated[JobState | None, Query()] = None,
        kind: Annotated[str | None, Query(max_length=128)] = None,
    ) -> Page[JobView]:
        """Calls to the outside, the oldest first."""
        after = paging.key(UUID)
        async with database.engine.connect() as connection:
            jobs = await list_jobs(
                connection,
                state=state,
                kind=kind,
                after=after[0] if after else None,
                rows=paging.limit + 1,
            )
        return page_of(jobs, paging, item=lambda one: one, key=lambda one: [str(one.job_id)])

    @router.get("/jobs/{job_id}")
    async def get_job(job_id: UUID, _: _Reader) -> JobView:
        """One call to the outside."""
        async with database.engine.connect() as connection:
            return await _shown(connection, job_id)

    @router.post("/jobs/{job_id}/retry", status_code=202)
    async def post_retry(job_id: UUID, body: Retry, principal: _Writer) -> JobView:
        """Run a job once more that was refused, waits for a person, or for its time. Safe to repeat."""
        tx: Transaction
        async with database.transaction() as tx:
            try:
                await retry_job(tx, job_id, body, actor=principal.actor)
            except JobNotFound as error:
                raise _no_job() from error
            except JobNotRetryable as error:
                raise Problem(
                    409, "job-not-retryable", "The job cannot be run again", f"It is {error.args[0]}."
                ) from error
        async with database.engine.connect() as connection:
            return await _shown(connection, job_id)


async def _shown(connection: Any, job_id: UUID) -> JobView:
    try:
        return await show_job(connection, job_id)
    except JobNotFound as error:
        raise _no_job() from error


def _no_job() -> Problem:
    return Problem(404, "job-not-found", "There is no such job")


def _not_parked() -> Problem:
    return Problem(404, "not-parked", "The key is not parked")
