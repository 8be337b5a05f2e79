"""Runs the calls to the outside: claims rows of `job`, calls their handlers, and decides what follows.

A job is held by a lease that is renewed while its handler runs. A process that dies loses its leases, and the
next attempt learns that the outcome is unknown. A process that only hangs is cancelled before its lease ends,
and cannot settle after it: `tx.jobs.done` compares the lease.
"""

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from random import SystemRandom
from typing import Any

from opentelemetry.trace import SpanKind

from crossdock_chassis.crash_points import reached
from crossdock_chassis.database import Database
from crossdock_chassis.faults import Fault, is_transient
from crossdock_chassis.job_table import GiveUp, JobTable
from crossdock_chassis.jobs import (
    Destination,
    Job,
    JobHandler,
    LeaseLost,
    NeedsPerson,
    NotSent,
    OutcomeUnknown,
)
from crossdock_chassis.lane import CircuitBounds, Lane, Lanes
from crossdock_chassis.logging import get_logger
from crossdock_chassis.telemetry import meter, span
from crossdock_chassis.waiting import set_within

log = get_logger(__name__)
_attempts = meter.create_counter("crossdock.job.attempts", description="Attempts by outcome")
_duration = meter.create_histogram("crossdock.job.duration", unit="s", description="How long an attempt took")
_age = meter.create_gauge("crossdock.job.age", unit="s", description="Age of the oldest open job")
_late = meter.create_gauge("crossdock.job.late", description="Open jobs past their deadline")
_circuit = meter.create_gauge(
    "crossdock.job.circuit", description="0 closed, 1 half open, 2 open: the worst party's"
)
_random = SystemRandom()

#: While a release rolls out, its jobs may be there before the process that knows them.
_NEWER_CODE_IS_ON_ITS_WAY_S = 600


@dataclass(frozen=True, slots=True)
class JobBounds:
    """Times in seconds. `attempt_s` bounds one attempt, however often its lease is renewed.

    `at_once` bounds the attempts of a process at all destinations together, `longest_hold_s` for how long a
    destination may ask to be left alone: then one more look tells whether it still means it.
    """

    at_once: int = 500
    lease_s: float = 30.0
    attempt_s: float = 300.0
    stop_s: float = 15.0
    first_poll_s: float = 0.02
    last_poll_s: float = 1.0
    first_retry_s: float = 0.5
    last_retry_s: float = 300.0
    latest_retry_after_s: float = 86_400.0
    longest_hold_s: float = 900.0
    circuit: CircuitBounds = field(default_factory=CircuitBounds)
    # About a day at the longest back-off; earlier where nobody knows what the attempts have done.
    max_attempts_not_sent: int = 300
    max_attempts_unknown: int = 50
    max_unknown_s: float = 86_400.0


@dataclass(slots=True)
class _Attempt:
    job: Job
    task: asyncio.Task[None]
    ends_at: float
    lease: asyncio.Timeout


