"""Fires timers that are due, and only when this service has read everything that was said before they were.

After an outage timers are due before the backlog is read; what they would act on is old. So a timer waits
until the consumer has caught up past its due time on all of its topics, and while its key is parked.
Fences of topics that it no longer listens to stay (an older release may come back) and hold up nothing.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from random import SystemRandom
from typing import Any, Generic
from uuid import UUID

from opentelemetry.trace import SpanKind
from sqlalchemy import ARRAY, Text, bindparam, text
from sqlalchemy.dialects.postgresql import JSONB

from crossdock_chassis.crash_points import reached
from crossdock_chassis.database import TX, Database
from crossdock_chassis.faults import Fault, is_transient
from crossdock_chassis.logging import get_logger
from crossdock_chassis.telemetry import meter, span
from crossdock_chassis.timers import Timer, TimerHandler
from crossdock_chassis.waiting import set_within
from crossdock_contracts.envelope import Cause

log = get_logger(__name__)
_lateness = meter.create_histogram("crossdock.timer.lateness", unit="s", description="From due to fired")
_failures = meter.create_counter("crossdock.timer.failures", description="Firings that failed")
_random = SystemRandom()

# A topic without a fence was never read, or its rows are gone: nothing can be believed.
_SAFE = """
    from timer
    where due_at <= crossdock_clock() and coalesce(retry_at, due_at) <= crossdock_clock()
      and (cast(:consumer as text) is null or (
          due_at <= (select min(caught_up_at) from consumer_fence
                     where consumer = :consumer and topic = any(:topics)
                     having count(*) = count(caught_up_at) and count(distinct topic) = cardinality(:topics))
          and not exists (select from parked_key where consumer = :consumer and key = timer.key)))
