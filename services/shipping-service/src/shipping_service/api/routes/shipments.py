"""Shipments: what there is, what happened, and what a person may do about it."""

from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from crossdock_chassis.http import Idempotent, Page, Paging, Problem, page_of
from shipping_service.api.dependencies import Database, Reader, Writer
from shipping_service.api.models import (
    Code,
    HandedOverShown,
    HandOverGiven,
    HandOverResult,
    OutcomeGiven,
    RefusalShown,
    RepairGiven,
    ScanShown,
    ShipmentShort,
    ShipmentShown,
    StoredState,
    TimelineLine,
)
from shipping_service.domain.consignment import BoughtLabel, Document, DocumentKind
from shipping_service.domain.errors import HandOverRefused
from shipping_service.domain.repairing import Repair, SkuRepair
from shipping_service.persistence import queries
from shipping_service.use_cases.decide_outcome import Decision, decide_outcome
from shipping_service.use_cases.hand_over import HandOver, hand_over
from shipping_service.use_cases.repair_shipment import repair_shipment

router = APIRouter(prefix="/v1/shipments", tags=["shipments"])

_EXTENSIONS = {"application/pdf": "pdf", "image/png": "png", "application/zpl": "zpl", "image/gif": "gif"}
_DOCUMENT: Final[dict[int | str, dict[str, Any]]] = {
    200: {"content": {one: {"schema": {"type": "string", "format": "binary"}} for one in _EXTENSIONS}},
    304: {"description": "It is the one that If-None-Match names."},
}


@router.get("")
async def get_shipments(
    principal: Reader,
    database: Database,
    paging: Paging,
    state: StoredState | None = None,
    order_id: UUID | None = None,
    warehouse: Annotated[Code | None, Query()] = None,
    carrier: Annotated[Code | None, Query()] = None,
    exception: Annotated[Code | None, Query(description="An open exception's code.")] = None,
) -> Page[ShipmentShort]:
    """The newest first."""
    after = paging.key(UUID)
    async with database.transaction() as tx:
        rows = await queries.list_shipments(
            tx.connection,
            principal.merchant_id,
            limit=paging.limit + 1,
            state=state,
            order_id=order_id,
            warehouse=warehouse,
            carrier=carrier,
            exception=exception,
            after=after[0] if after else None,
        )
    return page_of(
        rows, paging, item=lambda row: ShipmentShort(**row), key=lambda row: (str(row["shipment_id"]),)
    )


@router.get("/{shipment_id}")
async def get_shipment(shipment_id: UUID, principal: Reader, database: Database) -> ShipmentShown:
    """One shipment with the rules that were tried, its labels, parcels, documents and open exceptions."""
    merchant_id = principal.merchant_id
    async with database.transaction() as tx:
        dispatch = await tx.dispatches.read(merchant_id, shipment_id)
        parcels = await queries.list_parcels(tx.connection, merchant_id, shipment_id)
        documents = await queries.list_documents(tx.connection, merchant_id, shipment_id)
        exceptions = await queries.list_exceptions(
            tx.connection, merchant_id, limit=100, shipment_id=shipment_id
        )
    return ShipmentShown.of(dispatch, dispatch.leg(shipment_id), parcels, documents, exceptions)


@router.get("/{shipment_id}/timeline")
async def get_timeline(
    shipment_id: UUID, principal: Reader, database: Database, paging: Paging
) -> Page[TimelineLine]:
    """What happened to the shipment and its order, the oldest first."""
    after = paging.key(int) or (0,)
    async with database.transaction() as tx:
        dispatch = await tx.dispatches.read(principal.merchant_id, shipment_id)
        rows = await queries.list_timeline(
            tx.connection,
            principal.merchant_id,
            dispatch.order_id,
            shipment_id,
            after=after[0],
            limit=paging.limit + 1,
        )
    return page_of(rows, paging, item=lambda row: TimelineLine(**row), key=lambda row: (str(row["n"]),))


@router.get("/{shipment_id}/scans")
async def get_scans(
    shipment_id: UUID, principal: Reader, database: Database, paging: Paging
) -> Page[ScanShown]:
    """What the carrier has told of the shipment's parcels, the oldest first."""
    async with database.transaction() as tx:
        await tx.dispatches.read(principal.merchant_id, shipment_id)
        rows = await queries.list_scans(
            tx.connection,
            principal.merchant_id,
            shipment_id,
            after=paging.key(datetime.fromisoformat, UUID),
            limit=paging.limit + 1,
        )
    return page_of(
        rows,
        paging,
        item=lambda row: ScanShown(**row),
        key=lambda row: (row["at"].isoformat(), str(row["scan_id"])),
    )


