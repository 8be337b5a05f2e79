"""Who did what to the machinery, and why."""

from typing import Literal

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from crossdock_chassis.ids import new_id
from crossdock_contracts.envelope import Actor

Action = Literal["job_retried", "job_retried_as_not_done", "rebuild_requested", "outbox_released", "restored"]

_WRITE = text(
    """
    insert into operation_audit (audit_id, action, subject, merchant_id, actor_kind, actor_name, reason)
    values (:audit_id, :action, :subject, :merchant_id, :actor_kind, :actor_name, :reason)
    """
)


async def write_audit(
    connection: AsyncConnection,
    action: Action,
    subject: str,
    *,
    actor: Actor,
    reason: str,
    merchant_id: str | None = None,
) -> None:
    await connection.execute(
        _WRITE,
        {
            "audit_id": new_id(),
            "action": action,
            "subject": subject,
            "merchant_id": merchant_id,
            "actor_kind": actor.kind,
            "actor_name": actor.name,
            "reason": reason,
        },
    )
