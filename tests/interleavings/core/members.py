"""A service over rows in memory: the same handlers, timers and jobs as over its database."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from crossdock_chassis.jobs import Job
from crossdock_contracts.envelope import Event

from ..members import Clock, Member
from .memory import KeptJob, Memory, NewId


@dataclass(kw_only=True)
class CoreMember(Member):
    """`database` is `memory`, which takes its place."""

    memory: Memory[Any] = field(init=False)
    clock: Clock
    ids: NewId

    def __post_init__(self) -> None:
        database: Any = self.database
        self.memory = database

    async def _claim_events(self, tx: Any, event_ids: Sequence[UUID]) -> set[UUID]:
        new: set[UUID] = set(event_ids) - tx.rows.inbox
        tx.rows.inbox |= new
        return new

    async def forget_work(self) -> None:
        """There was no earlier world."""

    async def published(self, after: int) -> list[tuple[int, Event]]:
        return list(enumerate(self.memory.rows.log[after:], start=after + 1))

    async def last_published(self) -> int:
        return len(self.memory.rows.log)

    async def claim(self) -> list[Job]:
        claimed = []
        jobs = self.memory.rows.jobs
        for key, kept in list(jobs.items()):
            if kept.state == "ready" and kept.job.run_at <= self.clock.now:
                job = replace(kept.job, attempts=kept.job.attempts + 1, lease=self.ids())
                jobs[key] = KeptJob(job, "running")
                claimed.append(job)
        return sorted(claimed, key=lambda one: one.run_at)

    async def _unsettled(self, job: Job) -> bool:
        return self.memory.rows.jobs[job.kind, job.reference].state == "running"

    async def _give_back(self, job: Job, outcome: str, error: str, delay_s: float) -> None:
        kept = self.memory.rows.jobs[job.kind, job.reference]
        if kept.state != "running" or kept.job.lease != job.lease:
            return
        again = replace(
            kept.job,
            run_at=self.clock.now + timedelta(seconds=delay_s),
            outcome_unknown=kept.job.outcome_unknown or outcome in {"unknown", "needs_person"},
        )
        state = "needs_person" if outcome == "needs_person" else "ready"
        self.memory.rows.jobs[job.kind, job.reference] = KeptJob(again, state, error)

    async def fire(self, *, behind: Collection[str]) -> None:
        """One that is due fires only when nothing is left to read that could have come before it."""
        while not behind:
            due = [one for one in self.memory.rows.timers.values() if one.due_at <= self.clock.now]
            if not due:
                return
            timer = min(due, key=lambda one: (one.due_at, one.name, one.key))
            async with self.database.transaction(timer.cause) as tx:
                del tx.rows.timers[timer.name, timer.key]
                await self.timers[timer.name](timer, tx=tx)