@router.get("/{shipment_id}/documents/{document_id}", response_class=Response, responses=_DOCUMENT)
async def get_document(
    shipment_id: UUID, document_id: UUID, request: Request, principal: Reader, database: Database
) -> Response:
    """The bytes as the carrier gave them. A label shows an address: handle it so."""
    async with database.transaction() as tx:
        found = await queries.read_document(tx.connection, principal.merchant_id, shipment_id, document_id)
    if found is None:
        raise Problem(404, "not-found", "Not found")
    if found["content"] is None:
        raise Problem(410, "erased", "The document was erased", "Its time of keeping is over.")
    etag = f'"{found["sha256"]}"'
    headers = {"ETag": etag, "Cache-Control": "private, no-store", "X-Content-Type-Options": "nosniff"}
    if request.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers=headers)
    extension = _EXTENSIONS.get(found["media_type"], "bin")
    headers["Content-Disposition"] = f'attachment; filename="{found["kind"]}-{document_id}.{extension}"'
    return Response(found["content"], media_type=found["media_type"], headers=headers)


@router.get("/{shipment_id}/labels/{label_id}/refusal")
async def get_refusal(
    shipment_id: UUID, label_id: UUID, principal: Reader, database: Database, response: Response
) -> RefusalShown:
    """Why the carrier refused the label, or puts it off, and what to do. Its own words may name a person."""
    async with database.transaction() as tx:
        found = await queries.read_refusal(tx.connection, principal.merchant_id, shipment_id, label_id)
    if found is None:
        raise Problem(404, "not-found", "Not found")
    response.headers["Cache-Control"] = "private, no-store"
    return RefusalShown.of(found)


@router.post("/hand-over", response_model=HandOverResult)
async def post_hand_over_many(
    body: HandOverGiven, principal: Writer, database: Database, call: Idempotent
) -> Response:
    """Say that these have left. Each is answered for itself; one that left before has left."""
    command = HandOver(principal.merchant_id, body.shipment_ids, principal.actor)
    async with database.transaction() as tx:
        await call.claim(tx, principal)
        results = await hand_over(command, tx=tx)
        shown = [HandedOverShown(shipment_id=one.shipment_id, refused=one.refused) for one in results]
        return await call.answer(tx, 200, HandOverResult(results=shown))


@router.post("/{shipment_id}/hand-over", status_code=204)
async def post_hand_over(
    shipment_id: UUID, principal: Writer, database: Database, call: Idempotent
) -> Response:
    """Say that it has left. Safe to repeat. 409 names what stands against it."""
    command = HandOver(principal.merchant_id, (shipment_id,), principal.actor)
    async with database.transaction() as tx:
        await call.claim(tx, principal)
        (result,) = await hand_over(command, tx=tx)
        if result.refused is not None:
            raise HandOverRefused(shipment_id, result.refused)
        return await call.answer(tx, 204)


@router.post("/{shipment_id}/repair", status_code=202, response_class=Response)
async def post_repair(
    shipment_id: UUID, body: RepairGiven, principal: Writer, database: Database, call: Idempotent
) -> Response:
    """Change what was not taken and try again; empty, it only tries again. Addresses change in the order."""
    repair = Repair(
        carrier=body.carrier,
        service=body.service,
        box=None if body.box is None else body.box.to_box(),
        skus={sku: SkuRepair(**dict(given)) for sku, given in body.skus.items()},
    )
    async with database.transaction() as tx:
        cause = await queries.cause_of(tx.connection, principal.merchant_id, shipment_id)
    async with database.transaction(cause) as tx:
        await call.claim(tx, principal)
        await repair_shipment(
            principal.merchant_id,
            shipment_id,
            repair,
            actor=principal.actor,
            reason=body.reason,
            tx=tx,
        )
        return await call.answer(tx, 202)


@router.post("/{shipment_id}/outcome", status_code=202, response_class=Response)
async def post_outcome(
    shipment_id: UUID, body: OutcomeGiven, principal: Writer, database: Database, call: Idempotent
) -> Response:
    """Decide whether a label was bought, where nobody else can say."""
    decision = Decision(
        merchant_id=principal.merchant_id,
        shipment_id=shipment_id,
        actor=principal.actor,
        reason=body.reason,
        carrier_ref=body.carrier_ref,
        bought=_bought(body),
    )
    async with database.transaction() as tx:
        cause = await queries.cause_of(tx.connection, principal.merchant_id, shipment_id)
    # What follows is the person's wish, not the old event's: after a restore it is in no doubt.
    async with database.transaction(replace(cause, event_id=None)) as tx:
        await call.claim(tx, principal)
        await decide_outcome(decision, tx=tx)
        return await call.answer(tx, 202)


def _bought(body: OutcomeGiven) -> BoughtLabel | None:
    given = body.label
    if given is None:
        return None
    return BoughtLabel(
        carrier_ref=given.carrier_ref,
        carrier=given.carrier,
        service=given.service,
        tracking_number=given.tracking_number,
        tracking_url=given.tracking_url,
        cost_minor=None,
        cost_currency=None,
        cost_exponent=None,
        documents=(Document(DocumentKind.LABEL, given.media_type, given.content),),
    )
