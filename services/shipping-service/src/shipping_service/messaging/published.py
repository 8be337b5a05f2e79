"""Everything the service publishes, and what a person does about one that a restore took back: ADR 19."""

from collections.abc import Mapping
from types import MappingProxyType

from crossdock_contracts.envelope import Event
from crossdock_contracts.shipping import (
    ParcelDeliveredV1,
    ParcelExceptionV1,
    ParcelLabelledV1,
    ParcelReturnedV1,
    ParcelShippedV1,
    ParcelTrackedV1,
    ShipmentCancelledV1,
    ShipmentLabelRequestedV1,
    ShipmentRefusedV1,
    ShipmentRejectedV1,
)

#: The weightiest first: of several that a key lost it is what the person is told.
PUBLISHES: Mapping[type[Event], str] = MappingProxyType(
    {
        ParcelLabelledV1: (
            "A label was bought, and is paid for. Settle; its purchase then waits as an unknown "
            "outcome: enter the label with the number that the event shows. Never say that it was not "
            "bought before the carrier's books do."
        ),
        ParcelShippedV1: (
            "The parcel has left. Settle, enter its label if that is asked for, and hand the shipment "
            "over again here."
        ),
        ShipmentLabelRequestedV1: "The platform was asked for a label. Settle: it is asked again.",
        ShipmentCancelledV1: (
            "A cancel was granted and its label perhaps voided. Settle, then look into the carrier's "
            "books whether a label is still live."
        ),
        ShipmentRefusedV1: "A cancel came too late. Settle: it is answered again.",
        ParcelReturnedV1: "The parcel came back. Settle: the carrier tells it again when it is asked.",
        ParcelDeliveredV1: "The parcel has arrived. Settle: the carrier tells it again when it is asked.",
        ParcelExceptionV1: "The carrier told of trouble. Settle: it tells it again when it is asked.",
        ParcelTrackedV1: "The carrier scanned the parcel. Settle: it tells it again when it is asked.",
        ShipmentRejectedV1: "The carrier refused, or a person has to mend it. Settle: it is tried again.",
    }
)
