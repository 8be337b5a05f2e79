"""Rows in memory, and transactions that keep all they changed or nothing of it."""

import asyncio
import atexit
import pickle
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping
from contextlib import asynccontextmanager
from copy import copy
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from typing import Any, Generic, Self, TypeVar
from uuid import UUID

from crossdock_chassis.jobs import Job, LeaseLost
from crossdock_chassis.timers import Timer
from crossdock_chassis.wire import decode, encode
from crossdock_contracts.envelope import Cause, Event

from ..members import Clock

K = TypeVar("K")
V = TypeVar("V")
T = TypeVar("T")


_loop = asyncio.new_event_loop()
atexit.register(_loop.close)


def run(work: Coroutine[Any, Any, T]) -> T:
    """One loop for all examples: a new one each time costs more than what runs on it."""
    return _loop.run_until_complete(work)


class Table(Generic[K, V]):
    """What is got is a copy, and what was not put is not kept: as with a database."""

    def __init__(
        self, rows: Mapping[K, bytes] | None = None, seen: dict[K, tuple[bytes, V]] | None = None
    ) -> None:
        self._rows: dict[K, bytes] = dict(rows or {})
        self._seen: dict[K, tuple[bytes, V]] = {} if seen is None else seen

    def __copy__(self) -> "Table[K, V]":
        return Table(self._rows, self._seen)

    def __contains__(self, key: K) -> bool:
        return key in self._rows

    def get(self, key: K) -> V | None:
        found = self._rows.get(key)
        return None if found is None else pickle.loads(found)

    def put(self, key: K, row: V) -> None:
        self._rows[key] = pickle.dumps(row, pickle.HIGHEST_PROTOCOL)

    def values(self) -> Iterator[V]:
        for row in self._rows.values():
            yield pickle.loads(row)

    def look(self) -> Iterator[V]:
        """The rows for who changes nothing: what is the same as at the last look is not read again."""
        for key, row in self._rows.items():
            known = self._seen.get(key)
            if known is None or known[0] is not row:
                known = self._seen[key] = (row, pickle.loads(row))
            yield known[1]


@dataclass(frozen=True, slots=True)
class KeptJob:
    """A row of `job`."""

    job: Job
    state: str = "ready"
    last_error: str | None = None


@dataclass(kw_only=True)
class Rows:
    """What every service keeps; a service adds its own. `timeline` is what it tells people it did."""

    jobs: dict[tuple[str, str], KeptJob] = field(default_factory=dict)
    timers: dict[tuple[str, str], Timer] = field(default_factory=dict)
    inbox: set[UUID] = field(default_factory=set)
    log: list[Event] = field(default_factory=list)
    timeline: list[str] = field(default_factory=list)

    def fork(self) -> Self:
        """Changes of the copy's tables do not reach these."""
        return type(self)(**{one.name: copy(getattr(self, one.name)) for one in fields(self)})


NewId = Callable[[], UUID]


def counting_ids() -> NewId:
    """Ids that rise, and are the same in every run."""
    last = 0

    def new_id() -> UUID:
        nonlocal last
        last += 1
        return UUID(int=(0x0190_0000_0000_7000_8000 << 48) + last)

    return new_id


class Outbox:
    def __init__(self, log: list[Event], now: datetime, cause: Cause, new_id: NewId) -> None:
        self._log, self._now, self._cause, self._new_id = log, now, cause, new_id
        self._said: list[Event] = []

    async def add(self, event: Event, *, caused_by: Cause | None = None) -> None:
        wire = encode(event, event_id=self._new_id(), at=self._now, cause=caused_by or self._cause)
        headers = dict(zip(wire.headers[::2], wire.headers[1::2], strict=True))
        self._said.append(decode(headers, wire.payload))

    def flush(self) -> None:
        self._log += self._said
        self._said = []


