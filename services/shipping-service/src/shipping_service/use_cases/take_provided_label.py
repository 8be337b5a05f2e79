"""order.label_provided: the marketplace issued the label that a shipment waits for."""

import base64
import binascii
import hashlib
from collections.abc import Sequence

from crossdock_contracts.orders import OrderLabelProvidedV1
from shipping_service.domain.consignment import BoughtLabel, Document, DocumentKind
from shipping_service.domain.effects import Raised
from shipping_service.domain.label import MARKETPLACE, Label
from shipping_service.use_cases.announce import announce
from shipping_service.use_cases.buy_labels import LabelRef, Sale, take_steps
from shipping_service.use_cases.ports import Transaction


async def take_provided_labels(events: Sequence[OrderLabelProvidedV1], *, tx: Transaction) -> None:
    """Store the labels. One for an earlier request is kept and shown, but not used."""
    dispatches = await tx.dispatches.lock({one.order_id: one.merchant_id for one in events})
    for event in events:
        dispatch = dispatches[event.order_id]
        label = next(
            (
                label
                for leg in dispatch.legs
                if leg.shipment_id == event.shipment_id
                for label in leg.labels
                if label.parcel_id == event.parcel_id and label.carrier == MARKETPLACE
            ),
            None,
        )
        content = _content(event)
        if label is None or content is None:
            code = "label_for_unknown_shipment" if label is None else "label_damaged"
            dispatch.effects.append(Raised(code, str(event.parcel_id), None, event.tracking_number))
            await announce(dispatch, tx=tx, actor=event.actor, cause=event.cause)
            continue
        ref = LabelRef(event.merchant_id, event.shipment_id, label.label_id, event.cause)
        await take_steps([Sale(ref, _bought(event, label, content), event.actor)], tx=tx)


def _content(event: OrderLabelProvidedV1) -> bytes | None:
    """The label's bytes; None when they are not what the event says they are."""
    try:
        content = base64.b64decode(event.label.content_base64, validate=True)
    except binascii.Error:
        return None
    intact = content and hashlib.sha256(content).hexdigest() == event.label.sha256
    return content if intact else None


def _bought(event: OrderLabelProvidedV1, label: Label, content: bytes) -> BoughtLabel:
    return BoughtLabel(
        carrier_ref=str(label.label_id),
        carrier=event.carrier,
        service=event.service,
        tracking_number=event.tracking_number,
        tracking_url=None,
        cost_minor=None,
        cost_currency=None,
        cost_exponent=None,
        documents=(Document(DocumentKind.LABEL, event.label.media_type, content),),
    )
