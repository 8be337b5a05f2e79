"""Timers are rows, by the database's clock. timer_runner.py fires them, and only when it is safe to believe the state."""

from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeVar
from uuid import UUID

from crossdock_contracts.envelope import Cause
from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

from crossdock_chassis.ids import new_id


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
    """Acts on one timer in the transaction that deletes its row. It must check the state: it may have moved on."""

    def __call__(self, timer: Timer, *, tx: TX_contra) -> Awaitable[None]: ...


_SET = text(
    """
    insert into timer (timer_id, merchant_id, name, key, due_at, payload, correlation_id, traceparent)
    values (:timer_id, :merchant_id, :name, :key, :due_at, :payload, :correlation_id, :traceparent)
    on conflict (name, key) do update set due_at = excluded.due_at, payload = excluded.payload
    """
).bindparams(bindparam("payload", type_=JSONB))

_CLEAR = text("delete from timer where name = :name and key = :key")


class Timers:
    """A transaction's timers, one per (name, key)."""

    def __init__(self, connection: AsyncConnection, *, cause: Cause) -> None:
        self._connection = connection
        self._cause = cause

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
        await self._connection.execute(
            _SET,
            {
                "timer_id": new_id(),
                "merchant_id": merchant_id,
                "name": name,
                "key": key,
                "due_at": due_at,
                "payload": dict(payload or {}),
                "correlation_id": cause.correlation_id,
                "traceparent": cause.traceparent,
            },
        )

    async def clear(self, name: str, key: str) -> None:
        """It is not needed any more. Safe to repeat."""
        await self._connection.execute(_CLEAR, {"name": name, "key": key})
