"""Labels of many shipments as one file."""

from io import BytesIO
from uuid import UUID

import httpx
import pypdfium2
from reportlab.pdfgen.canvas import Canvas
from sqlalchemy import text

from crossdock_chassis.http import add_token
from crossdock_contracts.inventory import HandOver
from crossdock_contracts.orders import FulfilmentState
from shipping_service.api.routes.labels import MOST_BYTES, MOST_LABELS

from ..samples import AnOrder
from ..stage import Stage

FOUR_BY_SIX, A6 = (288.0, 432.0), (297.64, 419.53)
ZPL = b"^XA^FO50,50^FDone^FS^XZ\n"


def a_pdf(*pages: tuple[float, float]) -> bytes:
    out = BytesIO()
    canvas = Canvas(out)
    for size in pages:
        canvas.setPageSize(size)
        canvas.drawString(20, 20, "a label")
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def sizes(pdf: bytes) -> list[tuple[float, float]]:
    with pypdfium2.PdfDocument(pdf) as document:
        return [(round(one.get_width(), 2), round(one.get_height(), 2)) for one in document]


async def labelled(stage: Stage, content: bytes, media_type: str = "application/pdf") -> UUID:
    """A shipment whose carrier gave this label."""
    order = AnOrder(hand_over=HandOver.MANUAL)
    await stage.labelled(order)
    shipment_id = await stage.shipment(order)
    change = "update document set content = :content, media_type = :type where shipment_id = :id"
    async with stage.database.engine.begin() as connection:
        values = {"content": content, "type": media_type, "id": shipment_id}
        await connection.execute(text(change), values)
    return shipment_id


async def ask(client: httpx.AsyncClient, *shipment_ids: object, **more: str) -> httpx.Response:
    return await client.get("/v1/labels", params={"shipment_id": [*map(str, shipment_ids)], **more})


async def test_labels_come_as_one_pdf_in_the_order_and_the_sizes_they_have(
    stage: Stage, client: httpx.AsyncClient
) -> None:
    first = await labelled(stage, a_pdf(FOUR_BY_SIX))
    second = await labelled(stage, a_pdf(A6, FOUR_BY_SIX))

    one = await ask(client, second, first, second)
    other = await ask(client, first, second)

    assert (one.status_code, one.headers["content-type"]) == (200, "application/pdf")
    assert one.headers["cache-control"] == "private, no-store"
    assert sizes(one.content) == [A6, FOUR_BY_SIX, FOUR_BY_SIX]
    assert sizes(other.content) == [FOUR_BY_SIX, A6, FOUR_BY_SIX]


async def test_zpl_labels_come_one_after_the_other(stage: Stage, client: httpx.AsyncClient) -> None:
    shipments = [await labelled(stage, ZPL, "application/zpl") for _ in range(2)]

    answer = await ask(client, *shipments, format="zpl")

    assert (answer.status_code, answer.content) == (200, ZPL + ZPL)


async def test_without_all_of_them_nothing_is_printed_and_each_reason_is_told(
    stage: Stage, client: httpx.AsyncClient
) -> None:
    good, broken = await labelled(stage, a_pdf(A6)), await labelled(stage, b"%PDF-1.7 torn")
    thermal = await labelled(stage, ZPL, "application/zpl")
    erased = await labelled(stage, a_pdf(A6))
    held = AnOrder()
    await stage.hear(held.created(FulfilmentState.HELD), held.reserved())
    waiting, nobody = await stage.shipment(held), UUID(int=1)
    async with stage.database.engine.begin() as connection:
        forget = text("update document set content = null where shipment_id = :id")
        await connection.execute(forget, {"id": erased})

    missing = await ask(client, good, thermal, erased, waiting, nobody)
    torn = await ask(client, good, broken)

    assert missing.status_code == torn.status_code == 409
    assert missing.json()["type"] == "/problems/labels-not-printable"
    assert [(UUID(one["shipment_id"]), one["reason"]) for one in missing.json()["shipments"]] == [
        (thermal, "application/zpl"),
        (erased, "erased"),
        (waiting, "no_label"),
        (nobody, "not_found"),
    ]
    assert torn.json()["shipments"] == [{"shipment_id": str(broken), "reason": "unreadable"}]


async def test_labels_are_the_merchants_own_and_bounded_in_number_and_size(
    stage: Stage, client: httpx.AsyncClient
) -> None:
    mine = [await labelled(stage, a_pdf(A6)) for _ in range(2)]
    token = await add_token(stage.database, name="other", merchant_id="other", scopes=["shipments:read"])

    too_many = await ask(client, *(UUID(int=count) for count in range(MOST_LABELS + 1)))
    none = await client.get("/v1/labels")
    client.headers["Authorization"], own = f"Bearer {token}", client.headers["Authorization"]
    foreign = await ask(client, *mine)
    client.headers["Authorization"] = own
    async with stage.database.engine.begin() as connection:
        grow = text("update document set size_bytes = :half")
        await connection.execute(grow, {"half": MOST_BYTES // 2 + 1})
    too_large = await ask(client, *mine)

    assert (too_many.status_code, none.status_code) == (422, 422)
    assert (foreign.status_code, {one["reason"] for one in foreign.json()["shipments"]}) == (
        409,
        {"not_found"},
    )
    assert too_large.status_code == 413
