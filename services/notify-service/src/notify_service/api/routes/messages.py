"""Messages: what was said, what was not and why, and what a person decides about the rest."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response
from sqlalchemy import RowMapping

from crossdock_chassis.http import Idempotent, Page, Paging, page_of
from notify_service.api.dependencies import Database, Reader, Writer
from notify_service.api.models import Decided, Decision, LogEntry, MessageDetail, MessageShown, Why
from notify_service.domain.addresses import masked
from notify_service.domain.errors import MessageUnknown
from notify_service.domain.messages import MessageState, Template, reference_of
from notify_service.persistence import queries
from notify_service.use_cases import decide_message

router = APIRouter(prefix="/v1/messages", tags=["messages"])

_KEY = ("order_id", "template", "subject", "channel", "revision")
_NEXT_STEPS = {
    MessageState.OUTCOME_UNKNOWN: "Look for its reference in the mail server's log or ask the buyer; then"
    " tell us with POST resolution: sent, or send_again.",
    MessageState.FAILED: "Put right what the code names, then POST retry.",
}


@router.get("")
async def get_messages(
    principal: Reader,
    database: Database,
    paging: Paging,
    order_id: UUID | None = None,
    order_number: Annotated[str | None, Query(max_length=255)] = None,
    template: Template | None = None,
    state: Annotated[MessageState | None, Query(description="outcome_unknown is the worklist.")] = None,
    channel: Annotated[str | None, Query(max_length=32)] = None,
) -> Page[MessageShown]:
    """Messages, the newest first."""
    after = paging.key(UUID)
    async with database.transaction() as tx:
        rows = await queries.list_messages(
            tx.connection,
            principal.merchant_id,
            after=after[0] if after else None,
            limit=paging.limit + 1,
            order_id=order_id,
            order_number=order_number,
            template=template.value if template else None,
            state=state.value if state else None,
            channel=channel,
        )
    return page_of(
        rows,
        paging,
        item=lambda row: MessageShown(**_shown(row)),
        key=lambda row: (str(row["message_id"]),),
    )


@router.get("/{message_id}")
async def get_message(message_id: UUID, principal: Reader, database: Database) -> MessageDetail:
    """One message with all that ever happened to it."""
    async with database.transaction() as tx:
        row = await queries.show_message(tx.connection, principal.merchant_id, message_id)
        if row is None:
            raise MessageUnknown(message_id)
        log = await queries.log_of(tx.connection, principal.merchant_id, message_id)
    return MessageDetail(
        **_shown(row),
        reference=reference_of(principal.merchant_id, *(row[name] for name in _KEY)),
        server_reply=row["server_reply"],
        next_step=_NEXT_STEPS.get(MessageState(row["state"])),
        log=[LogEntry(**one) for one in log],
    )


@router.post("/{message_id}/resolution", response_model=Decided)
async def post_resolution(
    message_id: UUID, body: Decision, principal: Writer, database: Database, call: Idempotent
) -> Response:
    """Decide about a message whose outcome nobody knows."""
    decide = decide_message.mark_sent if body.action == "sent" else decide_message.send_again
    async with database.transaction() as tx:
        cause = await queries.cause_of(tx.connection, principal.merchant_id, message_id)
    async with database.transaction(cause) as tx:
        await call.claim(tx, principal)
        again = await decide(principal.merchant_id, message_id, principal.actor, body.reason, tx=tx)
        decided = (
            Decided(message_id=message_id, state=MessageState.SENT)
            if again is None
            else Decided(message_id=again, state=MessageState.WAITING)
        )
        return await call.answer(tx, 200, decided)


@router.post("/{message_id}/retry", status_code=202, response_class=Response)
async def post_retry(
    message_id: UUID, body: Why, principal: Writer, database: Database, call: Idempotent
) -> Response:
    """Try a message once more that has failed: it was certainly not taken."""
    async with database.transaction() as tx:
        await call.claim(tx, principal)
        await decide_message.retry(principal.merchant_id, message_id, principal.actor, body.reason, tx=tx)
        return await call.answer(tx, 202)


def _shown(row: RowMapping) -> dict[str, Any]:
    shown = {name: row[name] for name in MessageShown.model_fields if name in row}
    return {**shown, "recipient": masked(row["email"])}
