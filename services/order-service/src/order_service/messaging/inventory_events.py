"""inventory-service's words."""

from collections.abc import Sequence

from crossdock_chassis.handlers import Handlers
from crossdock_contracts.inventory import (
    SkuChangedV1,
    StockAnswer,
    StockLevelChangedV1,
    StockRejectedV1,
    StockReleasedV1,
    StockReservedV1,
)
from order_service.persistence.transaction import OrderTransaction
from order_service.use_cases.follow_events import follow_events
from order_service.use_cases.learn_skus import learn_skus
from order_service.use_cases.stock_ports import SkuRef
from order_service.use_cases.tell_stock import learn_levels, skus_changed


async def on_stock(events: Sequence[StockAnswer], *, tx: OrderTransaction) -> None:
    """An order's stock was promised, refused or freed."""
    await follow_events(events, tx=tx)


async def on_sku_changed(events: Sequence[SkuChangedV1], *, tx: OrderTransaction) -> None:
    """A SKU became known, or its customs data did: orders that waited for it go on."""
    learnt = await learn_skus(events, tx=tx)
    await skus_changed([SkuRef(*one) for one in learnt], tx=tx)


async def on_level_changed(events: Sequence[StockLevelChangedV1], *, tx: OrderTransaction) -> None:
    """There is more or less of a SKU: marketplaces are told."""
    await learn_levels(events, tx=tx)


HANDLERS: Handlers = {
    SkuChangedV1: on_sku_changed,
    StockReservedV1: on_stock,
    StockRejectedV1: on_stock,
    StockReleasedV1: on_stock,
    StockLevelChangedV1: on_level_changed,
}
