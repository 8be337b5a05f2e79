"""What order-service says: whole orders, of which inventory answers every version that is not held."""

from collections.abc import Sequence

from crossdock_chassis.handlers import Handlers
from crossdock_contracts.orders import OrderCancelledV1, OrderChangedV1, OrderCreatedV1, OrderSnapshot
from inventory_service.persistence.database import InventoryTransaction


async def on_order(events: Sequence[OrderSnapshot], *, tx: InventoryTransaction) -> None:
    """Note the snapshots. The transaction settles all that arrived with it at once: see `settle_arrivals`."""
    tx.arrivals.snapshots += events


HANDLERS: Handlers = {OrderCreatedV1: on_order, OrderChangedV1: on_order, OrderCancelledV1: on_order}
