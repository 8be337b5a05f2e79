"""shipping-service's words."""

from collections.abc import Sequence

from crossdock_chassis.handlers import Handlers
from crossdock_contracts.shipping import (
    ParcelDeliveredV1,
    ParcelEvent,
    ParcelExceptionV1,
    ParcelLabelledV1,
    ParcelReturnedV1,
    ParcelShippedV1,
    ParcelTrackedV1,
    ShipmentCancelledV1,
    ShipmentEvent,
    ShipmentLabelRequestedV1,
    ShipmentRefusedV1,
    ShipmentRejectedV1,
)
from order_service.messaging.measures import measure_shipped
from order_service.persistence.transaction import OrderTransaction
from order_service.use_cases.follow_events import follow_events


async def on_parcel(events: Sequence[ParcelEvent], *, tx: OrderTransaction) -> None:
    """A parcel went one step further."""
    await follow_events(events, tx=tx)
    measure_shipped(events)


async def on_shipment(events: Sequence[ShipmentEvent], *, tx: OrderTransaction) -> None:
    """A leg was rejected, cancelled or could not be; or a marketplace's label is needed."""
    await follow_events(events, tx=tx)


HANDLERS: Handlers = {
    ParcelLabelledV1: on_parcel,
    ShipmentRejectedV1: on_shipment,
    ShipmentLabelRequestedV1: on_shipment,
    ParcelShippedV1: on_parcel,
    ShipmentCancelledV1: on_shipment,
    ShipmentRefusedV1: on_shipment,
    ParcelTrackedV1: on_parcel,
    ParcelExceptionV1: on_parcel,
    ParcelDeliveredV1: on_parcel,
    ParcelReturnedV1: on_parcel,
}
