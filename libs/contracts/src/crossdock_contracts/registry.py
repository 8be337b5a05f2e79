"""Every event there is, by its CloudEvents type."""

from collections.abc import Mapping
from types import MappingProxyType

from crossdock_contracts import inventory, notifications, orders, shipping
from crossdock_contracts.envelope import Event, concrete

PUBLISHERS = (orders, inventory, shipping, notifications)

#: CloudEvents type -> model.
EVENTS: Mapping[str, type[Event]] = MappingProxyType({one.TYPE: one for one in concrete(Event)})
