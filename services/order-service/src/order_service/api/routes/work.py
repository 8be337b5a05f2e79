"""What waits for somebody: raw messages, obligations, exceptions."""

import json
from collections.abc import Mapping
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from crossdock_chassis.http import Idempotent, Page, Paging, page_of
from order_service.api.dependencies import Database, Reader, Writer
from order_service.api.models import (
    ExceptionShown,
    MessageShort,
    MessageShown,
    ObligationShown,
    Resolution,
    Why,
)
from order_service.domain.errors import NotAnOrder, OrderError
from order_service.persistence import queries
from order_service.persistence.intake import DEFECTS, content_of
from order_service.use_cases import obligations
from order_service.use_cases.import_order import Retention
from order_service.use_cases.marketplace import Erasure, Marketplace
from order_service.use_cases.ports import Note, NotFound
from order_service.use_cases.receive_message import reimport_message

router = APIRouter(prefix="/v1", tags=["work"])

PERSONAL = "[personal]"
MessageState = Literal["imported", "unchanged", "stale", "fetching", "ignored", "failed"]
ObligationState = Literal["open", "confirmed", "refused", "needs_person", "withdrawn"]
Code = Annotated[str | None, Query(max_length=64)]


@router.get("/messages")
async def get_messages(
    principal: Reader,
    database: Database,
    paging: Paging,
    state: MessageState | None = None,
    order_id: UUID | None = None,
) -> Page[MessageShort]:
    """What marketplaces sent, the newest first, without the bodies."""
    after = paging.key(UUID)
    async with database.transaction() as tx:
        rows = await queries.list_messages(
            tx.connection,
            merchant_id=principal.merchant_id,
            state=state,
            order_id=order_id,
            after=after[0] if after else None,
            limit=paging.limit + 1,
        )
    return page_of(
        rows, paging, item=lambda row: MessageShort(**row), key=lambda row: (str(row["message_id"]),)
    )


@router.get("/messages/{message_id}")
async def get_message(message_id: UUID, principal: Reader, database: Database) -> MessageShown:
    """One raw message. Its body is personal data: only who may change orders sees it."""
    async with database.transaction() as tx:
        message = await tx.messages.get(principal.merchant_id, message_id)
    may_see = "orders:write" in principal.scopes
    return MessageShown(
        message_id=message.message_id,
        account=message.account,
        platform=message.platform,
        topic=message.topic,
        state=message.state,
        error=message.error,
        order_id=message.order_id,
        headers=dict(message.headers),
        body=message.body.decode(errors="replace") if may_see else PERSONAL,
    )


@router.post("/messages/{message_id}/reimport", status_code=202, response_class=Response)
async def post_reimport(
    message_id: UUID, body: Why, request: Request, principal: Writer, database: Database, call: Idempotent
) -> Response:
    """Read a message once more; an order that it only names is fetched again. What the platform has said
    since then still wins.

    422 when it still cannot be imported; nothing is changed then.
    """
    marketplaces: Mapping[str, Marketplace] = request.app.state.marketplaces
    retention: Retention = request.app.state.retention
    try:
        async with database.transaction() as tx:
            await call.claim(tx, principal)
            message = await tx.messages.get(principal.merchant_id, message_id)
            account = await tx.accounts.get(principal.merchant_id, message.account)
            content = content_of(marketplaces[message.platform], message.topic, message.body)
            if content is None or isinstance(content, Erasure):
                raise NotAnOrder("the topic carries no order")
            await reimport_message(message, content, account, retention=retention, tx=tx)
            return await call.answer(tx, 202)
    except OrderError:
        raise
    except DEFECTS as broken:  # as at its first coming: the error's text may quote the order
        raise NotAnOrder(f"import: {type(broken).__name__}") from broken


@router.get("/obligations")
async def get_obligations(
    principal: Reader,
    database: Database,
    paging: Paging,
    state: ObligationState | None = None,
    order_id: UUID | None = None,
) -> Page[ObligationShown]:
    """What is owed to marketplaces."""
    after = paging.key(UUID)
    async with database.transaction() as tx:
        rows = await queries.list_obligations(
            tx.connection,
            merchant_id=principal.merchant_id,
            state=state,
            order_id=order_id,
            after=after[0] if after else None,
            limit=paging.limit + 1,
        )
    return page_of(
        rows,
        paging,
        item=lambda row: ObligationShown(**{**row, "details": json.loads(row["details"])}),
        key=lambda row: (str(row["obligation_id"]),),
    )


@router.post("/obligations/{obligation_id}/retry", status_code=202, response_class=Response)
async def post_obligation_retry(
    obligation_id: UUID, body: Why, principal: Writer, database: Database, call: Idempotent
) -> Response:
    """Pursue it once more. The marketplace is asked first whether it has it already."""
    async with database.transaction() as tx:
        await call.claim(tx, principal)
        await obligations.retry(obligation_id, principal.merchant_id, principal.actor, body.reason, tx=tx)
        return await call.answer(tx, 202)


@router.get("/exceptions")
async def get_exceptions(
    principal: Reader,
    database: Database,
    paging: Paging,
    code: Code = None,
    order_id: UUID | None = None,
    resolved: bool = False,
) -> Page[ExceptionShown]:
    """What a person has to see, with an owner and a next step; `resolved` shows the closed ones, too."""
    after = paging.key(UUID)
    async with database.transaction() as tx:
        rows = await queries.list_exceptions(
            tx.connection,
            merchant_id=principal.merchant_id,
            code=code,
            order_id=order_id,
            resolved=resolved,
            after=after[0] if after else None,
            limit=paging.limit + 1,
        )
    return page_of(
        rows, paging, item=lambda row: ExceptionShown(**row), key=lambda row: (str(row["exception_id"]),)
    )


@router.post("/exceptions/{exception_id}/resolution", status_code=204)
async def post_resolution(
    exception_id: UUID, body: Resolution, principal: Writer, database: Database, call: Idempotent
) -> Response:
    """Close an exception with a word on what was done about it."""
    async with database.transaction() as tx:
        await call.claim(tx, principal)
        closed = await queries.resolve_exception(
            tx.connection,
            principal.merchant_id,
            exception_id,
            by=principal.token_name,
            resolution=body.resolution,
        )
        if closed is None:
            raise NotFound("open exception", str(exception_id))
        await tx.orders.note(
            [
                Note(
                    order_id=closed["order_id"],
                    merchant_id=principal.merchant_id,
                    what="exception.resolved",
                    detail=closed["code"],
                    actor=principal.actor,
                    version=0,
                    reason=body.resolution,
                )
            ]
        )
        return await call.answer(tx, 204)
