"""What shipping-service tells: parcels on their way, and what a wish to cancel or change came to."""

from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from pydantic import Field

from crossdock_contracts.envelope import Country, Money, OrderKeyed, Record, Sku, Timestamp

SOURCE = "/crossdock/shipping"


class Content(Record):
    """Units of one allocation inside a parcel, with the platform's own line ids for the write-back."""

    allocation_id: UUID
    line_id: UUID
    external_line_ids: tuple[str, ...]
    sku: Sku
    units: int = Field(ge=1)


class ParcelEvent(OrderKeyed):
    """One box. `order_version`, `label_revision`: of the order snapshot that its label was bought for."""

    SOURCE: ClassVar[str] = SOURCE

    order_version: int = Field(ge=1)
    label_revision: int = Field(ge=1)
    shipment_id: UUID
    parcel_id: UUID
    warehouse: str = Field(min_length=1, max_length=64)
    carrier: str = Field(min_length=1, max_length=64)
    service: str = Field(min_length=1, max_length=128)
    tracking_number: str = Field(min_length=1, max_length=128)
    tracking_url: str | None = Field(default=None, max_length=2000)
    contents: tuple[Content, ...] = Field(min_length=1)


class ParcelLabelledV1(ParcelEvent):
    """A label is bought and stored. Said again when the same label also holds for a changed order."""

    TYPE: ClassVar[str] = "crossdock.parcel.labelled.v1"
    TOPIC: ClassVar[str] = "parcel.labelled"

    weight_g: int = Field(ge=1)
    cost: Money | None
    document_id: UUID
    labelled_at: Timestamp


class ParcelShippedV1(ParcelEvent):
    """Fact: the parcel was handed over to the carrier. Its units have left the warehouse."""

    TYPE: ClassVar[str] = "crossdock.parcel.shipped.v1"
    TOPIC: ClassVar[str] = "parcel.shipped"

    handed_over_at: Timestamp


class ParcelStatus(StrEnum):
    """The carrier's word, normalised; one that we do not know is `unknown`, never guessed."""

    CREATED = "created"
    ACCEPTED = "accepted"
    IN_TRANSIT = "in_transit"
    IN_CUSTOMS = "in_customs"
    CUSTOMS_HOLD = "customs_hold"
    OUT_FOR_DELIVERY = "out_for_delivery"
    AVAILABLE_FOR_PICKUP = "available_for_pickup"
    DELIVERY_FAILED = "delivery_failed"
    DELIVERED = "delivered"
    DELAYED = "delayed"
    EXCEPTION = "exception"
    RETURNING = "returning"
    RETURNED = "returned"
    LOST = "lost"
    DESTROYED = "destroyed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    UNKNOWN = "unknown"


class Scan(Record):
    """One tracking event of the carrier; its identity is (tracking number, raw code, local time, place)."""

    scan_id: UUID
    status: ParcelStatus
    raw_code: str = Field(max_length=64)
    occurred_at: Timestamp
    city: str | None = Field(default=None, max_length=255)
    country: Country | None = None


class ParcelTrackedV1(ParcelEvent):
    """Fact: the carrier scanned the parcel."""

    TYPE: ClassVar[str] = "crossdock.parcel.tracked.v1"
    TOPIC: ClassVar[str] = "parcel.tracked"

    scan: Scan


class ParcelDeliveredV1(ParcelEvent):
    TYPE: ClassVar[str] = "crossdock.parcel.delivered.v1"
    TOPIC: ClassVar[str] = "parcel.delivered"

    delivered_at: Timestamp


class ParcelExceptionV1(ParcelEvent):
    """Something on the way needs a person or is late; `status` says what."""

    TYPE: ClassVar[str] = "crossdock.parcel.exception.v1"
    TOPIC: ClassVar[str] = "parcel.exception"

    scan: Scan


class ParcelReturnedV1(ParcelEvent):
    TYPE: ClassVar[str] = "crossdock.parcel.returned.v1"
    TOPIC: ClassVar[str] = "parcel.returned"

    returned_at: Timestamp


class ShipmentEvent(OrderKeyed):
    SOURCE: ClassVar[str] = SOURCE

    order_version: int = Field(ge=1, description="the newest order version shipping knew when it said this")


class ShipmentRejectedV1(ShipmentEvent):
    """No label could be had: the carrier, or our own check before asking it, said no. A person repairs it."""

    TYPE: ClassVar[str] = "crossdock.shipment.rejected.v1"
    TOPIC: ClassVar[str] = "shipment.rejected"

    shipment_id: UUID
    allocation_ids: tuple[UUID, ...]
    carrier: str | None = Field(default=None, max_length=64)
    code: str = Field(max_length=128)
    field: str | None = Field(default=None, max_length=128)


class Request(StrEnum):
    """What shipping was asked for."""

    CANCEL = "cancel"  # order.cancelled
    CHANGE = "change"  # order.changed with a higher label revision
    WITHDRAW = "withdraw"  # stock.reserved with withdrawn allocations


class VoidState(StrEnum):
    """What becomes of a label that was bought before the cancel. Stock does not wait for it."""

    NONE = "none"  # there was no label
    PENDING = "pending"
    VOIDED = "voided"
    ABANDONED = "abandoned"  # the carrier cannot or will not; a reconciliation task


class ShipmentCancelledV1(ShipmentEvent):
    """These allocations will never be shipped: their units are free. Empty for an order without any leg.

    `pending_allocation_ids` are those of the same order that have still to answer the same request.
    """

    TYPE: ClassVar[str] = "crossdock.shipment.cancelled.v1"
    TOPIC: ClassVar[str] = "shipment.cancelled"

    request: Request
    shipment_ids: tuple[UUID, ...]
    allocation_ids: tuple[UUID, ...]
    pending_allocation_ids: tuple[UUID, ...]
    void: VoidState


class ShipmentRefusedV1(ShipmentEvent):
    """Too late: these allocations are handed over (or cannot be stopped), as the parcel says."""

    TYPE: ClassVar[str] = "crossdock.shipment.refused.v1"
    TOPIC: ClassVar[str] = "shipment.refused"

    request: Request
    shipment_ids: tuple[UUID, ...]
    allocation_ids: tuple[UUID, ...]
    pending_allocation_ids: tuple[UUID, ...]
    code: str = Field(max_length=128, description="handed_over, ...")


class ShipmentLabelRequestedV1(ShipmentEvent):
    """The marketplace issues this label: order-service, which holds its tokens, is asked to get it."""

    TYPE: ClassVar[str] = "crossdock.shipment.label_requested.v1"
    TOPIC: ClassVar[str] = "shipment.label_requested"

    shipment_id: UUID
    parcel_id: UUID
    label_revision: int = Field(ge=1)
    warehouse: str = Field(min_length=1, max_length=64)
    weight_g: int = Field(ge=1)
    contents: tuple[Content, ...] = Field(min_length=1)
