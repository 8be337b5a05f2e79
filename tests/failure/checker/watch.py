"""The invariants that must hold at every moment, sampled while the system works."""

import asyncio
import time
from collections import Counter
from collections.abc import Coroutine
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from aiokafka.errors import KafkaError

from ..system import DATABASE_AWAY, System
from .publishing import Order
from .sources import SERVICES, Sources, open_sources
from .stock import OVERSOLD, oversold
from .topics import committed_offsets, open_tail
from .transitions import ALLOCATION_EDGES, LEG_EDGES, ORDER_EDGES, Edges
from .verdict import Finding

#: Of one process: its pool with overflow, the session of the relay's locks, and one of a command line.
CONNECTIONS_PER_PROCESS = 10 + 5 + 1 + 1
#: No transaction of a service may be older; the role's own limit is 30 s.
OLDEST_TRANSACTION_S = 40
MOST_PARKED_KEYS, MOST_PARKED_EVENTS = 1_000, 10_000
#: Of one table: autovacuum comes by every 10 s where all is well.
MOST_DEAD_ROWS = 50_000

#: A look that takes longer is given up; the next one may come through.
LOOK_S = 30.0

#: In samples: the broker has to be asked for each partition.
COMMITTED_EVERY = 10

_SHARD_LOCKS = 1_926_001

_AWAY = (*DATABASE_AWAY, KafkaError)

_OWNERS = """
    select objid::int as shard, count(*)::int as owners, array_agg(pid) as pids from pg_locks
    where locktype = 'advisory' and granted and objsubid = 2 and classid::bigint = $1
      and database = (select oid from pg_database where datname = current_database())
    group by objid having count(*) > 1
"""

_SESSIONS = """
    select count(*)::int as sessions,
           coalesce(max(extract(epoch from clock_timestamp() - xact_start)), 0)::float as oldest_s
    from pg_stat_activity where datname = current_database() and usename like '%\\_app'
"""

_PARKED = "select (select count(*) from parked_key) as keys, (select count(*) from parked_event) as events"

_DEAD = "select relname as name, n_dead_tup::int as rows from pg_stat_user_tables where n_dead_tup > $1"

#: Things whose state is looked at again and again, and where it may go from one look to a later one.
_STATES: tuple[tuple[str, str, str, Edges], ...] = (
    ("order", "order", "select order_id::text as id, status as state, version from orders", ORDER_EDGES),
    (
        "allocation",
        "inventory",
        "select allocation_id::text as id, state, consumed as version from allocation",
        ALLOCATION_EDGES,
    ),
    (
        "shipment",
        "shipping",
        "select shipment_id::text as id, state, plan_revision as version from shipment",
        LEG_EDGES,
    ),
)


