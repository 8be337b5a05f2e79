"""What order-service tells us."""

from collections.abc import Sequence

from crossdock_chassis.handlers import Handlers
from crossdock_contracts.orders import (
    OrderCancelledV1,
    OrderChangedV1,
    OrderCreatedV1,
    OrderLabelProvidedV1,
    OrderSnapshot,
)
from shipping_service.persistence.transaction import ShippingTransaction
from shipping_service.use_cases.take_provided_label import take_provided_labels
from shipping_service.use_cases.take_snapshots import take_snapshots


async def on_snapshot(events: Sequence[OrderSnapshot], *, tx: ShippingTransaction) -> None:
    """Whatever the topic, the snapshot says how the order stands; the wish to cancel is in it, too."""
    await take_snapshots(events, tx=tx)


async def on_label_provided(events: Sequence[OrderLabelProvidedV1], *, tx: ShippingTransaction) -> None:
    await take_provided_labels(events, tx=tx)


HANDLERS: Handlers = {
    OrderCreatedV1: on_snapshot,
    OrderChangedV1: on_snapshot,
    OrderCancelledV1: on_snapshot,
    OrderLabelProvidedV1: on_label_provided,
}
