"""Who listens to what. tests/contracts holds this beside the services' own handler tables."""

from collections.abc import Mapping
from types import MappingProxyType

from crossdock_contracts import inventory, orders, shipping
from crossdock_contracts.envelope import Event

LISTENS: Mapping[str, frozenset[type[Event]]] = MappingProxyType(
    {
        "order": frozenset(
            {
                inventory.StockReservedV1,
                inventory.StockRejectedV1,
                inventory.StockReleasedV1,
                inventory.StockLevelChangedV1,
                inventory.SkuChangedV1,
                shipping.ParcelLabelledV1,
                shipping.ParcelShippedV1,
                shipping.ParcelTrackedV1,
                shipping.ParcelDeliveredV1,
                shipping.ParcelExceptionV1,
                shipping.ParcelReturnedV1,
                shipping.ShipmentRejectedV1,
                shipping.ShipmentCancelledV1,
                shipping.ShipmentRefusedV1,
                shipping.ShipmentLabelRequestedV1,
            }
        ),
        "inventory": frozenset(
            {
                orders.OrderCreatedV1,
                orders.OrderChangedV1,
                orders.OrderCancelledV1,
                shipping.ParcelShippedV1,
                shipping.ParcelReturnedV1,
                shipping.ShipmentCancelledV1,
                shipping.ShipmentRefusedV1,
            }
        ),
        "shipping": frozenset(
            {
                orders.OrderCreatedV1,
                orders.OrderChangedV1,
                orders.OrderCancelledV1,
                orders.OrderLabelProvidedV1,
                inventory.StockReservedV1,
                inventory.StockRejectedV1,
                inventory.StockReleasedV1,
            }
        ),
        "notify": frozenset(
            {
                orders.OrderCreatedV1,
                orders.OrderChangedV1,
                orders.OrderCancelledV1,
                shipping.ParcelShippedV1,
                shipping.ParcelExceptionV1,
                shipping.ParcelDeliveredV1,
                shipping.ShipmentRejectedV1,
            }
        ),
    }
)
