"""What carriers push: kept as it came, once, until a worker has read it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

_ADD = text(
    """
    insert into carrier_message (message_id, carrier, dedupe_key, body, state, personal_until)
    values (:message_id, :carrier, :dedupe_key, :body, 'received', :personal_until)
    on conflict (carrier, dedupe_key) do nothing
    """
)
_WAITING = text(
    """
    select message_id, carrier, body from carrier_message
    where state = 'received' order by received_at limit :most
    """
)
_SETTLE = text("update carrier_message set state = :state, error = :error where message_id = :message_id")


async def add_message(
    connection: AsyncConnection,
    message_id: UUID,
    carrier: str,
    dedupe_key: str,
    body: bytes,
    *,
    personal_until: datetime,
) -> bool:
    """Whether it came for the first time."""
    values = {
        "message_id": message_id,
        "carrier": carrier,
        "dedupe_key": dedupe_key[:200],
        "body": body,
        "personal_until": personal_until,
    }
    return (await connection.execute(_ADD, values)).rowcount == 1


async def waiting_messages(connection: AsyncConnection, most: int) -> Sequence[Any]:
    """The oldest unread ones: their id, carrier and body."""
    return (await connection.execute(_WAITING, {"most": most})).all()


async def settle_message(connection: AsyncConnection, message_id: UUID, error: str | None) -> None:
    """Read, or failed with an error that holds nothing personal."""
    state = "read" if error is None else "failed"
    await connection.execute(_SETTLE, {"message_id": message_id, "state": state, "error": error})
