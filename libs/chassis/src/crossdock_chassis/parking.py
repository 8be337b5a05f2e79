"""Parked events, as people see them: list, show, replay, discard. What is parked rests by key, in order.

The consumer's side, which parks, is divert.py.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic
from uuid import UUID

import structlog
from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncConnection

from crossdock_chassis.crash_points import reached
from crossdock_chassis.database import TX, Database
from crossdock_chassis.faults import Fault, is_transient
from crossdock_chassis.handlers import Handlers
from crossdock_chassis.ids import new_id
from crossdock_chassis.wire import UnreadableRecord, decode
from crossdock_contracts.envelope import Actor, Event
from crossdock_contracts.privacy import redact

log = structlog.get_logger(__name__)


class NotParked(Exception):
    """The key, or the event of it, is not parked: never was, or somebody was faster."""


@dataclass(frozen=True, slots=True)
class ParkedGroup:
    """Keys that rest for the same error at the same place of our code."""

    fingerprint: str
    error_type: str
    error_text: str  # of one of them
    keys: int
    events: int
    since: datetime  # the oldest
    sample_keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ParkedKey:
    key: str
    merchant_id: str | None
    error_type: str
    error_text: str
    fingerprint: str
    attempts: int
    since: datetime
    events: int


@dataclass(frozen=True, slots=True)
class ParkedEvent:
    """`content` is the event without personal data; null when it cannot be read: then the headers must do."""

    n: int
    event_id: UUID | None
    topic: str
    partition: int
    offset: int
    parked_at: datetime
    headers: tuple[tuple[str, str], ...]
    content: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class ReplayResult:
    """`left` events are still parked; `error` is what the first of them failed with, null at the bound."""

    key: str
    applied: int
    left: int
    error: Fault | None


async def list_parked(connection: AsyncConnection, consumer: str, *, limit: int = 100) -> list[ParkedGroup]:
    """What rests, grouped by fingerprint, the most keys first."""
    rows = await connection.execute(
        text(
            """
            select fingerprint, min(error_type) as error_type, min(error_text) as error_text,
                   count(*) as keys, sum(events) as events, min(since) as since,
                   (array_agg(key order by since))[1:5] as sample_keys
            from (
                select k.*, (select count(*) from parked_event e
                             where e.consumer = k.consumer and e.key = k.key) as events
                from parked_key k where k.consumer = :consumer
            ) counted
            group by fingerprint order by count(*) desc, fingerprint limit :limit
            """
        ),
        {"consumer": consumer, "limit": limit},
    )
    return [
        ParkedGroup(
            row["fingerprint"],
            row["error_type"],
            row["error_text"],
            row["keys"],
            int(row["events"]),
            row["since"],
            tuple(row["sample_keys"]),
        )
        for row in rows.mappings()
    ]


async def list_parked_keys(
    connection: AsyncConnection,
    consumer: str,
    *,
    fingerprint: str | None = None,
    after: str = "",
    limit: int = 100,
) -> list[ParkedKey]:
    """Parked keys in the order of their names, of one group or of all; the page begins behind `after`."""
    rows = await connection.execute(
        text(
            _KEYS + " and key > :after and (cast(:fingerprint as text) is null or fingerprint = :fingerprint)"
            " order by key limit :limit"
        ),
        {"consumer": consumer, "fingerprint": fingerprint, "after": after, "limit": limit},
    )
    return [_parked_key(row) for row in rows.mappings()]


async def show_parked(
    connection: AsyncConnection, consumer: str, key: str, *, limit: int = 100
) -> tuple[ParkedKey, list[ParkedEvent]]:
    """One parked key and its first events in order. Raises NotParked."""
    found = await connection.execute(text(_KEYS + " and key = :key"), {"consumer": consumer, "key": key})
    row = found.mappings().one_or_none()
    if row is None:
        raise NotParked(key)
    events = await connection.execute(
        text(_EVENTS + " order by n limit :limit"), {"consumer": consumer, "key": key, "limit": limit}
    )
    return _parked_key(row), [_parked_event(one) for one in events.mappings()]


async def discard(
    connection: AsyncConnection, consumer: str, key: str, *, n: int | None = None, actor: Actor, reason: str
) -> int:
    """Give up all events of a parked key, or its event `n`, and write down who did and why.

    Returns how many. Raises NotParked. What is left stays parked until it is replayed; with nothing left,
    later events of the key are handled again.
    """
    parked = await lock_parked(connection, consumer, key)
    deleted = await connection.execute(
        text(
            "delete from parked_event where consumer = :consumer and key = :key"
            " and (cast(:n as bigint) is null or n = :n)"
        ),
        {"consumer": consumer, "key": key, "n": n},
    )
    if n is not None and deleted.rowcount == 0:
        raise NotParked(key)
    if await _count_events(connection, consumer, key, bound=1) == 0:
        await unpark(connection, consumer, key)
    await write_parked_audit(connection, consumer, parked, "discarded", deleted.rowcount, actor, reason)
    log.warning("parked.discarded", consumer=consumer, key=key, events=deleted.rowcount, actor=actor.name)
    return deleted.rowcount


class Replayer(Generic[TX]):
    """Hands parked events to the consumer's own handlers, in order, each in a transaction of its own.

    Every transaction holds the key's row, so a consumer that meets the key meanwhile waits, and then appends
    (still parked) or handles (the key is gone). The key goes in the transaction of its last event.
    """

    def __init__(self, database: Database[TX], consumer: str, handlers: Handlers) -> None:
        self._database = database
        self._consumer = consumer
        self._handlers = handlers

    async def replay(self, key: str, *, actor: Actor, max_events: int = 1_000) -> ReplayResult:
        """Run the key's events until one fails or none is left. Raises NotParked, and what may pass.

        A failure keeps the event and all behind it, and counts as an attempt.
        """
        applied = 0
        more = True
        first: RowMapping | None = None
        error: Fault | None = None
        while more and error is None and applied < max_events:
            try:
                parked, more = await self._run_first(key)
            except NotParked:
                if first is None:
                    raise
                break  # somebody else replays it too, and was faster with the last event
            except Exception as failure:
                if is_transient(failure):
                    raise
                error = _fault_of(failure)
            else:
                first = first or parked
                applied += 1
        left = await self._close(key, first, applied, error, actor)
        log.info("parked.replayed", consumer=self._consumer, key=key, applied=applied, left=left)
        return ReplayResult(key, applied, left, error)

    async def replay_matching(
        self, fingerprint: str, *, actor: Actor, max_keys: int = 100
    ) -> list[ReplayResult]:
        """Replay keys that rest for this reason, at most `max_keys`, in the order of their names."""
        async with self._database.transaction() as tx:
            keys = await list_parked_keys(
                tx.connection, self._consumer, fingerprint=fingerprint, limit=max_keys
            )
        results: list[ReplayResult] = []
        for one in keys:
            try:
                results.append(await self.replay(one.key, actor=actor))
            except NotParked:
                continue  # somebody else has just replayed or discarded it
        return results

    async def _run_first(self, key: str) -> tuple[RowMapping, bool]:
        """Handle the key's first event. Returns the key's row and whether more events are left."""
        async with self._database.transaction() as tx:
            parked = await lock_parked(tx.connection, self._consumer, key)
            names = {"consumer": self._consumer, "key": key}
            found = await tx.connection.execute(text(_EVENTS + " order by n limit 1"), names)
            row = found.mappings().one_or_none()
            if row is not None:
                event = event_of(row)
                handler = self._handlers.get(type(event))
                if handler is None:
                    raise UnreadableRecord(f"type {event.TYPE!r} is not listened to")
                await handler([event], tx=tx)
                await tx.connection.execute(
                    text("delete from parked_event where consumer = :consumer and key = :key and n = :n"),
                    {**names, "n": row["n"]},
                )
            more = await _count_events(tx.connection, self._consumer, key, bound=1) > 0
            if not more:
                await unpark(tx.connection, self._consumer, key)
            reached("parking.before_commit")
            return parked, more

    async def _close(
        self, key: str, parked: RowMapping | None, applied: int, error: Fault | None, actor: Actor
    ) -> int:
        """Write down what came of it; a failure's error becomes the key's. Returns how many are left."""
        async with self._database.transaction() as tx:
            if error is not None:
                changed = await tx.connection.execute(
                    text(
                        """
                        update parked_key set attempts = attempts + 1, error_type = :error_type,
                               error_text = :error_text, fingerprint = :fingerprint
                        where consumer = :consumer and key = :key returning *
                        """
                    ),
                    {
                        "consumer": self._consumer,
                        "key": key,
                        "error_type": error.error_type,
                        "error_text": error.error_text,
                        "fingerprint": error.fingerprint,
                    },
                )
                parked = changed.mappings().one_or_none() or parked
            if parked is not None:
                action = "replayed" if error is None else "failed_again"
                await write_parked_audit(tx.connection, self._consumer, parked, action, applied, actor, None)
            return await _count_events(tx.connection, self._consumer, key)


_KEYS = """
    select key, merchant_id, error_type, error_text, fingerprint, attempts, since,
           (select count(*) from parked_event e where e.consumer = k.consumer and e.key = k.key) as events
    from parked_key k where consumer = :consumer
