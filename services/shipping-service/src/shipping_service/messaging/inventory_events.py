"""What inventory-service tells us."""

from collections.abc import Sequence

from crossdock_chassis.handlers import Handlers
from crossdock_contracts.inventory import StockRejectedV1, StockReleasedV1, StockReservedV1
from shipping_service.persistence.transaction import ShippingTransaction
from shipping_service.use_cases.take_stock import take_rejections, take_releases, take_reservations


async def on_reserved(events: Sequence[StockReservedV1], *, tx: ShippingTransaction) -> None:
    await take_reservations(events, tx=tx)


async def on_rejected(events: Sequence[StockRejectedV1], *, tx: ShippingTransaction) -> None:
    await take_rejections(events, tx=tx)


async def on_released(events: Sequence[StockReleasedV1], *, tx: ShippingTransaction) -> None:
    await take_releases(events, tx=tx)


HANDLERS: Handlers = {
    StockReservedV1: on_reserved,
    StockRejectedV1: on_rejected,
    StockReleasedV1: on_released,
}
