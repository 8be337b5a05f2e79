"""`POST /v1/messages/{message_id}/preview`: what a re-import would change."""

from collections.abc import Mapping
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import BaseModel

from order_service.api.dependencies import Database, Writer
from order_service.domain.errors import NotAnOrder, OrderError
from order_service.persistence.intake import DEFECTS, content_of
from order_service.use_cases.import_order import Retention
from order_service.use_cases.marketplace import Erasure, Marketplace, Pointer
from order_service.use_cases.preview_message import Preview, preview_message

router = APIRouter(prefix="/v1", tags=["work"])


class DifferenceShown(BaseModel):
    """`before` and `after` are null for personal data: it is only said to change."""

    what: str
    before: str | None
    after: str | None


class PreviewShown(BaseModel):
    outcome: str
    differences: list[DifferenceShown]


class _LookedAt(Exception):
    """Carries what was seen out of the transaction, which is rolled back by it."""

    def __init__(self, preview: Preview) -> None:
        super().__init__()
        self.preview = preview


@router.post("/messages/{message_id}/preview")
async def post_preview(
    message_id: UUID, request: Request, principal: Writer, database: Database
) -> PreviewShown:
    """What reading a message once more would change now; nothing is changed. 422: it cannot be imported."""
    marketplaces: Mapping[str, Marketplace] = request.app.state.marketplaces
    retention: Retention = request.app.state.retention
    try:
        async with database.transaction() as tx:
            message = await tx.messages.get(principal.merchant_id, message_id)
            account = await tx.accounts.get(principal.merchant_id, message.account)
            content = content_of(marketplaces[message.platform], message.topic, message.body)
            if content is None or isinstance(content, Erasure):
                raise NotAnOrder("the topic carries no order")
            if isinstance(content, Pointer):
                raise NotAnOrder("it only names an order, which a re-import fetches")
            raise _LookedAt(await preview_message(message, content, account, retention=retention, tx=tx))
    except _LookedAt as looked:
        found = looked.preview
        return PreviewShown(
            outcome=found.outcome,
            differences=[
                DifferenceShown(what=one.what, before=one.before, after=one.after)
                for one in found.differences
            ],
        )
    except OrderError:
        raise
    except DEFECTS as broken:  # as at its first coming: the error's text may quote the order
        raise NotAnOrder(f"import: {type(broken).__name__}") from broken