"""

_TOPICS = bindparam("topics", type_=ARRAY(Text))

_DUE = text(f"select timer_id, key {_SAFE} and name = any(:names) order by due_at limit :batch").bindparams(
    bindparam("names", type_=ARRAY(Text)), _TOPICS
)

# A lock on the firing, not on the row: a use case holds its order and then writes the timer, a handler takes
# the order. With the row locked first, each would wait for the other.
_LOCK = text("select pg_try_advisory_xact_lock(hashtextextended(cast(:timer_id as text), 0))")

_READ = (
    text(
        f"""
    select timer_id, merchant_id, name, key, due_at, payload, correlation_id, traceparent,
           extract(epoch from crossdock_clock() - due_at)::double precision as late_s
    {_SAFE} and timer_id = :timer_id
    """  # noqa: S608 - a constant
    )
    .bindparams(_TOPICS)
    .columns(payload=JSONB)
)

_FIRED = text("delete from timer where timer_id = :timer_id and due_at = :due_at")

_FAILED = text(
    """
    update timer set attempts = attempts + 1,
        retry_at = crossdock_clock() + make_interval(
            secs => least(cast(:first_s as double precision) * 2.0 ^ least(attempts, 30), :last_s) * :jitter)
    where timer_id = :timer_id
    returning name, attempts
    """
)


@dataclass(frozen=True, slots=True)
class TimerBounds:
    """Times in seconds. A handler has `handler_s`; one that fails is tried again, ever more seldom."""

    poll_s: float = 0.5
    handler_s: float = 20.0
    first_retry_s: float = 1.0
    last_retry_s: float = 300.0
    batch: int = 100


class _Gone(Exception):
    """The timer was moved or cleared while its handler ran: what the handler did does not count."""


class TimerRunner(Generic[TX]):
    """Fires the timers that `handlers` (name -> handler) knows. Several processes may run at once.

    `consumer_name` is None for a service that listens to nothing, `topics` what its consumer listens to.
    """

    def __init__(
        self,
        database: Database[TX],
        handlers: Mapping[str, TimerHandler[TX]],
        consumer_name: str | None,
        topics: Collection[str],
        bounds: TimerBounds = TimerBounds(),
    ) -> None:
        self._database = database
        self._handlers = handlers
        self._fences = {"consumer": consumer_name, "topics": list(topics)}
        self._bounds = bounds
        self._stopping = asyncio.Event()
        self._stopped = asyncio.Event()

    async def run(self) -> None:
        """Run until `stop`. Errors of the database are logged and waited out."""
        for name in self._handlers:
            _failures.add(0, {"name": name})
        try:
            while not self._stopping.is_set():
                if not await self._fire_due():
                    await set_within(self._stopping, self._bounds.poll_s)
        finally:
            self._stopped.set()

    async def stop(self) -> None:
        """Return when the timer that is firing has fired; it has `handler_s` for it."""
        self._stopping.set()
        await self._stopped.wait()

    async def _fire_due(self) -> bool:
        """Fire one batch, each timer in a transaction of its own. True when more may be due right now."""
        try:
            due = await self._due()
        except Exception as error:
            log.warning("timer_runner.poll_failed", error=Fault.of(error).error_text)
            return False
        fired = 0
        for timer_id in due:
            if self._stopping.is_set():
                return False
            fired += await self._fire_or_put_off(timer_id)
        return len(due) == self._bounds.batch and fired > 0

    async def _due(self) -> Sequence[UUID]:
        """The oldest due timers, in the order of their keys."""
        values = {**self._fences, "names": list(self._handlers), "batch": self._bounds.batch}
        async with self._database.engine.connect() as connection:
            rows = (await connection.execute(_DUE, values)).all()
        return [row.timer_id for row in sorted(rows, key=lambda row: str(row.key))]

    async def _fire_or_put_off(self, timer_id: UUID) -> bool:
        try:
            async with asyncio.timeout(self._bounds.handler_s):
                return await self._fire(timer_id)
        except _Gone:
            return False
        except Exception as error:
            await self._put_off(timer_id, error)
            return False

    async def _fire(self, timer_id: UUID) -> bool:
        async with self._database.transaction() as tx:
            if not (await tx.connection.execute(_LOCK, {"timer_id": str(timer_id)})).scalar_one():
                return False  # another process is firing it
            row = (await tx.connection.execute(_READ, {"timer_id": timer_id, **self._fences})).one_or_none()
            if row is None:
                return False
            timer = _timer(row)
            with span(f"timer {timer.name}", SpanKind.CONSUMER, parent=timer.cause.traceparent):
                await self._handlers[timer.name](timer, tx=tx)
            fired = await tx.connection.execute(_FIRED, {"timer_id": timer_id, "due_at": timer.due_at})
            if fired.rowcount != 1:
                raise _Gone(timer_id)
            reached("timer.before_commit")
        _lateness.record(row.late_s, {"name": timer.name})
        return True

    async def _put_off(self, timer_id: UUID, error: Exception) -> None:
        """Note the failure on the timer's row; when that fails, too, the timer is tried again sooner."""
        values = {
            "timer_id": timer_id,
            "first_s": self._bounds.first_retry_s,
            "last_s": self._bounds.last_retry_s,
            "jitter": _random.uniform(0.5, 1.0),
        }
        try:
            async with asyncio.timeout(self._bounds.handler_s), self._database.engine.begin() as connection:
                row = (await connection.execute(_FAILED, values)).one_or_none()
        except Exception as second:
            log.warning("timer_runner.put_off_failed", error=Fault.of(second).error_text)
            return
        name = "gone" if row is None else row.name
        attempts = 0 if row is None else row.attempts
        _failures.add(1, {"name": name})
        tell = log.warning if is_transient(error) else log.error
        tell("timer.failed", name=name, timer_id=str(timer_id), attempts=attempts, exc_info=error)


def _timer(row: Any) -> Timer:
    return Timer(
        timer_id=row.timer_id,
        merchant_id=row.merchant_id,
        name=row.name,
        key=row.key,
        due_at=row.due_at,
        payload=row.payload,
        cause=Cause(None, row.correlation_id, row.traceparent),
    )
