"""What order-service says: whole orders, of which the newest counts."""

from collections.abc import Sequence

from crossdock_chassis.handlers import Handlers
from crossdock_contracts.orders import OrderCancelledV1, OrderChangedV1, OrderCreatedV1, OrderSnapshot
from notify_service.persistence.transaction import NotifyTransaction
from notify_service.use_cases.take_snapshots import take_snapshots


async def on_order(events: Sequence[OrderSnapshot], *, tx: NotifyTransaction) -> None:
    await take_snapshots(events, tx=tx)


HANDLERS: Handlers = {OrderCreatedV1: on_order, OrderChangedV1: on_order, OrderCancelledV1: on_order}