class Jobs:
    """As `crossdock_chassis.jobs.Jobs`, at once."""

    def __init__(
        self, kept: dict[tuple[str, str], KeptJob], now: datetime, cause: Cause, new_id: NewId
    ) -> None:
        self._kept, self._now, self._cause, self._new_id = kept, now, cause, new_id

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
        job = Job(
            job_id=self._new_id(),
            lease=self._new_id(),
            merchant_id=merchant_id,
            kind=kind,
            reference=reference,
            destination=destination,
            payload=dict(payload),
            attempts=0,
            outcome_unknown=False,
            run_at=run_at or self._now,
            deadline_at=deadline_at,
            cause=caused_by or self._cause,
        )
        self._kept.setdefault((kind, reference), KeptJob(job))

    async def keep(self, job: Job) -> None:
        self._held(job)

    async def done(self, job: Job) -> None:
        self._settle(job, "done", None)

    async def refused(self, job: Job, code: str) -> None:
        self._settle(job, "refused", code)

    def _settle(self, job: Job, state: str, error: str | None) -> None:
        known = replace(self._held(job).job, outcome_unknown=False)
        self._kept[job.kind, job.reference] = KeptJob(known, state, error)

    def _held(self, job: Job) -> KeptJob:
        kept = self._kept[job.kind, job.reference]
        if kept.state != "running" or kept.job.lease != job.lease:
            raise LeaseLost(job.job_id)
        return kept

    async def again(
        self, kind: str, reference: str, *, run_at: datetime | None = None, certainly_not_done: bool = False
    ) -> None:
        kept = self._kept.get((kind, reference))
        if kept is not None and kept.state in {"refused", "needs_person", "ready"}:
            unknown = kept.job.outcome_unknown and not certainly_not_done
            job = replace(kept.job, attempts=0, outcome_unknown=unknown, run_at=run_at or self._now)
            self._kept[kind, reference] = KeptJob(job)


class Timers:
    def __init__(self, kept: dict[tuple[str, str], Timer], cause: Cause, new_id: NewId) -> None:
        self._kept, self._cause, self._new_id = kept, cause, new_id

    async def set(
        self,
        name: str,
        key: str,
        *,
        merchant_id: str,
        due_at: datetime,
        payload: Mapping[str, Any] | None = None,
        caused_by: Cause | None = None,
    ) -> None:
        cause = Cause(None, (caused_by or self._cause).correlation_id)
        timer = Timer(self._new_id(), merchant_id, name, key, due_at, dict(payload or {}), cause)
        self._kept[name, key] = timer

    async def clear(self, name: str, key: str) -> None:
        self._kept.pop((name, key), None)


R = TypeVar("R", bound=Rows)


class Transaction(Generic[R]):
    """What every service's transaction has; a service adds its repositories over `rows`."""

    def __init__(self, rows: R, now: datetime, cause: Cause, ids: NewId) -> None:
        self.rows = rows
        self.now = now
        self.version_floor = 0
        self.cause = cause
        self.ids = ids
        self.outbox = Outbox(rows.log, now, cause, ids)
        self.jobs = Jobs(rows.jobs, now, cause, ids)
        self.timers = Timers(rows.timers, cause, ids)

    async def flush(self) -> None:
        self.outbox.flush()


TX = TypeVar("TX", bound=Transaction[Any])
NO_CAUSE = Cause()


class Memory(Generic[TX]):
    """In the place of the chassis's `Database`. `open_transaction` takes rows, time, cause and ids."""

    def __init__(
        self,
        rows: Rows,
        open_transaction: Callable[[Any, datetime, Cause, NewId], TX],
        *,
        clock: Clock,
        ids: NewId,
    ) -> None:
        self.rows = rows
        self._open = open_transaction
        self._clock = clock
        self._ids = ids

    @asynccontextmanager
    async def transaction(
        self, cause: Cause = NO_CAUSE, *, longest_lock_wait_s: float | None = None
    ) -> AsyncIterator[TX]:
        """All or nothing. One at a time, so nobody waits for a lock."""
        tx = self._open(self.rows.fork(), self._clock.now, cause, self._ids)
        yield tx
        await tx.flush()
        self.rows = tx.rows
