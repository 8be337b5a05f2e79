"""Events as the other services publish them, built from the contracts' own samples."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from crossdock_contracts.envelope import Event, EventMeta
from crossdock_contracts.orders import OrderChangedV1, OrderCreatedV1, OrderSnapshot
from crossdock_contracts.samples import sample
from crossdock_contracts.shipping import (
    ParcelDeliveredV1,
    ParcelEvent,
    ParcelExceptionV1,
    ParcelShippedV1,
    ParcelStatus,
    ShipmentRejectedV1,
)

MERCHANT = "default"
NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
STAND = UUID("01934f5e-7b1c-7000-8000-000000000011")  # two of them are ordered
CABLE = UUID("01934f5e-7b1c-7000-8000-000000000012")  # two of them are one Desk Set


def read(event: Event) -> Any:
    """The event as a consumer hands it over: with attributes."""
    meta = EventMeta(uuid4(), event.SOURCE, NOON, uuid4(), None, None)
    return type(event).read(event.model_dump_json().encode(), meta)


def a_snapshot(
    order_id: UUID,
    version: int = 1,
    *,
    state: str = "open",
    holds: tuple[str, ...] = (),
    buyer: dict[str, Any] | None = None,
    no_buyer: bool = False,
    merchant_id: str = MERCHANT,
) -> Any:
    """order.created for version 1, else order.changed. `buyer`: what differs from Jörg in Berlin."""
    kind: type[OrderSnapshot] = OrderCreatedV1 if version == 1 else OrderChangedV1
    given = sample(OrderCreatedV1.TYPE).model_dump(mode="json")
    given |= {"order_id": str(order_id), "aggregate_version": version, "merchant_id": merchant_id}
    given["fulfilment"] |= {"state": state, "holds": list(holds)}
    given["buyer"] = None if no_buyer else {**given["buyer"], **(buyer or {})}
    if state == "cancelled":
        given["lines"] = [{**line, "units": 0} for line in given["lines"]]
    return read(kind.model_validate(given))


def _a_parcel(
    kind: type[ParcelEvent], order_id: UUID, parcel_id: UUID, contents: dict[UUID, int], **more: Any
) -> Any:
    given = sample(kind.TYPE).model_dump(mode="json")
    given |= {"order_id": str(order_id), "parcel_id": str(parcel_id), **more}
    first = given["contents"][0]
    given["contents"] = [{**first, "line_id": str(line), "units": units} for line, units in contents.items()]
    return read(kind.model_validate(given))


ALL: dict[UUID, int] = {STAND: 2, CABLE: 2}


def shipped(
    order_id: UUID, parcel_id: UUID, contents: dict[UUID, int] | None = None, *, minutes: int = 0, **more: Any
) -> Any:
    at = (NOON + timedelta(minutes=minutes)).isoformat()
    return _a_parcel(ParcelShippedV1, order_id, parcel_id, contents or ALL, handed_over_at=at, **more)


def delivered(order_id: UUID, parcel_id: UUID) -> Any:
    return _a_parcel(ParcelDeliveredV1, order_id, parcel_id, ALL)


def in_trouble(order_id: UUID, parcel_id: UUID, status: ParcelStatus) -> Any:
    scan = sample(ParcelExceptionV1.TYPE).model_dump(mode="json")["scan"] | {"status": status.value}
    return _a_parcel(ParcelExceptionV1, order_id, parcel_id, ALL, scan=scan)


def rejected(order_id: UUID, shipment_id: UUID) -> Any:
    given = sample(ShipmentRejectedV1.TYPE).model_dump(mode="json")
    given |= {"order_id": str(order_id), "shipment_id": str(shipment_id)}
    return read(ShipmentRejectedV1.model_validate(given))
