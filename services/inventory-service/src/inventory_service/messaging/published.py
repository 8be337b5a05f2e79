"""Everything the service publishes, and what a person does about one that a restore took back: ADR 19."""

from collections.abc import Mapping
from types import MappingProxyType

from crossdock_contracts.envelope import Event
from crossdock_contracts.inventory import (
    SkuChangedV1,
    StockLevelChangedV1,
    StockRejectedV1,
    StockReleasedV1,
    StockReservedV1,
)

#: The weightiest first: of several that a key lost it is what the person is told.
PUBLISHES: Mapping[type[Event], str] = MappingProxyType(
    {
        StockReservedV1: (
            "Stock was promised to the order, and shipping may have packed it. Book receipts and "
            "adjustments of the lost time again first, so that there is as much to promise; then "
            "settle: the same promise gets the same id."
        ),
        StockReleasedV1: "Units of the order were given back. Settle: what led to it is read again.",
        StockRejectedV1: "The order was told that there is nothing. Settle: it is looked at again.",
        SkuChangedV1: (
            "The SKU was entered or changed by a person. Enter it again as the event shows it, then settle."
        ),
        StockLevelChangedV1: (
            "The level was another. Compare it with a count of the warehouse, book the receipts and "
            "adjustments of the lost time again, then settle."
        ),
    }
)