"""

_EVENTS = """
    select n, event_id, topic, partition, "offset", parked_at, headers, payload
    from parked_event where consumer = :consumer and key = :key
"""


async def lock_parked(connection: AsyncConnection, consumer: str, key: str) -> RowMapping:
    """The key's row, held until the transaction ends. Raises NotParked."""
    found = await connection.execute(
        text("select * from parked_key where consumer = :consumer and key = :key for update"),
        {"consumer": consumer, "key": key},
    )
    row = found.mappings().one_or_none()
    if row is None:
        raise NotParked(key)
    return row


async def _count_events(connection: AsyncConnection, consumer: str, key: str, *, bound: int = 100_000) -> int:
    found = await connection.execute(
        text(
            "select count(*) from (select from parked_event where consumer = :consumer and key = :key"
            " limit :bound) bounded"
        ),
        {"consumer": consumer, "key": key, "bound": bound},
    )
    return int(found.scalar_one())


async def unpark(connection: AsyncConnection, consumer: str, key: str) -> None:
    """Of a key without events: later ones are handled again."""
    await connection.execute(
        text("delete from parked_key where consumer = :consumer and key = :key"),
        {"consumer": consumer, "key": key},
    )


async def write_parked_audit(
    connection: AsyncConnection,
    consumer: str,
    parked: RowMapping,
    action: str,
    events: int,
    actor: Actor,
    reason: str | None,
) -> None:
    """Who did what to a parked key, and why."""
    await connection.execute(
        text(
            """
            insert into parked_audit (audit_id, consumer, key, merchant_id, action, events, error_type,
                                      fingerprint, actor_kind, actor_name, reason)
            values (:audit_id, :consumer, :key, :merchant_id, :action, :events, :error_type, :fingerprint,
                    :actor_kind, :actor_name, :reason)
            """
        ),
        {
            "audit_id": new_id(),
            "consumer": consumer,
            "key": parked["key"],
            "merchant_id": parked["merchant_id"],
            "action": action,
            "events": events,
            "error_type": parked["error_type"],
            "fingerprint": parked["fingerprint"],
            "actor_kind": actor.kind,
            "actor_name": actor.name,
            "reason": reason,
        },
    )


