"""Labels that the marketplace issues: asked for, waited for, used once."""

import base64
import hashlib

from crossdock_chassis.ids import new_id
from crossdock_contracts.orders import LabelDocument, LabelSource, OrderLabelProvidedV1
from crossdock_contracts.shipping import (
    ParcelShippedV1,
    ShipmentCancelledV1,
    ShipmentLabelRequestedV1,
    VoidState,
)

from .samples import HAMBURG, MERCHANT, ORDERS, AnOrder, as_read
from .stage import Stage, names, only

PDF = b"%PDF-1.7 of the marketplace"


def provided(
    request: ShipmentLabelRequestedV1, *, sha256: str | None = None, version: int = 9
) -> OrderLabelProvidedV1:
    return as_read(
        OrderLabelProvidedV1(
            merchant_id=MERCHANT,
            aggregate_version=version,
            actor=ORDERS,
            order_id=request.order_id,
            shipment_id=request.shipment_id,
            parcel_id=request.parcel_id,
            carrier="SPX",
            service="Standard",
            tracking_number="SPX001",
            label=LabelDocument(
                document_id=new_id(),
                media_type="application/pdf",
                sha256=sha256 or hashlib.sha256(PDF).hexdigest(),
                content_base64=base64.b64encode(PDF).decode(),
            ),
        )
    )


async def requested(stage: Stage, order: AnOrder) -> ShipmentLabelRequestedV1:
    said = await stage.hear(order.created(), order.reserved())
    return only(ShipmentLabelRequestedV1, said)


async def test_a_label_is_requested_stored_and_handed_over_without_any_carrier(stage: Stage) -> None:
    order = AnOrder(label_source=LabelSource.MARKETPLACE)
    request = await requested(stage, order)

    said = await stage.hear(provided(request))

    assert names(said) == ["parcel.labelled", "parcel.shipped"]
    shipped = said[1]
    assert isinstance(shipped, ParcelShippedV1)
    assert (shipped.carrier, shipped.tracking_number) == ("SPX", "SPX001")
    assert stage.carrier.calls == []
    assert [one.content for one in await stage.rows("select content from document")] == [PDF]


async def test_a_cancel_of_a_request_is_answered_at_once_and_a_late_label_is_shown(stage: Stage) -> None:
    order = AnOrder(label_source=LabelSource.MARKETPLACE)
    request = await requested(stage, order)

    cancelled = only(ShipmentCancelledV1, await stage.hear(order.cancelled()))
    late = await stage.hear(provided(request))

    assert cancelled.void is VoidState.NONE
    assert late == []
    assert await stage.labels(order) == ["abandoned"]
    assert await stage.exceptions(order) == ["label_came_late", "label_not_voided"]


async def test_a_label_for_the_old_address_is_never_used_for_the_new_one(stage: Stage) -> None:
    order = AnOrder(label_source=LabelSource.MARKETPLACE)
    old = await requested(stage, order)
    new = only(ShipmentLabelRequestedV1, await stage.hear(order.moved_to(HAMBURG)))

    said_of_old = await stage.hear(provided(old))
    said_of_new = await stage.hear(provided(new))

    assert new.parcel_id != old.parcel_id
    assert said_of_old == []
    assert names(said_of_new) == ["parcel.labelled", "parcel.shipped"]


async def test_a_label_that_is_not_what_it_says_is_shown_and_not_used(stage: Stage) -> None:
    order = AnOrder(label_source=LabelSource.MARKETPLACE)
    request = await requested(stage, order)

    said = await stage.hear(provided(request, sha256="0" * 64))

    assert said == []
    assert await stage.exceptions(order) == ["label_damaged"]
    assert await stage.states(order) == ["buying"]
