"""/v1/orders."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from crossdock_chassis.http import Idempotent, Page, Paging, Principal, page_of
from order_service.api.dependencies import Database, Reader, Writer
from order_service.api.models import (
    AddressChange,
    OrderShort,
    OrderShown,
    Release,
    TimelineEntry,
    Why,
)
from order_service.domain.holds import HoldReason
from order_service.domain.order_table import OrderStatus
from order_service.persistence import queries
from order_service.use_cases import steer_order
from order_service.use_cases.ports import NotFound
from order_service.use_cases.steer_order import Command

router = APIRouter(prefix="/v1/orders", tags=["orders"])

Text = Annotated[str | None, Query(max_length=255)]


@router.get("")
async def get_orders(
    principal: Reader,
    database: Database,
    paging: Paging,
    status: OrderStatus | None = None,
    hold: HoldReason | None = None,
    account: Text = None,
    ref: Text = None,
    sku: Text = None,
    placed_from: datetime | None = None,
    placed_before: datetime | None = None,
    exception: Text = None,
) -> Page[OrderShort]:
    """Orders, the newest imports first. `ref` is the marketplace's id or number; `sku` ours or theirs."""
    asked = queries.OrderFilter(
        status=status.value if status else None,
        hold=hold.value if hold else None,
        account=account,
        ref=ref,
        sku=sku,
        placed_from=placed_from,
        placed_before=placed_before,
        exception=exception,
    )
    after = paging.key(UUID)
    async with database.transaction() as tx:
        rows = await queries.list_orders(
            tx.connection,
            principal.merchant_id,
            asked,
            after=after[0] if after else None,
            limit=paging.limit + 1,
        )
    return page_of(rows, paging, item=lambda row: OrderShort(**row), key=lambda row: (str(row["order_id"]),))


@router.get("/{order_id}")
async def get_order(order_id: UUID, principal: Reader, database: Database) -> OrderShown:
    """One order with its lines, holds, legs and parcels."""
    async with database.transaction() as tx:
        return OrderShown.of(await tx.orders.get(principal.merchant_id, order_id))


@router.get("/{order_id}/timeline")
async def get_timeline(
    order_id: UUID, principal: Reader, database: Database, paging: Paging
) -> Page[TimelineEntry]:
    """Everything that happened to the order, from the beginning on."""
    after = paging.key(int)
    async with database.transaction() as tx:
        if not await queries.order_exists(tx.connection, principal.merchant_id, order_id):
            raise NotFound("order", str(order_id))
        rows = await queries.timeline(
            tx.connection,
            principal.merchant_id,
            order_id,
            after=after[0] if after else 0,
            limit=paging.limit + 1,
        )
    return page_of(rows, paging, item=lambda row: TimelineEntry(**row), key=lambda row: (str(row["n"]),))


@router.post("/{order_id}/hold", status_code=202, response_model=OrderShown)
async def post_hold(
    order_id: UUID, body: Why, principal: Writer, database: Database, call: Idempotent
) -> Response:
    """Stop the order: stock stays reserved, nothing more leaves."""
    async with database.transaction() as tx:
        await call.claim(tx, principal)
        order = await steer_order.hold_order(_command(order_id, principal, body), tx=tx)
        return await call.answer(tx, 202, OrderShown.of(order))


@router.post("/{order_id}/release", status_code=202, response_model=OrderShown)
async def post_release(
    order_id: UUID, body: Release, principal: Writer, database: Database, call: Idempotent
) -> Response:
    """Let the order go on in spite of one hold. Unknown SKUs, test orders and what the marketplace keeps back
    cannot be released by word.
    """
    async with database.transaction() as tx:
        await call.claim(tx, principal)
        command = _command(order_id, principal, body)
        order = await steer_order.release_order(command, body.hold, tx=tx)
        return await call.answer(tx, 202, OrderShown.of(order))


@router.post("/{order_id}/cancellation", status_code=202, response_model=OrderShown)
async def post_cancellation(
    order_id: UUID, body: Why, principal: Writer, database: Database, call: Idempotent
) -> Response:
    """Ask for an order to be cancelled; its status tells what came of it."""
    async with database.transaction() as tx:
        await call.claim(tx, principal)
        order = await steer_order.cancel_order(_command(order_id, principal, body), tx=tx)
        return await call.answer(tx, 202, OrderShown.of(order))


@router.patch("/{order_id}/consignee", status_code=202, response_model=OrderShown)
async def patch_consignee(
    order_id: UUID, body: AddressChange, principal: Writer, database: Database, call: Idempotent
) -> Response:
    """Correct where the order goes. A label that was bought for the old address is bought again."""
    async with database.transaction() as tx:
        await call.claim(tx, principal)
        command = _command(order_id, principal, body)
        order = await steer_order.change_address(command, body.consignee.address(), tx=tx)
        return await call.answer(tx, 202, OrderShown.of(order))


@router.post("/{order_id}/retry", status_code=202, response_model=OrderShown)
async def post_retry(
    order_id: UUID, body: Why, principal: Writer, database: Database, call: Idempotent
) -> Response:
    """Ask for stock and labels once more, as a new version of the order."""
    async with database.transaction() as tx:
        await call.claim(tx, principal)
        order = await steer_order.retry_order(_command(order_id, principal, body), tx=tx)
        return await call.answer(tx, 202, OrderShown.of(order))


def _command(order_id: UUID, principal: Principal, body: Why) -> Command:
    return Command(principal.merchant_id, order_id, principal.actor, body.reason)
