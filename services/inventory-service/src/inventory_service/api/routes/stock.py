"""Levels, the ledger, receipts, adjustments, drift."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from starlette.responses import Response

from crossdock_chassis.http import Idempotent, Page, Paging, page_of
from inventory_service.api.dependencies import Database, Reader, Writer, because_of
from inventory_service.api.models import (
    AdjustedShown,
    AdjustmentGiven,
    Drifts,
    DriftShown,
    Levels,
    LevelShown,
    MovementShown,
    ReceiptGiven,
)
from inventory_service.domain.level import NO_LOT, Level, LevelKey
from inventory_service.persistence import reading
from inventory_service.use_cases.adjust_stock import Adjustment, adjust_stock
from inventory_service.use_cases.check_drift import check_drift
from inventory_service.use_cases.receive_stock import ReceiptLine, receive_stock

router = APIRouter(prefix="/v1", tags=["stock"])

SkuFilter = Annotated[str | None, Query(min_length=1, max_length=128)]
WarehouseFilter = Annotated[str | None, Query(min_length=1, max_length=64)]


@router.get("/levels")
async def get_levels(
    principal: Reader,
    database: Database,
    paging: Paging,
    sku: SkuFilter = None,
    warehouse: WarehouseFilter = None,
) -> Page[LevelShown]:
    """What is there, what is promised of it, and what may still be promised."""
    after = paging.key(str, str, str, str)
    async with database.transaction() as tx:
        rows = await reading.levels(
            tx.connection,
            principal.merchant_id,
            after=after,
            limit=paging.limit + 1,
            sku=sku,
            warehouse=warehouse,
        )
    return page_of(
        rows, paging, item=LevelShown.of, key=lambda row: (row.sku, row.warehouse, row.lot, row.condition)
    )


@router.get("/ledger")
async def get_ledger(
    principal: Reader,
    database: Database,
    paging: Paging,
    sku: SkuFilter = None,
    warehouse: WarehouseFilter = None,
    kind: Literal["receipt", "adjustment", "shipped", "return"] | None = None,
) -> Page[MovementShown]:
    """Every movement of stock, the newest first. Rows are only ever added."""
    before = paging.key(UUID)
    async with database.transaction() as tx:
        rows = await reading.movements(
            tx.connection,
            principal.merchant_id,
            before=before[0] if before else None,
            limit=paging.limit + 1,
            sku=sku,
            warehouse=warehouse,
            kind=kind,
        )
    return page_of(rows, paging, item=MovementShown.model_validate, key=lambda row: (str(row.movement_id),))


@router.post("/receipts", status_code=201, response_model=Levels)
async def post_receipt(
    body: ReceiptGiven, principal: Writer, database: Database, call: Idempotent
) -> Response:
    """Book goods that arrived; waiting demand is served at once. All lines or none."""
    lines = [
        ReceiptLine(body.reference, body.warehouse, line.sku, line.units, line.condition)
        for line in body.lines
    ]
    async with database.transaction() as tx:
        await call.claim(tx, principal)
        because = because_of(principal, body.reason)
        levels = await receive_stock(principal.merchant_id, lines, because=because, tx=tx)
        return await call.answer(tx, 201, Levels(items=[_shown(one) for one in levels]))


@router.post("/adjustments", response_model=AdjustedShown)
async def post_adjustment(
    body: AdjustmentGiven, principal: Writer, database: Database, call: Idempotent
) -> Response:
    """Book a count or a difference, with its reason. Never refused because units are promised: see README."""
    key = LevelKey(principal.merchant_id, body.sku, body.warehouse, NO_LOT, body.condition)
    adjustment = Adjustment(key, counted=body.counted, change=body.change)
    async with database.transaction() as tx:
        await call.claim(tx, principal)
        because = because_of(principal, body.reason)
        found = await adjust_stock(adjustment, because=because, dry_run=body.dry_run, tx=tx)
        shown = AdjustedShown(
            level=_shown(found.level),
            change=found.change,
            freed=found.freed,
            asked_back=found.asked_back,
            dry_run=body.dry_run,
        )
        return await call.answer(tx, 200, shown)


@router.get("/drift")
async def get_drift(principal: Reader, database: Database) -> Drifts:
    """Recompute the levels from the ledger and the reservations; what differs. Changes nothing."""
    async with database.transaction() as tx:
        found = await check_drift(principal.merchant_id, tx=tx)
    return Drifts(
        items=[
            DriftShown(
                sku=one.key.sku,
                warehouse=one.key.warehouse,
                lot=one.key.lot,
                condition=one.key.condition,
                on_hand=one.on_hand,
                ledger=one.ledger,
                reserved=one.reserved,
                allocated=one.allocated,
                short=one.short,
            )
            for one in found
        ]
    )


def _shown(level: Level) -> LevelShown:
    return LevelShown(
        sku=level.key.sku,
        warehouse=level.key.warehouse,
        lot=level.key.lot,
        condition=level.key.condition,
        on_hand=level.on_hand,
        reserved=level.reserved,
        short=level.short,
        available_to_promise=level.on_hand - level.reserved,
    )
