"""Timers are rows, by the database's clock. timer_runner.py fires them when the state can be believed."""

from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeVar
from uuid import UUID

from sqlalchemy import ARRAY, DateTime, Text, bindparam, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql import UUID as PgUUID
from sqlalchemy.ext.asyncio import AsyncConnection

from crossdock_chassis.ids import new_id
from crossdock_contracts.envelope import Cause


@dataclass(frozen=True, slots=True)
class Timer:
    """A timer that has fired. `key` is the order id (or another record key): a parked key's timers wait."""

    timer_id: UUID
    merchant_id: str
    name: str
    key: str
    due_at: datetime
    payload: Mapping[str, Any]
    cause: Cause


TX_contra = TypeVar("TX_contra", contravariant=True)


class TimerHandler(Protocol[TX_contra]):
    """Acts on one timer in the transaction that deletes its row. The state may have moved on: it checks."""

    def __call__(self, timer: Timer, /, *, tx: TX_contra) -> Awaitable[None]: ...


# In one order for everybody, so that two transactions cannot wait for each other's timers.
_SET = text(
    """
    insert into timer (timer_id, merchant_id, name, key, due_at, payload, correlation_id, traceparent)
    select * from unnest(:ids, :merchants, :names, :keys, :due_ats, :payloads, :correlations, :traces)
    on conflict (name, key) do update set
        merchant_id = excluded.merchant_id, due_at = excluded.due_at, payload = excluded.payload,
        correlation_id = excluded.correlation_id, traceparent = excluded.traceparent,
        attempts = 0, retry_at = null
    """
).bindparams(
    bindparam("ids", type_=ARRAY(PgUUID)),
    bindparam("merchants", type_=ARRAY(Text)),
    bindparam("names", type_=ARRAY(Text)),
    bindparam("keys", type_=ARRAY(Text)),
    bindparam("due_ats", type_=ARRAY(DateTime(timezone=True))),
    bindparam("payloads", type_=ARRAY(JSONB)),
    bindparam("correlations", type_=ARRAY(PgUUID)),
    bindparam("traces", type_=ARRAY(Text)),
)

_CLEAR = text(
    """
    delete from timer using (
        select timer_id from timer where (key, name) in (select * from unnest(:keys, :names))
        order by key, name for update
    ) as gone
    where timer.timer_id = gone.timer_id
    """
).bindparams(bindparam("keys", type_=ARRAY(Text)), bindparam("names", type_=ARRAY(Text)))


class Timers:
    """Collects a transaction's timers, one per (name, key): what was said last about one counts."""

    def __init__(self, *, cause: Cause) -> None:
        self._cause = cause
        self._wanted: dict[tuple[str, str], dict[str, Any] | None] = {}

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
        """Set or move the timer. Safe to repeat."""
        cause = caused_by or self._cause
        self._wanted[key, name] = {
            "ids": new_id(),
            "merchants": merchant_id,
            "names": name,
            "keys": key,
            "due_ats": due_at,
            "payloads": dict(payload or {}),
            "correlations": cause.correlation_id,
            "traces": cause.traceparent,
        }

    async def clear(self, name: str, key: str) -> None:
        """It is not needed any more. Safe to repeat."""
        self._wanted[key, name] = None

    async def flush(self, connection: AsyncConnection) -> None:
        cleared = sorted(one for one, row in self._wanted.items() if row is None)
        rows = [row for _, row in sorted(self._wanted.items(), key=lambda one: one[0]) if row is not None]
        if cleared:
            keys, names = zip(*cleared, strict=True)
            await connection.execute(_CLEAR, {"keys": list(keys), "names": list(names)})
        if rows:
            await connection.execute(_SET, {name: [row[name] for row in rows] for name in rows[0]})
        self._wanted = {}
