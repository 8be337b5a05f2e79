"""What waits for somebody, and how the carriers are."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from crossdock_chassis.http import Idempotent, Page, Paging, page_of
from shipping_service.api.dependencies import Database, Reader, Writer
from shipping_service.api.models import CarrierShown, Code, ExceptionShown, ResolutionGiven
from shipping_service.persistence import queries

router = APIRouter(prefix="/v1", tags=["work"])


@router.get("/exceptions")
async def get_exceptions(
    principal: Reader,
    database: Database,
    paging: Paging,
    code: Annotated[Code | None, Query()] = None,
    shipment_id: UUID | None = None,
) -> Page[ExceptionShown]:
    """Open ones, the newest first, each with what can be done about it."""
    after = paging.key(UUID)
    async with database.transaction() as tx:
        rows = await queries.list_exceptions(
            tx.connection,
            principal.merchant_id,
            limit=paging.limit + 1,
            after=after[0] if after else None,
            shipment_id=shipment_id,
            code=code,
        )
    return page_of(rows, paging, item=ExceptionShown.of, key=lambda row: (str(row["exception_id"]),))


@router.post("/exceptions/{exception_id}/resolution", status_code=204)
async def post_resolution(
    exception_id: UUID, body: ResolutionGiven, principal: Writer, database: Database, call: Idempotent
) -> Response:
    """A person has dealt with it. It changes nothing else; the same thing may be raised again."""
    async with database.transaction() as tx:
        await call.claim(tx, principal)
        await tx.exceptions.resolve(
            principal.merchant_id,
            exception_id,
            by=principal.actor.name,
            resolution=body.resolution,
        )
        return await call.answer(tx, 204)


@router.get("/carrier-accounts")
async def get_carrier_accounts(principal: Reader, database: Database) -> list[CarrierShown]:
    """The connected carriers: what they can do, and how many calls to them wait."""
    async with database.transaction() as tx:
        waiting = await queries.count_jobs(tx.connection, principal.merchant_id)
        return [
            CarrierShown(
                code=code,
                can_find=one.can_find,
                can_void=one.can_void,
                void_is_async=one.void_is_async,
                jobs_waiting=waiting.get((code, "ready"), 0) + waiting.get((code, "running"), 0),
                needs_person=waiting.get((code, "needs_person"), 0),
            )
            for code, one in sorted(tx.settings.carriers.items())
        ]
