"""What shipping-service says: parcels on their way, late, arrived, or without a label."""

from collections.abc import Sequence

from crossdock_chassis.handlers import Handlers
from crossdock_contracts.shipping import (
    ParcelDeliveredV1,
    ParcelExceptionV1,
    ParcelShippedV1,
    ShipmentRejectedV1,
)
from notify_service.persistence.transaction import NotifyTransaction
from notify_service.use_cases import follow_parcels


async def on_parcel_shipped(events: Sequence[ParcelShippedV1], *, tx: NotifyTransaction) -> None:
    await follow_parcels.tell_shipped(events, tx=tx)


async def on_parcel_exception(events: Sequence[ParcelExceptionV1], *, tx: NotifyTransaction) -> None:
    await follow_parcels.tell_delayed(events, tx=tx)


async def on_parcel_delivered(events: Sequence[ParcelDeliveredV1], *, tx: NotifyTransaction) -> None:
    await follow_parcels.note_delivered(events, tx=tx)


async def on_shipment_rejected(events: Sequence[ShipmentRejectedV1], *, tx: NotifyTransaction) -> None:
    await follow_parcels.tell_rejected(events, tx=tx)


HANDLERS: Handlers = {
    ParcelShippedV1: on_parcel_shipped,
    ParcelExceptionV1: on_parcel_exception,
    ParcelDeliveredV1: on_parcel_delivered,
    ShipmentRejectedV1: on_shipment_rejected,
}