def _pairs(headers: Sequence[str]) -> tuple[tuple[str, str], ...]:
    return tuple(zip(headers[::2], headers[1::2], strict=True))


def event_of(row: RowMapping) -> Event:
    """What a parked row carries. Raises UnreadableRecord."""
    first: dict[str, str] = {}
    for name, value in _pairs(row["headers"]):
        first.setdefault(name, value)
    return decode(first, row["payload"])


def _fault_of(error: Exception) -> Fault:
    return Fault.unreadable(str(error)) if isinstance(error, UnreadableRecord) else Fault.of(error)


def _parked_key(row: RowMapping) -> ParkedKey:
    return ParkedKey(
        row["key"],
        row["merchant_id"],
        row["error_type"],
        row["error_text"],
        row["fingerprint"],
        row["attempts"],
        row["since"],
        row["events"],
    )


def _parked_event(row: RowMapping) -> ParkedEvent:
    try:
        content = redact(event_of(row))
    except UnreadableRecord:
        content = None  # nobody can tell which part of it is personal, so none of it is shown
    return ParkedEvent(
        row["n"],
        row["event_id"],
        row["topic"],
        row["partition"],
        row["offset"],
        row["parked_at"],
        tuple((name, value[:500]) for name, value in _pairs(row["headers"])),
        content,
    )
