"""inventory-service's words."""

from collections.abc import Sequence

from crossdock_chassis.handlers import Handlers
from crossdock_contracts.inventory import (
    SkuChangedV1,
    StockAnswer,
    StockRejectedV1,
    StockReleasedV1,
    StockReservedV1,
)
from order_service.persistence.transaction import OrderTransaction
from order_service.use_cases.follow_events import follow_events
from order_service.use_cases.learn_skus import learn_skus


async def on_stock(events: Sequence[StockAnswer], *, tx: OrderTransaction) -> None:
    """An order's stock was promised, refused or freed."""
    await follow_events(events, tx=tx)


async def on_sku_changed(events: Sequence[SkuChangedV1], *, tx: OrderTransaction) -> None:
    """A SKU became known, or its customs data did: orders that waited for it go on."""
    await learn_skus(events, tx=tx)


HANDLERS: Handlers = {
    SkuChangedV1: on_sku_changed,
    StockReservedV1: on_stock,
    StockRejectedV1: on_stock,
    StockReleasedV1: on_stock,
}
