"""Everything the service publishes, and what a person does about one that a restore took back: ADR 19."""

from collections.abc import Mapping
from types import MappingProxyType

from crossdock_contracts.envelope import Event
from crossdock_contracts.orders import (
    OrderCancelledV1,
    OrderChangedV1,
    OrderCreatedV1,
    OrderLabelProvidedV1,
)

#: The weightiest first: of several that a key lost it is what the person is told.
PUBLISHES: Mapping[type[Event], str] = MappingProxyType(
    {
        OrderCreatedV1: (
            "The order was imported and is not here. The poll brings it back under the same id, where "
            "the platform is polled; else have its webhook sent again. Settle the key when the order is "
            "there; what stock and shipping said of it waits behind."
        ),
        OrderCancelledV1: (
            "A cancel was asked for. Look whether the platform or a person asked, and ask again here, "
            "then settle."
        ),
        OrderChangedV1: (
            "The order was changed: by the platform, which says it again when it is polled or with its next "
            "webhook; or by a person, who has to do it again (hold, release, consignee). Then settle; if "
            "nothing changes any more, retry the order, so that the others take its present state."
        ),
        OrderLabelProvidedV1: "A person gave a label of the platform. Give it again, then settle.",
    }
)
