"""What lists and pages show. Plain rows; every query is one merchant's."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping
from sqlalchemy.dialects.postgresql import UUID as PgUUID
from sqlalchemy.ext.asyncio import AsyncConnection

from crossdock_contracts.envelope import Cause
from notify_service.persistence.arrays import statement
from notify_service.use_cases.plan_messages import SEND_JOB

_COLUMNS = """
    select m.message_id, m.order_id, o.order_number, m.template, m.subject, m.channel, m.revision,
           m.state, m.code,
           m.locale, o.email, m.attempts, m.created_at, m.attempt_started_at, m.sent_at, m.server_reply
    from message m join known_order o on o.order_id = m.order_id
    where m.merchant_id = :merchant_id
"""
_CONDITIONS = {
    "order_id": "m.order_id = :order_id",
    "order_number": "o.order_number = :order_number",
    "template": "m.template = :template",
    "state": "m.state = :state",
    "channel": "m.channel = :channel",
    "after": "m.message_id < :after",
}
_IDS = ("order_id", "after")
_ONE = statement(_COLUMNS + " and m.message_id = :message_id", message_id=PgUUID())
_CAUSE = statement(
    """
    select cause_event_id, correlation_id from job
    where merchant_id = :merchant_id and kind = :kind and reference = :reference
    """
)
_LOG = statement(
    """
    select at, what, code, attempt, actor_kind, actor_name, reason from delivery_log
    where merchant_id = :merchant_id and message_id = :message_id order by n limit 200
    """,
    message_id=PgUUID(),
)


async def list_messages(
    connection: AsyncConnection,
    merchant_id: str,
    *,
    after: UUID | None,
    limit: int,
    **wanted: str | UUID | None,
) -> Sequence[RowMapping]:
    """The newest first. `wanted`: order_id, order_number, template, state, channel."""
    given: dict[str, Any] = {
        name: value for name, value in {**wanted, "after": after}.items() if value is not None
    }
    conditions = "".join(f" and {_CONDITIONS[name]}" for name in given)
    types = {name: PgUUID() for name in given if name in _IDS}
    query = statement(_COLUMNS + conditions + " order by m.message_id desc limit :limit", **types)
    values = {"merchant_id": merchant_id, "limit": limit, **given}
    return (await connection.execute(query, values)).mappings().all()


async def show_message(connection: AsyncConnection, merchant_id: str, message_id: UUID) -> RowMapping | None:
    values = {"merchant_id": merchant_id, "message_id": message_id}
    return (await connection.execute(_ONE, values)).mappings().one_or_none()


async def cause_of(connection: AsyncConnection, merchant_id: str, message_id: UUID) -> Cause:
    """What the message follows from; an empty cause once its job is long gone."""
    values = {"merchant_id": merchant_id, "kind": SEND_JOB, "reference": str(message_id)}
    row = (await connection.execute(_CAUSE, values)).one_or_none()
    return Cause() if row is None else Cause(row.cause_event_id, row.correlation_id)


async def log_of(connection: AsyncConnection, merchant_id: str, message_id: UUID) -> Sequence[RowMapping]:
    """From the beginning on."""
    values = {"merchant_id": merchant_id, "message_id": message_id}
    return (await connection.execute(_LOG, values)).mappings().all()
