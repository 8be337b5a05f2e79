"""What shipping-service says: facts about units that were promised."""

from collections.abc import Sequence

from crossdock_chassis.handlers import Handlers
from crossdock_contracts.shipping import (
    ParcelReturnedV1,
    ParcelShippedV1,
    ShipmentCancelledV1,
    ShipmentRefusedV1,
)
from inventory_service.persistence.database import InventoryTransaction
from inventory_service.use_cases.settle_arrivals import ShippingFact


async def on_fact(events: Sequence[ShippingFact], *, tx: InventoryTransaction) -> None:
    """Note the facts. They are booked before the orders that arrived with them: see `settle_arrivals`."""
    tx.arrivals.facts += events


HANDLERS: Handlers = {
    ParcelShippedV1: on_fact,
    ShipmentRefusedV1: on_fact,
    ShipmentCancelledV1: on_fact,
    ParcelReturnedV1: on_fact,
}
