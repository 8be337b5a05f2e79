"""What is promised to an order, what waits for stock, and what a person has to look at."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query

from crossdock_chassis.http import Page, Paging, page_of
from inventory_service.api.dependencies import Database, Reader, Writer
from inventory_service.api.models import (
    AllocationShown,
    ExceptionShown,
    LineShown,
    OrderShown,
    Resolution,
    WaitingShown,
)
from inventory_service.domain.errors import OrderUnknown
from inventory_service.persistence import reading
from inventory_service.use_cases.resolve_exception import resolve_exception

router = APIRouter(prefix="/v1", tags=["demand"])


@router.get("/orders/{order_id}/reservations")
async def get_reservations(order_id: UUID, principal: Reader, database: Database) -> OrderShown:
    """What the order wants and has, ended allocations too."""
    async with database.transaction() as tx:
        order = await reading.order(tx.connection, principal.merchant_id, order_id)
        if order is None:
            raise OrderUnknown(order_id)
        lines = await reading.order_lines(tx.connection, order_id)
        allocations = await reading.allocations(tx.connection, order_id)
    return OrderShown(
        **{name: order._mapping[name] for name in OrderShown.model_fields if name in order._mapping},
        lines=[LineShown.model_validate(one) for one in lines],
        allocations=[AllocationShown.model_validate(one) for one in allocations],
    )


@router.get("/waiting-demand")
async def get_waiting(
    principal: Reader,
    database: Database,
    paging: Paging,
    sku: Annotated[str | None, Query(min_length=1, max_length=128)] = None,
) -> Page[WaitingShown]:
    """Lines that arriving stock fills by itself, in the order in which it serves them."""
    after = paging.key(datetime.fromisoformat, datetime.fromisoformat, UUID, UUID)
    async with database.transaction() as tx:
        rows = await reading.waiting(
            tx.connection, principal.merchant_id, after=after, limit=paging.limit + 1, sku=sku
        )
    return page_of(
        rows,
        paging,
        item=WaitingShown.model_validate,
        key=lambda row: (
            row.sort_ship_by.isoformat(),
            row.placed_at.isoformat(),
            str(row.order_id),
            str(row.line_id),
        ),
    )


@router.get("/exceptions")
async def get_exceptions(
    principal: Reader,
    database: Database,
    paging: Paging,
    state: Literal["open", "resolved"] | None = "open",
) -> Page[ExceptionShown]:
    """Surprises with their next step, the oldest first."""
    after = paging.key(UUID)
    async with database.transaction() as tx:
        rows = await reading.exceptions(
            tx.connection,
            principal.merchant_id,
            after=after[0] if after else None,
            limit=paging.limit + 1,
            state=state,
        )
    return page_of(rows, paging, item=ExceptionShown.model_validate, key=lambda row: (str(row.exception_id),))


@router.post("/exceptions/{exception_id}/resolution", status_code=204)
async def post_resolution(
    exception_id: UUID, body: Resolution, principal: Writer, database: Database
) -> None:
    """A person has dealt with it."""
    async with database.transaction() as tx:
        await resolve_exception(
            principal.merchant_id,
            exception_id,
            by=principal.token_name,
            resolution=body.resolution,
            tx=tx,
        )
