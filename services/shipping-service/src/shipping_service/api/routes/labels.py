"""Labels of many shipments as one file, to be printed at once."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Response
from sqlalchemy import RowMapping

from crossdock_chassis.http import Problem
from shipping_service.adapters.papers.bundle import Unreadable, as_one_pdf, as_one_zpl
from shipping_service.api.dependencies import Database, Reader
from shipping_service.persistence import queries

router = APIRouter(prefix="/v1/labels", tags=["shipments"])

MOST_LABELS: Final = 100
#: As large as one document may be.
MOST_BYTES: Final = 8 * 1024 * 1024

Format = Literal["pdf", "zpl"]
_FORMATS: Final[Mapping[Format, tuple[str, Callable[[Sequence[bytes]], bytes]]]] = {
    "pdf": ("application/pdf", as_one_pdf),
    "zpl": ("application/zpl", as_one_zpl),
}
_FILE: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "content": {one: {"schema": {"type": "string", "format": "binary"}} for one, _ in _FORMATS.values()}
    }
}


@router.get("", response_class=Response, responses=_FILE)
async def get_labels(
    principal: Reader,
    database: Database,
    shipment_id: Annotated[
        list[UUID],
        Query(
            min_length=1,
            max_length=MOST_LABELS,
            description="Repeat it; printed in this order, each once.",
        ),
    ],
    format: Annotated[Format, Query(description="Labels are not turned into another format.")] = "pdf",
) -> Response:
    """The labels of these shipments, with all their pages in their own sizes; all, or a 409 whose `shipments`
    says which have none and why. They show addresses: handle them so.
    """
    media_type, joined = _FORMATS[format]
    asked = list(dict.fromkeys(shipment_id))
    async with database.transaction() as tx:
        rows = await queries.list_printable(tx.connection, principal.merchant_id, asked)
        found = {row["shipment_id"]: row for row in rows}
        refused = {one: why for one in asked if (why := _missing(found.get(one), media_type)) is not None}
        if refused:
            raise _not_printable(refused)
        if sum(row["size_bytes"] for row in rows) > MOST_BYTES:
            raise Problem(413, "too-large", "Too large for one file", "Ask for fewer shipments at once.")
        contents = await queries.read_contents(tx.connection, [row["document_id"] for row in rows])
    files = [contents[found[one]["document_id"]] for one in asked]
    try:
        whole = await asyncio.to_thread(joined, files)
    except Unreadable as unreadable:
        raise _not_printable({asked[unreadable.args[0]]: "unreadable"}) from unreadable
    headers = {
        "Cache-Control": "private, no-store",
        "X-Content-Type-Options": "nosniff",
        "Content-Disposition": f'attachment; filename="labels.{format}"',
    }
    return Response(whole, media_type=media_type, headers=headers)


def _missing(row: RowMapping | None, media_type: str) -> str | None:
    """Why there is nothing to print; None: there is."""
    if row is None:
        return "not_found"
    if row["document_id"] is None:
        return "no_label"
    if row["erased"]:
        return "erased"
    return None if row["media_type"] == media_type else str(row["media_type"])


def _not_printable(refused: Mapping[UUID, str]) -> Problem:
    return Problem(
        409,
        "labels-not-printable",
        "Not every shipment has such a label",
        "Nothing was printed. `shipments` names those without one and why: not_found, no_label, erased, "
        "unreadable, or the media type that its label has; leave them out, or download them one by one.",
        shipments=[{"shipment_id": str(one), "reason": why} for one, why in refused.items()],
    )