class Watch:
    """Samples until it is closed. A database or broker that is away for a moment is not a finding.

    `samples`: looks that came to their end; `blind_s`: the longest time from one to the next. A database that
    is put back to an earlier time shows as findings.
    """

    def __init__(self, system: System, *, every_s: float = 2.0) -> None:
        self._system = system
        self._every_s = every_s
        self._tasks: list[asyncio.Task[None]] = []
        self._found: dict[Finding, None] = {}
        self._fences: dict[tuple[str, str, int], tuple[str | None, int, int]] = {}
        # The log in which the broker was last seen to be behind the fence, or even with it.
        self._followed: dict[tuple[str, str, int], tuple[str | None, int]] = {}
        self._states: dict[tuple[str, str], tuple[str, int]] = {}
        self._reachable = {kind: _closure(edges) for kind, _, _, edges in _STATES}
        self._many_sessions: Counter[str] = Counter()
        self.samples = 0
        self.blind_s = 0.0
        self.looked_at: Counter[str] = Counter()

    @property
    def findings(self) -> list[Finding]:
        return list(self._found)

    async def __aenter__(self) -> Self:
        self._tasks = [
            asyncio.create_task(self._watch_databases()),
            asyncio.create_task(self._watch_topics()),
        ]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._tasks:
            task.cancel()
        for result in await asyncio.gather(*self._tasks, return_exceptions=True):
            if isinstance(result, Exception):
                raise result

    def _note(self, invariant: str, text: str) -> None:
        self._found[Finding(invariant, text)] = None

    async def _watch_databases(self) -> None:
        looked_at = time.monotonic()
        while True:
            before = self.samples
            await self._bounded(self._look_once())
            now = time.monotonic()
            self.blind_s = max(self.blind_s, now - looked_at)
            if self.samples > before:
                looked_at = now
            await asyncio.sleep(self._every_s)

    async def _look_once(self) -> None:
        with suppress(*_AWAY):  # the next look may see it
            async with open_sources(self._system) as sources:
                await self.look(sources)
            self.samples += 1

    async def _bounded(self, look: Coroutine[None, None, None]) -> None:
        looking = asyncio.create_task(look)
        try:
            await asyncio.wait([looking], timeout=LOOK_S)
        finally:
            while not looking.done():  # a client whose broker is away may swallow that it is cancelled
                looking.cancel()
                await asyncio.wait([looking], timeout=1)
        if not looking.cancelled():
            looking.result()

    async def look(self, sources: Sources) -> None:
        """One sample of everything that a database tells."""
        self.looked_at["INV-3"] += 1
        for text in oversold(await sources.rows("inventory", OVERSOLD)):
            self._note("INV-3", text)
        for kind, service, sql, _ in _STATES:
            for row in await sources.rows(service, sql):
                self._see_state(kind, row)
        for service in SERVICES:
            await self._look_at_fences(sources, service)
            await self._look_at_owners(sources, service)
            await self._look_at_sizes(sources, service)

    def _see_state(self, kind: str, row: Any) -> None:
        self.looked_at["INV-8"] += 1
        at = (kind, row["id"])
        state, version = self._states.get(at, (row["state"], 0))
        self._states[at] = (row["state"], row["version"])
        if row["version"] < version:
            self._note("INV-8", f"{kind} {row['id']} went from version {version} to {row['version']}")
        if row["state"] != state and row["state"] not in self._reachable[kind].get(state, ()):
            self._note("INV-8", f"{kind} {row['id']} went from {state} to {row['state']}")

    async def _look_at_fences(self, sources: Sources, service: str) -> None:
        """The broker is asked before the database, which may then only be farther."""
        committed = await self._committed(sources, service) if self.samples % COMMITTED_EVERY == 0 else {}
        for row in await sources.rows(
            service,
            "select topic, partition, cluster_id, epoch, next_offset from consumer_fence where consumer = $1",
            service,
        ):
            self.looked_at["INV-13"] += 1
            at = (service, row["topic"], row["partition"])
            name = f"{service}'s fence of {row['topic']}/{row['partition']}"
            cluster_id, epoch, offset = self._fences.get(at, (None, 0, 0))
            if row["epoch"] < epoch:
                self._note("INV-13", f"{name} went from epoch {epoch} back to {row['epoch']}")
            same_log = (row["cluster_id"], row["epoch"]) == (cluster_id, epoch)
            if same_log and row["next_offset"] < offset:
                self._note(
                    "INV-13", f"{name} went back from {offset} to {row['next_offset']} in epoch {epoch}"
                )
            told = committed.get((row["topic"], row["partition"]))
            if told is not None:
                self._compare(at, name, told, row)
            self._fences[at] = (row["cluster_id"], row["epoch"], row["next_offset"])

    def _compare(self, at: tuple[str, str, int], name: str, told: int, row: Any) -> None:
        """With what the broker was told: in a new log it stays as it is until something of that is done."""
        log = (row["cluster_id"], row["epoch"])
        if told <= row["next_offset"]:
            self._followed[at] = log
        elif self._followed.get(at) == log:
            self._note("INV-13", f"{name} is at {row['next_offset']}, {told} is committed at the broker")

    async def _committed(self, sources: Sources, service: str) -> dict[tuple[str, int], int]:
        rows = await sources.rows(service, "select topic, partition from consumer_fence")
        places = [(row["topic"], row["partition"]) for row in rows]
        try:
            async with asyncio.timeout(10):
                return await committed_offsets(sources.system, service, places)
        except _AWAY:
            return {}

    async def _look_at_owners(self, sources: Sources, service: str) -> None:
        self.looked_at["INV-23"] += 1
        for row in await sources.rows(service, _OWNERS, _SHARD_LOCKS):
            self._note("INV-23", f"{service}: {row['owners']} relays own shard {row['shard']} at once")

    async def _look_at_sizes(self, sources: Sources, service: str) -> None:
        self.looked_at["INV-24"] += 1
        (row,) = await sources.rows(service, _SESSIONS)
        most = CONNECTIONS_PER_PROCESS * self._system.processes.get(service, 1)
        # Sessions of a process that was killed are there for a moment: only what stays counts.
        self._many_sessions[service] = self._many_sessions[service] + 1 if row["sessions"] > most else 0
        if self._many_sessions[service] >= 3:
            self._note("INV-24", f"{service} holds more than {most} connections")
        if row["oldest_s"] > OLDEST_TRANSACTION_S:
            self._note(
                "INV-24", f"{service} has had a transaction open for more than {OLDEST_TRANSACTION_S} s"
            )
        (row,) = await sources.rows(service, _PARKED)
        if row["keys"] > MOST_PARKED_KEYS or row["events"] > MOST_PARKED_EVENTS:
            self._note("INV-24", f"{service} keeps {row['keys']} keys and {row['events']} events parked")
        for row in await sources.rows(service, _DEAD, MOST_DEAD_ROWS):
            self._note("INV-24", f"{service}'s {row['name']} keeps {row['rows']} dead rows")

    async def _watch_topics(self) -> None:
        """INV-11 as it happens. A reader that lost its brokers begins again, and so does the order."""
        while True:
            order = Order()
            try:
                async with open_tail(self._system) as tail:
                    while True:
                        async for record in tail.more():
                            wrong = order.see(record)
                            self.looked_at["INV-11"] += 1
                            if wrong is not None:
                                self._note("INV-11", wrong)
                        await asyncio.sleep(self._every_s)
            except _AWAY:
                await asyncio.sleep(self._every_s)


def _closure(edges: Edges) -> dict[str, set[str]]:
    """Where a thing may be by the time of the next look."""
    found = {state: set(targets) for state, targets in edges.items()}
    for _ in edges:
        found = {
            state: targets.union(*(found.get(one, set()) for one in targets))
            for state, targets in found.items()
        }
    return found