class JobRunner:
    """Runs jobs of the given kinds at the given destinations; jobs of others are left for who knows them.

    `handlers`: kind -> handler. Several processes may run at once; all bounds are per process. Each party
    of a destination has a lane of its own (lane.py).
    """

    def __init__(
        self,
        database: Database[Any],
        handlers: Mapping[str, JobHandler],
        destinations: Sequence[Destination],
        bounds: JobBounds = JobBounds(),
    ) -> None:
        self._table = JobTable(database.engine)
        self._handlers = handlers
        self._bounds = bounds
        self._lanes = Lanes(destinations, bounds.circuit)
        self._full: list[Lane] = []  # had due jobs and no room for them at the last look
        self._seen_up_to = ""  # the party behind which the next look begins, so that each has its turn
        # Set by commits that ask for jobs, by attempts that end, and by `stop`.
        self._look = database.wakeups.jobs
        self._stopping = asyncio.Event()
        self._stopped = asyncio.Event()
        # Strong references: asyncio itself keeps only weak ones.
        self._attempts: dict[asyncio.Task[None], _Attempt] = {}
        self._returned: list[Job] = []
        # From the beginning, so that each is shown before there is a job of it.
        self._late = {(one.name, kind): 0 for one in destinations for kind in handlers}

    async def run(self) -> None:
        """Run until `stop`. Errors of the database are logged and waited out."""
        upkeep = asyncio.create_task(self._upkeep())
        try:
            await self._claim_until_stopped()
            await self._drain()
        finally:
            upkeep.cancel()
            await self._cancel_attempts()
            await asyncio.gather(upkeep, return_exceptions=True)
            await self._edge("job_runner.check_failed", self._check_returned())
            self._stopped.set()

    async def stop(self) -> None:
        """Claim no more, give running calls `stop_s` to end and the rest back as unknown; wait for that."""
        self._stopping.set()
        self._look.set()
        await self._stopped.wait()

    async def _claim_until_stopped(self) -> None:
        poll_s = self._bounds.first_poll_s
        while not self._stopping.is_set():
            self._look.clear()
            claimed = await self._edge("job_runner.claim_failed", self._claim())
            poll_s = self._bounds.first_poll_s if claimed else min(poll_s * 2, self._bounds.last_poll_s)
            if await self._woken(poll_s):
                poll_s = self._bounds.first_poll_s

    async def _woken(self, poll_s: float) -> bool:
        now = _now()
        waits = [wait for lane in self._full if (wait := lane.opens_in_s(now)) is not None and wait > 0]
        if not await set_within(self._look, min([poll_s, *waits])):
            return False
        await asyncio.sleep(0.002)  # what ends or commits together is claimed together
        return True

    async def _claim(self) -> bool:
        """Start due jobs where there is room. True when there may be more right now."""
        free = self._bounds.at_once - len(self._attempts)
        if free <= 0 or not self._handlers:
            return False
        now = _now()
        parties = await self._table.parties(self._seen_up_to)
        all_seen = self._seen_up_to == "" and parties.last is None
        self._seen_up_to = parties.last or ""
        lanes: dict[str, Lane] = {}
        rooms: dict[str, int] = {}
        self._full = []
        for destination in parties.due:
            lane = self._lanes.of(destination, now)
            if lane is None:
                continue
            room = min(lane.room(now), free)
            if room == 0:
                self._full.append(lane)
                continue
            lanes[destination], rooms[destination] = lane, room
            free -= room
            if free == 0:
                self._seen_up_to = destination
                break
        if not rooms:
            return not all_seen
        jobs = await self._table.claim(rooms, list(self._handlers), self._bounds.lease_s)
        for job in jobs:
            self._start(job, lanes[job.destination], claimed_at=now)
        return bool(jobs) or not all_seen

    def _start(self, job: Job, lane: Lane, *, claimed_at: float) -> None:
        ends_at = claimed_at + self._bounds.attempt_s
        lease = asyncio.timeout_at(min(claimed_at + self._bounds.lease_s, ends_at))
        lane.started(job.lease, claimed_at)
        task = asyncio.create_task(self._attempt(job, lane, lease), name=f"job {job.kind}")
        self._attempts[task] = _Attempt(job, task, ends_at, lease)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        del self._attempts[task]
        self._look.set()

    async def _attempt(self, job: Job, lane: Lane, lease: asyncio.Timeout) -> None:
        began = _now()
        outcome, answered = "unknown", None
        try:
            with span(
                f"job {job.kind}",
                SpanKind.CONSUMER,
                parent=job.cause.traceparent,
                attributes={
                    "crossdock.job.destination": job.destination,
                    "crossdock.job.attempt": job.attempts,
                },
            ) as attempt:
                outcome, answered = await self._call(job, lane, lease)
                attempt.set_attribute("crossdock.job.outcome", outcome)
        finally:
            lane.ended(job.lease, answered=answered, now=_now())
            labels = {"kind": job.kind, "destination": lane.destination.name}
            _attempts.add(1, {**labels, "outcome": outcome})
            _duration.record(_now() - began, labels)

    async def _call(self, job: Job, lane: Lane, lease: asyncio.Timeout) -> tuple[str, bool | None]:
        """Call the handler, give back what it did not settle. Returns the outcome; whether they answered."""
        try:
            async with lease:
                reached("job.claimed")
                await self._handlers[job.kind](job)
                reached("job.stored")
        except NotSent as error:
            put_off = error.answered and error.retry_after_s is not None
            await self._give_back(
                job, "not_sent", str(error), retry_after_s=error.retry_after_s, counted=not put_off
            )
            if error.answered or error.retry_after_s is None:
                return "not_sent", error.answered
            lane.hold(_now() + min(error.retry_after_s, self._bounds.longest_hold_s))
            return "not_sent", None  # they answered, and did not do it
        except OutcomeUnknown as error:
            await self._give_back(job, "unknown", str(error))
            return "unknown", False
        except NeedsPerson as error:
            await self._give_back(job, "needs_person", str(error))
            return "needs_person", None
        except LeaseLost:
            log.warning("job.lease_lost", job_id=str(job.job_id), kind=job.kind)
            return "lease_lost", None
        except asyncio.CancelledError:
            await self._give_back(job, "unknown", "cancelled while the service stopped")
            raise
        except Exception as error:
            if lease.expired():
                await self._give_back(job, "unknown", "took too long")
                return "unknown", False
            where = Fault.of(error).error_text
            if is_transient(error):  # a database that is away or busy is no defect, and wakes nobody
                log.warning("job.interrupted", job_id=str(job.job_id), kind=job.kind, error=where)
                await self._give_back(job, "unknown", where)
                return "interrupted", None
            log.error(
                "job.failed", job_id=str(job.job_id), kind=job.kind, attempt=job.attempts, exc_info=error
            )
            await self._give_back(job, "unknown", where)
            return "failed", None
        self._returned.append(job)
        return "returned", True

    async def _give_back(
        self,
        job: Job,
        outcome: str,
        error: str,
        *,
        retry_after_s: float | None = None,
        counted: bool = True,
    ) -> None:
        delay_s = self._back_off_s(job.attempts) if retry_after_s is None else max(0.0, retry_after_s)
        given_back = self._table.give_back(
            job,
            error=error,
            delay_s=min(delay_s, self._bounds.latest_retry_after_s),
            unknown=outcome == "unknown",
            needs_person=outcome == "needs_person",
            counted=counted,
            give_up=self._give_up(sent=outcome != "not_sent"),
        )
        # When it fails, the lease runs out and the job is taken over as unknown.
        state = await self._edge("job_runner.give_back_failed", given_back)
        if state is None:
            log.warning("job.lease_lost", job_id=str(job.job_id), kind=job.kind)
        elif state == "needs_person":
            log.error("job.needs_person", job_id=str(job.job_id), kind=job.kind, attempt=job.attempts)
        else:
            log.info("job.open_again", job_id=str(job.job_id), kind=job.kind, outcome=outcome, state=state)

    def _give_up(self, *, sent: bool) -> GiveUp:
        attempts = self._bounds.max_attempts_unknown if sent else self._bounds.max_attempts_not_sent
        return GiveUp(attempts, self._bounds.max_unknown_s)

    def _back_off_s(self, attempts: int) -> float:
        longest = min(self._bounds.first_retry_s * 2.0 ** min(attempts - 1, 30), self._bounds.last_retry_s)
        return longest * _random.uniform(0.5, 1.0)

    async def _upkeep(self) -> None:
        """Three times per lease: renew, take over what others lost, look at what is open."""
        while True:
            await asyncio.sleep(self._bounds.lease_s / 3)
            await self._edge("job_runner.renew_failed", self._renew())
            await self._edge("job_runner.take_over_failed", self._take_over())
            await self._edge("job_runner.check_failed", self._check_returned())
            await self._edge("job_runner.watch_failed", self._watch())

    async def _renew(self) -> None:
        attempts = list(self._attempts.values())
        if not attempts:
            return
        asked_at = _now()
        held = await self._table.renew([one.job for one in attempts], self._bounds.lease_s)
        for one in attempts:
            if one.task in self._attempts and not one.lease.expired():
                until = asked_at + self._bounds.lease_s if one.job.lease in held else asked_at
                with suppress(RuntimeError):  # its call is over, or has not begun: nothing runs out
                    one.lease.reschedule(min(until, one.ends_at))

    async def _take_over(self) -> None:
        for row in await self._table.take_over(self._give_up(sent=True)):
            log.warning("job.taken_over", job_id=str(row.job_id), kind=row.kind, state=row.state)
            self._look.set()

    async def _check_returned(self) -> None:
        """A handler that returns has settled its job: checked for many at once, as it costs a statement."""
        while returned := self._returned[:1000]:
            for row in await self._table.unsettled(returned):
                log.error("job.not_settled_by_handler", job_id=str(row.job_id), kind=row.kind)
            del self._returned[: len(returned)]

    async def _watch(self) -> None:
        now = _now()
        for name, state in self._lanes.worst_circuits(now).items():
            _circuit.set(state, {"destination": name})
        late: dict[tuple[str, str], int] = {}
        for open_jobs in await self._table.watch():
            labels = {"destination": open_jobs.family, "kind": open_jobs.kind}
            late[open_jobs.family, open_jobs.kind] = open_jobs.late
            _age.set(open_jobs.age_s, labels)
            _late.set(open_jobs.late, labels)
            if open_jobs.late > self._late.get((open_jobs.family, open_jobs.kind), 0):
                log.error("job.deadline_passed", **labels, jobs=open_jobs.late)
            known = self._lanes.knows(open_jobs.family) and open_jobs.kind in self._handlers
            if not known and open_jobs.age_s > _NEWER_CODE_IS_ON_ITS_WAY_S:
                log.error("job.nobody_runs_it", **labels, age_s=round(open_jobs.age_s))
        for destination, kind in self._late.keys() - late.keys():
            _age.set(0, {"destination": destination, "kind": kind})
            _late.set(0, {"destination": destination, "kind": kind})
        self._late = late

    async def _drain(self) -> None:
        if self._attempts:
            await asyncio.wait(self._attempts, timeout=self._bounds.stop_s)

    async def _cancel_attempts(self) -> None:
        tasks = list(self._attempts)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _edge(self, event: str, work: Coroutine[Any, Any, Any]) -> Any:
        """Nothing that fails in here ends the runner; all of it is tried again."""
        try:
            async with asyncio.timeout(self._bounds.lease_s):
                return await work
        except Exception as error:
            log.warning(event, error=Fault.of(error).error_text)
            return None


def _now() -> float:
    return asyncio.get_running_loop().time()
