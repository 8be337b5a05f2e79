"""What waits in a service's database, as gauges: the operations API's status and the service's worklists.

Read from the database by the work role, so that the numbers go on when a consumer or a relay is dead. Every
work process reads the same: take the highest, never the sum.
"""

import asyncio
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any, Final

from sqlalchemy import text

from crossdock_chassis.database import Database
from crossdock_chassis.operations.status import JobStatus, Status, read_status
from crossdock_chassis.repeating import repeat
from crossdock_chassis.telemetry import meter

LOOK_EVERY_S: Final = 15.0
#: The states of a job that is not done, as the table has them.
JOB_STATES: Final = ("ready", "running", "refused", "needs_person")

_outbox_rows = meter.create_gauge("crossdock.outbox.rows", description="Events not yet on the log")
_outbox_parked = meter.create_gauge("crossdock.outbox.parked_rows", description="Events the broker refused")
_topic_lag = meter.create_gauge(
    "crossdock.topic.lag", unit="s", description="Since everything said on a topic was handled"
)
_topic_unread = meter.create_gauge(
    "crossdock.topic.unread_partitions", description="Partitions whose end was never reached"
)
_parked_keys = meter.create_gauge("crossdock.parked.keys", description="Keys that rest after a failure")
_parked_events = meter.create_gauge("crossdock.parked.events", description="Events of keys that rest")
_parked_age = meter.create_gauge("crossdock.parked.age", unit="s", description="Since the first key rests")
_jobs = meter.create_gauge("crossdock.job.open", description="Jobs that are not done, by kind and state")
_timers_late = meter.create_gauge(
    "crossdock.timer.overdue", unit="s", description="How late the oldest timer is that has not fired"
)
_worklist = meter.create_gauge("crossdock.worklist.items", description="Open items that a person has to see")
_worklist_age = meter.create_gauge(
    "crossdock.worklist.age", unit="s", description="Age of the oldest open item"
)


class BacklogWatch:
    """Looks every 15 seconds until `stop`.

    `worklists`: name -> statement for one row: `items`, and `age_s` of the oldest, null when there is none.
    """

    def __init__(
        self,
        database: Database[Any],
        *,
        consumer: str,
        topics: Sequence[str],
        job_kinds: Sequence[str],
        worklists: Mapping[str, str],
    ) -> None:
        self._engine = database.engine
        self._consumer = consumer
        self._topics = topics
        self._job_kinds = job_kinds
        self._worklists = {name: text(statement) for name, statement in worklists.items()}
        self._stop = asyncio.Event()

    async def run(self) -> None:
        await repeat("backlog_watch", self.look, self._stop, every_s=LOOK_EVERY_S)

    async def stop(self) -> None:
        self._stop.set()

    async def look(self) -> None:
        """Read it all once, in a transaction that changes nothing."""
        async with self._engine.connect() as connection:
            status = await read_status(connection, self._consumer, self._topics)
            for name, statement in self._worklists.items():
                row = (await connection.execute(statement)).one()
                _worklist.set(row.items, {"list": name})
                _worklist_age.set(float(row.age_s or 0), {"list": name})
        self._show(status)

    def _show(self, status: Status) -> None:
        _outbox_rows.set(status.outbox.rows)
        _outbox_parked.set(status.outbox.parked_rows)
        _parked_keys.set(status.parked.keys)
        _parked_events.set(status.parked.events)
        _parked_age.set(status.parked.oldest_age_s or 0.0)
        _timers_late.set(status.timers.oldest_late_s or 0.0)
        for topic in status.topics:
            _topic_lag.set(topic.lag_s or 0.0, {"topic": topic.topic})
            _topic_unread.set(topic.partitions_never_caught_up, {"topic": topic.topic})
        for (kind, state), jobs in self._count(status.jobs).items():
            _jobs.set(jobs, {"kind": kind, "state": state})

    def _count(self, found: Sequence[JobStatus]) -> Mapping[tuple[str, str], int]:
        """(kind, state) -> jobs at all parties together; 0 where there are none, so that none lingers."""
        counts = {(kind, state): 0 for kind in self._job_kinds for state in JOB_STATES}
        ordered = sorted(found, key=lambda one: (one.kind, one.state))
        for key, group in groupby(ordered, key=lambda one: (one.kind, one.state)):
            counts[key] = sum(one.jobs for one in group)
        return counts
