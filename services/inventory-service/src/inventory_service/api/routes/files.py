"""CSV in and out."""

import csv
import io
from collections.abc import AsyncIterator, Sequence
from typing import Annotated, Any, Final

from fastapi import APIRouter, Body, Query
from starlette.responses import Response, StreamingResponse

from inventory_service.api.dependencies import Database, Reader, Reason, Writer, because_of
from inventory_service.api.models import LineErrorShown, ReportShown
from inventory_service.persistence import reading
from inventory_service.use_cases.import_csv import SKU_COLUMNS, Report, import_receipts, import_skus

router = APIRouter(prefix="/v1", tags=["files"])

LEVEL_COLUMNS = ("sku", "warehouse", "lot", "condition", "on_hand", "reserved", "short")
ROWS_AT_ONCE = 1000

_CSV: Final[dict[int | str, dict[str, Any]]] = {
    200: {"content": {"text/csv": {"schema": {"type": "string"}}}}
}

SkusCsv = Annotated[
    str,
    Body(
        media_type="text/csv",
        max_length=1_000_000,
        examples=["sku,title,weight_g,origin_country\nSTAND-SLV,Phone stand,320,CN\n"],
    ),
]
ReceiptsCsv = Annotated[
    str,
    Body(
        media_type="text/csv",
        max_length=1_000_000,
        examples=["reference,warehouse,sku,units\nDN-2026-0042,SZX1,STAND-SLV,100\n"],
    ),
]
DryRun = Annotated[bool, Query(description="true (unless you say otherwise): only check and report")]


@router.post("/skus.csv")
async def post_skus_csv(
    content: SkusCsv, principal: Writer, database: Database, dry_run: DryRun = True, reason: Reason = None
) -> ReportShown:
    """Create or replace SKUs, all lines or none. Without `dry_run=false` nothing is written."""
    async with database.transaction() as tx:
        because = because_of(principal, reason)
        report = await import_skus(principal.merchant_id, content, because=because, dry_run=dry_run, tx=tx)
    return _shown(report, dry_run)


@router.post("/receipts.csv")
async def post_receipts_csv(
    content: ReceiptsCsv, principal: Writer, database: Database, dry_run: DryRun = True, reason: Reason = None
) -> ReportShown:
    """Book receipts, all lines or none, never twice. Without `dry_run=false` nothing is written."""
    async with database.transaction() as tx:
        because = because_of(principal, reason)
        report = await import_receipts(
            principal.merchant_id, content, because=because, dry_run=dry_run, tx=tx
        )
    return _shown(report, dry_run)


@router.get("/skus.csv", response_class=Response, responses=_CSV)
async def get_skus_csv(principal: Reader, database: Database) -> StreamingResponse:
    """All SKUs, as `POST /v1/skus.csv` takes them."""

    async def pages() -> AsyncIterator[Sequence[Any]]:
        after = None
        while True:
            async with database.transaction() as tx:
                rows = await reading.skus(
                    tx.connection, principal.merchant_id, after=after, limit=ROWS_AT_ONCE
                )
            if not rows:
                return
            yield rows
            after = rows[-1].sku

    return _as_csv(SKU_COLUMNS, pages())


@router.get("/levels.csv", response_class=Response, responses=_CSV)
async def get_levels_csv(principal: Reader, database: Database) -> StreamingResponse:
    """All levels, with what is promised of each."""

    async def pages() -> AsyncIterator[Sequence[Any]]:
        after = None
        while True:
            async with database.transaction() as tx:
                rows = await reading.levels(
                    tx.connection, principal.merchant_id, after=after, limit=ROWS_AT_ONCE
                )
            if not rows:
                return
            yield rows
            last = rows[-1]
            after = (last.sku, last.warehouse, last.lot, last.condition)

    return _as_csv(LEVEL_COLUMNS, pages())


def _as_csv(columns: Sequence[str], pages: AsyncIterator[Sequence[Any]]) -> StreamingResponse:
    async def text() -> AsyncIterator[str]:
        yield _lines([columns])
        async for rows in pages:
            yield _lines([[_cell(row._mapping[name]) for name in columns] for row in rows])

    return StreamingResponse(text(), media_type="text/csv")


def _lines(rows: Sequence[Sequence[str]]) -> str:
    buffer = io.StringIO(newline="")
    csv.writer(buffer).writerows(rows)
    return buffer.getvalue()


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def _shown(report: Report, dry_run: bool) -> ReportShown:
    return ReportShown(
        lines=report.lines,
        written=report.written,
        errors=[LineErrorShown.model_validate(one) for one in report.errors],
        dry_run=dry_run,
    )
