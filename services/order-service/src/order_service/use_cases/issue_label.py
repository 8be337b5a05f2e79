"""Labels that the marketplace issues: owed to shipping from its request until the label is provided."""

import base64
import hashlib
from collections.abc import Collection
from enum import StrEnum
from uuid import UUID

from crossdock_contracts.envelope import Actor, ActorKind, Cause
from crossdock_contracts.orders import LabelDocument, OrderLabelProvidedV1
from crossdock_contracts.shipping import ShipmentCancelledV1, ShipmentLabelRequestedV1
from order_service.domain.leg import LegState, Packed
from order_service.domain.order import LabelSource, Order
from order_service.domain.order_table import OrderStatus
from order_service.domain.write_back import units_in
from order_service.use_cases import obligations
from order_service.use_cases.marketplace import IssuedLabel, LabelWish
from order_service.use_cases.ports import Obligation, Transaction

#: What fits into the event as base64; see LabelDocument in the contracts.
MOST_BYTES = 180_000 // 4 * 3
STOPPED = frozenset({OrderStatus.CANCELLING, OrderStatus.CANCELLED, OrderStatus.CLOSED})


async def owe_label(event: ShipmentLabelRequestedV1, order: Order, *, tx: Transaction) -> None:
    """Ask the marketplace for the label, once. An earlier request of the shipment is not wanted any more.

    Nothing is owed for an order that is being cancelled or is closed, or for units that shipping has given
    back already.
    """
    known = await _labels_of(order.identity.order_id, [event.shipment_id], tx=tx)
    await obligations.withdraw([one for one in known if one.subject != str(event.parcel_id)], tx=tx)
    legs = order.process.known([one.allocation_id for one in event.contents])
    given_back = bool(legs) and all(leg.state is LegState.CANCELLED for leg in legs)
    asked_before = any(one.subject == str(event.parcel_id) for one in known)
    if asked_before or given_back or order.status in STOPPED:
        return
    contents = [
        Packed(one.allocation_id, one.line_id, one.external_line_ids, one.sku, one.units)
        for one in event.contents
    ]
    details = {
        "shipment_id": str(event.shipment_id),
        "warehouse": event.warehouse,
        "weight_g": event.weight_g,
        "units": {line: units for line, units in units_in(order.lines, contents).items() if units},
    }
    await obligations.owe(order, "label", str(event.parcel_id), details, cause=event.cause, tx=tx)


async def shipment_cancelled(event: ShipmentCancelledV1, order: Order, *, tx: Transaction) -> None:
    """Shipping will not send these shipments: their labels are not wanted any more."""
    if event.shipment_ids and order.terms.label_source is LabelSource.MARKETPLACE:
        await obligations.withdraw(await _labels_of(event.order_id, event.shipment_ids, tx=tx), tx=tx)


async def _labels_of(order_id: UUID, shipment_ids: Collection[UUID], *, tx: Transaction) -> list[Obligation]:
    shipments = {str(one) for one in shipment_ids}
    owed = await tx.obligations.lock_of_order(order_id, "label")
    return [one for one in owed if one.details["shipment_id"] in shipments]


def wish_of(obligation: Obligation) -> LabelWish:
    """The call an obligation asks for."""
    details = obligation.details
    return LabelWish(details["external_id"], obligation.subject, details["units"], details["weight_g"])


class Wanted(StrEnum):
    """Whether the marketplace is to be asked for a label now."""

    YES = "yes"
    NO = "no"
    LATER = "later"  # the order is held: nothing leaves, and nothing is paid for


async def wanted(obligation: Obligation, *, tx: Transaction) -> Wanted:
    """To be asked right before every call. An order that is being cancelled wants no label any more."""
    if obligation.state in {"confirmed", "withdrawn"}:
        return Wanted.NO
    order = await tx.orders.get(obligation.merchant_id, obligation.order_id)
    if order.status in STOPPED:
        await obligations.withdraw([obligation], tx=tx)
        return Wanted.NO
    return Wanted.LATER if order.status is OrderStatus.HELD else Wanted.YES


async def in_doubt(obligation: Obligation, *, tx: Transaction) -> None:
    """The label was given up while nobody knew whether it was made: a person looks there."""
    await tx.exceptions.raise_all(
        [(obligation.merchant_id, obligation.order_id, "label_in_doubt", obligation.subject, None)]
    )


def fault_of(issued: IssuedLabel) -> str | None:
    """Why shipping could not use it; None: it can."""
    if not issued.content:
        return "label_is_empty"
    if len(issued.content) > MOST_BYTES:
        return "label_too_large"
    if not 0 < len(issued.tracking_number) <= 128:
        return "label_without_number"
    if max(len(issued.carrier), len(issued.media_type)) > 64 or len(issued.service) > 128:
        return "label_names_too_long"
    return None


async def provide(obligation: Obligation, issued: IssuedLabel, *, cause: Cause, tx: Transaction) -> None:
    """Hand the label to shipping. One that was withdrawn meanwhile goes there, too: it shows and voids it.

    A fact about a parcel, not a new version of the order: nobody answers it.
    """
    order = await tx.orders.get(obligation.merchant_id, obligation.order_id)
    document = LabelDocument(
        document_id=tx.new_id(),
        media_type=issued.media_type,
        sha256=hashlib.sha256(issued.content).hexdigest(),
        content_base64=base64.b64encode(issued.content).decode(),
    )
    event = OrderLabelProvidedV1(
        merchant_id=obligation.merchant_id,
        aggregate_version=order.version,
        actor=Actor(kind=ActorKind.MARKETPLACE, name=obligation.platform),
        order_id=obligation.order_id,
        shipment_id=UUID(obligation.details["shipment_id"]),
        parcel_id=UUID(obligation.subject),
        carrier=issued.carrier,
        service=issued.service,
        tracking_number=issued.tracking_number,
        label=document,
    )
    await tx.outbox.add(event, caused_by=cause)
    await obligations.confirm([(obligation, issued.tracking_number)], tx=tx)
